"""How stacks fail: their words, what stays, stack sets, and moto's dashboard."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from conftest import ACCOUNT, OTHER_ACCOUNT, Aws, prefixes, refusal, rules, template_prefixes
from tests.cloudformation.stack_calls import (
    BAD,
    BAD_URL,
    OUR_SECRET,
    QUAY,
    QUEUE,
    RULE,
    SECRET,
    TEMPLATE,
    WHOLE,
    Stacks,
    changed,
    document,
    secrets,
)


def reason(stacks: Stacks, status: str) -> str:
    events = stacks.client.describe_stack_events(StackName="stack")["StackEvents"]
    (found,) = [event for event in events if event["ResourceStatus"] == status]
    return str(found["ResourceStatusReason"])


def dashboard(aws: Aws) -> Any:
    url = aws.endpoint_url or "http://motoapi.amazonaws.com"
    answer = requests.get(f"{url}/moto-api/data.json", timeout=60)
    assert answer.status_code == 200
    return answer.json()


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "identifier"),
    [(QUAY, "quay"), (TEMPLATE, "hub"), pytest.param(SECRET, "ecr-pullthroughcache/hub", marks=OUR_SECRET)],
)
def test_name_that_is_taken_is_the_reason_in_awss_words(aws, ecr, stacks, resource, identifier):
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    ecr.create_repository_creation_template(prefix="hub", appliedFor=[])
    aws.secret()
    stacks.create({"Thing": resource})
    kind = resource["Type"]
    text = f"\"Resource of type '{kind}' with identifier '{identifier}' already exists.\""
    pattern = (
        rf"Resource handler returned message: {text} \(RequestToken: [0-9a-f-]+, HandlerErrorCode: AlreadyExists\)"
    )
    assert re.fullmatch(pattern, stacks.reasons()[0])
    assert (prefixes(ecr), template_prefixes(ecr), secrets(aws)) == (["quay"], ["hub"], ["ecr-pullthroughcache/hub"])


def test_failed_stack_says_which_resource_failed(ecr, stacks):
    stacks.create({"Bad": BAD})
    wanted = "The following resource(s) failed to create: [Bad]. Rollback requested by user."
    assert reason(stacks, "ROLLBACK_IN_PROGRESS") == wanted
    stacks.delete()
    stacks.create({"Rule": QUAY})
    stacks.update({"Rule": BAD})
    assert (
        reason(stacks, "UPDATE_ROLLBACK_IN_PROGRESS").strip() == "The following resource(s) failed to update: [Rule]."
    )


# --- what stays ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "stays"), [("Retain", True), ("RetainExceptOnCreate", False), ("Delete", False)])
def test_creation_that_is_rolled_back_deletes_but_what_is_retained(ecr, stacks, policy, stays):
    resources = {"Rule": {**QUAY, "DeletionPolicy": policy}, "Bad": {**BAD, "DependsOn": "Rule"}}
    stacks.create(resources)
    assert prefixes(ecr) == (["quay"] if stays else [])
    stacks.delete()
    assert prefixes(ecr) == (["quay"] if stays else [])


@pytest.mark.parametrize(("policy", "stays"), [("Retain", True), ("RetainExceptOnCreate", False)])
def test_update_that_is_rolled_back_deletes_but_what_is_retained(ecr, stacks, policy, stays):
    stacks.create({"Template": TEMPLATE})
    new = {"Rule": {**QUAY, "DeletionPolicy": policy}, "Bad": {**BAD, "DependsOn": "Rule"}}
    stacks.update({"Template": TEMPLATE, **new})
    assert (stacks.status, prefixes(ecr)) == ("UPDATE_ROLLBACK_COMPLETE", ["quay"] if stays else [])


def test_resource_that_is_retained_except_on_creation_stays_otherwise(ecr, stacks):
    retained = {**QUAY, "DeletionPolicy": "RetainExceptOnCreate"}
    other = {**changed(QUAY, EcrRepositoryPrefix="other"), "DeletionPolicy": "RetainExceptOnCreate"}
    stacks.create({"Rule": retained, "Other": other, "Template": TEMPLATE})
    stacks.update({"Other": other, "Template": TEMPLATE})
    assert prefixes(ecr) == ["quay", "other"]
    stacks.delete()
    assert (prefixes(ecr), template_prefixes(ecr)) == (["quay", "other"], [])


def test_rolled_back_creation_takes_its_exports_back(ecr, stacks):
    outputs = {"Rule": {"Value": {"Ref": "Rule"}, "Export": {"Name": "the-rule"}}}
    stacks.create({"Rule": QUAY, "Bad": BAD}, Outputs=outputs)
    assert stacks.status == "ROLLBACK_COMPLETE"
    assert stacks.client.list_exports()["Exports"] == []


# --- stack sets ------------------------------------------------------------------------------------------------------


@pytest.fixture
def organizational_unit(aws: Aws) -> str:
    client = aws.client("organizations")
    client.create_organization(FeatureSet="ALL")
    (root,) = client.list_roots()["Roots"]
    unit = client.create_organizational_unit(ParentId=root["Id"], Name="unit")["OrganizationalUnit"]["Id"]
    account = client.create_account(AccountName="member", Email="a@example.com")["CreateAccountStatus"]["AccountId"]
    client.move_account(AccountId=account, SourceParentId=root["Id"], DestinationParentId=unit)
    return f"{unit} {account}"


def test_stack_instances_of_a_service_managed_set_that_are_refused_leave_nothing(aws, organizational_unit):
    unit, account = organizational_unit.split()
    client = aws.client("cloudformation")
    resources = {"Rule": QUAY, "Queue": QUEUE, "Bad": {**BAD, "DependsOn": ["Rule", "Queue"]}}
    client.create_stack_set(StackSetName="set", TemplateBody=document(resources), PermissionModel="SERVICE_MANAGED")
    targets = {"OrganizationalUnitIds": [unit]}
    arguments = {"StackSetName": "set", "DeploymentTargets": targets, "Regions": ["us-east-1", "eu-west-1"]}
    found = refusal(client.create_stack_instances, **arguments)
    assert (found.code, BAD_URL in found.message) == ("ValidationError", True)
    for region in ("us-east-1", "eu-west-1"):
        assert rules(aws.client("ecr", region, account=account)) == []
        assert "QueueUrls" not in aws.client("sqs", region, account=account).list_queues()
    assert client.list_stack_instances(StackSetName="set")["Summaries"] == []


def test_stack_instances_of_a_set_are_made_all_or_none(aws, ecr):
    client = aws.client("cloudformation")
    other = aws.client("ecr", account=OTHER_ACCOUNT)
    other.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    client.create_stack_set(StackSetName="set", TemplateBody=document({"Rule": QUAY}))
    arguments = {"StackSetName": "set", "Accounts": [ACCOUNT, OTHER_ACCOUNT], "Regions": ["us-east-1"]}
    assert "already exists." in refusal(client.create_stack_instances, **arguments).message
    assert (prefixes(ecr), prefixes(other)) == ([], ["quay"])
    assert client.list_stack_instances(StackSetName="set")["Summaries"] == []
    assert client.describe_stacks()["Stacks"] == []
    other.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")
    client.create_stack_instances(**arguments)
    assert (prefixes(ecr), prefixes(other)) == (["quay"], ["quay"])
    client.delete_stack_instances(**arguments, RetainStacks=False)
    assert (prefixes(ecr), prefixes(other)) == ([], [])


def test_stack_instances_of_a_service_managed_set_are_made_and_deleted(aws, organizational_unit):
    unit, account = organizational_unit.split()
    client = aws.client("cloudformation")
    retained = {**changed(QUAY, EcrRepositoryPrefix="kept"), "DeletionPolicy": "RetainExceptOnCreate"}
    client.create_stack_set(
        StackSetName="set",
        TemplateBody=document({"Rule": QUAY, "Kept": retained}),
        PermissionModel="SERVICE_MANAGED",
    )
    arguments = {"StackSetName": "set", "Regions": ["us-east-1"]}
    client.create_stack_instances(**arguments, DeploymentTargets={"OrganizationalUnitIds": [unit]})
    ecr = aws.client("ecr", account=account)
    assert prefixes(ecr) == ["quay", "kept"]
    client.delete_stack_instances(**arguments, Accounts=[account], RetainStacks=False)
    assert prefixes(ecr) == ["kept"]


# --- moto's dashboard ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        changed(QUAY, Colour="red"),
        changed(QUAY, EcrRepositoryPrefix=None),
        changed(TEMPLATE, AppliedFor="text"),
        changed(SECRET, Colour="red"),
        {**QUAY, "Properties": 5},
    ],
)
def test_dashboard_shows_stacks_that_failed(aws, stacks, bad):
    try:
        stacks.create({"Bad": bad, **WHOLE})
    except ClientError:
        assert bad["Properties"] == 5
    dashboard(aws)


def test_dashboard_shows_nothing_of_a_secret_among_the_resources(aws, stacks):
    stacks.create({"Secret": changed(SECRET, SecretString="hunter2"), "Rule": RULE})
    shown = dashboard(aws)
    assert "PullThroughCacheRuleType" in str(shown.get("ecr", shown.get("Ecr")))
    assert "hunter2" not in json.dumps(shown.get("ecr", shown.get("Ecr")))
