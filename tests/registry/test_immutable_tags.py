"""Tags at the registry endpoint that cannot be moved."""

from __future__ import annotations

import json

import pytest

from conftest import EXCLUSION_FILTERS
from tests.registry.endpoint import OCI_MANIFEST, Endpoint, error, media_type, sha256
from tests.registry.manifests import (
    oci_image,
    push_blobs,
    put_manifest,
    tags_of,
)


def immutable(tag: str, repository: str) -> tuple[int, str, str]:
    message = (
        f"The image tag '{tag}' already exists in the '{repository}' repository "
        "and cannot be overwritten because the tag is immutable."
    )
    return (400, "TAG_INVALID", message)


@pytest.mark.parametrize("layer", [b"layer", b"another layer"])
def test_immutable_tag_is_refused_whether_the_image_is_the_same_or_not(endpoint: Endpoint, ecr, layer):
    ecr.create_repository(repositoryName="fixed", imageTagMutability="IMMUTABLE")
    content = endpoint.push_image("fixed", "v1")
    endpoint.push_blob("fixed", layer)
    found = error(endpoint("PUT", "/v2/fixed/manifests/v1", json.dumps(oci_image(layer)), **media_type(oci_image())))
    assert found == immutable("v1", "fixed")
    assert tags_of(ecr, "fixed") == {sha256(content): ["v1"]}


def test_immutable_repository_takes_new_tags_and_digests(endpoint: Endpoint, ecr):
    ecr.create_repository(repositoryName="fixed", imageTagMutability="IMMUTABLE")
    content = endpoint.push_image("fixed", "v1")
    endpoint.push_image("fixed", "v2")
    endpoint.push_image("fixed", sha256(content))
    assert tags_of(ecr, "fixed") == {sha256(content): ["v1", "v2"]}


@EXCLUSION_FILTERS
@pytest.mark.parametrize(
    ("mutability", "tag", "is_immutable"),
    [
        ("IMMUTABLE_WITH_EXCLUSION", "latest", False),
        ("IMMUTABLE_WITH_EXCLUSION", "dev-1", False),
        ("IMMUTABLE_WITH_EXCLUSION", "v1", True),
        ("MUTABLE_WITH_EXCLUSION", "latest", True),
        ("MUTABLE_WITH_EXCLUSION", "dev-1", True),
        ("MUTABLE_WITH_EXCLUSION", "v1", False),
    ],
)
def test_exclusion_filters_decide_which_tags_are_immutable(endpoint: Endpoint, ecr, mutability, tag, is_immutable):
    filters = [{"filterType": "WILDCARD", "filter": text} for text in ("latest", "dev-*")]
    ecr.create_repository(
        repositoryName="some", imageTagMutability=mutability, imageTagMutabilityExclusionFilters=filters
    )
    push_blobs(endpoint, "some", b"old", b"new")
    old = endpoint.push_manifest("some", tag, oci_image(b"old"))
    answer = put_manifest(endpoint, oci_image(b"new"), tag, repository="some", Content_Type=OCI_MANIFEST)
    if is_immutable:
        assert error(answer) == immutable(tag, "some")
        assert tags_of(ecr, "some") == {sha256(old): [tag]}
    else:
        assert answer.status_code == 201
