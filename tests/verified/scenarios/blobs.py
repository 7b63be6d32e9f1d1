"""Logging in to the registry endpoint, paths that there are none of, and blobs."""

from __future__ import annotations

from typing import Any

from ..case import Case, digest_of
from ..pushing import CONFIG, image, push, push_blob, put
from . import scenario

ABSENT = "sha256:" + "0" * 64
VERSION = "Docker-Distribution-Api-Version"


@scenario("login-challenge login-realm login-version-check login-other-token endpoint-version-header")
def logging_in(case: Case) -> None:
    unauthorized = (401, "Not Authorized\n")
    for label, auth, headers in (
        ("no credentials", None, {}),
        ("wrong password", ("AWS", "wrong"), {}),
        ("bearer", None, {"Authorization": "Bearer x"}),
    ):
        reply = case.http("GET", "/v2/", auth=auth, **headers)
        case.replied("login-challenge", label, unauthorized, reply, "Content-Type")
    reply = case.http("GET", "/v2/", auth=None)
    realm = f'Basic realm="https://{case.cloud.registry_host}/",service="ecr.amazonaws.com"'
    case.saw("login-realm", "challenge", realm, reply.headers.get("Www-Authenticate"))
    reply = case.http("GET", "/v2/")
    case.replied("login-version-check", "GET /v2/", (200,), reply, VERSION, "Content-Type")
    case.saw("login-version-check", "its body", "{}", reply.text.strip())
    case.saw("endpoint-version-header", "version", "registry/2.0", reply.headers.get(VERSION))
    user, password = case.cloud.login
    mangled = case.http("GET", "/v2/", auth=(user, password[:-8] + "AAAAAAAA"))
    case.replied("login-other-token", "mangled token", (400,), mangled)


@scenario("endpoint-no-page endpoint-invalid-parameter endpoint-name-unknown endpoint-version-header")
def paths_and_names(case: Case) -> None:
    repository = case.repository()
    page = "404 page not found\n"
    for label, method, path in (
        ("unknown path", "GET", "/v2/nothing"),
        ("unknown method", "POST", f"/v2/{repository}/manifests/v1"),
    ):
        reply = case.http(method, path)
        case.replied("endpoint-no-page", label, (404, page), reply, "Content-Type")
    reply = case.http("GET", f"/v2/{case.name('/UPPER')}/manifests/v1")
    case.replied("endpoint-invalid-parameter", "malformed name", (405, "UNSUPPORTED"), reply)
    reply = case.http("GET", f"/v2/{case.name('/absent')}/manifests/v1")
    case.replied("endpoint-name-unknown", "unknown repository", (404, "NAME_UNKNOWN"), reply)
    case.replied("endpoint-version-header", "header of an error", (404,), reply, VERSION, "Content-Type")


@scenario("endpoint-hosts")
def dual_stack_host(case: Case) -> None:
    repository = case.repository()
    manifest = push(case, repository, "v1", b"a layer")
    host = f"{case.account}.dkr-ecr.{case.region}.on.aws"
    reply = case.http("GET", f"/v2/{repository}/manifests/v1", host=host)
    case.replied("endpoint-hosts", "image that was pushed to the other host", (200,), reply)
    case.saw("endpoint-hosts", "it is that image", True, reply.content == manifest)


@scenario("blob-unknown blob-delete blob-range")
def blobs_that_are_returned(case: Case) -> None:
    repository = case.repository()
    push(case, repository, "v1", b"0123456789")
    path = f"/v2/{repository}/blobs/{digest_of(b'0123456789')}"
    reply = case.http("HEAD", path)
    case.replied("blob-range", "HEAD", (200,), reply, "Content-Length", "Docker-Content-Digest")
    reply = case.http("GET", f"/v2/{repository}/blobs/{ABSENT}")
    case.replied("blob-unknown", "unknown blob", (404, "BLOB_UNKNOWN"), reply)
    case.replied("blob-delete", "DELETE", (405, "UNSUPPORTED"), case.http("DELETE", path))


@scenario("blob-odd-range")
def odd_ranges(case: Case) -> None:
    repository = case.repository()
    push(case, repository, "v1", b"0123456789")
    path = f"/v2/{repository}/blobs/{digest_of(b'0123456789')}"
    for label, ranges in (
        ("several ranges", "bytes=0-1,3-4"),
        ("end before the start", "bytes=5-2"),
        ("no numbers", "bytes=a-b"),
        ("no range", "bytes=-"),
        ("another unit", "items=0-1"),
    ):
        reply = downloaded(case, path, Range=ranges)
        found = [reply.status_code, reply.text]
        case.saw("blob-odd-range", label, [200, "0123456789"], found)


def downloaded(case: Case, path: str, **headers: str) -> Any:
    """Return what a client gets that goes where ECR sends it."""
    reply = case.http("GET", path, **headers)
    return case.download(reply.headers["Location"], **headers) if reply.is_redirect else reply


@scenario("blob-size")
def sizes_and_layers_that_were_uploaded(case: Case) -> None:
    repository = case.repository()
    digest = push_blob(case, repository, b"a layer")
    path = f"/v2/{repository}/blobs/{digest}"
    case.replied("blob-size", "HEAD of what was uploaded", (200,), case.http("HEAD", path), "Content-Length")
    push_blob(case, repository, CONFIG)
    document = image(b"a layer")
    document["layers"][0]["size"] = 999
    case.replied("blob-size", "PUT with another size", (201,), put(case, repository, "v1", document))
    reply = case.http("HEAD", path)
    case.saw("blob-size", "the size", "7", reply.headers.get("Content-Length"))
    push_blob(case, repository, b"a layer")
    delete = case.ecr.batch_delete_image
    delete(repositoryName=repository, imageIds=[{"imageTag": "v1"}])
    reply = case.http("HEAD", path)
    case.replied("blob-size", "HEAD of what was uploaded after the image, once that is deleted", (200,), reply)
    push_blob(case, repository, CONFIG)
    case.replied("blob-size", "PUT of the image again", (201,), put(case, repository, "v1", document))
    delete(repositoryName=repository, imageIds=[{"imageTag": "v1"}])
    case.replied("blob-size", "HEAD after its deletion", (404,), case.http("HEAD", path))


@scenario("upload-mount-refused upload-by-both-doors")
def mounts_and_both_doors(case: Case) -> None:
    repository, source = case.repository(), case.repository("/source")
    digest = push_blob(case, source, b"content")
    mount = f"/v2/{repository}/blobs/uploads/?mount={digest}"
    case.replied("upload-mount-refused", "without a source", (202,), case.http("POST", mount))
    reply = case.http("POST", f"{mount}&from={source}")
    case.replied("upload-mount-refused", "blob that no manifest refers to", (202,), reply)
    started = case.ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    reply = case.http("PATCH", f"/v2/{repository}/blobs/uploads/{started}", b"1234")
    case.replied("upload-by-both-doors", "upload that the API began", (201,), reply)
