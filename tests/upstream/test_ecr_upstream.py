"""Rules whose upstream is another private ECR registry: moto's own, of that account and Region."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from freezegun import freeze_time

from conftest import (
    ACCOUNT,
    OTHER_ACCOUNT,
    REGION,
    allow,
    digest,
    enforced,
    failure_codes,
    pull,
    refusal,
    repositories,
    user,
)

ROLE = f"arn:aws:iam::{ACCOUNT}:role/upstream"
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "digest": "sha256:" + "1" * 64,
            "size": 2,
        },
        "layers": [
            {
                "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                "digest": "sha256:" + hashlib.sha256(b"layer").hexdigest(),
                "size": 5,
            }
        ],
    }
)


def host(account: str, region: str) -> str:
    return f"{account}.dkr.ecr.{region}.amazonaws.com"


def push(ecr: Any, repository: str = "app", tag: str = "latest", manifest: str = MANIFEST, **more: str) -> str:
    """Put an image into a repository of a client's own registry and return its digest."""
    if repository not in repositories(ecr):
        ecr.create_repository(repositoryName=repository)
    image = ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag=tag, **more)["image"]
    return image["imageId"]["imageDigest"]


def upload_layer(ecr: Any, digest: str) -> None:
    """Upload the bytes of the manifest's layer."""
    upload = ecr.initiate_layer_upload(repositoryName="app")["uploadId"]
    ecr.upload_layer_part(
        repositoryName="app", uploadId=upload, partFirstByte=0, partLastByte=4, layerPartBlob=b"layer"
    )
    ecr.complete_layer_upload(repositoryName="app", uploadId=upload, layerDigests=[digest])


@pytest.fixture
def upstream(aws: Any, ecr: Any) -> Any:
    """The ECR of another account, which a rule with the prefix up pulls from by a role."""
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="up", upstreamRegistryUrl=host(OTHER_ACCOUNT, REGION), customRoleArn=ROLE
    )
    return aws.client("ecr", account=OTHER_ACCOUNT)


def test_image_of_another_account_is_pulled(ecr, upstream):
    pushed = push(upstream)
    answer = pull(ecr, "up/app")
    assert digest(answer) == pushed
    (image,) = answer["images"]
    assert (image["registryId"], image["imageManifest"]) == (ACCOUNT, MANIFEST)
    assert image["imageManifestMediaType"] == "application/vnd.docker.distribution.manifest.v2+json"


def test_image_of_another_region_is_pulled_without_a_role(aws, ecr):
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="eu", upstreamRegistryUrl=host(ACCOUNT, "eu-west-1"))
    pushed = push(aws.client("ecr", "eu-west-1"), "team/app")
    assert digest(pull(ecr, "eu/team/app")) == pushed


def test_upstream_prefix_is_put_before_the_path(aws, ecr):
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="eu", upstreamRegistryUrl=host(ACCOUNT, "eu-west-1"), upstreamRepositoryPrefix="team"
    )
    pushed = push(aws.client("ecr", "eu-west-1"), "team/app")
    assert digest(pull(ecr, "eu/app")) == pushed


def test_image_that_the_upstream_lacks_is_not_found(ecr, upstream):
    assert refusal(pull, ecr=ecr, repository="up/app").code == "RepositoryNotFoundException"
    push(upstream)
    pull(ecr, "up/app")
    assert failure_codes(pull(ecr, "up/app", "other")) == ["ImageNotFound"]


def test_region_of_the_upstream_that_does_not_exist_is_not_found(ecr):
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="no", upstreamRegistryUrl=host(ACCOUNT, "nowhere-1"))
    assert refusal(pull, ecr=ecr, repository="no/app").code == "RepositoryNotFoundException"


def test_upstream_is_read_anew_after_24_hours(in_process):
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr, upstream = in_process.client("ecr"), in_process.client("ecr", "eu-west-1")
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="eu", upstreamRegistryUrl=host(ACCOUNT, "eu-west-1"))
        old = push(upstream)
        assert digest(pull(ecr, "eu/app")) == old
        document = json.loads(MANIFEST)
        document["layers"][0]["digest"] = "sha256:" + "2" * 64
        new = push(upstream, manifest=json.dumps(document))
        clock.move_to("2026-03-03 11:59:00")
        assert digest(pull(ecr, "eu/app")) == old
        clock.move_to("2026-03-03 12:01:00")
        assert digest(pull(ecr, "eu/app")) == new


