"""What a rule's secret lacked, when a pull could not use it."""

from __future__ import annotations

from typing import Any

import pytest
from freezegun import freeze_time

from conftest import GOOD_SECRET, Aws, allow, enforced, pull, refusal, user
from moto_ecr_ptc import UpstreamRegistry, pull_log, upstream_registry
from tests.pulls.pull_calls import ALPINE, put_secret, sha256
from tests.pulls.reason_calls import HUB_SECRET, last_record, only_record, policy, route, told

UNABLE = "UnableToGetUpstreamImageException"
MALFORMED = [
    ("test", "does not hold valid JSON"),
    ("[]", "holds JSON that is not an object"),
    ("{}", "holds a JSON object in which 'username' is missing and 'accessToken' is missing"),
    ('{"username": "u"}', "holds a JSON object in which 'accessToken' is missing"),
    ('{"username": "", "accessToken": "t"}', "holds a JSON object in which 'username' is not a non-empty string"),
    ('{"username": "u", "accessToken": 1}', "holds a JSON object in which 'accessToken' is not a non-empty string"),
]


@pytest.fixture
def arn(aws: Aws, hub: UpstreamRegistry) -> str:
    """The ARN of the secret of the rule docker-hub."""
    return aws.client("secretsmanager").describe_secret(SecretId=HUB_SECRET)["ARN"]


@pytest.mark.parametrize(("value", "fault"), MALFORMED)
def test_reason_of_a_malformed_secret_is_what_it_lacks(aws, ecr, arn, value, fault):
    put_secret(aws, value)
    assert refusal(pull, ecr=ecr, repository=ALPINE).code == UNABLE
    record = only_record()
    assert told(record) == (UNABLE, f"the secret '{arn}' {fault}")
    assert route(record) == ("docker-hub", "registry-1.docker.io/library/alpine", None)


def test_reason_of_a_binary_secret_is_that_it_is_binary(aws, ecr, arn):
    aws.client("secretsmanager").put_secret_value(SecretId=HUB_SECRET, SecretBinary=GOOD_SECRET.encode())
    assert refusal(pull, ecr=ecr, repository=ALPINE).code == UNABLE
    assert told(only_record()) == (UNABLE, f"the secret '{arn}' holds a binary value; it must hold a JSON object")


@pytest.mark.parametrize(
    ("deletion", "fault"), [({"ForceDeleteWithoutRecovery": True}, "does not exist"), ({}, "is scheduled for deletion")]
)
def test_reason_of_a_deleted_secret_is_its_deletion(aws, ecr, arn, deletion, fault):
    aws.client("secretsmanager").delete_secret(SecretId=HUB_SECRET, **deletion)
    assert refusal(pull, ecr=ecr, repository=ALPINE).code == UNABLE
    assert told(only_record()) == (UNABLE, f"the secret '{arn}' {fault}")


def test_reason_of_a_secret_without_a_current_value_is_that(aws, ecr, arn):
    secrets = aws.client("secretsmanager")
    (version,) = secrets.list_secret_version_ids(SecretId=HUB_SECRET)["Versions"]
    secrets.update_secret_version_stage(
        SecretId=HUB_SECRET, VersionStage="AWSCURRENT", RemoveFromVersionId=version["VersionId"]
    )
    assert refusal(pull, ecr=ecr, repository=ALPINE).code == UNABLE
    assert told(only_record()) == (UNABLE, f"the secret '{arn}' has no current value")


@pytest.mark.parametrize("state", ["Disabled", "PendingDeletion"])
def test_reason_of_a_secret_under_a_key_that_cannot_be_used_is_the_state_of_the_key(aws, ecr, state):
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    arn = aws.secret(KmsKeyId=key)
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="docker-hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=arn
    )
    if state == "Disabled":
        kms.disable_key(KeyId=key)
    else:
        kms.schedule_key_deletion(KeyId=key)
    assert refusal(pull, ecr=ecr, repository=ALPINE).code == UNABLE
    reason = f"the secret '{arn}' is encrypted with the KMS key '{key}', whose state is {state}"
    assert told(only_record()) == (UNABLE, reason)


def test_reason_of_a_secret_whose_policy_denies_ecr_is_that_policy(aws, ecr, arn):
    statement = {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:*", "Resource": "*"}
    aws.client("secretsmanager").put_resource_policy(SecretId=HUB_SECRET, ResourcePolicy=policy(statement))
    caller = aws.client("ecr", **user(aws, allow("ecr:*")))
    assert enforced(refusal, pull, ecr=caller, repository=ALPINE).code == UNABLE
    assert told(only_record()) == (UNABLE, f"the secret '{arn}' has a resource policy that denies Amazon ECR")


def test_reason_of_the_other_images_of_a_request_is_the_tag_with_the_unusable_secret(aws, ecr, arn):
    pull(ecr, ALPINE)
    put_secret(aws, "broken")
    refusal(lambda: pull(ecr, ALPINE, "latest", "other", "third"))
    _, cached, other, third = pull_log()
    fault = f"the secret '{arn}' does not hold valid JSON"
    assert told(cached) == (
        UNABLE,
        f"it is cached and fresh, but the tag 'other' makes the whole request fail: {fault}",
    )
    assert (cached.reference, cached.answered_by) == ("latest", None)
    assert told(other) == (UNABLE, fault)
    assert told(third) == (UNABLE, f"the tag 'other' makes the whole request fail: {fault}")


@pytest.fixture
def stale(in_process: Aws) -> Any:
    """Two days after a pull through the rule docker-hub, whose secret is broken now; and the secret's ARN."""
    ecr = in_process.client("ecr")
    arn = in_process.secret()
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr.create_pull_through_cache_rule(
            ecrRepositoryPrefix="docker-hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=arn
        )
        pull(ecr, ALPINE)
        put_secret(in_process, "broken")
        clock.move_to("2026-03-04 12:00:00")
        yield ecr, arn


def test_reason_of_a_stale_image_that_is_served_in_spite_of_its_secret_is_the_secret(stale):
    ecr, arn = stale
    pull(ecr, ALPINE)
    record = last_record()
    assert told(record) == ("ok", f"the cached image is served, since the secret '{arn}' does not hold valid JSON")
    assert (record.answered_by, record.fresh_until) == ("cache", None)


def test_reason_of_a_layer_that_a_broken_secret_keeps_away_is_the_secret(aws, ecr, arn):
    pull(ecr, ALPINE)
    put_secret(aws, "broken")
    refusal(ecr.get_download_url_for_layer, repositoryName=ALPINE, layerDigest=sha256(b"new"))
    record = last_record()
    assert told(record) == (
        "UnableToGetUpstreamLayerException",
        f"the secret '{arn}' does not hold valid JSON",
    )
    assert (record.operation, record.reference) == ("GetDownloadUrlForLayer", sha256(b"new"))


def test_reason_of_referrers_that_a_broken_secret_keeps_away_is_the_secret(aws, ecr, hub, arn):
    if not hasattr(ecr, "list_image_referrers"):
        pytest.skip("the model of an older botocore has no ListImageReferrers")
    put_secret(aws, "broken")
    subject = {"imageDigest": sha256(b"manifest")}
    refusal(ecr.list_image_referrers, repositoryName=ALPINE, subjectId=subject)
    reason = f"the secret '{arn}' does not hold valid JSON"
    assert told(only_record()) == ("UnableToListUpstreamImageReferrersException", reason)
    upstream_registry("docker-hub").assert_not_pulled()
