"""Secrets: when ECR reads them, what it says of them, and what becomes of a pull. Docker Hub knows none of them."""

from __future__ import annotations

import json

from ..case import Case
from . import scenario
from .refusals import HUB

IMAGE = "/library/busybox"
LATEST = [{"imageTag": "latest"}]


def rule_of_the_hub(case: Case) -> str:
    """Make a rule for Docker Hub with a secret of the right form, and return the secret's ARN."""
    arn = case.secret()
    case.rule("", HUB, credentialArn=arn)
    return arn


@scenario("rule-validate-reads-secret rule-validate-texts pull-broken-secret")
def secrets_that_are_malformed(case: Case) -> None:
    arn = rule_of_the_hub(case)
    validate = case.ecr.validate_pull_through_cache_rule
    for label, value in (
        ("no JSON", "test"),
        ("array", "[1]"),
        ("empty object", "{}"),
        ("no access token", json.dumps({"username": "u"})),
        ("empty user name", json.dumps({"username": "", "accessToken": "t"})),
        ("number as the user name", json.dumps({"username": 1, "accessToken": "t"})),
    ):
        case.secretsmanager.put_secret_value(SecretId=arn, SecretString=value)
        case.cloud.settle()
        rows = "rule-validate-texts rule-validate-reads-secret"
        answer = case.answered(rows, f"validate: {label}", validate, ecrRepositoryPrefix=case.prefix)
        case.saw("rule-validate-reads-secret", f"is it valid: {label}", False, answer["isValid"])
    case.refused(
        "pull-broken-secret",
        "pull with a malformed secret",
        "UnableToGetUpstreamImageException",
        case.ecr.batch_get_image,
        repositoryName=case.name(IMAGE),
        imageIds=LATEST,
    )


@scenario("rule-validate-texts pull-broken-secret")
def secret_that_is_deleted(case: Case) -> None:
    arn = rule_of_the_hub(case)
    case.secretsmanager.delete_secret(SecretId=arn, RecoveryWindowInDays=7)
    case.cloud.settle()
    validate = case.ecr.validate_pull_through_cache_rule
    case.answered("rule-validate-texts", "validate", validate, ecrRepositoryPrefix=case.prefix)
    case.refused(
        "pull-broken-secret",
        "pull",
        "UnableToGetUpstreamImageException",
        case.ecr.batch_get_image,
        repositoryName=case.name(IMAGE),
        imageIds=LATEST,
    )


@scenario("pull-validate-authenticates pull-access-denied-text pull-upstream-status through-endpoint-credentials")
def credentials_that_the_upstream_refuses(case: Case) -> None:
    rule_of_the_hub(case)
    validate = case.ecr.validate_pull_through_cache_rule
    answer = case.answered("pull-validate-authenticates", "validate", validate, ecrRepositoryPrefix=case.prefix)
    case.saw("pull-validate-authenticates", "is it valid", False, answer["isValid"])
    answer = case.ecr.batch_get_image(repositoryName=case.name(IMAGE), imageIds=LATEST)
    denied = ["UpstreamAccessDenied"]
    codes = [failure["failureCode"] for failure in answer["failures"]]
    case.saw("pull-upstream-status", "code of the failure", denied, codes)
    text = (
        "The authentication to the upstream registry failed. Verify that the credentials provided in the pull through "
        "cache rule are correct, and try again."
    )
    reasons = [failure["failureReason"] for failure in answer["failures"]]
    case.saw("pull-access-denied-text", "reason of the failure", [text], reasons)
    reply = case.http("GET", f"/v2/{case.name(IMAGE)}/manifests/latest")
    case.replied("through-endpoint-credentials", "GET of the manifest", (403, "DENIED"), reply)


@scenario("secret-partial-arn")
def arn_without_the_random_suffix(case: Case) -> None:
    arn = case.secret()
    partial = arn.rpartition("-")[0]
    case.answered(
        "secret-partial-arn",
        "create",
        case.ecr.create_pull_through_cache_rule,
        ecrRepositoryPrefix=case.name(),
        upstreamRegistryUrl=HUB,
        credentialArn=partial,
    )
