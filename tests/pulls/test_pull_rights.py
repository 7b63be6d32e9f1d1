"""With moto's enforcement of IAM: who may have ECR pull. A missing right looks like a missing image."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore import xform_name
from freezegun import freeze_time

from conftest import (
    ACCOUNT,
    OTHER_ACCOUNT,
    REGION,
    allow,
    digest,
    enforced,
    failure_codes,
    pull,
    refusal,
    repositories,
    user,
)
from moto_ecr_ptc import upstream_registry

REPOSITORY = "quay/biocontainers/bwa"
ARN = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{REPOSITORY}"
IMPORT, CREATE, TAG = "ecr:BatchImportUpstreamImage", "ecr:CreateRepository", "ecr:TagResource"
SOMEONE = f"arn:aws:iam::{ACCOUNT}:user/someone"


@pytest.fixture
def rule(ecr: Any) -> None:
    """A rule for Quay."""
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")


def policy(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def grant(principal: Any, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    """Return a statement of the registry's policy about both actions of a pull."""
    return {"Effect": effect, "Principal": principal, "Action": [IMPORT, CREATE], "Resource": ARN, **more}


def test_caller_with_the_rights_pulls(aws, ecr, rule):
    caller = aws.client("ecr", **user(aws, allow("ecr:BatchGetImage"), allow([IMPORT, CREATE], ARN)))
    assert digest(enforced(pull, caller, REPOSITORY))


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [allow(IMPORT)],
        [allow(CREATE)],
        [allow([IMPORT, CREATE], ARN + "-other")],
        [allow([IMPORT, CREATE]), {"Effect": "Deny", "Action": CREATE, "Resource": ARN}],
    ],
)
def test_caller_without_the_rights_finds_no_repository(aws, ecr, rule, statements):
    caller = aws.client("ecr", **user(aws, allow("ecr:BatchGetImage"), *statements))
    found = enforced(refusal, pull, ecr=caller, repository=REPOSITORY)
    assert found.code == "RepositoryNotFoundException"
    assert repositories(ecr) == []
    assert upstream_registry("quay").pulls == ()


def test_existing_repository_demands_the_import_alone(aws, ecr, rule):
    pull(ecr, REPOSITORY, "first")
    rights = user(aws, allow("ecr:BatchGetImage"))
    caller = aws.client("ecr", **rights)
    assert failure_codes(enforced(pull, caller, REPOSITORY)) == ["ImageNotFound"]
    aws.client("iam").put_user_policy(UserName="someone", PolicyName="more", PolicyDocument=policy(allow(IMPORT, ARN)))
    assert digest(enforced(pull, caller, REPOSITORY))


def test_cached_image_demands_no_more_than_batch_get_image(aws, ecr, rule):
    pulled = digest(pull(ecr, REPOSITORY))
    caller = aws.client("ecr", **user(aws, allow("ecr:BatchGetImage")))
    assert digest(enforced(pull, caller, REPOSITORY)) == pulled


def test_stale_image_is_served_to_a_caller_who_may_not_import(in_process):
    ecr = in_process.client("ecr")
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        pulled = digest(pull(ecr, REPOSITORY))
        clock.move_to("2026-03-05 12:00:00")
        caller = in_process.client("ecr", **user(in_process, allow("ecr:BatchGetImage")))
        assert digest(enforced(pull, caller, REPOSITORY)) == pulled
    assert len(upstream_registry("quay").pulls) == 1


@pytest.mark.parametrize("may_tag", [True, False])
def test_template_with_tags_demands_tag_resource(aws, ecr, rule, may_tag):
    iam = aws.client("iam")
    trust = policy({"Effect": "Allow", "Principal": {"Service": "ecr.amazonaws.com"}, "Action": "sts:AssumeRole"})
    role = iam.create_role(RoleName="template", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    ecr.create_repository_creation_template(
        prefix="ROOT",
        appliedFor=["PULL_THROUGH_CACHE"],
        resourceTags=[{"Key": "a", "Value": "b"}],
        customRoleArn=role,
    )
    rights = [IMPORT, CREATE, "ecr:BatchGetImage", *([TAG] if may_tag else [])]
    caller = aws.client("ecr", **user(aws, allow(rights)))
    if may_tag:
        assert digest(enforced(pull, caller, REPOSITORY))
    else:
        found = enforced(refusal, pull, ecr=caller, repository=REPOSITORY)
        assert found.code == "RepositoryNotFoundException"


def test_template_without_tags_demands_no_tag_resource(aws, ecr, rule):
    ecr.create_repository_creation_template(
        prefix="ROOT", appliedFor=["PULL_THROUGH_CACHE"], imageTagMutability="IMMUTABLE"
    )
    caller = aws.client("ecr", **user(aws, allow([IMPORT, CREATE, "ecr:BatchGetImage"])))
    assert digest(enforced(pull, caller, REPOSITORY))


def test_role_of_a_template_must_exist(aws, ecr, rule):
    ecr.create_repository_creation_template(
        prefix="ROOT",
        appliedFor=["PULL_THROUGH_CACHE"],
        encryptionConfiguration={"encryptionType": "KMS"},
        customRoleArn=f"arn:aws:iam::{ACCOUNT}:role/absent",
    )
    caller = aws.client("ecr", **user(aws, allow("ecr:*")))
    assert enforced(refusal, pull, ecr=caller, repository=REPOSITORY).code == "RepositoryNotFoundException"
    assert digest(pull(ecr, REPOSITORY))


# --- the registry's policy -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "principal", ["*", {"AWS": "*"}, {"AWS": SOMEONE}, {"AWS": [f"arn:aws:iam::{ACCOUNT}:user/else", SOMEONE]}]
)
def test_registry_policy_grants_the_rights(aws, ecr, rule, principal):
    ecr.put_registry_policy(policyText=policy(grant(principal)))
    caller = aws.client("ecr", **user(aws, allow("ecr:BatchGetImage")))
    assert digest(enforced(pull, caller, REPOSITORY))


