"""What the benchmarks share: a comparison of two timings, a single figure, and the budgets that both are held to."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Any, Callable, NamedTuple


class Pair(NamedTuple):
    """One round: how long this package's side took and how long the other, in seconds."""

    ours: float
    theirs: float


@dataclass(frozen=True)
class Ratio:
    """A budget: ours takes at most ``limit`` times as long as theirs."""

    limit: float

    def score(self, pair: Pair) -> float:
        return pair.ours / pair.theirs

    def keeps(self, score: float) -> bool:
        return score <= self.limit

    def format(self, score: float) -> str:
        return f"{score:.3f} x"

    @property
    def bound(self) -> str:
        return f"<= {self.format(self.limit):>8}"


@dataclass(frozen=True)
class Throughput(Ratio):
    """A budget: ours gets at least ``limit`` times as much done as theirs in the same time."""

    def score(self, pair: Pair) -> float:
        return pair.theirs / pair.ours

    def keeps(self, score: float) -> bool:
        return score >= self.limit

    @property
    def bound(self) -> str:
        return f">= {self.format(self.limit):>8}"


@dataclass(frozen=True)
class Extra:
    """A budget: ours takes at most ``limit`` seconds longer than theirs."""

    limit: float

    def score(self, pair: Pair) -> float:
        return pair.ours - pair.theirs

    def keeps(self, score: float) -> bool:
        return score <= self.limit

    def format(self, score: float) -> str:
        return f"{score * 1000:+.1f} ms"

    @property
    def bound(self) -> str:
        return f"<= {self.format(self.limit):>8}"


@dataclass(frozen=True)
class Figure(Ratio):
    """No budget: how many times as long as theirs ours takes, for the record."""

    limit: float = math.inf


@dataclass(frozen=True)
class Comparison:
    """Rounds of ours beside theirs. Only the two sides of one round are compared: they ran next to each other."""

    name: str
    budget: Ratio | Extra
    rounds: Sequence[Pair]

    @property
    def scores(self) -> list[float]:
        return [self.budget.score(pair) for pair in self.rounds]

    @property
    def holds(self) -> bool:
        return self.budget.keeps(median(self.scores))

    def format(self) -> str:
        """Return a row: name, ours, theirs, score, the middle half of the rounds' scores, budget, verdict."""
        ours, theirs = (median(side) * 1000 for side in zip(*self.rounds))
        low, _, high = quantiles(self.scores, n=4, method="inclusive")
        shown, low_shown, high_shown = map(self.budget.format, (median(self.scores), low, high))
        row = f"  {self.name:34} {ours:9.3f} ms {theirs:9.3f} ms {shown:>10}  [{low_shown:>8} .. {high_shown:>8}]"
        if self.budget.limit == math.inf:
            return f"{row}  no budget"
        verdict = "holds" if self.holds else "MISSED"
        return f"{row}  {self.budget.bound}  {verdict}"


@dataclass(frozen=True)
class Amount:
    """One figure, with nothing beside it, and the most that it may be."""

    name: str
    value: float
    unit: str
    limit: float | None

    @property
    def holds(self) -> bool:
        return self.limit is None or self.value <= self.limit

    def format(self) -> str:
        """Return a row: name, value, budget, verdict."""
        row = f"  {self.name:34} {self.value:9,.4g}{self.unit:3}"
        if self.limit is None:
            return f"{row:88}  no budget"
        verdict = "holds" if self.holds else "MISSED"
        return f"{row:88}  <= {self.limit:,}{self.unit}  {verdict}"


def seconds(call: Callable[[], Any]) -> float:
    """Return how long ``call`` takes."""
    start = perf_counter()
    call()
    return perf_counter() - start


def processor_seconds(call: Callable[[], Any]) -> float:
    """Return how much processor time of this process ``call`` takes.

    For budgets in milliseconds: a ratio survives that the machine does other work too, a difference grows with it.
    """
    start = process_time()
    call()
    return process_time() - start


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Collect garbage now, and not again until the end: a collection would be charged to whoever is running."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
