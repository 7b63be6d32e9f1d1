"""Pulls of one repository take turns at its upstream registry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from weakref import WeakValueDictionary

from ..exceptions import UpstreamError, UpstreamUnreachable


class Turn:
    """Lets one at a time ask the upstream. Those that waited share a failure, for the upstream may be slow to fail."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._failures: list[tuple[str, UpstreamError]] = []

    @contextmanager
    def take(self, reference: str) -> Iterator[UpstreamError | None]:
        """Wait for the turn, and yield how asking for ``reference`` failed while this one waited, if it did."""
        before = len(self._failures)
        with self._lock:
            yield next(
                (
                    error
                    for other, error in self._failures[before:]
                    if other == reference or isinstance(error, UpstreamUnreachable)
                ),
                None,
            )

    def fail(self, reference: str, error: UpstreamError) -> None:
        """Tell those that wait how asking for ``reference`` failed."""
        self._failures.append((reference, error))


class Turns:
    """The turns at the upstreams of one registry: one for each repository whose images are asked for, say."""

    def __init__(self) -> None:
        self._turns: WeakValueDictionary[str, Turn] = WeakValueDictionary()

    def of(self, name: str) -> Turn:
        """Return the turn with this name, the same for all that hold it at once. moto's lock must be held."""
        return self._turns.setdefault(name, Turn())
