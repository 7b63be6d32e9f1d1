"""The registry endpoint on moto's servers: programs, threads and TLS, and what clients send that are no libraries."""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import requests

from conftest import Aws
from tests.registry.endpoint import Endpoint, error, password, sha256
from tests.registry.server_processes import WITH_PLUGIN, running
from tests.registry.upload_calls import MIB, UPLOADS, add, close, is_held, no_repository, received, start, upload_id

DIGEST = sha256(b"blob")


@pytest.fixture
def aws(server: Aws) -> Aws:
    """AWS as mocked by a server, and no other."""
    return server


def push_and_pull(url: str) -> None:
    aws = Aws(url)
    aws.client("ecr").create_repository(repositoryName="app")
    endpoint = Endpoint(aws)
    content = endpoint.push_image("app", "v1")
    assert endpoint("GET", "/v2/app/manifests/v1").content == content
    assert endpoint("HEAD", f"/v2/app/blobs/{sha256(b'layer')}").headers["Content-Length"] == "5"


# --- servers ----------------------------------------------------------------------------------------------------------


def test_program_answers_image_clients(tmp_path: Path):
    with running(WITH_PLUGIN, tmp_path / "log") as url:
        push_and_pull(url)
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_program_answers_image_clients_by_tls(tmp_path: Path):
    with running(WITH_PLUGIN, tmp_path / "log", "--ssl", scheme="https") as url:
        ecr = Aws(url).client("ecr", verify=False)
        ecr.create_repository(repositoryName="app")
        auth = ("AWS", password(Aws(url), verify=False))
        challenge = requests.get(f"{url}/v2/", verify=False, timeout=60).headers["Www-Authenticate"]
        assert challenge == f'Basic realm="{url}/",service="ecr.amazonaws.com"'
        client = partial(requests.request, verify=False, auth=auth, timeout=60)
        location = client("POST", f"{url}/v2/app/blobs/uploads/").headers["Location"]
        assert location.startswith(f"{url}/v2/app/blobs/uploads/")
        large = b"x" * (3 * MIB)
        put = client("PUT", location, params={"digest": sha256(large)}, data=large)
        assert put.status_code == 201
        assert client("GET", put.headers["Location"]).content == large
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize("order", ["before", "after"])
def test_server_that_is_started_before_or_after_the_import_answers_image_clients(order):
    start_server = """
        from moto.server import ThreadedMotoServer
        server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        server.start()
    """
    steps = [start_server, "import moto_ecr_ptc"][:: 1 if order == "before" else -1]
    check = """
        from tests.registry.test_servers import push_and_pull
        push_and_pull("http://{}:{}".format(*server.get_host_and_port()))
        server.stop()
    """
    code = "\n".join(map(textwrap.dedent, [*steps, check]))
    process = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=Path(__file__).parents[2],
    )
    assert process.returncode == 0, process.stderr
    assert "Traceback" not in process.stderr


def test_location_is_on_the_address_that_was_called(endpoint: Endpoint, server_url):
    answer = requests.post(f"{server_url}{UPLOADS}", auth=endpoint.auth, timeout=60)
    assert answer.headers["Location"].startswith(f"{server_url}{UPLOADS}")


# --- requests byte for byte -------------------------------------------------------------------------------------------


