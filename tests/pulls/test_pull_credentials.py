"""The credentials that an upstream is shown: those of the rule's secret, when they are needed."""

from __future__ import annotations

import json

import pytest
from freezegun import freeze_time

from conftest import GOOD_SECRET, digest, failure_codes, pull, refusal, repositories
from moto_ecr_ptc import upstream_registry
from tests.pulls.pull_calls import ACCESS_DENIED, ALPINE, BWA, put_secret


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
