"""With moto's enforcement of IAM: what callers need, roles that must exist, and secrets whose policy denies ECR."""

from __future__ import annotations

import json

import pytest
import requests
from botocore import UNSIGNED
from botocore.config import Config

import conftest
from conftest import (
    ACCOUNT,
    OTHER_ACCOUNT,
    REGION,
    allow,
    enforced,
    prefixes,
    refusal,
    template_prefixes,
    templates,
    user,
)
from moto_ecr_ptc.ecr.access.iam import MOTO_EVALUATES_CONDITIONS

UP = {"ecrRepositoryPrefix": "up", "upstreamRegistryUrl": f"{OTHER_ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"}
QUAY = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ecr-upstream"
SLR = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/pullthroughcache.ecr.amazonaws.com/"
    "AWSServiceRoleForECRPullThroughCache"
)
OPERATIONS = {
    "CreatePullThroughCacheRule": ("create_pull_through_cache_rule", {**QUAY, "ecrRepositoryPrefix": "new"}),
    "DescribePullThroughCacheRules": ("describe_pull_through_cache_rules", {}),
    "UpdatePullThroughCacheRule": ("update_pull_through_cache_rule", {"ecrRepositoryPrefix": "hub"}),
    "DeletePullThroughCacheRule": ("delete_pull_through_cache_rule", {"ecrRepositoryPrefix": "quay"}),
    "ValidatePullThroughCacheRule": ("validate_pull_through_cache_rule", {"ecrRepositoryPrefix": "quay"}),
    "CreateRepositoryCreationTemplate": (
        "create_repository_creation_template",
        {"prefix": "new", "appliedFor": ["PULL_THROUGH_CACHE"]},
    ),
    "DescribeRepositoryCreationTemplates": ("describe_repository_creation_templates", {}),
    "UpdateRepositoryCreationTemplate": ("update_repository_creation_template", {"prefix": "prod"}),
    "DeleteRepositoryCreationTemplate": ("delete_repository_creation_template", {"prefix": "prod"}),
    "GetAccountSetting": ("get_account_setting", {"name": "BLOB_MOUNTING"}),
    "PutAccountSetting": ("put_account_setting", {"name": "BLOB_MOUNTING", "value": "ENABLED"}),
}
TEMPLATE_RIGHTS = ["ecr:CreateRepository", "ecr:PutLifecyclePolicy", "ecr:SetRepositoryPolicy"]
TEMPLATE_SLR = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecr.amazonaws.com/AWSServiceRoleForECRTemplate"


def denied(call, action, resource=None, **arguments):
    found = enforced(refusal, call, **arguments)
    on_resource = f" on resource: {resource}" if resource else ""
    assert (found.code, found.message) == (
        "AccessDeniedException",
        f"User: arn:aws:iam::{ACCOUNT}:user/someone is not authorized to perform: {action}{on_resource}",
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_operation_demands_its_action(aws, ecr, operation):
    method, arguments = OPERATIONS[operation]
    ecr.create_pull_through_cache_rule(**QUAY)
    secret = aws.secret()
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="hub", upstreamRegistryUrl="ghcr.io", credentialArn=secret)
    if operation == "UpdatePullThroughCacheRule":
        arguments = {**arguments, "credentialArn": secret}
    ecr.create_repository_creation_template(prefix="prod", appliedFor=[])
    others = [*TEMPLATE_RIGHTS, *(f"ecr:{other}" for other in OPERATIONS if other != operation)]
    caller = aws.client("ecr", **user(aws, allow([*others, "iam:*"])))
    denied(getattr(caller, method), f"ecr:{operation}", **arguments)
    assert prefixes(ecr) == ["quay", "hub"]
    assert template_prefixes(ecr) == ["prod"]
    aws.client("iam").put_user_policy(
        UserName="someone",
        PolicyName="more",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow(f"ecr:{operation}")]}),
    )
    enforced(getattr(caller, method), **arguments)


