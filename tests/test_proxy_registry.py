"""A real registry as the upstream: what is asked of it over HTTP, and how its answers are understood.

The registries here are small scripts. ``test_proxy_docker_registry`` has a real one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Union
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from moto import mock_aws

from moto_ecr_ptc import upstream_registry
from moto_ecr_ptc.ecr.access.credentials import UpstreamCredentials
from moto_ecr_ptc.ecr.exceptions import (
    UpstreamAccessDenied,
    UpstreamNotFound,
    UpstreamTooManyRequests,
    UpstreamUnavailable,
    UpstreamUnreachable,
)
from moto_ecr_ptc.ecr.images.manifests import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    MAX_MANIFEST_SIZE,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    sha256,
)
from moto_ecr_ptc.ecr.upstream.built_images import build_image, build_index
from moto_ecr_ptc.ecr.upstream.fetch import THREAD_NAME
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


# --- registries and a guard -------------------------------------------------------------------------------------------


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


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start servers with scripts, which run until the test's end."""
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


def test_guard_other_addresses_are_heard_of(foreign_hosts):
    with socket.socket() as client:
        client.settimeout(0)
        with pytest.raises(OSError):  # noqa: PT011 (which error it is depends on the machine)
            client.connect(("127.0.0.2", 9))
    with pytest.raises(OSError):  # noqa: PT011 (which error it is depends on the machine)
        socket.getaddrinfo("registry.invalid.", 9, flags=socket.AI_NUMERICHOST)
    assert foreign_hosts == ["127.0.0.2", "registry.invalid."]
    foreign_hosts.clear()


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


# --- the URL ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1",
        "https://registry.test",
        "http://localhost:5000",
        "https://[::1]:5000",
        "http://a_b-c.d:65535",
    ],
)
def test_url_of_a_registry_is_kept(url):
    assert ProxiedRegistry(url).url == url


def test_url_with_a_slash_at_its_end_is_kept_without_it():
    assert ProxiedRegistry("http://localhost:5000/").url == "http://localhost:5000"


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("localhost:5000", "another scheme, or none"),
        ("registry.test", "another scheme, or none"),
        ("ftp://registry.test", "another scheme, or none"),
        ("file:///etc/passwd", "another scheme, or none"),
        ("http://", "a malformed host"),
        ("http://:5000", "a malformed host"),
        ("http://a b", "a malformed host"),
        ("http://a\\b", "a malformed host"),
        ("http://registry.test ", "a malformed host"),
        ("http://registry.test\n", "whitespace"),
        ("http://registry.test:0", "the port 0"),
        ("http://registry.test:65536", "Port out of range 0-65535"),
        ("http://registry.test:http", "Port could not be cast to integer value as 'http'"),
        ("http://[::1", "Invalid IPv6 URL"),
        ("http://user:secret@registry.test", "credentials; they come from the secret of a pull through cache rule"),
        ("http://registry.test/v2/", "a path"),
        ("http://registry.test//", "a path"),
        ("http://registry.test?", "a query"),
        ("http://registry.test#", "a fragment"),
        (None, "None"),
        (b"http://registry.test", "b'http://registry.test'"),
    ],
)
def test_url_of_no_registry_is_refused_with_the_reason(url, fault):
    with pytest.raises(ValueError, match=r"must be http://host\[:port\] or https://host\[:port\]") as caught:
        ProxiedRegistry(url)
    assert str(caught.value).endswith(fault)
    assert "secret@" not in str(caught.value)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), True, "1", None])
def test_timeout_that_is_no_positive_number_is_refused(timeout):
    with pytest.raises(ValueError, match="is not a positive number of seconds"):
        ProxiedRegistry("http://127.0.0.1", timeout)


# --- manifests --------------------------------------------------------------------------------------------------------


def test_manifest_by_tag_is_returned_as_it_is(serve):
    server = serve({TAGGED: manifest()})
    fetched = ProxiedRegistry(server.url).get_manifest("app", "latest", None)
    assert (fetched.manifest, fetched.blobs) == (IMAGE.manifest, {})


def test_manifest_of_a_repository_with_slashes_is_found(serve):
    server = serve({"/v2/a/b/c/manifests/1.0": manifest()})
    assert ProxiedRegistry(server.url).get_manifest("a/b/c", "1.0", None).manifest == IMAGE.manifest


def test_manifest_is_asked_for_by_all_types_that_ecr_stores(serve):
    server = serve({TAGGED: manifest()})
    get_tagged(server)
    (asked,) = server.asked
    assert asked.headers["Accept"] == ", ".join([OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST])
    assert asked.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_manifest_by_digest_keeps_that_digest(serve, algorithm):
    digest = f"{algorithm}:{hashlib.new(algorithm, MANIFEST).hexdigest()}"
    server = serve({f"/v2/app/manifests/{digest}": manifest()})
    assert ProxiedRegistry(server.url).get_manifest("app", digest, None).manifest.digest == digest


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_manifest_with_another_digest_than_asked_for_is_unavailable(serve, algorithm):
    digest = f"{algorithm}:{hashlib.new(algorithm, b'another').hexdigest()}"
    server = serve({f"/v2/app/manifests/{digest}": manifest()})
    with pytest.raises(UpstreamUnavailable, match="content that does not have the digest"):
        ProxiedRegistry(server.url).get_manifest("app", digest, None)


