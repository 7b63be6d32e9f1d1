"""Registries as processes of their own, and a client that pushes to them and pulls from them.

Ours is moto's server with this package; beside it runs Debian's ``docker-registry`` (CNCF distribution). The client is
the same for both.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3

MEBIBYTE = 1024 * 1024
REGION = "us-east-1"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
STREAM = "application/octet-stream"
FORM = "application/x-www-form-urlencoded"
"""What curl says of every body that it is not told about."""

_TIMEOUT = 600
_FILLING = os.urandom(MEBIBYTE)


class RefusedError(RuntimeError):
    """An answer that is not a success."""


@dataclass(frozen=True)
class Content:
    """The content of a blob, which is made while it is sent. No two have the same."""

    number: int
    size: int

    def pieces(self, start: int = 0, end: int | None = None) -> Iterator[memoryview]:
        """Yield the content between two multiples of a mebibyte, piece by piece. A piece is gone with the next one."""
        piece = bytearray(_FILLING)
        piece[8:16] = self.number.to_bytes(8, "big")
        end = self.size if end is None else min(end, self.size)
        for offset in range(start, end, MEBIBYTE):
            piece[:8] = offset.to_bytes(8, "big")
            yield memoryview(piece)[: end - offset]

    @cached_property
    def digest(self) -> str:
        hashed = hashlib.sha256()
        for piece in self.pieces():
            hashed.update(piece)
        return f"sha256:{hashed.hexdigest()}"


@dataclass(frozen=True)
class Registry:
    """A running registry."""

    process: int
    port: int
    authorization: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def peak(self) -> int:
        """The most memory that the process has used so far, in bytes."""
        status = Path(f"/proc/{self.process}/status")
        if not status.exists():
            sys.exit("Only Linux tells how much memory a process has used")
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def create_repository(self, name: str) -> None:
        """Create a repository. CNCF distribution has every repository."""
        if self.authorization:
            self.aws("ecr").create_repository(repositoryName=name)

    def aws(self, service: str) -> Any:
        return _client(service, self.url)


class Client:
    """Sends one request after the other, by one connection for as long as the registry leaves it open."""

    def __init__(self, registry: Registry) -> None:
        self._connection = HTTPConnection("127.0.0.1", registry.port, timeout=_TIMEOUT, blocksize=MEBIBYTE)
        self._authorization = {"Authorization": registry.authorization} if registry.authorization else {}
        self._buffer = memoryview(bytearray(MEBIBYTE))

    def open(
        self, method: str, path: str, body: bytes | Iterable[memoryview] | None = None, **headers: str
    ) -> HTTPResponse:
        """Send a request and return its answer, whose body is not read yet.

        :raises RefusedError: the answer is not a success
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, body, {**self._authorization, **named})
        answer = self._connection.getresponse()
        if answer.status >= 300:
            raise RefusedError(f"{method} {path}: {answer.status} {answer.read().decode(errors='replace')}")
        return answer

    def send(
        self, method: str, path: str, body: bytes | Iterable[memoryview] | None = None, **headers: str
    ) -> HTTPResponse:
        """Send a request and read its answer."""
        answer = self.open(method, path, body, **headers)
        answer.read()
        return answer

    def get_manifest(self, repository: str, reference: str) -> bytes:
        return self.open("GET", f"/v2/{repository}/manifests/{reference}", Accept=OCI_MANIFEST).read()

    def receive(self, path: str) -> Iterator[memoryview]:
        """Yield an answer's body piece by piece. A piece is gone with the next one."""
        with self.open("GET", path) as answer:
            while size := answer.readinto(self._buffer):
                yield self._buffer[:size]

    def start_upload(self, repository: str) -> str:
        """Return the path of a new upload, with its query."""
        location = self.send("POST", f"/v2/{repository}/blobs/uploads/", Content_Length="0").headers["Location"]
        return urlsplit(location)._replace(scheme="", netloc="").geturl()

    def push(self, repository: str, content: Content, media_type: str = STREAM) -> None:
        """Push a blob by POST and one PUT."""
        upload = self.start_upload(repository)
        self.finish_upload(upload, content.digest, content.pieces(), content.size, media_type)

    def finish_upload(
        self, upload: str, digest: str, body: Iterable[memoryview] = (), size: int = 0, media_type: str = STREAM
    ) -> None:
        """End an upload, with the rest of the blob if there is one."""
        path = f"{upload}{'&' if '?' in upload else '?'}digest={digest}"
        self.send("PUT", path, body, Content_Length=str(size), Content_Type=media_type)

    def push_bytes(self, repository: str, content: bytes) -> str:
        """Push a small blob and return its digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.finish_upload(self.start_upload(repository), digest, [memoryview(content)], len(content))
        return digest

    def put_manifest(self, repository: str, tag: str, manifest: bytes) -> None:
        self.send("PUT", f"/v2/{repository}/manifests/{tag}", manifest, Content_Type=OCI_MANIFEST)

    def close(self) -> None:
        self._connection.close()


def manifest_of(config: tuple[str, int], layer: tuple[str, int], **annotations: str) -> bytes:
    """Return the manifest of an image with one layer.

    :param config: digest and size of the configuration
    :param layer: digest and size of the layer
    """
    described = [
        {"mediaType": media_type, "digest": digest, "size": size}
        for media_type, (digest, size) in ((OCI_CONFIG, config), (OCI_LAYER, layer))
    ]
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": described[0],
            "layers": described[1:],
            "annotations": annotations,
        }
    ).encode()


@contextmanager
def serve_ours(directory: Path) -> Iterator[Registry]:
    """Run moto's server with this package.

    :param directory: where it has its temporary files
    """
    port = _free_port()
    command = [sys.executable, "-m", "moto_ecr_ptc", "-p", str(port)]
    with _running(command, directory, port, TMPDIR=str(directory)) as process:
        token = _client("ecr", f"http://127.0.0.1:{port}").get_authorization_token()["authorizationData"][0]
        yield Registry(process, port, f"Basic {token['authorizationToken']}")


@contextmanager
def serve_distribution(directory: Path, *, access_log: bool = False) -> Iterator[Registry]:
    """Run CNCF distribution, which asks nobody for credentials.

    :param directory: an empty one, for all that it stores
    :param access_log: whether it writes each request to ``directory``/log
    """
    if shutil.which("docker-registry") is None:
        sys.exit("This needs docker-registry beside ours: apt-get install --no-install-recommends docker-registry")
    port = _free_port()
    config = {
        "version": "0.1",
        "log": {"accesslog": {"disabled": not access_log}, "level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(directory / "storage")}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "the benchmarks'"},
    }
    path = directory / "config.yml"
    path.write_text(json.dumps(config))  # which is YAML too
    with _running(["docker-registry", "serve", str(path)], directory, port) as process:
        yield Registry(process, port)


@contextmanager
def _running(command: list[str], directory: Path, port: int, **variables: str) -> Iterator[int]:
    """Run a server until it is not needed any more, and return the number of its process."""
    log = directory / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **variables})
    try:
        _wait_for(process, port, log)
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while not _listens(port):
        if time.monotonic() > deadline or process.poll() is not None:
            raise RuntimeError(f"A registry does not start:\n{log.read_text()}")
        time.sleep(0.02)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _client(service: str, url: str) -> Any:
    return boto3.client(  # type: ignore[call-overload]  # the stubs know literal names only
        service, region_name=REGION, endpoint_url=url, aws_access_key_id="test", aws_secret_access_key="test"
    )