def test_caller_with_an_assumed_role_has_the_roles_rights(aws):
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    iam.create_role(
        RoleName="deployer", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    rights = {
        "Version": "2012-10-17",
        "Statement": [allow(["ecr:*", "iam:CreateServiceLinkedRole"]), allow("iam:PassRole", ROLE)],
    }
    iam.put_role_policy(RoleName="deployer", PolicyName="rights", PolicyDocument=json.dumps(rights))
    iam.create_role(RoleName="ecr-upstream", AssumeRolePolicyDocument="{}")
    token = aws.client("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/deployer", RoleSessionName="me")[
        "Credentials"
    ]
    caller = aws.client(
        "ecr",
        aws_access_key_id=token["AccessKeyId"],
        aws_secret_access_key=token["SecretAccessKey"],
        aws_session_token=token["SessionToken"],
    )
    enforced(caller.create_pull_through_cache_rule, **UP, customRoleArn=ROLE)
    found = enforced(
        refusal, caller.update_pull_through_cache_rule, ecrRepositoryPrefix="up", customRoleArn=ROLE + "-2"
    )
    assert found.message == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/deployer/me is not authorized to perform: iam:PassRole "
        f"on resource: {ROLE}-2"
    )


# --- who calls --------------------------------------------------------------------------------------------------------


def test_unknown_access_key_is_an_unrecognized_client(aws):
    found = enforced(refusal, aws.client("ecr").describe_pull_through_cache_rules)
    assert (found.code, found.message) == (
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )


def test_wrong_secret_key_is_an_invalid_signature(aws):
    credentials = {**user(aws, allow("*")), "aws_secret_access_key": "wrong"}
    found = enforced(refusal, aws.client("ecr", **credentials).describe_pull_through_cache_rules)
    assert found.code == "InvalidSignatureException"
    assert found.message.startswith("The request signature we calculated does not match")


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_signature_is_that_of_the_content_type_that_was_sent(aws, content_type):
    caller = aws.client("ecr", **user(aws, allow("ecr:*")))

    def declare(request, **_):
        del request.headers["Content-Type"]
        request.headers["Content-Type"] = content_type

    caller.meta.events.register("before-sign", declare)
    assert enforced(caller.describe_pull_through_cache_rules)["pullThroughCacheRules"] == []
    assert enforced(refusal, caller.list_images, repositoryName="absent").code == "RepositoryNotFoundException"


def test_request_without_a_signature_lacks_the_authentication_token(in_process):
    ecr = conftest.SESSION.client("ecr", config=Config(signature_version=UNSIGNED))
    found = enforced(refusal, ecr.describe_pull_through_cache_rules)
    assert found.code == "MissingAuthenticationTokenException"


def test_role_that_was_deleted_after_it_was_assumed_is_an_unrecognized_client(aws):
    iam = aws.client("iam")
    iam.create_role(RoleName="gone", AssumeRolePolicyDocument="{}")
    token = aws.client("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/gone", RoleSessionName="me")[
        "Credentials"
    ]
    iam.delete_role(RoleName="gone")
    caller = aws.client(
        "ecr",
        aws_access_key_id=token["AccessKeyId"],
        aws_secret_access_key=token["SecretAccessKey"],
        aws_session_token=token["SessionToken"],
    )
    found = enforced(refusal, caller.describe_pull_through_cache_rules)
    assert found.code == "UnrecognizedClientException"


def test_key_of_another_partition_is_an_unrecognized_client(in_process):
    ecr = conftest.SESSION.client(
        "ecr",
        REGION,
        endpoint_url="https://api.ecr.cn-north-1.amazonaws.com.cn",
        config=Config(retries={"max_attempts": 0}),
        **user(in_process, allow("*")),
    )
    found = enforced(refusal, ecr.describe_pull_through_cache_rules)
    assert found.code == "UnrecognizedClientException"


def test_signature_without_a_date_is_incomplete(aws):
    key = user(aws, allow("*"))["aws_access_key_id"]
    headers = {
        "X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.DescribePullThroughCacheRules",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={key}/20260101/{REGION}/ecr/aws4_request, "
        "SignedHeaders=host, Signature=0",
    }
    url = aws.endpoint_url or f"https://api.ecr.{REGION}.amazonaws.com/"
    response = enforced(requests.post, url, data=b"{}", headers=headers, timeout=60)
    assert (response.status_code, response.json()["__type"]) == (400, "IncompleteSignatureException")


def test_malformed_request_of_an_unauthorized_caller_is_denied_not_read(aws):
    caller = aws.client("ecr", **user(aws))
    denied(caller.create_pull_through_cache_rule, "ecr:CreatePullThroughCacheRule", **{**QUAY, "registryId": "x"})