def test_manifest_with_the_digest_of_its_header_is_returned(serve):
    server = serve({TAGGED: manifest(**{"Docker-Content-Digest": sha256(MANIFEST)})})
    assert get_tagged(server) == MANIFEST


@pytest.mark.parametrize("digest", [sha256(b"another"), "md5:x", "nonsense"])
def test_manifest_with_another_digest_than_its_header_is_unavailable(serve, digest):
    server = serve({TAGGED: manifest(**{"Docker-Content-Digest": digest})})
    with pytest.raises(UpstreamUnavailable, match="content that does not have the digest"):
        get_tagged(server)


@pytest.mark.parametrize("media_type", [f"{OCI_MANIFEST};charset=utf-8", f"{OCI_MANIFEST} ; a=b"])
def test_media_type_with_parameters_is_returned_without_them(serve, media_type):
    server = serve({TAGGED: manifest(media_type=media_type)})
    assert ProxiedRegistry(server.url).get_manifest("app", "latest", None).manifest.media_type == OCI_MANIFEST


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/octet-stream"}])
def test_media_type_that_the_header_does_not_tell_is_the_manifests_own(serve, headers):
    server = serve({TAGGED: Answer(200, INDEX, headers)})
    assert ProxiedRegistry(server.url).get_manifest("app", "latest", None).manifest.media_type == OCI_INDEX


@pytest.mark.parametrize(
    ("content", "media_type", "fault"),
    [
        (b"<html>", OCI_MANIFEST, "a manifest that is not JSON"),
        (b"\xff", OCI_MANIFEST, "a manifest that is not JSON"),
        (b"[" * 100_000, OCI_MANIFEST, "a manifest that is not JSON"),
        (b"[]", OCI_MANIFEST, "a manifest that is not a JSON object"),
        (b"", OCI_MANIFEST, "a manifest that is not JSON"),
        (b"{}", OCI_MANIFEST, "an image manifest without layers"),
        (b'{"manifests": [{}]}', OCI_INDEX, "a manifest with a malformed descriptor"),
        (b"{}", "text/html", "a manifest of the media type 'text/html'"),
        (b'{"mediaType": ["x"]}', "text/html", "a manifest of the media type 'text/html'"),
    ],
)
def test_manifest_that_ecr_cannot_store_is_unavailable(serve, content, media_type, fault):
    server = serve({TAGGED: manifest(content, media_type)})
    with pytest.raises(UpstreamUnavailable, match=fault):
        get_tagged(server)


def test_manifest_of_the_greatest_size_is_returned(serve):
    content = MANIFEST + b" " * (MAX_MANIFEST_SIZE - len(MANIFEST))
    assert get_tagged(serve({TAGGED: manifest(content)})) == content


def test_manifest_that_is_too_large_is_unavailable(serve):
    server = serve({TAGGED: manifest(b" " * (MAX_MANIFEST_SIZE + 1))})
    with pytest.raises(UpstreamUnavailable, match="an answer of more than 4194304 bytes"):
        get_tagged(server)


@pytest.mark.parametrize(("repository", "reference"), [("..", "latest"), ("App", "1"), ("app", "../x"), ("app", "a?b")])
def test_malformed_name_is_not_found_without_a_request(serve, repository, reference):
    server = serve({})
    with pytest.raises(UpstreamNotFound):
        ProxiedRegistry(server.url).get_manifest(repository, reference, None)
    assert server.asked == []


@pytest.mark.parametrize("method", ["get_blob", "get_referrers"])
@pytest.mark.parametrize(("repository", "digest"), [("..", SUBJECT), ("app", "latest"), ("app", "sha256:../x")])
def test_malformed_digest_is_not_found_without_a_request(serve, method, repository, digest):
    server = serve({})
    with pytest.raises(UpstreamNotFound):
        getattr(ProxiedRegistry(server.url), method)(repository, digest, None)
    assert server.asked == []


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, UpstreamAccessDenied),
        (403, UpstreamAccessDenied),
        (404, UpstreamNotFound),
        (429, UpstreamTooManyRequests),
        (204, UpstreamUnavailable),
        (300, UpstreamUnavailable),
        (304, UpstreamUnavailable),
        (418, UpstreamUnavailable),
        (500, UpstreamUnavailable),
        (503, UpstreamUnavailable),
    ],
)
def test_status_other_than_200_is_its_error(serve, status, error):
    server = serve({TAGGED: Answer(status)})
    with pytest.raises(error, match=f"GET {server.url}{TAGGED}: HTTP {status}"):
        get_tagged(server)


# --- blobs ------------------------------------------------------------------------------------------------------------


def test_blob_is_returned(serve):
    server = serve({f"/v2/app/blobs/{LAYER}": Answer(200, b"layer")})
    assert ProxiedRegistry(server.url).get_blob("app", LAYER, None).read() == b"layer"


def test_blob_that_is_said_to_be_encoded_is_returned_as_it_is(serve):
    server = serve({f"/v2/app/blobs/{LAYER}": Answer(200, b"layer", {"Content-Encoding": "gzip"})})
    assert ProxiedRegistry(server.url).get_blob("app", LAYER, None).read() == b"layer"


