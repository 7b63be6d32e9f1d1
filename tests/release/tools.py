"""The programs that build and check a release: found, and run.

Where one is not installed its tests skip; in CI, where ``.ci/run`` installs all of them, they fail.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from conftest import SCRIPTS

ROOT = Path(__file__).parents[2]


def need(program: str, package: str) -> str:
    """Return the path of a program; end the test if it is not installed."""
    found = shutil.which(program, path=os.pathsep.join([str(SCRIPTS), os.environ["PATH"]]))
    return found or _end(f"{program} is not installed ({package})")


def need_module(module: str) -> None:
    """End the test if a module of the extra ``release`` is not installed."""
    if importlib.util.find_spec(module) is None:
        _end(f"{module} is not installed (extra release)")


def need_clone() -> None:
    """End the test if the tests do not lie in a clone, as where they come from the source distribution."""
    if not (ROOT / ".git").exists():
        pytest.skip("these tests are not in a clone of the repository")


def _end(reason: str) -> str:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def run(
    *command: str | Path, folder: Path | None = None, environment: Mapping[str, str] | None = None, timeout: int = 300
) -> str:
    """Run a command that must succeed, and return what it prints."""
    # What runs there is another copy of the package, which coverage must not count.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=folder,
        env={**inherited, **(environment or {})},
        timeout=timeout,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}"
    return done.stdout
