"""The first pull of an image: what it makes, from which upstream, and all its platforms."""

from __future__ import annotations

import hashlib
import json

import pytest

from conftest import ACCOUNT, REGION, digest, model_accepts, pull, refusal, repositories
from moto_ecr_ptc import upstream_registry
from moto_ecr_ptc.ecr.upstream.built_images import build_image, build_index
from tests.pulls.pull_calls import BWA, NOT_A_REPOSITORY, tags
from tests.upstream.layouts import write_layout

# --- first pull -------------------------------------------------------------------------------------------------------


def test_first_pull_creates_the_repository_and_stores_the_image(ecr, quay):
    pulled = digest(pull(ecr, BWA))
    assert repositories(ecr) == [BWA]
    assert tags(ecr, BWA) == {"latest": pulled}


def test_pull_needs_nothing_at_the_upstream(aws, ecr, quay):
    (image,) = pull(ecr, BWA)["images"]
    manifest = json.loads(image["imageManifest"])
    assert image["imageManifestMediaType"] == manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert (image["registryId"], image["repositoryName"]) == (ACCOUNT, BWA)


def test_pulled_image_is_the_upstreams(ecr, quay):
    pushed = quay.push("biocontainers/bwa", layers=[b"one", b"two"])
    (image,) = pull(ecr, BWA)["images"]
    assert image["imageManifest"].encode() == pushed.manifest
    assert image["imageId"] == {"imageTag": "latest", "imageDigest": pushed.digest}
    assert pushed.digest == "sha256:" + hashlib.sha256(pushed.manifest).hexdigest()


def test_upstream_is_asked_once_by_the_account_and_region(ecr, quay):
    pull(ecr, BWA)
    (asked,) = quay.pulls
    assert (asked.repository, asked.reference, asked.outcome) == ("biocontainers/bwa", "latest", "ok")
    assert (asked.account_id, asked.region) == (ACCOUNT, REGION)


def test_several_tags_at_once_come_in_the_order_of_the_request(ecr, quay):
    expected = [quay.push("biocontainers/bwa", tag=tag).digest for tag in ("1", "2", "3")]
    answer = pull(ecr, BWA, "3", "1", "2", "1")
    assert [image["imageId"]["imageTag"] for image in answer["images"]] == ["3", "1", "2", "1"]
    assert [image["imageId"]["imageDigest"] for image in answer["images"]] == [
        expected[2],
        expected[0],
        expected[1],
        expected[0],
    ]


def test_pull_into_an_existing_repository_stores_the_image_there(ecr, quay):
    ecr.create_repository(repositoryName=BWA, imageTagMutability="IMMUTABLE")
    pulled = digest(pull(ecr, BWA))
    assert tags(ecr, BWA) == {"latest": pulled}
    (repository,) = ecr.describe_repositories()["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"


def test_default_repository_is_mutable_aes256_without_policies_tags_and_scans(ecr, quay):
    pull(ecr, BWA)
    (repository,) = ecr.describe_repositories()["repositories"]
    assert repository["imageTagMutability"] == "MUTABLE"
    assert repository["encryptionConfiguration"] == {"encryptionType": "AES256"}
    assert repository["imageScanningConfiguration"] == {"scanOnPush": False}
    assert refusal(ecr.get_repository_policy, repositoryName=BWA).code == "RepositoryPolicyNotFoundException"
    assert refusal(ecr.get_lifecycle_policy, repositoryName=BWA).code == "LifecyclePolicyNotFoundException"
    assert ecr.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"] == []


def test_registry_scanning_rules_apply_to_the_new_repository(ecr, quay):
    ecr.put_registry_scanning_configuration(
        scanType="BASIC",
        rules=[
            {
                "scanFrequency": "SCAN_ON_PUSH",
                "repositoryFilters": [
                    {"filter": "other*", "filterType": "WILDCARD"},
                    {"filter": "quay*", "filterType": "WILDCARD"},
                ],
            }
        ],
    )
    pull(ecr, BWA)
    (configuration,) = ecr.batch_get_repository_scanning_configuration(repositoryNames=[BWA])["scanningConfigurations"]
    assert configuration["scanFrequency"] == "SCAN_ON_PUSH"


def test_repository_without_a_rule_is_not_found(ecr, quay):
    found = refusal(pull, ecr=ecr, repository="other/app")
    assert found.code == "RepositoryNotFoundException"
    assert found.message == NOT_A_REPOSITORY.format("other/app")


# --- name mapping -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ecr_prefix", "upstream_prefix", "repository", "at_the_upstream"),
    [
        ("ecr-public", None, "ecr-public/my-app/image1", "my-app/image1"),
        ("ecr-public", "ROOT", "ecr-public/my-app/image1", "my-app/image1"),
        ("ecr-public/", None, "ecr-public/my-app", "my-app"),
        ("ROOT", "ROOT", "my-app/image1", "my-app/image1"),
        ("ROOT", None, "my-app/image1", "my-app/image1"),
        ("team-a", "team-a", "team-a/myapp/image1", "team-a/myapp/image1"),
        ("my-app", "upstream-app", "my-app/image1", "upstream-app/image1"),
        ("my-app", "upstream-app/", "my-app/image1", "upstream-app/image1"),
        ("a/b", "c/d", "a/b/e", "c/d/e"),
    ],
)
def test_repository_name_is_mapped_to_the_upstreams(ecr, ecr_prefix, upstream_prefix, repository, at_the_upstream):
    given = {"upstreamRepositoryPrefix": upstream_prefix} if upstream_prefix else {}
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=ecr_prefix, upstreamRegistryUrl="public.ecr.aws", **given)
    pull(ecr, repository)
    assert [asked.repository for asked in upstream_registry("ecr-public").pulls] == [at_the_upstream]


