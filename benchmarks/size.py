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
LIST = "import importlib.metadata as m, json; print(json.dumps({d.name: sum(f.locate().stat().st_size for f in d.files or () if f.locate().is_file()) for d in m.distributions()}))"


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
        extra = what[len(str(ROOT)) :]
        print(
            f"moto-ecr-ptc{extra}: {ours / 1e6:.2f} MB; {len(sizes)} dependencies: {sum(sizes.values()) / 1e6:.1f} MB"
        )
    lengths = sorted(
        len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / "moto_ecr_ptc").rglob("*.py")
    )
    print(f"{len(lengths)} files, {sum(lengths)} lines; median {lengths[len(lengths) // 2]}, longest {lengths[-1]}")


if __name__ == "__main__":
    main()