# --- roles ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arn", "constraint"),
    [
        ("no arn", "Member must be the ARN of an IAM role"),
        (f"arn:aws:iam::{ACCOUNT}:user/ecr-upstream", "Member must be the ARN of an IAM role"),
        (f"arn:aws:iam::{ACCOUNT}:role/", "Member must be the ARN of an IAM role"),
        (f"arn:aws:iam::{ACCOUNT}:role/path/", "Member must be the ARN of an IAM role"),
        (ROLE + "\n", "Member must be the ARN of an IAM role"),
        (
            ROLE.replace(ACCOUNT, OTHER_ACCOUNT),
            "Member must be the ARN of an IAM role of the account that owns the registry",
        ),
        (
            ROLE.replace("arn:aws:", "arn:aws-cn:"),
            "Member must be the ARN of an IAM role of the account that owns the registry",
        ),
    ],
)
def test_role_that_cannot_be_the_registrys_is_invalid(ecr, arn, constraint):
    found = refusal(ecr.create_pull_through_cache_rule, **UP, customRoleArn=arn)
    assert (found.code, found.message) == (
        "InvalidParameterException",
        f"Invalid parameter at 'customRoleArn' failed to satisfy constraint: '{constraint}'",
    )
    assert prefixes(ecr) == []


def test_role_with_a_path_of_odd_characters_is_accepted(ecr):
    role = f"arn:aws:iam::{ACCOUNT}:role/team!a:b/{{x}}/upstream"
    assert ecr.create_pull_through_cache_rule(**UP, customRoleArn=role)["customRoleArn"] == role


def test_role_need_not_exist_without_enforcement(ecr):
    ecr.create_pull_through_cache_rule(**UP, customRoleArn=ROLE)
    assert prefixes(ecr) == ["up"]


def test_role_must_exist_with_enforcement(aws, ecr):
    caller = aws.client("ecr", **user(aws, allow("*")))
    found = enforced(refusal, caller.create_pull_through_cache_rule, **UP, customRoleArn=ROLE)
    assert (found.code, found.message) == (
        "InvalidParameterException",
        (
            "Invalid parameter at 'customRoleArn' failed to satisfy constraint: "
            "'Member must be the ARN of an IAM role that exists'"
        ),
    )
    aws.client("iam").create_role(RoleName="ecr-upstream", AssumeRolePolicyDocument="{}")
    enforced(caller.create_pull_through_cache_rule, **UP, customRoleArn=ROLE)
    assert prefixes(ecr) == ["up"]


@pytest.mark.parametrize(
    "rights",
    [
        [],
        [allow("iam:PassRole", ROLE + "-2")],
        [allow("iam:GetRole", ROLE)],
        [allow("iam:PassRole"), {"Effect": "Deny", "Action": "iam:PassRole", "Resource": ROLE}],
    ],
)
def test_role_that_the_caller_may_not_pass_is_denied(aws, ecr, rights):
    aws.client("iam").create_role(RoleName="ecr-upstream", AssumeRolePolicyDocument="{}")
    caller = aws.client("ecr", **user(aws, allow(["ecr:*", "iam:CreateServiceLinkedRole"]), *rights))
    denied(caller.create_pull_through_cache_rule, "iam:PassRole", ROLE, **UP, customRoleArn=ROLE)
    assert prefixes(ecr) == []
    ecr.create_pull_through_cache_rule(**UP, customRoleArn=ROLE + "-2")
    denied(
        caller.update_pull_through_cache_rule,
        "iam:PassRole",
        ROLE,
        ecrRepositoryPrefix="up",
        customRoleArn=ROLE,
    )


@pytest.mark.parametrize(("service", "may"), [("ecr.amazonaws.com", True), ("ecs-tasks.amazonaws.com", False)])
def test_role_may_be_passed_to_the_service_that_the_policy_names(aws, ecr, service, may):
    aws.client("iam").create_role(RoleName="ecr-upstream", AssumeRolePolicyDocument="{}")
    condition = {"StringEquals": {"iam:PassedToService": service}}
    rights = [allow(["ecr:*", "iam:CreateServiceLinkedRole"]), allow("iam:PassRole", Condition=condition)]
    caller = aws.client("ecr", **user(aws, *rights))
    if may or not MOTO_EVALUATES_CONDITIONS:
        enforced(caller.create_pull_through_cache_rule, **UP, customRoleArn=ROLE)
    else:
        denied(caller.create_pull_through_cache_rule, "iam:PassRole", ROLE, **UP, customRoleArn=ROLE)


