"""Stacks with rules, templates and secrets: what they make, and how they fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from conftest import (
    ACCOUNT,
    EXCLUSION_FILTERS,
    OTHER_ACCOUNT,
    REPOSITORY_POLICY,
    Aws,
    allow,
    digest,
    enforced,
    prefixes,
    pull,
    refusal,
    repositories,
    rules,
    template_prefixes,
    templates,
    user,
)
from tests.cloudformation.stack_calls import (
    BAD,
    BAD_URL,
    HAS_SECRET_TYPE,
    QUAY,
    RULE,
    SECRET,
    TEMPLATE,
    WHOLE,
    changed,
    document,
    secrets,
)

# --- creation and deletion -------------------------------------------------------------------------------------------


def test_stack_with_secret_rule_and_template_takes_effect_on_a_pull(aws, ecr, stacks):
    stacks.create(WHOLE)
    assert stacks.status == "CREATE_COMPLETE"
    assert ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="hub")["isValid"]
    assert digest(pull(ecr, "hub/library/alpine"))
    policy = ecr.get_repository_policy(repositoryName="hub/library/alpine")["policyText"]
    assert json.loads(policy) == json.loads(REPOSITORY_POLICY)
    stacks.delete()
    assert (rules(ecr), templates(ecr), secrets(aws)) == ([], [], [])
    assert repositories(ecr) == ["hub/library/alpine"]


def test_physical_ids_are_prefixes_and_arns(aws, ecr, stacks):
    stacks.create(WHOLE)
    ids = stacks.physical_ids()
    (rule,) = rules(ecr)
    assert ids == {"Rule": "hub", "Template": "hub", "Secret": rule["credentialArn"]}
    answer = stacks.client.describe_stack_resource(StackName="stack", LogicalResourceId="Rule")
    assert answer["StackResourceDetail"]["ResourceType"] == "AWS::ECR::PullThroughCacheRule"


def test_outputs_have_references_and_attributes(ecr, stacks):
    outputs = {
        "Rule": {"Value": {"Ref": "Rule"}, "Export": {"Name": "the-rule"}},
        "Template": {"Value": {"Ref": "Template"}},
        "Created": {"Value": {"Fn::GetAtt": ["Template", "CreatedAt"]}},
        "Updated": {"Value": {"Fn::GetAtt": ["Template", "UpdatedAt"]}},
        "Secret": {"Value": {"Fn::GetAtt": ["Secret", "Id"]}},
        "Sentence": {"Value": {"Fn::Sub": "${Rule} of ${AWS::AccountId}"}},
    }
    stacks.create(WHOLE, Outputs=outputs)
    (template,) = templates(ecr)
    assert stacks.outputs == {
        "Rule": "hub",
        "Template": "hub",
        "Created": stacks.outputs["Created"],
        "Updated": stacks.outputs["Created"],
        "Secret": stacks.physical_ids()["Secret"],
        "Sentence": f"hub of {ACCOUNT}",
    }
    assert stacks.outputs["Created"].startswith(template["createdAt"].strftime("%Y-"))
    exports = stacks.client.list_exports()["Exports"]
    assert [(export["Name"], export["Value"]) for export in exports] == [("the-rule", "hub")]
    stacks.delete()
    assert stacks.client.list_exports()["Exports"] == []


@pytest.mark.parametrize(("resource", "attribute"), [("Rule", "Arn"), ("Template", "Arn"), ("Secret", "Arn")])
def test_attribute_that_there_is_none_of_is_refused(aws, ecr, stack, resource, attribute):
    outputs = {"Value": {"Value": {"Fn::GetAtt": [resource, attribute]}}}
    assert refusal(stack.create, resources=WHOLE, Outputs=outputs).code == "ValidationError"
    assert (rules(ecr), templates(ecr), secrets(aws)) == ([], [], [])
    inner = {**WHOLE, "More": changed(QUAY, UpstreamRepositoryPrefix={"Fn::GetAtt": [resource, attribute]})}
    assert refusal(stack.create, resources=inner).code == "ValidationError"
    assert (rules(ecr), templates(ecr), secrets(aws)) == ([], [], [])
    assert refusal(stack.describe).code == "ValidationError"


def test_properties_of_a_rule_are_those_of_the_request(aws, ecr, stack):
    role = f"arn:aws:iam::{ACCOUNT}:role/upstream"
    properties = {
        "EcrRepositoryPrefix": "up",
        "UpstreamRegistryUrl": f"{OTHER_ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com",
        "UpstreamRegistry": "ecr",
        "CustomRoleArn": role,
        "UpstreamRepositoryPrefix": "team",
    }
    stack.create({"Rule": {**QUAY, "Properties": properties}})
    (rule,) = rules(ecr)
    assert {name: rule[name] for name in ("upstreamRegistry", "customRoleArn", "upstreamRepositoryPrefix")} == {
        "upstreamRegistry": "ecr",
        "customRoleArn": role,
        "upstreamRepositoryPrefix": "team",
    }


def test_role_of_the_stack_is_the_rules(ecr, stacks):
    role = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "upstream", "AssumeRolePolicyDocument": {}}}
    url = {"Fn::Sub": f"{OTHER_ACCOUNT}.dkr.ecr.${{AWS::Region}}.amazonaws.com"}
    rule = changed(QUAY, UpstreamRegistryUrl=url, CustomRoleArn={"Fn::GetAtt": ["Role", "Arn"]})
    stacks.create({"Rule": rule, "Role": role})
    assert [found["customRoleArn"] for found in rules(ecr)] == [f"arn:aws:iam::{ACCOUNT}:role/upstream"]


@EXCLUSION_FILTERS
def test_properties_of_a_template_are_those_of_the_request(ecr, stack):
    role = f"arn:aws:iam::{ACCOUNT}:role/template"
    properties = {
        "Prefix": "team",
        "AppliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
        "Description": "a template",
        "EncryptionConfiguration": {"EncryptionType": "KMS"},
        "ResourceTags": [{"Key": "cost", "Value": 7}],
        "ImageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "ImageTagMutabilityExclusionFilters": [
            {"ImageTagMutabilityExclusionFilterType": "WILDCARD", "ImageTagMutabilityExclusionFilterValue": "dev-*"}
        ],
        "CustomRoleArn": role,
    }
    stack.create({"Template": {**TEMPLATE, "Properties": properties}})
    (template,) = templates(ecr)
    assert template["appliedFor"] == ["PULL_THROUGH_CACHE", "REPLICATION"]
    assert template["description"] == "a template"
    assert template["encryptionConfiguration"] == {"encryptionType": "KMS"}
    assert template["resourceTags"] == [{"Key": "cost", "Value": "7"}]
    assert template["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert template["imageTagMutabilityExclusionFilters"] == [{"filterType": "WILDCARD", "filter": "dev-*"}]
    assert template["customRoleArn"] == role


def test_conditions_decide_what_is_made(ecr, stacks):
    sections = {
        "Parameters": {"Cached": {"Type": "String", "Default": "no"}},
        "Conditions": {"IsCached": {"Fn::Equals": [{"Ref": "Cached"}, "yes"]}},
    }
    resources = {"Always": changed(QUAY, EcrRepositoryPrefix="always"), "Maybe": {**QUAY, "Condition": "IsCached"}}
    stacks.create(resources, **sections)
    assert prefixes(ecr) == ["always"]
    stacks.update(resources, {"Cached": "yes"}, **sections)
    assert prefixes(ecr) == ["always", "quay"]
    stacks.update(resources, {"Cached": "no"}, **sections)
    assert prefixes(ecr) == ["always"]


def test_rule_that_is_gone_already_does_not_stop_the_deletion(aws, ecr, stack):
    stack.create(WHOLE)
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="hub")
    ecr.delete_repository_creation_template(prefix="hub")
    aws.client("secretsmanager").delete_secret(SecretId="ecr-pullthroughcache/hub", ForceDeleteWithoutRecovery=True)
    stack.delete()
    assert refusal(stack.describe).code == "ValidationError"


def test_deleted_stack_leaves_what_was_pulled_through_its_rule(ecr, stack):
    stack.create({"Rule": QUAY})
    pulled = digest(pull(ecr, "quay/team/app"))
    stack.delete()
    assert digest(pull(ecr, "quay/team/app")) == pulled


def test_outputs_stay_when_somebody_deletes_what_they_are_of(ecr, stacks):
    stacks.create({"Template": TEMPLATE}, Outputs={"Created": {"Value": {"Fn::GetAtt": ["Template", "CreatedAt"]}}})
    ecr.delete_repository_creation_template(prefix="hub")
    assert stacks.outputs["Created"]


def test_secret_that_is_to_be_deleted_already_does_not_stop_the_deletion(aws, stack):
    stack.create({"Secret": SECRET, "Rule": RULE})
    aws.client("secretsmanager").delete_secret(SecretId="ecr-pullthroughcache/hub")
    stack.delete()
    assert secrets(aws) == []


def test_deleted_stack_stays_deleted_when_it_is_described(ecr, stack):
    stack.create({"Rule": QUAY}, Outputs={"Rule": {"Value": {"Ref": "Rule"}}})
    stack_id = stack.describe()["StackId"]
    stack.delete()
    (gone,) = stack.client.describe_stacks(StackName=stack_id)["Stacks"]
    assert gone["StackStatus"] == "DELETE_COMPLETE"
    assert rules(ecr) == []


def test_retained_resource_stays(ecr, stack):
    stack.create({"Rule": {**QUAY, "DeletionPolicy": "Retain"}, "Other": changed(QUAY, EcrRepositoryPrefix="other")})
    stack.delete()
    assert prefixes(ecr) == ["quay"]


def test_change_sets_of_one_name_belong_to_their_stacks(aws, ecr):
    client = aws.client("cloudformation")
    for name in ("one", "two"):
        body = document({"Rule": changed(QUAY, EcrRepositoryPrefix=name)})
        client.create_change_set(ChangeSetName="same", StackName=name, ChangeSetType="CREATE", TemplateBody=body)
    client.execute_change_set(ChangeSetName="same", StackName="one")
    assert prefixes(ecr) == ["one"]
    client.execute_change_set(ChangeSetName="same", StackName="two")
    assert prefixes(ecr) == ["one", "two"]


def test_stacks_at_once_keep_apart(aws, ecr):
    def create(number: int) -> str:
        client = aws.client("cloudformation")
        rule = changed(QUAY if number % 2 else BAD, EcrRepositoryPrefix=f"team-{number}")
        client.create_stack(StackName=f"stack-{number}", TemplateBody=document({"Rule": rule}))
        return str(client.describe_stacks(StackName=f"stack-{number}")["Stacks"][0]["StackStatus"])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(create, range(24))) == ["ROLLBACK_COMPLETE", "CREATE_COMPLETE"] * 12
    assert sorted(prefixes(ecr)) == sorted(f"team-{number}" for number in range(1, 24, 2))


def test_accounts_and_regions_have_stacks_of_their_own(aws):
    for region, account in (("us-east-1", ACCOUNT), ("eu-west-1", ACCOUNT), ("us-east-1", OTHER_ACCOUNT)):
        client = aws.client("cloudformation", region, account=account)
        client.create_stack(StackName="stack", TemplateBody=document({"Rule": QUAY}))
        ecr = aws.client("ecr", region, account=account)
        assert [rule["registryId"] for rule in rules(ecr)] == [account]
        client.delete_stack(StackName="stack")
        assert rules(ecr) == []


# --- updates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "properties",
    [{"EcrRepositoryPrefix": "other"}, {"EcrRepositoryPrefix": "other", "UpstreamRegistryUrl": "public.ecr.aws"}],
)
def test_update_of_a_rule_replaces_it(ecr, stacks, properties):
    stacks.create({"Rule": QUAY})
    stacks.update({"Rule": changed(QUAY, **properties)})
    assert stacks.status == "UPDATE_COMPLETE"
    (rule,) = rules(ecr)
    assert (rule["ecrRepositoryPrefix"], stacks.physical_ids()) == ("other", {"Rule": "other"})


def test_rule_that_does_not_change_is_left_alone(ecr, stacks):
    stacks.create({"Rule": QUAY})
    (before,) = rules(ecr)
    stacks.update({"Rule": {**QUAY, "Metadata": {"a": "b"}}, "More": changed(QUAY, EcrRepositoryPrefix="more")})
    assert rules(ecr)[0] == before
    assert prefixes(ecr) == ["quay", "more"]


def test_other_secret_under_the_same_prefix_conflicts_and_is_rolled_back(aws, ecr, stacks):
    stacks.create(WHOLE)
    (before,) = rules(ecr)
    other = changed(SECRET, Name="ecr-pullthroughcache/other")
    stacks.update({**WHOLE, "Other": other, "Rule": changed(RULE, CredentialArn={"Ref": "Other"})})
    assert stacks.status == "UPDATE_ROLLBACK_COMPLETE"
    (reason,) = stacks.reasons()
    assert "Resource of type 'AWS::ECR::PullThroughCacheRule' with identifier 'hub' already exists." in reason
    assert "HandlerErrorCode: AlreadyExists" in reason
    assert rules(ecr) == [before]
    assert secrets(aws) == ["ecr-pullthroughcache/hub"]


def test_replaced_secret_conflicts_with_the_rule_that_refers_to_it(aws, ecr, stacks):
    stacks.create(WHOLE)
    stacks.update({**WHOLE, "Secret": changed(SECRET, Name="ecr-pullthroughcache/other")})
    assert stacks.status == "UPDATE_ROLLBACK_COMPLETE"
    assert secrets(aws) == ["ecr-pullthroughcache/hub"]


def test_parameter_within_a_text_counts(ecr, stacks):
    sections = {"Parameters": {"Team": {"Type": "String", "Default": "a"}}}
    resources = {"Rule": changed(QUAY, EcrRepositoryPrefix={"Fn::Sub": "${Team}/quay"})}
    stacks.create(resources, **sections)
    stacks.update(resources, {"Team": "b"}, **sections)
    assert prefixes(ecr) == ["b/quay"]


def test_template_changes_in_place(ecr, stacks):
    stacks.create({"Template": changed(TEMPLATE, Description="old", ResourceTags=[{"Key": "a", "Value": "b"}])})
    (before,) = templates(ecr)
    stacks.update({"Template": changed(TEMPLATE, RepositoryPolicy=None, ImageTagMutability="IMMUTABLE")})
    (after,) = templates(ecr)
    assert (after["prefix"], after["createdAt"]) == (before["prefix"], before["createdAt"])
    assert (after["imageTagMutability"], after["appliedFor"]) == ("IMMUTABLE", ["PULL_THROUGH_CACHE"])
    assert not {"description", "resourceTags", "repositoryPolicy"} & set(after)


def test_template_with_a_role_of_another_account_is_refused_and_as_before(ecr, stacks):
    stacks.create({"Template": TEMPLATE})
    before = templates(ecr)
    stacks.update({"Template": changed(TEMPLATE, CustomRoleArn=f"arn:aws:iam::{OTHER_ACCOUNT}:role/template")})
    assert stacks.status == "UPDATE_ROLLBACK_COMPLETE"
    assert templates(ecr) == before


def test_template_with_another_prefix_is_replaced(ecr, stacks):
    stacks.create({"Template": TEMPLATE})
    stacks.update({"Template": changed(TEMPLATE, Prefix="other")})
    assert template_prefixes(ecr) == ["other"]


def test_retained_resource_stays_when_it_is_taken_out_or_replaced(ecr, stacks):
    other = changed(QUAY, EcrRepositoryPrefix="other")
    retained = {**QUAY, "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    stacks.create({"Rule": retained, "Other": other})
    stacks.update({"Rule": changed(retained, EcrRepositoryPrefix="new"), "Other": other})
    stacks.update({"Other": other})
    assert prefixes(ecr) == ["quay", "other", "new"]


def test_update_of_an_exported_rule_beside_a_resource_of_motos(aws, ecr, stacks):
    def resources(name: str) -> dict[str, Any]:
        repository = {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": name}}
        return {"Repository": repository, "Rule": changed(QUAY, EcrRepositoryPrefix=name)}

    outputs = {"Rule": {"Value": {"Ref": "Rule"}, "Export": {"Name": "the-rule"}}}
    stacks.create(resources("old"), Outputs=outputs)
    stacks.update(resources("new"), Outputs=outputs)
    assert (repositories(ecr), prefixes(ecr)) == (["new"], ["new"])
    exports = stacks.client.list_exports()["Exports"]
    assert [(export["Name"], export["Value"]) for export in exports] == [("the-rule", "new")]


def test_resource_that_was_taken_out_can_come_back(ecr, stacks):
    other = changed(QUAY, EcrRepositoryPrefix="other")
    stacks.create({"Rule": QUAY, "Other": other})
    stacks.update({"Other": other})
    assert prefixes(ecr) == ["other"]
    stacks.update({"Rule": QUAY, "Other": other})
    assert prefixes(ecr) == ["other", "quay"]


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outputs", [{}, {"Rule": {"Value": {"Ref": "Bad"}, "Export": {"Name": "the-rule"}}}])
def test_refused_creation_is_rolled_back(aws, ecr, stacks, outputs):
    resources = {**WHOLE, "Bad": BAD, "Bucket": {"Type": "AWS::S3::Bucket"}}
    stacks.create(resources, Outputs=outputs)
    assert stacks.status == "ROLLBACK_COMPLETE"
    (reason,) = stacks.reasons()
    assert reason.startswith(f'Resource handler returned message: "{BAD_URL} (Service: Ecr, Status Code: 400, ')
    assert reason.endswith("HandlerErrorCode: InvalidRequest)")
    assert (rules(ecr), templates(ecr), secrets(aws)) == ([], [], [])
    assert aws.client("s3").list_buckets()["Buckets"] == []
    assert (stacks.outputs, stacks.physical_ids()) == ({}, {})
    assert stacks.client.list_exports()["Exports"] == []
    with pytest.raises(WaiterError, match="ROLLBACK_COMPLETE"):
        stacks.client.get_waiter("stack_create_complete").wait(StackName="stack", WaiterConfig={"MaxAttempts": 1})
    stacks.delete()
    stacks.create(WHOLE)
    assert stacks.status == "CREATE_COMPLETE"


@pytest.mark.parametrize("outputs", [{}, {"Rule": {"Value": {"Ref": "Bad"}, "Export": {"Name": "the-rule"}}}])
def test_refused_update_is_rolled_back(aws, ecr, stacks, outputs):
    stacks.create({**WHOLE, "Going": changed(QUAY, EcrRepositoryPrefix="going")})
    before = (sorted(prefixes(ecr)), template_prefixes(ecr), secrets(aws))
    new = {
        "Rule": RULE,
        "Secret": changed(SECRET, Description="new"),
        "Template": changed(TEMPLATE, Prefix="other"),
        "More": changed(SECRET, Name="ecr-pullthroughcache/more"),
        "Bad": BAD,
        "Bucket": {"Type": "AWS::S3::Bucket"},
    }
    stacks.update(new, Outputs=outputs)
    assert stacks.status == "UPDATE_ROLLBACK_COMPLETE"
    (reason,) = stacks.reasons()
    assert BAD_URL in reason
    assert (sorted(prefixes(ecr)), template_prefixes(ecr), secrets(aws)) == before
    assert aws.client("s3").list_buckets()["Buckets"] == []
    assert set(stacks.physical_ids()) == {*WHOLE, "Going"}
    stacks.update({"Rule": changed(QUAY)})
    assert (stacks.status, prefixes(ecr)) == ("UPDATE_COMPLETE", ["quay"])
    stacks.delete()
    assert (rules(ecr), templates(ecr), secrets(aws)) == ([], [], [])


def test_update_that_is_refused_in_place_keeps_what_was_there(ecr, stacks):
    stacks.create({"Template": TEMPLATE, "Rule": QUAY})
    (before,) = templates(ecr)
    stacks.update({"Template": changed(TEMPLATE, LifecyclePolicy="no policy"), "Rule": QUAY})
    assert stacks.status == "UPDATE_ROLLBACK_COMPLETE"
    (after,) = templates(ecr)
    assert after == before


def test_update_with_a_faulty_template_changes_nothing(ecr, stacks):
    stacks.create({"Rule": QUAY})
    other = changed(QUAY, EcrRepositoryPrefix="other")
    faulty = changed(QUAY, EcrRepositoryPrefix={"Fn::GetAtt": ["Nothing", "Arn"]})
    found = refusal(stacks.update, resources={"Other": other, "Faulty": faulty})
    assert (found.code, "dependencies [Nothing]" in found.message) == ("ValidationError", True)
    assert (stacks.status, prefixes(ecr)) == ("CREATE_COMPLETE", ["quay"])


def test_creation_with_a_faulty_template_leaves_nothing(ecr, stacks):
    faulty = changed(QUAY, EcrRepositoryPrefix={"Fn::GetAtt": ["Nothing", "Arn"]})
    found = refusal(stacks.create, resources={"Rule": QUAY, "Faulty": faulty})
    assert (found.code, "dependencies [Nothing]" in found.message) == ("ValidationError", True)
    assert rules(ecr) == []


def test_resource_of_motos_that_fails_rolls_back_too(aws, ecr, stacks):
    aws.client("iam").create_role(RoleName="taken", AssumeRolePolicyDocument="{}")
    role = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "taken", "AssumeRolePolicyDocument": {}}}
    with pytest.raises(ClientError, match="taken"):
        stacks.create({"Rule": QUAY, "Role": role})
    assert rules(ecr) == []
    assert refusal(stacks.describe).code == "ValidationError"


@pytest.mark.parametrize("odd", ["text", {"Properties": {}}, {"Type": 1}])
def test_resource_that_is_none_is_refused(ecr, stack, odd):
    assert refusal(stack.create, resources={"Rule": QUAY, "Odd": odd}).code == "ValidationError"
    assert rules(ecr) == []
    assert refusal(stack.describe).code == "ValidationError"


def test_short_forms_of_yaml_are_read(aws, ecr, stack):
    body = """
        Resources:
          Rule:
            Type: AWS::ECR::PullThroughCacheRule
            Properties: {EcrRepositoryPrefix: !Sub "${AWS::Region}/quay", UpstreamRegistryUrl: quay.io}
          Template:
            Type: AWS::ECR::RepositoryCreationTemplate
            Properties: {Prefix: !Ref Rule, AppliedFor: [PULL_THROUGH_CACHE]}
        Outputs:
          Created: {Value: !GetAtt Template.CreatedAt}
    """
    stack.client.create_stack(StackName="stack", TemplateBody=body)
    assert (prefixes(ecr), template_prefixes(ecr)) == (["us-east-1/quay"], ["us-east-1/quay"])
    assert stack.outputs["Created"]


def test_rolled_back_stack_takes_no_update(ecr, stacks):
    stacks.create({"Bad": BAD})
    assert "ROLLBACK_COMPLETE state" in refusal(stacks.update, resources={"Rule": QUAY}).message
    assert rules(ecr) == []


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (changed(QUAY, Colour="red"), "Encountered unsupported property Colour"),
        (changed(QUAY, Upstreamregistry="quay"), "Encountered unsupported property Upstreamregistry"),
        (changed(QUAY, RegistryId=ACCOUNT), "Encountered unsupported property RegistryId"),
        (changed(QUAY, ecrRepositoryPrefix="red"), "Encountered unsupported property ecrRepositoryPrefix"),
        (
            changed(QUAY, UpstreamRegistryUrl=["quay.io"]),
            "Value of property UpstreamRegistryUrl must be of type String",
        ),
        (changed(QUAY, EcrRepositoryPrefix=None), "Invalid parameter at 'ecrRepositoryPrefix'"),
        (changed(QUAY, EcrRepositoryPrefix="UPPER"), "Member must satisfy regular expression pattern"),
        (changed(QUAY, EcrRepositoryPrefix=True, UpstreamRegistryUrl=5), "The upstream registry URL 5 is invalid"),
        (changed(QUAY, UpstreamRegistryUrl="registry-1.docker.io"), "The specified upstream registry requires auth"),
        (changed(TEMPLATE, AppliedFor=None), "Invalid parameter at 'appliedFor'"),
        (changed(TEMPLATE, AppliedFor="PULL_THROUGH_CACHE"), "Value of property AppliedFor must be of type List"),
        (changed(TEMPLATE, ResourceTags=["a"]), "Value of property ResourceTags must be of type Object"),
        (changed(TEMPLATE, RepositoryPolicy="no policy"), "Invalid"),
        (changed(SECRET, Colour="red"), "Encountered unsupported property Colour"),
        (changed(SECRET, SecretString={"a": "b"}), "Value of property SecretString has the wrong type"),
        (changed(SECRET, GenerateSecretString={}), "both SecretString and GenerateSecretString"),
        (changed(SECRET, Tags=[{"Value": "a"}]), "Each of Tags must have a Key"),
        (changed(SECRET, SecretString=None, GenerateSecretString={"Colour": "red"}), "unsupported property Colour"),
        (changed(SECRET, SecretString=None, GenerateSecretString={"GenerateStringKey": "a"}), "specified together"),
        (changed(SECRET, SecretString=None, GenerateSecretString={"PasswordLength": "long"}), "of type Integer"),
        (changed(SECRET, SecretString=None, GenerateSecretString={"PasswordLength": 3}), "between 4 and 4096"),
        (changed(SECRET, SecretString=None, GenerateSecretString={"IncludeSpace": 1}), "of type Boolean"),
        (
            changed(
                SECRET, SecretString=None, GenerateSecretString={"GenerateStringKey": "a", "SecretStringTemplate": "[]"}
            ),
            "Could not parse SecretStringTemplate JSON",
        ),
        (
            changed(
                SECRET,
                SecretString=None,
                GenerateSecretString={"GenerateStringKey": "a", "SecretStringTemplate": "{"},
            ),
            "Could not parse SecretStringTemplate JSON",
        ),
    ],
)
def test_bad_property_is_the_reason(aws, ecr, stack, resource, reason):
    if HAS_SECRET_TYPE and resource["Type"] == SECRET["Type"]:
        pytest.skip("this moto has a type of its own for secrets")
    stack.create({"Good": changed(QUAY, EcrRepositoryPrefix="good"), "Bad": resource})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert reason in stack.reasons()[0]
    assert (rules(ecr), templates(ecr), secrets(aws)) == ([], [], [])


def test_second_rule_of_a_prefix_is_refused_and_the_first_stays(ecr, stack):
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    stack.create({"Rule": QUAY})
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "HandlerErrorCode: AlreadyExists" in stack.reasons()[0]
    assert prefixes(ecr) == ["quay"]


def test_stack_of_that_name_exists_already(ecr, stack):
    stack.create({"Rule": QUAY})
    with pytest.raises(ClientError, match="already exists"):
        stack.create({"Rule": changed(QUAY, EcrRepositoryPrefix="other")})
    assert prefixes(ecr) == ["quay"]
    assert stack.status == "CREATE_COMPLETE"


# --- what is left to moto --------------------------------------------------------------------------------------------


def test_stack_without_our_resources_fails_as_motos(aws, ecr, stacks):
    repository = {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "app"}}
    stacks.create({"Repository": repository})
    faulty = {**repository, "Properties": {"RepositoryName": {"Fn::GetAtt": ["Nothing", "Arn"]}}}
    assert refusal(stacks.update, resources={"Repository": repository, "Faulty": faulty}).code == "ValidationError"
    assert repositories(ecr) == ["app"]


def test_stack_without_our_resources_is_motos(aws, ecr, stacks):
    repository = {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "app"}}
    stacks.create({"Repository": repository}, Outputs={"Arn": {"Value": {"Fn::GetAtt": ["Repository", "Arn"]}}})
    assert repositories(ecr) == ["app"]
    stacks.update({"Repository": {**repository, "Properties": {"RepositoryName": "other"}}})
    assert repositories(ecr) == ["other"]
    stacks.delete()
    assert repositories(ecr) == []


def test_caller_needs_no_rights_of_ecr(aws, ecr):
    client = aws.client("cloudformation", **user(aws, allow("cloudformation:*")))
    enforced(client.create_stack, StackName="stack", TemplateBody=document({"Rule": QUAY}))
    assert prefixes(ecr) == ["quay"]


@pytest.fixture
def nested(aws: Aws) -> Callable[..., dict[str, Any]]:
    """Return a stack as a resource of another."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="templates")

    def make(resources: dict[str, Any]) -> dict[str, Any]:
        s3.put_object(Bucket="templates", Key=f"{len(resources)}.json", Body=document(resources))
        url = f"https://s3.amazonaws.com/templates/{len(resources)}.json"
        return {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}

    return make


