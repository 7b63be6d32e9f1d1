"""Measures what this package costs, and holds it against its budgets: ``python benchmarks/run.py``.

Every time is compared with another within this run, so that it means the same on a slow machine and on a fast one. The
exit status is 1 if a budget is missed. docs/benchmarks.md says what the groups are.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Callable, NamedTuple

import endpoint
import growth
import load
import operations
import processes
import results
from measure import Amount, Comparison, Curve


class Group(NamedTuple):
    """What is measured together."""

    title: str
    measure: Callable[[], Iterable[Comparison | Curve | Amount]]
    one_processor: bool = True
    """Whether all of it stays on one processor: where only one of the processes has anything to do at a time."""


GROUPS = {
    "rules": Group("an operation on one rule beside create_repository", operations.compare_single_rules),
    "pages": Group("a page of rules beside a page of repositories", operations.compare_pages),
    "templates": Group("an operation on one template beside create_repository", operations.compare_single_templates),
    "template-pages": Group("a page of templates beside a page of repositories", operations.compare_template_pages),
    "pulls": Group(
        "a pull of a cached image from a full registry beside one from a small one", operations.compare_pulls
    ),
    "growth": Group(
        "calls where there are many rules, repositories, images or layers beside few", growth.measure_growth
    ),
    "first-pull": Group("a first pull beside create_repository and put_image", operations.compare_first_pulls),
    "moto": Group("moto's own ECR operations, plugin on beside off", processes.compare_moto_calls),
    "pytest": Group("a pytest session, plugin loaded beside not loaded", processes.compare_pytest_sessions),
    "first": Group("the first ECR call of a process, plugin on beside off", processes.compare_first_calls),
    "mock": Group("entering and leaving mock_aws, plugin on beside off", processes.compare_mocks),
    "endpoint": Group("the registry endpoint beside CNCF distribution", endpoint.compare, one_processor=False),
    "memory": Group("a server's memory while it has large blobs", load.measure_memory, one_processor=False),
    "crowd": Group("32 clients pull 20 images each through the cache", load.measure_crowd, one_processor=False),
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure this package's costs beside moto's own.")
    parser.add_argument("group", nargs="*", help=f"what to measure, of {', '.join(GROUPS)}; all of them by default")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too, for report.py")
    options = parser.parse_args()
    chosen = options.group or list(GROUPS)
    unknown = [name for name in chosen if name not in GROUPS]
    if unknown:
        parser.error(f"no such group: {', '.join(unknown)}")
    if options.json and not options.json.parent.is_dir():
        parser.error(f"{options.json.parent} is no directory")

    start = time.monotonic()
    measured = [_measure(name) for name in chosen]
    run = results.results_of_run(measured, time.monotonic() - start)
    if options.json:
        run.write(options.json)
    _print_table(run.groups)
    print(f"\n{run.seconds} s; {run.machine}; {', '.join(map(' '.join, run.versions.items()))}")
    print(f"missed: {'; '.join(run.missed)}" if run.missed else "every budget holds")
    return 1 if run.missed else 0


def _measure(name: str) -> results.Group:
    """Measure a group, and tell on standard error how far it is."""
    group = GROUPS[name]
    processors = _processors()
    _stay_on({max(processors)} if group.one_processor else processors)
    start = time.monotonic()
    print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
    rows = [measured.row() for measured in group.measure()]
    print(f"{time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    return results.Group(name, group.title, rows)


def _print_table(groups: Sequence[results.Group]) -> None:
    table = [("group", *results.HEADINGS)]
    table += [(group.name, *results.cells(row)) for group in groups for row in group.rows]
    widths = [max(map(len, column)) for column in zip(*table)]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def _processors() -> set[int]:
    return os.sched_getaffinity(0) if sys.platform == "linux" else {0}


def _stay_on(processors: set[int]) -> None:
    """Keep this process and its children on these processors, if the system can.

    Where only one of them runs at a time, they share one: otherwise one would bear the machine's other work alone.
    """
    if sys.platform == "linux":
        os.sched_setaffinity(0, processors)


if __name__ == "__main__":
    sys.exit(main())
