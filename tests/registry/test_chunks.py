"""Uploads of blobs in several requests: chunks, with and without their range."""

from __future__ import annotations

import pytest

from tests.registry.endpoint import Endpoint, error, sha256
from tests.registry.upload_calls import MIB, add, close, is_held, received, start

MINIMUM = 5 * MIB
TOO_SMALL = (400, "BLOB_UPLOAD_INVALID", "All layer parts except the last part should be at least 5MB")


def misplaced(first: int, expected: int) -> tuple[int, str, str]:
    return 416, "BLOB_UPLOAD_INVALID", f"First byte of the layer part is {first} instead of {expected}"


def test_chunk_is_answered_with_201_and_the_same_url(endpoint: Endpoint):
    upload = start(endpoint)
    for number in range(3):
        answer = add(endpoint, upload, b"1234", first=4 * number)
        assert (answer.status_code, answer.content) == (201, b"")
        assert endpoint.local(answer.headers["Location"]) == upload
        assert not {"Docker-Upload-Uuid", "Content-Type"} & set(answer.headers)


def test_range_stays_that_of_the_first_chunk(endpoint: Endpoint):
    upload = start(endpoint)
    ranges = [add(endpoint, upload, b"x" * size).headers["Range"] for size in (4, 3, 5)]
    assert ranges == ["0-3", "0-3", "0-3"]
    assert received(endpoint, upload) == "0-11"


def test_chunks_make_the_blob_in_their_order(endpoint: Endpoint):
    first, second = b"1" * MINIMUM, b"2" * (MINIMUM + 1)
    upload = start(endpoint)
    assert add(endpoint, upload, first, first=0).status_code == 201
    assert add(endpoint, upload, second, first=MINIMUM).status_code == 201
    digest = sha256(first + second)
    assert close(endpoint, upload, digest).status_code == 201
    assert endpoint("GET", f"/v2/app/blobs/{digest}").content == first + second


def test_chunks_without_a_range_are_appended(endpoint: Endpoint):
    upload = start(endpoint)
    for content in (b"1", b"23", b"4"):
        add(endpoint, upload, content)
    assert close(endpoint, upload, sha256(b"1234")).status_code == 201


def test_last_chunk_can_close_the_upload(endpoint: Endpoint):
    first, last = b"1" * MINIMUM, b"2"
    upload = start(endpoint)
    add(endpoint, upload, first, first=0)
    closing = {"Content-Range": f"{MINIMUM}-{MINIMUM}"}
    assert close(endpoint, upload, sha256(first + last), last, headers=closing).status_code == 201


def test_chunk_that_is_sent_in_pieces_of_the_transfer_is_stored(endpoint: Endpoint):
    upload = start(endpoint)
    answer = endpoint("PATCH", upload, iter([b"12", b"34"]), headers={"Content-Range": "0-3"})
    assert (answer.status_code, answer.headers["Range"]) == (201, "0-3")
    assert close(endpoint, upload, sha256(b"1234")).status_code == 201


def test_chunk_without_bytes_changes_nothing(endpoint: Endpoint):
    upload = start(endpoint)
    assert add(endpoint, upload, b"").headers["Range"] == "0-0"
    assert add(endpoint, upload, b"1234").headers["Range"] == "0-3"
    assert add(endpoint, upload, b"").headers["Range"] == "0-3"
    assert close(endpoint, upload, sha256(b"1234")).status_code == 201


# --- offsets ----------------------------------------------------------------------------------------------------------


def test_chunk_that_is_sent_again_at_the_stale_offset_is_refused(endpoint: Endpoint):
    upload = start(endpoint)
    add(endpoint, upload, b"1234", first=0)
    stale = int(add(endpoint, upload, b"5678", first=4).headers["Range"].partition("-")[2]) + 1
    assert error(add(endpoint, upload, b"5678", first=stale)) == misplaced(4, 8)
    assert close(endpoint, upload, sha256(b"12345678")).status_code == 400  # for the chunks are small
    assert received(endpoint, upload) == "0-7"


@pytest.mark.parametrize("first", [0, 3, 5, 10**17])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_chunk_that_does_not_follow_is_refused_and_changes_nothing(endpoint: Endpoint, method, first):
    upload = start(endpoint)
    add(endpoint, upload, b"1234")
    headers = {"Content-Range": f"{first}-{first + 3}"}
    answer = endpoint(method, upload, b"5678", params={"digest": sha256(b"12345678")}, headers=headers)
    assert error(answer) == misplaced(first, 4)
    assert received(endpoint, upload) == "0-3"
    assert close(endpoint, upload, sha256(b"12345678"), b"5678").status_code == 201


