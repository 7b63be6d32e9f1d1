"""How a run is stopped: by an interrupt, but not while it deletes what it made."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Windows has no SIGHUP."""


def listen() -> None:
    """Make all that stops a process an interrupt from the keyboard, which cleans up.

    A shell has its background jobs ignore SIGINT; what was made has to be deleted then too.
    """
    for number in STOPS:
        signal.signal(number, _interrupt)


@contextmanager
def put_off() -> Iterator[None]:
    """Put off an interrupt until the block has ended. A second one is not put off."""
    if threading.current_thread() is not threading.main_thread():
        yield  # no other thread is interrupted
        return
    received: list[int] = []

    def receive(number: int, frame: FrameType | None) -> None:
        if received:
            _interrupt(number, frame)
        received.append(number)
        print("Deleting what was made. If you interrupt once more, that is left to `clean`.", file=sys.stderr)

    former = {number: signal.signal(number, receive) for number in STOPS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
    if received:
        raise KeyboardInterrupt


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
