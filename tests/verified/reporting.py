"""What the recordings say: the rows that are verified, where the mock differs, and the marks that follow."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from . import recordings
from .case import Observation
from .cloud import mocked
from .marks import Evidence, mark, weigh
from .recordings import Recording
from .rows import FidelityPage, read_page
from .running import Scenario, run
from .scenarios import SCENARIOS
from .unasked import PARTS, reasons
from .upstreams import fill


@cache
def in_process(name: str) -> list[Observation]:
    """Run a scenario against moto in this process, and return what it sees."""
    from moto import mock_aws

    import moto_ecr_ptc  # noqa: F401  (activates the plugin; a run against AWS has no use for it)

    with mock_aws(), tempfile.TemporaryDirectory() as journals:
        fill()
        return run(SCENARIOS[name], mocked(), Path(journals)).observations


def _evidence(found: Mapping[str, Recording]) -> dict[str, Evidence]:
    scenarios: dict[str, Scenario] = {name: each for name, each in SCENARIOS.items() if each.is_in_the_model}
    mock = {name: in_process(name) for name in found if name in scenarios}
    return weigh(found, mock, {name: each.rows for name, each in scenarios.items()})


def summary(found: Mapping[str, Recording]) -> str:
    """Return in one line how many rows are verified."""
    rows = read_page().rows
    asked = {row for each in SCENARIOS.values() for row in each.rows}
    recorded = {row for recording in found.values() for each in recording.observations for row in each.rows}
    return (
        f"Of {len(rows)} rows of docs/fidelity.md {len(asked)} have a scenario; AWS was not asked about "
        f"{len(asked - recorded)} of these. To ask it: python -m tests.verified record --help (docs/verify.md)"
    )


def status(found: Mapping[str, Recording], *, list_all: bool) -> str:
    """Return the rows by mark and by what is known of them."""
    rows, evidence, unasked = read_page().rows, _evidence(found), reasons()
    states = {}
    for row in rows:
        if row in unasked:
            states[row] = unasked[row][0]
        elif row not in evidence or not evidence[row].dates:
            states[row] = "has a scenario, no recording"
        elif evidence[row].differences:
            states[row] = "the mock differs"
        else:
            states[row] = "partly recorded" if evidence[row].is_incomplete else "verified"
    lines = [f"{row}: {state}{_why(unasked, row)}" for row, state in states.items()] if list_all else []
    counted = Counter((state, rows[row].weakest_mark) for row, state in states.items())
    titles = ["A", "A-frag", "B", "D", "OCI"]
    lines.append(f"{'rows by their weakest mark':<30}" + "".join(f"{title:>8}" for title in (*titles, "all")))
    for state in sorted(set(states.values())):
        numbers = [counted[state, title] for title in titles]
        lines.append(f"{state:<30}" + "".join(f"{number:>8}" for number in (*numbers, sum(numbers))))
    return "\n".join([*lines, "", summary(found)])


def _why(unasked: Mapping[str, tuple[str, str]], row: str) -> str:
    return f" ({unasked[row][1]})" if row in unasked else ""


def differences(found: Mapping[str, Recording]) -> tuple[str, int]:
    """Return where the mock differs from the recordings, by row, and in how many rows."""
    rows, evidence = read_page().rows, _evidence(found)
    lines = []
    differing = [row for row in rows if row in evidence and evidence[row].differences]
    for row in differing:
        lines.append(f"{row}: {rows[row].behaviour}")
        lines += [f"  {difference}" for difference in evidence[row].differences]
    stopped = [f"{name} stopped: {recording.stopped}" for name, recording in found.items() if recording.stopped]
    return "\n".join([*lines, *stopped, f"The mock differs in {len(differing)} rows."]), len(differing)


def marked(page: Path, found: Mapping[str, Recording]) -> tuple[FidelityPage, dict[str, tuple[str, str]]]:
    """Return a page with the marks that follow from the recordings, and the old and new marks of what has changed."""
    text = read_page(page)
    return text, mark(text, _evidence(found), PARTS)


def compared(name: str, directory: Path = recordings.RECORDINGS) -> list[recordings.Difference]:
    """Return where the mock in this process differs from the recording of a scenario, if there is one."""
    found = recordings.read(directory)
    return recordings.differences(found[name], in_process(name)) if name in found else []
