"""The refusals of the registry endpoint: the status, code and message of each error of the API behind it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from conftest import ACCOUNT, OTHER_ACCOUNT, REGION, allow, enforced, user
from tests.registry.endpoint import OCI_INDEX, OCI_MANIFEST, Endpoint, error, password, sha256
from tests.registry.manifests import ABSENT, index_of, oci_image, push_blobs, put_manifest
from tests.registry.pulls import DENIED, LATEST, TOO_MANY, UNAVAILABLE

UPLOADS = "/v2/app/blobs/uploads/"
NO_UPLOAD = "00000000-0000-0000-0000-000000000000"
ARN = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/app"
IN_REGISTRY = f"in the registry with id '{ACCOUNT}'"
MIB = 1024 * 1024


def start(endpoint: Endpoint) -> str:
    """Start an upload, and return its path."""
    return UPLOADS + endpoint("POST", UPLOADS).headers["Location"].rpartition("/")[2]


def send_chunk(endpoint: Endpoint, path: str, first: int, content: bytes) -> requests.Response:
    headers = {"Content-Range": f"{first}-{first + len(content) - 1}", "Content-Type": "application/octet-stream"}
    return endpoint("PATCH", path, content, headers=headers)


def finish(endpoint: Endpoint, path: str, digest: str) -> requests.Response:
    return endpoint("PUT", path, params={"digest": digest})


def test_invalid_parameter_is_unsupported(endpoint: Endpoint):
    message = (
        "Invalid parameter at 'imageTag' failed to satisfy constraint: "
        "'must satisfy regular expression '[a-zA-Z0-9-_.]+''"
    )
    push_blobs(endpoint)
    found = error(put_manifest(endpoint, oci_image(), "-v1", Content_Type=OCI_MANIFEST))
    assert found == (405, "UNSUPPORTED", message)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "manifests/v1"),
        ("PUT", "manifests/v1"),
        ("DELETE", "manifests/v1"),
        ("GET", f"blobs/{ABSENT}"),
        ("POST", "blobs/uploads/"),
        ("POST", f"blobs/uploads/?digest={ABSENT}"),
        ("GET", f"blobs/uploads/{NO_UPLOAD}"),
        ("PATCH", f"blobs/uploads/{NO_UPLOAD}"),
        ("PUT", f"blobs/uploads/{NO_UPLOAD}?digest={ABSENT}"),
        ("DELETE", f"blobs/uploads/{NO_UPLOAD}"),
        ("GET", "tags/list"),
        ("GET", f"referrers/{ABSENT}"),
    ],
)
def test_repository_that_does_not_exist_is_an_unknown_name(endpoint: Endpoint, method, path):
    message = f"The repository with name 'team/absent' does not exist {IN_REGISTRY}"
    assert error(endpoint(method, f"/v2/team/absent/{path}", b"x")) == (404, "NAME_UNKNOWN", message)


def test_image_that_is_not_found_is_an_unknown_manifest(endpoint: Endpoint):
    found = error(endpoint("GET", "/v2/app/manifests/absent"))
    assert found == (404, "MANIFEST_UNKNOWN", "Requested image not found")


def test_tag_that_exists_and_is_immutable_is_invalid(endpoint: Endpoint, ecr):
    ecr.create_repository(repositoryName="fixed", imageTagMutability="IMMUTABLE")
    content = endpoint.push_image("fixed", "v1")
    message = (
        "The image tag 'v1' already exists in the 'fixed' repository "
        "and cannot be overwritten because the tag is immutable."
    )
    found = error(put_manifest(endpoint, content, repository="fixed", Content_Type=OCI_MANIFEST))
    assert found == (400, "TAG_INVALID", message)


def test_layers_that_an_image_lacks_are_an_unknown_upload(endpoint: Endpoint):
    digests = f"{sha256(b'{}')}, {sha256(b'layer')}"
    message = (
        f"Layers with digests '[{digests}]' required for pushing image into repository with name 'app' "
        f"{IN_REGISTRY} do not exist"
    )
    found = error(put_manifest(endpoint, oci_image(), Content_Type=OCI_MANIFEST))
    assert found == (404, "BLOB_UPLOAD_UNKNOWN", message)


def test_images_that_an_index_lacks_are_unknown_blobs_of_a_manifest(endpoint: Endpoint):
    children = [json.dumps(oci_image(layer)).encode() for layer in (b"one", b"two")]
    message = (
        f"Images with digests '[{', '.join(map(sha256, children))}]' required for pushing image into repository "
        f"with name 'app' {IN_REGISTRY} do not exist"
    )
    found = error(put_manifest(endpoint, index_of(*children), Content_Type=OCI_INDEX))
    assert found == (404, "MANIFEST_BLOB_UNKNOWN", message)


def test_digest_that_is_not_the_manifests_makes_it_invalid(endpoint: Endpoint):
    push_blobs(endpoint)
    message = (
        f"The image with digest '{ABSENT}' in repository 'app' and registry ID '{ACCOUNT}' "
        "does not match the image digest that Amazon ECR has calculated."
    )
    found = error(put_manifest(endpoint, oci_image(), ABSENT, Content_Type=OCI_MANIFEST))
    assert found == (400, "MANIFEST_INVALID", message)


@pytest.mark.parametrize("at_once", [False, True])
def test_digest_that_is_not_the_layers_makes_the_upload_invalid(endpoint: Endpoint, at_once):
    message = "None of the provided layer digests match the calculated layer digest"
    if at_once:
        answer = endpoint("POST", UPLOADS, b"layer", params={"digest": ABSENT})
    else:
        answer = endpoint("PUT", start(endpoint), b"layer", params={"digest": ABSENT})
    assert error(answer) == (400, "BLOB_UPLOAD_INVALID", message)


@pytest.mark.parametrize("first", [0, 3, 5])
def test_chunk_at_a_wrong_offset_makes_the_upload_invalid(endpoint: Endpoint, first):
    path = start(endpoint)
    send_chunk(endpoint, path, 0, b"1234")
    found = error(send_chunk(endpoint, path, first, b"5678"))
    assert found == (416, "BLOB_UPLOAD_INVALID", f"First byte of the layer part is {first} instead of 4")


def test_chunk_that_is_too_small_makes_the_upload_invalid(endpoint: Endpoint):
    path = start(endpoint)
    content = bytes(5 * MIB)
    send_chunk(endpoint, path, 0, content[:-1])
    send_chunk(endpoint, path, len(content) - 1, content[-1:])
    found = error(finish(endpoint, path, sha256(content)))
    message = "All layer parts except the last part should be at least 5MB"
    assert found == (400, "BLOB_UPLOAD_INVALID", message)


def test_upload_without_parts_is_invalid(endpoint: Endpoint):
    path = start(endpoint)
    message = (
        f"The upload with id '{path.rpartition('/')[2]}' in the repository with name 'app' "
        f"in registry with id '{ACCOUNT}' cannot be completed because it does not have any parts"
    )
    assert error(finish(endpoint, path, sha256(b""))) == (400, "BLOB_UPLOAD_INVALID", message)


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
def test_upload_that_does_not_exist_is_unknown(endpoint: Endpoint, method):
    answer = endpoint(method, UPLOADS + NO_UPLOAD, params={"digest": ABSENT} if method == "PUT" else {})
    message = f"The upload with id '{NO_UPLOAD}' in the repository with name 'app' {IN_REGISTRY} does not exist"
    assert error(answer) == (404, "BLOB_UPLOAD_UNKNOWN", message)


def test_blob_that_does_not_exist_is_unknown(endpoint: Endpoint):
    message = f"The layer with digest {ABSENT} does not exist within the repository with name 'app' {IN_REGISTRY}"
    assert error(endpoint("GET", f"/v2/app/blobs/{ABSENT}")) == (404, "BLOB_UNKNOWN", message)


def test_action_that_the_caller_may_not_take_is_denied(aws, endpoint: Endpoint):
    auth = ("AWS", password(aws, **user(aws, allow("ecr:ListImages"))))
    message = (
        f"User: arn:aws:iam::{ACCOUNT}:user/someone is not authorized to perform: ecr:BatchGetImage "
        f"on resource: {ARN} because no identity-based policy allows the ecr:BatchGetImage action"
    )
    assert error(enforced(endpoint, "GET", "/v2/app/manifests/v1", auth=auth)) == (403, "DENIED", message)


def test_repository_of_another_account_is_denied(aws, endpoint: Endpoint):
    message = (
        f"User: arn:aws:iam::{OTHER_ACCOUNT}:root is not authorized to perform: ecr:BatchGetImage "
        f"on resource: {ARN} because no resource-based policy allows the ecr:BatchGetImage action"
    )
    found = error(endpoint("GET", "/v2/app/manifests/v1", auth=("AWS", password(aws, OTHER_ACCOUNT))))
    assert found == (403, "DENIED", message)


@pytest.mark.parametrize(("status", "expected"), [(401, DENIED), (429, TOO_MANY), (503, UNAVAILABLE)])
def test_failure_of_an_upstream_has_its_own_code(endpoint: Endpoint, quay, status, expected):
    quay.fail(status=status)
    assert error(endpoint("GET", LATEST)) == expected


def test_deletion_of_a_blob_is_unsupported(endpoint: Endpoint):
    endpoint.push_image("app", "v1")
    path = f"/v2/app/blobs/{sha256(b'layer')}"
    assert error(endpoint("DELETE", path))[:2] == (405, "UNSUPPORTED")
    assert endpoint("GET", path).content == b"layer"


@pytest.mark.parametrize("text", ["größer", "\U0001f433", '"quoted"', "a\\b"])
def test_message_keeps_text_of_any_kind(endpoint: Endpoint, text: Any):
    path = f"/v2/app/blobs/uploads/{requests.utils.quote(text, safe='')}"
    message = f"The upload with id '{text}' in the repository with name 'app' {IN_REGISTRY} does not exist"
    assert error(endpoint("GET", path)) == (404, "BLOB_UPLOAD_UNKNOWN", message)
