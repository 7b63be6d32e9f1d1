"""Later pulls: when the upstream is asked again, and what that changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from freezegun import freeze_time

from conftest import ACCOUNT, REGION, Aws, digest, failure_codes, pull, refusal, repositories
from moto_ecr_ptc import upstream_registry
from tests.pulls.pull_calls import BWA, tags


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


def test_refresh_that_is_left_out_since_the_upstream_has_just_failed_counts_too(at_noon):
    clock, ecr, quay = at_noon
    quay.push("biocontainers/bwa", tag="1")
    pull(ecr, BWA, "1")
    quay.fail(error="refused")
    clock.move_to("2026-03-03 12:01:00")
    pull(ecr, BWA, "latest", "1")
    quay.recover()
    pull(ecr, BWA, "latest", "1")
    assert [(asked.reference, asked.outcome) for asked in quay.pulls] == [
        ("latest", "ok"),
        ("1", "ok"),
        ("latest", "UpstreamUnavailable"),
    ]


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


def test_deletion_of_a_tag_leaves_the_others_to_be_asked_for_when_their_day_is_over(at_noon):
    clock, ecr, quay = at_noon
    pull(ecr, BWA, "other")
    ecr.batch_delete_image(repositoryName=BWA, imageIds=[{"imageTag": "other"}])
    clock.move_to("2026-03-03 12:01:00")
    pull(ecr, BWA)
    assert [asked.reference for asked in quay.pulls] == ["latest", "other", "latest"]


def test_deleted_repository_is_created_anew(ecr, quay):
    pull(ecr, BWA)
    ecr.delete_repository(repositoryName=BWA, force=True)
    assert repositories(ecr) == []
    pull(ecr, BWA)
    assert repositories(ecr) == [BWA]
    assert len(quay.pulls) == 2


def test_repository_that_is_made_by_hand_after_a_deletion_is_no_cache(aws, ecr, quay):
    pull(ecr, BWA)
    ecr.delete_repository(repositoryName=BWA, force=True)
    ecr.create_repository(repositoryName=BWA)
    answer = requests.get(
        f"{aws.endpoint_url or 'http://motoapi.amazonaws.com'}/moto-api/static/ecr/overview", timeout=60
    )
    assert answer.json()["repositories"] == []


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