def test_blob_with_another_digest_is_unavailable(serve):
    server = serve({f"/v2/app/blobs/{LAYER}": Answer(200, b"another")})
    with pytest.raises(UpstreamUnavailable, match="content that does not have the digest"):
        ProxiedRegistry(server.url).get_blob("app", LAYER, None)


def test_blob_that_the_registry_lacks_is_not_found(serve):
    with pytest.raises(UpstreamNotFound):
        ProxiedRegistry(serve({}).url).get_blob("app", LAYER, None)


def test_blob_larger_than_any_manifest_is_returned(serve):
    content = bytes(MAX_MANIFEST_SIZE + 1)
    server = serve({f"/v2/app/blobs/{sha256(content)}": Answer(200, content)})
    assert ProxiedRegistry(server.url).get_blob("app", sha256(content), None).read() == content


# --- referrers --------------------------------------------------------------------------------------------------------


def test_referrers_are_returned(serve):
    server = serve({REFERRERS: Answer(200, INDEX)})
    assert ProxiedRegistry(server.url).get_referrers("app", SUBJECT, None) == [
        Descriptor(OCI_MANIFEST, SUBJECT, len(MANIFEST))
    ]


def test_referrer_that_is_listed_but_lacking_is_passed_over(in_process, serve):
    ecr = in_process.client("ecr")
    if not hasattr(ecr, "list_image_referrers"):
        pytest.skip("the model of an older botocore has no ListImageReferrers")
    subject = Descriptor(OCI_MANIFEST, SUBJECT, len(MANIFEST))
    left, gone = (build_image([layer], "linux/amd64", subject) for layer in (b"left", b"gone"))
    listing = build_index({"linux/amd64": gone, "linux/arm64": left}).manifest.content
    held = Answer(200, left.manifest.content, {"Content-Type": OCI_MANIFEST})
    server = serve({REFERRERS: Answer(200, listing), f"/v2/app/manifests/{left.manifest.digest}": held})
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    upstream_registry("quay").proxy(server.url)
    answer = ecr.list_image_referrers(repositoryName="quay/app", subjectId={"imageDigest": SUBJECT})
    assert [referrer["digest"] for referrer in answer["referrers"]] == [left.manifest.digest]


def test_referrers_in_pages_are_returned_together(serve):
    def page(asked: Asked) -> Answer:
        number = int(asked.query.get("page", ["1"])[0])
        descriptor = {"mediaType": OCI_MANIFEST, "digest": sha256(bytes(number)), "size": number}
        links = {"Link": f'<{REFERRERS}?page={number + 1}>; rel="next"'} if number < 3 else {}
        return Answer(200, json.dumps({"manifests": [descriptor]}).encode(), links)

    server = serve({REFERRERS: page})
    found = ProxiedRegistry(server.url).get_referrers("app", SUBJECT, None)
    assert [referrer.size for referrer in found] == [1, 2, 3]


def test_referrers_with_a_link_to_something_else_have_one_page(serve):
    server = serve({REFERRERS: Answer(200, INDEX, {"Link": f'<{REFERRERS}?page=2>; rel="first", nonsense'})})
    assert len(ProxiedRegistry(server.url).get_referrers("app", SUBJECT, None)) == 1


def test_referrers_without_an_end_are_unavailable(serve):
    server = serve({REFERRERS: Answer(200, INDEX, {"Link": f'<{REFERRERS}>; rel="next"'})})
    with pytest.raises(UpstreamUnavailable, match="too many referrers"):
        ProxiedRegistry(server.url, 60).get_referrers("app", SUBJECT, None)
    assert len(server.asked) <= 101


def test_referrers_that_take_too_long_altogether_are_unavailable(serve):
    def page(asked: Asked) -> Answer:
        time.sleep(0.2)
        return Answer(200, INDEX, {"Link": f'<{REFERRERS}>; rel="next"'})

    server = serve({REFERRERS: page})
    with pytest.raises(UpstreamUnavailable):
        ProxiedRegistry(server.url, 0.5).get_referrers("app", SUBJECT, None)
    assert len(server.asked) < 10


def test_referrers_on_another_port_are_asked_without_the_authorization(serve):
    other = serve({"/more": Answer(200, INDEX)})
    page = Answer(200, INDEX, {"Link": f'<{other.url}/more>; rel="next"'})
    server = serve({REFERRERS: guarded("Basic", BASIC, page)})
    assert len(ProxiedRegistry(server.url).get_referrers("app", SUBJECT, CREDENTIALS)) == 2
    assert [asked.authorization for asked in other.asked] == [None]


def test_referrers_on_a_foreign_host_are_unavailable(serve):
    other = serve({"/more": Answer(200, INDEX)})
    server = serve({REFERRERS: Answer(200, INDEX, {"Link": f'<{other.foreign_url}/more>; rel="next"'})})
    with pytest.raises(UpstreamUnavailable, match="where moto_ecr_ptc does not go"):
        ProxiedRegistry(server.url).get_referrers("app", SUBJECT, None)
    assert other.asked == []


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"{}", b'{"manifests": [1]}'])
def test_referrers_that_are_no_index_are_unavailable(serve, content):
    server = serve({REFERRERS: Answer(200, content)})
    with pytest.raises(UpstreamUnavailable, match="a manifest"):
        ProxiedRegistry(server.url).get_referrers("app", SUBJECT, None)


