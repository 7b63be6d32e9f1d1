"""A client of the registry endpoint that uploads bit by bit, and may go away in the middle; and what it uploads."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Union
from urllib.parse import urlsplit

import requests

from conftest import Aws
from tests.registry.endpoint import Endpoint, error

MEBIBYTE = 1024 * 1024

Body = Union[bytes, Iterable[bytes]]

_TIMEOUT = 60


class Client(Endpoint):
    """Uploads to a registry and pulls from it. An upload is known by its URL."""

    def start(self, repository: str = "app") -> str:
        """Return the URL of a new upload."""
        answer = self("POST", f"/v2/{repository}/blobs/uploads/")
        assert answer.status_code == 202
        return self.local(answer.headers["Location"])

    def add(self, upload: str, content: Body) -> None:
        """Add content to an upload, at its end."""
        assert self("PATCH", upload, content).status_code == 201

    def finish(self, upload: str, digest: str, content: Body = b"") -> None:
        """End an upload, with the rest of its content."""
        assert self("PUT", with_digest(upload, digest), content).status_code == 201

    def size(self, upload: str) -> int:
        """Return how much an upload has received."""
        answer = self("GET", upload)
        assert answer.status_code == 204
        return int(answer.headers["Range"].partition("-")[2]) + 1

    def has(self, digest: str, repository: str = "app") -> bool:
        return self("HEAD", f"/v2/{repository}/blobs/{digest}").status_code == 200

    def pull(self, digest: str, repository: str = "app") -> bytes:
        """Return the content of a blob."""
        answer = self("GET", f"/v2/{repository}/blobs/{digest}")
        assert answer.status_code == 200
        return answer.content

    def digest_of_pulled(self, digest: str, repository: str = "app") -> str:
        """Pull a blob that need not fit into memory, and return the digest of what came."""
        with self("GET", f"/v2/{repository}/blobs/{digest}", stream=True) as answer:
            assert answer.status_code == 200
            return digest_of(answer.iter_content(MEBIBYTE))


@dataclass(frozen=True)
class Answer:
    """What a registry answered; nothing at all has the status 0."""

    status: int
    body: bytes = b""

    @property
    def code(self) -> str:
        """The code of the one error in the body."""
        (only,) = json.loads(self.body)["errors"]
        return only["code"]


class Sending:
    """A request whose body is sent as the test goes on."""

    def __init__(self, client: Client, method: str, url: str, length: int | None, **headers: str) -> None:
        """Send the head.

        :param length: of the body; None: it is not told, and the body comes in chunks
        """
        parts = urlsplit(url)
        self._is_chunked = length is None
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT)
        framing = {"Transfer_Encoding": "chunked"} if length is None else {"Content_Length": str(length)}
        self._connection.putrequest(method, parts._replace(scheme="", netloc="").geturl(), skip_host=True)
        credentials = base64.b64encode(":".join(client.auth).encode()).decode()
        named = {"Host": client.host, "Authorization": f"Basic {credentials}", **framing, **headers}
        for name, value in named.items():
            self._connection.putheader(name.replace("_", "-"), value)
        self._connection.endheaders()

    def send(self, piece: bytes) -> Sending:
        if self._is_chunked:
            piece = b"%x\r\n%b\r\n" % (len(piece), piece)
        self._connection.send(piece)
        return self

    def answer(self) -> Answer:
        """Return the answer to a request that is complete."""
        response = self._connection.getresponse()
        answer = Answer(response.status, response.read())
        self._connection.close()
        return answer

    def abort(self) -> None:
        """Break the connection, without an orderly end."""
        self._connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def close(self) -> None:
        self._connection.close()

    def leave(self) -> Answer:
        """Send no more, as when the client is gone, and wait until the server has noticed."""
        self._connection.sock.shutdown(socket.SHUT_WR)
        received = b"".join(self._receive())
        self._connection.close()
        if not received:
            return Answer(0)
        head, _, body = received.partition(b"\r\n\r\n")
        return Answer(int(head.split()[1]), body)

    def _receive(self) -> Iterator[bytes]:
        try:
            while piece := self._connection.sock.recv(65536):
                yield piece
        except ConnectionError:
            return  # it was closed with something unread


def pull_through(server: Aws, url: str) -> None:
    """Make a rule with the prefix quay, whose upstream is the registry at a URL."""
    server.client("ecr").create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    requests.post(
        f"{server.endpoint_url}/moto-api/static/ecr/upstream-proxy",
        json={"registry": "quay", "url": url},
        timeout=_TIMEOUT,
    ).raise_for_status()


def code_of_refusal(answer: requests.Response) -> str:
    """Return the code of an answer that says, as the client's error, what is wrong."""
    status, code, message = error(answer)
    assert 400 <= status < 500
    assert message
    return code


def with_digest(upload: str, digest: str) -> str:
    return f"{upload}{'&' if '?' in upload else '?'}digest={digest}"


def pieces(size: int) -> Iterator[bytes]:
    """Yield the content of a large blob, always the same."""
    for number in range(size // MEBIBYTE):
        yield number.to_bytes(4, "big") * (MEBIBYTE // 4)


def digest_of(content: Iterable[bytes]) -> str:
    hashed = hashlib.sha256()
    for piece in content:
        hashed.update(piece)
    return f"sha256:{hashed.hexdigest()}"
