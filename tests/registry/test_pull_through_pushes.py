"""Pulls through the cache by the registry endpoint: their events, and pushes into a repository that they filled."""

from __future__ import annotations

import json

import pytest

from conftest import ACCOUNT, REGION
from tests.registry.endpoint import Endpoint, sha256
from tests.registry.manifests import oci_image, push_blobs, tags_of
from tests.registry.pulls import LATEST, REPOSITORY, expire

# --- events -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "sync"), [(None, "SUCCESS"), (429, "FAILED")])
def test_each_pull_that_asks_the_upstream_sends_an_event(aws, endpoint: Endpoint, quay, status, sync):
    queue = aws.client("sqs").create_queue(QueueName="pulls")["QueueUrl"]
    events = aws.client("events")
    events.put_rule(Name="pulls", EventPattern=json.dumps({"source": ["aws.ecr"]}))
    events.put_targets(Rule="pulls", Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:pulls"}])
    if status:
        quay.fail(status=status)
    endpoint("HEAD", LATEST)
    if not status:
        endpoint("GET", LATEST)
    (message,) = aws.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    detail = json.loads(message["Body"])["detail"]
    assert (detail["sync-status"], detail["repository-name"], detail["image-tag"]) == (sync, REPOSITORY, "latest")


# --- pushes into a repository that pulls filled -----------------------------------------------------------------------


def test_tag_that_is_pushed_is_never_asked_for_again(aws, endpoint: Endpoint, quay):
    endpoint("GET", LATEST)
    pushed = endpoint.push_image(REPOSITORY, "latest")
    expire(aws)
    assert endpoint("GET", LATEST).content == pushed
    assert len(quay.pulls) == 1


def test_pulled_image_that_is_pushed_by_its_tag_is_never_asked_for_again(aws, endpoint: Endpoint, quay):
    pulled = endpoint("GET", LATEST)
    endpoint.push_manifest(REPOSITORY, "latest", pulled.json())
    quay.push("team/app", layers=[b"new"])
    expire(aws)
    assert sha256(endpoint("GET", LATEST).content) == sha256(json.dumps(pulled.json()).encode())
    assert len(quay.pulls) == 1


def test_new_tag_that_is_pushed_is_never_asked_for(aws, endpoint: Endpoint, quay):
    endpoint("GET", LATEST)
    pushed = endpoint.push_image(REPOSITORY, "mine")
    expire(aws)
    assert endpoint("GET", f"/v2/{REPOSITORY}/manifests/mine").content == pushed
    assert [asked.reference for asked in quay.pulls] == ["latest"]


def test_other_tags_are_still_pulled_after_a_push(aws, endpoint: Endpoint, quay):
    endpoint("GET", LATEST)
    endpoint.push_image(REPOSITORY, "mine")
    expire(aws)
    endpoint("GET", LATEST)
    endpoint("GET", f"/v2/{REPOSITORY}/manifests/other")
    assert [asked.reference for asked in quay.pulls] == ["latest", "latest", "other"]


def test_pulled_image_whose_tag_is_pushed_away_stays_untagged(endpoint: Endpoint, ecr, quay):
    pulled = sha256(endpoint("GET", LATEST).content)
    pushed = endpoint.push_image(REPOSITORY, "latest")
    assert tags_of(ecr, REPOSITORY) == {pulled: [], sha256(pushed): ["latest"]}


def test_pushed_tag_that_is_deleted_is_pulled_again(endpoint: Endpoint, quay):
    pulled = quay.push("team/app")
    endpoint("GET", LATEST)
    endpoint.push_image(REPOSITORY, "latest")
    endpoint("DELETE", LATEST)
    assert endpoint("GET", LATEST).content == pulled.manifest
    assert len(quay.pulls) == 2


def test_repository_that_was_pushed_first_is_pulled_into(endpoint: Endpoint, ecr, quay):
    ecr.create_repository(repositoryName=REPOSITORY)
    push_blobs(endpoint, REPOSITORY)
    endpoint.push_manifest(REPOSITORY, "latest", oci_image())
    assert endpoint("GET", LATEST).json() == oci_image()
    assert endpoint("GET", f"/v2/{REPOSITORY}/manifests/other").status_code == 200
    assert [asked.reference for asked in quay.pulls] == ["other"]
