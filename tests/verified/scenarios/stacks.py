"""Stacks with rules and templates: what they make, how they fail, and in which words. One takes a minute on AWS."""

from __future__ import annotations

import json
import time
from typing import Any

from botocore.exceptions import ClientError

from ..case import OPEN_UPSTREAM, Case
from ..unanswered import NoAnswer, check_error, check_reason
from ..upstreams import REPOSITORY, TAG
from . import scenario

_PATIENCE = 300
RETAINING = {"Retain": "-retain", "RetainExceptOnCreate": "-except"}
"""Deletion policies, and the ends of the names of rules that have them."""


def rule(name: str, url: str = OPEN_UPSTREAM, **more: Any) -> dict[str, Any]:
    properties = {"EcrRepositoryPrefix": name, "UpstreamRegistryUrl": url, **more}
    return {"Type": "AWS::ECR::PullThroughCacheRule", "Properties": properties}


def template(name: str, **more: Any) -> dict[str, Any]:
    properties = {"Prefix": name, "AppliedFor": ["PULL_THROUGH_CACHE"], **more}
    return {"Type": "AWS::ECR::RepositoryCreationTemplate", "Properties": properties}


def create(case: Case, suffix: str, resources: dict[str, Any], **sections: Any) -> str:
    """Create a stack, and return its status when it is done."""
    body = json.dumps({"Resources": resources, **sections})
    case.cloudformation.create_stack(StackName=case.name(suffix), TemplateBody=body)
    return wait(case, suffix)


def update(case: Case, suffix: str, resources: dict[str, Any], **sections: Any) -> str:
    body = json.dumps({"Resources": resources, **sections})
    case.cloudformation.update_stack(StackName=case.name(suffix), TemplateBody=body)
    return wait(case, suffix)


def wait(case: Case, suffix: str) -> str:
    return _status_of(case, case.name(suffix))


def delete(case: Case, suffix: str) -> str:
    """Delete a stack, and return its status when it is gone."""
    (stack,) = case.cloudformation.describe_stacks(StackName=case.name(suffix))["Stacks"]
    case.cloudformation.delete_stack(StackName=case.name(suffix))
    return _status_of(case, stack["StackId"])  # by its name it is not found any more


def _status_of(case: Case, stack: str) -> str:
    """Wait until a stack is done, and return its status.

    :raises NoAnswer: something of it has failed for lack of the caller's rights, or of an answer
    """
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        (found,) = case.cloudformation.describe_stacks(StackName=stack)["Stacks"]
        status = str(found["StackStatus"])
        if not status.endswith("IN_PROGRESS"):
            for event in case.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]:
                check_reason(event.get("ResourceStatusReason", ""))
            return status
        time.sleep(2)
    raise NoAnswer(f"the stack is not done after {_PATIENCE} seconds")


def reasons(case: Case, suffix: str, status: str) -> list[str]:
    """Return the reasons of a stack's events with this status, the oldest first."""
    events = case.cloudformation.describe_stack_events(StackName=case.name(suffix))["StackEvents"]
    return [
        event["ResourceStatusReason"].strip()
        for event in reversed(events)
        if event["ResourceStatus"] == status and "ResourceStatusReason" in event
    ]


@scenario("stack-reason stack-name-taken stack-rollback-reason stack-words-around")
def stacks_that_fail(case: Case) -> None:
    status = create(case, "-bad", {"Rule": rule(case.name("-no"), "nope.example")})
    case.saw("stack-reason", "status", "ROLLBACK_COMPLETE", status)
    text = "The upstream registry URL nope.example is invalid. Specify a valid upstream registry URL and try again"
    (reason,) = reasons(case, "-bad", "CREATE_FAILED")
    case.saw("stack-reason", "the reason has the service's message", True, text in reason)
    case.saw("stack-words-around", "reason of the resource", reason, reason)
    failed = ["The following resource(s) failed to create: [Rule]. Rollback requested by user."]
    case.saw("stack-rollback-reason", "reason of the rollback", failed, reasons(case, "-bad", "ROLLBACK_IN_PROGRESS"))
    create(case, "-taken", {"Rule": rule(case.rule())})
    taken = reasons(case, "-taken", "CREATE_FAILED")
    case.saw("stack-name-taken", "prefix that has a rule", taken, taken)


