"""PutRegistryPolicy with the pull through cache's actions, and the account settings."""

from __future__ import annotations

import json

import pytest

from conftest import ACCOUNT, OTHER_ACCOUNT, REGION, refusal

INVALID = "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid registry policy provided'"


def policy(*actions, **more):
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"},
        "Action": list(actions) if len(actions) != 1 else actions[0],
        "Resource": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/*",
        **more,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(
    "actions",
    [
        ["ecr:BatchImportUpstreamImage"],
        ["ecr:CreateRepository", "ecr:BatchImportUpstreamImage"],
        ["ecr:ReplicateImage"],
        ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:GetImageCopyStatus"],
        ["ecr:*"],
        ["ecr:Batch*"],
        ["ecr:PutImage"],
    ],
)
def test_put_registry_policy_accepts_ecrs_actions(ecr, actions):
    text = policy(*actions)
    assert ecr.put_registry_policy(policyText=text)["policyText"] == text
    assert ecr.get_registry_policy()["policyText"] == text
    assert ecr.delete_registry_policy()["policyText"] == text
    assert refusal(ecr.get_registry_policy).code == "RegistryPolicyNotFoundException"


@pytest.mark.parametrize(
    "text",
    [
        policy("s3:GetObject"),
        policy("ecr:BatchImportUpstreamImage", "s3:GetObject"),
        policy("ecr:Nothing"),
        policy("ecr:Nothing*"),
        policy("ecr"),
        policy("*"),
        policy("ecr:ReplicateImage").replace('"Action"', '"NotAction"'),
        policy("ecr:ReplicateImage", Effect="Perhaps"),
        "{}",
        "no JSON",
    ],
)
def test_put_registry_policy_still_refuses_what_is_no_ecr_action_or_malformed(ecr, text):
    found = refusal(ecr.put_registry_policy, policyText=text)
    assert (found.code, found.message) == ("InvalidParameterException", INVALID)
    assert refusal(ecr.get_registry_policy).code == "RegistryPolicyNotFoundException"


def test_put_registry_policy_accepts_a_single_statement(ecr):
    document = json.loads(policy("ecr:BatchImportUpstreamImage"))
    document["Statement"] = document["Statement"][0]
    ecr.put_registry_policy(policyText=json.dumps(document))


def test_policy_scope_v1_admits_three_actions_and_all_at_once(ecr):
    assert ecr.put_account_setting(name="REGISTRY_POLICY_SCOPE", value="V1")["value"] == "V1"
    v1 = policy("ecr:CreateRepository", "ecr:ReplicateImage", "ecr:BatchImportUpstreamImage")
    ecr.put_registry_policy(policyText=policy("ecr:*"))
    ecr.put_registry_policy(policyText=v1)
    for refused in (policy("ecr:BatchGetImage"), policy("ecr:Batch*")):
        assert refusal(ecr.put_registry_policy, policyText=refused).message == INVALID
    assert ecr.get_registry_policy()["policyText"] == v1


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("REGISTRY_POLICY_SCOPE", ["V2", "V1"]),
        ("BASIC_SCAN_TYPE_VERSION", ["AWS_NATIVE", "CLAIR"]),
        ("BLOB_MOUNTING", ["DISABLED", "ENABLED"]),
    ],
)
def test_account_setting_has_a_default_and_keeps_what_is_put(aws, ecr, name, values):
    def setting(client):
        response = client.get_account_setting(name=name)
        assert response["name"] == name
        return response["value"]

    assert setting(ecr) == values[0]
    for value in reversed(values):
        response = ecr.put_account_setting(name=name, value=value)
        assert (response["name"], response["value"]) == (name, value)
        assert setting(ecr) == value
    ecr.put_account_setting(name=name, value=values[1])
    for other in (aws.client("ecr", "eu-west-1"), aws.client("ecr", account=OTHER_ACCOUNT)):
        assert setting(other) == values[0]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "REGISTRY_POLICY_SCOPE",
            "V3",
            "Invalid parameter at 'value' failed to satisfy constraint: 'Member must satisfy enum value set: [V2, V1]'",
        ),
        (
            "NOTHING",
            "V1",
            (
                "Invalid parameter at 'name' failed to satisfy constraint: 'Member must satisfy enum value set: "
                "[BASIC_SCAN_TYPE_VERSION, REGISTRY_POLICY_SCOPE, BLOB_MOUNTING]'"
            ),
        ),
    ],
)
def test_unknown_account_setting_is_invalid(ecr, name, value, message):
    found = refusal(ecr.put_account_setting, name=name, value=value)
    assert (found.code, found.message) == ("InvalidParameterException", message)
    if name == "NOTHING":
        assert refusal(ecr.get_account_setting, name=name).message == message
