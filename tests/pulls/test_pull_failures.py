"""Upstreams that fail, and images that they lack."""

from __future__ import annotations

import pytest

from conftest import digest, failure_codes, pull, refusal, repositories
from tests.pulls.pull_calls import ACCESS_DENIED, BWA, NOT_A_REPOSITORY, tags

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
