"""Images of Docker Hub, pulled through a rule by real clients."""

from __future__ import annotations

import json

import pytest

from conftest import LIFECYCLE_POLICY, repositories
from moto_ecr_ptc import upstream_registry
from tests.registry.clients.images import AMD64, stored_blobs, tagged_digests
from tests.registry.clients.programs import ECR_HOST

ALPINE = "docker-hub/library/alpine"


@pytest.fixture
def hub(endpoint):
    """The upstream of a rule with a secret and a template."""
    endpoint.ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="docker-hub",
        upstreamRegistryUrl="registry-1.docker.io",
        credentialArn=endpoint.aws.secret(),
    )
    endpoint.ecr.create_repository_creation_template(
        prefix="docker-hub",
        appliedFor=["PULL_THROUGH_CACHE"],
        imageTagMutability="IMMUTABLE",
        lifecyclePolicy=LIFECYCLE_POLICY,
    )
    hub = upstream_registry("docker-hub")
    hub.credentials = {"username": "a-user", "accessToken": "a-token"}
    return hub


def asked(hub):
    return [(pull.repository, pull.reference, pull.outcome) for pull in hub.pulls]


def test_image_is_asked_for_upstream_once(endpoint, programs, hub, tmp_path):
    image = hub.push("library/alpine", tag="3.20", layers=list(AMD64.layers))
    for name in ("first", "second"):
        programs.run(
            *("skopeo", "copy", f"docker://{endpoint.host}/{ALPINE}:3.20"),
            *(f"oci:{tmp_path}/{name}:3.20", "--src-tls-verify=false"),
        )
        assert tagged_digests(tmp_path / name) == {"3.20": image.digest}
        assert asked(hub) == [("library/alpine", "3.20", "ok")]
    assert set(image.layers) < set(stored_blobs(tmp_path / "second").values())


def test_pull_makes_the_repository_that_the_template_says(endpoint, programs, hub, tmp_path):
    hub.push("library/alpine", tag="3.20", layers=list(AMD64.layers))
    programs.copy(f"docker://{endpoint.host}/{ALPINE}:3.20", f"oci:{tmp_path}/pulled:3.20")
    (repository,) = endpoint.ecr.describe_repositories()["repositories"]
    assert (repository["repositoryName"], repository["imageTagMutability"]) == (ALPINE, "IMMUTABLE")
    policy = endpoint.ecr.get_lifecycle_policy(repositoryName=ALPINE)["lifecyclePolicyText"]
    assert json.loads(policy) == json.loads(LIFECYCLE_POLICY)


def test_index_comes_with_all_its_platforms(endpoint, programs, hub, tmp_path):
    index = hub.push("library/alpine", tag="3.20", platforms=["linux/amd64", "linux/arm64"])
    programs.copy(
        f"docker://{endpoint.host}/{ALPINE}:3.20",
        f"oci:{tmp_path}/pulled:3.20",
        *("--all", "--preserve-digests", "--dest-oci-accept-uncompressed-layers"),
    )
    assert stored_blobs(tmp_path / "pulled")[index.digest] == index.manifest
    assert len(stored_blobs(tmp_path / "pulled")) == 7  # the index; a manifest, a configuration, a layer for each


def test_podman_pulls_by_the_registrys_own_name(programs, hub):
    image = hub.push("library/alpine", tag="3.20", layers=list(AMD64.layers))
    programs.run("podman", "pull", f"{ECR_HOST}/{ALPINE}:3.20")
    digest = programs.run("podman", "image", "inspect", "--format={{.Digest}}", f"{ECR_HOST}/{ALPINE}:3.20")
    assert digest.strip() == image.digest


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (503, "received unexpected HTTP status: 503 Service Unavailable"),
        (403, "denied: The authentication to the upstream registry failed. Verify that the credentials provided"),
    ],
)
def test_failure_of_the_upstream_is_told_and_leaves_no_repository(endpoint, programs, hub, tmp_path, status, told):
    hub.fail("library/alpine", status=status)
    error = programs.fail_to_copy(f"docker://{endpoint.host}/{ALPINE}:3.20", f"oci:{tmp_path}/pulled:3.20")
    assert told in error
    assert repositories(endpoint.ecr) == []


def test_image_that_the_upstream_does_not_have_leaves_no_repository(endpoint, programs, hub, tmp_path):
    hub.push("library/busybox", tag="1.36")
    error = programs.fail_to_copy(f"docker://{endpoint.host}/{ALPINE}:3.20", f"oci:{tmp_path}/pulled:3.20")
    assert f"name unknown: The repository with name '{ALPINE}' does not exist" in error
    assert repositories(endpoint.ecr) == []
