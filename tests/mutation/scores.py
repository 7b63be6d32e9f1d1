"""The scores of a run of mutmut, room by room, and the mutants that no test notices.

``python -m tests.mutation.scores`` prints them, after ``mutmut run``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.mutation.equivalent import EQUIVALENT, Change

MUTMUT = str(Path(sys.executable).parent / "mutmut")
COLUMNS = ("killed", "timeout", "equivalent", "survived", "no tests", "not checked")


def main() -> None:
    rooms: dict[str, Counter[str]] = {}
    unnoticed = []
    for name, status in _results():
        room, function = _place(name)
        change = _read_change(name, function) if status in ("survived", "timeout") else None
        if change in EQUIVALENT:
            status = "equivalent"
        elif status in ("survived", "no tests"):
            unnoticed.append(name)
        rooms.setdefault(room, Counter())[status] += 1
    print("room".ljust(32), *(column.rjust(11) for column in COLUMNS), "score".rjust(8))
    for room, counts in sorted(rooms.items()):
        print(room.ljust(32), *(str(counts[column]).rjust(11) for column in COLUMNS), _score(counts).rjust(8))
    print(*("", "`mutmut show NAME` shows each of these:", *unnoticed) if unnoticed else (), sep="\n")


def _results() -> list[tuple[str, str]]:
    """Return the name and the status of each mutant."""
    lines = _run("results", "--all", "true").splitlines()
    return [(name, status) for name, status in (line.strip().split(": ") for line in lines)]


def _place(name: str) -> tuple[str, str]:
    """Return the room and the function of a mutant, which is ``room.x_f__mutmut_1`` or ``room.xǁClassǁf__mutmut_1``."""
    path, _, mangled = name.rpartition(".")
    function = re.sub(r"__mutmut_\d+$", "", mangled)
    function = function[2:].replace("ǁ", ".") if function.startswith("xǁ") else function[2:]
    return path.replace("moto_ecr_ptc.ecr.", ""), function


def _read_change(name: str, function: str) -> Change:
    lines = _run("show", name).splitlines()
    removed, added = (
        " ".join(line[1:].strip() for line in lines if re.match(rf"\{sign}(?!\{sign})", line)) for sign in "-+"
    )
    return Change(function, removed, added)


def _score(counts: Counter[str]) -> str:
    """Return the share of the mutants that the tests notice, of those that ran and that change something."""
    noticed = counts["killed"] + counts["timeout"]
    judged = noticed + counts["survived"] + counts["no tests"]
    return f"{noticed / judged:.1%}" if judged else "-"


def _run(*arguments: str) -> str:
    try:
        return subprocess.run([MUTMUT, *arguments], check=True, capture_output=True, text=True).stdout
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        sys.exit(f"There are no results of mutmut here: {error}. `tox -e mutation` makes them.")


if __name__ == "__main__":
    main()
