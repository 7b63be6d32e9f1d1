"""Pulls of small public images from ECR public, which needs no secret."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

from ..case import Case, digest_of
from ..pushing import image, push
from ..upstreams import ABSENT_TAG, OTHER_TAG, REPOSITORY, TAG
from . import has_operation, scenario

ABSENT = "sha256:" + "0" * 64
NOT_FOUND = "RepositoryNotFoundException"


def pull(case: Case, repository: str, *image_ids: dict[str, str], **more: Any) -> Any:
    return case.ecr.batch_get_image(repositoryName=repository, imageIds=list(image_ids), **more)


def cached(case: Case, tag: str = TAG) -> str:
    """Make a rule, pull an image through it, and return the repository."""
    repository = f"{case.rule()}/{REPOSITORY}"
    pull(case, repository, {"imageTag": tag})
    return repository


def manifest_of(case: Case, repository: str, **image_id: str) -> dict[str, Any]:
    (found,) = pull(case, repository, image_id)["images"]
    return dict(json.loads(found["imageManifest"]))


def linux_child(case: Case, repository: str) -> str:
    """Return the digest of the image for linux/amd64."""
    children = manifest_of(case, repository, imageTag=TAG)["manifests"]
    return next(str(child["digest"]) for child in children if child["platform"]["architecture"] == "amd64")


def tags_of(case: Case, repository: str) -> list[str]:
    listed = case.ecr.list_images(repositoryName=repository)["imageIds"]
    return [image_id["imageTag"] for image_id in listed if "imageTag" in image_id]


def failures(answer: Any) -> list[list[str]]:
    return [[failure["failureCode"], failure["failureReason"]] for failure in answer["failures"]]


@scenario("pull-first pull-default-repository pull-image-id image-listing")
def first_pull(case: Case) -> None:
    repository = f"{case.rule()}/{REPOSITORY}"
    describe = case.ecr.describe_repositories
    case.refused("pull-first", "repository before the pull", NOT_FOUND, describe, repositoryNames=[repository])
    answer = pull(case, repository, {"imageTag": TAG})
    case.saw("pull-first", "failures", [], failures(answer))
    (found,) = answer["images"]
    case.saw("pull-image-id", "members of imageId by tag", ["imageDigest", "imageTag"], sorted(found["imageId"]))
    digest = found["imageId"]["imageDigest"]
    case.saw("pull-first", "the digest is the manifest's", digest, digest_of(found["imageManifest"].encode()))
    answer = pull(case, repository, {"imageDigest": digest})
    by_digest = sorted(answer["images"][0]["imageId"])
    case.saw("pull-image-id", "members of imageId by digest", ["imageDigest"], by_digest)
    (made,) = describe(repositoryNames=[repository])["repositories"]
    rows = "pull-default-repository"
    for member, claimed in (
        ("imageTagMutability", "MUTABLE"),
        ("imageScanningConfiguration", {"scanOnPush": False}),
        ("encryptionConfiguration", {"encryptionType": "AES256"}),
    ):
        case.saw(rows, member, claimed, made.get(member))
    for label, code, call in (
        ("policy", "RepositoryPolicyNotFoundException", case.ecr.get_repository_policy),
        ("lifecycle policy", "LifecyclePolicyNotFoundException", case.ecr.get_lifecycle_policy),
    ):
        case.refused(rows, label, code, call, repositoryName=repository)
    case.saw(rows, "tags", [], case.ecr.list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"])
    case.saw("image-listing", "tags that are listed", [TAG], tags_of(case, repository))


@scenario("pull-index pull-index-child-by-digest pull-index-child-deletion")
def image_with_platforms(case: Case) -> None:
    repository = cached(case)
    manifest = manifest_of(case, repository, imageTag=TAG)
    children = sorted(child["digest"] for child in manifest["manifests"])
    images = case.ecr.describe_images(repositoryName=repository)["imageDetails"]
    without_tag = sorted(detail["imageDigest"] for detail in images if not detail.get("imageTags"))
    case.saw("pull-index", "the images without a tag are the children", True, without_tag == children)
    answer = pull(case, repository, *({"imageDigest": digest} for digest in children))
    case.saw("pull-index-child-by-digest", "failures of a pull of the children", [], failures(answer))
    delete = case.ecr.batch_delete_image
    answer = delete(repositoryName=repository, imageIds=[{"imageDigest": children[0]}])
    code = ["ImageReferencedByManifestList"]
    rows = "pull-index-child-deletion"
    case.saw(rows, "code of the deletion", code, [failure["failureCode"] for failure in answer["failures"]])
    case.saw(rows, "failure of the deletion", answer["failures"], answer["failures"])


@scenario("pull-upstream-lacks-image pull-failure-codes pull-digest-not-cached pull-tag-and-digest-not-cached")
def images_that_are_not_there(case: Case) -> None:
    rule = case.rule()
    get = case.ecr.batch_get_image
    for label, name in (("unknown tag", REPOSITORY), ("unknown repository", "docker/library/no-such-image")):
        repository = f"{rule}/{name}"
        case.refused(
            "pull-upstream-lacks-image",
            label,
            NOT_FOUND,
            get,
            repositoryName=repository,
            imageIds=[{"imageTag": ABSENT_TAG}],
        )
    repository = f"{rule}/{REPOSITORY}"
    describe = case.ecr.describe_repositories
    case.refused(
        "pull-upstream-lacks-image", "no repository is created", NOT_FOUND, describe, repositoryNames=[repository]
    )
    elsewhere = f"{case.rule('-2')}/{REPOSITORY}"
    other = pull(case, elsewhere, {"imageTag": OTHER_TAG})["images"][0]["imageId"]["imageDigest"]
    case.refused(
        "pull-digest-not-cached",
        "digest, without a repository",
        NOT_FOUND,
        get,
        repositoryName=repository,
        imageIds=[{"imageDigest": other}],
    )
    pull(case, repository, {"imageTag": TAG})
    missing = [["ImageNotFound", "Requested image not found"]]
    answer = pull(case, repository, {"imageTag": ABSENT_TAG})
    case.saw("pull-upstream-lacks-image", "unknown tag in a repository", missing, failures(answer))
    answer = pull(case, repository, {"imageDigest": other})
    case.saw("pull-digest-not-cached", "digest that the upstream has", missing, failures(answer))
    answer = pull(case, repository, {"imageTag": OTHER_TAG, "imageDigest": other})
    case.saw("pull-tag-and-digest-not-cached", "tag and digest that the upstream has", missing, failures(answer))
    for label, image_id, code in (
        ("neither tag nor digest", {}, "MissingDigestAndTag"),
        ("malformed digest", {"imageDigest": "latest"}, "InvalidImageDigest"),
        ("malformed tag", {"imageTag": "-latest"}, "InvalidImageTag"),
        ("tag and another digest", {"imageTag": TAG, "imageDigest": ABSENT}, "ImageTagDoesNotMatchDigest"),
        ("absent digest", {"imageDigest": ABSENT}, "ImageNotFound"),
    ):
        answer = pull(case, repository, image_id)
        rows = "pull-failure-codes"
        case.saw(rows, f"code: {label}", [code], [code for code, _ in failures(answer)])
        case.saw(rows, f"failure: {label}", failures(answer), failures(answer))


@scenario("pull-upstream-name pull-longest-prefix pull-existing-repository")
def names_at_the_upstream(case: Case) -> None:
    case.rule("", upstreamRepositoryPrefix="docker/library")
    repository = case.name("/busybox")
    case.ecr.create_repository(repositoryName=repository, imageTagMutability="IMMUTABLE")
    answer = pull(case, repository, {"imageTag": TAG})
    case.saw("pull-upstream-name", "failures with an upstream prefix", [], failures(answer))
    (kept,) = case.ecr.describe_repositories(repositoryNames=[repository])["repositories"]
    case.saw("pull-existing-repository", "mutability that was there", "IMMUTABLE", kept["imageTagMutability"])
    longer = case.rule("/longer")
    answer = pull(case, f"{longer}/{REPOSITORY}", {"imageTag": TAG})
    case.saw("pull-longest-prefix", "failures by the longer prefix", [], failures(answer))


@scenario("pull-deleted-tag pull-deleted-rule rule-delete-keeps-repositories")
def deletions(case: Case) -> None:
    repository = cached(case)
    case.ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": TAG}])
    case.saw("pull-deleted-tag", "deleted tag", [], failures(pull(case, repository, {"imageTag": TAG})))
    case.ecr.delete_repository(repositoryName=repository, force=True)
    case.saw("pull-deleted-tag", "deleted repository", [], failures(pull(case, repository, {"imageTag": TAG})))
    case.ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix=case.prefix)
    rows = "pull-deleted-rule rule-delete-keeps-repositories"
    case.saw(rows, "cached image without the rule", [], failures(pull(case, repository, {"imageTag": TAG})))
    missing = [["ImageNotFound", "Requested image not found"]]
    answer = pull(case, repository, {"imageTag": OTHER_TAG})
    case.saw("pull-deleted-rule", "new tag without the rule", missing, failures(answer))


@scenario("pull-pushed-tag through-endpoint-pushed-tag")
def tag_that_somebody_pushed(case: Case) -> None:
    repository = f"{case.rule()}/{REPOSITORY}"
    case.ecr.create_repository(repositoryName=repository)
    manifest = push(case, repository, TAG, b"layer of a test")
    (found,) = pull(case, repository, {"imageTag": TAG})["images"]
    case.saw("pull-pushed-tag", "it is the pushed image", digest_of(manifest), found["imageId"]["imageDigest"])
    reply = case.http("GET", f"/v2/{repository}/manifests/{TAG}")
    same = reply.content == manifest
    case.saw("through-endpoint-pushed-tag", "it is the pushed image at the endpoint", True, same)


@scenario("pull-concurrent")
def many_pulls_at_once(case: Case) -> None:
    repository = f"{case.rule()}/{REPOSITORY}"
    client = case.ecr
    with ThreadPoolExecutor(4) as threads:
        answers = list(
            threads.map(
                lambda _: client.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": TAG}]), range(4)
            )
        )
    case.saw("pull-concurrent", "failures", [[]] * 4, [failures(answer) for answer in answers])
    found = {image["imageId"]["imageDigest"] for answer in answers for image in answer["images"]}
    case.saw("pull-concurrent", "images", 1, len(found))


@scenario("token-12-hours")
def authorization_token(case: Case) -> None:
    (data,) = case.ecr.get_authorization_token()["authorizationData"]
    left = data["expiresAt"] - datetime.now(timezone.utc)
    is_half_a_day = abs(left - timedelta(hours=12)) < timedelta(minutes=2)
    case.saw("token-12-hours", "it expires in 12 hours", True, is_half_a_day)


@scenario("through-endpoint through-endpoint-digest through-endpoint-rights")
def pulls_by_the_endpoint(case: Case) -> None:
    case.rule()
    repository = case.name(f"/{REPOSITORY}")
    reply = case.http("HEAD", f"/v2/{repository}/manifests/{TAG}", Accept="*/*")
    case.replied("through-endpoint", "HEAD of a tag", (200,), reply)
    case.saw("through-endpoint", "tags of the repository", [TAG], tags_of(case, repository))
    reply = case.http("GET", f"/v2/{repository}/manifests/{ABSENT_TAG}")
    case.replied("through-endpoint", "GET of an unknown tag", (404, "MANIFEST_UNKNOWN"), reply)
    elsewhere = f"{case.rule('-2')}/{REPOSITORY}"
    other = pull(case, elsewhere, {"imageTag": OTHER_TAG})["images"][0]["imageId"]["imageDigest"]
    reply = case.http("GET", f"/v2/{repository}/manifests/{other}")
    case.replied("through-endpoint-digest", "digest that the upstream has", (404, "MANIFEST_UNKNOWN"), reply)
    case.template("-2", resourceTags=[{"Key": "team", "Value": "a"}])
    case.ecr.delete_repository(repositoryName=elsewhere, force=True)
    reply = case.http("GET", f"/v2/{elsewhere}/manifests/{TAG}")
    case.replied("through-endpoint-rights", "template that needs a role", (404, "NAME_UNKNOWN"), reply)


@scenario("referrers-members referrers-by-endpoint", needs=has_operation("ListImageReferrers"))
def referrers_of_a_pushed_image(case: Case) -> None:
    repository = case.repository()
    subject = push(case, repository, "v1", b"a layer")
    digest = digest_of(subject)
    described = {"mediaType": image()["mediaType"], "digest": digest, "size": len(subject)}
    kind = "application/vnd.example.signature"
    artifact = push(case, repository, "signature", b"a signature", subject=described, artifactType=kind)
    case.answered(
        "referrers-members",
        "ListImageReferrers",
        case.ecr.list_image_referrers,
        repositoryName=repository,
        subjectId={"imageDigest": digest},
    )
    rows = "referrers-by-endpoint"
    reply = case.http("GET", f"/v2/{repository}/referrers/{digest}")
    case.replied(rows, "referrers", (200,), reply, "Content-Type")
    case.saw(rows, "digests", [digest_of(artifact)], [found["digest"] for found in reply.json()["manifests"]])
    case.saw(rows, "artifact types", [kind], [found.get("artifactType") for found in reply.json()["manifests"]])
    reply = case.http("GET", f"/v2/{repository}/referrers/{digest}?artifactType=none")
    case.replied(rows, "referrers of another type", (200,), reply, "OCI-Filters-Applied")
    reply = case.http("GET", f"/v2/{repository}/referrers/{ABSENT}")
    case.replied(rows, "referrers of an unknown image", (200,), reply)
    case.saw(rows, "digests for an unknown image", [], reply.json().get("manifests"))
