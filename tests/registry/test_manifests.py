"""Manifests at the registry endpoint: returned as they are stored, and deleted."""

from __future__ import annotations

import pytest

from tests.registry.endpoint import OCI_INDEX, OCI_MANIFEST, Endpoint, error, sha256
from tests.registry.manifests import (
    ABSENT,
    DOCKER_LIST,
    IMAGE_NOT_FOUND,
    docker_image,
    index_of,
    oci_image,
    push_blobs,
    repository_not_found,
    signature_of,
    tags_of,
)

INVALID_TAG = (
    400,
    "UNSUPPORTED",
    "Invalid request parameters: image tag should satisfy the regex '[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}'",
)
INVALID_DIGEST = (
    400,
    "UNSUPPORTED",
    "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
)


# --- GET and HEAD -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_digest", [False, True])
def test_manifest_that_was_pushed_is_returned_as_it_was(endpoint: Endpoint, by_digest):
    content = endpoint.push_image("app", "v1")
    answer = endpoint("GET", f"/v2/app/manifests/{sha256(content) if by_digest else 'v1'}")
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (200, content, OCI_MANIFEST)
    assert answer.headers["Content-Length"] == str(len(content))
    assert "Docker-Content-Digest" not in answer.headers
    assert answer.headers["Sizes"] == ""


@pytest.mark.parametrize("by_digest", [False, True])
def test_head_of_a_manifest_tells_its_digest_and_size(endpoint: Endpoint, by_digest):
    content = endpoint.push_image("app", "v1")
    answer = endpoint("HEAD", f"/v2/app/manifests/{sha256(content) if by_digest else 'v1'}")
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", str(len(content)))
    assert (answer.headers["Docker-Content-Digest"], answer.headers["Sizes"]) == (sha256(content), "")
    assert answer.headers["Content-Type"] == OCI_MANIFEST


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_answer_with_a_manifest_names_the_version_of_the_registry(endpoint: Endpoint, method):
    endpoint.push_image("app", "v1")
    assert endpoint(method, "/v2/app/manifests/v1").headers["Docker-Distribution-Api-Version"] == "registry/2.0"


@pytest.mark.parametrize("document", [oci_image(), docker_image(), {**oci_image(), "annotations": {"a": "ä\ud800"}}])
def test_image_of_each_format_is_returned_by_its_digest(endpoint: Endpoint, document):
    push_blobs(endpoint)
    content = endpoint.push_manifest("app", "v1", document)
    answer = endpoint("GET", f"/v2/app/manifests/{sha256(content)}")
    assert (answer.content, answer.headers["Content-Type"]) == (content, document["mediaType"])


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST])
def test_index_of_each_format_is_returned_by_its_digest(endpoint: Endpoint, media_type):
    child = endpoint.push_image("app", "child")
    content = endpoint.push_manifest("app", "v1", index_of(child, media_type=media_type))
    answer = endpoint("GET", f"/v2/app/manifests/{sha256(content)}")
    assert (answer.content, answer.headers["Content-Type"]) == (content, media_type)


def test_artifact_with_a_subject_is_returned_by_its_digest(endpoint: Endpoint):
    artifact = signature_of(endpoint.push_image("app", "v1", b"{}"))
    content = endpoint.push_manifest("app", "signature", artifact)
    assert endpoint("GET", f"/v2/app/manifests/{sha256(content)}").content == content


@pytest.mark.parametrize("reference", ["absent", ABSENT, "sha512:" + "0" * 128])
def test_image_that_the_repository_lacks_is_unknown(endpoint: Endpoint, reference):
    endpoint.push_image("app", "v1")
    assert error(endpoint("GET", f"/v2/app/manifests/{reference}")) == IMAGE_NOT_FOUND


@pytest.mark.parametrize("reference", ["absent", ABSENT])
def test_image_of_a_repository_that_does_not_exist_is_unknown_by_name(endpoint: Endpoint, reference):
    assert error(endpoint("GET", f"/v2/absent/app/manifests/{reference}")) == repository_not_found("absent/app")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v2/app/manifests/absent", 404),
        (f"/v2/app/manifests/{ABSENT}", 404),
        ("/v2/absent/manifests/v1", 404),
        ("/v2/app/manifests/-v1", 400),
        ("/v2/UPPER/manifests/v1", 405),
    ],
)
def test_head_that_fails_has_the_status_and_no_body(endpoint: Endpoint, path, status):
    answer = endpoint("HEAD", path)
    assert (answer.status_code, answer.content) == (status, b"")
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("-v1", INVALID_TAG),
        ("a%20b", INVALID_TAG),
        ("v1%0A", INVALID_TAG),
        ("t" * 129, INVALID_TAG),
        ("sha256:xyz", INVALID_DIGEST),
        ("sha256:", INVALID_DIGEST),
    ],
)
def test_reference_that_is_neither_tag_nor_digest_is_invalid(endpoint: Endpoint, method, reference, expected):
    assert error(endpoint(method, f"/v2/app/manifests/{reference}")) == expected


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_name_that_no_repository_can_have_is_an_invalid_parameter(endpoint: Endpoint, method):
    status, code, message = error(endpoint(method, "/v2/UPPER/manifests/v1", "{}"))
    assert (status, code) == (405, "UNSUPPORTED")
    assert message.startswith("Invalid parameter at 'repositoryName' failed to satisfy constraint: ")


