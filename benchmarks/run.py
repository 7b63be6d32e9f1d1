"""Measures what this package costs, and holds it against its budgets: ``python benchmarks/run.py``.

Every number is a comparison within this run, so that it means the same on a slow machine and on a fast one. The exit
status is 1 if a budget is missed. README.md says what the groups are.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable
from typing import Callable

import operations
import processes
from measure import Comparison

GROUPS: dict[str, tuple[str, Callable[[], Iterable[Comparison]]]] = {
    "rules": ("an operation on one rule beside create_repository", operations.compare_single_rules),
    "pages": ("a page of rules beside a page of repositories", operations.compare_pages),
    "templates": ("an operation on one template beside create_repository", operations.compare_single_templates),
    "template-pages": ("a page of templates beside a page of repositories", operations.compare_template_pages),
    "pulls": ("a pull of a cached image from a full registry beside one from a small one", operations.compare_pulls),
    "first-pull": ("a first pull beside create_repository and put_image", operations.compare_first_pulls),
    "moto": ("moto's own ECR operations, plugin on beside off", processes.compare_moto_calls),
    "pytest": ("a pytest session, plugin loaded beside not loaded", processes.compare_pytest_sessions),
    "first": ("the first ECR call of a process, plugin on beside off", processes.compare_first_calls),
    "mock": ("entering and leaving mock_aws, plugin on beside off", processes.compare_mocks),
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure this package's costs beside moto's own.")
    parser.add_argument("group", nargs="*", help=f"what to measure, of {', '.join(GROUPS)}; all of them by default")
    chosen = parser.parse_args().group or list(GROUPS)
    unknown = [name for name in chosen if name not in GROUPS]
    if unknown:
        parser.error(f"no such group: {', '.join(unknown)}")

    _stay_on_one_processor()
    start = time.monotonic()
    missed = []
    print(f"{'':36} {'ours':>12} {'beside':>12} {'median':>10}  {'middle half of rounds':24}  budget")
    for name in chosen:
        title, compare = GROUPS[name]
        print(f"{name}: {title}", flush=True)
        for comparison in compare():
            print(comparison.format(), flush=True)
            if not comparison.holds:
                missed.append(comparison.name)
    print(f"{time.monotonic() - start:.0f} s")
    print(f"missed: {'; '.join(missed)}" if missed else "every budget holds")
    return 1 if missed else 0


def _stay_on_one_processor() -> None:
    """Keep this process and its children together, if the system can.

    Only one of them runs at a time. On processors of their own, one would bear the machine's other work alone.
    """
    if sys.platform == "linux":
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


if __name__ == "__main__":
    sys.exit(main())
