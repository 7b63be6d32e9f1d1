"""Registries that are small scripts, and what the tests ask of them."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Union
from urllib.parse import parse_qs, urlsplit

import pytest

from moto_ecr_ptc.ecr.access.credentials import UpstreamCredentials
from moto_ecr_ptc.ecr.exceptions import UpstreamUnavailable
from moto_ecr_ptc.ecr.images.manifests import OCI_MANIFEST
from moto_ecr_ptc.ecr.upstream.built_images import build_image, build_index
from moto_ecr_ptc.ecr.upstream.proxy import ProxiedRegistry

CREDENTIALS = UpstreamCredentials("a-user", "a-token")
BASIC = f"Basic {base64.b64encode(b'a-user:a-token').decode()}"
IMAGE = build_image([b"layer"], "linux/amd64")
MANIFEST = IMAGE.manifest.content
LAYER = IMAGE.manifest.layers[0].digest
INDEX = build_index({"linux/amd64": IMAGE}).manifest.content
SUBJECT = IMAGE.manifest.digest

TAGGED = "/v2/app/manifests/latest"
REFERRERS = f"/v2/app/referrers/{SUBJECT}"
FALLBACK = f"/v2/app/manifests/{SUBJECT.replace(':', '-')}"


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]

    @property
    def authorization(self) -> str | None:
        return self.headers.get("Authorization")


Script = Union[Answer, Callable[[Asked], Answer], Callable[["_Handler"], None]]


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = Asked(url.path, parse_qs(url.query), self.headers)
        self.server.asked.append(asked)
        script = self.server.scripts.get(url.path, Answer(404))
        if isinstance(script, Raw):
            script.write(self)
            return
        answer = script if isinstance(script, Answer) else script(asked)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            for line in value.split("\n"):
                self.send_header(name, line)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class Server(ThreadingHTTPServer):
    """Answers each path as its script says; all others with HTTP 404."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scripts = dict(scripts)
        self.asked: list[Asked] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def foreign_url(self) -> str:
        """The same server by another name."""
        return f"http://localhost:{self.server_port}"


@dataclass(frozen=True)
class Raw:
    """An answer written byte by byte."""

    head: bytes
    piece: bytes = b""
    pause: float = 0.0
    pieces: int = 0
    """How many; after them, silence."""

    def write(self, handler: _Handler) -> None:
        try:
            handler.wfile.write(self.head)
            for _ in range(self.pieces):
                if handler.server.closing.wait(self.pause):
                    return
                handler.wfile.write(self.piece)
            handler.server.closing.wait(60)
        except OSError:
            pass  # the client gave up


@contextmanager
def serving() -> Iterator[Callable[[Mapping[str, Script]], Server]]:
    """Yield a function that starts a server with scripts, which runs until the end of the body of ``with``."""
    servers: list[Server] = []

    def start(scripts: Mapping[str, Script]) -> Server:
        server = Server(scripts)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        return server

    yield start
    for server in servers:
        server.closing.set()
        server.shutdown()
        server.server_close()


def manifest(content: bytes = MANIFEST, media_type: str = OCI_MANIFEST, **headers: str) -> Answer:
    return Answer(200, content, {"Content-Type": media_type, **headers})


def guarded(challenge: str, authorization: str, answer: Answer) -> Callable[[Asked], Answer]:
    """Answer those who show the authorization; challenge all others."""

    def script(asked: Asked) -> Answer:
        return answer if asked.authorization == authorization else Answer(401, b"", {"WWW-Authenticate": challenge})

    return script


def token(value: str = "t0k3n", member: str = "token") -> Answer:
    return Answer(200, json.dumps({member: value}).encode())


def bearer(tokens: Server) -> str:
    return f'Bearer realm="{tokens.url}/token",service="a service",scope="repository:app:pull,push"'


def get_tagged(server: Server, credentials: UpstreamCredentials | None = None, timeout: float = 10) -> bytes:
    return ProxiedRegistry(server.url, timeout).get_manifest("app", "latest", credentials).manifest.content


def assert_gives_up(call: Callable[..., object], reference: str) -> None:
    """Assert that a call ends long before the server would."""
    began = time.monotonic()
    with pytest.raises(UpstreamUnavailable):
        call("app", reference, CREDENTIALS)
    assert time.monotonic() - began < 5
