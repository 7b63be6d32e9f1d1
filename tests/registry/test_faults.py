"""What goes wrong in the middle of a push: the client, another client, moto's reset, the machine, the server's end."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import requests
from freezegun import freeze_time

from conftest import Aws, refusal, repositories
from tests.registry import observed_server
from tests.registry.endpoint import OCI_MANIFEST, error, image_manifest, sha256
from tests.registry.observed_server import ObservedServer, wait_until
from tests.registry.registry_client import MEBIBYTE, Client, Sending, code_of_refusal, pieces, pull_through, with_digest
from tests.upstream.proxy.scripted_registry import Answer as UpstreamAnswer
from tests.upstream.proxy.scripted_registry import Server as Upstream
from tests.upstream.proxy.scripted_registry import manifest as upstream_manifest

LAYER = b"".join(pieces(8 * MEBIBYTE))
"""Too large to be kept in memory."""
DIGEST = sha256(LAYER)
FIRST, SECOND = LAYER[: len(LAYER) // 2], LAYER[len(LAYER) // 2 :]
ROOM = 6 * MEBIBYTE
"""More than a half of the layer, less than all of it."""

CONFIG = b"{}"
MANIFEST = json.dumps(image_manifest([sha256(CONFIG), DIGEST], [len(CONFIG), len(LAYER)])).encode()

HALF_SENT = pytest.mark.parametrize("length", [len(SECOND), None], ids=["with its length", "in chunks"])


@pytest.fixture
def client(server: Aws) -> Client:
    server.client("ecr").create_repository(repositoryName="app")
    return Client(server)


@pytest.fixture
def remote(process: ObservedServer) -> Client:
    """A client of the server process."""
    return Client(process)


# --- clients that go away ---------------------------------------------------------------------------------------------


@HALF_SENT
def test_client_that_leaves_in_the_middle_of_a_patch_adds_nothing(client, length):
    upload = client.start()
    client.add(upload, FIRST)
    assert Sending(client, "PATCH", upload, length).send(SECOND[: 2 * MEBIBYTE]).leave().status < 500
    assert client.size(upload) == len(FIRST)


@HALF_SENT
def test_upload_whose_client_left_in_the_middle_of_a_patch_is_resumed(client, length):
    upload = client.start()
    client.add(upload, FIRST)
    Sending(client, "PATCH", upload, length).send(SECOND[: 2 * MEBIBYTE]).leave()
    client.add(upload, SECOND)
    client.finish(upload, DIGEST)
    assert client.pull(DIGEST) == LAYER


def test_upload_whose_client_broke_the_connection_in_the_middle_of_a_patch_is_resumed(client):
    upload = client.start()
    client.add(upload, FIRST)
    Sending(client, "PATCH", upload, len(SECOND)).send(SECOND[: 2 * MEBIBYTE]).abort()
    client.add(upload, SECOND)
    client.finish(upload, DIGEST)
    assert client.pull(DIGEST) == LAYER


@HALF_SENT
def test_client_that_leaves_in_the_middle_of_the_last_put_stores_nothing(client, length):
    upload = client.start()
    client.add(upload, FIRST)
    assert Sending(client, "PUT", with_digest(upload, DIGEST), length).send(SECOND[:MEBIBYTE]).leave().status < 500
    assert not client.has(DIGEST)
    assert client.size(upload) == len(FIRST)


@HALF_SENT
def test_upload_whose_client_left_in_the_middle_of_the_last_put_is_finished(client, length):
    upload = client.start()
    client.add(upload, FIRST)
    Sending(client, "PUT", with_digest(upload, DIGEST), length).send(SECOND[:MEBIBYTE]).leave()
    client.finish(upload, DIGEST, SECOND)
    assert client.pull(DIGEST) == LAYER


@HALF_SENT
def test_client_that_leaves_when_what_it_sent_has_the_digest_stores_nothing(client, length):
    """All that came has the digest of the query, but the client has not said that it is all."""
    upload = client.start()
    client.add(upload, FIRST)
    sent = SECOND[:MEBIBYTE]
    digest = sha256(FIRST + sent)
    assert Sending(client, "PUT", with_digest(upload, digest), length).send(sent).leave().status < 500
    assert not client.has(digest)


@HALF_SENT
def test_client_that_leaves_in_the_middle_of_a_push_in_one_post_stores_nothing(client, length):
    sent = SECOND[:MEBIBYTE]
    url = with_digest(f"{client.base_url}/v2/app/blobs/uploads/", sha256(sent))
    assert Sending(client, "POST", url, length).send(sent).leave().status < 500
    assert not client.has(sha256(sent))


@observed_server.LINUX
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_client_that_leaves_in_the_middle_of_a_large_part_leaves_no_file(process, remote, method):
    sending = Sending(remote, method, with_digest(remote.start(), DIGEST), len(LAYER)).send(FIRST)
    wait_until(lambda: process.open_files)
    sending.leave()
    wait_until(lambda: not process.open_files)


@pytest.mark.parametrize("length", [len(MANIFEST) + 1, None], ids=["with its length", "in chunks"])
def test_client_that_leaves_in_the_middle_of_a_manifest_stores_nothing(client, server, length):
    """What came is a whole manifest, but the client has not said that it is all."""
    client.push_blob("app", CONFIG)
    client.push_blob("app", LAYER)
    url = f"{client.base_url}/v2/app/manifests/v1"
    assert Sending(client, "PUT", url, length, Content_Type=OCI_MANIFEST).send(MANIFEST).leave().status < 500
    assert server.client("ecr").list_images(repositoryName="app")["imageIds"] == []


# --- uploads that are never finished ----------------------------------------------------------------------------------


def test_upload_that_is_never_finished_is_forgotten_after_a_day(server, client):
    upload = client.start()
    client.add(upload, LAYER)
    with freeze_time(datetime.now(timezone.utc) + timedelta(hours=25)):
        later = Client(server)
        later.start()
        answer = later("GET", upload)
    assert error(answer)[:2] == (404, "BLOB_UPLOAD_UNKNOWN")


@observed_server.LINUX
def test_upload_that_is_never_finished_goes_with_its_repository(process, remote):
    upload = remote.start()
    remote.add(upload, LAYER)
    assert len(process.open_files) == 1
    process.client("ecr").delete_repository(repositoryName="app")
    wait_until(lambda: not process.open_files)


# --- clients that push the same ---------------------------------------------------------------------------------------


@observed_server.LINUX
def test_two_clients_that_push_one_blob_at_once_store_it_once(process, remote):
    process.client("ecr").create_repository(repositoryName="other")
    names = ("app", "other")
    both = [Sending(remote, "PUT", with_digest(remote.start(name), DIGEST), len(LAYER)) for name in names]
    for half in (FIRST, SECOND):
        for one in both:
            one.send(half)
    assert [one.answer().status for one in both] == [201, 201]
    assert [remote.pull(DIGEST, name) for name in names] == [LAYER, LAYER]
    wait_until(lambda: len(process.open_files) == 1)


def test_two_requests_that_add_to_one_upload_at_once_do_not_mix(client):
    upload = client.start()
    both = [Sending(client, "PATCH", upload, len(part)) for part in (FIRST, SECOND)]
    for start in range(0, len(FIRST), MEBIBYTE):
        for one, part in zip(both, (FIRST, SECOND)):
            one.send(part[start : start + MEBIBYTE])
    assert [one.answer().status for one in both] == [201, 201]
    statuses = [
        client("PUT", with_digest(upload, sha256(content))).status_code for content in (FIRST + SECOND, SECOND + FIRST)
    ]
    assert statuses in ([201, 404], [400, 201])


def test_two_requests_that_finish_one_upload_at_once_finish_it_once(client):
    upload = client.start()
    both = [Sending(client, "PUT", with_digest(upload, DIGEST), len(LAYER)) for _ in range(2)]
    for half in (FIRST, SECOND):
        for one in both:
            one.send(half)
    assert sorted(one.answer().status for one in both) == [201, 404]
    assert client.pull(DIGEST) == LAYER


# --- a reset during a push --------------------------------------------------------------------------------------------


@observed_server.LINUX
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_reset_in_the_middle_of_a_request_ends_its_upload(process, remote, method):
    url = with_digest(remote.start(), DIGEST)
    sending = Sending(remote, method, url, len(LAYER)).send(FIRST)
    wait_until(lambda: process.open_files)
    reset(process)
    answer = sending.send(SECOND).answer()
    assert answer.status == 404
    assert answer.code in ("BLOB_UPLOAD_UNKNOWN", "NAME_UNKNOWN")
    wait_until(lambda: not process.open_files)
    assert repositories(process.client("ecr")) == []


@observed_server.LINUX
def test_reset_between_two_requests_ends_the_upload(process, remote):
    upload = remote.start()
    remote.add(upload, FIRST)
    reset(process)
    process.client("ecr").create_repository(repositoryName="app")
    answer = remote("PATCH", upload, SECOND)
    assert error(answer)[:2] == (404, "BLOB_UPLOAD_UNKNOWN")
    wait_until(lambda: not process.open_files)


def reset(process: ObservedServer) -> None:
    requests.post(f"{process.endpoint_url}/moto-api/reset", timeout=60).raise_for_status()


# --- a machine that has no more ---------------------------------------------------------------------------------------


@observed_server.LINUX
def test_blob_that_finds_no_file_descriptor_stays_in_memory(process, remote):
    remote.pull(remote.push_blob("app", FIRST))  # all modules are loaded from here on
    process.client("ecr").delete_repository(repositoryName="app", force=True)
    process.client("ecr").create_repository(repositoryName="app")
    process.allow_more_descriptors(1)  # for the client's connection
    assert remote.pull(remote.push_blob("app", LAYER)) == LAYER
    assert process.open_files == []


@observed_server.LINUX
def test_part_that_finds_the_disk_full_is_refused_and_adds_nothing(process, remote):
    upload = remote.start()
    remote.add(upload, FIRST)
    process.limit_files(ROOM)
    assert code_of_refusal(remote("PATCH", upload, SECOND))
    assert remote.size(upload) == len(FIRST)


@observed_server.LINUX
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_upload_that_found_the_disk_full_is_finished_by_a_smaller_rest(process, remote, method):
    upload = remote.start()
    remote.add(upload, FIRST)
    process.limit_files(ROOM)
    assert code_of_refusal(remote(method, with_digest(upload, DIGEST), SECOND))
    rest = SECOND[:MEBIBYTE]
    remote.finish(upload, sha256(FIRST + rest), rest)
    assert remote.pull(sha256(FIRST + rest)) == FIRST + rest


@observed_server.LINUX
def test_blob_that_finds_the_disk_full_is_refused_and_not_stored(process, remote):
    process.limit_files(ROOM)
    assert code_of_refusal(remote("PUT", with_digest(remote.start(), DIGEST), LAYER))
    assert not remote.has(DIGEST)


@observed_server.LINUX
def test_upload_that_found_the_disk_full_is_cancelled(process, remote):
    upload = remote.start()
    remote.add(upload, FIRST)
    process.limit_files(ROOM)
    assert code_of_refusal(remote("PATCH", upload, SECOND))
    assert remote("DELETE", upload).status_code == 204
    wait_until(lambda: not process.open_files)


@observed_server.LINUX
def test_layer_part_of_the_api_that_finds_the_disk_full_is_refused(process):
    ecr = process.client("ecr")
    upload = {"repositoryName": "app", "uploadId": ecr.initiate_layer_upload(repositoryName="app")["uploadId"]}
    ecr.upload_layer_part(**upload, partFirstByte=0, partLastByte=len(FIRST) - 1, layerPartBlob=FIRST)
    process.limit_files(ROOM)
    rest = {"partFirstByte": len(FIRST), "partLastByte": len(LAYER) - 1, "layerPartBlob": SECOND}
    found = refusal(ecr.upload_layer_part, **upload, **rest)
    assert "cannot be stored" in found.message
    process.limit_files(2 * ROOM)
    ecr.upload_layer_part(**upload, **rest)
    assert ecr.complete_layer_upload(**upload, layerDigests=[DIGEST])["layerDigest"] == DIGEST


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A registry that has an image with the layer."""
    with Upstream(
        {
            "/v2/app/manifests/latest": upstream_manifest(MANIFEST),
            f"/v2/app/blobs/{DIGEST}": UpstreamAnswer(200, LAYER),
        }
    ) as upstream:
        threading.Thread(target=upstream.serve_forever, args=(0.01,)).start()
        yield upstream
        upstream.shutdown()