def test_referrers_of_an_older_registry_come_from_the_tag(serve):
    server = serve({FALLBACK: manifest(INDEX, OCI_INDEX)})
    assert [found.digest for found in ProxiedRegistry(server.url).get_referrers("app", SUBJECT, None)] == [SUBJECT]


def test_referrers_of_an_older_registry_by_sha512_come_from_a_shortened_tag(serve):
    digest = f"sha512:{hashlib.sha512(MANIFEST).hexdigest()}"
    server = serve({f"/v2/app/manifests/sha512-{digest[7:71]}": manifest(INDEX, OCI_INDEX)})
    assert len(ProxiedRegistry(server.url).get_referrers("app", digest, None)) == 1


def test_referrers_that_an_older_registry_has_none_of_are_empty(serve):
    server = serve({})
    assert ProxiedRegistry(server.url).get_referrers("app", SUBJECT, None) == []
    assert [asked.path for asked in server.asked] == [REFERRERS, FALLBACK]


def test_referrers_that_the_registry_refuses_are_refused(serve):
    server = serve({REFERRERS: Answer(403)})
    with pytest.raises(UpstreamAccessDenied):
        ProxiedRegistry(server.url).get_referrers("app", SUBJECT, None)


# --- authentication ---------------------------------------------------------------------------------------------------


def test_credentials_without_a_challenge_are_not_sent(serve):
    server = serve({TAGGED: manifest()})
    get_tagged(server, CREDENTIALS)
    assert [asked.authorization for asked in server.asked] == [None]


@pytest.mark.parametrize("challenge", ['Basic realm="x"', "basic", "BASIC realm=x", 'Negotiate, Basic realm="a, b"'])
def test_basic_challenge_with_credentials_is_answered(serve, challenge):
    server = serve({TAGGED: guarded(challenge, BASIC, manifest())})
    assert get_tagged(server, CREDENTIALS) == MANIFEST
    assert [asked.authorization for asked in server.asked] == [None, BASIC]


def test_basic_challenge_with_wrong_credentials_is_access_denied(serve):
    server = serve({TAGGED: guarded("Basic", "another", manifest())})
    with pytest.raises(UpstreamAccessDenied):
        get_tagged(server, CREDENTIALS)
    assert len(server.asked) == 2


def test_basic_challenge_without_credentials_is_access_denied(serve):
    server = serve({TAGGED: guarded("Basic", BASIC, manifest())})
    with pytest.raises(UpstreamAccessDenied):
        get_tagged(server)
    assert len(server.asked) == 1


@pytest.mark.parametrize("challenge", ["Digest realm=x", "", ",,=", '"', "Negotiate abc=="])
def test_challenge_of_no_known_scheme_is_access_denied(serve, challenge):
    server = serve({TAGGED: guarded(challenge, BASIC, manifest())})
    with pytest.raises(UpstreamAccessDenied):
        get_tagged(server, CREDENTIALS)


@pytest.mark.parametrize("member", ["token", "access_token"])
def test_bearer_challenge_with_credentials_gets_a_token_on_another_port(serve, member):
    tokens = serve({"/token": guarded("Basic", BASIC, token(member=member))})
    server = serve({TAGGED: guarded(bearer(tokens), "Bearer t0k3n", manifest())})
    assert get_tagged(server, CREDENTIALS) == MANIFEST
    (asked,) = tokens.asked
    assert asked.query == {"service": ["a service"], "scope": ["repository:app:pull,push"]}
    assert [asked.authorization for asked in server.asked] == [None, "Bearer t0k3n"]


def test_bearer_challenge_without_credentials_gets_a_token_anonymously(serve):
    tokens = serve({"/token": token()})
    server = serve({TAGGED: guarded(bearer(tokens), "Bearer t0k3n", manifest())})
    assert get_tagged(server) == MANIFEST
    assert [asked.authorization for asked in tokens.asked] == [None]


@pytest.mark.parametrize(
    "form",
    [
        'bearer realm="{realm}"',
        "Bearer realm={realm}",
        'BEARER  Realm = "{realm}"',
        'Basic realm="a, b", Bearer realm="{realm}"',
        'Bearer realm="{realm}",service="s",Basic realm="x"',
        'Basic realm="x"\nBearer realm="{realm}"',
        'Bearer realm="/token"',
    ],
)
def test_bearer_challenge_in_any_form_is_understood(serve, form):
    server = serve({"/token": token()})
    challenge = form.format(realm=f"{server.url}/token")
    server.scripts[TAGGED] = guarded(challenge, "Bearer t0k3n", manifest())
    assert get_tagged(server, CREDENTIALS) == MANIFEST


def test_bearer_realm_with_a_query_keeps_it(serve):
    tokens = serve({"/token": token()})
    challenge = f'Bearer realm="{tokens.url}/token?a=b",service=s'
    get_tagged(serve({TAGGED: guarded(challenge, "Bearer t0k3n", manifest())}))
    assert [asked.query for asked in tokens.asked] == [{"a": ["b"], "service": ["s"]}]