@pytest.mark.parametrize(
    "principal", [{"AWS": f"arn:aws:iam::{ACCOUNT}:user/else"}, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}]
)
def test_registry_policy_for_others_or_the_account_grants_nothing(aws, ecr, rule, principal):
    ecr.put_registry_policy(policyText=policy(grant(principal)))
    caller = aws.client("ecr", **user(aws, allow("ecr:BatchGetImage")))
    assert enforced(refusal, pull, ecr=caller, repository=REPOSITORY).code == "RepositoryNotFoundException"


@pytest.mark.parametrize("principal", ["*", {"AWS": SOMEONE}, {"AWS": ACCOUNT}])
def test_registry_policy_denies_what_the_caller_may(aws, ecr, rule, principal):
    ecr.put_registry_policy(policyText=policy(grant(principal, "Deny")))
    caller = aws.client("ecr", **user(aws, allow("ecr:*")))
    assert enforced(refusal, pull, ecr=caller, repository=REPOSITORY).code == "RepositoryNotFoundException"


CONDITION = {"StringEquals": {"aws:SourceVpc": "vpc-1"}}


def test_registry_policy_with_a_condition_grants_nothing(aws, ecr, rule):
    ecr.put_registry_policy(policyText=policy(grant("*", Condition=CONDITION)))
    caller = aws.client("ecr", **user(aws, allow("ecr:BatchGetImage")))
    assert enforced(refusal, pull, ecr=caller, repository=REPOSITORY).code == "RepositoryNotFoundException"


def test_registry_policy_with_a_condition_denies_nothing(aws, ecr, rule):
    ecr.put_registry_policy(policyText=policy(grant("*", "Deny", Condition=CONDITION)))
    caller = aws.client("ecr", **user(aws, allow("ecr:*")))
    assert digest(enforced(pull, caller, REPOSITORY))


