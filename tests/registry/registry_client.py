"""A client of the registry endpoint, which may send piece by piece and go away in the middle; and what it pushes."""

from __future__ import annotations

import hashlib
import json
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, Union
from urllib.parse import urlsplit

import requests

from conftest import Aws
from moto_ecr_ptc.ecr.images.manifests import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, sha256

MEBIBYTE = 1024 * 1024

Body = Union[bytes, Iterable[bytes]]

_TIMEOUT = 60


@dataclass(frozen=True)
class Answer:
    """What the registry answered; nothing at all has the status 0."""

    status: int
    body: bytes = b""

    @property
    def code(self) -> str:
        """The code of the one error in the body, which has to say more than that."""
        (error,) = json.loads(self.body)["errors"]
        assert error["message"]
        return error["code"]


class Client:
    """Pushes to and pulls from a server, with the token that the server gives it."""

    def __init__(self, aws: Aws) -> None:
        assert aws.endpoint_url
        self.url = aws.endpoint_url
        (token,) = aws.client("ecr").get_authorization_token()["authorizationData"]
        self.authorization = f"Basic {token['authorizationToken']}"

    def send(self, method: str, url: str, body: Body | None = None, **headers: str) -> requests.Response:
        """Send a request to a URL, or to a path below ``/v2/``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(
            method,
            url if url.startswith("http") else f"{self.url}/v2/{url}",
            data=body,
            headers={"Authorization": self.authorization, **named},
            timeout=_TIMEOUT,
        )

    def start(self, repository: str = "app") -> str:
        """Return the URL of a new upload."""
        answer = self.send("POST", f"{repository}/blobs/uploads/")
        assert answer.status_code == 202
        return answer.headers["Location"]

    def add(self, upload: str, content: Body) -> None:
        """Add content to an upload, at its end."""
        answer = self.send("PATCH", upload, content, Content_Type="application/octet-stream")
        assert answer.status_code == 201

    def finish(self, upload: str, digest: str, content: Body = b"") -> None:
        """End an upload, with the rest of its content."""
        assert self.send("PUT", with_digest(upload, digest), content).status_code == 201

    def push(self, content: bytes, repository: str = "app") -> str:
        """Push a blob and return its digest."""
        self.finish(self.start(repository), sha256(content), content)
        return sha256(content)

    def size(self, upload: str) -> int:
        """Return how much an upload has received."""
        answer = self.send("GET", upload)
        assert answer.status_code == 204
        return int(answer.headers["Range"].partition("-")[2]) + 1

    def has(self, digest: str, repository: str = "app") -> bool:
        return self.send("HEAD", f"{repository}/blobs/{digest}").status_code == 200

    def pull(self, digest: str, repository: str = "app") -> bytes:
        answer = self.send("GET", f"{repository}/blobs/{digest}")
        assert answer.status_code == 200
        return answer.content

    def digest_of_pulled(self, digest: str, repository: str = "app") -> str:
        """Pull a blob that need not fit into memory, and return the digest of what came."""
        hashed = hashlib.sha256()
        with requests.get(
            f"{self.url}/v2/{repository}/blobs/{digest}",
            headers={"Authorization": self.authorization},
            stream=True,
            timeout=_TIMEOUT,
        ) as answer:
            for piece in answer.iter_content(MEBIBYTE):
                hashed.update(piece)
        return f"sha256:{hashed.hexdigest()}"


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
        self._connection.putrequest(method, parts._replace(scheme="", netloc="").geturl())
        for name, value in {"Authorization": client.authorization, **framing, **headers}.items():
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


def image(config: bytes, *layers: tuple[str, int]) -> bytes:
    """Return the manifest of an image.

    :param layers: digest and size of each
    """

    def describe(media_type: str, digest: str, size: int) -> dict[str, Any]:
        return {"mediaType": media_type, "digest": digest, "size": size}

    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": describe(OCI_CONFIG, sha256(config), len(config)),
            "layers": [describe(OCI_LAYER, *layer) for layer in layers],
        }
    ).encode()
