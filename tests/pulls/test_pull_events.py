"""EventBridge's events of pulls, as they reach the targets of moto's rules."""

from __future__ import annotations

import json
from typing import Any

import pytest
from freezegun import freeze_time

from conftest import ACCOUNT, OTHER_ACCOUNT, REGION, Aws, digest, pull, refusal
from moto_ecr_ptc import upstream_registry

REPOSITORY = "quay/biocontainers/bwa"
PATTERN = json.dumps({"source": ["aws.ecr"], "detail-type": ["ECR Pull Through Cache Action"]})


@pytest.fixture
def queue(aws: Aws, ecr: Any) -> str:
    """A rule for Quay, and a queue that gets ECR's events."""
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    url = aws.client("sqs").create_queue(QueueName="pulls")["QueueUrl"]
    send_to(aws, "pulls", f"arn:aws:sqs:{REGION}:{ACCOUNT}:pulls")
    return url


def send_to(aws: Aws, name: str, *targets: str, **settings: Any) -> None:
    events = aws.client("events")
    events.put_rule(Name=name, **{"EventPattern": PATTERN, **settings})
    events.put_targets(Rule=name, Targets=[{"Id": str(n), "Arn": arn} for n, arn in enumerate(targets)])


def received(aws: Aws, queue: str) -> list[Any]:
    messages = aws.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in messages]


def test_successful_pull_sends_an_event(aws, ecr, queue):
    pulled = digest(pull(ecr, REPOSITORY))
    (event,) = received(aws, queue)
    assert (event["source"], event["detail-type"]) == ("aws.ecr", "ECR Pull Through Cache Action")
    assert event["region"] == REGION
    assert event["resources"] == [f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{REPOSITORY}"]
    assert event["detail"] == {
        "rule-version": "1",
        "sync-status": "SUCCESS",
        "ecr-repository-prefix": "quay",
        "repository-name": REPOSITORY,
        "upstream-registry-url": "quay.io",
        "image-tag": "latest",
        "image-digest": pulled,
    }


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (404, "ImageNotFound", "Requested image not found"),
        (
            401,
            "UpstreamAccessDenied",
            (
                "The authentication to the upstream registry failed. "
                "Verify that the credentials provided in the pull through cache rule are correct, and try again."
            ),
        ),
        (
            429,
            "UpstreamTooManyRequests",
            "The upstream registry has received too many requests. Try again later.",
        ),
        (500, "UpstreamUnavailable", "The upstream registry is unavailable. Try again later."),
    ],
)
def test_failed_pull_sends_an_event_with_the_reason(aws, ecr, queue, status, code, reason):
    upstream_registry("quay").fail(status=status)
    if status == 404:
        assert refusal(pull, ecr=ecr, repository=REPOSITORY).code == "RepositoryNotFoundException"
    else:
        pull(ecr, REPOSITORY)
    (event,) = received(aws, queue)
    assert event["detail"] == {
        "rule-version": "1",
        "sync-status": "FAILED",
        "ecr-repository-prefix": "quay",
        "repository-name": REPOSITORY,
        "upstream-registry-url": "quay.io",
        "image-tag": "latest",
        "failure-code": code,
        "failure-reason": reason,
    }


def test_pull_that_asks_nobody_sends_nothing(aws, ecr, queue):
    pull(ecr, REPOSITORY)
    received(aws, queue)
    pull(ecr, REPOSITORY)
    assert received(aws, queue) == []


def test_each_tag_sends_an_event_of_its_own(aws, ecr, queue):
    pull(ecr, REPOSITORY, "1", "2")
    assert [event["detail"]["image-tag"] for event in received(aws, queue)] == ["1", "2"]


def test_malformed_secret_sends_nothing(aws, ecr, queue):
    secret = aws.secret(value="broken")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="ghcr", upstreamRegistryUrl="ghcr.io", credentialArn=secret)
    assert refusal(pull, ecr=ecr, repository="ghcr/a/b").code == "UnableToGetUpstreamImageException"
    assert received(aws, queue) == []


