"""From recordings to the marks of docs/fidelity.md: a row that AWS and the mock agree on is observed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .case import Observation
from .recordings import Difference, Recording, differences
from .rows import FidelityPage, Row


@dataclass
class Evidence:
    """What the recordings say of one row."""

    dates: list[str] = field(default_factory=list)
    """Of each observation about it."""

    differences: list[Difference] = field(default_factory=list)
    is_incomplete: bool = False
    """Whether an observation of the mock about it has no counterpart in a recording."""


def weigh(
    recordings: Mapping[str, Recording],
    mocked: Mapping[str, Iterable[Observation]],
    scenarios: Mapping[str, Iterable[str]],
) -> dict[str, Evidence]:
    """Return the evidence for each row that a scenario is about.

    :param mocked: what the mock says, by scenario
    :param scenarios: the rows of each scenario
    """
    found: dict[str, Evidence] = {row: Evidence() for rows in scenarios.values() for row in rows}
    for name, rows in scenarios.items():
        recording = recordings.get(name)
        if recording is None or name not in mocked:
            for row in rows:
                found[row].is_incomplete = True
            continue
        recorded = {observation.label for observation in recording.observations}
        for observation in mocked[name]:
            for row in observation.rows:
                if observation.label in recorded:
                    found[row].dates.append(recording.date)
                else:
                    found[row].is_incomplete = True
        for difference in differences(recording, mocked[name]):
            for row in difference.rows:
                found[row].differences.append(difference)
    return found


def new_mark(row: Row, evidence: Evidence, part: str | None) -> str | None:
    """Return the mark that a row deserves now, or None if it keeps the one that it has.

    :param part: what of the row is asked, if that is not all of it
    """
    if (
        not evidence.dates
        or evidence.differences
        or evidence.is_incomplete
        or row.is_observed
        or "verified" in row.mark
    ):
        return None
    date = min(evidence.dates)
    if part is None:
        return f"A verified {date}"
    return f"A verified {date} for {part}; else {row.mark}"


def mark(page: FidelityPage, evidence: Mapping[str, Evidence], parts: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Change the marks of a page, and return the old and the new one of each row that has changed."""
    changed = {}
    for row in page.rows.values():
        new = new_mark(row, evidence.get(row.id, Evidence()), parts.get(row.id))
        if new:
            page.lines[row.line] = page.with_mark(row, new)
            changed[row.id] = (row.mark, new)
    return changed