def test_bearer_realm_on_a_foreign_host_gets_no_request(serve):
    tokens = serve({"/token": token()})
    challenge = f'Bearer realm="{tokens.foreign_url}/token"'
    server = serve({TAGGED: guarded(challenge, "Bearer t0k3n", manifest())})
    with pytest.raises(UpstreamUnavailable, match="where moto_ecr_ptc does not go"):
        get_tagged(server, CREDENTIALS)
    assert tokens.asked == []


def test_bearer_challenge_without_a_realm_is_unavailable(serve):
    server = serve({TAGGED: guarded('Bearer service="s"', "Bearer t0k3n", manifest())})
    with pytest.raises(UpstreamUnavailable, match="a challenge without a realm"):
        get_tagged(server, CREDENTIALS)


@pytest.mark.parametrize(
    "content", [b"<html>", b"[" * 100_000, b"\xff", b"[]", b"{}", b'{"token": 1}', b'{"token": ""}']
)
def test_token_server_without_a_token_is_unavailable(serve, content):
    tokens = serve({"/token": Answer(200, content)})
    server = serve({TAGGED: guarded(bearer(tokens), "Bearer t0k3n", manifest())})
    with pytest.raises(UpstreamUnavailable, match="an answer without a token"):
        get_tagged(server, CREDENTIALS)


@pytest.mark.parametrize("value", ["a\r\nX-Injected: b", "\u20ac"])
def test_token_that_fits_in_no_header_is_unavailable(serve, value):
    tokens = serve({"/token": token(value)})
    server = serve({TAGGED: guarded(bearer(tokens), "Bearer t0k3n", manifest())})
    with pytest.raises(UpstreamUnavailable):
        get_tagged(server, CREDENTIALS)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, UpstreamAccessDenied),
        (403, UpstreamAccessDenied),
        (404, UpstreamUnavailable),
        (429, UpstreamTooManyRequests),
        (500, UpstreamUnavailable),
    ],
)
def test_token_servers_refusal_is_its_error(serve, status, error):
    tokens = serve({"/token": Answer(status)})
    server = serve({TAGGED: guarded(bearer(tokens), "Bearer t0k3n", manifest())})
    with pytest.raises(error):
        get_tagged(server, CREDENTIALS)


def test_token_that_is_not_accepted_is_access_denied(serve):
    tokens = serve({"/token": token("another")})
    server = serve({TAGGED: guarded(bearer(tokens), "Bearer t0k3n", manifest())})
    with pytest.raises(UpstreamAccessDenied):
        get_tagged(server, CREDENTIALS)
    assert len(tokens.asked) == 1


def test_token_is_used_again_for_the_same_repository(serve):
    tokens = serve({"/token": token()})
    challenge = bearer(tokens)
    server = serve(
        {
            TAGGED: guarded(challenge, "Bearer t0k3n", manifest()),
            f"/v2/app/blobs/{LAYER}": guarded(challenge, "Bearer t0k3n", Answer(200, b"layer")),
        }
    )
    registry = ProxiedRegistry(server.url)
    registry.get_manifest("app", "latest", CREDENTIALS)
    registry.get_blob("app", LAYER, CREDENTIALS)
    assert len(tokens.asked) == 1
    assert [asked.authorization for asked in server.asked] == [None, "Bearer t0k3n", "Bearer t0k3n"]


@pytest.mark.parametrize(("repository", "credentials"), [("app", None), ("other", CREDENTIALS)])
def test_token_is_not_used_for_other_credentials_or_another_repository(serve, repository, credentials):
    tokens = serve({"/token": token()})
    script = guarded(bearer(tokens), "Bearer t0k3n", manifest())
    server = serve({TAGGED: script, f"/v2/{repository}/manifests/latest": script})
    registry = ProxiedRegistry(server.url)
    registry.get_manifest("app", "latest", CREDENTIALS)
    registry.get_manifest(repository, "latest", credentials)
    assert len(tokens.asked) == 2


def test_token_that_has_expired_is_replaced_once(serve):
    tokens = serve({"/token": token("first")})
    server = serve({TAGGED: guarded(bearer(tokens), "Bearer first", manifest())})
    registry = ProxiedRegistry(server.url)
    registry.get_manifest("app", "latest", CREDENTIALS)
    tokens.scripts["/token"] = token("second")
    server.scripts[TAGGED] = guarded(bearer(tokens), "Bearer second", manifest())
    registry.get_manifest("app", "latest", CREDENTIALS)
    assert [asked.authorization for asked in server.asked[2:]] == ["Bearer first", "Bearer second"]


def test_tokens_of_very_many_repositories_are_forgotten_in_time(serve, monkeypatch):
    monkeypatch.setattr("moto_ecr_ptc.ecr.upstream.proxy._MAX_AUTHORIZATIONS", 1)
    tokens = serve({"/token": token()})
    script = guarded(bearer(tokens), "Bearer t0k3n", manifest())
    server = serve({TAGGED: script, "/v2/other/manifests/latest": script})
    registry = ProxiedRegistry(server.url)
    for repository in ("app", "other", "app"):
        registry.get_manifest(repository, "latest", CREDENTIALS)
    assert len(tokens.asked) == 3


