"""One GET request to a registry behind HTTP, within bounds of time and size.

requests knows time-outs between bytes only: a registry that sends a byte now and then could hold a request far beyond
them. So each request runs in a thread of its own, and its connection is shut down when it is late, which ends the
thread.
"""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from ..exceptions import UpstreamError, UpstreamUnavailable, UpstreamUnreachable, upstream_error
from ..images.manifests import MAX_MANIFEST_SIZE

Value = TypeVar("Value")

THREAD_NAME = "moto_ecr_ptc upstream request"

_PIECE = 64 * 1024


@dataclass(frozen=True)
class Answer:
    url: str
    status: int
    headers: Mapping[str, str]
    """By their names in any case."""

    def error(self) -> UpstreamError:
        return upstream_error(self.status, f"GET {self.url}: HTTP {self.status}")


@dataclass(frozen=True)
class Document(Answer):
    content: bytes
    """Empty unless the status is 200."""


def fetch_document(url: str, headers: Mapping[str, str], timeout: float) -> Document:
    """Return an answer that must be complete in time, and no longer than a manifest may be.

    :raises UpstreamError: it is not, or there is none
    """
    content = io.BytesIO()
    answer = _Request(url, headers, timeout, MAX_MANIFEST_SIZE, content.write).answer_within()
    return Document(answer.url, answer.status, answer.headers, content.getvalue())


def fetch_blob(
    url: str, headers: Mapping[str, str], timeout: float, max_size: int, write: Callable[[bytes], object]
) -> Answer:
    """Return an answer that must begin in time, never pause for longer, and bring 64 KiB in each time-out on average.

    :param write: takes the content piece by piece, if the status is 200
    :raises UpstreamError: it does not, or it is longer than ``max_size``, or there is none
    """
    return _Request(url, headers, timeout, max_size, write).answer_that_goes_on()


class _Request:
    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        timeout: float,
        max_size: int,
        write: Callable[[bytes], object],
    ) -> None:
        self._url = url
        self._headers = headers
        self._timeout = timeout
        self._max_size = max_size
        self._write = write
        self._begun: Future[None] = Future()
        self._answer: Future[Answer] = Future()
        self._connections = _Connections()

    def answer_within(self) -> Answer:
        self._start()
        return self._wait_for(self._answer, self._timeout)

    def answer_that_goes_on(self) -> Answer:
        self._start()
        self._wait_for(self._begun, self._timeout)
        return self._wait_for(self._answer, self._timeout * (2 + self._max_size // _PIECE))

    def _start(self) -> None:
        def fetch() -> None:
            try:
                self._answer.set_result(self._fetch())
            except BaseException as error:
                self._answer.set_exception(error)
            if not self._begun.done():
                self._begun.set_result(None)

        try:
            threading.Thread(target=fetch, name=THREAD_NAME, daemon=True).start()
        except RuntimeError as error:  # the process has too many
            raise UpstreamUnavailable(f"GET {self._url}: {error}") from None

    def _wait_for(self, future: Future[Value], seconds: float) -> Value:
        if not wait([future], seconds).done:
            self._connections.shut_down()
            if self._begun.done():  # it answers, if slowly: so it may answer other questions
                raise UpstreamUnavailable(f"GET {self._url}: no end of the answer within {seconds} seconds")
            raise UpstreamUnreachable(f"GET {self._url}: no answer within {seconds} seconds")
        return future.result()

    def _fetch(self) -> Answer:
        size = 0
        try:
            request = requests.Request("GET", self._url, headers=dict(self._headers)).prepare()
            # Not a session: that reads the environment, keeps cookies, and reads redirects to their end.
            with (
                closing(HTTPAdapter()) as adapter,
                self._connections.taking_note(adapter),
                adapter.send(request, stream=True, timeout=self._timeout) as response,
            ):
                self._begun.set_result(None)
                # Content is verified as it is stored, whatever encoding a server claims for it.
                parts = response.raw.stream(_PIECE, decode_content=False)
                for part in parts if response.status_code == 200 else ():
                    size += len(part)
                    if size > self._max_size:
                        raise UpstreamUnavailable(f"GET {self._url}: an answer of more than {self._max_size} bytes")
                    self._write(part)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise UpstreamUnreachable(f"GET {self._url}: {error}") from None
        # Besides requests' own errors (they are OSErrors): those of headers that cannot be sent or read.
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
            raise UpstreamUnavailable(f"GET {self._url}: {error}") from None
        return Answer(self._url, response.status_code, response.headers)


class _Connections:
    """The connections that a request opens, so that another thread can end them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_shut_down = False

    @contextmanager
    def taking_note(self, adapter: HTTPAdapter) -> Iterator[None]:
        """Know the connections that the adapter opens meanwhile."""
        noting = {"connections": self}
        adapter.poolmanager.pool_classes_by_scheme = {
            "http": _with_connections(urllib3.HTTPConnectionPool, type("Noting", (_Noting,), noting)),
            "https": _with_connections(urllib3.HTTPSConnectionPool, type("NotingTls", (_NotingTls,), noting)),
        }
        try:
            yield
        finally:
            self.close()

    def close(self) -> None:
        with self._lock:
            for connection in self._sockets:
                connection.close()
            self._sockets.clear()

    def note(self, connection: socket.socket) -> None:
        try:
            copy = connection.dup()  # TLS takes the socket over, and leaves an empty one behind
        except OSError:
            connection.close()
            raise
        with self._lock:
            self._sockets.append(copy)
        if self._is_shut_down:
            self.shut_down()

    def shut_down(self) -> None:
        """End every connection: whoever reads from one comes to its end."""
        with self._lock:
            self._is_shut_down = True
            for connection in self._sockets:
                with suppress(OSError):  # the other side was faster
                    connection.shutdown(socket.SHUT_RDWR)


class _Noting(HTTPConnection):
    connections: _Connections

    def _new_conn(self) -> socket.socket:
        with suppress(OSError):  # what is wrong with the name shows again below
            # The addresses of a host are tried one after the other.
            addresses = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
            self.timeout = (self.timeout or 0) / len(addresses) or None
        opened = super()._new_conn()
        self.connections.note(opened)
        return opened


class _NotingTls(_Noting, HTTPSConnection):
    """The same, with TLS."""


def _with_connections(pool: type, connection: type) -> type:
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})
