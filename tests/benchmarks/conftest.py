"""The programs of ``benchmarks``, which are no package: they find each other beside the one that is run."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
