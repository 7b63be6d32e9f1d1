"""ValidatePullThroughCacheRule: the secret as it is when it is called."""

from __future__ import annotations

import json

import pytest

from conftest import ACCOUNT, GOOD_SECRET, OTHER_ACCOUNT, REGION


@pytest.fixture
def secret(aws):
    return aws.secret()


@pytest.fixture
def validate(ecr, secret):
    """Validate a rule that was created with a good secret."""
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=secret
    )
    return lambda: ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="hub")


def test_validate_good_secret_is_valid_with_an_empty_failure(validate, secret):
    response = validate()
    del response["ResponseMetadata"]
    assert response == {
        "ecrRepositoryPrefix": "hub",
        "registryId": ACCOUNT,
        "upstreamRegistryUrl": "registry-1.docker.io",
        "credentialArn": secret,
        "isValid": True,
        "failure": "",
    }


@pytest.mark.parametrize(
    "arguments",
    [
        {"upstreamRegistryUrl": "quay.io"},
        {
            "upstreamRegistryUrl": f"{OTHER_ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com",
            "customRoleArn": f"arn:aws:iam::{ACCOUNT}:role/up",
            "upstreamRepositoryPrefix": "team",
        },
    ],
)
def test_validate_rule_without_a_secret_is_valid(ecr, arguments):
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="up", **arguments)
    response = ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="up/")
    del response["ResponseMetadata"]
    assert response == {
        "ecrRepositoryPrefix": "up",
        "registryId": ACCOUNT,
        "isValid": True,
        "failure": "",
        **arguments,
    }


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("test", "does not hold valid JSON"),
        ("[" * 100_000, "does not hold valid JSON"),
        ("[1]", "holds JSON that is not an object"),
        ('"text"', "holds JSON that is not an object"),
        ("{}", "holds a JSON object in which 'username' is missing and 'accessToken' is missing"),
        ({"username": "u"}, "holds a JSON object in which 'accessToken' is missing"),
        ({"username": "u", "accesstoken": "t"}, "holds a JSON object in which 'accessToken' is missing"),
        (
            {"username": "", "accessToken": "t"},
            "holds a JSON object in which 'username' is not a non-empty string",
        ),
        (
            {"username": "u", "accessToken": None},
            "holds a JSON object in which 'accessToken' is not a non-empty string",
        ),
        ({"username": 1, "accessToken": "t"}, "holds a JSON object in which 'username' is not a non-empty string"),
    ],
)
def test_validate_malformed_secret_is_invalid_and_says_why(aws, validate, secret, value, problem):
    text = value if isinstance(value, str) else json.dumps(value)
    aws.client("secretsmanager").put_secret_value(SecretId=secret, SecretString=text)
    response = validate()
    assert (response["isValid"], response["failure"]) == (False, f"The secret '{secret}' {problem}")


def test_validate_binary_secret_is_invalid(aws, validate, secret):
    aws.client("secretsmanager").put_secret_value(SecretId=secret, SecretBinary=GOOD_SECRET.encode())
    assert validate()["failure"] == f"The secret '{secret}' holds a binary value; it must hold a JSON object"


def test_validate_missing_secret_is_invalid(aws, validate, secret):
    aws.client("secretsmanager").delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
    response = validate()
    assert (response["isValid"], response["failure"]) == (False, f"The secret '{secret}' does not exist")


def test_validate_deleted_secret_is_invalid_until_it_is_restored(aws, validate, secret):
    aws.client("secretsmanager").delete_secret(SecretId=secret)
    assert validate()["failure"] == f"The secret '{secret}' is scheduled for deletion"
    aws.client("secretsmanager").restore_secret(SecretId=secret)
    assert validate()["isValid"] is True


def test_validate_reads_the_current_version(aws, validate, secret):
    secretsmanager = aws.client("secretsmanager")
    secretsmanager.put_secret_value(SecretId=secret, SecretString="broken")
    assert validate()["isValid"] is False
    secretsmanager.put_secret_value(SecretId=secret, SecretString=GOOD_SECRET)
    assert validate()["isValid"] is True


def test_validate_never_tells_what_the_secret_holds(aws, validate, secret):
    aws.client("secretsmanager").put_secret_value(
        SecretId=secret, SecretString='{"username": "hunter1", "accessToken": ["hunter2"]}'
    )
    assert "hunter" not in validate()["failure"]


def test_validate_reads_the_newest_of_two_current_versions(aws, validate, secret):
    """moto leaves AWSCURRENT on a version to which it was moved, when another one becomes current."""
    secretsmanager = aws.client("secretsmanager")
    secretsmanager.put_secret_value(SecretId=secret, SecretString="broken", VersionStages=["AWSPENDING"])
    versions = secretsmanager.describe_secret(SecretId=secret)["VersionIdsToStages"]
    (old,) = (version for version, stages in versions.items() if "AWSCURRENT" in stages)
    (new,) = (version for version, stages in versions.items() if "AWSPENDING" in stages)
    secretsmanager.update_secret_version_stage(
        SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=new, RemoveFromVersionId=old
    )
    assert validate()["isValid"] is False
    secretsmanager.put_secret_value(SecretId=secret, SecretString=GOOD_SECRET)
    assert validate()["isValid"] is True