def test_first_rule_demands_the_right_to_create_the_service_linked_role(aws, ecr):
    caller = aws.client("ecr", **user(aws, allow("ecr:*")))
    denied(caller.create_pull_through_cache_rule, "iam:CreateServiceLinkedRole", SLR, **QUAY)
    assert prefixes(ecr) == []
    ecr.create_pull_through_cache_rule(**{**QUAY, "ecrRepositoryPrefix": "first"})
    enforced(caller.create_pull_through_cache_rule, **QUAY)
    assert prefixes(ecr) == ["first", "quay"]


@pytest.mark.parametrize(
    ("service", "may"), [("pullthroughcache.ecr.amazonaws.com", True), ("ecr.amazonaws.com", False)]
)
def test_right_to_create_the_service_linked_role_may_be_bound_to_its_service(aws, ecr, service, may):
    condition = {"StringEquals": {"iam:AWSServiceName": service}}
    rights = [allow("ecr:*"), allow("iam:CreateServiceLinkedRole", Condition=condition)]
    caller = aws.client("ecr", **user(aws, *rights))
    if may or not MOTO_EVALUATES_CONDITIONS:
        enforced(caller.create_pull_through_cache_rule, **QUAY)
    else:
        denied(caller.create_pull_through_cache_rule, "iam:CreateServiceLinkedRole", SLR, **QUAY)


@pytest.mark.parametrize("right", TEMPLATE_RIGHTS)
@pytest.mark.parametrize("operation", ["create", "update"])
def test_template_demands_the_rights_to_what_it_does_later(aws, ecr, operation, right):
    if operation == "update":
        ecr.create_repository_creation_template(prefix="prod", appliedFor=[])
    rights = ["ecr:*RepositoryCreationTemplate", *(other for other in TEMPLATE_RIGHTS if other != right), "iam:*"]
    caller = aws.client("ecr", **user(aws, allow(rights)))
    arguments = {"prefix": "prod", "appliedFor": ["REPLICATION"]}
    denied(getattr(caller, f"{operation}_repository_creation_template"), right, "*", **arguments)
    assert [found["appliedFor"] for found in templates(ecr)] == ([[]] if operation == "update" else [])


@pytest.mark.parametrize("operation", ["create", "update"])
def test_template_with_a_role_that_the_caller_may_not_pass_is_denied(aws, ecr, operation):
    aws.client("iam").create_role(RoleName="ecr-upstream", AssumeRolePolicyDocument="{}")
    if operation == "update":
        ecr.create_repository_creation_template(prefix="prod", appliedFor=[])
    caller = aws.client("ecr", **user(aws, allow(["ecr:*", "iam:CreateServiceLinkedRole"])))
    arguments = {"prefix": "prod", "appliedFor": ["REPLICATION"], "customRoleArn": ROLE}
    denied(getattr(caller, f"{operation}_repository_creation_template"), "iam:PassRole", ROLE, **arguments)
    assert [found["appliedFor"] for found in templates(ecr)] == ([[]] if operation == "update" else [])


def test_first_template_demands_the_right_to_create_the_service_linked_role(aws, ecr):
    caller = aws.client("ecr", **user(aws, allow("ecr:*")))
    template = {"prefix": "prod", "appliedFor": []}
    denied(caller.create_repository_creation_template, "iam:CreateServiceLinkedRole", TEMPLATE_SLR, **template)
    assert templates(ecr) == []


def test_missing_secret_is_named_before_the_missing_right_to_the_service_linked_role(aws):
    caller = aws.client("ecr", **user(aws, allow("ecr:*")))
    found = enforced(
        refusal,
        caller.create_pull_through_cache_rule,
        ecrRepositoryPrefix="hub",
        upstreamRegistryUrl="ghcr.io",
        credentialArn=f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache/missing",
    )
    assert found.code == "SecretNotFoundException"


# --- resource policies of secrets -------------------------------------------------------------------------------------

ACTION = "secretsmanager:GetSecretValue"


