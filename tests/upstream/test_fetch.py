"""Requests to registries behind HTTP where the process itself has run out of something."""

from __future__ import annotations

import gc
import socket
import threading

import pytest

from moto_ecr_ptc.ecr.exceptions import UpstreamUnavailable, UpstreamUnreachable
from moto_ecr_ptc.ecr.upstream.fetch import THREAD_NAME, _Connections, fetch_document


@pytest.fixture
def listening() -> socket.socket:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener


def url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}/v2/"


def test_request_without_a_thread_to_be_had_is_unavailable(listening, monkeypatch):
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(UpstreamUnavailable, match="can't start new thread"):
        fetch_document(url(listening), {}, 5)


@pytest.mark.filterwarnings("error::ResourceWarning", "error::pytest.PytestUnraisableExceptionWarning")
def test_request_without_a_descriptor_to_be_had_is_unavailable_and_leaves_no_socket(listening, monkeypatch):
    def dup(self: socket.socket) -> socket.socket:
        raise OSError(24, "too many open files")

    monkeypatch.setattr(socket.socket, "dup", dup)
    with pytest.raises(UpstreamUnavailable, match="too many open files"):
        fetch_document(url(listening), {}, 5)
    gc.collect()


def test_connection_that_is_opened_after_the_end_is_ended_at_once():
    connections = _Connections()
    connections.shut_down()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(5)
        connections.track(ours)
        assert theirs.recv(1) == b""
        connections.close()


def test_request_whose_thread_ends_at_once_when_it_is_late_is_still_unreachable(listening, monkeypatch):
    shut_down = _Connections.shut_down

    def shut_down_and_wait(self: _Connections) -> None:
        shut_down(self)
        for thread in threading.enumerate():
            if thread.name == THREAD_NAME:
                thread.join(10)

    monkeypatch.setattr(_Connections, "shut_down", shut_down_and_wait)
    with pytest.raises(UpstreamUnreachable):
        fetch_document(url(listening), {}, 0.2)
