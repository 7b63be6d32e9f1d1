"""Measures what this package costs, and holds it against its budgets: ``python benchmarks/run.py``.

Every time is compared with another within this run, so that it means the same on a slow machine and on a fast one. The
exit status is 1 if a budget is missed. README.md says what the groups are.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable
from typing import Callable, NamedTuple

import endpoint
import load
import operations
import processes
from measure import Amount, Comparison


class Group(NamedTuple):
    """What is measured together."""

    title: str
    measure: Callable[[], Iterable[Comparison | Amount]]
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
    chosen = parser.parse_args().group or list(GROUPS)
    unknown = [name for name in chosen if name not in GROUPS]
    if unknown:
        parser.error(f"no such group: {', '.join(unknown)}")

    processors = _processors()
    start = time.monotonic()
    missed = []
    print(f"{'':36} {'ours':>12} {'beside':>12} {'median':>10}  {'middle half of rounds':24}  budget")
    for name in chosen:
        group = GROUPS[name]
        _stay_on({max(processors)} if group.one_processor else processors)
        print(f"{name}: {group.title}", flush=True)
        for row in group.measure():
            print(row.format(), flush=True)
            if not row.holds:
                missed.append(row.name)
    print(f"{time.monotonic() - start:.0f} s")
    print(f"missed: {'; '.join(missed)}" if missed else "every budget holds")
    return 1 if missed else 0


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
