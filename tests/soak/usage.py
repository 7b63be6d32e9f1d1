"""What a process uses: memory, descriptors, threads, and the files of uploads. Only Linux shows it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

MEBIBYTE = 1024 * 1024


class Usage(NamedTuple):
    """A sample, taken when nothing is going on and moto has no state."""

    operations: int
    """How many there were before."""

    resident: int
    """In bytes."""

    descriptors: int
    threads: int
    files: int
    """The open temporary files: what uploads and large layers are kept in."""

    def __str__(self) -> str:
        return (
            f"{self.operations:>10}  {self.resident / MEBIBYTE:>8.1f}  {self.descriptors:>11}  "
            f"{self.threads:>7}  {self.files:>5}"
        )


HEADING = "operations  RSS, MiB  descriptors  threads  files"


def measure(process_id: int, operations: int, temporary: Path) -> Usage:
    """Measure a process.

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
        resident=int(status["VmRSS"].split()[0]) * 1024,
        descriptors=len(opened),
        threads=int(status["Threads"]),
        files=sum(target.startswith(f"{temporary}/") for target in opened),
    )


def growth(samples: Sequence[Usage]) -> float:
    """Return by how many bytes the memory grows with each operation: the slope of the line that fits best."""
    mean_operations = sum(sample.operations for sample in samples) / len(samples)
    mean_resident = sum(sample.resident for sample in samples) / len(samples)
    covariance = sum((sample.operations - mean_operations) * (sample.resident - mean_resident) for sample in samples)
    return covariance / sum((sample.operations - mean_operations) ** 2 for sample in samples)
