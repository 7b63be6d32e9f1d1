"""Pushes to the registry endpoint that are refused, and store nothing."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from tests.registry.endpoint import OCI_INDEX, OCI_MANIFEST, Endpoint, error, sha256
from tests.registry.manifests import (
    ABSENT,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    EMPTY,
    index_of,
    invalid_manifest,
    oci_image,
    push_blobs,
    put_manifest,
    repository_not_found,
    tags_of,
)

ACCOUNT = "123456789012"
TAG_CONSTRAINT = (
    405,
    "UNSUPPORTED",
    (
        "Invalid parameter at 'imageTag' failed to satisfy constraint: "
        "'must satisfy regular expression '[a-zA-Z0-9-_.]+''"
    ),
)


def missing_layers(*digests: str) -> tuple[int, str, str]:
    message = (
        f"Layers with digests '[{', '.join(digests)}]' required for pushing image into repository with name 'app' "
        f"in the registry with id '{ACCOUNT}' do not exist"
    )
    return (404, "BLOB_UPLOAD_UNKNOWN", message)


def missing_images(*digests: str) -> tuple[int, str, str]:
    message = (
        f"Images with digests '[{', '.join(digests)}]' required for pushing image into repository with name 'app' "
        f"in the registry with id '{ACCOUNT}' do not exist"
    )
    return (404, "MANIFEST_BLOB_UNKNOWN", message)


@pytest.fixture
def nothing_is_stored(endpoint: Endpoint, ecr: Any) -> Any:
    """Checks after the test that the repository has got no image."""
    yield
    assert tags_of(ecr) == {}


REFUSED = pytest.mark.usefixtures("nothing_is_stored")


@REFUSED
@pytest.mark.parametrize(
    "content", [b"", b"{", b"no JSON", b"[]", b"null", b'"text"', b"1", b"\xff\xfe", b"[" * 99_999]
)
def test_content_that_is_no_json_object_has_invalid_syntax(endpoint: Endpoint, content):
    assert error(put_manifest(endpoint, content, Content_Type=OCI_MANIFEST)) == invalid_manifest("Invalid JSON syntax")


@REFUSED
def test_media_type_with_a_parameter_has_invalid_syntax(endpoint: Endpoint):
    push_blobs(endpoint)
    found = error(put_manifest(endpoint, oci_image(), Content_Type=f"{OCI_MANIFEST}; charset=utf-8"))
    assert found == invalid_manifest("Invalid JSON syntax")


@REFUSED
@pytest.mark.parametrize("content_type", [DOCKER_MANIFEST, OCI_INDEX, "application/json"])
def test_content_type_other_than_the_manifests_media_type_is_refused(endpoint: Endpoint, content_type):
    push_blobs(endpoint)
    found = error(put_manifest(endpoint, oci_image(), Content_Type=content_type))
    assert found == invalid_manifest("a manifest whose 'mediaType' is not the Content-Type of the request")


@REFUSED
@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/vnd.docker.distribution.manifest.v1+prettyjws", "text/plain", ""],
)
def test_media_type_that_ecr_does_not_store_is_refused(endpoint: Endpoint, content_type):
    push_blobs(endpoint)
    document = oci_image()
    del document["mediaType"]
    found = error(put_manifest(endpoint, document, Content_Type=content_type))
    assert found == invalid_manifest(f"a manifest of the media type '{content_type}'")


@REFUSED
@pytest.mark.parametrize("layers", [[], None])
def test_image_without_layers_is_refused(endpoint: Endpoint, layers):
    push_blobs(endpoint)
    document = {**oci_image(), "layers": layers}
    if layers is None:
        del document["layers"]
    assert error(put_manifest(endpoint, document, Content_Type=OCI_MANIFEST)) == invalid_manifest(
        "an image manifest without layers"
    )


@REFUSED
@pytest.mark.parametrize(
    "members",
    [
        {"config": None},
        {"config": {"mediaType": EMPTY}},
        {"layers": {}},
        {"layers": ["sha256:x"]},
        {"layers": [{"mediaType": "x", "digest": "sha256:x", "size": 1}]},
        {"layers": [{"mediaType": "x", "digest": ABSENT, "size": -1}]},
        {"layers": [{"mediaType": "x", "digest": ABSENT, "size": "1"}]},
        {"layers": [{"mediaType": "x", "digest": ABSENT, "size": True}]},
        {"subject": {"digest": ABSENT}},
        {"subject": "sha256:x"},
    ],
)
def test_image_with_a_malformed_descriptor_is_refused(endpoint: Endpoint, members):
    push_blobs(endpoint)
    status, code, message = error(put_manifest(endpoint, {**oci_image(), **members}, Content_Type=OCI_MANIFEST))
    assert (status, code) == (405, "UNSUPPORTED")
    assert message.startswith("Invalid parameter at 'ImageManifest' failed to satisfy constraint: ")


@REFUSED
@pytest.mark.parametrize("manifests", [None, {}, [{}], ["x"]])
def test_index_with_malformed_children_is_refused(endpoint: Endpoint, manifests):
    status, code, _ = error(put_manifest(endpoint, {**index_of(), "manifests": manifests}, Content_Type=OCI_INDEX))
    assert (status, code) == (405, "UNSUPPORTED")


@REFUSED
@pytest.mark.parametrize(
    ("pushed", "missing"),
    [
        ([b"{}"], [b"one", b"two"]),
        ([b"one", b"two"], [b"{}"]),
        ([b"{}", b"two"], [b"one"]),
        ([], [b"{}", b"one", b"two"]),
    ],
)
def test_image_whose_blobs_are_missing_is_refused_with_their_digests(endpoint: Endpoint, pushed, missing):
    for blob in pushed:
        endpoint.push_blob("app", blob)
    found = error(put_manifest(endpoint, oci_image(b"one", b"two"), Content_Type=OCI_MANIFEST))
    assert found == missing_layers(*map(sha256, missing))


@REFUSED
def test_blob_of_another_repository_is_missing(endpoint: Endpoint, ecr):
    ecr.create_repository(repositoryName="other")
    push_blobs(endpoint, "other")
    found = error(put_manifest(endpoint, oci_image(), Content_Type=OCI_MANIFEST))
    assert found == missing_layers(sha256(b"{}"), sha256(b"layer"))


@REFUSED
def test_layer_that_is_missing_twice_is_named_once(endpoint: Endpoint):
    endpoint.push_blob("app", b"{}")
    found = error(put_manifest(endpoint, oci_image(b"one", b"one"), Content_Type=OCI_MANIFEST))
    assert found == missing_layers(sha256(b"one"))


def test_index_whose_children_are_missing_is_refused_with_their_digests(endpoint: Endpoint):
    here = endpoint.push_image("app", "here")
    absent = [json.dumps(oci_image(layer)).encode() for layer in (b"one", b"two")]
    for kind in (OCI_INDEX, DOCKER_LIST):
        found = error(put_manifest(endpoint, index_of(absent[0], here, absent[1], media_type=kind), Content_Type=kind))
        assert found == missing_images(*map(sha256, absent))


@REFUSED
@pytest.mark.parametrize("digest", [ABSENT, "sha256:xyz", "sha512:" + "0" * 128])
def test_digest_that_is_not_the_manifests_is_refused(endpoint: Endpoint, digest):
    push_blobs(endpoint)
    message = (
        f"The image with digest '{digest}' in repository 'app' and registry ID '{ACCOUNT}' "
        "does not match the image digest that Amazon ECR has calculated."
    )
    found = error(put_manifest(endpoint, oci_image(), digest, Content_Type=OCI_MANIFEST))
    assert found == (400, "MANIFEST_INVALID", message)


@REFUSED
def test_digest_by_an_algorithm_that_ecr_does_not_calculate_is_refused(endpoint: Endpoint):
    push_blobs(endpoint)
    content = json.dumps(oci_image()).encode()
    digest = f"sha512:{hashlib.sha512(content).hexdigest()}"
    status, code, message = error(put_manifest(endpoint, content, digest, Content_Type=OCI_MANIFEST))
    assert (status, code) == (400, "MANIFEST_INVALID")
    assert message.endswith("does not match the image digest that Amazon ECR has calculated.")


@REFUSED
@pytest.mark.parametrize("tag", ["-v1", ".v1", "a%20b", "v1%0A", "t" * 129, "v%C3%A4"])
def test_tag_that_ecr_does_not_admit_is_refused(endpoint: Endpoint, tag):
    push_blobs(endpoint)
    assert error(put_manifest(endpoint, oci_image(), tag, Content_Type=OCI_MANIFEST)) == TAG_CONSTRAINT


@pytest.mark.parametrize("excess", [0, 1])
def test_manifest_has_4_mib_at_most(endpoint: Endpoint, excess):
    push_blobs(endpoint)
    content = json.dumps(oci_image()).encode().ljust(4 * 1024 * 1024 + excess)
    answer = put_manifest(endpoint, content, Content_Type=OCI_MANIFEST)
    if excess:
        assert error(answer) == invalid_manifest("Member must have length less than or equal to 4194304")
    else:
        assert answer.status_code == 201


@REFUSED
def test_manifest_of_far_more_than_4_mib_is_answered_all_the_same(endpoint: Endpoint):
    answer = put_manifest(endpoint, bytes(64 * 1024 * 1024), Content_Type=OCI_MANIFEST)
    assert error(answer) == invalid_manifest("Member must have length less than or equal to 4194304")


def test_push_to_a_repository_that_does_not_exist_is_refused(endpoint: Endpoint):
    found = error(put_manifest(endpoint, oci_image(), repository="absent", Content_Type=OCI_MANIFEST))
    assert found == repository_not_found("absent")
