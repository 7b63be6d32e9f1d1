"""Pulls through the cache by the registry endpoint: what they make, which upstream they ask, and when."""

from __future__ import annotations

from typing import Any

import pytest
from freezegun import freeze_time

from conftest import ACCOUNT, Aws, repositories
from moto_ecr_ptc import UpstreamRegistry, upstream_registry
from tests.registry.endpoint import DOCKER_MANIFEST, Endpoint, error, registry_host, sha256
from tests.registry.manifests import CREATE_ON_PUSH, IMAGE_NOT_FOUND, repository_not_found, tags_of
from tests.registry.pulls import DENIED, FAILURES, LATEST, REPOSITORY, expire


@pytest.fixture
def hub(aws: Aws, ecr: Any) -> UpstreamRegistry:
    """The upstream of a rule with the prefix docker-hub and the secret ``hub``."""
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="docker-hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=aws.secret()
    )
    return upstream_registry("docker-hub")


# --- the first pull ---------------------------------------------------------------------------------------------------


def test_manifest_is_the_upstreams(endpoint: Endpoint, quay):
    pushed = quay.push("team/app")
    answer = endpoint("GET", LATEST)
    assert (answer.status_code, answer.content) == (200, pushed.manifest)
    assert answer.headers["Content-Type"] == pushed.media_type


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_first_request_creates_the_repository_with_the_image(endpoint: Endpoint, ecr, quay, method):
    pushed = quay.push("team/app")
    assert endpoint(method, LATEST).status_code == 200
    assert repositories(ecr) == ["app", REPOSITORY]
    assert tags_of(ecr, REPOSITORY) == {pushed.digest: ["latest"]}


def test_head_tells_the_digest_and_size_of_the_upstreams_manifest(endpoint: Endpoint, quay):
    pushed = quay.push("team/app")
    headers = endpoint("HEAD", LATEST).headers
    assert headers["Docker-Content-Digest"] == pushed.digest
    assert headers["Content-Length"] == str(len(pushed.manifest))


def test_new_repository_has_the_settings_of_its_template(endpoint: Endpoint, ecr, quay):
    ecr.create_repository_creation_template(
        prefix="quay",
        appliedFor=["PULL_THROUGH_CACHE"],
        imageTagMutability="IMMUTABLE",
        resourceTags=[{"Key": "team", "Value": "a"}],
        customRoleArn=f"arn:aws:iam::{ACCOUNT}:role/template",
    )
    endpoint("GET", LATEST)
    (repository,) = ecr.describe_repositories(repositoryNames=[REPOSITORY])["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    tagged = ecr.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"]
    assert tagged == [{"Key": "team", "Value": "a"}]


@CREATE_ON_PUSH
def test_template_for_pushes_does_not_apply_to_pulls(endpoint: Endpoint, ecr, quay):
    ecr.create_repository_creation_template(
        prefix="quay", appliedFor=["CREATE_ON_PUSH"], imageTagMutability="IMMUTABLE"
    )
    endpoint("GET", LATEST)
    (repository,) = ecr.describe_repositories(repositoryNames=[REPOSITORY])["repositories"]
    assert repository["imageTagMutability"] == "MUTABLE"


def test_index_brings_its_children(endpoint: Endpoint, quay):
    pushed = quay.push("team/app", platforms=["linux/amd64", "linux/arm64"])
    children = [child["digest"] for child in endpoint("GET", LATEST).json()["manifests"]]
    for child in children:
        assert sha256(endpoint("GET", f"/v2/{REPOSITORY}/manifests/{child}").content) == child
    assert [(asked.reference, asked.outcome) for asked in quay.pulls] == [("latest", "ok")]
    assert endpoint("GET", f"/v2/{REPOSITORY}/tags/list").json()["tags"] == ["latest"]
    assert pushed.digest not in children


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_digest_is_not_pulled(endpoint: Endpoint, ecr, quay, method):
    pushed = quay.push("team/app")
    path = f"/v2/{REPOSITORY}/manifests/{pushed.digest}"
    assert endpoint(method, path).status_code == 404
    assert error(endpoint("GET", path)) == repository_not_found(REPOSITORY)
    assert repositories(ecr) == ["app"]
    assert quay.pulls == ()


def test_digest_that_an_existing_repository_lacks_is_not_pulled(endpoint: Endpoint, quay):
    quay.push("team/app")
    other = quay.push("team/app", tag="other", layers=[b"another layer"])
    endpoint("GET", LATEST)
    assert error(endpoint("GET", f"/v2/{REPOSITORY}/manifests/{other.digest}")) == IMAGE_NOT_FOUND
    assert len(quay.pulls) == 1


def test_digest_of_what_was_pulled_by_its_tag_is_returned(endpoint: Endpoint, quay):
    pushed = quay.push("team/app")
    endpoint("HEAD", LATEST)
    assert endpoint("GET", f"/v2/{REPOSITORY}/manifests/{pushed.digest}").content == pushed.manifest


