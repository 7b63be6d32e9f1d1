"""What a run makes is written to disk before it is made, so that it can be deleted whatever becomes of the run."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from .rows import ROOT, Unreadable

JOURNALS = ROOT / "tests" / "verified" / "journals"
SECRET_FOLDER = "ecr-pullthroughcache/"
"""What the name of each secret of a rule has to begin with, in ECR."""

_PREFIX = re.compile(r"mep-[0-9a-f]{8}")
_SUFFIX = ".jsonl"


@dataclass(frozen=True)
class Made:
    """One thing that a run makes, or tries to."""

    kind: str
    name: str


def new_prefix() -> str:
    """Return what the names of one run begin with: random, and unlike any name that somebody chooses."""
    return f"mep-{secrets.token_hex(4)}"


def bears(prefix: str, name: str) -> bool:
    """Return whether a name is one of the run with this prefix."""
    return bool(_PREFIX.fullmatch(prefix)) and re.match(rf"{prefix}(?![0-9a-z])", name) is not None


class Journal:
    """The journal of one run: one file, a line for each thing. It is gone when all of them are deleted.

    The process that runs, or cleans, has it locked. The system takes the lock away from a process that is killed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None
        self.prefix = path.name[: -len(_SUFFIX)]
        try:
            lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
            self.account: str = lines[0]["account"]
            self.region: str = lines[0]["region"]
            self.made = [Made(line["kind"], line["name"]) for line in lines[1:]]
        except (ValueError, LookupError, TypeError) as error:
            raise Unreadable(f"{path} is no journal: {type(error).__name__}: {error}") from None

    @classmethod
    def begin(cls, directory: Path, account: str, region: str) -> Journal:
        """Begin the journal of a new run, and lock it."""
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{new_prefix()}{_SUFFIX}"
        file = path.open("a", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX)  # before there is a whole line: until then it is no journal to others
            _append(file, {"account": account, "region": region})
            journal = cls(path)
        except BaseException:
            file.close()
            path.unlink()
            raise
        journal._file = file
        return journal

    def lock(self) -> bool:
        """Keep other processes from this journal, and return whether it is there and none has it."""
        with suppress(FileNotFoundError, BlockingIOError), ExitStack() as stack:
            file = stack.enter_context(self._path.open("r+", encoding="utf-8"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file.fileno()).st_nlink:
                file.seek(0, os.SEEK_END)
                stack.pop_all()
                self._file = file
                return True
        return False

    def note(self, kind: str, name: str) -> None:
        """Write down that something is about to be made. It is on the disk when this returns."""
        made = Made(kind, name)
        if made not in self.made:
            if self._file is None:
                raise ValueError("the journal is not locked")
            _append(self._file, {"kind": kind, "name": name})
            self.made.append(made)

    def end(self) -> None:
        """All is deleted."""
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        """Let other processes have it."""
        if self._file is not None:
            self._file.close()
            self._file = None


def journals(directory: Path) -> Iterator[Journal]:
    """Yield the journals of runs that have left something."""
    for path in sorted(directory.glob(f"*{_SUFFIX}")):
        # Without a whole first line nothing was made yet.
        if _PREFIX.fullmatch(path.name[: -len(_SUFFIX)]) and "\n" in path.read_text(encoding="utf-8"):
            yield Journal(path)


def _append(file: TextIO, line: dict[str, str]) -> None:
    file.write(json.dumps(line) + "\n")
    file.flush()
    os.fsync(file.fileno())