@scenario("stack-takes-effect stack-deletion stack-deletion-policy")
def stack_that_is_deleted(case: Case) -> None:
    kept = {policy: {**rule(case.name(suffix)), "DeletionPolicy": policy} for policy, suffix in RETAINING.items()}
    create(
        case, "", {"Rule": rule(case.prefix), "Template": template(case.prefix, ImageTagMutability="IMMUTABLE"), **kept}
    )
    repository = f"{case.prefix}/{REPOSITORY}"
    answer = case.ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": TAG}])
    case.saw("stack-takes-effect", "failures of a pull", [], answer["failures"])
    describe = case.ecr.describe_repositories
    (made,) = describe(repositoryNames=[repository])["repositories"]
    case.saw("stack-takes-effect", "mutability by the template", "IMMUTABLE", made["imageTagMutability"])
    case.ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix=case.prefix)
    case.saw("stack-deletion", "status of a stack whose rule is gone", "DELETE_COMPLETE", delete(case, ""))
    case.answered("stack-deletion", "the repository", describe, repositoryNames=[repository])
    for policy, suffix in RETAINING.items():
        name = case.name(suffix)
        case.saw("stack-deletion-policy", f"deletion of the stack: {policy}", [name], rules_of(case, name))


def rules_of(case: Case, *names: str) -> list[str]:
    """Return which of these rules there are, the oldest first."""
    pages = case.ecr.get_paginator("describe_pull_through_cache_rules").paginate()
    rules = sorted(
        (rule for page in pages for rule in page["pullThroughCacheRules"]), key=lambda rule: rule["createdAt"]
    )
    return [rule["ecrRepositoryPrefix"] for rule in rules if rule["ecrRepositoryPrefix"] in names]


@scenario("stack-event-masking stack-no-echo stack-exports-back stack-export-unique stack-deletion-policy")
def exports_and_hidden_parameters(case: Case) -> None:
    hidden = {"Hidden": {"Type": "String", "NoEcho": True, "Default": "hidden-words"}}
    exports = {"One": {"Value": "one", "Export": {"Name": case.name("-export")}}}
    names = {policy: case.name(suffix) for policy, suffix in RETAINING.items()}
    kept = {policy: {**rule(name), "DeletionPolicy": policy} for policy, name in names.items()}
    bad = {**rule(case.prefix, "nope.example", UpstreamRepositoryPrefix={"Ref": "Hidden"}), "DependsOn": list(kept)}
    create(case, "-bad", {"Bad": bad, **kept}, Parameters=hidden, Outputs=exports)
    for policy, claimed in (("Retain", [names["Retain"]]), ("RetainExceptOnCreate", [])):
        found = rules_of(case, names[policy])
        case.saw("stack-deletion-policy", f"rollback of the creation: {policy}", claimed, found)
    events = case.cloudformation.describe_stack_events(StackName=case.name("-bad"))["StackEvents"]
    (shown,) = [event["ResourceProperties"] for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    properties = {**bad["Properties"], "UpstreamRepositoryPrefix": "****"}
    case.saw("stack-event-masking", "properties of the failed resource", properties, json.loads(shown))
    (stack,) = case.cloudformation.describe_stacks(StackName=case.name("-bad"))["Stacks"]
    values = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack["Parameters"]}
    case.saw("stack-no-echo", "parameter of the stack", {"Hidden": "****"}, values)
    status = create(case, "-good", {"Rule": rule(case.name("-a"))}, Outputs=exports)
    case.saw("stack-exports-back", "another stack with the export", "CREATE_COMPLETE", status)
    case.saw(
        "stack-export-unique", "a third one is complete", False, is_made(case, {"Rule": rule(case.name("-b"))}, exports)
    )


def is_made(case: Case, resources: dict[str, Any], outputs: dict[str, Any]) -> bool:
    try:
        return create(case, "-third", resources, Outputs=outputs) == "CREATE_COMPLETE"
    except ClientError as error:
        check_error(error)
        return False


