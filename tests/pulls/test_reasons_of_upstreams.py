"""What an upstream said, and what became of it here: failures, refreshes, immutable tags, other ECR registries."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from freezegun import freeze_time
from moto.ecr.models import ecr_backends

from conftest import ACCOUNT, OTHER_ACCOUNT, REGION, Aws, allow, enforced, failure_codes, pull, refusal, user
from moto_ecr_ptc import pull_log, upstream_registry
from tests.pulls.pull_calls import ALPINE, BWA, put_secret
from tests.pulls.reason_calls import last_record, only_record, policy, route, told, trust

FAILURES = [
    ({"status": 401}, "UpstreamAccessDenied", "it answered HTTP 401, as set up by 'fail'"),
    ({"status": 403}, "UpstreamAccessDenied", "it answered HTTP 403, as set up by 'fail'"),
    ({"status": 429}, "UpstreamTooManyRequests", "it answered HTTP 429, as set up by 'fail'"),
    ({"status": 503}, "UpstreamUnavailable", "it answered HTTP 503, as set up by 'fail'"),
    ({"status": 418}, "UpstreamUnavailable", "it answered HTTP 418, as set up by 'fail'"),
    ({"error": "refused"}, "UpstreamUnavailable", "connection refused, as set up by 'fail'"),
    ({"error": "timeout"}, "UpstreamUnavailable", "no answer in time, as set up by 'fail'"),
]

# --- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("failure", "code", "detail"), FAILURES)
def test_reason_of_an_upstream_that_fails_is_its_answer(ecr, quay, failure, code, detail):
    quay.fail(**failure)
    assert failure_codes(pull(ecr, BWA)) == [code]
    record = only_record()
    assert told(record) == (code, f"quay.io did not return it ({code}): {detail}")
    assert route(record) == ("quay", "quay.io/biocontainers/bwa", None)
    assert (record.answered_by, record.fresh_until) == (None, None)


@pytest.mark.parametrize(("failure", "code", "detail"), FAILURES)
def test_reason_of_a_refresh_that_fails_is_the_upstreams_answer(in_process, failure, code, detail):
    ecr = in_process.client("ecr")
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        pull(ecr, BWA)
        upstream_registry("quay").fail(**failure)
        clock.move_to("2026-03-03 12:00:00")
        pull(ecr, BWA)
    record = last_record()
    assert told(record) == ("ok", f"the cached image is served, since quay.io did not return it ({code}): {detail}")
    assert (record.answered_by, record.fresh_until) == ("cache", datetime(2026, 3, 4, 12, tzinfo=timezone.utc))


def test_reason_of_the_other_tags_of_a_request_is_that_the_upstream_was_not_asked_again(ecr, quay):
    quay.fail(error="refused")
    pull(ecr, BWA, "1", "2")
    first, second = pull_log()
    cause = "quay.io did not return it (UpstreamUnavailable): connection refused, as set up by 'fail'"
    assert told(first) == ("UpstreamUnavailable", cause)
    assert told(second) == (
        "UpstreamUnavailable",
        f"{cause}; another pull had just found that out, so it was not asked again",
    )
    assert route(first) == route(second) == ("quay", "quay.io/biocontainers/bwa", None)


def test_reason_of_an_image_that_the_upstream_lacks_is_what_it_has(ecr, quay):
    quay.push("another/image")
    assert refusal(pull, ecr=ecr, repository=BWA).code == "RepositoryNotFoundException"
    assert told(only_record()) == (
        "RepositoryNotFoundException",
        "quay.io does not have it: it has no repository 'biocontainers/bwa'; its repositories: 'another/image'",
    )


def test_reason_of_a_tag_that_the_upstream_lacks_is_which_it_has(ecr, quay):
    quay.push("biocontainers/bwa", tag="1")
    quay.push("biocontainers/bwa", tag="2")
    pull(ecr, BWA, "1")
    assert failure_codes(pull(ecr, BWA, "3")) == ["ImageNotFound"]
    reason = "quay.io does not have it: its repository 'biocontainers/bwa' has no '3'; tags: '1', '2'"
    assert told(last_record()) == ("ImageNotFound", reason)


def test_reason_of_a_tag_that_is_gone_at_the_upstream_is_that_it_lacks_it(in_process):
    ecr = in_process.client("ecr")
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        pull(ecr, BWA)
        upstream_registry("quay").push("biocontainers/bwa", tag="other")  # now it holds no other
        clock.move_to("2026-03-03 12:01:00")
        pull(ecr, BWA)
    reason = "quay.io does not have it: its repository 'biocontainers/bwa' has no 'latest'; tags: 'other'"
    assert told(last_record()) == ("ok", f"the cached image is served, since {reason}")


def test_reason_of_docker_hubs_refusal_of_a_name_of_one_part_is_where_its_official_images_are(aws, ecr, hub):
    assert failure_codes(pull(ecr, "docker-hub/alpine")) == ["UpstreamAccessDenied"]
    arn = aws.client("secretsmanager").describe_secret(SecretId="ecr-pullthroughcache/hub")["ARN"]
    reason = (
        f"registry-1.docker.io, asked with the secret '{arn}', did not return it (UpstreamAccessDenied): "
        "Docker Hub has no repository 'alpine': its official images are in 'library/alpine'"
    )
    assert told(only_record()) == ("UpstreamAccessDenied", reason)


def test_reason_of_credentials_that_are_not_accepted_names_the_secret(aws, ecr, hub):
    hub.credentials = {"username": "another", "accessToken": "value"}
    assert failure_codes(pull(ecr, ALPINE)) == ["UpstreamAccessDenied"]
    arn = aws.client("secretsmanager").describe_secret(SecretId="ecr-pullthroughcache/hub")["ARN"]
    reason = (
        f"registry-1.docker.io, asked with the secret '{arn}', did not return it (UpstreamAccessDenied): "
        "it does not accept the credentials in the rule's secret"
    )
    assert told(last_record()) == ("UpstreamAccessDenied", reason)
    put_secret(aws, json.dumps(hub.credentials))
    pull(ecr, ALPINE)
    assert told(last_record()) == ("ok", "registry-1.docker.io returned it")


def test_reason_of_an_open_registry_that_demands_credentials_is_that_the_rule_has_none(ecr, quay):
    quay.credentials = {"username": "u", "accessToken": "t"}
    assert failure_codes(pull(ecr, BWA)) == ["UpstreamAccessDenied"]
    reason = "quay.io did not return it (UpstreamAccessDenied): it demands credentials, and the rule has no secret"
    assert told(only_record()) == ("UpstreamAccessDenied", reason)


# --- immutable tags --------------------------------------------------------------------------------------------------


def test_reason_of_an_immutable_tag_that_has_not_moved_is_that_the_upstream_returned_it(ecr, quay):
    ecr.create_repository(repositoryName=BWA, imageTagMutability="IMMUTABLE")
    pull(ecr, BWA)
    ecr_backends[ACCOUNT][REGION].expire_cached_tags()
    pull(ecr, BWA)
    record = last_record()
    assert (*told(record), record.answered_by) == ("ok", "quay.io returned it", "upstream")


@pytest.mark.parametrize(("mutability", "filters"), [("IMMUTABLE", None), ("IMMUTABLE_WITH_EXCLUSION", "v*")])
def test_reason_of_an_immutable_tag_that_stays_is_that_it_moved_at_the_upstream_alone(in_process, mutability, filters):
    ecr = in_process.client("ecr")
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        quay = upstream_registry("quay")
        quay.push("biocontainers/bwa", layers=[b"old"])
        pull(ecr, BWA)
        repository = ecr_backends[ACCOUNT][REGION].repositories[BWA]
        repository.image_tag_mutability = mutability
        repository.image_tag_mutability_exclusion_filters = filters and [{"filterType": "WILDCARD", "filter": filters}]
        quay.push("biocontainers/bwa", layers=[b"new"])
        clock.move_to("2026-03-03 12:01:00")
        pull(ecr, BWA)
    record = last_record()
    assert told(record) == ("ok", "the upstream's tag has moved, but here it is immutable")
    assert record.answered_by == "cache"


# --- other ECR registries --------------------------------------------------------------------------------------------

HOST = f"{OTHER_ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/upstream"
SERVICE = "pullthroughcache.ecr.amazonaws.com"
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []})


@pytest.fixture
def upstream(aws: Aws, ecr: Any) -> Any:
    """The ECR of another account with the repository app, which a rule with the prefix up pulls from by a role."""
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="up", upstreamRegistryUrl=HOST, customRoleArn=ROLE)
    other = aws.client("ecr", account=OTHER_ACCOUNT)
    other.create_repository(repositoryName="app")
    return other


def put(ecr: Any, manifest: str = MANIFEST, **more: Any) -> None:
    ecr.put_image(repositoryName="app", imageManifest=manifest, imageTag="latest", **more)


def test_reason_of_a_repository_that_an_ecr_upstream_lacks_names_it(ecr, upstream):
    refusal(pull, ecr=ecr, repository="up/other")
    record = only_record()
    assert told(record) == ("RepositoryNotFoundException", f"{HOST} does not have it: it has no repository 'other'")
    assert route(record) == ("up", f"{HOST}/other", None)


def test_reason_of_an_image_that_an_ecr_upstream_lacks_names_it(ecr, upstream):
    refusal(pull, ecr=ecr, repository="up/app")
    reason = f"{HOST} does not have it: its repository 'app' has no image 'latest'"
    assert told(only_record()) == ("RepositoryNotFoundException", reason)


def test_reason_of_an_ecr_upstream_in_no_region_is_the_region(ecr):
    host = f"{ACCOUNT}.dkr.ecr.nowhere-1.amazonaws.com"
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="no", upstreamRegistryUrl=host)
    refusal(pull, ecr=ecr, repository="no/app")
    reason = f"{host} does not have it: there is no Region 'nowhere-1'"
    assert told(only_record()) == ("RepositoryNotFoundException", reason)


@pytest.mark.parametrize(
    "image",
    [
        {"manifest": '{"mediaType": "text/plain"}'},
        {"imageDigest": "notadigest"},
        {"imageDigest": "sha256:zz"},
    ],
)
def test_reason_of_an_image_of_an_ecr_upstream_that_ecr_would_not_have_stored_is_that(ecr, upstream, image):
    put(upstream, **image)
    refusal(pull, ecr=ecr, repository="up/app")
    reason = (
        f"{HOST} does not have it: the image 'latest' of its repository 'app' has a malformed manifest or digest, "
        "which Amazon ECR would not have stored"
    )
    assert told(only_record()) == ("RepositoryNotFoundException", reason)


@pytest.mark.parametrize(
    ("service", "principal", "fault"),
    [
        (None, ROLE, f"the rule's role '{ROLE}' does not exist"),
        ("ec2.amazonaws.com", ROLE, f"the rule's role '{ROLE}' does not trust {SERVICE}"),
        (SERVICE, None, f"its repository 'app' has no policy that allows ecr:BatchGetImage to '{ROLE}'"),
        (SERVICE, f"{ROLE}s", f"its repository 'app' has no policy that allows ecr:BatchGetImage to '{ROLE}'"),
    ],
)
def test_reason_of_a_role_that_an_ecr_upstream_does_not_admit_is_what_it_lacks(
    aws, ecr, upstream, service, principal, fault
):
    put(upstream)
    if principal:
        statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "ecr:BatchGetImage"}
        upstream.set_repository_policy(repositoryName="app", policyText=policy(statement))
    if service:
        aws.client("iam").create_role(RoleName="upstream", AssumeRolePolicyDocument=trust(service))
    caller = aws.client("ecr", **user(aws, allow("ecr:*")))
    assert failure_codes(enforced(pull, caller, "up/app")) == ["UpstreamAccessDenied"]
    reason = f"{HOST} did not return it (UpstreamAccessDenied): {fault}"
    assert told(only_record()) == ("UpstreamAccessDenied", reason)


def test_reason_of_what_an_ecr_upstream_would_have_to_pull_itself_is_that_it_has_no_such_repository(aws, ecr):
    middle = aws.client("ecr", "eu-west-1")
    middle.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    host = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="quay", upstreamRegistryUrl=host, upstreamRepositoryPrefix="quay"
    )
    refusal(pull, ecr=ecr, repository=BWA)
    reason = f"{host} does not have it: it has no repository '{BWA}'"
    assert told(only_record()) == ("RepositoryNotFoundException", reason)
