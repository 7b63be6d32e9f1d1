"""Updates of stacks: their order, and that a refused one touches nothing that stood before."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from conftest import ACCOUNT, GOOD_SECRET, Aws, prefixes, refusal, rules, template_prefixes, templates
from moto_ecr_ptc.ecr.cloudformation.resources import PullThroughCacheRuleType
from moto_ecr_ptc.ecr.configuration.templates import Templates
from moto_ecr_ptc.ecr.exceptions import PullThroughCacheRuleNotFoundException
from tests.cloudformation.stack_calls import (
    BAD,
    BAD_URL,
    BUCKET,
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

TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "topic", "DisplayName": "old"}}


def secret(aws: Aws) -> dict[str, Any]:
    """Return all that can be seen of the secret ``hub``."""
    client = aws.client("secretsmanager")
    described = client.describe_secret(SecretId="ecr-pullthroughcache/hub")
    value = client.get_secret_value(SecretId="ecr-pullthroughcache/hub")
    for answer in (described, value):
        del answer["ResponseMetadata"]
    return {**described, **value}


def buckets(aws: Aws) -> list[str]:
    return [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]]


def queues(aws: Aws) -> list[str]:
    return [url.split("/")[-1] for url in aws.client("sqs").list_queues().get("QueueUrls", [])]


def failed(stacks: Stacks) -> list[tuple[str, str]]:
    events = stacks.client.describe_stack_events(StackName="stack")["StackEvents"]
    return [
        (event["LogicalResourceId"], event["ResourceStatus"])
        for event in events
        if event["ResourceStatus"].endswith("_FAILED")
    ]


# --- what stood before a refused update ------------------------------------------------------------------------------


def test_refused_update_leaves_a_removed_secret_as_it_was(aws, ecr, stacks):
    stacks.create(WHOLE)
    aws.client("secretsmanager").put_secret_value(SecretId="ecr-pullthroughcache/hub", SecretString="by hand")
    before = (secret(aws), rules(ecr), templates(ecr), stacks.physical_ids())
    stacks.update({"Bad": BAD})
    assert stacks.status == "UPDATE_ROLLBACK_COMPLETE"
    assert (secret(aws), rules(ecr), templates(ecr), stacks.physical_ids()) == before
    stacks.update({"Rule": QUAY})
    assert (stacks.status, prefixes(ecr), secrets(aws)) == ("UPDATE_COMPLETE", ["quay"], [])


@pytest.mark.parametrize("logical_id", ["Secret", "Rule", "Template"])
def test_update_that_renames_a_logical_id_under_one_name_conflicts(aws, ecr, stacks, logical_id):
    stacks.create(WHOLE)
    before = (secret(aws), rules(ecr), templates(ecr), stacks.physical_ids())
    renamed = {**WHOLE, "Renamed": WHOLE[logical_id]}
    del renamed[logical_id]
    if logical_id == "Secret":
        renamed["Rule"] = changed(RULE, CredentialArn={"Ref": "Renamed"})
    stacks.update(renamed)
    assert (stacks.status, failed(stacks)) == ("UPDATE_ROLLBACK_COMPLETE", [("Renamed", "CREATE_FAILED")])
    if logical_id != "Secret" or not any(OUR_SECRET.args):
        assert "already exists." in stacks.reasons()[0]
    assert (secret(aws), rules(ecr), templates(ecr), stacks.physical_ids()) == before


def test_refused_update_leaves_what_was_replaced_and_changed_as_it_was(aws, ecr, stacks):
    other = changed(SECRET, Name="ecr-pullthroughcache/other")
    stacks.create({**WHOLE, "Other": other, "Quay": QUAY})
    before = (secret(aws), rules(ecr), templates(ecr), secrets(aws), stacks.physical_ids())
    stacks.update(
        {
            "Secret": changed(SECRET, SecretString="new", Description="new"),
            "Rule": RULE,
            "Template": changed(TEMPLATE, Description="new", RepositoryPolicy=None),
            "Other": changed(other, Name="ecr-pullthroughcache/another"),
            "Quay": changed(QUAY, EcrRepositoryPrefix="other"),
            "Late": {**BAD, "DependsOn": ["Secret", "Template", "Other", "Quay"]},
        }
    )
    assert stacks.status == "UPDATE_ROLLBACK_COMPLETE"
    after = (secret(aws), rules(ecr), templates(ecr), secrets(aws), stacks.physical_ids())
    assert after == before


def test_refused_update_leaves_the_attributes_of_a_template(ecr, stacks):
    outputs = {"Updated": {"Value": {"Fn::GetAtt": ["Template", "UpdatedAt"]}}}
    stacks.create({"Template": TEMPLATE}, Outputs=outputs)
    before = stacks.outputs
    late = {**BAD, "DependsOn": "Template"}
    stacks.update({"Template": changed(TEMPLATE, Description="new"), "Late": late}, Outputs=outputs)
    assert stacks.outputs == before
    stacks.update({"Template": changed(TEMPLATE, Description="new")}, Outputs=outputs)
    assert stacks.outputs != before


def test_refused_update_keeps_the_parameters_and_their_defaults(ecr, stacks):
    def sections(default: str) -> dict[str, Any]:
        return {"Parameters": {"Team": {"Type": "String", "Default": default}}}

    rule = changed(QUAY, EcrRepositoryPrefix={"Fn::Sub": "${Team}/quay"})
    outputs = {"Team": {"Value": {"Ref": "Team"}}}
    stacks.create({"Rule": rule}, **sections("a"), Outputs=outputs)
    stacks.update({"Rule": rule, "Late": {**BAD, "DependsOn": "Rule"}}, **sections("b"), Outputs=outputs)
    assert (stacks.status, prefixes(ecr)) == ("UPDATE_ROLLBACK_COMPLETE", ["a/quay"])
    assert stacks.outputs == {"Team": "a"}
    (parameter,) = stacks.describe()["Parameters"]
    assert parameter["ParameterValue"] == "a"


def test_refused_update_makes_again_nothing_that_somebody_deleted(aws, ecr, stacks):
    stacks.create(WHOLE)
    aws.client("secretsmanager").delete_secret(SecretId="ecr-pullthroughcache/hub", ForceDeleteWithoutRecovery=True)
    stacks.update({"Secret": SECRET, "Bad": BAD})
    assert stacks.status == "UPDATE_ROLLBACK_COMPLETE"
    assert (prefixes(ecr), secrets(aws)) == (["hub"], [])


# --- the order -------------------------------------------------------------------------------------------------------


def test_update_makes_a_new_secret_before_the_rule_that_now_refers_to_it(aws, ecr, stacks):
    stacks.create(WHOLE)
    new = changed(SECRET, Name="ecr-pullthroughcache/new")
    rule = changed(RULE, EcrRepositoryPrefix="new", CredentialArn={"Ref": "New"})
    stacks.update({"Rule": rule, "New": new})
    assert (stacks.status, secrets(aws)) == ("UPDATE_COMPLETE", ["ecr-pullthroughcache/new"])
    (found,) = rules(ecr)
    assert (found["ecrRepositoryPrefix"], found["credentialArn"]) == ("new", stacks.physical_ids()["New"])


def test_update_heeds_depends_on(ecr, stacks):
    stacks.create({"Rule": QUAY})
    first, second = (changed(QUAY, EcrRepositoryPrefix=name) for name in ("first", "second"))
    stacks.update({"Rule": QUAY, "A": {**second, "DependsOn": "B"}, "B": first})
    assert prefixes(ecr) == ["quay", "first", "second"]


def test_update_has_an_event_of_its_clean_up(ecr, stacks):
    stacks.create({"Rule": QUAY})
    stacks.update({"Rule": changed(QUAY, EcrRepositoryPrefix="other")})
    events = stacks.client.describe_stack_events(StackName="stack")["StackEvents"]
    assert [event["ResourceStatus"] for event in events][:3] == [
        "UPDATE_COMPLETE",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_IN_PROGRESS",
    ]


def test_deletion_that_fails_in_the_clean_up_does_not_fail_the_update(ecr, stacks, monkeypatch):
    stacks.create({"Rule": QUAY, "Gone": changed(QUAY, EcrRepositoryPrefix="gone")})

    def refuse(self: Any) -> None:
        raise PullThroughCacheRuleNotFoundException("gone", ACCOUNT)

    monkeypatch.setattr(PullThroughCacheRuleType, "remove", refuse)
    stacks.update({"Rule": changed(QUAY, EcrRepositoryPrefix="other")})
    assert (stacks.status, prefixes(ecr)) == ("UPDATE_COMPLETE", ["quay", "gone", "other"])
    assert failed(stacks) == [("Gone", "DELETE_FAILED"), ("Rule", "DELETE_FAILED")]
    assert all("HandlerErrorCode: NotFound" in reason for reason in stacks.reasons())
    assert set(stacks.physical_ids()) == {"Rule"}


# --- resources of moto's own -----------------------------------------------------------------------------------------


def test_refused_update_leaves_removed_resources_of_motos_as_they_were(aws, ecr, stacks):
    stacks.create({"Rule": QUAY, "Queue": QUEUE, "Bucket": BUCKET})
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName="queue")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    aws.client("s3").put_object(Bucket="a-bucket", Key="kept", Body=b"")
    stacks.update({"Rule": QUAY, "Bad": BAD})
    assert stacks.status == "UPDATE_ROLLBACK_COMPLETE"
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "kept"
    assert aws.client("s3").list_objects_v2(Bucket="a-bucket")["KeyCount"] == 1
    assert set(stacks.physical_ids()) == {"Rule", "Queue", "Bucket"}
    stacks.update({"Rule": QUAY})
    assert (stacks.status, queues(aws)) == ("UPDATE_COMPLETE", [])


def test_refused_update_leaves_resources_of_motos_that_it_would_change_as_they_were(aws, ecr, stacks):
    stacks.create({"Rule": QUAY, "Topic": TOPIC, "Queue": changed(QUEUE, VisibilityTimeout=30)})
    sns = aws.client("sns")
    (topic,) = sns.list_topics()["Topics"]
    sns.subscribe(TopicArn=topic["TopicArn"], Protocol="email", Endpoint="a@example.com")
    stacks.update(
        {
            "Topic": changed(TOPIC, DisplayName="new"),
            "Queue": changed(QUEUE, VisibilityTimeout=60),
            "Rule": BAD,
        }
    )
    assert (stacks.status, prefixes(ecr)) == ("UPDATE_ROLLBACK_COMPLETE", ["quay"])
    assert len(sns.list_subscriptions()["Subscriptions"]) == 1  # moto changes a topic by deleting it


def test_refused_update_changes_resources_of_motos_back(aws, ecr, stacks):
    stacks.create({"Queue": QUEUE, "Topic": TOPIC, "Bucket": BUCKET, "Rule": QUAY})
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName="queue")["QueueUrl"]
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    sns = aws.client("sns")
    (topic,) = sns.list_topics()["Topics"]
    attributes = sns.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]
    stacks.update(
        {
            "Queue": changed(QUEUE, VisibilityTimeout=60),
            "Topic": changed(TOPIC, DisplayName="new"),
            "Bucket": changed(BUCKET, BucketName="another-bucket"),
            "Rule": QUAY,
            "Late": {**BAD, "DependsOn": ["Queue", "Topic", "Bucket"]},
        }
    )
    assert stacks.status == "UPDATE_ROLLBACK_COMPLETE"
    after = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    assert (after, buckets(aws)) == (before, ["a-bucket"])
    found = sns.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]
    assert found["DisplayName"] == attributes["DisplayName"]
    assert stacks.physical_ids()["Bucket"] == "a-bucket"
    stacks.update({"Queue": changed(QUEUE, VisibilityTimeout=60), "Rule": QUAY})
    assert (stacks.status, buckets(aws)) == ("UPDATE_COMPLETE", [])
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    assert found == {"VisibilityTimeout": "60"}


def test_resource_of_motos_whose_properties_do_not_change_is_left_alone(aws, ecr, stacks):
    stacks.create({"Topic": TOPIC, "Rule": QUAY})
    sns = aws.client("sns")
    (topic,) = sns.list_topics()["Topics"]
    sns.subscribe(TopicArn=topic["TopicArn"], Protocol="email", Endpoint="a@example.com")
    stacks.update({"Topic": {**TOPIC, "Metadata": {"a": "b"}, "DependsOn": "Rule"}, "Rule": QUAY})
    assert stacks.status == "UPDATE_COMPLETE"
    assert len(sns.list_subscriptions()["Subscriptions"]) == 1


def test_update_that_renames_the_logical_id_of_a_queue_conflicts(aws, ecr, stacks):
    stacks.create({"Queue": QUEUE, "Rule": QUAY})
    found = refusal(stacks.update, resources={"Renamed": QUEUE, "Rule": QUAY})
    assert (found.code, "already exists in stack" in found.message) == ("ValidationError", True)
    assert (stacks.status, queues(aws)) == ("CREATE_COMPLETE", ["queue"])
    assert set(stacks.physical_ids()) == {"Queue", "Rule"}


def test_update_of_a_type_that_moto_cannot_update_keeps_the_resource(aws, ecr, stacks):
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "group"}}
    stacks.create({"Group": group, "Rule": QUAY})
    stacks.update({"Group": changed(group, RetentionInDays=7), "Rule": QUAY})
    assert (stacks.status, stacks.physical_ids()["Group"]) == ("UPDATE_COMPLETE", "group")
    stacks.delete()
    assert aws.client("logs").describe_log_groups()["logGroups"] == []


def test_update_that_moto_refuses_of_its_own_resource_leaves_all_as_it_was(aws, ecr, stacks):
    stacks.create({"Rule": QUAY, "Template": TEMPLATE})
    events = len(stacks.client.describe_stack_events(StackName="stack")["StackEvents"])
    aws.client("iam").create_role(RoleName="taken", AssumeRolePolicyDocument="{}")
    role = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "taken", "AssumeRolePolicyDocument": {}}}
    new = {
        "Rule": changed(QUAY, EcrRepositoryPrefix="other"),
        "Template": changed(TEMPLATE, Description="new"),
        "Role": {**role, "DependsOn": ["Rule", "Template"]},
    }
    with pytest.raises(ClientError, match="taken"):
        stacks.update(new)
    assert (stacks.status, prefixes(ecr), template_prefixes(ecr)) == ("CREATE_COMPLETE", ["quay"], ["hub"])
    assert "description" not in templates(ecr)[0]
    assert len(stacks.client.describe_stack_events(StackName="stack")["StackEvents"]) == events


@pytest.mark.parametrize("late", [BAD, {"Type": "AWS::IAM::Role", "Properties": {"RoleName": 1}}])
def test_rollback_that_fails_says_so(ecr, stacks, monkeypatch, late):
    def fail(self: Any, template: Any) -> None:
        raise RuntimeError("out of order")

    stacks.create({"Template": TEMPLATE})
    monkeypatch.setattr(Templates, "restore", fail)
    new = {"Template": changed(TEMPLATE, Description="new"), "Late": {**late, "DependsOn": "Template"}}
    with suppress(ClientError):  # what moto refuses is no failure of the stack
        stacks.update(new)
    assert stacks.status == "UPDATE_ROLLBACK_FAILED"
    assert stacks.describe().get("StackStatusReason", "out of order") == "out of order"


# --- states ----------------------------------------------------------------------------------------------------------


def test_successful_update_shows_no_reason_of_an_earlier_failure(ecr, stacks):
    stacks.create({"Rule": QUAY})
    stacks.update({"Rule": QUAY, "Bad": BAD})
    assert stacks.status == "UPDATE_ROLLBACK_COMPLETE"
    stacks.update({"Rule": changed(QUAY, EcrRepositoryPrefix="other")})
    assert stacks.status == "UPDATE_COMPLETE"
    assert not stacks.describe().get("StackStatusReason")


def test_update_without_a_parameter_is_refused_and_leaves_all_as_it_was(ecr, stacks):
    stacks.create({"Rule": QUAY})
    events = stacks.client.describe_stack_events(StackName="stack")["StackEvents"]
    rule = changed(QUAY, EcrRepositoryPrefix={"Ref": "Prefix"})
    found = refusal(stacks.update, resources={"Rule": rule}, Parameters={"Prefix": {"Type": "String"}})
    assert (found.code, found.message) == ("ValidationError", "Missing parameter Prefix")
    assert (stacks.status, prefixes(ecr)) == ("CREATE_COMPLETE", ["quay"])
    assert stacks.client.describe_stack_events(StackName="stack")["StackEvents"] == events


@pytest.mark.parametrize("body", ["{", "a: b: c", "[]", "text", "Resources: &a [*a]"])
def test_update_with_a_template_that_is_none_is_refused_and_leaves_all_as_it_was(ecr, stack, body):
    stack.create({"Rule": QUAY})
    call = stack.client.update_stack
    assert refusal(call, StackName="stack", TemplateBody=body).code == "ValidationError"
    call = stack.client.create_change_set
    found = refusal(call, StackName="stack", ChangeSetName="change", ChangeSetType="UPDATE", TemplateBody=body)
    assert found.code == "ValidationError"
    assert (stack.status, prefixes(ecr)) == ("CREATE_COMPLETE", ["quay"])
    assert refusal(stack.client.update_stack, StackName="stack").code == "ValidationError"


def test_stack_in_review_takes_no_update(ecr, stacks):
    body = document({"Rule": QUAY})
    arguments = {"StackName": "stack", "TemplateBody": body}
    stacks.client.create_change_set(ChangeSetName="first", ChangeSetType="CREATE", **arguments)
    assert "is in REVIEW_IN_PROGRESS state" in refusal(stacks.update, resources={"Rule": QUAY}).message
    assert (stacks.status, rules(ecr)) == ("REVIEW_IN_PROGRESS", [])
    stacks.client.execute_change_set(ChangeSetName="first", StackName="stack")
    assert stacks.status == "CREATE_COMPLETE"


def test_import_by_a_change_set_is_refused(ecr, stack):
    stack.create({"Rule": QUAY})
    found = refusal(
        stack.client.create_change_set,
        StackName="stack",
        ChangeSetName="import",
        ChangeSetType="IMPORT",
        TemplateBody=document({"Rule": QUAY, "Template": TEMPLATE}),
        ResourcesToImport=[
            {
                "ResourceType": "AWS::ECR::RepositoryCreationTemplate",
                "LogicalResourceId": "Template",
                "ResourceIdentifier": {"Prefix": "hub"},
            }
        ],
    )
    assert (found.code, "ChangeSetType IMPORT is not supported" in found.message) == ("ValidationError", True)
    assert (stack.status, len(stack.client.list_stacks()["StackSummaries"])) == ("CREATE_COMPLETE", 1)


@pytest.mark.parametrize(("old", "new"), [(QUAY, TEMPLATE), (QUEUE, QUAY), (QUAY, QUEUE)])
def test_update_that_changes_the_type_of_a_resource_is_refused(aws, ecr, stacks, old, new):
    other = changed(QUAY, EcrRepositoryPrefix="other")
    stacks.create({"Thing": old, "Other": other})
    before = (rules(ecr), templates(ecr), queues(aws))
    found = refusal(stacks.update, resources={"Thing": new, "Other": changed(other, EcrRepositoryPrefix="new")})
    message = "Update of resource type is not permitted. The new template modifies resource type of the following"
    assert (found.code, found.message) == ("ValidationError", f"{message} resources: [Thing]")
    assert (stacks.status, (rules(ecr), templates(ecr), queues(aws))) == ("CREATE_COMPLETE", before)


def test_parameters_keep_their_previous_values_defaults_among_them(ecr, stack):
    sections = {"Parameters": {"Team": {"Type": "String", "Default": "a"}, "Other": {"Type": "String", "Default": "b"}}}
    rule = changed(QUAY, EcrRepositoryPrefix={"Fn::Sub": "${Team}/${Other}"})
    stack.create({"Rule": rule}, **sections)
    arguments = {"StackName": "stack", "TemplateBody": document({"Rule": rule}, **sections)}
    previous = [
        {"ParameterKey": "Team", "UsePreviousValue": True},
        {"ParameterKey": "Other", "ParameterValue": "c"},
    ]
    try:
        stack.client.update_stack(**arguments, Parameters=previous)
    except ClientError as error:
        if "Missing parameter Team" in str(error):
            pytest.skip("an older moto knows no default as the previous value")
        raise
    assert prefixes(ecr) == ["a/c"]
    unknown = [{"ParameterKey": "Nothing", "UsePreviousValue": True}]
    assert refusal(stack.client.update_stack, **arguments, Parameters=unknown).code == "ValidationError"


def test_change_set_that_fails_is_marked_so(ecr, stack):
    def execution(name: str, kind: str, resources: dict[str, Any]) -> str:
        arguments = {"ChangeSetName": name, "StackName": "stack"}
        stack.client.create_change_set(**arguments, ChangeSetType=kind, TemplateBody=document(resources))
        stack.client.execute_change_set(**arguments)
        return str(stack.client.describe_change_set(**arguments)["ExecutionStatus"])

    assert execution("create", "CREATE", {"Rule": QUAY}) == "EXECUTE_COMPLETE"
    assert execution("fail", "UPDATE", {"Rule": QUAY, "Bad": BAD}) == "EXECUTE_FAILED"
    assert BAD_URL in stack.reasons()[0]
    assert execution("update", "UPDATE", {"Rule": changed(QUAY, EcrRepositoryPrefix="new")}) == "EXECUTE_COMPLETE"


def test_secret_of_the_rule_is_what_it_was(aws, ecr, stacks):
    stacks.create({"Secret": SECRET, "Rule": RULE})
    stacks.update({"Secret": SECRET, "Rule": changed(RULE, CredentialArn=None)})
    assert stacks.status == "UPDATE_ROLLBACK_COMPLETE"
    assert secret(aws)["SecretString"] == GOOD_SECRET


# --- change sets and exports -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("good", [True, False])
def test_change_set_is_executed_but_once(ecr, stack, good):
    client = stack.client
    body = document({"Rule": QUAY if good else BAD})
    client.create_change_set(StackName="stack", ChangeSetName="change", ChangeSetType="CREATE", TemplateBody=body)
    client.execute_change_set(StackName="stack", ChangeSetName="change")
    if good:
        stack.update({"Rule": changed(QUAY, EcrRepositoryPrefix="other")})
    before = (stack.status, prefixes(ecr), stack.describe())
    found = refusal(client.execute_change_set, StackName="stack", ChangeSetName="change")
    assert (found.code, found.status) == ("InvalidChangeSetStatus", 400)
    assert f"[EXECUTE_{'COMPLETE' if good else 'FAILED'}]" in found.message
    assert (stack.status, prefixes(ecr), stack.describe()) == before


def test_change_set_creates_no_stack_beside_one_of_its_name(ecr, stack):
    stack.create({"Rule": QUAY})
    found = refusal(
        stack.client.create_change_set,
        StackName="stack",
        ChangeSetName="change",
        ChangeSetType="CREATE",
        TemplateBody=document({"Rule": changed(QUAY, EcrRepositoryPrefix="other")}),
    )
    assert found.code == "ValidationError"
    assert found.message == "Stack [stack] already exists and cannot be created with the changeSet [change]."
    assert len(stack.client.describe_stacks()["Stacks"]) == 1


def test_export_of_another_stack_is_not_taken(ecr, stacks):
    outputs = {"Output": {"Value": "theirs", "Export": {"Name": "taken"}}}
    body = document({"Queue": QUEUE}, Outputs=outputs)
    stacks.client.create_stack(StackName="theirs", TemplateBody=body)
    ours = {"Output": {"Value": "ours", "Export": {"Name": "taken"}}}
    assert refusal(stacks.create, resources={"Rule": QUAY}, Outputs=ours).code == "ValidationError"
    assert prefixes(ecr) == []
    stacks.create({"Rule": QUAY})
    found = refusal(stacks.update, resources={"Rule": changed(QUAY, EcrRepositoryPrefix="other")}, Outputs=ours)
    assert (found.code, found.message) == ("ValidationError", "Export names must be unique across a given region")
    assert (stacks.status, prefixes(ecr)) == ("CREATE_COMPLETE", ["quay"])
    stacks.delete()
    exports = stacks.client.list_exports()["Exports"]
    assert [(export["Name"], export["Value"]) for export in exports] == [("taken", "theirs")]


# --- stacks within stacks --------------------------------------------------------------------------------------------


@pytest.fixture
def nested(aws: Aws) -> Any:
    """Return what makes a stack a resource of another."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="templates")

    def make(key: str, **resources: Any) -> dict[str, Any]:
        s3.put_object(Bucket="templates", Key=key, Body=document(resources))
        properties = {"TemplateURL": f"https://s3.amazonaws.com/templates/{key}"}
        return {"Type": "AWS::CloudFormation::Stack", "Properties": properties}

    return make


