"""The resource type of secrets: their values, and their updates in place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import Aws
from tests.cloudformation.stack_calls import BAD, OUR_SECRET, QUAY, RULE, SECRET, changed, secrets


@pytest.fixture
def value(aws: Aws) -> Any:
    client = aws.client("secretsmanager")
    return lambda: client.get_secret_value(SecretId="ecr-pullthroughcache/hub")["SecretString"]


@OUR_SECRET
def test_secret_value_is_generated(stacks, value):
    generate = {
        "SecretStringTemplate": '{"username": "me"}',
        "GenerateStringKey": "accessToken",
        "PasswordLength": "20",
        "ExcludePunctuation": "true",
        "ExcludeCharacters": "abc",
    }
    secret = changed(SECRET, SecretString=None, GenerateSecretString=generate)
    stacks.create({"Secret": secret, "Rule": RULE})
    made = json.loads(value())
    assert made["username"] == "me"
    assert len(made["accessToken"]) == 20
    assert made["accessToken"].isalnum()
    assert not set("abc") & set(made["accessToken"])
    stacks.update({"Secret": changed(secret, Description="new"), "Rule": RULE})
    assert json.loads(value()) == made
    stacks.update({"Secret": changed(secret, GenerateSecretString={**generate, "PasswordLength": 8}), "Rule": RULE})
    assert len(json.loads(value())["accessToken"]) == 8


@OUR_SECRET
def test_secret_value_without_a_template_is_the_password(stack, value):
    stack.create({"Secret": changed(SECRET, SecretString=None, GenerateSecretString={})})
    assert len(value()) == 32


@OUR_SECRET
def test_secret_name_is_made_of_the_stacks_and_the_resources(aws, stack):
    stack.create({"Secret": changed(SECRET, Name=None)})
    (name,) = secrets(aws)
    assert name.startswith("stack-Secret-")


@OUR_SECRET
def test_secret_has_its_properties(aws, stack):
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    more = {"Description": "a secret", "Tags": [{"Key": "a", "Value": "b"}], "KmsKeyId": key}
    stack.create({"Secret": changed(SECRET, **more, ReplicaRegions=[{"Region": "eu-west-1"}])})
    found = aws.client("secretsmanager").describe_secret(SecretId="ecr-pullthroughcache/hub")
    assert (found["Description"], found["Tags"]) == (more["Description"], more["Tags"])
    assert found["KmsKeyId"] == more["KmsKeyId"]
    assert [replica["Region"] for replica in found["ReplicationStatus"]] == ["eu-west-1"]
    stack.delete()
    for region in ("us-east-1", "eu-west-1"):
        assert aws.client("secretsmanager", region).list_secrets()["SecretList"] == []


@OUR_SECRET
def test_secret_is_updated_in_place(aws, stacks, value):
    stacks.create({"Secret": changed(SECRET, Description="old", ReplicaRegions=[{"Region": "eu-west-1"}])})
    before = stacks.physical_ids()
    new = changed(
        SECRET, SecretString="new", Tags=[{"Key": "a", "Value": "b"}], ReplicaRegions=[{"Region": "eu-west-2"}]
    )
    stacks.update({"Secret": new})
    assert (stacks.status, stacks.physical_ids()) == ("UPDATE_COMPLETE", before)
    found = aws.client("secretsmanager").describe_secret(SecretId="ecr-pullthroughcache/hub")
    assert (value(), found["Tags"]) == ("new", [{"Key": "a", "Value": "b"}])
    assert "Description" not in found or not found["Description"]
    assert [replica["Region"] for replica in found["ReplicationStatus"]] == ["eu-west-2"]


@OUR_SECRET
def test_secret_that_is_gone_fails_the_update(aws, stack):
    stack.create({"Secret": SECRET, "Rule": QUAY})
    aws.client("secretsmanager").delete_secret(SecretId="ecr-pullthroughcache/hub", ForceDeleteWithoutRecovery=True)
    stack.update({"Secret": changed(SECRET, Description="new"), "Rule": QUAY})
    assert stack.status.startswith("UPDATE_ROLLBACK")
    assert "HandlerErrorCode: NotFound" in stack.reasons()[-1]


@OUR_SECRET
@pytest.mark.parametrize("region", ["us-east-1", "eu-west-2", "mars-1"])  # the secret's own takes no replica
def test_secret_whose_update_is_refused_is_what_it_was(aws, stacks, region):
    stacks.create({"Secret": changed(SECRET, Description="old", ReplicaRegions=[{"Region": "eu-west-1"}])})
    client = aws.client("secretsmanager")
    client.put_secret_value(SecretId="ecr-pullthroughcache/hub", SecretString="by hand", VersionStages=["AWSPENDING"])

    def state() -> Any:
        found = client.describe_secret(SecretId="ecr-pullthroughcache/hub")
        replicas = [
            aws.client("secretsmanager", region).list_secrets()["SecretList"] for region in ("eu-west-1", "eu-west-2")
        ]
        value = client.get_secret_value(SecretId="ecr-pullthroughcache/hub")
        for answer in (found, value):
            del answer["ResponseMetadata"]
        return found, value, replicas

    before = state()
    tags = [{"Key": "a", "Value": "b"}]
    properties = {"SecretString": "new", "Tags": tags, "ReplicaRegions": [{"Region": region}]}
    new = {"Secret": changed(SECRET, **properties)}
    if region == "eu-west-2":
        new["Late"] = {**BAD, "DependsOn": "Secret"}
    for _ in range(2):
        stacks.update(new)
        assert stacks.status == "UPDATE_ROLLBACK_COMPLETE"
        assert state() == before