def test_authenticate_with_an_open_registry_succeeds(serve):
    server = serve({"/v2/": Answer()})
    ProxiedRegistry(server.url).authenticate(CREDENTIALS)
    assert [asked.path for asked in server.asked] == ["/v2/"]


def test_authenticate_with_right_credentials_succeeds(serve):
    server = serve({"/v2/": guarded("Basic", BASIC, Answer())})
    ProxiedRegistry(server.url).authenticate(CREDENTIALS)
    assert len(server.asked) == 2


def test_authenticate_with_wrong_credentials_is_access_denied(serve):
    server = serve({"/v2/": guarded("Basic", BASIC, Answer())})
    with pytest.raises(UpstreamAccessDenied):
        ProxiedRegistry(server.url).authenticate(UpstreamCredentials("a-user", "wrong"))


def test_authenticate_with_credentials_revoked_since_is_access_denied(serve):
    tokens = serve({"/token": token()})
    server = serve({"/v2/": guarded(bearer(tokens), "Bearer t0k3n", Answer())})
    registry = ProxiedRegistry(server.url)
    registry.authenticate(CREDENTIALS)
    tokens.scripts["/token"] = Answer(401)
    with pytest.raises(UpstreamAccessDenied):
        registry.authenticate(CREDENTIALS)


def test_authenticate_with_no_registry_is_unavailable(serve):
    with pytest.raises(UpstreamUnavailable, match="no registry"):
        ProxiedRegistry(serve({}).url).authenticate(CREDENTIALS)


# --- redirects --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_on_the_same_server_keeps_the_authorization(serve, status):
    redirect = Answer(status, b"", {"Location": "/elsewhere"})
    server = serve({TAGGED: guarded("Basic", BASIC, redirect), "/elsewhere": guarded("Basic", BASIC, manifest())})
    assert get_tagged(server, CREDENTIALS) == MANIFEST
    assert [asked.path for asked in server.asked] == [TAGGED, TAGGED, "/elsewhere"]


def test_redirect_to_another_port_drops_the_authorization(serve):
    storage = serve({"/blob": Answer(200, b"layer")})
    redirect = Answer(307, b"", {"Location": f"{storage.url}/blob?signature=x"})
    server = serve({f"/v2/app/blobs/{LAYER}": guarded("Basic", BASIC, redirect)})
    assert ProxiedRegistry(server.url).get_blob("app", LAYER, CREDENTIALS).read() == b"layer"
    (asked,) = storage.asked
    assert (asked.authorization, asked.query) == (None, {"signature": ["x"]})


def test_redirect_to_another_port_and_back_does_not_regain_the_authorization(serve):
    other = serve({})
    redirect = Answer(307, b"", {"Location": f"{other.url}/"})
    server = serve({TAGGED: guarded("Basic", BASIC, redirect), "/back": manifest()})
    other.scripts["/"] = Answer(307, b"", {"Location": f"{server.url}/back"})
    get_tagged(server, CREDENTIALS)
    assert [asked.authorization for asked in server.asked] == [None, BASIC, None]


def test_redirect_to_a_foreign_host_is_unavailable(serve):
    storage = serve({"/blob": Answer(200, b"layer")})
    server = serve({f"/v2/app/blobs/{LAYER}": Answer(307, b"", {"Location": f"{storage.foreign_url}/blob"})})
    with pytest.raises(UpstreamUnavailable, match="where moto_ecr_ptc does not go"):
        ProxiedRegistry(server.url).get_blob("app", LAYER, None)
    assert storage.asked == []


@pytest.mark.parametrize(
    "location",
    [
        "http://registry.invalid/",
        "http://127.0.0.1.registry.invalid/",
        "http://127.0.0.1@registry.invalid/",
        "http://registry.invalid\\@127.0.0.1/",
        "http://user:password@127.0.0.1/",
        "//registry.invalid/",
        "http://[::1]/",
        "http://2130706433/",
        "http://[",
        "http://127.0.0.1:99999/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "data:,x",
    ],
)
def test_redirect_to_no_url_of_the_host_is_unavailable(serve, location):
    server = serve({TAGGED: Answer(302, b"", {"Location": location})})
    with pytest.raises(UpstreamUnavailable, match="pointed to"):
        get_tagged(server)
    assert len(server.asked) == 1


def test_redirect_that_urls_are_read_differently_in_stays_on_the_host(serve):
    server = serve({})
    server.scripts[TAGGED] = Answer(302, b"", {"Location": f"{server.url}\\@registry.invalid/"})
    with pytest.raises(UpstreamNotFound):
        get_tagged(server)
    assert [asked.path for asked in server.asked] == [TAGGED, "/%5C@registry.invalid/"]


@responses.activate
def test_redirect_from_https_to_http_is_unavailable():
    url = f"https://registry.test{TAGGED}"
    responses.get(url, status=302, headers={"Location": f"http://registry.test{TAGGED}"})
    with pytest.raises(UpstreamUnavailable, match="where moto_ecr_ptc does not go"):
        ProxiedRegistry("https://registry.test").get_manifest("app", "latest", None)


@responses.activate
def test_redirect_from_http_to_https_is_followed():
    responses.get(f"http://registry.test{TAGGED}", status=302, headers={"Location": f"https://registry.test{TAGGED}"})
    responses.get(f"https://registry.test{TAGGED}", body=MANIFEST, content_type=OCI_MANIFEST)
    assert ProxiedRegistry("http://registry.test").get_manifest("app", "latest", None).manifest == IMAGE.manifest


