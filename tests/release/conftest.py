"""The distributions, built once for all tests from the files that are under version control, and an environment."""

from __future__ import annotations

import json
import os
import shutil
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.release.tools import ROOT, need, need_clone, need_module, run


def tracked_files() -> list[str]:
    """Return the files that are under version control, or would be after ``git add``."""
    need_clone()
    need("git", "Debian package git")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", folder=ROOT).split("\0")
    return sorted(name for name in listed if name and (ROOT / name).is_file())


def build(folder: Path) -> Path:
    """Build the distributions in a clean copy of the sources, and return the folder that they are in."""
    source = folder / "source"
    for name in tracked_files():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)  # with the time of now, as a clone has it
    program = need("pyproject-build", "extra release")
    epoch = run("git", "log", "-1", "--format=%ct", folder=ROOT).strip()
    run(program, "--outdir", folder / "dist", folder=source, environment={"SOURCE_DATE_EPOCH": epoch})
    return folder / "dist"


def _once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Path]) -> Path:
    """Make something once for all processes of a test run."""
    need_module("filelock")
    from filelock import FileLock

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    made = folder / f"{name}.json"
    with FileLock(str(folder / f"{name}.lock")):
        if not made.is_file():
            (folder / name).mkdir()
            made.write_text(json.dumps(str(make(folder / name))))
    return Path(json.loads(made.read_text()))


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the distributions: of ``RELEASE_DIST``, which are to be published, or else built now."""
    if "RELEASE_DIST" in os.environ:
        return ROOT / os.environ["RELEASE_DIST"]
    return _once(tmp_path_factory, "build", build)


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def sdist(dist: Path) -> Path:
    (found,) = dist.glob("*.tar.gz")
    return found


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """The programs of a new environment with the wheel, what it depends upon, and pytest."""

    def install(folder: Path) -> Path:
        venv.create(folder, with_pip=True)
        programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
        run(programs / "python", "-m", "pip", "install", "--quiet", wheel, "pytest")
        return programs

    return _once(tmp_path_factory, "environment", install)
