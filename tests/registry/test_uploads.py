"""Uploads of whole blobs at the registry endpoint, and what becomes of uploads that are not finished."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time

from conftest import ACCOUNT, MODEL, OTHER_ACCOUNT, Aws, refusal, repositories
from tests.registry.endpoint import Endpoint, error, sha256
from tests.registry.upload_calls import (
    ABSENT,
    MIB,
    OTHER_DIGEST,
    UPLOADS,
    add,
    close,
    is_held,
    malformed_digest,
    no_repository,
    not_found,
    received,
    start,
    upload_id,
)

DIGEST = sha256(b"blob")
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


# --- the start --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v2/app/blobs/uploads/", "/v2/app/blobs/uploads"])
def test_upload_that_is_started_has_an_absolute_url_that_ends_in_a_uuid(endpoint: Endpoint, path):
    answer = endpoint("POST", path)
    assert (answer.status_code, answer.content) == (202, b"")
    host = re.escape(f"http://{endpoint.host}" if endpoint.aws.endpoint_url else endpoint.base_url)
    assert re.fullmatch(f"{host}/v2/app/blobs/uploads/{UUID}", answer.headers["Location"])


def test_upload_that_is_started_is_described_by_as_few_headers_as_ecrs(endpoint: Endpoint):
    headers = endpoint("POST", UPLOADS).headers
    assert (headers["Range"], headers["Content-Length"]) == ("0-0", "0")
    assert headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert not {"Docker-Upload-Uuid", "Content-Type", "Transfer-Encoding"} & set(headers)


def test_each_upload_has_a_url_of_its_own(endpoint: Endpoint):
    assert start(endpoint) != start(endpoint)


def test_upload_to_a_repository_that_does_not_exist_is_refused(endpoint: Endpoint):
    assert error(endpoint("POST", "/v2/absent/blobs/uploads/")) == no_repository("absent")


def test_upload_to_an_impossible_name_is_refused(endpoint: Endpoint):
    status, code, message = error(endpoint("POST", "/v2/App/blobs/uploads/"))
    assert (status, code) == (405, "UNSUPPORTED")
    assert message.startswith("Invalid parameter at 'repositoryName' failed to satisfy constraint: ")


# --- the whole blob at once -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, MIB, MIB + 1, 3 * MIB + 7])
def test_blob_that_is_put_whole_is_returned(endpoint: Endpoint, size):
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    answer = close(endpoint, start(endpoint), sha256(content), content)
    assert (answer.status_code, answer.content) == (201, b"")
    assert endpoint("GET", f"/v2/app/blobs/{sha256(content)}").content == content


def test_blob_that_is_put_has_the_location_of_the_blob(endpoint: Endpoint):
    answer = close(endpoint, start(endpoint), DIGEST, b"blob")
    assert answer.headers["Docker-Content-Digest"] == DIGEST
    assert "Content-Type" not in answer.headers
    assert re.fullmatch(rf"https?://[^/]+/v2/app/blobs/{DIGEST}", answer.headers["Location"])
    assert endpoint("GET", endpoint.local(answer.headers["Location"])).content == b"blob"


def test_blob_that_is_posted_whole_is_returned(endpoint: Endpoint):
    answer = endpoint("POST", UPLOADS, b"blob", params={"digest": DIGEST})
    assert (answer.status_code, answer.headers["Docker-Content-Digest"]) == (201, DIGEST)
    assert endpoint("GET", endpoint.local(answer.headers["Location"])).content == b"blob"


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x", "odd"]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_body_is_the_blob_whatever_it_looks_like(endpoint: Endpoint, method, content_type):
    content = b"&Action=DescribeRepositories&Version=2015-09-21&x=%zz\xff&a[]={"
    headers = {"Content-Type": content_type}
    if method == "PATCH":
        upload = start(endpoint)
        assert endpoint("PATCH", upload, content, headers=headers).status_code == 201
        answer = close(endpoint, upload, sha256(content))
    else:
        url = UPLOADS if method == "POST" else start(endpoint)
        answer = endpoint(method, url, content, params={"digest": sha256(content)}, headers=headers)
    assert answer.status_code == 201
    assert endpoint("GET", f"/v2/app/blobs/{sha256(content)}").content == content


def test_blob_that_is_sent_in_chunks_of_the_transfer_is_returned(endpoint: Endpoint):
    pieces = [b"first", b"s" * MIB, b"third"]
    digest = sha256(b"".join(pieces))
    assert close(endpoint, start(endpoint), digest, iter(pieces)).status_code == 201
    assert endpoint("GET", f"/v2/app/blobs/{digest}").content == b"".join(pieces)


def test_blob_that_is_there_already_can_be_uploaded_again(endpoint: Endpoint):
    for _ in range(2):
        assert endpoint.push_blob("app", b"blob") == DIGEST
    assert endpoint("GET", f"/v2/app/blobs/{DIGEST}").content == b"blob"


def test_blob_is_known_only_in_the_repository_that_it_was_uploaded_to(endpoint: Endpoint, ecr):
    ecr.create_repository(repositoryName="other")
    endpoint.push_blob("app", b"blob")
    assert is_held(endpoint, DIGEST)
    assert not is_held(endpoint, DIGEST, "other")


# --- what cannot be finished ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "digest",
    [sha256(b"other"), f"sha512:{hashlib.sha512(b'blob').hexdigest()}", "sha256:0", "md5:0", DIGEST.upper()],
    ids=["other content", "sha512", "short", "unknown algorithm", "upper case"],
)
def test_digest_that_is_not_the_blobs_is_refused(endpoint: Endpoint, digest):
    refused = (400, "BLOB_UPLOAD_INVALID", OTHER_DIGEST)
    assert error(close(endpoint, start(endpoint), digest, b"blob")) == refused
    assert error(endpoint("POST", UPLOADS, b"blob", params={"digest": digest})) == refused
    assert not is_held(endpoint, DIGEST)


def test_upload_with_a_wrong_digest_stays_as_it_was_and_can_be_finished(endpoint: Endpoint):
    upload = start(endpoint)
    add(endpoint, upload, b"bl")
    assert close(endpoint, upload, sha256(b"other"), b"ob").status_code == 400
    assert received(endpoint, upload) == "0-1"
    assert close(endpoint, upload, DIGEST, b"ob").status_code == 201


@pytest.mark.parametrize("digest", [None, "", "sha256", "sha256:", "sha256:xyz", ":0", f"{DIGEST} ", f"{DIGEST}\n"])
def test_missing_or_malformed_digest_is_refused_and_the_upload_goes_on(endpoint: Endpoint, digest):
    upload = start(endpoint)
    query = {} if digest is None else {"params": {"digest": digest}}
    assert error(endpoint("PUT", upload, b"blob", **query)) == malformed_digest(digest or "")
    assert close(endpoint, upload, DIGEST, b"blob").status_code == 201


@pytest.mark.parametrize("digest", ["", "sha256:xyz"])
def test_missing_or_malformed_digest_of_a_blob_that_is_posted_is_refused(endpoint: Endpoint, digest):
    assert error(endpoint("POST", UPLOADS, b"blob", params={"digest": digest})) == malformed_digest(digest)


def test_blob_without_bytes_cannot_be_uploaded(endpoint: Endpoint):
    upload = start(endpoint)
    assert error(close(endpoint, upload, sha256(b""))) == (
        400,
        "BLOB_UPLOAD_INVALID",
        (
            f"The upload with id '{upload_id(upload)}' in the repository with name 'app' "
            f"in registry with id '{ACCOUNT}' cannot be completed because it does not have any parts"
        ),
    )
    assert close(endpoint, upload, DIGEST, b"blob").status_code == 201


def test_blob_without_bytes_cannot_be_posted(endpoint: Endpoint):
    status, code, message = error(endpoint("POST", UPLOADS, b"", params={"digest": sha256(b"")}))
    assert (status, code) == (400, "BLOB_UPLOAD_INVALID")
    assert message.endswith("cannot be completed because it does not have any parts")


@pytest.mark.skipif(
    "CREATE_ON_PUSH" not in MODEL.shape_for("RCTAppliedFor").metadata["enum"],
    reason="the model of an older botocore has no CREATE_ON_PUSH",
)
def test_post_with_a_malformed_digest_creates_no_repository(endpoint: Endpoint, ecr):
    ecr.create_repository_creation_template(prefix="new", appliedFor=["CREATE_ON_PUSH"])
    posted = endpoint("POST", "/v2/new/app/blobs/uploads/", b"blob", params={"digest": "sha256:xyz"})
    assert posted.status_code == 405
    assert repositories(ecr) == ["app"]


# --- the status of an upload, and its end -----------------------------------------------------------------------------


def test_status_of_an_upload_is_what_it_has_received(endpoint: Endpoint):
    upload = start(endpoint)
    answer = endpoint("GET", upload)
    assert (answer.status_code, answer.content, answer.headers["Range"]) == (204, b"", "0-0")
    assert endpoint.local(answer.headers["Location"]) == upload
    add(endpoint, upload, b"1234")
    add(endpoint, upload, b"5678")
    assert received(endpoint, upload) == "0-7"


def test_upload_that_is_cancelled_is_gone(endpoint: Endpoint):
    upload = start(endpoint)
    add(endpoint, upload, b"blob")
    answer = endpoint("DELETE", upload)
    assert (answer.status_code, answer.content) == (204, b"")
    assert error(endpoint("GET", upload)) == not_found(upload)


def test_upload_that_is_finished_is_gone(endpoint: Endpoint):
    upload = start(endpoint)
    close(endpoint, upload, DIGEST, b"blob")
    assert error(endpoint("GET", upload)) == not_found(upload)


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize("identifier", [ABSENT, "odd", "%C3%A4"])
def test_upload_that_was_never_started_is_not_found(endpoint: Endpoint, method, identifier):
    answer = endpoint(method, UPLOADS + identifier, b"blob", params={"digest": DIGEST})
    assert error(answer) == not_found("ä" if identifier.startswith("%") else identifier)


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
def test_upload_of_another_repository_is_not_found(endpoint: Endpoint, ecr, method):
    ecr.create_repository(repositoryName="other")
    upload = start(endpoint)
    answer = endpoint(method, upload.replace("/app/", "/other/"), b"blob", params={"digest": DIGEST})
    assert error(answer) == not_found(upload, "other")
    assert close(endpoint, upload, DIGEST, b"blob").status_code == 201


def test_upload_of_another_account_is_not_found(aws: Aws, endpoint: Endpoint):
    aws.client("ecr", account=OTHER_ACCOUNT).create_repository(repositoryName="app")
    other = Endpoint(aws, OTHER_ACCOUNT)
    answer = other("GET", UPLOADS + upload_id(start(endpoint)))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "BLOB_UPLOAD_UNKNOWN")


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
def test_upload_to_a_deleted_repository_has_no_repository(endpoint: Endpoint, ecr, method):
    upload = start(endpoint)
    ecr.delete_repository(repositoryName="app")
    assert error(endpoint(method, upload, b"blob", params={"digest": DIGEST})) == no_repository("app")


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
def test_upload_does_not_come_back_with_its_repository(endpoint: Endpoint, ecr, method):
    upload = start(endpoint)
    add(endpoint, upload, b"blob")
    ecr.delete_repository(repositoryName="app")
    ecr.create_repository(repositoryName="app")
    assert error(endpoint(method, upload, b"blob", params={"digest": DIGEST})) == not_found(upload)


# --- abandoned uploads ------------------------------------------------------------------------------------------------

NOON = datetime(2026, 3, 2, 12)
ALMOST_A_DAY = timedelta(hours=23, minutes=59)


@pytest.fixture
def clock() -> Iterator[Any]:
    """A clock that stands still. Tokens expire by it too, so tests log in anew after they move it."""
    with freeze_time(NOON) as frozen:
        yield frozen


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
def test_upload_that_was_left_for_a_day_is_gone(clock, aws: Aws, endpoint: Endpoint, method):
    upload = start(Endpoint(aws))
    clock.move_to(NOON + timedelta(hours=24))
    answer = Endpoint(aws)(method, upload, b"blob", params={"digest": DIGEST})
    assert error(answer) == not_found(upload)


def test_upload_that_is_added_to_each_day_is_kept(clock, aws: Aws, endpoint: Endpoint):
    upload = start(Endpoint(aws))
    for number in range(1, 4):
        clock.move_to(NOON + number * ALMOST_A_DAY)
        assert add(Endpoint(aws), upload, b"x").status_code == 201
    assert received(Endpoint(aws), upload) == "0-2"


def test_upload_that_was_left_for_a_day_is_gone_for_the_api_too(clock, ecr, endpoint: Endpoint):
    upload = ecr.initiate_layer_upload(repositoryName="app")["uploadId"]
    clock.move_to(NOON + timedelta(hours=24))
    found = refusal(
        ecr.upload_layer_part,
        repositoryName="app",
        uploadId=upload,
        partFirstByte=0,
        partLastByte=0,
        layerPartBlob=b"x",
    )
    assert (found.code, found.message) == ("UploadNotFoundException", not_found(upload)[2])


# --- the API and the endpoint -----------------------------------------------------------------------------------------


def test_upload_that_the_api_began_is_finished_at_the_endpoint(endpoint: Endpoint, ecr):
    upload = ecr.initiate_layer_upload(repositoryName="app")["uploadId"]
    ecr.upload_layer_part(repositoryName="app", uploadId=upload, partFirstByte=0, partLastByte=1, layerPartBlob=b"bl")
    assert add(endpoint, f"{UPLOADS}{upload}", b"o").status_code == 201
    assert close(endpoint, f"{UPLOADS}{upload}", DIGEST, b"b").status_code == 201


def test_upload_that_the_endpoint_began_is_finished_by_the_api(endpoint: Endpoint, ecr):
    upload = start(endpoint)
    add(endpoint, upload, b"blo")
    identifier = upload_id(upload)
    ecr.upload_layer_part(
        repositoryName="app", uploadId=identifier, partFirstByte=3, partLastByte=3, layerPartBlob=b"b"
    )
    completed = ecr.complete_layer_upload(repositoryName="app", uploadId=identifier, layerDigests=[DIGEST])
    assert completed["layerDigest"] == DIGEST
    assert endpoint("GET", f"/v2/app/blobs/{DIGEST}").content == b"blob"


def test_blob_that_the_endpoint_received_is_an_available_layer(endpoint: Endpoint, ecr):
    endpoint.push_blob("app", b"blob")
    (layer,) = ecr.batch_check_layer_availability(repositoryName="app", layerDigests=[DIGEST])["layers"]
    assert (layer["layerAvailability"], layer["layerSize"]) == ("AVAILABLE", 4)


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_blob_that_is_larger_than_ecr_stores_is_refused_and_changes_nothing(endpoint: Endpoint, monkeypatch, method):
    monkeypatch.setattr("moto_ecr_ptc.ecr.images.uploads.MAX_LAYER_SIZE", 100)
    upload = start(endpoint)
    answer = endpoint(method, f"{upload}?digest={sha256(bytes(101))}", bytes(101))
    message = "The layer has more than the 100 bytes that a layer may have"
    assert error(answer) == (400, "BLOB_UPLOAD_INVALID", message)
    assert received(endpoint, upload) == "0-0"