@pytest.mark.parametrize("headers", [{"Location": TAGGED}, {}])
def test_redirects_without_an_end_are_unavailable(serve, headers):
    server = serve({TAGGED: Answer(302, b"", headers)})
    with pytest.raises(UpstreamUnavailable, match="too many redirects"):
        get_tagged(server)
    assert len(server.asked) == 6


def test_redirect_with_a_body_without_an_end_is_followed(serve):
    endless = Raw(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n", b"x" * 65536, 0, 1000)
    server = serve({f"/v2/app/blobs/{LAYER}": endless, "/elsewhere": Answer(200, b"layer")})
    assert ProxiedRegistry(server.url).get_blob("app", LAYER, None).read() == b"layer"


# --- the environment --------------------------------------------------------------------------------------------------


def test_proxies_of_the_environment_are_ignored(serve, monkeypatch):
    environment = serve({})
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, environment.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert get_tagged(serve({TAGGED: manifest()})) == MANIFEST
    assert environment.asked == []


def test_credentials_of_a_netrc_file_are_ignored(serve, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a-user password a-password\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server = serve({TAGGED: guarded("Basic", BASIC, manifest())})
    with pytest.raises(UpstreamAccessDenied):
        get_tagged(server)
    assert [asked.authorization for asked in server.asked] == [None]


@mock_aws
def test_registry_during_a_mock_is_reached(serve):
    assert get_tagged(serve({TAGGED: manifest()})) == MANIFEST


def test_cookies_are_not_sent_back(serve):
    server = serve({TAGGED: manifest(**{"Set-Cookie": "a=b"})})
    registry = ProxiedRegistry(server.url)
    for _ in range(2):
        registry.get_manifest("app", "latest", None)
    assert [asked.headers.get("Cookie") for asked in server.asked] == [None, None]


def test_urls_of_a_descriptor_are_not_looked_at(serve):
    other = serve({})
    document = json.loads(MANIFEST)
    document["layers"][0]["urls"] = [f"{other.foreign_url}/layer"]
    server = serve({TAGGED: manifest(json.dumps(document).encode())})
    registry = ProxiedRegistry(server.url)
    registry.get_manifest("app", "latest", None)
    with pytest.raises(UpstreamNotFound):
        registry.get_blob("app", LAYER, None)
    assert other.asked == []


# --- time, and servers that fail --------------------------------------------------------------------------------------


def test_connection_that_is_refused_is_unavailable():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(UpstreamUnavailable):
            ProxiedRegistry(url).get_manifest("app", "latest", None)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a" * 100_000 + b"\r\n\r\n",
    ],
)
def test_answer_that_is_not_http_or_cut_off_is_unavailable(serve, head):
    server = serve({TAGGED: Raw(head)})
    server.closing.set()
    with pytest.raises(UpstreamUnavailable):
        get_tagged(server)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
SILENT = Raw(b"")
TRICKLING_HEAD = Raw(b"HTTP/1.1 200 OK\r\nA: ", b"a", 0.1, 600)
TRICKLING_BODY = Raw(HEAD, b" ", 0.1, 600)


@pytest.mark.parametrize("script", [SILENT, TRICKLING_HEAD, TRICKLING_BODY])
def test_manifest_that_is_not_complete_in_time_is_unavailable(serve, script):
    assert_gives_up(ProxiedRegistry(serve({TAGGED: script}).url, 0.3).get_manifest, "latest")


@pytest.mark.parametrize("script", [SILENT, TRICKLING_HEAD, TRICKLING_BODY])
def test_token_that_is_not_complete_in_time_is_unavailable(serve, script):
    tokens = serve({"/token": script})
    server = serve({TAGGED: guarded(bearer(tokens), "Bearer t0k3n", manifest())})
    assert_gives_up(ProxiedRegistry(server.url, 0.3).get_manifest, "latest")


@pytest.mark.parametrize("script", [SILENT, TRICKLING_HEAD, TRICKLING_BODY])
def test_referrers_that_are_not_complete_in_time_are_unavailable(serve, script):
    assert_gives_up(ProxiedRegistry(serve({REFERRERS: script}).url, 0.3).get_referrers, SUBJECT)


def test_server_that_accepts_no_connection_is_unavailable():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        assert_gives_up(ProxiedRegistry(url, 0.3).get_blob, LAYER)


@pytest.mark.parametrize("script", [SILENT, Raw(HEAD, b"a", 0, 1)])
def test_blob_that_stalls_is_unavailable(serve, script):
    server = serve({f"/v2/app/blobs/{LAYER}": script})
    assert_gives_up(ProxiedRegistry(server.url, 0.3).get_blob, LAYER)


def test_blob_that_takes_long_is_returned(serve):
    content = b"a" * 15
    script = Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n", b"a", 0.1, 15)
    server = serve({f"/v2/app/blobs/{sha256(content)}": script})
    assert ProxiedRegistry(server.url, 1).get_blob("app", sha256(content), None).read() == content