@observed_server.LINUX
def test_layer_that_finds_the_disk_full_is_pulled_through_later(process, remote, upstream):
    pull_through(process, upstream.url)
    assert remote("GET", "/v2/quay/app/manifests/latest").content == MANIFEST
    process.limit_files(ROOM)
    assert code_of_refusal(remote("GET", f"/v2/quay/app/blobs/{DIGEST}"))
    process.limit_files(2 * ROOM)
    assert remote.pull(DIGEST, "quay/app") == LAYER


@observed_server.LINUX
def test_layer_that_finds_the_disk_full_leaves_no_file(process, remote, upstream):
    pull_through(process, upstream.url)
    remote("GET", "/v2/quay/app/manifests/latest")
    process.limit_files(ROOM)
    remote("GET", f"/v2/quay/app/blobs/{DIGEST}")
    wait_until(lambda: not process.open_files)


@observed_server.LINUX
@pytest.mark.parametrize("path", ["manifests/absent", f"blobs/{sha256(b'absent')}"], ids=["image", "layer"])
def test_reset_after_a_pull_that_failed_leaves_no_file(process, remote, upstream, path):
    pull_through(process, upstream.url)
    remote("GET", "/v2/quay/app/manifests/latest")
    remote.push_blob("app", LAYER)
    assert remote("GET", f"/v2/quay/app/{path}").status_code == 404
    reset(process)
    wait_until(lambda: not process.open_files)