def test_pulled_image_is_translated_for_a_client_that_knows_docker_only(endpoint: Endpoint, ecr, quay):
    pushed = quay.push("team/app")
    answer = endpoint("GET", LATEST, headers={"Accept": DOCKER_MANIFEST})
    assert answer.headers["Content-Type"] == DOCKER_MANIFEST
    assert tags_of(ecr, REPOSITORY) == {pushed.digest: ["latest"]}


# --- which upstream ---------------------------------------------------------------------------------------------------


def test_root_rule_covers_what_no_other_rule_does(endpoint: Endpoint, ecr, quay):
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="ROOT", upstreamRegistryUrl="public.ecr.aws")
    public = upstream_registry("ecr-public")
    for name in ("other/image", REPOSITORY):
        assert endpoint("GET", f"/v2/{name}/manifests/latest").status_code == 200
    assert [asked.repository for asked in public.pulls] == ["other/image"]
    assert [asked.repository for asked in quay.pulls] == ["team/app"]


def test_repository_that_no_rule_covers_is_unknown(endpoint: Endpoint, quay):
    assert error(endpoint("GET", "/v2/other/image/manifests/latest")) == repository_not_found("other/image")


def test_upstream_prefix_is_part_of_the_name_at_the_upstream(endpoint: Endpoint, ecr):
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="mine", upstreamRegistryUrl="quay.io", upstreamRepositoryPrefix="theirs"
    )
    endpoint("GET", "/v2/mine/app/manifests/v1")
    (asked,) = upstream_registry("quay").pulls
    assert (asked.repository, asked.reference) == ("theirs/app", "v1")


def test_image_of_docker_hub_needs_library_in_its_name(endpoint: Endpoint, ecr, hub):
    assert error(endpoint("GET", "/v2/docker-hub/alpine/manifests/latest")) == DENIED
    assert endpoint("GET", "/v2/docker-hub/library/alpine/manifests/latest").status_code == 200
    assert repositories(ecr) == ["app", "docker-hub/library/alpine"]


def test_upstream_that_is_ecr_gives_its_images_and_blobs(aws, endpoint: Endpoint, ecr):
    aws.client("ecr", "eu-west-1").create_repository(repositoryName="team/app")
    content = Endpoint(aws, region="eu-west-1").push_image("team/app", "v1")
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="europe", upstreamRegistryUrl=registry_host(region="eu-west-1")
    )
    assert endpoint("GET", "/v2/europe/team/app/manifests/v1").content == content
    assert endpoint("GET", f"/v2/europe/team/app/blobs/{sha256(b'layer')}").content == b"layer"
    assert repositories(ecr) == ["app", "europe/team/app"]


def test_image_that_an_upstream_of_ecr_lacks_is_unknown(aws, endpoint: Endpoint, ecr):
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="europe", upstreamRegistryUrl=registry_host(region="eu-west-1")
    )
    found = error(endpoint("GET", "/v2/europe/team/app/manifests/v1"))
    assert found == repository_not_found("europe/team/app")


# --- later pulls ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("methods", [["GET", "GET"], ["HEAD", "GET"], ["GET", "HEAD"]])
def test_second_request_asks_the_upstream_nothing(endpoint: Endpoint, quay, methods):
    for method in methods:
        endpoint(method, LATEST)
    assert len(quay.pulls) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_tag_is_asked_for_again_after_24_hours(in_process: Aws, method):
    with freeze_time("2026-03-02 12:00") as clock:
        ecr = in_process.client("ecr")
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        quay = upstream_registry("quay")
        old = quay.push("team/app", layers=[b"old"])
        assert Endpoint(in_process)("GET", LATEST).content == old.manifest
        new = quay.push("team/app", layers=[b"new"])
        clock.move_to("2026-03-03 11:59:59")
        endpoint = Endpoint(in_process)
        endpoint(method, LATEST)
        assert tags_of(ecr, REPOSITORY) == {old.digest: ["latest"]}
        clock.move_to("2026-03-03 12:00:00")
        assert endpoint(method, LATEST).status_code == 200
        assert tags_of(ecr, REPOSITORY) == {old.digest: [], new.digest: ["latest"]}
    assert len(quay.pulls) == 2


def test_stale_tag_is_asked_for_again(aws, endpoint: Endpoint, quay):
    quay.push("team/app", layers=[b"old"])
    endpoint("GET", LATEST)
    new = quay.push("team/app", layers=[b"new"])
    expire(aws)
    assert endpoint("GET", LATEST).content == new.manifest


@pytest.mark.parametrize("failure", [{"status": 404}, *[failure for failure, _ in FAILURES]])
def test_refresh_that_fails_serves_the_cached_image(aws, endpoint: Endpoint, quay, failure):
    pushed = quay.push("team/app")
    endpoint("GET", LATEST)
    expire(aws)
    quay.fail(**failure)
    assert endpoint("GET", LATEST).content == pushed.manifest
    assert len(quay.pulls) == 2
