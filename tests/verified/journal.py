"""What a run makes is written to disk before it is made, so that it can be deleted whatever becomes of the run."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .rows import ROOT

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
    """The journal of one run: one file, a line for each thing. It is gone when all of them are deleted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
        self.prefix = path.name[: -len(_SUFFIX)]
        self.account: str = lines[0]["account"]
        self.region: str = lines[0]["region"]
        self.made = [Made(line["kind"], line["name"]) for line in lines[1:]]

    @classmethod
    def begin(cls, directory: Path, account: str, region: str) -> Journal:
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{new_prefix()}{_SUFFIX}"
        _append(path, {"account": account, "region": region})
        return cls(path)

    def note(self, kind: str, name: str) -> None:
        """Write down that something is about to be made. It is on the disk when this returns."""
        made = Made(kind, name)
        if made not in self.made:
            _append(self._path, {"kind": kind, "name": name})
            self.made.append(made)

    def end(self) -> None:
        """All is deleted."""
        self._path.unlink()


def journals(directory: Path) -> Iterator[Journal]:
    """Yield the journals of runs that have left something."""
    for path in sorted(directory.glob(f"*{_SUFFIX}")):
        # Without a whole first line nothing was made yet.
        if _PREFIX.fullmatch(path.name[: -len(_SUFFIX)]) and "\n" in path.read_text(encoding="utf-8"):
            yield Journal(path)


def _append(path: Path, line: dict[str, str]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())
