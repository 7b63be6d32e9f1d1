"""Pulls by digest, and requests and identifiers that name no image."""

from __future__ import annotations

import json

import pytest

from conftest import ACCOUNT, MODEL, digest, failure_codes, pull, refusal
from tests.pulls.pull_calls import BWA


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
        ({"imageDigest": "SHA256:" + "A" * 64}, "ImageNotFound"),
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


@pytest.mark.parametrize("accepted", ["x", 5, [1]])
def test_accepted_media_types_of_the_wrong_type_are_refused_without_any_rule_too(aws, accepted):
    members = {"repositoryName": BWA, "imageIds": [{"imageTag": "latest"}], "acceptedMediaTypes": accepted}
    answer = aws.post("BatchGetImage", json.dumps(members).encode())
    assert (answer.status_code, answer.json()["__type"]) == (400, "SerializationException")