def test_repository_whose_name_looks_like_a_path_of_the_endpoint_is_found(endpoint: Endpoint, ecr):
    ecr.create_repository(repositoryName="a/manifests/tags/list")
    content = endpoint.push_image("a/manifests/tags/list", "v1")
    assert endpoint("GET", "/v2/a/manifests/tags/list/manifests/v1").content == content


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v2/app/manifests/v1"),
        ("PATCH", "/v2/app/manifests/v1"),
        ("OPTIONS", "/v2/app/manifests/v1"),
        ("GET", "/v2/app/manifests/"),
        ("GET", "/v2/app/manifests"),
        ("PUT", "/v2/"),
        ("POST", "/v2/_catalog"),
        ("DELETE", "/v2/app/tags/list"),
        ("GET", "/v2/app"),
        ("GET", "/v2/app/tags"),
        ("GET", "/v2/app/blobs"),
    ],
)
def test_path_or_method_that_there_is_none_of_is_no_page(endpoint: Endpoint, method, path):
    answer = endpoint(method, path)
    assert (answer.status_code, answer.text) == (404, "404 page not found\n")
    assert answer.headers["Content-Type"].startswith("text/plain")


# --- DELETE -----------------------------------------------------------------------------------------------------------


def test_tag_that_is_deleted_leaves_the_images_other_tags(endpoint: Endpoint, ecr):
    content = endpoint.push_image("app", "v1")
    endpoint.push_image("app", "v2")
    answer = endpoint("DELETE", "/v2/app/manifests/v1")
    assert (answer.status_code, answer.content) == (202, b"")
    assert tags_of(ecr) == {sha256(content): ["v2"]}


def test_last_tag_that_is_deleted_takes_the_image_with_it(endpoint: Endpoint, ecr):
    content = endpoint.push_image("app", "v1")
    assert endpoint("DELETE", "/v2/app/manifests/v1").status_code == 202
    assert tags_of(ecr) == {}
    assert error(endpoint("GET", f"/v2/app/manifests/{sha256(content)}")) == IMAGE_NOT_FOUND


@pytest.mark.parametrize("tags", [["v1"], ["v1", "v2", "v3"]])
def test_digest_that_is_deleted_takes_all_tags_with_it(endpoint: Endpoint, ecr, tags):
    other = endpoint.push_image("app", "other", b"another layer")
    for tag in tags:
        content = endpoint.push_image("app", tag)
    assert endpoint("DELETE", f"/v2/app/manifests/{sha256(content)}").status_code == 202
    assert tags_of(ecr) == {sha256(other): ["other"]}


def test_untagged_image_is_deleted_by_its_digest(endpoint: Endpoint, ecr):
    push_blobs(endpoint)
    reference = f"/v2/app/manifests/{sha256(endpoint.push_image('app', 'v1'))}"
    other = endpoint.push_image("app", "v1", b"another layer")
    assert endpoint("DELETE", reference).status_code == 202
    assert tags_of(ecr) == {sha256(other): ["v1"]}
    assert error(endpoint("DELETE", reference)) == IMAGE_NOT_FOUND


@pytest.mark.parametrize("reference", ["absent", ABSENT])
def test_image_that_the_repository_lacks_cannot_be_deleted(endpoint: Endpoint, reference):
    assert error(endpoint("DELETE", f"/v2/app/manifests/{reference}")) == IMAGE_NOT_FOUND
    assert error(endpoint("DELETE", f"/v2/absent/manifests/{reference}")) == repository_not_found("absent")


def test_layers_of_a_deleted_image_go_unless_another_image_refers_to_them(endpoint: Endpoint):
    push_blobs(endpoint, "app", b"shared", b"own")
    endpoint.push_manifest("app", "v1", oci_image(b"shared", b"own"))
    endpoint.push_manifest("app", "v2", oci_image(b"shared"))
    endpoint("DELETE", "/v2/app/manifests/v1")
    found = [endpoint("HEAD", f"/v2/app/blobs/{sha256(blob)}").status_code for blob in (b"shared", b"{}", b"own")]
    assert found == [200, 200, 404]


def test_layers_of_a_tag_that_moved_stay_with_its_untagged_image(endpoint: Endpoint):
    endpoint.push_image("app", "v1", b"old")
    endpoint.push_image("app", "v1", b"new")
    assert endpoint("GET", f"/v2/app/blobs/{sha256(b'old')}").content == b"old"


@pytest.mark.parametrize("by_digest", [False, True])
def test_immutable_tag_can_be_deleted_and_pushed_anew(endpoint: Endpoint, ecr, by_digest):
    ecr.create_repository(repositoryName="fixed", imageTagMutability="IMMUTABLE")
    content = endpoint.push_image("fixed", "v1")
    reference = sha256(content) if by_digest else "v1"
    assert endpoint("DELETE", f"/v2/fixed/manifests/{reference}").status_code == 202
    other = endpoint.push_image("fixed", "v1", b"another layer")
    assert tags_of(ecr, "fixed") == {sha256(other): ["v1"]}


def test_image_of_an_index_is_not_deleted_by_its_digest(endpoint: Endpoint):
    push_blobs(endpoint)
    child = endpoint.push_manifest("app", "child", oci_image())
    index = endpoint.push_manifest("app", "multi", index_of(child))
    answer = endpoint("DELETE", f"/v2/app/manifests/{sha256(child)}")
    assert error(answer) == (405, "UNSUPPORTED", f"Requested image referenced by manifest list: [{sha256(index)}]")
    assert endpoint("GET", "/v2/app/manifests/child").content == child
