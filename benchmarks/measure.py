"""What the benchmarks share: a comparison of two timings, and the budget that it is held against."""

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

    def format(self, score: float) -> str:
        return f"{score:.3f} x"


@dataclass(frozen=True)
class Extra:
    """A budget: ours takes at most ``limit`` seconds longer than theirs."""

    limit: float

    def score(self, pair: Pair) -> float:
        return pair.ours - pair.theirs

    def format(self, score: float) -> str:
        return f"{score * 1000:+.1f} ms"


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
        return median(self.scores) <= self.budget.limit

    def format(self) -> str:
        """Return a row: name, ours, theirs, score, the middle half of the rounds' scores, budget, verdict."""
        ours, theirs = (median(side) * 1000 for side in zip(*self.rounds))
        low, _, high = quantiles(self.scores, n=4, method="inclusive")
        shown, low_shown, high_shown = map(self.budget.format, (median(self.scores), low, high))
        row = f"  {self.name:34} {ours:9.3f} ms {theirs:9.3f} ms {shown:>10}  [{low_shown:>8} .. {high_shown:>8}]"
        if self.budget.limit == math.inf:
            return f"{row}  no budget"
        verdict = "holds" if self.holds else "MISSED"
        return f"{row}  <= {self.budget.format(self.budget.limit):>8}  {verdict}"


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