def test_tags_whose_images_share_a_digest_keep_their_images(in_process):
    # A caller of PutImage can give several images one digest in moto.
    other = json.dumps({**json.loads(MANIFEST), "annotations": {"build": "2"}})
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr, upstream = in_process.client("ecr"), in_process.client("ecr", "eu-west-1")
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="eu", upstreamRegistryUrl=host(ACCOUNT, "eu-west-1"))
        shared = {"imageDigest": "sha256:" + "0" * 64}
        push(upstream, tag="1", **shared)
        push(upstream, tag="2", manifest=other, **shared)
        answer = pull(ecr, "eu/app", "1", "2")
        assert [image["imageManifest"] for image in answer["images"]] == [MANIFEST, other]
        push(upstream, tag="3", manifest=MANIFEST)
        upstream.batch_delete_image(repositoryName="app", imageIds=[{"imageTag": "1"}])
        push(upstream, tag="1", manifest=other)
        clock.move_to("2026-03-03 12:01:00")
        (image,) = pull(ecr, "eu/app", "1")["images"]
        assert image["imageManifest"] == other


def test_index_that_contains_itself_is_pulled(ecr, upstream):
    shared = "sha256:" + "5" * 64
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{"mediaType": "application/vnd.oci.image.index.v1+json", "digest": shared, "size": 2}],
    }
    upstream.create_repository(repositoryName="app")
    upstream.put_image(repositoryName="app", imageManifest=json.dumps(index), imageTag="latest", imageDigest=shared)
    assert digest(pull(ecr, "up/app")) == shared
    (image,) = ecr.describe_images(repositoryName="up/app")["imageDetails"]
    assert image["imageSizeInBytes"] == 0


def test_indexes_far_deep_in_one_another_are_pulled(ecr, upstream):
    upstream.create_repository(repositoryName="app")
    child = {"mediaType": "application/vnd.docker.distribution.manifest.v2+json", "digest": push(upstream), "size": 2}
    for level in range(1200):
        index = {"mediaType": "application/vnd.oci.image.index.v1+json", "schemaVersion": 2, "manifests": [child]}
        child = {"mediaType": index["mediaType"], "digest": f"sha256:{level:064x}", "size": 2}
        upstream.put_image(
            repositoryName="app", imageManifest=json.dumps(index), imageTag=f"{level}", imageDigest=child["digest"]
        )
    assert digest(pull(ecr, "up/app", "1199")) == child["digest"]


def test_layers_that_were_uploaded_to_the_upstream_come_along(aws, ecr):
    upstream = aws.client("ecr", "eu-west-1")
    push(upstream)
    layer = "sha256:" + hashlib.sha256(b"layer").hexdigest()
    upload_layer(upstream, layer)
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="eu", upstreamRegistryUrl=host(ACCOUNT, "eu-west-1"))
    pull(ecr, "eu/app")
    upstream.delete_repository(repositoryName="app", force=True)
    assert ecr.get_download_url_for_layer(repositoryName="eu/app", layerDigest=layer)["layerDigest"] == layer


def test_layer_that_was_uploaded_to_the_upstream_later_is_asked_for(aws, ecr, upstream):
    push(upstream)
    pull(ecr, "up/app")
    layer = "sha256:" + hashlib.sha256(b"layer").hexdigest()
    request = {"repositoryName": "up/app", "layerDigest": layer}
    assert refusal(ecr.get_download_url_for_layer, **request).code == "LayersNotFoundException"
    upload_layer(upstream, layer)
    assert ecr.get_download_url_for_layer(**request)["layerDigest"] == layer


def test_layer_that_was_never_uploaded_is_not_found(ecr, upstream):
    push(upstream)
    pull(ecr, "up/app")
    missing = "sha256:" + "1" * 64
    found = refusal(ecr.get_download_url_for_layer, repositoryName="up/app", layerDigest=missing)
    assert found.code == "LayersNotFoundException"


def test_image_that_is_no_manifest_is_not_found(ecr, upstream):
    push(upstream, manifest='{"mediaType": "text/plain"}')
    assert refusal(pull, ecr=ecr, repository="up/app").code == "RepositoryNotFoundException"


@pytest.mark.parametrize("odd", ["notadigest", "sha256:zz"])
def test_image_with_an_odd_digest_is_not_found(ecr, upstream, odd):
    upstream.create_repository(repositoryName="app")
    upstream.put_image(repositoryName="app", imageManifest=MANIFEST, imageTag="latest", imageDigest=odd)
    assert refusal(pull, ecr=ecr, repository="up/app").code == "RepositoryNotFoundException"


