"""Fresh virtual environments, in which exactly what a page says to install is installed, out of a copy of this clone.

Pages that say the same share an environment. So do the workers of pytest-xdist: whoever comes first makes it, while it
holds a lock of the operating system, which is free again whatever happens to the worker. That needs no option of xdist,
and the pages of one environment still run on several workers.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import ROOT

_NO_CONNECTION = re.compile("connection broken by")
"""What pip says of an index that it cannot reach."""


class InstallFailed(Exception):
    """Pip could not install what a page says to install."""

    def __init__(self, install: str, output: str) -> None:
        self.is_offline = bool(_NO_CONNECTION.search(output))
        super().__init__(f"{install}\n{output}")


@dataclass(frozen=True)
class Environment:
    """Where the programs of an environment are, and the copy of the clone that it was made from."""

    programs: Path
    clone: Path


def environment(shared: Path, install: str) -> Environment:
    """Return the environment that a command makes; the first call makes it.

    :param shared: a directory of the session of tests
    :raises InstallFailed: if the command fails, at each call
    """
    directory = shared / f"environment-{hashlib.sha256(install.encode()).hexdigest()[:12]}"
    directory.mkdir(parents=True, exist_ok=True)
    found = Environment(directory / "venv" / "bin", directory / "clone")
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        outcome = directory / "outcome.json"
        if not outcome.exists():
            outcome.write_text(json.dumps(_make(found, install)))
    status, output = json.loads(outcome.read_text())
    if status != 0:
        raise InstallFailed(install, output)
    return found


def _make(wanted: Environment, install: str) -> tuple[int, str]:
    """Make an environment; return the exit status of the command, and what it printed."""
    _copy_clone(wanted.clone)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(wanted.programs.parent)], check=True)
    done = subprocess.run(
        ["bash", "-e", "-c", install],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=wanted.clone,
        env={
            **os.environ,
            "PATH": f"{wanted.programs}{os.pathsep}{os.environ['PATH']}",
            # Of all that is installed a page imports little: Python compiles that when it does.
            "PIP_COMPILE": "no",
        },
    )
    return done.returncode, done.stdout


def _copy_clone(destination: Path) -> None:
    """Copy the files that git tracks, as they are now."""
    shutil.rmtree(destination, ignore_errors=True)
    tracked = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True, cwd=ROOT)
    for name in filter(None, tracked.stdout.split("\0")):
        if (ROOT / name).exists():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, destination / name)