def deny(principal, action=ACTION, **more):
    return {"Effect": "Deny", "Principal": principal, "Action": action, "Resource": "*", **more}


@pytest.mark.parametrize(
    ("statement", "denies"),
    [
        (deny("*"), True),
        (deny({"AWS": "*"}), True),
        (deny({"AWS": SLR}, "secretsmanager:*"), True),
        (deny({"AWS": [f"arn:aws:iam::{OTHER_ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:root"]}), True),
        (deny({"AWS": ACCOUNT}), True),
        ({name: value for name, value in deny("*").items() if name != "Resource"}, True),
        (deny({"Service": "pullthroughcache.ecr.amazonaws.com"}), True),
        ({**deny("*"), "Principal": None, "NotPrincipal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/root"}}, True),
        ({**deny("*"), "Principal": None, "NotPrincipal": {"AWS": [SLR]}}, True),
        ({**deny("*"), "Principal": None, "NotPrincipal": {"AWS": [SLR, f"arn:aws:iam::{ACCOUNT}:root"]}}, False),
        ({**deny("*"), "Principal": None, "NotPrincipal": "*"}, False),
        (deny({"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"}), False),
        (deny({"Service": "ecs.amazonaws.com"}), False),
        (deny("*", "secretsmanager:PutSecretValue"), False),
        (deny("*", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}}), False),
        ({**deny("*"), "Effect": "Allow"}, False),
    ],
)
def test_secret_whose_policy_denies_ecr_cannot_be_accessed_with_enforcement(aws, ecr, statement, denies):
    statement = {key: value for key, value in statement.items() if value is not None}
    caller = aws.client("ecr", **user(aws, allow("*")))
    hub = {"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "ghcr.io", "credentialArn": aws.secret()}
    document = {"Version": "2012-10-17", "Statement": statement if denies else [statement]}
    aws.client("secretsmanager").put_resource_policy(SecretId=hub["credentialArn"], ResourcePolicy=json.dumps(document))
    if not denies:
        enforced(caller.create_pull_through_cache_rule, **hub)
        return
    found = enforced(refusal, caller.create_pull_through_cache_rule, **hub)
    assert found.code == "UnableToAccessSecretException"
    assert prefixes(ecr) == []
    ecr.create_pull_through_cache_rule(**hub)
    validation = enforced(caller.validate_pull_through_cache_rule, ecrRepositoryPrefix="hub")
    assert validation["failure"] == (
        f"The secret '{hub['credentialArn']}' has a resource policy that denies Amazon ECR"
    )


@pytest.mark.parametrize(
    "policy",
    [
        "no JSON",
        "[" * 9000,
        "{}",
        "[]",
        '{"Statement": ["x"]}',
        '{"Statement": null}',
        json.dumps({"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}),
        json.dumps({"Statement": {"Effect": "Deny", "Principal": None, "Action": "*", "Resource": "*"}}),
        json.dumps({"Statement": {"Effect": "Deny", "Principal": {"AWS": [1]}, "Action": "*", "Resource": "*"}}),
        json.dumps({"Statement": {"Principal": "*", "Action": "*", "Resource": "*"}}),
        json.dumps({"Statement": {"Effect": "Deny", "Principal": "*", "Resource": "*"}}),
        json.dumps({"Statement": {"Effect": "Deny", "Principal": "*", "Action": 1, "Resource": "*"}}),
        json.dumps({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "(", "Resource": "*"}}),
    ],
)
def test_secret_whose_policy_is_malformed_is_usable_with_enforcement(aws, ecr, policy):
    """moto stores such a policy; AWS would not."""
    secret = aws.secret()
    aws.client("secretsmanager").put_resource_policy(SecretId=secret, ResourcePolicy=policy)
    caller = aws.client("ecr", **user(aws, allow("*")))
    rule = {"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "ghcr.io", "credentialArn": secret}
    enforced(caller.create_pull_through_cache_rule, **rule)
    assert prefixes(ecr) == ["hub"]


def test_secret_without_a_policy_is_usable_with_enforcement(aws, ecr):
    caller = aws.client("ecr", **user(aws, allow("*")))
    enforced(
        caller.create_pull_through_cache_rule,
        ecrRepositoryPrefix="hub",
        upstreamRegistryUrl="ghcr.io",
        credentialArn=aws.secret(),
    )
    assert prefixes(ecr) == ["hub"]
