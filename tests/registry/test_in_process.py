"""Image clients that use ``requests`` in a mock: bodies, streams, sessions, and the mock's beginning and end."""

from __future__ import annotations

import gc
import io
import os
import subprocess
import sys
import textwrap
from array import array
from contextlib import suppress
from pathlib import Path

import pytest
import requests
import responses
from moto import mock_aws

from conftest import Aws
from tests.registry.endpoint import Endpoint, registry_host, sha256
from tests.registry.test_hosts import NOWHERE
from tests.registry.upload_calls import MIB, add, close, received, start
from tests.strict import STRICT

ROOT = f"https://{registry_host()}/v2/"


@pytest.fixture
def aws(in_process: Aws) -> Aws:
    """AWS as mocked in this process, and no other."""
    return in_process


# --- bodies -----------------------------------------------------------------------------------------------------------


BODIES = {
    "bytes": lambda: b"12345678",
    "bytearray": lambda: bytearray(b"12345678"),
    "memoryview": lambda: memoryview(b"12345678"),
    "array": lambda: array("I", [0x34333231, 0x38373635]),
    "text": lambda: "12345678",
    "generator": lambda: (piece for piece in (b"1234", b"", b"5678")),
    "generator of text": lambda: (piece for piece in ("1234", "5678")),
    "generator of buffers": lambda: (piece for piece in (bytearray(b"1234"), memoryview(b"5678"))),
    "binary file": lambda: io.BytesIO(b"12345678"),
    "text file": lambda: io.StringIO("12345678"),
}


@pytest.mark.skipif(sys.byteorder != "little", reason="the bytes of the array are in another order")
@pytest.mark.parametrize("kind", BODIES)
def test_body_is_taken_in_every_form_that_requests_sends(endpoint: Endpoint, kind):
    digest = sha256(b"12345678")
    assert close(endpoint, start(endpoint), digest, BODIES[kind]()).status_code == 201
    assert endpoint("GET", f"/v2/app/blobs/{digest}").content == b"12345678"


def test_text_is_sent_as_utf8(endpoint: Endpoint):
    assert close(endpoint, start(endpoint), sha256("größe".encode()), "größe").status_code == 201


def test_file_on_disk_is_sent_from_where_it_stands(endpoint: Endpoint, tmp_path):
    path = tmp_path / "layer"
    path.write_bytes(b"skipped" + b"x" * (2 * MIB))
    with path.open("rb") as file:
        file.seek(7)
        assert close(endpoint, start(endpoint), sha256(b"x" * (2 * MIB)), file).status_code == 201


def test_body_that_fails_leaves_the_upload_as_it_was(endpoint: Endpoint):
    def broken():
        yield b"3456"
        raise ConnectionResetError("the source went away")

    upload = start(endpoint)
    add(endpoint, upload, b"12")
    with pytest.raises(ConnectionResetError, match="the source went away"):
        add(endpoint, upload, broken())
    assert received(endpoint, upload) == "0-1"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell a process's memory")
