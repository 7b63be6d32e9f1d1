"""A GET request to a registry behind HTTP, with limits on its time and size.

The timeouts of requests apply between bytes only, so a slow registry could keep a request open for much longer. Each
request therefore runs in a thread of its own, whose connection is shut down when it is late; that ends the thread.
"""

from __future__ import annotations

import http.client
import io
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from ..exceptions import UpstreamError, UpstreamUnavailable, UpstreamUnreachable, forget_origin, upstream_error
from ..images.exceptions import LayerNotStored
from ..images.manifests import MAX_MANIFEST_SIZE

Value = TypeVar("Value")

THREAD_NAME = "moto_ecr_ptc upstream request"

_PIECE = 64 * 1024
_MAX_WRAPPED = 10


@dataclass(frozen=True)
class Answer:
    url: str
    status: int
    headers: Mapping[str, str]
    """Case-insensitive."""

    def error(self) -> UpstreamError:
        return upstream_error(self.status, f"{origin(self.url)} answered HTTP {self.status}")


@dataclass(frozen=True)
class Document(Answer):
    content: bytes
    """Empty unless the status is 200."""


def origin(url: str) -> str:
    """Return what an error tells of a URL: the rest of it may hold a credential."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def fetch_document(url: str, headers: Mapping[str, str], timeout: float) -> Document:
    """Return an answer that must be complete within ``timeout`` seconds, and no larger than a manifest may be.

    :raises UpstreamError: it is late or too large, or there is none
    """
    content = io.BytesIO()
    answer = _Request(url, headers, timeout, MAX_MANIFEST_SIZE, content.write).fetch_in_time()
    return Document(answer.url, answer.status, answer.headers, content.getvalue())


def fetch_blob(
    url: str, headers: Mapping[str, str], timeout: float, max_size: int, write: Callable[[bytes], object]
) -> Answer:
    """Return an answer that must begin within the timeout, never pause for longer, and average 64 KiB per timeout.

    :param timeout: in seconds
    :param write: receives the content piece by piece, if the status is 200
    :raises UpstreamError: it is too slow or larger than ``max_size``, or there is none
    """
    return _Request(url, headers, timeout, max_size, write).fetch_while_progressing()


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
        self._silence = f"no answer within {timeout} seconds"
        self._pause = f"a pause of more than {timeout} seconds"
        self._is_reachable = False
        self._headers_received: Future[None] = Future()
        """Done too if there are none to receive."""
        self._answer: Future[Answer] = Future()
        self._connections = _Connections()

    def fetch_in_time(self) -> Answer:
        self._pause = _no_end_within(self._timeout)  # whichever is noticed first
        self._start()
        return self._wait_for(self._answer, self._timeout)

    def fetch_while_progressing(self) -> Answer:
        self._start()
        self._wait_for(self._headers_received, self._timeout)
        return self._wait_for(self._answer, self._timeout * (2 + self._max_size // _PIECE))

    def _start(self) -> None:
        def fetch() -> None:
            try:
                self._answer.set_result(self._fetch())
            except BaseException as error:
                if isinstance(error, (UpstreamError, LayerNotStored)):
                    forget_origin(error)
                self._answer.set_exception(error)
            if not self._headers_received.done():
                self._headers_received.set_result(None)

        try:
            threading.Thread(target=fetch, name=THREAD_NAME, daemon=True).start()
        except RuntimeError as error:  # the process has too many
            raise UpstreamUnavailable(f"no thread is left to ask {origin(self._url)} in: {error}") from None

    def _wait_for(self, future: Future[Value], seconds: float) -> Value:
        if not wait([future], seconds).done:
            is_reachable = self._is_reachable  # as it was in time
            self._connections.shut_down()
            if is_reachable:
                raise UpstreamUnavailable(f"{origin(self._url)}: {_no_end_within(seconds)}")
            raise UpstreamUnreachable(f"{origin(self._url)}: {self._silence}")
        return future.result()

    def _fetch(self) -> Answer:
        size = 0
        try:
            request = requests.Request("GET", self._url, headers=dict(self._headers)).prepare()
            # A session would read the environment, keep cookies, and read the bodies of redirects.
            with (
                closing(HTTPAdapter()) as adapter,
                self._connections.tracking(adapter),
                adapter.send(request, stream=True, timeout=self._timeout) as response,
            ):
                self._is_reachable = True
                self._headers_received.set_result(None)
                # Content is verified as it is stored, whatever encoding a server claims for it.
                parts = response.raw.stream(_PIECE, decode_content=False)
                for part in parts if response.status_code == 200 else ():
                    size += len(part)
                    if size > self._max_size:
                        raise UpstreamUnavailable(f"{origin(self._url)}: an answer of more than {self._max_size} bytes")
                    self._store(part)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise UpstreamUnreachable(f"{origin(self._url)}: {_cause(error, self._silence)}") from None
        # requests' own errors are OSErrors; the others are about headers that cannot be sent or read.
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
            raise UpstreamUnavailable(f"{origin(self._url)}: {_cause(error, self._pause)}") from None
        return Answer(self._url, response.status_code, response.headers)

    def _store(self, part: bytes) -> None:
        try:
            self._write(part)
        except OSError as fault:  # here, and not at the registry
            raise LayerNotStored(fault) from None


class _Connections:
    """The connections that a request opens, so that another thread can shut them down."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_shut_down = False

    @contextmanager
    def tracking(self, adapter: HTTPAdapter) -> Iterator[None]:
        """Track the connections that the adapter opens in the body of ``with``."""
        plain = type("TrackedConnection", (_TrackedConnection,), {"connections": self})
        tls = type("TrackedTlsConnection", (_TrackedTlsConnection,), {"connections": self})
        adapter.poolmanager.pool_classes_by_scheme = {
            "http": _pool_class(urllib3.HTTPConnectionPool, plain),
            "https": _pool_class(urllib3.HTTPSConnectionPool, tls),
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

    def track(self, connection: socket.socket) -> None:
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
        """Shut down every connection, so that reading from it ends."""
        with self._lock:
            self._is_shut_down = True
            for connection in self._sockets:
                with suppress(OSError):  # the other side closed it first
                    connection.shutdown(socket.SHUT_RDWR)


class _QuietResponse(http.client.HTTPResponse):
    """Tells nothing of malformed headers: urllib3 would log them as a warning, and they may hold what was sent."""

    def begin(self) -> None:
        super().begin()
        self.msg.defects.clear()
        self.msg.set_payload("")


class _TrackedConnection(HTTPConnection):
    connections: _Connections
    response_class = _QuietResponse

    def _new_conn(self) -> socket.socket:
        with suppress(OSError):  # a failure to resolve the name shows again below
            # The addresses of a host are tried one after the other.
            addresses = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
            self.timeout = (self.timeout or 0) / len(addresses) or None
        opened = super()._new_conn()
        self.connections.track(opened)
        return opened


class _TrackedTlsConnection(_TrackedConnection, HTTPSConnection):
    """A tracked connection with TLS."""


def _pool_class(pool: type, connection: type) -> type:
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})


def _no_end_within(seconds: float) -> str:
    return f"no end of the answer within {seconds} seconds"


def _cause(error: BaseException, time_out: str) -> str:
    """Return why there is no answer: in the system's words, which requests and urllib3 wrap several times.

    Of other errors it is the kind alone, since their texts may hold what was sent. So may those of requests' own
    errors, which are OSErrors too.

    :param time_out: the words for an error that means a time-out
    """
    for _ in range(_MAX_WRAPPED):
        # urllib3 1.26 asks first as for Python 2, and suppresses what that fails with.
        context = None if error.__suppress_context__ else error.__context__
        wrapped = (getattr(error, "reason", None), *error.args, error.__cause__, context)
        inner = next((candidate for candidate in wrapped if isinstance(candidate, BaseException)), None)
        if inner is None:
            break
        error = inner
    if not isinstance(error, OSError) or isinstance(error, requests.RequestException):
        return f"a request that cannot be sent, or an answer that cannot be read ({type(error).__name__})"
    if isinstance(error, (TimeoutError, socket.timeout)):
        return time_out
    words = error.strerror or str(error)
    return words[:1].lower() + words[1:]