@pytest.mark.parametrize("path", ["/", "/team/"])
def test_registry_policy_names_the_role_that_a_caller_assumed(aws, ecr, rule, path):
    iam = aws.client("iam")
    role = iam.create_role(RoleName="puller", Path=path, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    iam.put_role_policy(RoleName="puller", PolicyName="get", PolicyDocument=policy(allow("ecr:BatchGetImage")))
    token = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    caller = aws.client(
        "ecr",
        aws_access_key_id=token["AccessKeyId"],
        aws_secret_access_key=token["SecretAccessKey"],
        aws_session_token=token["SessionToken"],
    )
    assert enforced(refusal, pull, ecr=caller, repository=REPOSITORY).code == "RepositoryNotFoundException"
    ecr.put_registry_policy(policyText=policy(grant({"AWS": role})))
    assert digest(enforced(pull, caller, REPOSITORY))


@pytest.mark.parametrize(
    ("effect", "listed", "may"),
    [
        ("Allow", [f"arn:aws:iam::{ACCOUNT}:root"], False),
        ("Allow", [ACCOUNT], False),
        ("Allow", [SOMEONE], False),
        ("Allow", ["*"], False),
        ("Allow", [f"arn:aws:iam::{OTHER_ACCOUNT}:root"], True),
        ("Deny", [f"arn:aws:iam::{OTHER_ACCOUNT}:root"], False),
        ("Deny", [f"arn:aws:iam::{ACCOUNT}:root"], False),
        ("Deny", [SOMEONE], False),
        ("Deny", [SOMEONE, f"arn:aws:iam::{ACCOUNT}:root"], True),
        ("Deny", [SOMEONE, ACCOUNT], True),
    ],
)
def test_registry_policy_for_all_but_some_principals_decides_as_iam_does(aws, ecr, rule, effect, listed, may):
    statement = {**grant("*", effect), "NotPrincipal": {"AWS": listed}}
    del statement["Principal"]
    ecr.put_registry_policy(policyText=policy(statement))
    rights = "ecr:*" if effect == "Deny" else "ecr:BatchGetImage"
    caller = aws.client("ecr", **user(aws, allow(rights)))
    if may:
        assert digest(enforced(pull, caller, REPOSITORY))
    else:
        assert enforced(refusal, pull, ecr=caller, repository=REPOSITORY).code == "RepositoryNotFoundException"


@pytest.mark.parametrize(
    "statement",
    [
        {"Principal": {"AWS": SOMEONE}, "NotResource": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/quay/*"},
        {"Principal": {"Service": "*"}, "Resource": "*"},
        {"Principal": {"CanonicalUser": "*"}, "Resource": "*"},
        {"Principal": {"Federated": SOMEONE}, "Resource": "*"},
    ],
)
def test_registry_policy_grants_nothing_by_another_kind_of_principal_or_for_another_resource(aws, ecr, rule, statement):
    policy_text = policy({"Sid": "s", "Effect": "Allow", "Action": [IMPORT, CREATE], **statement})
    ecr.put_registry_policy(policyText=policy_text)
    caller = aws.client("ecr", **user(aws, allow("ecr:BatchGetImage")))
    assert enforced(refusal, pull, ecr=caller, repository=REPOSITORY).code == "RepositoryNotFoundException"


def test_registry_policy_grants_what_is_not_excluded_by_not_resource(aws, ecr, rule):
    statement = {"Principal": {"AWS": SOMEONE}, "NotResource": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/other/*"}
    ecr.put_registry_policy(policyText=policy({"Effect": "Allow", "Action": [IMPORT, CREATE], **statement}))
    caller = aws.client("ecr", **user(aws, allow("ecr:BatchGetImage")))
    assert digest(enforced(pull, caller, REPOSITORY))


# --- the other operations --------------------------------------------------------------------------------------------


def test_layer_that_is_not_cached_demands_the_import(aws, ecr, rule):
    quay = upstream_registry("quay")
    quay.push("biocontainers/bwa", layers=[b"one"])
    other = quay.push("biocontainers/bwa", tag="other", layers=[b"two"])
    pull(ecr, REPOSITORY)
    layers = {"repositoryName": REPOSITORY, "layerDigest": json.loads(other.manifest)["layers"][0]["digest"]}
    caller = aws.client("ecr", **user(aws, allow("ecr:GetDownloadUrlForLayer")))
    assert enforced(refusal, caller.get_download_url_for_layer, **layers).code == "LayersNotFoundException"
    aws.client("iam").put_user_policy(UserName="someone", PolicyName="more", PolicyDocument=policy(allow(IMPORT)))
    assert enforced(caller.get_download_url_for_layer, **layers)["downloadUrl"]


def test_secret_whose_policy_denies_ecr_is_unable_to_get_the_image(aws, ecr):
    secret = aws.secret()
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="ghcr", upstreamRegistryUrl="ghcr.io", credentialArn=secret)
    statement = {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:*", "Resource": "*"}
    aws.client("secretsmanager").put_resource_policy(SecretId=secret, ResourcePolicy=policy(statement))
    caller = aws.client("ecr", **user(aws, allow("ecr:*")))
    found = enforced(refusal, pull, ecr=caller, repository="ghcr/a/b")
    assert found.code == "UnableToGetUpstreamImageException"
    assert digest(pull(ecr, "ghcr/a/b"))


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("GetDownloadUrlForLayer", {"layerDigest": "sha256:" + "0" * 64}),
        ("BatchCheckLayerAvailability", {"layerDigests": ["sha256:" + "0" * 64]}),
        ("ListImageReferrers", {"subjectId": {"imageDigest": "sha256:" + "0" * 64}}),
    ],
)
def test_each_operation_on_what_was_pulled_demands_its_action(aws, ecr, rule, operation, arguments):
    pull(ecr, REPOSITORY)
    caller = aws.client("ecr", **user(aws, {"Effect": "Allow", "NotAction": f"ecr:{operation}", "Resource": "*"}))
    method = getattr(caller, xform_name(operation), None)
    if method is None:
        pytest.skip(f"the model of an older botocore has no {operation}")
    found = enforced(refusal, method, repositoryName=REPOSITORY, **arguments)
    assert found.code == "AccessDeniedException"
    assert f"is not authorized to perform: ecr:{operation}" in found.message