def nested_stack(stacks: Stacks) -> dict[str, Any]:
    described = stacks.client.describe_stacks()["Stacks"]
    (found,) = [stack for stack in described if stack["StackName"] != "stack"]
    return found


def test_refused_update_leaves_a_nested_stack_as_it_was(aws, ecr, stacks, nested):
    stacks.create({"Nested": nested("old", Secret=SECRET), "Rule": QUAY})
    aws.client("secretsmanager").put_secret_value(SecretId="ecr-pullthroughcache/hub", SecretString="by hand")
    before = (secret(aws), rules(ecr), nested_stack(stacks), stacks.physical_ids())
    new = nested("new", Secret=changed(SECRET, SecretString="new"), Other=changed(QUAY, EcrRepositoryPrefix="other"))
    for update in (
        {"Nested": nested("bad", Secret=changed(SECRET, Description="new"), Bad={**BAD, "DependsOn": "Secret"})},
        {"Nested": new, "Late": {**BAD, "DependsOn": "Nested"}},
        {"Late": BAD},
    ):
        stacks.update({"Rule": QUAY, **update})
        assert stacks.status == "UPDATE_ROLLBACK_COMPLETE"
        assert (secret(aws), rules(ecr), nested_stack(stacks), stacks.physical_ids()) == before