@pytest.mark.skipif(
    not model_accepts("RepositoryName", "a.b/c--d__e"), reason="the model of an older botocore takes fewer names"
)
def test_names_that_ecr_takes_and_moto_does_not_are_pulled(ecr):
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="a.b", upstreamRegistryUrl="quay.io")
    pull(ecr, "a.b/c--d__e")
    assert repositories(ecr) == ["a.b/c--d__e"]


@pytest.mark.parametrize(
    ("repository", "upstream"),
    [
        ("team/app/web", "k8s"),
        ("team/app", "quay"),
        ("team/apple/web", "quay"),
        ("teams/app", "ecr-public"),
        ("team", "ecr-public"),
    ],
)
def test_longest_prefix_wins_and_root_comes_last(ecr, repository, upstream):
    for prefix, url in (("ROOT", "public.ecr.aws"), ("team/app", "registry.k8s.io"), ("team", "quay.io")):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl=url)
    pull(ecr, repository)
    asked = [name for name in ("k8s", "quay", "ecr-public") if upstream_registry(name).pulls]
    assert asked == [upstream]


# --- several platforms ------------------------------------------------------------------------------------------------


def test_image_with_platforms_brings_its_index_and_children_and_only_the_index_has_the_tag(ecr, quay):
    index = quay.push("biocontainers/bwa", tag="multi", platforms=["linux/amd64", "linux/arm64"])
    assert digest(pull(ecr, BWA, "multi")) == index.digest
    children = [child["digest"] for child in json.loads(index.manifest)["manifests"]]
    images = ecr.list_images(repositoryName=BWA)["imageIds"]
    assert {image["imageDigest"]: image.get("imageTag") for image in images} == {
        index.digest: "multi",
        children[0]: None,
        children[1]: None,
    }


def test_children_of_a_pulled_index_are_there_by_digest(ecr, quay):
    index = quay.push("biocontainers/bwa", platforms=["linux/amd64", "linux/arm64"])
    pull(ecr, BWA)
    children = [child["digest"] for child in json.loads(index.manifest)["manifests"]]
    answer = ecr.batch_get_image(repositoryName=BWA, imageIds=[{"imageDigest": child} for child in children])
    assert [image["imageId"] for image in answer["images"]] == [{"imageDigest": child} for child in children]
    assert len(quay.pulls) == 1


def test_size_of_an_index_is_that_of_its_largest_image(ecr, quay, tmp_path):
    images = {f"linux/{n}": build_image([bytes(n)], f"linux/{n}") for n in (3, 1, 2)}
    write_layout(tmp_path / "layout", image=build_index(images))
    quay.load(tmp_path / "layout", "biocontainers/bwa")
    pull(ecr, BWA, "1.0")
    details = ecr.describe_images(repositoryName=BWA)["imageDetails"]
    assert sorted(detail["imageSizeInBytes"] for detail in details) == [1, 2, 3, 3]
    (index,) = (detail for detail in details if "imageTags" in detail)
    assert index["imageSizeInBytes"] == 3