def test_log_group_gets_the_event_too(aws, ecr, queue):
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="/aws/events/pulls")
    send_to(aws, "logs", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/events/pulls")
    pulled = digest(pull(ecr, REPOSITORY))
    (message,) = logs.filter_log_events(logGroupName="/aws/events/pulls")["events"]
    assert json.loads(message["message"])["detail"]["image-digest"] == pulled
    assert len(received(aws, queue)) == 1


def test_rule_that_matches_something_else_gets_nothing(aws, ecr, queue):
    pattern = {"source": ["aws.ecr"], "detail": {"sync-status": ["FAILED"]}}
    send_to(aws, "pulls", f"arn:aws:sqs:{REGION}:{ACCOUNT}:pulls", EventPattern=json.dumps(pattern))
    pull(ecr, REPOSITORY)
    assert received(aws, queue) == []


def test_disabled_rule_gets_nothing(aws, ecr, queue):
    aws.client("events").disable_rule(Name="pulls")
    pull(ecr, REPOSITORY)
    assert received(aws, queue) == []


@pytest.mark.parametrize("state", ["ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"])
def test_rule_that_is_enabled_gets_the_event(aws, ecr, queue, state):
    aws.client("events").put_rule(Name="pulls", EventPattern=PATTERN, State=state)
    pull(ecr, REPOSITORY)
    assert len(received(aws, queue)) == 1


@pytest.mark.parametrize(("pattern", "events"), [({}, 0), ({"EventPattern": PATTERN}, 1)])
def test_rule_with_a_schedule_gets_events_only_by_a_pattern(aws, ecr, queue, pattern, events):
    target = f"arn:aws:sqs:{REGION}:{ACCOUNT}:pulls"
    scheduled = {"ScheduleExpression": "rate(5 minutes)", **pattern}
    client = aws.client("events")
    client.remove_targets(Rule="pulls", Ids=["0"])
    client.put_rule(Name="scheduled", **scheduled)
    client.put_targets(Rule="scheduled", Targets=[{"Id": "0", "Arn": target}])
    pull(ecr, REPOSITORY)
    assert len(received(aws, queue)) == events


def test_target_that_cannot_be_reached_harms_neither_the_pull_nor_other_rules(aws, ecr, queue):
    send_to(aws, "0-broken", f"arn:aws:sqs:{REGION}:{ACCOUNT}:absent")
    send_to(aws, "1-lambda", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f")
    pulled = digest(pull(ecr, REPOSITORY))
    assert [event["detail"]["image-digest"] for event in received(aws, queue)] == [pulled]


def test_target_that_cannot_be_reached_harms_no_later_target_of_its_rule(aws, ecr, queue):
    absent, reached = (f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}" for name in ("absent", "pulls"))
    aws.client("events").remove_targets(Rule="pulls", Ids=["0"])
    send_to(aws, "both", absent, reached)
    pulled = digest(pull(ecr, REPOSITORY))
    assert [event["detail"]["image-digest"] for event in received(aws, queue)] == [pulled]


def test_target_that_cannot_be_reached_is_logged(caplog, aws, ecr, queue):
    absent = f"arn:aws:sqs:{REGION}:{ACCOUNT}:absent"
    send_to(aws, "broken", absent)
    pull(ecr, REPOSITORY)
    (warning,) = (found for found in caplog.records if found.name.startswith("moto_ecr_ptc"))
    assert warning.levelname == "WARNING"
    assert absent in warning.getMessage()


def test_immutable_tag_sends_the_digest_that_it_names(in_process):
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr = in_process.client("ecr")
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        ecr.create_repository_creation_template(
            prefix="quay", appliedFor=["PULL_THROUGH_CACHE"], imageTagMutability="IMMUTABLE"
        )
        pulled = digest(pull(ecr, REPOSITORY))
        in_process.client("sqs").create_queue(QueueName="pulls")
        send_to(in_process, "pulls", f"arn:aws:sqs:{REGION}:{ACCOUNT}:pulls")
        pushed = upstream_registry("quay").push("biocontainers/bwa", layers=[b"new"])
        clock.move_to("2026-03-04 12:00:00")
        pull(ecr, REPOSITORY)
        (event,) = received(in_process, f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/pulls")
    assert event["detail"]["image-digest"] == pulled != pushed.digest


@pytest.mark.parametrize(("region", "account"), [("eu-west-1", ACCOUNT), (REGION, OTHER_ACCOUNT)])
def test_events_stay_in_their_account_and_region(aws, queue, region, account):
    ecr = aws.client("ecr", region, account=account)
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    pull(ecr, REPOSITORY)
    assert received(aws, queue) == []
