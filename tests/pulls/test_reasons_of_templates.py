"""Why the repository of a pull could not be made as its repository creation template says."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import ACCOUNT, REGION, allow, enforced, pull, refusal, user
from tests.pulls.pull_calls import BWA
from tests.pulls.reason_calls import last_record, only_record, route, told, trust

ROLE = f"arn:aws:iam::{ACCOUNT}:role/template"
TAGS = {"resourceTags": [{"Key": "team", "Value": "a"}]}
KMS = {"encryptionConfiguration": {"encryptionType": "KMS"}}
SERVICES = "pullthroughcache.ecr.amazonaws.com or ecr.amazonaws.com"
NOT_FOUND = "RepositoryNotFoundException"


def create_template(ecr: Any, prefix: str = "quay", **settings: Any) -> None:
    ecr.create_repository_creation_template(prefix=prefix, appliedFor=["PULL_THROUGH_CACHE"], **settings)


@pytest.mark.parametrize(
    ("settings", "needs"),
    [
        (TAGS, "tags"),
        (KMS, "KMS encryption"),
        ({"encryptionConfiguration": {"encryptionType": "KMS_DSSE"}}, "KMS encryption"),
        ({**TAGS, **KMS}, "tags and KMS encryption"),
    ],
)
def test_reason_of_a_template_without_a_role_is_what_needs_one(ecr, quay, settings, needs):
    create_template(ecr, **settings)
    assert refusal(pull, ecr=ecr, repository=BWA).code == NOT_FOUND
    record = only_record()
    reason = f"the repository creation template 'quay' has {needs} but no customRoleArn, which ECR needs to apply them"
    assert told(record) == (NOT_FOUND, reason)
    assert route(record) == ("quay", "quay.io/biocontainers/bwa", "quay")


def test_reason_of_a_template_whose_role_does_not_trust_ecr_is_whom_it_has_to_trust(aws, ecr, quay):
    aws.client("iam").create_role(RoleName="template", AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))
    create_template(ecr, "ROOT", **TAGS, customRoleArn=ROLE)
    assert refusal(pull, ecr=ecr, repository=BWA).code == NOT_FOUND
    record = only_record()
    reason = f"the custom role '{ROLE}' of the repository creation template 'ROOT' does not trust {SERVICES}"
    assert told(record) == (NOT_FOUND, reason)
    assert record.template == "ROOT"


def test_reason_of_a_template_whose_role_does_not_exist_is_that(aws, ecr, quay):
    create_template(ecr, **KMS, customRoleArn=ROLE)
    caller = aws.client("ecr", **user(aws, allow("ecr:*")))
    assert enforced(refusal, pull, ecr=caller, repository=BWA).code == NOT_FOUND
    reason = f"the custom role '{ROLE}' of the repository creation template 'quay' does not exist"
    assert told(only_record()) == (NOT_FOUND, reason)
    pull(ecr, BWA)  # while IAM is not enforced it need not
    assert told(last_record()) == ("ok", "quay.io returned it")


def test_reason_of_a_template_with_a_disabled_key_is_the_state_of_the_key(aws, ecr, quay):
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]
    create_template(ecr, encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key["Arn"]}, customRoleArn=ROLE)
    kms.disable_key(KeyId=key["KeyId"])
    assert refusal(pull, ecr=ecr, repository=BWA).code == NOT_FOUND
    arn = key["Arn"]
    reason = f"the repository creation template 'quay' encrypts with the KMS key '{arn}', whose state is Disabled"
    assert told(only_record()) == (NOT_FOUND, reason)


def test_reason_of_a_template_with_a_missing_key_is_that_the_key_does_not_exist(ecr, quay):
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
    create_template(ecr, encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key}, customRoleArn=ROLE)
    assert refusal(pull, ecr=ecr, repository=BWA).code == NOT_FOUND
    reason = f"the repository creation template 'quay' encrypts with the KMS key '{key}', which does not exist"
    assert told(only_record()) == (NOT_FOUND, reason)
