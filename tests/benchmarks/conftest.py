"""The programs of ``benchmarks``, which are no package: they find each other beside the one that is run."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))


@pytest.fixture
def plots() -> ModuleType:
    """The module of that name, which needs matplotlib; .ci/run installs that."""
    try:
        return importlib.import_module("plots")
    except ModuleNotFoundError as error:
        reason = f"{error.name}, of the extra bench, is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
