"""What a process uses: memory, descriptors, threads, and the files of uploads. Only Linux shows it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import NamedTuple

MEBIBYTE = 1024 * 1024


class Usage(NamedTuple):
    """A sample, taken when nothing is going on and moto has no state."""

    operations: int
    """How many there were before."""

    allocated: int
    """What Python objects take up, in bytes: what is left behind shows here, whatever the allocator keeps for later."""

    resident: int
    """In bytes."""

    descriptors: int
    threads: int
    files: int
    """The open temporary files: what uploads and large layers are kept in."""

    def __str__(self) -> str:
        return (
            f"{self.operations:>10}  {self.allocated / MEBIBYTE:>14.2f}  {self.resident / MEBIBYTE:>8.1f}  "
            f"{self.descriptors:>11}  {self.threads:>7}  {self.files:>5}"
        )


HEADING = "operations  allocated, MiB  RSS, MiB  descriptors  threads  files"


def measure(process_id: int, operations: int, allocated: int, temporary: Path) -> Usage:
    """Measure a process.

    :param allocated: what tracemalloc says of it, which only the process itself can ask
    :param temporary: the directory of its temporary files
    """
    information = Path(f"/proc/{process_id}")
    status = dict(line.split(":", 1) for line in (information / "status").read_text().splitlines())
    opened = []
    for link in (information / "fd").iterdir():
        try:
            opened.append(os.readlink(link))
        except FileNotFoundError:  # noqa: PERF203 (it was closed meanwhile, as is the directory itself)
            continue
    return Usage(
        operations,
        allocated,
        resident=int(status["VmRSS"].split()[0]) * 1024,
        descriptors=len(opened),
        threads=int(status["Threads"]),
        files=sum(target.startswith(f"{temporary}/") for target in opened),
    )


def growth(samples: Sequence[Usage]) -> float:
    """Return by how many bytes the memory grows with each operation: the median of the slopes between any two samples.

    A client that calls while a sample is taken cannot move it.
    """
    return median(
        (after.allocated - before.allocated) / (after.operations - before.operations)
        for before, after in combinations(samples, 2)
        if after.operations > before.operations
    )
