"""Uploads to the registry endpoint, whole and in chunks."""

from __future__ import annotations

import hashlib
import re

from ..case import Case, digest_of
from ..pushing import add, close, start
from . import scenario

MEBIBYTE = 1024 * 1024
INVALID = "BLOB_UPLOAD_INVALID"
UNKNOWN = "/blobs/uploads/00000000-0000-0000-0000-000000000000"


@scenario("upload-start upload-put upload-post-whole upload-status upload-unknown")
def whole_blobs(case: Case) -> None:
    repository = case.repository()
    uploads = f"/v2/{repository}/blobs/uploads/"
    reply = case.http("POST", uploads)
    headers = ("Location", "Range", "Docker-Upload-Uuid", "Content-Type", "Content-Length")
    case.replied("upload-start", "POST", (202,), reply, *headers)
    ends = re.search(r"/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", reply.headers["Location"])
    case.saw("upload-start", "the URL ends in a UUID", True, ends is not None)
    upload = case.cloud.path_of(reply.headers["Location"])
    case.replied("upload-status", "GET of an upload", (204,), case.http("GET", upload), "Range")
    reply = close(case, upload, digest_of(b"whole"), b"whole")
    case.replied("upload-put", "PUT of the whole", (201,), reply, "Location", "Docker-Content-Digest")
    reply = case.http("POST", f"{uploads}?digest={digest_of(b'posted')}", b"posted")
    case.replied("upload-post-whole", "POST of the whole", (201,), reply)
    cancelled = start(case, repository)
    case.replied("upload-status", "DELETE of an upload", (204,), case.http("DELETE", cancelled))
    reply = case.http("PATCH", f"/v2/{repository}{UNKNOWN}", b"1234")
    case.replied("upload-unknown", "PATCH of an unknown upload", (404, "BLOB_UPLOAD_UNKNOWN"), reply)


@scenario("upload-wrong-digest upload-sha512 upload-no-digest upload-empty-blob")
def blobs_with_wrong_digests(case: Case) -> None:
    repository = case.repository()
    invalid = (400, INVALID)
    upload = start(case, repository)
    reply = close(case, upload, digest_of(b"other"), b"content")
    case.replied("upload-wrong-digest", "another digest", invalid, reply)
    reply = close(case, upload, digest_of(b"content"), b"content")
    case.replied("upload-wrong-digest", "the upload goes on", (201,), reply)
    sha512 = f"sha512:{hashlib.sha512(b'content').hexdigest()}"
    case.replied("upload-sha512", "sha512", invalid, close(case, start(case, repository), sha512, b"content"))
    upload = start(case, repository)
    for label, path in (("no digest", upload), ("malformed digest", f"{upload}?digest=sha256:x")):
        case.replied("upload-no-digest", label, (405, "UNSUPPORTED"), case.http("PUT", path, b"content"))
    case.replied("upload-empty-blob", "no bytes", invalid, close(case, start(case, repository), digest_of(b"")))


@scenario(
    "upload-patch upload-range-stays upload-append upload-does-not-follow upload-empty-patch upload-malformed-range"
)
def chunks(case: Case) -> None:
    repository = case.repository()
    upload = start(case, repository)
    reply = add(case, upload, b"1234")
    case.replied("upload-patch", "first chunk", (201,), reply, "Range", "Docker-Upload-Uuid", "Content-Type")
    case.saw("upload-patch", "the URL stays", upload, case.cloud.path_of(reply.headers.get("Location", "")))
    case.replied("upload-range-stays", "second chunk", (201,), add(case, upload, b"5678"), "Range")
    case.replied("upload-empty-patch", "no bytes", (201,), add(case, upload, b""), "Range")
    place = (416, INVALID)
    case.replied("upload-does-not-follow", "chunk that is sent again", place, add(case, upload, b"5678", first=4))
    for label, header, claimed in (
        ("malformed range", "a-b", (416, INVALID)),
        ("range that does not fit", "8-9", (400, "SIZE_INVALID")),
    ):
        reply = case.http("PATCH", upload, b"9012", Content_Range=header)
        case.replied("upload-malformed-range", label, claimed, reply)
    case.replied("upload-append", "PUT of all", (201,), close(case, upload, digest_of(b"12345678")))


@scenario("upload-small-chunk")
def small_chunks(case: Case) -> None:
    repository = case.repository()
    upload = start(case, repository)
    for number in range(2):
        add(case, upload, b"1" * MEBIBYTE, first=number * MEBIBYTE)
    reply = close(case, upload, digest_of(b"1" * 2 * MEBIBYTE))
    case.replied("upload-small-chunk", "completion", (400, INVALID), reply)