def test_nested_stack_that_fails_fails_the_outer_one(ecr, stacks, nested):
    outer = {"Outer": changed(QUAY, EcrRepositoryPrefix="outer"), "Nested": nested({"Rule": QUAY, "Bad": BAD})}
    stacks.create(outer)
    assert stacks.status == "ROLLBACK_COMPLETE"
    assert rules(ecr) == []
    assert len(stacks.client.describe_stacks()["Stacks"]) == 1


def test_nested_stack_that_fails_fails_the_update_of_an_outer_one_without_rules(ecr, stacks, nested):
    queue = {"Type": "AWS::SQS::Queue"}
    stacks.create({"Queue": queue, "Nested": nested({"Rule": QUAY})})
    assert prefixes(ecr) == ["quay"]
    bad = {**nested({"Rule": QUAY, "Bad": BAD}), "Metadata": {"changed": "yes"}}
    found = refusal(stacks.update, resources={"Queue": queue, "Nested": bad})
    assert BAD_URL in found.message
    assert "was not successfully created" in found.message


def test_stack_set_with_a_refused_rule_reports_no_success(ecr, stack):
    stack.client.create_stack_set(StackSetName="set", TemplateBody=document({"Bad": BAD}))
    found = refusal(stack.client.create_stack_instances, StackSetName="set", Accounts=[ACCOUNT], Regions=["us-east-1"])
    assert BAD_URL in found.message
    assert rules(ecr) == []
