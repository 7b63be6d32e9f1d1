"""No reason, log line, error or answer tells a credential, whatever a secret holds and a registry sends back."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from conftest import MODEL, Aws, pull
from moto_ecr_ptc import pull_log
from tests.pulls.pull_calls import put_secret
from tests.registry.endpoint import Endpoint
from tests.upstream.proxy.scripted_registry import LAYER, SUBJECT, Answer, Asked, Raw, Server, manifest, token

USERNAME, TOKEN, BEARER = "us3r-n4me", "acc3ss-t0k3n", "b34rer-t0k3n"
PAIR = base64.b64encode(f"{USERNAME}:{TOKEN}".encode()).decode()
SECRET = json.dumps({"username": USERNAME, "accessToken": TOKEN})
REPOSITORY = "docker-hub/app"
MANIFEST_PATH, BLOB_PATH, REFERRERS_PATH = (
    "/v2/app/manifests/latest",
    f"/v2/app/blobs/{LAYER}",
    f"/v2/app/referrers/{SUBJECT}",
)


class Witness:
    """Makes the calls of all doors, and keeps whatever came of them."""

    def __init__(self, aws: Aws, caplog: pytest.LogCaptureFixture) -> None:
        self._ecr = aws.client("ecr")
        self._endpoint = Endpoint(aws)
        self._caplog = caplog
        self._answers: list[str] = []

    def call_all(self) -> None:
        """Pull an image, a layer and referrers, by the API and at the endpoint, and validate the rule."""
        subject = {"imageDigest": SUBJECT}
        self._call(pull, self._ecr, REPOSITORY)
        self._call(self._ecr.get_download_url_for_layer, repositoryName=REPOSITORY, layerDigest=LAYER)
        if "ListImageReferrers" in MODEL.operation_names:
            self._call(self._ecr.list_image_referrers, repositoryName=REPOSITORY, subjectId=subject)
        self._call(self._ecr.validate_pull_through_cache_rule, ecrRepositoryPrefix="docker-hub")
        for path in ("manifests/other", f"blobs/{LAYER}", f"referrers/{SUBJECT}"):
            answer = self._endpoint("GET", f"/v2/{REPOSITORY}/{path}")
            self._answers += [answer.text, repr(answer.headers)]

    def _call(self, call: Callable[..., Any], *positional: Any, **arguments: Any) -> None:
        try:
            self._answers.append(repr(call(*positional, **arguments)))
        except ClientError as error:
            self._answers += [str(error), repr(error), repr(error.response)]

    def assert_saw_no(self, *credentials: str) -> None:
        records = pull_log()
        assert records
        told = [text for record in records for text in (str(record), repr(record), repr(vars(record)))]
        logged = [
            f"{entry.getMessage()} {entry.args!r} {entry.exc_text}"
            for entry in self._caplog.records
            if entry.name.startswith("moto_ecr_ptc") or entry.levelno >= logging.WARNING
        ]
        assert any("failed with" in line for line in logged)
        for text in (*told, *logged, *self._answers):
            # Hosts are compared, and so told, in lower case.
            assert [credential for credential in credentials if credential.lower() in text.lower()] == [], text


@pytest.fixture
def witness(aws: Aws, ecr: Any, caplog: pytest.LogCaptureFixture) -> Iterator[Witness]:
    """The witness of pulls through the rule docker-hub, into a repository that exists."""
    ecr.create_repository(repositoryName=REPOSITORY)
    with caplog.at_level(logging.DEBUG, logger="moto_ecr_ptc"):
        yield Witness(aws, caplog)


# --- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        SECRET[:-1],
        f"{USERNAME}:{TOKEN}",
        json.dumps(TOKEN),
        json.dumps([USERNAME, TOKEN]),
        json.dumps({"username": USERNAME, "accessToken": [TOKEN]}),
        json.dumps({"username": USERNAME, "password": TOKEN}),
        json.dumps({USERNAME: TOKEN}),
        json.dumps({"username": f"{USERNAME}\ud800", "accessToken": TOKEN}),
    ],
)
def test_malformed_secret_is_not_told(aws, witness, hub, value):
    put_secret(aws, value)
    witness.call_all()
    witness.assert_saw_no(USERNAME, TOKEN)


@pytest.mark.parametrize("accepted", [True, False])
def test_credentials_that_an_upstream_accepts_or_refuses_are_not_told(aws, witness, hub, accepted):
    put_secret(aws, SECRET)
    wanted = (USERNAME, TOKEN) if accepted else ("w4nted-user", "w4nted-t0ken")
    hub.credentials = dict(zip(("username", "accessToken"), wanted))
    witness.call_all()
    witness.assert_saw_no(USERNAME, TOKEN, PAIR, *wanted)


# --- registries that send back what they were sent -------------------------------------------------------------------


class RawEcho(Raw):
    """An answer written byte by byte, into which goes what was sent."""

    def write(self, handler: Any) -> None:
        sent = handler.headers.get("Authorization")
        head = self.head if sent else b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n"
        handler.wfile.write(head.replace(b"{sent}", bare(sent or "").encode()) + b"Content-Length: 0\r\n\r\n")
        handler.close_connection = True


def bare(authorization: str) -> str:
    """Return what follows ``Basic`` or ``Bearer``, as a host or path can have it."""
    return authorization.partition(" ")[2].rstrip("=")


def redirect(form: str) -> Callable[[str], Answer]:
    return lambda sent: Answer(302, b"", {"Location": form.format(sent)})


ECHOES: dict[str, Callable[[str], Answer]] = {
    "the text of an error": lambda sent: Answer(500, f"not allowed: {sent}".encode()),
    "the text of a refusal": lambda sent: Answer(403, f"not allowed: {sent}".encode()),
    "the text of a 404": lambda sent: Answer(404, f"not found: {sent}".encode()),
    "another challenge": lambda sent: Answer(401, b"", {"WWW-Authenticate": f'Bearer realm="http://{sent}.invalid/"'}),
    "a redirect's path": redirect("/{}"),
    "a redirect's query": redirect("/elsewhere?token={}"),
    "a redirect's host": redirect("http://{}.invalid/"),
    "a redirect's credentials": redirect("http://{}@127.0.0.1/"),
    "a redirect's scheme": redirect("x{}://127.0.0.1/"),
    "a redirect's port": redirect("http://127.0.0.1:{}/"),
    "a malformed redirect": redirect("http://[{}"),
    "a media type": lambda sent: manifest(b"{}", f"application/{sent}"),
    "a declared media type": lambda sent: manifest(json.dumps({"mediaType": sent}).encode(), "text/plain"),
    "a manifest that is not JSON": lambda sent: manifest(sent.encode()),
    "a descriptor": lambda sent: manifest(json.dumps({"layers": [{"digest": sent}]}).encode()),
    "the digest of a manifest": lambda sent: manifest(**{"Docker-Content-Digest": f"sha256:{sent}"}),
    "a link to the next page": lambda sent: Answer(
        200, b'{"manifests": [], "layers": 1}', {"Link": f'<http://{sent}.invalid/>; rel="next"'}
    ),
}
RAW_ECHOES = {
    "the status line": b"HTTP/1.1 {sent}\r\n",
    "the version": b"{sent} 200 OK\r\n",
    "the reason phrase": b"HTTP/1.1 500 {sent}\r\n",
    "a header without a colon": b"HTTP/1.1 500 Failed\r\n{sent}\r\n",
    "the name of a header": b"HTTP/1.1 500 Failed\r\n {sent}: x\r\n",
    "the length": b"HTTP/1.1 200 OK\r\nContent-Length: {sent}\r\n",
    "the transfer encoding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: {sent}\r\n",
}


def with_basic(echo: Callable[[str], Answer]) -> Callable[[Asked], Answer]:
    def script(asked: Asked) -> Answer:
        if not asked.authorization:
            return Answer(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
        return echo(bare(asked.authorization))

    return script


def with_bearer(echo: Callable[[str], Answer]) -> Callable[[Asked], Answer]:
    def script(asked: Asked) -> Answer:
        if not asked.authorization:
            return Answer(401, b"", {"WWW-Authenticate": 'Bearer realm="/token",service=s'})
        return echo(bare(asked.authorization))

    return script


def everywhere(server: Server, script: Any) -> None:
    """Let a registry answer alike to all questions of ``Witness.call_all``."""
    paths = ("/v2/", MANIFEST_PATH, "/v2/app/manifests/other", BLOB_PATH, REFERRERS_PATH)
    server.scripts.update(dict.fromkeys(paths, script))


def assert_sent(server: Server, authorization: str) -> None:
    assert authorization in [asked.authorization for asked in server.asked]


@pytest.mark.parametrize("place", ECHOES)
def test_basic_credentials_that_come_back_are_not_told(aws, witness, hub, serve, place):
    put_secret(aws, SECRET)
    server = serve({})
    everywhere(server, with_basic(ECHOES[place]))
    hub.proxy(server.url)
    witness.call_all()
    assert_sent(server, f"Basic {PAIR}")
    witness.assert_saw_no(USERNAME, TOKEN, PAIR.rstrip("="))


@pytest.mark.parametrize("place", ECHOES)
def test_bearer_token_that_comes_back_is_not_told(aws, witness, hub, serve, place):
    put_secret(aws, SECRET)
    server = serve({"/token": token(BEARER)})
    everywhere(server, with_bearer(ECHOES[place]))
    hub.proxy(server.url)
    witness.call_all()
    assert_sent(server, f"Basic {PAIR}")
    assert_sent(server, f"Bearer {BEARER}")
    witness.assert_saw_no(USERNAME, TOKEN, PAIR.rstrip("="), BEARER)


@pytest.mark.parametrize("place", ECHOES)
def test_credentials_that_come_back_from_a_token_server_are_not_told(aws, witness, hub, serve, place):
    put_secret(aws, SECRET)
    server = serve({"/token": lambda asked: ECHOES[place](bare(asked.authorization or ""))})
    everywhere(server, with_bearer(lambda sent: Answer(200)))
    hub.proxy(server.url)
    witness.call_all()
    assert_sent(server, f"Basic {PAIR}")
    witness.assert_saw_no(USERNAME, TOKEN, PAIR.rstrip("="))


@pytest.mark.parametrize("place", RAW_ECHOES)
def test_credentials_that_come_back_in_a_malformed_answer_are_not_told(aws, witness, hub, serve, place):
    put_secret(aws, SECRET)
    server = serve({})
    everywhere(server, RawEcho(RAW_ECHOES[place]))
    hub.proxy(server.url)
    witness.call_all()
    assert_sent(server, f"Basic {PAIR}")
    witness.assert_saw_no(USERNAME, TOKEN, PAIR.rstrip("="))


def test_credentials_that_come_back_in_a_realm_are_not_told(aws, ecr, witness, hub, serve):
    put_secret(aws, SECRET)
    server = serve({})
    everywhere(server, with_basic(lambda sent: manifest()))
    hub.proxy(server.url)
    pull(ecr, REPOSITORY, "other")  # from now on they are sent at once
    ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "other"}])

    def challenge(asked: Asked) -> Answer:
        realm = f"http://{bare(asked.authorization or '')}.invalid/"
        return Answer(401, b"", {"WWW-Authenticate": f'Bearer realm="{realm}"'})

    everywhere(server, challenge)
    witness.call_all()
    assert "where moto_ecr_ptc does not go" in pull_log()[-1].reason
    witness.assert_saw_no(USERNAME, TOKEN, PAIR.rstrip("="))


@pytest.mark.parametrize("end", ["\r\nX-Injected: b", "\u20ac"])
def test_bearer_token_that_fits_in_no_header_is_not_told(aws, witness, hub, serve, end):
    put_secret(aws, SECRET)
    server = serve({"/token": token(BEARER + end)})
    everywhere(server, with_bearer(lambda sent: Answer(200)))
    hub.proxy(server.url)
    witness.call_all()
    witness.assert_saw_no(USERNAME, TOKEN, PAIR, BEARER)
