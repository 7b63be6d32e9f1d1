"""Pulls through the cache by the registry endpoint: upstreams that fail, and rights that are missing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import Aws, allow, enforced, repositories, user
from moto_ecr_ptc import UpstreamRegistry, upstream_registry
from tests.registry.endpoint import Endpoint, error, password
from tests.registry.manifests import IMAGE_NOT_FOUND, repository_not_found
from tests.registry.pulls import DENIED, FAILURES, LATEST, NO_SECRET, REPOSITORY


@pytest.fixture
def hub(aws: Aws, ecr: Any) -> UpstreamRegistry:
    """The upstream of a rule with the prefix docker-hub and the secret ``hub``."""
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="docker-hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=aws.secret()
    )
    return upstream_registry("docker-hub")


@pytest.mark.parametrize(("failure", "expected"), FAILURES)
def test_upstream_that_fails_is_told_and_leaves_nothing_behind(endpoint: Endpoint, ecr, quay, failure, expected):
    quay.fail(**failure)
    assert error(endpoint("GET", LATEST)) == expected
    assert repositories(ecr) == ["app"]


@pytest.mark.parametrize(("failure", "expected"), FAILURES)
def test_upstream_that_fails_for_a_new_tag_is_told_in_an_existing_repository(
    endpoint: Endpoint, ecr, quay, failure, expected
):
    endpoint("GET", LATEST)
    quay.fail(**failure)
    assert error(endpoint("GET", f"/v2/{REPOSITORY}/manifests/new")) == expected
    assert endpoint("GET", f"/v2/{REPOSITORY}/tags/list").json()["tags"] == ["latest"]


@pytest.mark.parametrize("status", [401, 429, 503])
def test_head_of_what_an_upstream_fails_on_has_the_status_alone(endpoint: Endpoint, quay, status):
    quay.fail(status=status)
    answer = endpoint("HEAD", LATEST)
    assert (answer.status_code, answer.content) == (403 if status == 401 else status, b"")


def test_image_that_the_upstream_lacks_leaves_nothing_behind(endpoint: Endpoint, ecr, quay):
    quay.push("another/image")
    assert error(endpoint("GET", LATEST)) == repository_not_found(REPOSITORY)
    assert endpoint("HEAD", LATEST).status_code == 404
    assert repositories(ecr) == ["app"]


def test_image_that_the_upstream_lacks_is_unknown_in_an_existing_repository(endpoint: Endpoint, quay):
    quay.push("team/app")
    endpoint("GET", LATEST)
    assert error(endpoint("GET", f"/v2/{REPOSITORY}/manifests/absent")) == IMAGE_NOT_FOUND


def test_wrong_credentials_are_denied(endpoint: Endpoint, ecr, hub):
    hub.credentials = {"username": "another", "accessToken": "another"}
    assert error(endpoint("GET", "/v2/docker-hub/library/alpine/manifests/latest")) == DENIED
    assert repositories(ecr) == ["app"]


@pytest.mark.parametrize("fault", ["gone", "malformed"])
def test_secret_that_cannot_be_used_is_denied(aws, endpoint: Endpoint, ecr, hub, fault):
    secrets = aws.client("secretsmanager")
    if fault == "gone":
        secrets.delete_secret(SecretId="ecr-pullthroughcache/hub", ForceDeleteWithoutRecovery=True)
    else:
        secrets.put_secret_value(SecretId="ecr-pullthroughcache/hub", SecretString="no JSON")
    assert error(endpoint("GET", "/v2/docker-hub/library/alpine/manifests/latest")) == NO_SECRET
    assert repositories(ecr) == ["app"]


@pytest.mark.parametrize(
    "settings",
    [{"resourceTags": [{"Key": "a", "Value": "b"}]}, {"encryptionConfiguration": {"encryptionType": "KMS"}}],
)
def test_template_that_needs_a_role_and_has_none_makes_the_repository_unknown(endpoint: Endpoint, ecr, quay, settings):
    ecr.create_repository_creation_template(prefix="quay", appliedFor=["PULL_THROUGH_CACHE"], **settings)
    assert error(endpoint("GET", LATEST)) == repository_not_found(REPOSITORY)
    assert quay.pulls == ()


@pytest.mark.parametrize(
    ("rights", "may"),
    [
        (["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"], True),
        (["ecr:BatchImportUpstreamImage"], False),
        (["ecr:CreateRepository"], False),
        ([], False),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_right_to_pull_that_is_missing_looks_like_a_missing_repository(
    aws, endpoint: Endpoint, ecr, quay, method, rights, may
):
    auth = ("AWS", password(aws, **user(aws, allow(["ecr:BatchGetImage", *rights]))))
    answer = enforced(endpoint, method, LATEST, auth=auth)
    assert answer.status_code == (200 if may else 404)
    if not may and method == "GET":
        assert error(answer) == repository_not_found(REPOSITORY)
    assert repositories(ecr) == (["app", REPOSITORY] if may else ["app"])


@pytest.mark.parametrize(("failure", "expected"), FAILURES)
def test_blob_of_an_upstream_that_fails_tells_its_failure(endpoint: Endpoint, quay, failure, expected):
    endpoint("GET", LATEST)
    other = quay.push("team/app", tag="other", layers=[b"another layer"])
    quay.fail(**failure)
    digest = json.loads(other.manifest)["layers"][0]["digest"]
    assert error(endpoint("GET", f"/v2/{REPOSITORY}/blobs/{digest}")) == expected
