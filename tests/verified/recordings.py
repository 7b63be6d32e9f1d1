"""Recordings of runs: one file for a scenario, so that a new answer of AWS is a small difference in one file.

A recording belongs to the repository, and is read by everybody. What it must not contain is blanked before, and
looked for once more when it is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import botocore

from .case import Observation
from .cloud import Cloud
from .rows import ROOT, Unreadable
from .running import Outcome

RECORDINGS = ROOT / "tests" / "verified" / "recordings"
FORMAT = 1
ABSENT = "<absent>"
"""In the place of a member that one of two answers has not. No answer has it: normalised texts have other words."""
_SECRETIVE = re.compile(r"(?<![0-9a-f])\d{12}(?![0-9a-f])|\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b|mep-?[0-9a-f]{8}")


class NotBlanked(Exception):
    """A recording would tell whose account it is of. It was not written."""


class Kept(Exception):
    """A run was stopped, and there is a recording of one that was not. It was not replaced."""


@dataclass(frozen=True)
class Recording:
    """What one run of a scenario saw, and where and when it was."""

    scenario: str
    source: str
    date: str
    region: str
    observations: list[Observation]
    stopped: str | None = None


@dataclass(frozen=True)
class Difference:
    """A place in which the mock does not answer as recorded."""

    rows: tuple[str, ...]
    scenario: str
    label: str
    place: str
    mock: Any
    recorded: Any

    def __str__(self) -> str:
        where = f"{self.scenario}: {self.label}" + (f": {self.place}" if self.place else "")
        return f"{where}\n    the mock: {json.dumps(self.mock)}\n    recorded: {json.dumps(self.recorded)}"


def write(directory: Path, scenario: str, outcome: Outcome, cloud: Cloud) -> Path:
    """Write the recording of a run.

    :raises NotBlanked: an account, a caller or a credential is in what was seen
    :raises Kept: the run was stopped, and the recording that there is was not
    """
    path, unfinished = directory / f"{scenario}.json", directory / f".{scenario}.unfinished"
    if outcome.stopped and path.exists() and "stopped" not in json.loads(path.read_text(encoding="utf-8")):
        raise Kept(f"the run was stopped: {outcome.stopped}; to replace the whole recording that there is, delete it")
    document: dict[str, Any] = {
        "scenario": scenario,
        "recorded": {
            "source": cloud.source,
            "date": datetime.now(timezone.utc).date().isoformat(),
            "region": cloud.region,
            "botocore": botocore.__version__,
            "format": FORMAT,
        },
        "observations": [
            {"label": observation.label, "rows": list(observation.rows), "seen": observation.seen}
            for observation in outcome.observations
        ],
    }
    if outcome.stopped:
        document["stopped"] = outcome.stopped
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if _SECRETIVE.search(text) or any(part in text for part in cloud.identity):
        raise NotBlanked(f"{scenario}: something in the answers tells whose account it is")
    directory.mkdir(parents=True, exist_ok=True)
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def read(directory: Path) -> dict[str, Recording]:
    """Return the recordings in a directory by the names of their scenarios.

    :raises Unreadable: the directory is none, or a file in it is no recording
    """
    if directory != RECORDINGS and not directory.is_dir():
        raise Unreadable(f"{directory} is no directory")
    found = {}
    for path in sorted(directory.glob("*.json")):
        try:
            recording = _recording(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise Unreadable(f"{path} is no recording: {type(error).__name__}: {error}") from None
        if recording.scenario != path.stem:
            raise Unreadable(f"{path} is a recording of another scenario: {recording.scenario}")
        found[recording.scenario] = recording
    return found


def _recording(document: dict[str, Any]) -> Recording:
    recorded = document["recorded"]
    if recorded["format"] != FORMAT:
        raise ValueError(f"it has the format {recorded['format']}, this is format {FORMAT}: record it again")
    return Recording(
        scenario=document["scenario"],
        source=recorded["source"],
        date=date.fromisoformat(recorded["date"]).isoformat(),
        region=recorded["region"],
        observations=[
            Observation(observation["label"], tuple(observation["rows"]), observation["seen"])
            for observation in document["observations"]
        ],
        stopped=document.get("stopped"),
    )


def differences(recording: Recording, mock: Iterable[Observation]) -> list[Difference]:
    """Return where the mock answers otherwise. What was not recorded, for a run that stopped, is no difference."""
    mocked = {observation.label: observation for observation in mock}
    found = []
    for recorded in recording.observations:
        if recorded.label not in mocked:
            continue  # the scenario has changed since
        own = mocked[recorded.label]
        for place, mine, theirs in _unequal(own.seen, recorded.seen, ""):
            found.append(Difference(own.rows, recording.scenario, recorded.label, place, mine, theirs))
    return found


def _unequal(mine: Any, theirs: Any, place: str) -> list[tuple[str, Any, Any]]:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return [
            unequal
            for name in sorted({*mine, *theirs})
            for unequal in _unequal(mine.get(name, ABSENT), theirs.get(name, ABSENT), f"{place}.{name}".strip("."))
        ]
    if isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        return [
            unequal
            for number, (one, other) in enumerate(zip(mine, theirs))
            for unequal in _unequal(one, other, f"{place}[{number}]")
        ]
    return [] if json.dumps(mine, sort_keys=True) == json.dumps(theirs, sort_keys=True) else [(place, mine, theirs)]