def test_first_chunk_begins_at_the_beginning(endpoint: Endpoint):
    assert error(add(endpoint, start(endpoint), b"1234", first=1)) == misplaced(1, 0)


# --- ranges -----------------------------------------------------------------------------------------------------------

MALFORMED = ["", "0", "0-", "-3", "3-0", "a-b", "0-3-5", "0--3", "0 - 3", "items 0-3", "bytes 0-3/x", "0-" + "9" * 5000]


@pytest.mark.parametrize("header", ["0-3", "bytes 0-3", "bytes 0-3/*", "bytes 0-3/4", "bytes=0-3", " 0-3 "])
def test_range_is_taken_in_all_forms_that_clients_send(endpoint: Endpoint, header):
    upload = start(endpoint)
    assert endpoint("PATCH", upload, b"1234", headers={"Content-Range": header.strip()}).status_code == 201


@pytest.mark.parametrize("header", MALFORMED, ids=lambda header: header[:12])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_malformed_range_is_refused_and_changes_nothing(endpoint: Endpoint, method, header):
    upload = start(endpoint)
    digest = {"digest": sha256(b"1234")}
    answer = endpoint(method, upload, b"1234", params=digest, headers={"Content-Range": header})
    assert error(answer) == (416, "BLOB_UPLOAD_INVALID", f"The Content-Range '{header}' is malformed")
    assert close(endpoint, upload, sha256(b"1234"), b"1234").status_code == 201


@pytest.mark.parametrize(("header", "announced"), [("0-2", 3), ("0-4", 5), ("0-99999999", 100_000_000)])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_range_that_does_not_fit_the_body_is_refused_and_changes_nothing(endpoint: Endpoint, method, header, announced):
    upload = start(endpoint)
    digest = {"digest": sha256(b"1234")}
    answer = endpoint(method, upload, b"1234", params=digest, headers={"Content-Range": header})
    assert error(answer) == (400, "SIZE_INVALID", f"The body has 4 bytes, and its Content-Range {announced}")
    assert close(endpoint, upload, sha256(b"1234"), b"1234").status_code == 201


# --- sizes ------------------------------------------------------------------------------------------------------------


def test_chunk_below_the_minimum_that_is_not_the_last_is_refused_at_completion(endpoint: Endpoint):
    chunks = [b"1" * (MINIMUM - 1), b"2"]
    upload = start(endpoint)
    assert add(endpoint, upload, chunks[0], first=0).status_code == 201
    assert add(endpoint, upload, chunks[1], first=MINIMUM - 1).status_code == 201
    digest = sha256(b"".join(chunks))
    assert error(close(endpoint, upload, digest)) == TOO_SMALL
    assert not is_held(endpoint, digest)


def test_chunk_below_the_minimum_is_refused_before_a_last_part_that_closes_the_upload(endpoint: Endpoint):
    upload = start(endpoint)
    add(endpoint, upload, b"1234", first=0)
    assert error(close(endpoint, upload, sha256(b"12345678"), b"5678")) == TOO_SMALL
    assert close(endpoint, upload, sha256(b"1234")).status_code == 201


def test_upload_with_a_chunk_below_the_minimum_can_be_cancelled(endpoint: Endpoint):
    upload = start(endpoint)
    for first in (0, 4):
        add(endpoint, upload, b"1234", first=first)
    assert close(endpoint, upload, sha256(b"12341234")).status_code == 400
    assert endpoint("DELETE", upload).status_code == 204


def test_only_chunk_may_be_below_the_minimum(endpoint: Endpoint):
    upload = start(endpoint)
    add(endpoint, upload, b"1234", first=0)
    assert close(endpoint, upload, sha256(b"1234")).status_code == 201


def test_last_chunk_may_be_below_the_minimum(endpoint: Endpoint):
    first, last = b"1" * MINIMUM, b"2"
    upload = start(endpoint)
    add(endpoint, upload, first, first=0)
    add(endpoint, upload, last, first=MINIMUM)
    assert close(endpoint, upload, sha256(first + last)).status_code == 201


def test_parts_without_a_range_may_be_below_the_minimum(endpoint: Endpoint):
    upload = start(endpoint)
    for content in (b"1", b"2"):
        add(endpoint, upload, content)
    assert close(endpoint, upload, sha256(b"123"), b"3").status_code == 201
