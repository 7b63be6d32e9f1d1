"""Locks that let one pull at a time ask an upstream for a repository or layer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from weakref import WeakValueDictionary

from ..exceptions import UpstreamError, UpstreamUnreachable, forget_origin


class UpstreamLock:
    """Lets one pull at a time ask the upstream. Those that wait share its failure: the upstream may be slow to fail."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._failures: list[tuple[str, UpstreamError]] = []

    @contextmanager
    def acquire(self, reference: str) -> Iterator[UpstreamError | None]:
        """Hold the lock, and yield the failure of another pull during the wait, if it applies to ``reference`` too.

        It applies if that pull was for the same reference, or if the upstream was unreachable.
        """
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

    def record_failure(self, reference: str, error: UpstreamError) -> None:
        """Share with the waiting pulls how the pull of ``reference`` failed."""
        forget_origin(error)
        self._failures.append((reference, error))


class UpstreamLocks:
    """The locks of one registry, by name: that of a repository, or of a layer in it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, UpstreamLock] = WeakValueDictionary()

    def get(self, name: str) -> UpstreamLock:
        """Return the lock with this name: the same for as long as anybody uses it. moto's lock must be held."""
        return self._locks.setdefault(name, UpstreamLock())