def test_refused_nested_stack_is_the_reason(ecr, stacks, nested):
    stacks.create({"Nested": nested("old", Rule=QUAY), "Secret": SECRET})
    stacks.update({"Nested": nested("bad", Rule=QUAY, Bad=BAD), "Secret": SECRET})
    events = stacks.client.describe_stack_events(StackName="stack")["StackEvents"]
    (reason,) = (
        event["ResourceStatusReason"]
        for event in events
        if event["ResourceStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS" and event["LogicalResourceId"] == "stack"
    )
    assert "was not successfully updated" in reason
    assert BAD_URL in reason


def test_nested_stack_is_updated_in_place(aws, ecr, stacks, nested):
    stacks.create({"Nested": nested("old", Secret=SECRET, Gone=QUAY), "Rule": changed(QUAY, EcrRepositoryPrefix="one")})
    before = (nested_stack(stacks)["StackId"], secret(aws)["ARN"], stacks.physical_ids())
    new = nested("new", Secret=changed(SECRET, Description="new"))
    stacks.update({"Nested": new, "Rule": changed(QUAY, EcrRepositoryPrefix="two")})
    assert (stacks.status, prefixes(ecr)) == ("UPDATE_COMPLETE", ["two"])
    found = nested_stack(stacks)
    assert (found["StackId"], secret(aws)["ARN"], found["StackStatus"]) == (*before[:2], "UPDATE_COMPLETE")
    assert secret(aws)["Description"] == "new"
    assert stacks.physical_ids()["Nested"] == before[2]["Nested"]
    stacks.delete()
    assert (prefixes(ecr), secrets(aws)) == ([], [])


def test_nested_stack_of_motos_types_alone_is_updated_by_moto(aws, ecr, stacks, nested):
    stacks.create({"Nested": nested("old", Queue=QUEUE), "Rule": QUAY})
    stacks.update({"Nested": nested("new", Bucket=BUCKET), "Rule": QUAY})
    assert (stacks.status, queues(aws), buckets(aws)) == ("UPDATE_COMPLETE", [], ["templates", "a-bucket"])


def test_rollback_of_a_nested_stack_that_fails_says_so(ecr, stacks, nested, monkeypatch):
    def fail(self: Any, template: Any) -> None:
        raise RuntimeError("out of order")

    stacks.create({"Nested": nested("old", Template=TEMPLATE), "Rule": QUAY})
    monkeypatch.setattr(Templates, "restore", fail)
    new = nested("new", Template=changed(TEMPLATE, Description="new"))
    stacks.update({"Nested": new, "Rule": QUAY, "Late": {**BAD, "DependsOn": "Nested"}})
    assert stacks.status == "UPDATE_ROLLBACK_FAILED"
    assert stacks.describe().get("StackStatusReason", "out of order") == "out of order"


# --- deletions that meet a dependency --------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["update", "creation", "deletion"])
def test_deletion_that_meets_a_dependency_is_tried_again(ecr, stack, monkeypatch, step):
    """Nothing in the template says that one needs the other: the first pass may come to them in the wrong order."""
    tried = []
    remove = PullThroughCacheRuleType.remove

    def remove_unless_in_use(self: Any) -> None:
        tried.append(self.physical_resource_id)
        if self.physical_resource_id == "quay" and "other" in prefixes(ecr):
            raise PullThroughCacheRuleNotFoundException("in use", ACCOUNT)
        remove(self)

    monkeypatch.setattr(PullThroughCacheRuleType, "remove", remove_unless_in_use)
    both = {"Other": changed(QUAY, EcrRepositoryPrefix="other"), "Used": QUAY}
    if step == "creation":
        stack.create({**both, "Bad": {**BAD, "DependsOn": ["Used", "Other"]}})
        assert stack.status == "ROLLBACK_COMPLETE"
    else:
        stack.create({**both, "Rule": TEMPLATE})
        stack.update({"Rule": TEMPLATE}) if step == "update" else stack.delete()
    assert (tried, prefixes(ecr)) == (["quay", "other", "quay"], [])
    if step == "update":
        assert (stack.status, failed(stack)) == ("UPDATE_COMPLETE", [])