@scenario("stack-malformed-template")
def templates_that_are_malformed(case: Case) -> None:
    good = rule(case.prefix)
    for label, suffix, resources, sections in (
        ("unknown reference", "-ref", {"Template": template(case.prefix, Description={"Ref": "Nothing"})}, {}),
        ("null", "-null", {"Template": template(case.prefix, Description=None)}, {}),
        ("unknown resource to depend on", "-depends", {"Rule": {**good, "DependsOn": "Nothing"}}, {}),
        ("unknown condition", "-condition", {"Rule": {**good, "Condition": "Nothing"}}, {}),
        ("circle", "-circle", {"Rule": {**good, "DependsOn": "Rule"}}, {}),
        ("output without a value", "-output", {"Rule": good}, {"Outputs": {"One": {}}}),
    ):
        case.refused(
            "stack-malformed-template",
            label,
            "ValidationError",
            case.cloudformation.create_stack,
            StackName=case.name(suffix),
            TemplateBody=json.dumps({"Resources": resources, **sections}),
        )
        describe = case.cloudformation.describe_stacks
        rows, gone = "stack-malformed-template", "ValidationError"
        case.refused(rows, f"the stack: {label}", gone, describe, StackName=case.name(suffix))


@scenario("stack-unknown-attribute stack-bad-properties stack-rolled-back-takes-no-update")
def stacks_that_are_malformed(case: Case) -> None:
    good = {"Rule": rule(case.name("-a"))}
    outputs = {"Nothing": {"Value": {"Fn::GetAtt": ["Rule", "Nothing"]}}}
    case.refused(
        "stack-unknown-attribute",
        "attribute that a rule has not",
        "ValidationError",
        case.cloudformation.create_stack,
        StackName=case.name("-attribute"),
        TemplateBody=json.dumps({"Resources": good, "Outputs": outputs}),
    )
    for label, suffix, bad in (
        ("property that a rule has not", "-unknown", rule(case.name("-b"), Colour="red")),
        ("list as the prefix of the upstream", "-type", rule(case.name("-c"), UpstreamRepositoryPrefix=["a"])),
    ):
        case.saw("stack-bad-properties", f"status: {label}", "ROLLBACK_COMPLETE", create(case, suffix, {"Rule": bad}))
        found = reasons(case, suffix, "CREATE_FAILED")
        case.saw("stack-bad-properties", f"reason: {label}", found, found)
    case.refused(
        "stack-rolled-back-takes-no-update",
        "update of a stack that was rolled back",
        "ValidationError",
        case.cloudformation.update_stack,
        StackName=case.name("-unknown"),
        TemplateBody=json.dumps({"Resources": good}),
    )


@scenario("stack-ref-and-getatt stack-time-text stack-rule-replaced stack-template-in-place stack-lost-property")
def stacks_that_change(case: Case) -> None:
    outputs = {
        "Rule": {"Value": {"Ref": "Rule"}},
        "Template": {"Value": {"Ref": "Template"}},
        "Created": {"Value": {"Fn::GetAtt": ["Template", "CreatedAt"]}},
    }
    one = {"Rule": rule(case.name("-a")), "Template": template(case.prefix, Description="old")}
    case.saw("stack-ref-and-getatt", "status", "CREATE_COMPLETE", create(case, "", one, Outputs=outputs))
    (stack,) = case.cloudformation.describe_stacks(StackName=case.prefix)["Stacks"]
    found = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    created = found.pop("Created")
    case.saw("stack-ref-and-getatt", "outputs", {"Rule": case.name("-a"), "Template": case.prefix}, found)
    case.saw("stack-time-text", "CreatedAt", "<time>", created)
    two = {"Rule": rule(case.name("-a"), "quay.io"), "Template": template(case.prefix)}
    case.saw("stack-rule-replaced", "another URL, same prefix", "UPDATE_ROLLBACK_COMPLETE", update(case, "", two))
    three = {"Rule": rule(case.name("-b")), "Template": template(case.prefix)}
    case.saw("stack-template-in-place", "another prefix of the rule", "UPDATE_COMPLETE", update(case, "", three))
    describe = case.ecr.describe_repository_creation_templates
    (changed,) = describe(prefixes=[case.prefix])["repositoryCreationTemplates"]
    case.saw("stack-lost-property", "description of the template", "", changed.get("description", ""))
