"""Registries that are small scripts, and a guard: no test here contacts anything but 127.0.0.1."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.upstream.proxy import scripted_registry
from tests.upstream.proxy.scripted_registry import Server


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start servers with scripts, which run until the test's end."""
    with scripted_registry.serving() as start:
        yield start


@pytest.fixture
def foreign_hosts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What this process looks up or contacts besides 127.0.0.1."""
    # Not an audit hook: those cannot be removed, and with coverage they can stop other tests' threads.
    foreign: list[str] = []

    def note(host: object) -> None:
        if host != "127.0.0.1":
            foreign.append(str(host))

    def listen(owner: object, name: str, host_of: Callable[..., object]) -> None:
        call = getattr(owner, name)

        def noted(*arguments: Any, **options: Any) -> Any:
            note(host_of(*arguments, **options))
            return call(*arguments, **options)

        monkeypatch.setattr(owner, name, noted)

    listen(socket, "getaddrinfo", lambda host, *_, **__: host)
    listen(socket.socket, "connect", lambda _, address: address[0])
    listen(socket.socket, "connect_ex", lambda _, address: address[0])
    return foreign


@pytest.fixture(autouse=True)
def _only_loopback(foreign_hosts: list[str]) -> Iterator[None]:
    yield
    assert foreign_hosts == []
