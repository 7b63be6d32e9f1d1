"""Referrers at the registry endpoint: the artifacts that refer to an image."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import pull
from tests.registry.endpoint import OCI_INDEX, Endpoint, error, sha256
from tests.registry.manifests import (
    ABSENT,
    descriptor,
    index_of,
    oci_image,
    push_blobs,
    repository_not_found,
    signature_of,
)
from tests.registry.pulls import DENIED, TOO_MANY, UNAVAILABLE

SBOM, SIGNATURE = "application/vnd.example.sbom", "application/vnd.example.signature"
EMPTY_INDEX = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}


@pytest.fixture
def image(endpoint: Endpoint) -> bytes:
    """The manifest of an image, which can have artifacts."""
    push_blobs(endpoint)
    return endpoint.push_image("app", "v1")


def push(endpoint: Endpoint, artifact: dict[str, Any]) -> dict[str, Any]:
    """Push an artifact by its digest, and return its descriptor."""
    content = json.dumps(artifact).encode()
    endpoint.push_manifest("app", sha256(content), artifact)
    return descriptor(content, artifact["mediaType"])


def referrers(endpoint: Endpoint, digest: str, query: str = "") -> Any:
    answer = endpoint("GET", f"/v2/app/referrers/{digest}{query}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, OCI_INDEX)
    return answer.json()


def by_digest(descriptors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(descriptors, key=lambda one: one["digest"])


def test_artifacts_of_an_image_are_listed_as_an_index_of_their_descriptors(endpoint: Endpoint, image):
    signature = push(endpoint, signature_of(image, SIGNATURE))
    sbom = push(endpoint, signature_of(image, SBOM, annotations={"a": "b"}))
    found = referrers(endpoint, sha256(image))
    assert by_digest(found.pop("manifests")) == by_digest(
        [{**signature, "artifactType": SIGNATURE}, {**sbom, "artifactType": SBOM, "annotations": {"a": "b"}}]
    )
    assert found == {"schemaVersion": 2, "mediaType": OCI_INDEX}


def test_image_that_is_an_artifact_has_the_type_of_its_configuration(endpoint: Endpoint, image):
    document = oci_image(subject=descriptor(image))
    document["config"]["mediaType"] = "application/vnd.example.config"
    push(endpoint, document)
    (found,) = referrers(endpoint, sha256(image))["manifests"]
    assert found["artifactType"] == "application/vnd.example.config"


def test_index_that_refers_to_an_image_is_listed(endpoint: Endpoint, image):
    pushed = push(endpoint, index_of(image, subject=descriptor(image), artifactType=SBOM))
    assert referrers(endpoint, sha256(image))["manifests"] == [{**pushed, "artifactType": SBOM}]


def test_artifact_type_filters_the_list_and_the_answer_says_so(endpoint: Endpoint, image):
    push(endpoint, signature_of(image, SIGNATURE))
    sbom = push(endpoint, signature_of(image, SBOM))
    answer = endpoint("GET", f"/v2/app/referrers/{sha256(image)}", params={"artifactType": SBOM})
    assert answer.json()["manifests"] == [{**sbom, "artifactType": SBOM}]
    assert answer.headers["OCI-Filters-Applied"] == "artifactType"


def test_artifact_type_that_no_artifact_has_gives_an_empty_index(endpoint: Endpoint, image):
    push(endpoint, signature_of(image, SIGNATURE))
    assert referrers(endpoint, sha256(image), "?artifactType=application/x") == EMPTY_INDEX


@pytest.mark.parametrize("query", ["", "?artifactType="])
def test_list_that_is_not_filtered_does_not_say_that_it_is(endpoint: Endpoint, image, query):
    push(endpoint, signature_of(image))
    answer = endpoint("GET", f"/v2/app/referrers/{sha256(image)}{query}")
    assert len(answer.json()["manifests"]) == 1
    assert "OCI-Filters-Applied" not in answer.headers


def test_image_without_artifacts_has_an_empty_index(endpoint: Endpoint, image):
    assert referrers(endpoint, sha256(image)) == EMPTY_INDEX


def test_image_that_is_unknown_has_an_empty_index(endpoint: Endpoint):
    assert referrers(endpoint, ABSENT) == EMPTY_INDEX


def test_artifacts_that_came_before_their_image_are_listed(endpoint: Endpoint):
    push_blobs(endpoint)
    image = json.dumps(oci_image()).encode()
    push(endpoint, signature_of(image))
    assert len(referrers(endpoint, sha256(image))["manifests"]) == 1


def test_artifact_of_another_image_is_not_listed(endpoint: Endpoint, image):
    push(endpoint, signature_of(endpoint.push_image("app", "v2", b"another layer")))
    assert referrers(endpoint, sha256(image)) == EMPTY_INDEX


def test_artifact_in_another_repository_is_not_listed(endpoint: Endpoint, ecr, image):
    ecr.create_repository(repositoryName="other")
    endpoint.push_blob("other", b"{}")
    endpoint.push_manifest("other", "signature", signature_of(image))
    assert referrers(endpoint, sha256(image)) == EMPTY_INDEX


def test_artifact_that_is_deleted_is_listed_no_more(endpoint: Endpoint, image):
    pushed = push(endpoint, signature_of(image))
    endpoint("DELETE", f"/v2/app/manifests/{pushed['digest']}")
    assert referrers(endpoint, sha256(image)) == EMPTY_INDEX


def test_more_than_50_artifacts_are_listed_at_once(endpoint: Endpoint, image):
    pushed = {push(endpoint, signature_of(image, annotations={"n": str(n)}))["digest"] for n in range(51)}
    answer = endpoint("GET", f"/v2/app/referrers/{sha256(image)}")
    assert {one["digest"] for one in answer.json()["manifests"]} == pushed
    assert "Link" not in answer.headers


def test_referrers_in_a_repository_that_does_not_exist_are_unknown(endpoint: Endpoint):
    assert error(endpoint("GET", f"/v2/absent/referrers/{ABSENT}")) == repository_not_found("absent")


@pytest.mark.parametrize("digest", ["v1", "sha256:xyz", "md5:00"])
def test_referrers_of_what_is_no_digest_are_an_invalid_parameter(endpoint: Endpoint, digest):
    status, code, message = error(endpoint("GET", f"/v2/app/referrers/{digest}"))
    assert (status, code) == (405, "UNSUPPORTED")
    assert message.startswith("Invalid parameter at 'subjectId.imageDigest' failed to satisfy constraint: ")


def test_referrers_are_pulled_through_the_cache(endpoint: Endpoint, ecr, quay):
    image = quay.push("team/app")
    signature = quay.push("team/app", tag=None, layers=[b"signature"], subject=image)
    pull(ecr, "quay/team/app")
    answer = endpoint("GET", f"/v2/quay/team/app/referrers/{image.digest}")
    assert [one["digest"] for one in answer.json()["manifests"]] == [signature.digest]


@pytest.mark.parametrize(("status", "expected"), [(401, DENIED), (429, TOO_MANY), (503, UNAVAILABLE)])
def test_referrers_of_an_upstream_that_fails_tell_its_failure(endpoint: Endpoint, ecr, quay, status, expected):
    image = quay.push("team/app")
    pull(ecr, "quay/team/app")
    quay.fail(status=status)
    assert error(endpoint("GET", f"/v2/quay/team/app/referrers/{image.digest}")) == expected
