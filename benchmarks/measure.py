"""What the benchmarks share: comparisons of timings, curves, single figures, and the budgets that they are held to."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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

    limit: float | None
    unit = "x"
    is_minimum = False

    def score(self, pair: Pair) -> float:
        return pair.ours / pair.theirs


@dataclass(frozen=True)
class Throughput(Ratio):
    """A budget: ours gets at least ``limit`` times as much done as theirs in the same time."""

    is_minimum = True

    def score(self, pair: Pair) -> float:
        return pair.theirs / pair.ours


@dataclass(frozen=True)
class Extra(Ratio):
    """A budget: ours takes at most ``limit`` milliseconds longer than theirs."""

    unit = "ms"

    def score(self, pair: Pair) -> float:
        return (pair.ours - pair.theirs) * 1000


@dataclass(frozen=True)
class Figure(Ratio):
    """No budget: how many times as long as theirs ours takes, for the record."""

    limit: float | None = None


class Point(NamedTuple):
    """How long a call takes where there are so many of something."""

    size: int
    milliseconds: float


@dataclass(frozen=True)
class Row:
    """What one measurement came to, without the rounds: a row of the table."""

    what: str
    measured: float
    unit: str
    limit: float | None
    is_minimum: bool = False
    """Whether the limit is the least that may be measured, not the most."""

    middle_half: tuple[float, float] | None = None
    """Between which scores half of the rounds are."""

    milliseconds: tuple[float, float] | None = None
    """How long ours took, and what it is compared with."""

    axis: str | None = None
    """What there is more and more of, if this is a curve."""

    points: Sequence[Point] = ()

    @property
    def holds(self) -> bool:
        if self.limit is None:
            return True
        return self.measured >= self.limit if self.is_minimum else self.measured <= self.limit


@dataclass(frozen=True)
class Comparison:
    """Rounds of ours beside theirs. Only the two sides of one round are compared: they ran next to each other."""

    name: str
    budget: Ratio
    rounds: Sequence[Pair]

    def row(self) -> Row:
        scores = [self.budget.score(pair) for pair in self.rounds]
        low, _, high = quantiles(scores, n=4, method="inclusive")
        ours, theirs = (median(side) * 1000 for side in zip(*self.rounds))
        return Row(
            self.name,
            median(scores),
            self.budget.unit,
            self.budget.limit,
            self.budget.is_minimum,
            middle_half=(low, high),
            milliseconds=(ours, theirs),
        )


@dataclass(frozen=True)
class Curve:
    """Rounds of one call at several sizes of something. The budget is for the largest size beside the smallest."""

    name: str
    axis: str
    """What there is more and more of."""

    budget: Ratio
    sizes: Sequence[int]
    rounds: Sequence[Sequence[float]]
    """In seconds, for each of the sizes."""

    def row(self) -> Row:
        ends = Comparison(self.name, self.budget, [Pair(times[-1], times[0]) for times in self.rounds])
        points = [Point(size, median(times) * 1000) for size, times in zip(self.sizes, zip(*self.rounds))]
        return replace(ends.row(), axis=self.axis, points=points)


@dataclass(frozen=True)
class Amount:
    """One figure, with nothing beside it, and the most that it may be."""

    name: str
    value: float
    unit: str
    limit: float | None

    def row(self) -> Row:
        return Row(self.name, self.value, self.unit, self.limit)


@dataclass(frozen=True)
class Step:
    """A timed call, and what to do before and after it, untimed."""

    call: Callable[[], Any]
    prepare: Callable[[], Any] = field(default=lambda: None)
    undo: Callable[[], Any] = field(default=lambda: None)

    def seconds(self) -> float:
        self.prepare()
        duration = seconds(self.call)
        self.undo()
        return duration


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