class Wire:
    """A connection to the server, and the credentials of its client."""

    def __init__(self, connection: socket.socket, authorization: str) -> None:
        self._connection = connection
        self._authorization = authorization

    def send(self, request: str, *headers: str, host: str | None = "localhost", body: bytes = b"") -> None:
        hosts = [] if host is None else [f"Host: {host}"]
        lines = [request, *hosts, f"Authorization: {self._authorization}", *headers, "", ""]
        self._connection.sendall("\r\n".join(lines).encode("latin-1") + body)

    def send_more(self, body: bytes) -> None:
        self._connection.sendall(body)

    def end(self) -> None:
        """Send no more."""
        self._connection.shutdown(socket.SHUT_WR)

    def receive(self, size: int = 65536) -> bytes:
        return self._connection.recv(size)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Return the status, headers and body of the answer: all that the server sends until it closes."""
        head, _, body = b"".join(iter(self.receive, b"")).partition(b"\r\n\r\n")
        status, *headers = head.decode("latin-1").split("\r\n")
        names = [line.partition(": ")[0].lower() for line in headers]
        assert len(names) == len(set(names)), head
        return int(status.split()[1]), dict(zip(names, (line.partition(": ")[2] for line in headers))), body


@pytest.fixture
def wire(endpoint: Endpoint, server_url: str) -> Iterator[Wire]:
    host, port = re.fullmatch(r"http://(.+):(\d+)", server_url).groups()
    authorization = "Basic " + base64.b64encode(":".join(endpoint.auth).encode()).decode()
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        yield Wire(connection, authorization)


def path_of(upload: str) -> str:
    return UPLOADS + upload_id(upload)


def test_client_that_waits_for_100_continue_is_told_to_go_on(endpoint: Endpoint, wire: Wire):
    put = f"PUT {path_of(start(endpoint))}?digest={DIGEST} HTTP/1.1"
    wire.send(put, "Content-Length: 4", "Expect: 100-continue")
    assert wire.receive().startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
    wire.send_more(b"blob")
    assert wire.answer()[0] in (100, 201)  # werkzeug may say it twice
    assert is_held(endpoint, DIGEST)


def test_head_tells_the_length_of_what_it_leaves_out(endpoint: Endpoint, wire: Wire):
    endpoint.push_blob("app", b"blob")
    wire.send(f"HEAD /v2/app/blobs/{DIGEST} HTTP/1.1")
    status, headers, body = wire.answer()
    assert (status, headers["content-length"], body) == (200, "4", b"")


@pytest.mark.parametrize("method", ["get", "Get", "X", "M-SEARCH"])
def test_method_that_is_none_is_not_found(wire: Wire, method):
    wire.send(f"{method} /v2/ HTTP/1.1")
    status, headers, body = wire.answer()
    assert (status, headers["content-type"], body) == (404, "text/plain; charset=utf-8", b"404 page not found\n")


WRONG_HOSTS = [None, "", "[", "[::::]", "[zz]", "a b", 'a"b', "a/b", "a@b", "ä", ":5000", "a:b", "%"]


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
@pytest.mark.parametrize("host", WRONG_HOSTS)
def test_host_that_is_missing_or_malformed_is_the_servers_own(wire: Wire, server_url, host, version):
    wire.send(f"POST {UPLOADS} {version}", host=host)
    status, headers, _ = wire.answer()
    assert status == 202
    assert headers["location"].startswith(f"{server_url}{UPLOADS}")


@pytest.mark.parametrize("host", ["localhost", "a_b:5000", "[::1]", "[2001:db8::1]:5000", "10.0.0.1"])
def test_host_may_be_a_name_or_an_address(wire: Wire, host):
    wire.send(f"POST {UPLOADS} HTTP/1.1", host=host)
    status, headers, _ = wire.answer()
    assert status == 202
    assert headers["location"].startswith(f"http://{host}{UPLOADS}")


def test_headers_may_be_large(wire: Wire):
    wire.send("GET /v2/ HTTP/1.1", "X-Large: " + "x" * 60_000, *(f"X-Number-{number}: 1" for number in range(80)))
    assert wire.answer()[0] == 200


@pytest.mark.parametrize("name", ["Range", "Content-Range", "Accept", "Content-Type", "Content-Length", "Cookie"])
@pytest.mark.parametrize("value", ["9" * 60_000, "x" * 60_000, "\xff\x80", "-1", "bytes=" + "1-2," * 10_000], ids=len)
def test_header_of_any_value_is_answered(endpoint: Endpoint, wire: Wire, name, value):
    endpoint.push_image("app", "v1", b"blob")
    wire.send(f"GET /v2/app/blobs/{DIGEST} HTTP/1.1", f"{name}: {value}")
    wire.end()
    assert wire.answer()[0] in (200, 206, 416)


@pytest.mark.parametrize("length", ["-5", "x", "", "4.0", "9" * 5000], ids=lambda length: length[:9])
def test_length_that_is_none_is_no_body(endpoint: Endpoint, wire: Wire, length):
    upload = start(endpoint)
    wire.send(f"PATCH {path_of(upload)} HTTP/1.1", f"Content-Length: {length}")
    wire.end()
    status, *_ = wire.answer()
    assert status < 500
    assert received(endpoint, upload) == "0-0"


# --- bodies that do not arrive ----------------------------------------------------------------------------------------


CUT_OFF = (400, "SIZE_INVALID", "The body is malformed, or cut off")
BROKEN_BODIES = {
    "cut off": (["Content-Length: 10"], b"blob"),
    "cut off in a chunk": (["Transfer-Encoding: chunked"], b"8\r\nblob"),
    "cut off in a large chunk": (["Transfer-Encoding: chunked"], b"200000\r\nblob"),
    "cut off in the second half of a large chunk": (["Transfer-Encoding: chunked"], b"200000\r\n" + bytes(MIB + 4)),
    "chunk of an impossible size": (["Transfer-Encoding: chunked"], b"9" * 6000),
    "cut off between chunks": (["Transfer-Encoding: chunked"], b"4\r\nblob\r\n"),
    "chunk without a size": (["Transfer-Encoding: chunked"], b"zz\r\nblob\r\n0\r\n\r\n"),
    "chunk that is longer than its size": (["Transfer-Encoding: chunked"], b"2\r\nblob\r\n0\r\n\r\n"),
    "negative chunk": (["Transfer-Encoding: chunked"], b"-4\r\nblob\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("kind", BROKEN_BODIES)
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_body_that_is_cut_off_or_malformed_is_refused_and_changes_nothing(endpoint: Endpoint, wire: Wire, method, kind):
    upload = start(endpoint)
    add(endpoint, upload, b"12")
    headers, body = BROKEN_BODIES[kind]
    wire.send(f"{method} {path_of(upload)}?digest={sha256(b'12blob')} HTTP/1.1", *headers, body=body)
    wire.end()
    status, headers, content = wire.answer()
    (only,) = json.loads(content)["errors"]
    assert (status, only["code"], only["message"]) == CUT_OFF
    assert received(endpoint, upload) == "0-1"
    assert not is_held(endpoint, sha256(b"12blob"))


def test_refusal_reaches_a_client_that_sends_a_large_body(endpoint: Endpoint):
    body = b"x" * (20 * MIB)
    answer = endpoint("POST", "/v2/absent/blobs/uploads/", body, params={"digest": sha256(body)})
    assert error(answer) == no_repository("absent")


def test_client_that_goes_away_leaves_the_server_well(endpoint: Endpoint, wire: Wire):
    large = b"x" * (8 * MIB)
    digest = endpoint.push_blob("app", large)
    wire.send(f"GET /v2/app/blobs/{digest} HTTP/1.1")
    assert wire.receive(10)
    wire.end()
    assert endpoint("GET", f"/v2/app/blobs/{digest}").content == large


def test_blob_that_two_clients_upload_at_once_is_held(endpoint: Endpoint):
    uploads = [start(endpoint) for _ in range(2)]
    for upload in uploads:
        add(endpoint, upload, b"bl")
    assert [close(endpoint, upload, DIGEST, b"ob").status_code for upload in uploads] == [201, 201]
