"""Rules belong to one account in one Region."""

from __future__ import annotations

import pytest

from conftest import ACCOUNT, OTHER_ACCOUNT, prefixes, refusal

QUAY = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}


def assumed(aws, account):
    """Return an ECR client with the credentials of a role of that account."""
    token = aws.client("sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/any", RoleSessionName="me")[
        "Credentials"
    ]
    return aws.client(
        "ecr",
        aws_access_key_id=token["AccessKeyId"],
        aws_secret_access_key=token["SecretAccessKey"],
        aws_session_token=token["SessionToken"],
    )


def test_regions_do_not_share_rules(aws, ecr):
    other = aws.client("ecr", "eu-west-1")
    ecr.create_pull_through_cache_rule(**QUAY)
    assert prefixes(other) == []
    other.create_pull_through_cache_rule(**QUAY)
    other.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")
    assert prefixes(ecr) == ["quay"]


def test_accounts_named_by_header_do_not_share_rules(aws, ecr):
    other = aws.client("ecr", account=OTHER_ACCOUNT)
    ecr.create_pull_through_cache_rule(**QUAY)
    assert prefixes(other) == []
    assert other.create_pull_through_cache_rule(**QUAY)["registryId"] == OTHER_ACCOUNT


def test_credentials_of_an_assumed_role_choose_the_account(aws, ecr):
    other = assumed(aws, OTHER_ACCOUNT)
    assert other.create_pull_through_cache_rule(**QUAY, registryId=OTHER_ACCOUNT)["registryId"] == OTHER_ACCOUNT
    assert prefixes(ecr) == []
    assert prefixes(other) == prefixes(aws.client("ecr", account=OTHER_ACCOUNT)) == ["quay"]


def test_moto_account_id_chooses_the_account(aws, ecr, monkeypatch):
    monkeypatch.setenv("MOTO_ACCOUNT_ID", OTHER_ACCOUNT)
    assert ecr.create_pull_through_cache_rule(**QUAY)["registryId"] == OTHER_ACCOUNT
    monkeypatch.delenv("MOTO_ACCOUNT_ID")
    assert prefixes(ecr) == []


def test_limit_counts_per_account_and_region(aws, ecr):
    for number in range(50):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=f"q-{number}", upstreamRegistryUrl="quay.io")
    for other in (aws.client("ecr", "eu-west-1"), aws.client("ecr", account=OTHER_ACCOUNT)):
        other.create_pull_through_cache_rule(**QUAY)


def test_secret_of_the_assumed_roles_account_is_used(aws):
    secret = aws.client("secretsmanager", account=OTHER_ACCOUNT).create_secret(
        Name="ecr-pullthroughcache/hub", SecretString="{}"
    )["ARN"]
    rule = {"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "ghcr.io", "credentialArn": secret}
    assert refusal(aws.client("ecr").create_pull_through_cache_rule, **rule).code == "SecretNotFoundException"
    assumed(aws, OTHER_ACCOUNT).create_pull_through_cache_rule(**rule)


def test_service_linked_role_belongs_to_the_account_and_partition(aws):
    aws.client("ecr", "cn-north-1").create_pull_through_cache_rule(**QUAY)
    assert aws.client("iam").list_roles()["Roles"] == []
    (role,) = aws.client("iam", "cn-north-1").list_roles()["Roles"]
    assert role["Arn"].startswith(f"arn:aws-cn:iam::{ACCOUNT}:role/aws-service-role/")


@pytest.mark.parametrize("operation", ["create", "describe", "update", "delete", "validate"])
def test_another_accounts_registry_is_denied(aws, ecr, operation):
    aws.client("ecr", account=OTHER_ACCOUNT).create_pull_through_cache_rule(**QUAY)
    name = f"{operation}_pull_through_cache_rule{'s' if operation == 'describe' else ''}"
    arguments = {"create": QUAY, "describe": {}}.get(operation, {"ecrRepositoryPrefix": "quay"})
    found = refusal(getattr(ecr, name), **arguments, registryId=OTHER_ACCOUNT)
    assert (found.code, found.message) == (
        "AccessDeniedException",
        (
            f"The account with id '{ACCOUNT}' is not authorized to access "
            f"the pull through cache of the registry with id '{OTHER_ACCOUNT}'"
        ),
    )
    assert prefixes(aws.client("ecr", account=OTHER_ACCOUNT)) == ["quay"]
