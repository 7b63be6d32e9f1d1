"""Stacks with rules and templates: how they fail, and in which words. A stack takes a minute on AWS."""

from __future__ import annotations

import json
import time
from typing import Any

from ..case import OPEN_UPSTREAM, Case, Stopped
from . import scenario

_PATIENCE = 300


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
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        (stack,) = case.cloudformation.describe_stacks(StackName=case.name(suffix))["Stacks"]
        status = str(stack["StackStatus"])
        if not status.endswith("IN_PROGRESS"):
            return status
        time.sleep(2)
    raise Stopped("the stack is not done")


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
