"""Prints what an installation takes and how long the source files are: ``python benchmarks/size.py``.

It installs the package into a new environment, as ``pip install .`` does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIST = """
import importlib.metadata, json

def size(distribution):
    paths = map(distribution.locate_file, distribution.files or ())
    return sum(path.stat().st_size for path in paths if path.is_file())

print(json.dumps({found.metadata["Name"]: size(found) for found in importlib.metadata.distributions()}))
"""


def installed_sizes(folder: Path, what: str) -> dict[str, int]:
    """Return the bytes of each distribution that an installation of ``what`` brings."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-compile", what], check=True)
    sizes = json.loads(subprocess.run([python, "-c", LIST], check=True, stdout=subprocess.PIPE).stdout)
    return {name: size for name, size in sizes.items() if name not in ("pip", "setuptools")}


def main() -> None:
    for what in (str(ROOT), f"{ROOT}[server]"):
        with tempfile.TemporaryDirectory() as folder:
            sizes = installed_sizes(Path(folder), what)
        ours = sizes.pop("moto-ecr-ptc")
        print(f"{what.replace(str(ROOT), 'moto-ecr-ptc')}: {ours / 1e6:.2f} MB")
        print(f"    and {len(sizes)} dependencies: {sum(sizes.values()) / 1e6:.1f} MB")
    sources = (ROOT / "moto_ecr_ptc").rglob("*.py")
    lengths = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in sources)
    print(f"{len(lengths)} files, {sum(lengths)} lines; median {lengths[len(lengths) // 2]}, longest {lengths[-1]}")


if __name__ == "__main__":
    main()
