"""Repositories that a pull creates are made by the templates."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import ACCOUNT, LIFECYCLE_POLICY, REGION, REPOSITORY_POLICY, digest, pull, refusal, repositories
from tests.pulls.pull_calls import BWA


def create_template(ecr: Any, prefix: str = "quay", **settings: Any) -> None:
    ecr.create_repository_creation_template(prefix=prefix, **{"appliedFor": ["PULL_THROUGH_CACHE"], **settings})


ROLE = f"arn:aws:iam::{ACCOUNT}:role/template"


def test_template_is_applied_to_the_new_repository(ecr, quay):
    create_template(
        ecr,
        imageTagMutability="IMMUTABLE",
        repositoryPolicy=REPOSITORY_POLICY,
        lifecyclePolicy=LIFECYCLE_POLICY,
        resourceTags=[{"Key": "team", "Value": "a"}],
        encryptionConfiguration={"encryptionType": "KMS"},
        customRoleArn=ROLE,
    )
    pull(ecr, BWA)
    (repository,) = ecr.describe_repositories()["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["encryptionConfiguration"]["encryptionType"] == "KMS"
    assert ecr.get_repository_policy(repositoryName=BWA)["policyText"] == REPOSITORY_POLICY
    assert ecr.get_lifecycle_policy(repositoryName=BWA)["lifecyclePolicyText"] == LIFECYCLE_POLICY
    tagged = ecr.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"]
    assert tagged == [{"Key": "team", "Value": "a"}]


def test_longest_template_for_pull_through_cache_is_applied(ecr, quay):
    create_template(ecr, "ROOT", imageTagMutability="IMMUTABLE")
    create_template(ecr, "quay", lifecyclePolicy=LIFECYCLE_POLICY)
    create_template(ecr, "quay/biocontainers", appliedFor=["REPLICATION"], imageTagMutability="IMMUTABLE")
    pull(ecr, BWA)
    assert ecr.get_lifecycle_policy(repositoryName=BWA)["lifecyclePolicyText"] == LIFECYCLE_POLICY
    assert ecr.describe_repositories()["repositories"][0]["imageTagMutability"] == "MUTABLE"


def test_template_touches_no_repository_that_exists(ecr, quay):
    pull(ecr, BWA)
    create_template(ecr, repositoryPolicy=REPOSITORY_POLICY)
    pull(ecr, BWA, "other")
    assert refusal(ecr.get_repository_policy, repositoryName=BWA).code == "RepositoryPolicyNotFoundException"


@pytest.mark.parametrize(
    "settings",
    [
        {"resourceTags": [{"Key": "team", "Value": "a"}]},
        {"encryptionConfiguration": {"encryptionType": "KMS"}},
        {"encryptionConfiguration": {"encryptionType": "KMS_DSSE"}},
    ],
)
def test_template_with_tags_or_kms_and_no_role_makes_the_pull_not_found(ecr, quay, settings):
    create_template(ecr, **settings)
    assert refusal(pull, ecr=ecr, repository=BWA).code == "RepositoryNotFoundException"
    assert repositories(ecr) == []
    assert quay.pulls == ()
    ecr.update_repository_creation_template(prefix="quay", customRoleArn=ROLE)
    assert digest(pull(ecr, BWA))


@pytest.mark.parametrize(
    ("service", "suits"),
    [("pullthroughcache.ecr.amazonaws.com", True), ("ecr.amazonaws.com", True), ("ec2.amazonaws.com", False)],
)
def test_role_of_a_template_must_trust_ecr(aws, ecr, quay, service, suits):
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    aws.client("iam").create_role(
        RoleName="template",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    create_template(ecr, resourceTags=[{"Key": "team", "Value": "a"}], customRoleArn=ROLE)
    if suits:
        assert digest(pull(ecr, BWA))
    else:
        assert refusal(pull, ecr=ecr, repository=BWA).code == "RepositoryNotFoundException"


def test_template_with_a_disabled_key_makes_the_pull_not_found(aws, ecr, quay):
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]
    create_template(ecr, encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key["Arn"]}, customRoleArn=ROLE)
    kms.disable_key(KeyId=key["KeyId"])
    assert refusal(pull, ecr=ecr, repository=BWA).code == "RepositoryNotFoundException"
    kms.enable_key(KeyId=key["KeyId"])
    pull(ecr, BWA)
    (repository,) = ecr.describe_repositories()["repositories"]
    assert repository["encryptionConfiguration"] == {"encryptionType": "KMS", "kmsKey": key["Arn"]}


def test_template_with_a_missing_key_makes_the_pull_not_found(ecr, quay):
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
    create_template(ecr, encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key}, customRoleArn=ROLE)
    assert refusal(pull, ecr=ecr, repository=BWA).code == "RepositoryNotFoundException"
    assert repositories(ecr) == []


def test_template_keeps_the_encryption_that_it_was_given(ecr, quay):
    ecr.create_repository_creation_template(
        prefix="quay",
        appliedFor=["PULL_THROUGH_CACHE"],
        encryptionConfiguration={"encryptionType": "KMS"},
        customRoleArn=f"arn:aws:iam::{ACCOUNT}:role/templates",
    )
    pull(ecr, BWA)
    (template,) = ecr.describe_repository_creation_templates()["repositoryCreationTemplates"]
    assert template["encryptionConfiguration"] == {"encryptionType": "KMS"}
