"""Malformed templates: each is refused as a call, and nothing of it remains."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from conftest import Aws, prefixes, refusal, repositories, rules, templates
from tests.cloudformation.stack_calls import BUCKET, QUAY, QUEUE, SECRET, TEMPLATE, changed, secrets

pytestmark = [
    pytest.mark.filterwarnings("ignore:Tried to parse"),  # moto's, of a type that it does not know
    pytest.mark.filterwarnings("ignore:Exception"),  # moto's, of an error that is none of CloudFormation's
]


GOOD: dict[str, Any] = {
    "Description": "a template",
    "Metadata": {"a": "b"},
    "Parameters": {"Team": {"Type": "String", "Default": "team", "NoEcho": True}},
    "Mappings": {"Names": {"us-east-1": {"name": "mapped"}}},
    "Conditions": {
        "Yes": {"Fn::Equals": [{"Ref": "Team"}, "team"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Both": {"Fn::And": [{"Condition": "Yes"}, {"Fn::Or": [{"Condition": "No"}, {"Condition": "Yes"}]}]},
    },
    "Resources": {
        "Rule": changed(QUAY, EcrRepositoryPrefix={"Fn::Sub": ["${Team}/${Name}", {"Name": "quay"}]}),
        "Template": {
            **changed(TEMPLATE, Prefix={"Ref": "Rule"}, Description={"Fn::If": ["Yes", "a", "b"]}),
            "DependsOn": ["Repository"],
            "Condition": "Both",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
        },
        "Repository": {
            "Type": "AWS::ECR::Repository",
            "Properties": {"RepositoryName": {"Fn::FindInMap": ["Names", "us-east-1", "name"]}},
            "DependsOn": "Rule",
        },
    },
    "Outputs": {
        "Made": {
            "Value": {"Fn::GetAtt": ["Template", "CreatedAt"]},
            "Description": "when",
            "Condition": "Yes",
            "Export": {"Name": "made"},
        }
    },
}
POLICIES = "Delete, Retain, RetainExceptOnCreate, Snapshot"
WRONG: list[Any] = [None, 1, "x", [], [1], {"a": 1}]


def nodes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the paths of all that a template consists of, the template itself excepted."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if (*path, key) != ("Resources",):  # without which the template is moto's affair
            yield (*path, key)
        yield from nodes(item, (*path, key))


def replaced(path: tuple[Any, ...], value: Any) -> str:
    template = copy.deepcopy(GOOD)
    place: Any = template
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(template)


def left(aws: Aws) -> Any:
    ecr = aws.client("ecr")
    return (rules(ecr), templates(ecr), secrets(aws), repositories(ecr))


def status(client: Any) -> str | None:
    found = [stack["StackStatus"] for stack in client.describe_stacks()["Stacks"] if stack["StackName"] == "stack"]
    assert len(found) <= 1
    return found[0] if found else None


def attempt(call: Any, **arguments: Any) -> bool:
    """Make a call; return whether it succeeded, and if not that it was a client's error."""
    try:
        call(StackName="stack", **arguments)
    except ClientError as error:
        found = error.response["ResponseMetadata"]["HTTPStatusCode"]
    else:
        return True
    assert found in (400, 409)  # IAM and ECR have the latter for what exists
    return False


def check_creation(aws: Aws, client: Any, body: str) -> None:
    done = attempt(client.create_stack, TemplateBody=body)
    found = status(client)
    if found != "CREATE_COMPLETE":
        assert found in ((None, "ROLLBACK_COMPLETE") if not done else ("ROLLBACK_COMPLETE",))
        assert left(aws) == ([], [], [], [])
    attempt(client.delete_stack)
    assert left(aws) == ([], [], [], [])
    assert client.list_exports()["Exports"] == []


def check_update(aws: Aws, client: Any, body: str, call: Any) -> None:
    client.create_stack(StackName="stack", TemplateBody=json.dumps(GOOD))
    before = left(aws)
    done = call(body)
    found = status(client)
    if found != "UPDATE_COMPLETE":
        assert found == ("UPDATE_ROLLBACK_COMPLETE" if done else "CREATE_COMPLETE")
        assert left(aws) == before
    client.delete_stack(StackName="stack")
    assert left(aws) == ([], [], [], [])


@pytest.mark.parametrize("wrong", WRONG, ids=json.dumps)
def test_creation_with_a_wrong_value_anywhere_succeeds_or_is_refused_and_leaves_nothing(in_process, wrong):
    client = in_process.client("cloudformation")
    for path in nodes(GOOD):
        check_creation(in_process, client, replaced(path, wrong))


@pytest.mark.parametrize("wrong", WRONG[-2:], ids=json.dumps)
def test_update_with_a_wrong_value_anywhere_succeeds_or_is_refused_and_changes_nothing(in_process, wrong):
    client = in_process.client("cloudformation")
    for path in nodes(GOOD):
        check_update(
            in_process, client, replaced(path, wrong), lambda body: attempt(client.update_stack, TemplateBody=body)
        )


@pytest.mark.parametrize("wrong", WRONG[-2:], ids=json.dumps)
def test_change_set_with_a_wrong_value_anywhere_succeeds_or_is_refused_and_changes_nothing(in_process, wrong):
    client = in_process.client("cloudformation")

    def change(kind: str, body: str) -> bool:
        return attempt(
            client.create_change_set, ChangeSetName="change", ChangeSetType=kind, TemplateBody=body
        ) and attempt(client.execute_change_set, ChangeSetName="change")

    for path in nodes(GOOD):
        body = replaced(path, wrong)
        done = change("CREATE", body)
        found = status(client)
        if found != "CREATE_COMPLETE":
            assert found == ("ROLLBACK_COMPLETE" if done else None)
            assert left(in_process) == ([], [], [], [])
        attempt(client.delete_stack)
        check_update(in_process, client, body, lambda body: change("UPDATE", body))