def test_index_with_a_child_that_the_upstream_lacks_is_pulled_without_it(ecr, upstream):
    there = push(upstream)
    child = {"mediaType": "application/vnd.docker.distribution.manifest.v2+json", "size": len(MANIFEST)}
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json",
        "manifests": [
            {**child, "digest": there},
            {**child, "digest": "sha256:" + "9" * 64},
            {**child, "digest": there, "platform": {"os": "linux", "architecture": "arm64"}},
        ],
    }
    pushed = push(upstream, tag="multi", manifest=json.dumps(index))
    assert digest(pull(ecr, "up/app", "multi")) == pushed
    images = ecr.list_images(repositoryName="up/app")["imageIds"]
    assert {image["imageDigest"] for image in images} == {pushed, there}


def test_what_the_upstream_itself_pulled_through_is_pulled(aws, ecr):
    middle = aws.client("ecr", "eu-west-1")
    middle.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="quay", upstreamRegistryUrl=host(ACCOUNT, "eu-west-1"), upstreamRepositoryPrefix="quay"
    )
    assert refusal(pull, ecr=ecr, repository="quay/a/b").code == "RepositoryNotFoundException"
    pulled = digest(pull(middle, "quay/a/b"))
    assert digest(pull(ecr, "quay/a/b")) == pulled


# --- with moto's enforcement of IAM ----------------------------------------------------------------------------------


def policy(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(service: str) -> str:
    return policy({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})


def repository_policy(principal: str) -> str:
    return policy({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "ecr:BatchGetImage"})


def caller(aws: Any) -> Any:
    return aws.client("ecr", **user(aws, allow("ecr:*")))


@pytest.mark.parametrize("principal", [ROLE, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, "*"])
def test_role_that_the_upstreams_repository_admits_pulls(aws, ecr, upstream, principal):
    pushed = push(upstream)
    upstream.set_repository_policy(repositoryName="app", policyText=repository_policy(principal))
    aws.client("iam").create_role(
        RoleName="upstream", AssumeRolePolicyDocument=trust("pullthroughcache.ecr.amazonaws.com")
    )
    assert digest(enforced(pull, caller(aws), "up/app")) == pushed


@pytest.mark.parametrize(
    ("service", "principal"),
    [
        (None, ROLE),
        ("ec2.amazonaws.com", ROLE),
        ("pullthroughcache.ecr.amazonaws.com", None),
        ("pullthroughcache.ecr.amazonaws.com", f"arn:aws:iam::{ACCOUNT}:role/other"),
    ],
)
def test_role_that_does_not_fit_is_denied_at_the_upstream(aws, ecr, upstream, service, principal):
    push(upstream)
    if principal:
        upstream.set_repository_policy(repositoryName="app", policyText=repository_policy(principal))
    if service:
        aws.client("iam").create_role(RoleName="upstream", AssumeRolePolicyDocument=trust(service))
    assert failure_codes(enforced(pull, caller(aws), "up/app")) == ["UpstreamAccessDenied"]


@pytest.mark.parametrize("principal", [ROLE, f"arn:aws:iam::{ACCOUNT}:root"])
def test_role_that_the_upstreams_repository_denies_is_denied_whatever_allows_it(aws, ecr, upstream, principal):
    push(upstream)
    everyone = {"Principal": {"AWS": "*"}, "Action": "ecr:BatchGetImage"}
    denial = {**everyone, "Effect": "Deny", "Principal": {"AWS": principal}}
    upstream.set_repository_policy(repositoryName="app", policyText=policy({**everyone, "Effect": "Allow"}, denial))
    aws.client("iam").create_role(
        RoleName="upstream", AssumeRolePolicyDocument=trust("pullthroughcache.ecr.amazonaws.com")
    )
    assert failure_codes(enforced(pull, caller(aws), "up/app")) == ["UpstreamAccessDenied"]


def test_role_whose_trust_policy_denies_the_service_is_denied_whatever_allows_it(aws, ecr, upstream):
    push(upstream)
    upstream.set_repository_policy(repositoryName="app", policyText=repository_policy(ROLE))
    everyone = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
    denial = {**everyone, "Effect": "Deny", "Principal": {"Service": "pullthroughcache.ecr.amazonaws.com"}}
    aws.client("iam").create_role(RoleName="upstream", AssumeRolePolicyDocument=policy(everyone, denial))
    assert failure_codes(enforced(pull, caller(aws), "up/app")) == ["UpstreamAccessDenied"]


def test_role_for_another_region_of_the_account_does_not_count(aws, ecr):
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="eu", upstreamRegistryUrl=host(ACCOUNT, "eu-west-1"), customRoleArn=ROLE
    )
    pushed = push(aws.client("ecr", "eu-west-1"))
    assert digest(enforced(pull, caller(aws), "eu/app")) == pushed
