"""A real registry on this machine: Debian's ``docker-registry`` (CNCF distribution), open or with authentication.

``pytestmark = docker_registry.INSTALLED`` skips a file's tests where it is not installed. ``ACCEPTED`` are the only
credentials that the registries accept; they are also those of the tests' usual secret.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from moto_ecr_ptc.ecr.access.credentials import UpstreamCredentials
from moto_ecr_ptc.ecr.upstream.built_images import BuiltImage

INSTALLED = pytest.mark.skipif(
    # In CI it is installed, or else the tests fail.
    shutil.which("docker-registry") is None and os.environ.get("CI") != "true",
    reason="docker-registry (a Debian package) is not installed",
)
ACCEPTED = UpstreamCredentials("a-user", "a-token")

_BASIC = f"Basic {base64.b64encode(b'a-user:a-token').decode()}"
# bcrypt, the only hash that the registry knows, of a-token
_HTPASSWD = "a-user:$2b$04$vJUtb50gw0MWjLYXWpbv1ugJiePnB5V0LvltBYW9V3Kkvw4bUI.LS\n"
_ISSUER = "the tests' token server"
_SERVICE = "the tests' registry"
_READY = "listening on "


@dataclass(frozen=True)
class DockerRegistry:
    """A running registry."""

    url: str
    tokens: TokenServer | None = None
    authorization: str | None = None

    def push(self, repository: str, tag: str | None, image: BuiltImage) -> None:
        """Upload an image, or an index with its images. Without a tag it has its digest only."""
        for child in image.children:
            self.push(repository, None, child)
        for digest, content in image.blobs.items():
            upload = self._send("POST", repository, f"{self.url}/v2/{repository}/blobs/uploads/")
            self._send("PUT", repository, upload.headers["Location"], params={"digest": digest}, data=content)
        self._send(
            "PUT",
            repository,
            f"{self.url}/v2/{repository}/manifests/{tag or image.manifest.digest}",
            data=image.manifest.content,
            headers={"Content-Type": image.manifest.media_type},
        )

    def _send(self, method: str, repository: str, url: str, **arguments: Any) -> requests.Response:
        authorization = self.authorization
        if self.tokens:
            authorization = f"Bearer {self.tokens.sign(repository, ['pull', 'push'])}"
        headers = {"Authorization": authorization, **arguments.pop("headers", {})}  # requests leaves out None
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(method, url, headers=headers, timeout=60, **arguments)
        answer.raise_for_status()
        return answer


class TokenServer(ThreadingHTTPServer):
    """Signs tokens for those who show the accepted credentials; for others who show none, tokens that allow nothing."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _TokenHandler)
        self.realm = f"http://127.0.0.1:{self.server_port}/token"
        self.asked: list[str] = []
        """The scopes of the tokens that were asked for."""

        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, _ISSUER)])
        now = datetime.now(timezone.utc)
        self._certificate = (
            x509.CertificateBuilder(name, name, self._key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self._key, hashes.SHA256())
        )

    @property
    def certificate(self) -> bytes:
        """What the registry trusts, as PEM."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def sign(self, repository: str, actions: list[str]) -> str:
        """Return a token that allows these actions: a JSON Web Token."""
        der = self._certificate.public_bytes(serialization.Encoding.DER)
        now = int(time.time())
        header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
        claims = {
            "iss": _ISSUER,
            "aud": _SERVICE,
            "sub": ACCEPTED.username,
            "nbf": now - 60,
            "exp": now + 300,
            "access": [{"type": "repository", "name": repository, "actions": actions}] if actions else [],
        }
        signed = b".".join(_encode(json.dumps(part).encode()) for part in (header, claims))
        signature = self._key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return (signed + b"." + _encode(signature)).decode()


class _TokenHandler(BaseHTTPRequestHandler):
    server: TokenServer

    def do_GET(self) -> None:
        scope = parse_qs(urlsplit(self.path).query).get("scope", [""])[0]
        self.server.asked.append(scope)
        authorization = self.headers.get("Authorization")
        if authorization not in (_BASIC, None):
            self.send_error(401)
            return
        _, _, rest = scope.partition(":")
        repository, _, actions = rest.rpartition(":")
        token = self.server.sign(repository, actions.split(",") if authorization and actions else [])
        body = json.dumps({"token": token}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def serve(directory: Path) -> Iterator[DockerRegistry]:
    """Run a registry that asks nobody for credentials.

    :param directory: an empty one, for all that it stores
    """
    with _run(directory, {}) as url:
        yield DockerRegistry(url)


@contextmanager
def serve_with_basic(directory: Path) -> Iterator[DockerRegistry]:
    """Run a registry with Basic authentication, for pulls too."""
    htpasswd = directory / "htpasswd"
    htpasswd.write_text(_HTPASSWD)
    with _run(directory, {"htpasswd": {"realm": "the tests", "path": str(htpasswd)}}) as url:
        yield DockerRegistry(url, authorization=_BASIC)


@contextmanager
def serve_with_tokens(directory: Path) -> Iterator[DockerRegistry]:
    """Run a registry with Bearer authentication, and its token server on another port."""
    with TokenServer() as tokens:
        threading.Thread(target=tokens.serve_forever, args=(0.01,)).start()
        try:
            bundle = directory / "tokens.pem"
            bundle.write_bytes(tokens.certificate)
            token = {
                "realm": tokens.realm,
                "service": _SERVICE,
                "issuer": _ISSUER,
                "rootcertbundle": str(bundle),
            }
            with _run(directory, {"token": token}) as url:
                yield DockerRegistry(url, tokens=tokens)
        finally:
            tokens.shutdown()


@contextmanager
def _run(directory: Path, auth: dict[str, Any]) -> Iterator[str]:
    """Run a registry and return its URL."""
    config = {
        "version": "0.1",
        "log": {"accesslog": {"disabled": True}, "level": "info"},
        "storage": {"filesystem": {"rootdirectory": str(directory / "storage")}},
        "http": {"addr": "127.0.0.1:0", "secret": "the tests'"},
        **({"auth": auth} if auth else {}),
    }
    path, log = directory / "config.yml", directory / "log"
    path.write_text(json.dumps(config))  # which is YAML too
    with log.open("wb") as output:
        process = subprocess.Popen(["docker-registry", "serve", str(path)], stdout=output, stderr=output)
    try:
        yield f"http://{_wait_for_address(process, log)}"
    finally:
        process.terminate()
        process.wait(60)


def _wait_for_address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        _, ready, rest = log.read_text().partition(_READY)
        if ready and '"' in rest:
            return rest.partition('"')[0]
        time.sleep(0.01)
    raise RuntimeError(f"docker-registry does not start:\n{log.read_text()}")


def _encode(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")
