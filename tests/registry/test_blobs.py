"""Blobs at the registry endpoint: whole, in part, described, and what cannot be had or deleted."""

from __future__ import annotations

import hashlib
import json

import pytest

from conftest import Aws
from moto_ecr_ptc import UpstreamRegistry
from tests.registry.endpoint import OCI_LAYER, OCI_MANIFEST, Endpoint, error, image_manifest, sha256
from tests.registry.upload_calls import MIB, malformed_digest, no_blob, no_repository

ABSENT = sha256(b"absent")
SIZES = [1, MIB, 2 * MIB + 3]
MALFORMED = ["latest", "sha256:", "sha256:xyz", ":0", "sha256%3Axyz"]


def content_of(size: int) -> bytes:
    return hashlib.shake_128(b"blob").digest(size)


@pytest.fixture
def blob(endpoint: Endpoint) -> str:
    """The path of a blob with the content ``0123456789``."""
    return f"/v2/app/blobs/{endpoint.push_blob('app', b'0123456789')}"


# --- whole ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_blob_is_returned_with_its_digest_and_size(endpoint: Endpoint, size):
    content = content_of(size)
    digest = endpoint.push_blob("app", content)
    answer = endpoint("GET", f"/v2/app/blobs/{digest}")
    assert (answer.status_code, answer.content) == (200, content)
    assert {
        "Content-Type": "application/octet-stream",
        "Content-Length": str(size),
        "Docker-Content-Digest": digest,
        "Accept-Ranges": "bytes",
        "Docker-Distribution-Api-Version": "registry/2.0",
    }.items() <= dict(answer.headers).items()


@pytest.mark.parametrize("size", SIZES)
def test_head_of_a_blob_has_the_headers_and_no_body(endpoint: Endpoint, size):
    digest = endpoint.push_blob("app", content_of(size))
    described = endpoint("HEAD", f"/v2/app/blobs/{digest}")
    assert (described.status_code, described.content) == (200, b"")
    got = endpoint("GET", f"/v2/app/blobs/{digest}")
    names = ("Content-Type", "Content-Length", "Docker-Content-Digest", "Accept-Ranges")
    assert [described.headers[name] for name in names] == [got.headers[name] for name in names]


def test_blob_is_returned_piece_by_piece(endpoint: Endpoint):
    content = content_of(3 * MIB + 1)
    digest = endpoint.push_blob("app", content)
    with endpoint("GET", f"/v2/app/blobs/{digest}", stream=True) as answer:
        pieces = list(answer.iter_content(100_000))
    assert {len(piece) for piece in pieces[:-1]} == {100_000}
    assert b"".join(pieces) == content


def test_blob_is_found_by_a_digest_with_an_encoded_colon(endpoint: Endpoint, blob):
    assert endpoint("GET", blob.replace(":", "%3A")).content == b"0123456789"


# --- in part ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=2-5", 2, 5),
        ("bytes=7-", 7, 9),
        ("bytes=-3", 7, 9),
        ("bytes=0-", 0, 9),
        ("bytes=8-100", 8, 9),
        ("bytes=-100", 0, 9),
        ("bytes=9-9", 9, 9),
        ("Bytes=2-5", 2, 5),
        ("bytes=2-" + "9" * 5000, 2, 9),
        ("bytes=-" + "9" * 5000, 0, 9),
    ],
    ids=lambda value: str(value)[:14],
)
def test_range_of_a_blob_is_returned(endpoint: Endpoint, blob, header, first, last):
    answer = endpoint("GET", blob, headers={"Range": header})
    assert (answer.status_code, answer.content) == (206, b"0123456789"[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/10"
    assert answer.headers["Content-Length"] == str(last - first + 1)
    assert answer.headers["Docker-Content-Digest"] == sha256(b"0123456789")


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=" + "9" * 5000 + "-"], ids=len)
def test_range_beyond_the_end_of_a_blob_is_refused(endpoint: Endpoint, blob, header):
    answer = endpoint("GET", blob, headers={"Range": header})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["Content-Range"] == "bytes */10"


@pytest.mark.parametrize(
    "header", ["", "bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=0-1,3-4", "items=0-1", "bytes=0x0-1"]
)
def test_range_of_another_form_is_ignored(endpoint: Endpoint, blob, header):
    answer = endpoint("GET", blob, headers={"Range": header})
    assert (answer.status_code, answer.content) == (200, b"0123456789")
    assert "Content-Range" not in answer.headers


def test_range_is_ignored_by_head(endpoint: Endpoint, blob):
    answer = endpoint("HEAD", blob, headers={"Range": "bytes=2-5"})
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, "10")


def test_range_across_the_pieces_of_a_large_blob_is_returned(endpoint: Endpoint):
    content = content_of(3 * MIB)
    digest = endpoint.push_blob("app", content)
    span = {"Range": f"bytes={MIB - 5}-{2 * MIB + 5}"}
    assert endpoint("GET", f"/v2/app/blobs/{digest}", headers=span).content == content[MIB - 5 : 2 * MIB + 6]


# --- what cannot be had -----------------------------------------------------------------------------------------------


def test_unknown_blob_is_refused(endpoint: Endpoint):
    assert error(endpoint("GET", f"/v2/app/blobs/{ABSENT}")) == no_blob(ABSENT)


def test_blob_in_a_repository_that_does_not_exist_is_refused(endpoint: Endpoint):
    assert error(endpoint("GET", f"/v2/absent/blobs/{ABSENT}")) == no_repository("absent")


@pytest.mark.parametrize("digest", MALFORMED)
def test_malformed_digest_of_a_blob_is_refused(endpoint: Endpoint, digest):
    assert error(endpoint("GET", f"/v2/app/blobs/{digest}")) == malformed_digest(digest)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/v2/app/blobs/{ABSENT}", 404),
        (f"/v2/absent/blobs/{ABSENT}", 404),
        ("/v2/app/blobs/sha256:xyz", 405),
        ("/v2/absent/blobs/sha256:xyz", 405),
    ],
)
def test_head_that_fails_has_a_status_and_no_body(endpoint: Endpoint, path, status):
    answer = endpoint("HEAD", path)
    assert (answer.status_code, answer.content) == (status, b"")
    assert endpoint("GET", path).status_code == status
    assert "Content-Type" not in answer.headers