def test_malformed_template_is_http_400_on_a_server(server):
    for path in nodes(GOOD):
        for wrong in (None, [1]):
            form = {"Action": "CreateStack", "StackName": "stack", "TemplateBody": replaced(path, wrong)}
            headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/20240101/us-east-1/cloudformation/aws4_request"}
            answer = requests.post(f"{server.endpoint_url}/", data=form, headers=headers, timeout=60)
            assert answer.status_code in (200, 400), answer.text
            server.client("cloudformation").delete_stack(StackName="stack")


def test_good_template_is_one(aws, ecr, stacks):
    stacks.create(GOOD["Resources"], **{name: part for name, part in GOOD.items() if name != "Resources"})
    assert (stacks.status, prefixes(ecr), repositories(ecr)) == ("CREATE_COMPLETE", ["team/quay"], ["mapped"])


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"Resources": {}}, "Template format error: At least one Resources member must be defined."),
        ({"Outputs": None}, "[/Outputs] 'null' values are not allowed in templates"),
        (
            {"Resources": {"Rule": {**QUAY, "Properties": {"EcrRepositoryPrefix": None}}}},
            "[/Resources/Rule/Properties/EcrRepositoryPrefix] 'null' values are not allowed in templates",
        ),
        (
            {"Resources": {"Rule": {**QUAY, "Properties": 5}}},
            "Template format error: [/Resources/Rule] the value of Properties must be an object",
        ),
        (
            {"Resources": {"Rule": QUAY, "Odd": {"Properties": {}}}},
            "Template format error: [/Resources/Odd] Every Resources object must contain a Type member.",
        ),
        (
            {"Resources": {"Rule": {**QUAY, "DependsOn": "Nothing"}}},
            "Template format error: Unresolved resource dependencies [Nothing] in the Resources block of the template",
        ),
        (
            {"Resources": {"Rule": changed(QUAY, EcrRepositoryPrefix={"Fn::Sub": "${A}${B.C}${!D}${AWS::Region}"})}},
            "Template format error: Unresolved resource dependencies [A, B] in the Resources block of the template",
        ),
        (
            {"Outputs": {"Out": {"Value": {"Ref": "Nothing"}}}},
            "Template format error: Unresolved resource dependencies [Nothing] in the Outputs block of the template",
        ),
        (
            {"Resources": {"Rule": {**QUAY, "Condition": "Nothing"}}},
            "Template format error: Unresolved condition dependency Nothing in the Resources block of the template",
        ),
        (
            {
                "Resources": {
                    "A": changed(QUAY, EcrRepositoryPrefix={"Ref": "B"}),
                    "B": {**changed(QUAY, EcrRepositoryPrefix="b"), "DependsOn": ["A"]},
                }
            },
            "Circular dependency between resources: [A, B]",
        ),
        ({"Resources": {"A": {**QUAY, "DependsOn": "A"}}}, "Circular dependency between resources: [A]"),
        (
            {"Conditions": {"A": {"Fn::Not": [{"Condition": "A"}]}}},
            "Template format error: Circular dependency between conditions: [A]",
        ),
        (
            {"Resources": {"Rule": {**QUAY, "DeletionPolicy": "Keep"}}},
            f"Template format error: [/Resources/Rule] the value of DeletionPolicy must be one of {POLICIES}",
        ),
        (
            {"Outputs": {"Out": {"Value": ["a"]}}},
            "Template format error: the value of output Out must be a string",
        ),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_malformed_template_is_refused_with_its_fault(ecr, stacks, sections, message):
    sections = {"Resources": {"Rule": QUAY}, **sections}
    resources = sections.pop("Resources")
    if not resources:
        stacks.create({"Rule": QUAY})
        call = stacks.update
    else:
        call = stacks.create
    found = refusal(call, resources=resources, **sections)
    assert found.code == "ValidationError"
    assert sorted(found.message) == sorted(message) if "Circular" in message else found.message == message
    assert len(rules(ecr)) == (0 if resources else 1)


def test_template_that_contains_itself_is_refused(ecr, aws):
    body = "Resources: {Rule: {Type: 'AWS::ECR::PullThroughCacheRule', Properties: &a {EcrRepositoryPrefix: *a}}}"
    found = refusal(aws.client("cloudformation").create_stack, StackName="stack", TemplateBody=body)
    assert (found.code, "nested too deeply" in found.message) == ("ValidationError", True)
    assert rules(ecr) == []


def test_names_that_are_numbers_are_refused(ecr, aws):
    body = "Resources:\n  1: {Type: 'AWS::ECR::PullThroughCacheRule'}\n"
    found = refusal(aws.client("cloudformation").create_stack, StackName="stack", TemplateBody=body)
    assert "[/Resources] the name 1 is not a string" in found.message


def test_malformed_template_without_our_resources_is_motos_affair(aws):
    for resources in ({"Queue": QUEUE, "Bucket": BUCKET}, {"Queue": {**QUEUE, "DependsOn": "Nothing"}}):
        client = aws.client("cloudformation")
        client.create_stack(StackName="stack", TemplateBody=json.dumps({"Resources": resources}))
        client.delete_stack(StackName="stack")


def test_template_of_secrets_alone_is_checked_too(aws, stacks):
    found = refusal(stacks.create, resources={"Secret": {**SECRET, "DependsOn": 5}})
    assert "the value of DependsOn must be a string or a list of strings" in found.message
    assert secrets(aws) == []
