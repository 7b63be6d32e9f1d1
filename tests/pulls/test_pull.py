"""The story of a pull through cache, a test per sentence. The headings are those of docs/fidelity.md."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from botocore.exceptions import ClientError
from freezegun import freeze_time
from moto.core.model_instances import model_data

from conftest import (
    ACCOUNT,
    GOOD_SECRET,
    LIFECYCLE_POLICY,
    MODEL,
    OTHER_ACCOUNT,
    REGION,
    REPOSITORY_POLICY,
    Aws,
    digest,
    failure_codes,
    model_accepts,
    pull,
    refusal,
    repositories,
    write_layout,
)
from moto_ecr_ptc import UpstreamRegistry, upstream_registry
from moto_ecr_ptc.ecr.upstream.built_images import build_image, build_index

BWA = "quay/biocontainers/bwa"
ACCESS_DENIED = (
    "The authentication to the upstream registry failed. "
    "Verify that the credentials provided in the pull through cache rule are correct, and try again."
)
NOT_A_REPOSITORY = "The repository with name '{}' does not exist in the registry with id '123456789012'"


@pytest.fixture
def quay(ecr: Any) -> UpstreamRegistry:
    """The upstream of a rule with the prefix quay."""
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    return upstream_registry("quay")


def tags(ecr: Any, repository: str) -> dict[str, str]:
    """Return the digest of each tag."""
    images = ecr.list_images(repositoryName=repository)["imageIds"]
    return {image["imageTag"]: image["imageDigest"] for image in images if "imageTag" in image}


# --- first pull ------------------------------------------------------------------------------------------------------


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


# --- name mapping ----------------------------------------------------------------------------------------------------


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


# --- later pulls -----------------------------------------------------------------------------------------------------


@pytest.fixture
def at_noon(in_process: Aws) -> Any:
    """A rule for Quay and an image pulled on Monday at noon."""
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr = in_process.client("ecr")
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        upstream_registry("quay").push("biocontainers/bwa", layers=[b"old"])
        pull(ecr, BWA)
        yield clock, ecr, upstream_registry("quay")


def test_within_24_hours_the_upstream_is_not_asked(at_noon):
    clock, ecr, quay = at_noon
    old = digest(pull(ecr, BWA))
    quay.push("biocontainers/bwa", layers=[b"new"])
    clock.move_to("2026-03-03 11:59:00")
    assert digest(pull(ecr, BWA)) == old
    assert len(quay.pulls) == 1


def test_after_24_hours_to_the_second_the_upstream_is_asked(at_noon):
    clock, ecr, quay = at_noon
    clock.move_to("2026-03-03 11:59:59.999999")
    pull(ecr, BWA)
    assert len(quay.pulls) == 1
    clock.move_to("2026-03-03 12:00:00")
    pull(ecr, BWA)
    assert len(quay.pulls) == 2


def test_after_24_hours_the_upstream_is_asked_once_and_the_tag_moves(at_noon):
    clock, ecr, quay = at_noon
    old = digest(pull(ecr, BWA))
    new = quay.push("biocontainers/bwa", layers=[b"new"]).digest
    clock.move_to("2026-03-03 12:01:00")
    assert digest(pull(ecr, BWA)) == digest(pull(ecr, BWA)) == new
    assert len(quay.pulls) == 2
    assert tags(ecr, BWA) == {"latest": new}
    assert {"imageDigest": old} in ecr.list_images(repositoryName=BWA)["imageIds"]


def test_moved_tag_is_stale_again_after_24_more_hours(at_noon):
    clock, ecr, quay = at_noon
    clock.move_to("2026-03-03 12:01:00")
    pull(ecr, BWA)
    clock.move_to("2026-03-04 12:00:00")
    pull(ecr, BWA)
    assert len(quay.pulls) == 2
    clock.move_to("2026-03-04 12:02:00")
    pull(ecr, BWA)
    assert len(quay.pulls) == 3


def test_image_without_its_tag_is_served_by_digest_and_never_asked_for(at_noon):
    clock, ecr, quay = at_noon
    old = digest(pull(ecr, BWA))
    quay.push("biocontainers/bwa", layers=[b"new"])
    clock.move_to("2026-03-03 12:01:00")
    answer = ecr.batch_get_image(repositoryName=BWA, imageIds=[{"imageDigest": old}])
    assert digest(answer) == old
    assert len(quay.pulls) == 1
    pull(ecr, BWA)
    (image,) = ecr.batch_get_image(repositoryName=BWA, imageIds=[{"imageDigest": old}])["images"]
    assert image["imageId"] == {"imageDigest": old}


@pytest.mark.parametrize(
    "failure",
    [{"status": 500}, {"status": 404}, {"status": 401}, {"status": 429}, {"error": "refused"}, {"error": "timeout"}],
)
def test_refresh_that_fails_serves_the_cached_image(at_noon, failure):
    clock, ecr, quay = at_noon
    old = digest(pull(ecr, BWA))
    quay.push("biocontainers/bwa", layers=[b"new"])
    clock.move_to("2026-03-03 12:01:00")
    quay.fail("biocontainers/bwa", **failure)
    assert digest(pull(ecr, BWA)) == old
    assert len(quay.pulls) == 2


def test_refresh_that_fails_counts_as_the_question_of_the_day(at_noon):
    clock, ecr, quay = at_noon
    clock.move_to("2026-03-03 12:01:00")
    quay.fail(status=503)
    pull(ecr, BWA)
    pull(ecr, BWA)
    assert [asked.outcome for asked in quay.pulls] == ["ok", "UpstreamUnavailable"]


def test_tag_that_is_gone_at_the_upstream_stays_cached(in_process):
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr = in_process.client("ecr")
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        quay = upstream_registry("quay")
        old = digest(pull(ecr, BWA))
        quay.push("biocontainers/bwa", tag="other")  # now it holds no other
        clock.move_to("2026-03-03 12:01:00")
        assert digest(pull(ecr, BWA)) == old
    assert [asked.outcome for asked in quay.pulls] == ["ok", "ImageNotFound"]


@pytest.mark.parametrize(
    ("mutability", "filters", "moves"),
    [
        ("IMMUTABLE", None, False),
        ("MUTABLE", None, True),
        ("IMMUTABLE_WITH_EXCLUSION", "late*", True),
        ("IMMUTABLE_WITH_EXCLUSION", "v*", False),
        ("MUTABLE_WITH_EXCLUSION", "*", False),
        ("MUTABLE_WITH_EXCLUSION", "v*", True),
    ],
)
def test_immutable_tag_is_not_moved_by_a_refresh(at_noon, mutability, filters, moves):
    clock, ecr, quay = at_noon
    old = digest(pull(ecr, BWA))
    from moto.ecr.models import ecr_backends

    # Set in moto's own state: neither every moto nor every botocore takes exclusion filters.
    repository = ecr_backends[ACCOUNT][REGION].repositories[BWA]
    repository.image_tag_mutability = mutability
    repository.image_tag_mutability_exclusion_filters = filters and [{"filterType": "WILDCARD", "filter": filters}]
    new = quay.push("biocontainers/bwa", layers=[b"new"]).digest
    clock.move_to("2026-03-03 12:01:00")
    assert digest(pull(ecr, BWA)) == (new if moves else old)
    assert len(ecr.list_images(repositoryName=BWA)["imageIds"]) == (2 if moves else 1)
    assert len(quay.pulls) == 2


def test_tag_that_somebody_pushed_is_theirs(at_noon):
    clock, ecr, quay = at_noon
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []})
    pushed = ecr.put_image(repositoryName=BWA, imageManifest=manifest, imageTag="latest")["image"]["imageId"]
    clock.move_to("2026-03-09 12:00:00")
    assert digest(pull(ecr, BWA)) == pushed["imageDigest"]
    assert len(quay.pulls) == 1


def test_deleted_tag_is_asked_for_at_once(ecr, quay):
    first = digest(pull(ecr, BWA))
    ecr.batch_delete_image(repositoryName=BWA, imageIds=[{"imageTag": "latest"}])
    assert tags(ecr, BWA) == {}
    assert digest(pull(ecr, BWA)) == first
    assert len(quay.pulls) == 2


def test_deleted_repository_is_created_anew(ecr, quay):
    pull(ecr, BWA)
    ecr.delete_repository(repositoryName=BWA, force=True)
    assert repositories(ecr) == []
    pull(ecr, BWA)
    assert repositories(ecr) == [BWA]
    assert len(quay.pulls) == 2


def test_deleted_rule_leaves_what_is_cached_and_brings_nothing_new(ecr, quay):
    pulled = digest(pull(ecr, BWA))
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")
    assert digest(pull(ecr, BWA)) == pulled
    assert failure_codes(pull(ecr, BWA, "other")) == ["ImageNotFound"]
    assert refusal(pull, ecr=ecr, repository="quay/other").code == "RepositoryNotFoundException"
    assert len(quay.pulls) == 1


def test_tag_that_moves_leaves_the_images_other_tags(aws, ecr, quay):
    for tag in ("1", "2"):
        quay.push("biocontainers/bwa", tag=tag, layers=[b"same"])
    old = digest(pull(ecr, BWA, "1"))
    assert digest(pull(ecr, BWA, "2")) == old
    new = quay.push("biocontainers/bwa", tag="1", layers=[b"new"]).digest
    api = f"{aws.endpoint_url or 'http://motoapi.amazonaws.com'}/moto-api/static/ecr"
    requests.post(f"{api}/upstream-expire", timeout=60).raise_for_status()
    pull(ecr, BWA, "1", "2")
    assert tags(ecr, BWA) == {"1": new, "2": old}


# --- several platforms -----------------------------------------------------------------------------------------------


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


# --- by digest, and what is no image ---------------------------------------------------------------------------------


def test_pull_by_digest_is_missing_while_the_repository_lacks_it(ecr, quay):
    pushed = quay.push("biocontainers/bwa")
    image_ids = [{"imageDigest": pushed.digest}]
    assert refusal(ecr.batch_get_image, repositoryName=BWA, imageIds=image_ids).code == "RepositoryNotFoundException"
    quay.push("biocontainers/bwa", tag="other", layers=[b"other"])
    pull(ecr, BWA, "other")
    (failure,) = ecr.batch_get_image(repositoryName=BWA, imageIds=image_ids)["failures"]
    assert failure == {
        "imageId": {"imageDigest": pushed.digest},
        "failureCode": "ImageNotFound",
        "failureReason": "Requested image not found",
    }
    assert [asked.reference for asked in quay.pulls] == ["other"]


def test_tag_and_digest_of_an_image_that_is_not_cached_are_missing(ecr, quay):
    pushed = quay.push("biocontainers/bwa")
    image_ids = [{"imageTag": "latest", "imageDigest": pushed.digest}]
    assert refusal(ecr.batch_get_image, repositoryName=BWA, imageIds=image_ids).code == "RepositoryNotFoundException"
    ecr.create_repository(repositoryName=BWA)
    assert failure_codes(ecr.batch_get_image(repositoryName=BWA, imageIds=image_ids)) == ["ImageNotFound"]
    assert quay.pulls == ()


def test_tag_and_digest_that_belong_together_give_the_cached_image(ecr, quay):
    pushed = quay.push("biocontainers/bwa")
    pull(ecr, BWA)
    image_id = {"imageTag": "latest", "imageDigest": pushed.digest}
    answer = ecr.batch_get_image(repositoryName=BWA, imageIds=[image_id])
    assert [image["imageId"] for image in answer["images"]] == [image_id]


def test_image_with_two_tags_is_named_by_the_one_that_was_asked_for(ecr, quay):
    for tag in ("1", "2"):
        quay.push("biocontainers/bwa", tag=tag, layers=[b"same"])
    pull(ecr, BWA, "1", "2")
    for tag in ("2", "1"):
        assert [image["imageId"]["imageTag"] for image in pull(ecr, BWA, tag)["images"]] == [tag]


def test_image_with_a_tag_that_is_asked_for_by_digest_is_named_by_the_digest_alone(ecr, quay):
    image_id = {"imageDigest": digest(pull(ecr, BWA))}
    answer = ecr.batch_get_image(repositoryName=BWA, imageIds=[image_id])
    assert [image["imageId"] for image in answer["images"]] == [image_id]


@pytest.mark.parametrize(
    ("image_id", "reason"),
    [
        ({}, "Invalid request parameters: both tag and digest cannot be null"),
        (
            {"imageDigest": "latest"},
            "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
        ),
        (
            {"imageTag": "-latest"},
            "Invalid request parameters: image tag should satisfy the regex '[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}'",
        ),
        (
            {"imageTag": "latest", "imageDigest": "sha256:" + "0" * 64},
            "The tag does not name the image with this digest",
        ),
        ({"imageDigest": "sha256:" + "0" * 64}, "Requested image not found"),
    ],
)
def test_identifier_that_names_no_image_fails_with_the_reason(ecr, quay, image_id, reason):
    answer = ecr.batch_get_image(repositoryName=BWA, imageIds=[image_id, {"imageTag": "latest"}])
    assert [failure["failureReason"] for failure in answer["failures"]] == [reason]


@pytest.mark.parametrize(
    ("image_id", "code"),
    [
        ({}, "MissingDigestAndTag"),
        ({"imageDigest": "latest"}, "InvalidImageDigest"),
        ({"imageDigest": "sha256:" + "g" * 64}, "InvalidImageDigest"),
        ({"imageDigest": "sha256:" + "a" * 64 + "\n"}, "InvalidImageDigest"),
        ({"imageTag": "-latest"}, "InvalidImageTag"),
        ({"imageTag": "a" * 129}, "InvalidImageTag"),
        ({"imageTag": "latest", "imageDigest": "sha256:" + "0" * 64}, "ImageTagDoesNotMatchDigest"),
        ({"imageDigest": "sha256:" + "0" * 64}, "ImageNotFound"),
    ],
)
def test_identifier_that_names_no_image_is_a_failure_of_its_own(ecr, quay, image_id, code):
    answer = ecr.batch_get_image(repositoryName=BWA, imageIds=[image_id, {"imageTag": "latest"}])
    assert [(failure["imageId"], failure["failureCode"]) for failure in answer["failures"]] == [(image_id, code)]
    assert len(answer["images"]) == 1


def test_invalid_identifiers_alone_create_nothing(ecr, quay):
    found = refusal(ecr.batch_get_image, repositoryName=BWA, imageIds=[{"imageTag": "-x"}, {}])
    assert found.code == "RepositoryNotFoundException"
    assert quay.pulls == ()


REPOSITORY_NAME = MODEL.shape_for("RepositoryName").metadata["pattern"]


@pytest.mark.parametrize(
    ("arguments", "member", "constraint"),
    [
        ({"repositoryName": "quay/UPPER"}, "repositoryName", f"must satisfy regular expression '{REPOSITORY_NAME}'"),
        ({"repositoryName": "quay/" + "a" * 252}, "repositoryName", "must have length less than or equal to 256"),
        ({"registryId": "12"}, "registryId", "must satisfy regular expression [0-9]{12}"),
        (
            {"imageIds": [{"imageTag": "a"}] * 101},
            "imageIds",
            "Member must have length less than or equal to 100",
        ),
        (
            {"imageIds": [{"imageTag": "a" * 301}]},
            "imageIds.1.member.imageTag",
            "Member must have length less than or equal to 300",
        ),
        (
            {"acceptedMediaTypes": ["x"] * 101},
            "acceptedMediaTypes",
            "Member must have length less than or equal to 100",
        ),
    ],
)
def test_malformed_request_is_invalid_and_asks_nobody(ecr, quay, arguments, member, constraint):
    request = {"repositoryName": BWA, "imageIds": [{"imageTag": "latest"}], **arguments}
    found = refusal(ecr.batch_get_image, **request)
    assert found.code == "InvalidParameterException"
    assert found.message == f"Invalid parameter at '{member}' failed to satisfy constraint: '{constraint}'"
    assert quay.pulls == ()


@pytest.mark.parametrize("operation", ["BatchGetImage", "BatchCheckLayerAvailability", "GetDownloadUrlForLayer"])
def test_repository_name_that_is_too_short_is_invalid_in_ecrs_older_words(aws, ecr, operation):
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="ROOT", upstreamRegistryUrl="quay.io")
    answer = aws.post(operation, b'{"repositoryName": "a"}')
    assert answer.json()["message"] == (
        "Invalid parameter at 'repositoryName' failed to satisfy constraint: "
        "'must have length greater than or equal to 2'"
    )


def test_malformed_request_is_invalid_after_the_rule_is_gone(ecr, quay):
    pull(ecr, BWA)
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")
    found = refusal(ecr.batch_get_image, repositoryName=BWA, imageIds=[{"imageTag": "a" * 301}])
    assert found.code == "InvalidParameterException"
    assert found.message.startswith("Invalid parameter at 'imageIds.1.member.imageTag' failed to satisfy constraint: ")


def test_member_of_the_wrong_type_is_a_serialization_exception(aws, ecr, quay):
    body = json.dumps({"repositoryName": BWA, "imageIds": "latest"}).encode()
    answer = aws.post("BatchGetImage", body)
    assert (answer.status_code, answer.json()["__type"]) == (400, "SerializationException")


def test_registry_of_another_account_is_not_found(ecr, quay):
    found = refusal(pull, ecr=ecr, repository=BWA, registryId="210987654321")
    assert found.code == "RepositoryNotFoundException"
    assert quay.pulls == ()


def test_registry_id_of_the_account_itself_is_taken(ecr, quay):
    assert digest(pull(ecr, BWA, registryId=ACCOUNT))


# --- failures --------------------------------------------------------------------------------------------------------

FAILURES = [
    ({"status": 401}, "UpstreamAccessDenied"),
    ({"status": 403}, "UpstreamAccessDenied"),
    ({"status": 429}, "UpstreamTooManyRequests"),
    ({"status": 500}, "UpstreamUnavailable"),
    ({"status": 503}, "UpstreamUnavailable"),
    ({"status": 418}, "UpstreamUnavailable"),
    ({"error": "refused"}, "UpstreamUnavailable"),
    ({"error": "timeout"}, "UpstreamUnavailable"),
]


@pytest.mark.parametrize(("failure", "code"), FAILURES)
def test_upstream_that_fails_gives_one_failure_per_image_and_creates_nothing(ecr, quay, failure, code):
    quay.fail("biocontainers/bwa", **failure)
    assert failure_codes(pull(ecr, BWA, "1", "2")) == [code, code]
    assert repositories(ecr) == []
    # One that gives no answer at all is not asked again for the same request.
    assert [asked.outcome for asked in quay.pulls] == [code] * (1 if "error" in failure else 2)


@pytest.mark.parametrize(("failure", "code"), FAILURES)
def test_upstream_that_fails_adds_nothing_to_an_existing_repository(ecr, quay, failure, code):
    pull(ecr, BWA, "there")
    quay.fail(**failure)
    answer = pull(ecr, BWA, "there", "new")
    assert [image["imageId"]["imageTag"] for image in answer["images"]] == ["there"]
    assert [failed["failureCode"] for failed in answer["failures"]] == [code]
    assert list(tags(ecr, BWA)) == ["there"]


def test_access_denied_says_what_ecr_says(ecr, quay):
    quay.fail(status=401)
    (failure,) = pull(ecr, BWA)["failures"]
    assert failure["failureReason"] == ACCESS_DENIED


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (429, "The upstream registry has received too many requests. Try again later."),
        (503, "The upstream registry is unavailable. Try again later."),
    ],
)
def test_upstream_that_fails_is_the_reason_of_the_failure(ecr, quay, status, reason):
    quay.fail(status=status)
    (failure,) = pull(ecr, BWA)["failures"]
    assert failure["failureReason"] == reason


def test_image_that_the_upstream_lacks_creates_no_repository(ecr, quay):
    quay.push("another/image")
    found = refusal(pull, ecr=ecr, repository=BWA)
    assert (found.code, found.message) == ("RepositoryNotFoundException", NOT_A_REPOSITORY.format(BWA))
    assert repositories(ecr) == []


def test_image_that_the_upstream_lacks_is_missing_in_an_existing_repository(ecr, quay):
    quay.push("biocontainers/bwa", tag="there")
    answer = pull(ecr, BWA, "there", "missing")
    assert [failure["failureCode"] for failure in answer["failures"]] == ["ImageNotFound"]


def test_one_image_of_two_at_the_upstream_creates_the_repository(ecr, quay):
    quay.push("biocontainers/bwa", tag="there")
    answer = pull(ecr, BWA, "missing", "there")
    assert [image["imageId"]["imageTag"] for image in answer["images"]] == ["there"]
    assert repositories(ecr) == [BWA]


def test_recovered_upstream_is_asked_again(ecr, quay):
    quay.fail(status=503)
    pull(ecr, BWA)
    quay.recover()
    assert digest(pull(ecr, BWA))


# --- credentials -----------------------------------------------------------------------------------------------------

ALPINE = "docker-hub/library/alpine"


@pytest.fixture
def hub(aws: Aws, ecr: Any) -> UpstreamRegistry:
    """The upstream of a rule with the prefix docker-hub and the secret ``hub``."""
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="docker-hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=aws.secret()
    )
    return upstream_registry("docker-hub")


def put_secret(aws: Aws, value: str) -> None:
    aws.client("secretsmanager").put_secret_value(SecretId="ecr-pullthroughcache/hub", SecretString=value)


def test_secret_is_what_the_upstream_is_shown(ecr, hub):
    hub.credentials = json.loads(GOOD_SECRET)
    assert digest(pull(ecr, ALPINE))


def test_secret_is_read_when_it_is_needed(aws, ecr, hub):
    hub.credentials = {"username": "new", "accessToken": "value"}
    assert failure_codes(pull(ecr, ALPINE)) == ["UpstreamAccessDenied"]
    put_secret(aws, json.dumps(hub.credentials))
    assert digest(pull(ecr, ALPINE))


def test_open_registry_with_credentials_refuses(ecr, quay):
    quay.credentials = {"username": "u", "accessToken": "t"}
    assert failure_codes(pull(ecr, BWA)) == ["UpstreamAccessDenied"]


@pytest.mark.parametrize(
    "value",
    [
        "test",
        "[]",
        "{}",
        '{"username": "u"}',
        '{"username": "", "accessToken": "t"}',
        r'{"username": "\ud800", "accessToken": "t"}',
    ],
)
def test_malformed_secret_is_unable_to_get_the_upstream_image(aws, ecr, hub, value):
    put_secret(aws, value)
    found = refusal(pull, ecr=ecr, repository=ALPINE)
    assert found.code == "UnableToGetUpstreamImageException"
    assert found.message.startswith("The image or images were unable to be pulled using the pull through cache rule.")
    assert repositories(ecr) == []
    assert hub.pulls == ()


def test_deleted_secret_is_unable_to_get_the_upstream_image(aws, ecr, hub):
    secrets = aws.client("secretsmanager")
    secrets.delete_secret(SecretId="ecr-pullthroughcache/hub")
    assert refusal(pull, ecr=ecr, repository=ALPINE).code == "UnableToGetUpstreamImageException"
    secrets.restore_secret(SecretId="ecr-pullthroughcache/hub")
    assert digest(pull(ecr, ALPINE))


def test_broken_secret_serves_what_is_cached(in_process):
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr = in_process.client("ecr")
        ecr.create_pull_through_cache_rule(
            ecrRepositoryPrefix="docker-hub",
            upstreamRegistryUrl="registry-1.docker.io",
            credentialArn=in_process.secret(),
        )
        pulled = digest(pull(ecr, ALPINE))
        put_secret(in_process, "broken")
        clock.move_to("2026-03-04 12:00:00")
        assert digest(pull(ecr, ALPINE)) == pulled
        assert len(upstream_registry("docker-hub").pulls) == 1


def test_broken_secret_fails_a_request_with_a_cached_image_too(aws, ecr, hub):
    pull(ecr, ALPINE)
    put_secret(aws, "broken")
    assert digest(pull(ecr, ALPINE))
    found = refusal(lambda: pull(ecr, ALPINE, "latest", "other"))
    assert found.code == "UnableToGetUpstreamImageException"


def test_docker_hub_refuses_a_name_without_library(ecr, hub):
    assert failure_codes(pull(ecr, "docker-hub/alpine")) == ["UpstreamAccessDenied"]


@pytest.mark.parametrize(
    ("set_up", "failure"),
    [
        ({}, ""),
        (
            {"credentials": {"username": "other", "accessToken": "value"}},
            ACCESS_DENIED,
        ),
        ({"status": 503}, "The upstream registry is unavailable. Try again later."),
    ],
)
def test_validate_authenticates_at_the_upstream(ecr, hub, set_up, failure):
    if "credentials" in set_up:
        hub.credentials = set_up["credentials"]
    elif set_up:
        hub.fail(**set_up)
    validation = ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="docker-hub")
    assert (validation["isValid"], validation["failure"]) == (not failure, failure)


# --- templates -------------------------------------------------------------------------------------------------------


def create_template(ecr: Any, prefix: str = "quay", **settings: Any) -> None:
    ecr.create_repository_creation_template(prefix=prefix, **{"appliedFor": ["PULL_THROUGH_CACHE"], **settings})


ROLE = f"arn:aws:iam::{ACCOUNT}:role/template"


def test_template_is_applied_to_the_new_repository(ecr, quay):
    create_template(
        ecr,
        imageTagMutability="IMMUTABLE",
        repositoryPolicy=REPOSITORY_POLICY,
        lifecyclePolicy=LIFECYCLE_POLICY,
        resourceTags=[{"Key": "team", "Value": "a"}],
        encryptionConfiguration={"encryptionType": "KMS"},
        customRoleArn=ROLE,
    )
    pull(ecr, BWA)
    (repository,) = ecr.describe_repositories()["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["encryptionConfiguration"]["encryptionType"] == "KMS"
    assert ecr.get_repository_policy(repositoryName=BWA)["policyText"] == REPOSITORY_POLICY
    assert ecr.get_lifecycle_policy(repositoryName=BWA)["lifecyclePolicyText"] == LIFECYCLE_POLICY
    tagged = ecr.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"]
    assert tagged == [{"Key": "team", "Value": "a"}]


def test_longest_template_for_pull_through_cache_is_applied(ecr, quay):
    create_template(ecr, "ROOT", imageTagMutability="IMMUTABLE")
    create_template(ecr, "quay", lifecyclePolicy=LIFECYCLE_POLICY)
    create_template(ecr, "quay/biocontainers", appliedFor=["REPLICATION"], imageTagMutability="IMMUTABLE")
    pull(ecr, BWA)
    assert ecr.get_lifecycle_policy(repositoryName=BWA)["lifecyclePolicyText"] == LIFECYCLE_POLICY
    assert ecr.describe_repositories()["repositories"][0]["imageTagMutability"] == "MUTABLE"


def test_template_touches_no_repository_that_exists(ecr, quay):
    pull(ecr, BWA)
    create_template(ecr, repositoryPolicy=REPOSITORY_POLICY)
    pull(ecr, BWA, "other")
    assert refusal(ecr.get_repository_policy, repositoryName=BWA).code == "RepositoryPolicyNotFoundException"


@pytest.mark.parametrize(
    "settings",
    [
        {"resourceTags": [{"Key": "team", "Value": "a"}]},
        {"encryptionConfiguration": {"encryptionType": "KMS"}},
        {"encryptionConfiguration": {"encryptionType": "KMS_DSSE"}},
    ],
)
def test_template_with_tags_or_kms_and_no_role_makes_the_pull_not_found(ecr, quay, settings):
    create_template(ecr, **settings)
    assert refusal(pull, ecr=ecr, repository=BWA).code == "RepositoryNotFoundException"
    assert repositories(ecr) == []
    assert quay.pulls == ()
    ecr.update_repository_creation_template(prefix="quay", customRoleArn=ROLE)
    assert digest(pull(ecr, BWA))


@pytest.mark.parametrize(
    ("service", "suits"),
    [("pullthroughcache.ecr.amazonaws.com", True), ("ecr.amazonaws.com", True), ("ec2.amazonaws.com", False)],
)
def test_role_of_a_template_must_trust_ecr(aws, ecr, quay, service, suits):
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    aws.client("iam").create_role(
        RoleName="template",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    create_template(ecr, resourceTags=[{"Key": "team", "Value": "a"}], customRoleArn=ROLE)
    if suits:
        assert digest(pull(ecr, BWA))
    else:
        assert refusal(pull, ecr=ecr, repository=BWA).code == "RepositoryNotFoundException"


def test_template_with_a_disabled_key_makes_the_pull_not_found(aws, ecr, quay):
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]
    create_template(ecr, encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key["Arn"]}, customRoleArn=ROLE)
    kms.disable_key(KeyId=key["KeyId"])
    assert refusal(pull, ecr=ecr, repository=BWA).code == "RepositoryNotFoundException"
    kms.enable_key(KeyId=key["KeyId"])
    pull(ecr, BWA)
    (repository,) = ecr.describe_repositories()["repositories"]
    assert repository["encryptionConfiguration"] == {"encryptionType": "KMS", "kmsKey": key["Arn"]}


def test_template_with_a_missing_key_makes_the_pull_not_found(ecr, quay):
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
    create_template(ecr, encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key}, customRoleArn=ROLE)
    assert refusal(pull, ecr=ecr, repository=BWA).code == "RepositoryNotFoundException"
    assert repositories(ecr) == []


# --- layers ----------------------------------------------------------------------------------------------------------


def download(ecr: Any, repository: str, layer_digest: str) -> requests.Response:
    url = ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=layer_digest)["downloadUrl"]
    return requests.get(url, timeout=60)


def sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def test_download_url_gives_the_bytes_of_layers_and_configuration(ecr, quay):
    image = quay.push("biocontainers/bwa", layers=[b"one", b"\x1f\x8btwo\x00\xff"])
    pull(ecr, BWA)
    manifest = json.loads(image.manifest)
    contents = [download(ecr, BWA, layer["digest"]).content for layer in manifest["layers"]]
    assert contents == list(image.layers) == [b"one", b"\x1f\x8btwo\x00\xff"]
    configuration = download(ecr, BWA, manifest["config"]["digest"]).content
    assert sha256(configuration) == manifest["config"]["digest"]
    assert json.loads(configuration)["rootfs"]["diff_ids"] == [sha256(layer) for layer in image.layers]


def test_download_url_in_process_is_on_the_registrys_host(in_process):
    for region, suffix in (("us-east-1", ""), ("cn-north-1", ".cn"), ("us-gov-west-1", "")):
        ecr = in_process.client("ecr", region)
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        (image,) = pull(ecr, BWA)["images"]
        layer = json.loads(image["imageManifest"])["layers"][0]
        answer = ecr.get_download_url_for_layer(repositoryName=BWA, layerDigest=layer["digest"])
        assert answer["layerDigest"] == layer["digest"]
        assert answer["downloadUrl"].startswith(f"https://{ACCOUNT}.dkr.ecr.{region}.amazonaws.com{suffix}/layers?")
        assert len(requests.get(answer["downloadUrl"], timeout=60).content) == layer["size"]


def test_download_url_of_a_server_is_on_the_host_that_the_client_called(server):
    by_name = Aws(server.endpoint_url.replace("127.0.0.1", "localhost"))
    for aws in (server, by_name):
        ecr = aws.client("ecr")
        if not ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]:
            ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        (image,) = pull(ecr, BWA)["images"]
        layer = json.loads(image["imageManifest"])["layers"][0]
        url = ecr.get_download_url_for_layer(repositoryName=BWA, layerDigest=layer["digest"])["downloadUrl"]
        assert url.startswith(f"{aws.endpoint_url}/")
    assert sha256(requests.get(url.replace("localhost", "127.0.0.1"), timeout=60).content) == layer["digest"]


def test_download_of_a_layer_that_is_gone_is_not_found(ecr, quay):
    (image,) = pull(ecr, BWA)["images"]
    layer = json.loads(image["imageManifest"])["layers"][0]["digest"]
    url = ecr.get_download_url_for_layer(repositoryName=BWA, layerDigest=layer)["downloadUrl"]
    ecr.batch_delete_image(repositoryName=BWA, imageIds=[{"imageTag": "latest"}])
    answer = requests.get(url, timeout=60)
    assert (answer.status_code, "<Code>NoSuchKey</Code>" in answer.text) == (404, True)


def layer_urls(ecr) -> list[str]:
    """Return the URLs of the two blobs of an image that is pulled: its configuration and its layer."""
    (image,) = pull(ecr, BWA)["images"]
    manifest = json.loads(image["imageManifest"])
    return [
        ecr.get_download_url_for_layer(repositoryName=BWA, layerDigest=blob["digest"])["downloadUrl"]
        for blob in (manifest["config"], *manifest["layers"])
    ]


def test_download_url_expires_after_an_hour(in_process):
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr = in_process.client("ecr")
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        url, _ = layer_urls(ecr)
        clock.move_to("2026-03-02 13:00:00")
        assert requests.get(url, timeout=60).status_code == 200
        clock.move_to("2026-03-02 13:00:01")
        answer = requests.get(url, timeout=60)
    assert (answer.status_code, "Request has expired" in answer.text) == (403, True)


@pytest.mark.parametrize("parameter", ["repository", "digest", "expires", "signature"])
def test_download_url_with_another_parameter_is_denied(ecr, quay, parameter):
    given, other = map(urlsplit, layer_urls(ecr))
    query, others = dict(parse_qsl(given.query)), dict(parse_qsl(other.query))
    changed = {"repository": "quay/other", "expires": str(int(query["expires"]) + 1)}
    for value in (changed.get(parameter, others[parameter]), "", "é", None):
        made_up = {name: item for name, item in {**query, parameter: value}.items() if item is not None}
        answer = requests.get(given._replace(query=urlencode(made_up)).geturl(), timeout=60)
        assert (answer.status_code, "<Code>AccessDenied</Code>" in answer.text) == (403, True)


def test_download_url_of_another_registry_is_denied(aws, ecr, quay):
    url, _ = layer_urls(ecr)
    for other in (aws.client("ecr", account=OTHER_ACCOUNT), aws.client("ecr", "eu-west-1")):
        other.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        pull(other, BWA)
    for elsewhere in (
        url.replace(ACCOUNT, OTHER_ACCOUNT),
        url.replace(REGION, "eu-west-1"),
        url.replace(REGION, "nowhere-1"),
    ):
        assert requests.get(elsewhere, timeout=60).status_code == 403
    assert requests.get(url, timeout=60).status_code == 200


def test_download_url_of_before_a_reset_is_denied(server):
    ecr = server.client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    url, _ = layer_urls(ecr)
    requests.post(f"{server.endpoint_url}/moto-api/reset", timeout=60)
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    layer_urls(ecr)
    assert requests.get(url, timeout=60).status_code == 403


def test_layers_of_a_pulled_image_are_available(ecr, quay):
    image = quay.push("biocontainers/bwa", platforms=["linux/amd64", "linux/arm64"])
    pull(ecr, BWA)
    child = json.loads(image.manifest)["manifests"][1]["digest"]
    (answer,) = ecr.batch_get_image(repositoryName=BWA, imageIds=[{"imageDigest": child}])["images"]
    layer = json.loads(answer["imageManifest"])["layers"][0]
    answer = ecr.batch_check_layer_availability(repositoryName=BWA, layerDigests=[layer["digest"], sha256(b"")])
    assert answer["layers"] == [
        {
            "layerDigest": layer["digest"],
            "layerAvailability": "AVAILABLE",
            "layerSize": layer["size"],
            "mediaType": layer["mediaType"],
        }
    ]
    assert [failure["failureCode"] for failure in answer["failures"]] == ["MissingLayerDigest"]


def test_configuration_of_a_pulled_image_is_available(ecr, quay):
    (image,) = pull(ecr, BWA)["images"]
    config = json.loads(image["imageManifest"])["config"]
    (found,) = ecr.batch_check_layer_availability(repositoryName=BWA, layerDigests=[config["digest"]])["layers"]
    assert found == {
        "layerDigest": config["digest"],
        "layerAvailability": "AVAILABLE",
        "layerSize": config["size"],
        "mediaType": config["mediaType"],
    }


def test_layer_of_no_image_is_asked_for_at_the_upstream(ecr, quay):
    quay.push("biocontainers/bwa", tag="1", layers=[b"one"])
    quay.push("biocontainers/bwa", tag="2", layers=[b"two"])
    pull(ecr, BWA, "1")
    assert download(ecr, BWA, sha256(b"two")).content == b"two"
    assert [asked.reference for asked in quay.pulls] == ["1", sha256(b"two")]


def test_layer_that_nobody_has_is_not_found(ecr, quay):
    quay.push("biocontainers/bwa")
    pull(ecr, BWA)
    for repository, layer in ((BWA, sha256(b"nothing")), (BWA, "sha512:" + "0" * 128)):
        found = refusal(ecr.get_download_url_for_layer, repositoryName=repository, layerDigest=layer)
        assert found.code == "LayersNotFoundException"
        assert found.message == (
            f"The layer with digest {layer} does not exist within the repository with name '{repository}' "
            f"in the registry with id '{ACCOUNT}'"
        )
    found = refusal(ecr.get_download_url_for_layer, repositoryName="quay/absent", layerDigest=sha256(b""))
    assert found.code == "RepositoryNotFoundException"
    found = refusal(ecr.get_download_url_for_layer, repositoryName=BWA, layerDigest="nothing")
    assert found.code == "InvalidParameterException"


@pytest.mark.parametrize("failure", [{"status": 401}, {"status": 429}, {"status": 500}, {"error": "timeout"}])
def test_upstream_that_fails_to_give_a_layer_is_unable_to_get_it(ecr, quay, failure):
    pull(ecr, BWA)
    quay.fail(**failure)
    found = refusal(ecr.get_download_url_for_layer, repositoryName=BWA, layerDigest=sha256(b"new"))
    assert found.code == "UnableToGetUpstreamLayerException"
    assert found.message == "There was an issue getting the upstream layer matching the pull through cache rule."


def test_broken_secret_is_unable_to_get_a_new_layer_and_gives_the_cached_ones(aws, ecr, hub):
    image = hub.push("library/alpine", layers=[b"cached"])
    pull(ecr, ALPINE)
    put_secret(aws, "broken")
    found = refusal(ecr.get_download_url_for_layer, repositoryName=ALPINE, layerDigest=sha256(b"new"))
    assert found.code == "UnableToGetUpstreamLayerException"
    assert download(ecr, ALPINE, sha256(b"cached")).content == image.layers[0]


def test_layer_whose_bytes_moto_has_forgotten_is_inaccessible(ecr):
    from moto.ecr.models import ecr_backends

    ecr.create_repository(repositoryName="app")
    # As an upload before the activation leaves it
    ecr_backends[ACCOUNT][REGION].repositories["app"].layers = {sha256(b"gone"): 4}
    found = refusal(ecr.get_download_url_for_layer, repositoryName="app", layerDigest=sha256(b"gone"))
    assert found.code == "LayerInaccessibleException"


def test_layers_of_a_repository_without_a_rule_are_motos_answer(ecr):
    ecr.create_repository(repositoryName="app")
    try:
        answer = ecr.batch_check_layer_availability(repositoryName="app", layerDigests=[sha256(b"")])
    except (NotImplementedError, ClientError) as error:
        pytest.skip(f"moto < 5.2.4 has no BatchCheckLayerAvailability: {error}")
    assert [failure["failureCode"] for failure in answer["failures"]] == ["MissingLayerDigest"]


def test_layers_that_were_uploaded_to_motos_own_repositories_are_downloaded(ecr):
    ecr.create_repository(repositoryName="app")
    upload = ecr.initiate_layer_upload(repositoryName="app")["uploadId"]
    ecr.upload_layer_part(
        repositoryName="app", uploadId=upload, partFirstByte=0, partLastByte=4, layerPartBlob=b"bytes"
    )
    ecr.complete_layer_upload(repositoryName="app", uploadId=upload, layerDigests=[sha256(b"bytes")])
    assert download(ecr, "app", sha256(b"bytes")).content == b"bytes"


# --- what the other operations see -----------------------------------------------------------------------------------


def test_describe_images_has_sizes_types_and_times(in_process):
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr = in_process.client("ecr")
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        image = upstream_registry("quay").push("biocontainers/bwa", layers=[b"12345", b"678"])
        pull(ecr, BWA)
        clock.move_to("2026-03-02 13:00:00")
        pull(ecr, BWA)
        (detail,) = ecr.describe_images(repositoryName=BWA)["imageDetails"]
    assert (detail["imageDigest"], detail["imageTags"]) == (image.digest, ["latest"])
    assert detail["imageSizeInBytes"] == 8
    assert detail["imageManifestMediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert detail["artifactMediaType"] == "application/vnd.oci.image.config.v1+json"
    assert detail["imagePushedAt"].isoformat() == "2026-03-02T12:00:00+00:00"
    assert detail["lastRecordedPullTime"].isoformat() == "2026-03-02T13:00:00+00:00"


def test_describe_images_by_tag_finds_what_was_pulled(ecr, quay):
    pulled = digest(pull(ecr, BWA))
    (detail,) = ecr.describe_images(repositoryName=BWA, imageIds=[{"imageTag": "latest"}])["imageDetails"]
    assert detail["imageDigest"] == pulled


def test_repository_with_images_is_deleted_only_by_force(ecr, quay):
    pull(ecr, BWA)
    assert refusal(ecr.delete_repository, repositoryName=BWA).code == "RepositoryNotEmptyException"
    ecr.delete_repository(repositoryName=BWA, force=True)
    assert repositories(ecr) == []


def test_image_is_deleted_by_digest(ecr, quay):
    pulled = digest(pull(ecr, BWA))
    answer = ecr.batch_delete_image(repositoryName=BWA, imageIds=[{"imageDigest": pulled}])
    assert answer["imageIds"] == [{"imageDigest": pulled, "imageTag": "latest"}]
    assert ecr.list_images(repositoryName=BWA)["imageIds"] == []


def test_pushed_image_beside_cached_ones_is_served(ecr, quay):
    pull(ecr, BWA)
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []})
    ecr.put_image(repositoryName=BWA, imageManifest=manifest, imageTag="own")
    (image,) = pull(ecr, BWA, "own")["images"]
    assert image["imageManifest"] == manifest
    assert [asked.reference for asked in quay.pulls] == ["latest"]


def test_malformed_image_of_motos_own_is_served_and_harms_no_other(aws, ecr, quay):
    pulled = digest(pull(ecr, BWA))
    poison = {
        "repositoryName": BWA,
        "imageManifest": '{"layers": [{"digest": 1}], "subject": {}}',
        "imageManifestMediaType": "application/vnd.oci.image.manifest.v1+json",
        "imageTag": "poison",
    }
    assert aws.post("PutImage", json.dumps(poison).encode()).status_code == 200
    assert digest(pull(ecr, BWA, "poison")) == sha256(poison["imageManifest"].encode())
    answer = ecr.batch_get_image(repositoryName=BWA, imageIds=[{"imageDigest": pulled}])
    assert digest(answer) == pulled
    ecr.batch_delete_image(repositoryName=BWA, imageIds=[{"imageTag": "latest"}])


def test_pulled_image_can_be_tagged_anew(ecr, quay):
    (image,) = pull(ecr, BWA)["images"]
    ecr.put_image(repositoryName=BWA, imageManifest=image["imageManifest"], imageTag="mine")
    assert set(tags(ecr, BWA)) == {"latest", "mine"}
    assert digest(pull(ecr, BWA, "mine")) == image["imageId"]["imageDigest"]
    assert len(quay.pulls) == 1


def test_authorization_token_expires_in_12_hours(in_process):
    with freeze_time("2026-03-02 12:00:00"):
        (data,) = in_process.client("ecr").get_authorization_token()["authorizationData"]
    assert data["expiresAt"].isoformat() == "2026-03-03T00:00:00+00:00"
    assert data["proxyEndpoint"] == f"https://{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"


# --- accounts, Regions, threads --------------------------------------------------------------------------------------


def test_pulls_and_deletions_leave_nothing_in_motos_tracker(ecr, quay):
    def tracked() -> int:
        return sum(len(model.instances_tracked) for model in model_data["ecr"].values())

    before = tracked()
    for _ in range(3):
        pull(ecr, BWA)
        ecr.batch_delete_image(repositoryName=BWA, imageIds=[{"imageTag": "latest"}])
        pull(ecr, BWA)
        ecr.delete_repository(repositoryName=BWA, force=True)
    assert tracked() == before


def test_template_keeps_the_encryption_that_it_was_given(ecr, quay):
    ecr.create_repository_creation_template(
        prefix="quay",
        appliedFor=["PULL_THROUGH_CACHE"],
        encryptionConfiguration={"encryptionType": "KMS"},
        customRoleArn=f"arn:aws:iam::{ACCOUNT}:role/templates",
    )
    pull(ecr, BWA)
    (template,) = ecr.describe_repository_creation_templates()["repositoryCreationTemplates"]
    assert template["encryptionConfiguration"] == {"encryptionType": "KMS"}


def test_accounts_and_regions_cache_for_themselves(aws):
    for account, region in ((ACCOUNT, "us-east-1"), (ACCOUNT, "eu-west-1"), ("210987654321", "us-east-1")):
        ecr = aws.client("ecr", region, account=account)
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        (image,) = pull(ecr, BWA)["images"]
        assert image["registryId"] == account
    asked = upstream_registry("quay").pulls
    assert [(one.account_id, one.region) for one in asked] == [
        (ACCOUNT, "us-east-1"),
        (ACCOUNT, "eu-west-1"),
        ("210987654321", "us-east-1"),
    ]


def test_concurrent_pulls_of_one_image_make_one_repository_and_one_image(aws, ecr, quay):
    quay.push("biocontainers/bwa", platforms=["linux/amd64", "linux/arm64"])
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: pull(aws.client("ecr"), BWA), range(64)))
    assert len({digest(answer) for answer in answers}) == 1
    assert repositories(ecr) == [BWA]
    assert len(ecr.list_images(repositoryName=BWA)["imageIds"]) == 3
    assert len(quay.pulls) == 1


def test_reset_forgets_images_and_upstreams(server):
    ecr = server.client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    upstream_registry("quay").push("only/this")
    requests.post(f"{server.endpoint_url}/moto-api/reset", timeout=60)
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    assert digest(pull(ecr, BWA))
    assert len(upstream_registry("quay").pulls) == 1