def test_layer_that_only_a_manifest_of_the_api_names_has_no_bytes(endpoint: Endpoint, ecr):
    described = {"mediaType": OCI_LAYER, "digest": ABSENT, "size": 4}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described, "layers": [described]})
    ecr.put_image(repositoryName="app", imageManifest=manifest, imageTag="1")
    assert error(endpoint("GET", f"/v2/app/blobs/{ABSENT}")) == no_blob(ABSENT)


def test_blob_of_a_deleted_image_is_gone(endpoint: Endpoint):
    endpoint.push_image("app", "v1", b"layer")
    assert endpoint("DELETE", "/v2/app/manifests/v1").status_code == 202
    assert error(endpoint("GET", f"/v2/app/blobs/{sha256(b'layer')}")) == no_blob(sha256(b"layer"))


def test_blob_of_a_deleted_image_stays_for_another(endpoint: Endpoint):
    endpoint.push_image("app", "v1", b"layer")
    endpoint.push_image("app", "v2", b"layer", annotations={"a": "b"})
    endpoint("DELETE", "/v2/app/manifests/v1")
    assert endpoint("GET", f"/v2/app/blobs/{sha256(b'layer')}").content == b"layer"


def test_blob_goes_with_its_repository(endpoint: Endpoint, ecr, blob):
    ecr.delete_repository(repositoryName="app", force=True)
    ecr.create_repository(repositoryName="app")
    assert endpoint("GET", blob).status_code == 404


@pytest.mark.parametrize("digest", [sha256(b"0123456789"), ABSENT, "sha256:xyz"])
def test_blob_cannot_be_deleted(endpoint: Endpoint, blob, digest):
    answer = endpoint("DELETE", f"/v2/app/blobs/{digest}")
    assert error(answer) == (405, "UNSUPPORTED", "The operation is unsupported.")
    assert endpoint("GET", blob).content == b"0123456789"


# --- one truth --------------------------------------------------------------------------------------------------------


def test_layer_that_the_api_received_is_a_blob(endpoint: Endpoint, ecr):
    upload = ecr.initiate_layer_upload(repositoryName="app")["uploadId"]
    ecr.upload_layer_part(
        repositoryName="app", uploadId=upload, partFirstByte=0, partLastByte=4, layerPartBlob=b"layer"
    )
    ecr.complete_layer_upload(repositoryName="app", uploadId=upload, layerDigests=[sha256(b"layer")])
    assert endpoint("GET", f"/v2/app/blobs/{sha256(b'layer')}").content == b"layer"


def test_blob_that_was_pushed_is_downloaded_by_the_url_of_its_layer(aws: Aws, endpoint: Endpoint, ecr):
    digest = endpoint.push_blob("app", b"layer")
    url = ecr.get_download_url_for_layer(repositoryName="app", layerDigest=digest)["downloadUrl"]
    assert endpoint("GET", url, auth=None).content == b"layer"


def test_blobs_of_an_image_in_the_cache_are_pulled_and_described(endpoint: Endpoint, ecr, quay: UpstreamRegistry):
    pushed = quay.push("team/app", layers=[b"layer"])
    endpoint("GET", "/v2/quay/team/app/manifests/latest")
    (layer,) = json.loads(pushed.manifest)["layers"]
    blob = f"/v2/quay/team/app/blobs/{layer['digest']}"
    assert endpoint("HEAD", blob).headers["Content-Length"] == "5"
    assert endpoint("GET", blob).content == b"layer"


def test_layer_that_was_uploaded_stays_when_another_image_that_has_it_is_deleted(endpoint: Endpoint):
    endpoint.push_image("app", "one", b"shared")
    endpoint.push_blob("app", b"shared")
    endpoint("DELETE", "/v2/app/manifests/one")
    two = image_manifest([sha256(b"{}"), sha256(b"shared")], [2, 6], annotations={"number": "two"})
    endpoint.push_blob("app", b"{}")
    endpoint.push_manifest("app", "two", two)
    endpoint("DELETE", "/v2/app/manifests/two")
    assert endpoint("GET", f"/v2/app/blobs/{sha256(b'shared')}").status_code == 404


def test_size_of_a_blob_is_its_own_whatever_a_manifest_says(endpoint: Endpoint, ecr):
    digests = [endpoint.push_blob("app", blob) for blob in (b"{}", b"layer")]
    endpoint.push_manifest("app", "v1", image_manifest(digests, [2, 999]))
    assert endpoint("HEAD", f"/v2/app/blobs/{digests[1]}").headers["Content-Length"] == "5"
    (layer,) = ecr.batch_check_layer_availability(repositoryName="app", layerDigests=digests[1:])["layers"]
    assert (layer["layerSize"], layer["mediaType"]) == (5, OCI_LAYER)