def test_large_blob_is_pushed_and_pulled_in_bounded_memory():
    program = """
        import hashlib, re
        import boto3, requests
        import moto_ecr_ptc
        from moto import mock_aws

        PIECE, COUNT = bytes(range(256)) * 4096, 256
        with mock_aws():
            ecr = boto3.client("ecr", "us-east-1")
            ecr.create_repository(repositoryName="app")
            token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
            session = requests.Session()
            session.headers["Authorization"] = f"Basic {token}"
            url = "https://123456789012.dkr.ecr.us-east-1.amazonaws.com/v2/app/blobs"
            expected = hashlib.sha256()
            for _ in range(COUNT):
                expected.update(PIECE)
            digest = f"sha256:{expected.hexdigest()}"
            upload = session.post(f"{url}/uploads/").headers["Location"]
            half = COUNT // 2
            assert session.patch(upload, data=(PIECE for _ in range(half))).status_code == 201
            closed = session.put(upload, params={"digest": digest}, data=(PIECE for _ in range(COUNT - half)))
            assert closed.status_code == 201
            found = hashlib.sha256()
            with session.get(f"{url}/{digest}", stream=True) as answer:
                for piece in answer.iter_content(len(PIECE)):
                    found.update(piece)
            assert found.digest() == expected.digest()
        # Not getrusage, which counts what the parent had when it started this process.
        with open("/proc/self/status") as status:
            print(re.search("VmHWM:[^0-9]*([0-9]+) kB", status.read())[1])
    """
    process = subprocess.run(
        [sys.executable, *STRICT, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert int(process.stdout) * 1024 < 200_000_000


# --- answers ----------------------------------------------------------------------------------------------------------


def test_answer_is_read_piece_by_piece_from_the_raw_stream(endpoint: Endpoint):
    digest = endpoint.push_blob("app", b"x" * MIB + b"y")
    with endpoint("GET", f"/v2/app/blobs/{digest}", stream=True) as answer:
        assert answer.raw.read(MIB) == b"x" * MIB
        assert answer.raw.read() == b"y"


def test_stream_that_is_not_read_to_its_end_can_be_closed(endpoint: Endpoint):
    digest = endpoint.push_blob("app", b"x" * (3 * MIB))
    with endpoint("GET", f"/v2/app/blobs/{digest}", stream=True) as answer:
        assert next(answer.iter_content(10)) == b"x" * 10
    assert endpoint("GET", f"/v2/app/blobs/{digest}").content == b"x" * (3 * MIB)


def test_stream_goes_on_after_its_blob_is_deleted(endpoint: Endpoint, ecr):
    digest = endpoint.push_blob("app", b"x" * (3 * MIB))
    with endpoint("GET", f"/v2/app/blobs/{digest}", stream=True) as answer:
        pieces = answer.iter_content(MIB)
        first = next(pieces)
        ecr.delete_repository(repositoryName="app", force=True)
        assert first + b"".join(pieces) == b"x" * (3 * MIB)


def test_session_sends_its_credentials(endpoint: Endpoint):
    with requests.Session() as session:
        session.auth = endpoint.auth
        assert session.get(ROOT).status_code == 200
        assert session.head(ROOT).status_code == 200
        location = session.post(f"{ROOT}app/blobs/uploads/").headers["Location"]
        assert session.put(location, params={"digest": sha256(b"x")}, data=b"x").status_code == 201


def test_http_is_answered_as_https_is(endpoint: Endpoint):
    url = f"http://{registry_host()}/v2/app/blobs/uploads/"
    location = endpoint("POST", url).headers["Location"]
    assert location.startswith(url)


def test_answer_of_the_users_own_goes_first(endpoint: Endpoint):
    responses.add(responses.GET, ROOT, body="mine")
    try:
        assert endpoint("GET", ROOT).text == "mine"
    finally:
        responses.reset()
    assert endpoint("GET", ROOT).text == "{}"


# --- the mock's beginning and end -------------------------------------------------------------------------------------


def test_nothing_is_answered_after_the_mock():
    with mock_aws():
        assert requests.get(ROOT, proxies=NOWHERE, timeout=60).status_code == 401
    with pytest.raises(requests.exceptions.ProxyError):
        requests.get(ROOT, proxies=NOWHERE, timeout=60)


def test_nested_mocks_answer_until_the_outer_one_ends(endpoint: Endpoint):
    with mock_aws():
        endpoint.push_blob("app", b"blob")
    assert endpoint("GET", f"/v2/app/blobs/{sha256(b'blob')}", proxies=NOWHERE).content == b"blob"


def test_next_mock_has_nothing_of_the_last_one():
    for _ in range(2):
        with mock_aws():
            aws = Aws(None)
            aws.client("ecr").create_repository(repositoryName="app")
            endpoint = Endpoint(aws)
            assert endpoint("HEAD", f"/v2/app/blobs/{sha256(b'blob')}").status_code == 404
            upload = start(endpoint)
            endpoint.push_image("app", "v1", b"blob")
    with mock_aws():
        aws.client("ecr").create_repository(repositoryName="app")
        assert endpoint("GET", upload).status_code == 404
        assert endpoint("GET", "/v2/app/manifests/v1").status_code == 404


def test_moto_that_is_reset_has_nothing_of_what_was_before(endpoint: Endpoint, ecr):
    upload = start(endpoint)
    requests.post("http://motoapi.amazonaws.com/moto-api/reset", timeout=60)
    ecr.create_repository(repositoryName="app")
    assert endpoint("GET", upload).status_code == 404


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not show open files")
def test_answer_that_is_closed_before_its_end_lets_the_blob_go(in_process: Aws):
    ecr = in_process.client("ecr")
    ecr.create_repository(repositoryName="app")
    endpoint = Endpoint(in_process)
    size = 3 * MIB + 1234  # of no other file
    digest = endpoint.push_blob("app", os.urandom(size))
    assert open_files_of(size) == 1
    with endpoint("GET", f"/v2/app/blobs/{digest}", stream=True) as answer:
        next(answer.iter_content(1000))
    ecr.delete_repository(repositoryName="app", force=True)
    gc.collect()
    assert open_files_of(size) == 0


def open_files_of(size: int) -> int:
    """Return how many open files of this process have a size."""
    count = 0
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # it was the folder's own, or another thread's
            count += os.stat(f"/proc/self/fd/{descriptor}").st_size == size
    return count