# --- the server's end -------------------------------------------------------------------------------------------------


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[ObservedServer]:
    """A server that no other test uses."""
    with observed_server.serve(tmp_path) as process:
        process.client("ecr").create_repository(repositoryName="app")
        yield process


@observed_server.LINUX
def test_killed_server_leaves_no_file(mortal):
    remote = Client(mortal)
    remote.push_blob("app", LAYER)
    remote.add(remote.start(), FIRST)
    with closing(Sending(remote, "PATCH", remote.start(), len(LAYER)).send(FIRST)):
        wait_until(lambda: len(mortal.open_files) == 3)
        mortal.kill()
    assert list(mortal.directory.iterdir()) == []


@observed_server.LINUX
def test_pushes_that_go_wrong_leave_no_resource_warning(mortal):
    remote = Client(mortal)
    for method in ("PATCH", "PUT"):
        upload = remote.start()
        remote.add(upload, FIRST)
        Sending(remote, method, with_digest(upload, DIGEST), len(SECOND)).send(SECOND[:MEBIBYTE]).leave()
    mortal.limit_files(ROOM)
    assert code_of_refusal(remote("PATCH", upload, SECOND))
    reset(mortal)
    mortal.client("ecr").create_repository(repositoryName="app")
    remote.add(remote.start(), LAYER[:ROOM])
    mortal.stop()
    assert "ResourceWarning" not in mortal.errors