def test_blob_is_read_no_further_than_its_descriptor_says(serve):
    server = serve({f"/v2/app/blobs/{LAYER}": Raw(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 1024, 0, 100_000)})
    with pytest.raises(UpstreamUnavailable, match="an answer of more than 11 bytes"):
        ProxiedRegistry(server.url).get_blob("app", LAYER, None, 11)


def test_blob_without_a_descriptor_is_read_up_to_a_maximum(serve, monkeypatch):
    monkeypatch.setattr("moto_ecr_ptc.ecr.upstream.proxy.MAX_UNDESCRIBED_BLOB", 100_000)
    server = serve({f"/v2/app/blobs/{LAYER}": Raw(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 1024, 0, 100_000)})
    with pytest.raises(UpstreamUnavailable, match="an answer of more than 100000 bytes"):
        ProxiedRegistry(server.url).get_blob("app", LAYER, None)


DRIPPING = {
    "in the headers": Raw(b"HTTP/1.1 200 OK\r\nX: ", b"a", 0.05, 200),
    "in the body": Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"a", 0.05, 200),
    "in a chunk's size": Raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", b"a", 0.05, 200),
}


@pytest.mark.parametrize("script", DRIPPING.values(), ids=DRIPPING)
def test_registry_that_drips_keeps_no_thread_beyond_the_time_out(serve, script):
    server = serve({"/v2/app/manifests/latest": script})
    before = set(threading.enumerate())
    with pytest.raises(UpstreamUnavailable):
        get_tagged(server, timeout=0.2)
    asking = [one for one in threading.enumerate() if one not in before and one.name == THREAD_NAME]
    for thread in asking:
        thread.join(1)
    assert not any(thread.is_alive() for thread in asking)


def test_blob_that_drips_before_it_begins_is_given_up(serve):
    server = serve({f"/v2/app/blobs/{LAYER}": DRIPPING["in the headers"]})
    assert_gives_up(ProxiedRegistry(server.url, 0.3).get_blob, LAYER)


def test_blob_that_drips_is_given_up_in_proportion_to_its_size(serve):
    server = serve({f"/v2/app/blobs/{LAYER}": DRIPPING["in the body"]})
    with pytest.raises(UpstreamUnavailable, match=r"no end of the answer within 0\.4"):
        ProxiedRegistry(server.url, 0.2).get_blob("app", LAYER, None, 1000)


def test_blob_whose_trailers_never_end_is_given_up(serve):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nlayer\r\n0\r\n"
    server = serve({f"/v2/app/blobs/{LAYER}": Raw(head, b"X-a: b\r\n", 0.05, 200)})
    with pytest.raises(UpstreamUnavailable):
        ProxiedRegistry(server.url, 0.2).get_blob("app", LAYER, None, 5)


def test_blob_is_never_read_further_than_ecr_stores_layers(serve, monkeypatch):
    monkeypatch.setattr("moto_ecr_ptc.ecr.upstream.proxy.MAX_BLOB", 100_000)
    server = serve({f"/v2/app/blobs/{LAYER}": Raw(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 1024, 0, 100_000)})
    with pytest.raises(UpstreamUnavailable, match="an answer of more than 100000 bytes"):
        ProxiedRegistry(server.url).get_blob("app", LAYER, None, 10**12)


def test_registry_that_drips_an_answer_is_not_taken_for_one_that_gives_none(serve):
    server = serve({"/v2/app/manifests/latest": DRIPPING["in the body"]})
    with pytest.raises(UpstreamUnavailable) as caught:
        get_tagged(server, timeout=0.2)
    assert not isinstance(caught.value, UpstreamUnreachable)


def test_redirects_share_one_time_out(serve):
    def slowly(target: str) -> Callable[[Asked], Answer]:
        def script(_: Asked) -> Answer:
            time.sleep(0.15)
            return Answer(302, b"", {"Location": target})

        return script

    server = serve({f"/v2/app/manifests/{n}": slowly(f"/v2/app/manifests/{n + 1}") for n in range(5)})
    with pytest.raises(UpstreamUnavailable, match="no end of the redirects"):
        ProxiedRegistry(server.url, 0.2).get_manifest("app", "0", None)


def test_time_to_connect_is_shared_by_the_addresses_of_a_host(monkeypatch):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        filling = [socket.socket() for _ in range(3)]
        for one in filling:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [address] * 4)
        before = set(threading.enumerate())
        with pytest.raises(UpstreamUnavailable):
            ProxiedRegistry(f"http://127.0.0.1:{port}", 0.6).get_manifest("app", "latest", None)
        asking = [one for one in threading.enumerate() if one not in before and one.name == THREAD_NAME]
        for thread in asking:
            thread.join(1)
        assert not any(thread.is_alive() for thread in asking)
        for one in filling:
            one.close()


def test_registry_in_use_by_several_threads_answers_each(serve):
    tokens = serve({"/token": token()})
    script = guarded(bearer(tokens), "Bearer t0k3n", manifest())
    server = serve({f"/v2/app-{number}/manifests/latest": script for number in range(5)})
    registry = ProxiedRegistry(server.url)

    def get(number: int) -> bytes:
        return registry.get_manifest(f"app-{number % 5}", "latest", CREDENTIALS).manifest.content

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(get, range(40))) == [MANIFEST] * 40
