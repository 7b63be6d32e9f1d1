"""Updates of stacks with rules and templates, at once and by change sets."""

from __future__ import annotations

import json
import time
from typing import Any

from ..case import Case
from ..unanswered import NoAnswer
from . import scenario
from .stacks import create, rule, rules_of, template, update, wait

_PATIENCE = 300
VALIDATION = "ValidationError"


@scenario("stack-refused-call stack-changed-type stack-refused-update stack-renamed-resource stack-last-reason")
def updates_that_are_refused(case: Case) -> None:
    name = case.name("-a")
    old = {"Rule": rule(name), "Template": template(case.prefix, Description="old")}
    outputs = {"One": {"Value": "old"}}
    create(case, "", old, Outputs=outputs)
    before = state(case)
    events = events_of(case)
    parameters = {"Missing": {"Type": "String"}}
    for rows, label, resources, sections in (
        ("stack-refused-call", "missing parameter", {**old, "More": rule(case.name("-b"))}, {"Parameters": parameters}),
        ("stack-refused-call", "malformed template", {**old, "More": {**rule(case.name("-b")), "DependsOn": "No"}}, {}),
        ("stack-changed-type", "rule that becomes a template", {**old, "Rule": template(case.name("-b"))}, {}),
    ):
        body = json.dumps({"Resources": resources, **sections})
        update_stack = case.cloudformation.update_stack
        case.refused(rows, label, VALIDATION, update_stack, StackName=case.prefix, TemplateBody=body)
    case.saw("stack-refused-call", "status after the refused calls", "CREATE_COMPLETE", wait(case, ""))
    case.saw("stack-refused-call", "no event is new", True, events_of(case) == events)
    changed = template(case.prefix, Description="new")
    bad = {**rule(case.name("-bad"), "nope.example"), "DependsOn": "Template"}
    rolled_back = "UPDATE_ROLLBACK_COMPLETE"
    status = update(case, "", {"Template": changed, "Bad": bad}, Outputs={"One": {"Value": "new"}})
    case.saw("stack-refused-update", "status after a bad rule", rolled_back, status)
    for what, was in before.items():
        case.saw("stack-refused-update", f"whether it is as before: {what}", True, state(case)[what] == was)
    status = update(case, "", {"Renamed": rule(name), "Template": old["Template"]}, Outputs=outputs)
    case.saw("stack-renamed-resource", "status after a renaming", rolled_back, status)
    case.saw("stack-renamed-resource", "the rule", [name], rules_of(case, name))
    case.saw("stack-last-reason", "status of a good update", "UPDATE_COMPLETE", update(case, "", {"Rule": rule(name)}))
    case.saw("stack-last-reason", "reason after a good update", "", reason_of(case))


def reason_of(case: Case) -> str:
    (stack,) = case.cloudformation.describe_stacks(StackName=case.prefix)["Stacks"]
    return stack.get("StackStatusReason") or ""


def state(case: Case) -> dict[str, Any]:
    """Return what there is of the rule, the template and the outputs of a stack."""
    (rule,) = case.ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=[case.name("-a")])[
        "pullThroughCacheRules"
    ]
    templates = case.ecr.describe_repository_creation_templates(prefixes=[case.prefix])
    (template,) = templates["repositoryCreationTemplates"]
    (stack,) = case.cloudformation.describe_stacks(StackName=case.prefix)["Stacks"]
    updated = template.pop("updatedAt")
    return {"rule": rule, "template": template, "time of the template's update": updated, "outputs": stack["Outputs"]}


def events_of(case: Case) -> list[dict[str, Any]]:
    """Return the events of a stack, the oldest first."""
    return list(reversed(case.cloudformation.describe_stack_events(StackName=case.prefix)["StackEvents"]))


@scenario("stack-unchanged-resource stack-update-order stack-deletion-policy")
def updates_that_succeed(case: Case) -> None:
    same = {"Rule": rule(case.name("-a")), "Template": template(case.prefix, Description="old")}
    retained = {"Kept": {**rule(case.name("-old")), "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}}
    create(case, "", {**same, **retained})
    before = state_of_rule(case)
    first, second = rule(case.name("-z")), {**rule(case.name("-b")), "DependsOn": "Z"}
    replaced = {"Kept": {**retained["Kept"], **rule(case.name("-new"))}}
    new = {**same, **replaced, "Template": template(case.prefix), "B": second, "Z": first}
    case.saw("stack-update-order", "status", "UPDATE_COMPLETE", update(case, "", new))
    case.saw("stack-unchanged-resource", "the rule is as before", True, state_of_rule(case) == before)
    names = [case.name("-z"), case.name("-b")]
    case.saw("stack-update-order", "rules by DependsOn", names, rules_of(case, *names))
    of_the_stack = [
        event["ResourceStatus"] for event in events_of(case) if event["ResourceType"] == "AWS::CloudFormation::Stack"
    ]
    clean_up = ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"]
    case.saw("stack-update-order", "events of the stack", clean_up, of_the_stack[-3:])
    case.saw("stack-update-order", "status of the next update", "UPDATE_COMPLETE", update(case, "", same))
    kept = [case.name("-old"), case.name("-new")]
    case.saw("stack-deletion-policy", "replaced and taken out: Retain", kept, rules_of(case, *kept))
    case.saw("stack-update-order", "rules that were taken out", [], rules_of(case, *names))


def state_of_rule(case: Case) -> Any:
    return case.ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=[case.name("-a")])["pullThroughCacheRules"]


@scenario("stack-in-review stack-change-set-once stack-change-set-of-existing stack-no-echo stack-last-reason")
def change_sets(case: Case) -> None:
    good = {"Rule": rule(case.name("-a"))}
    shown = prepare(case, "-1", "CREATE", good)
    values = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in shown["Parameters"]}
    case.saw("stack-no-echo", "parameter of the change set", {"Hidden": "****"}, values)
    cloudformation = case.cloudformation
    body = json.dumps({"Resources": good})
    arguments = {"StackName": case.prefix, "TemplateBody": body}
    case.refused("stack-in-review", "update", VALIDATION, cloudformation.update_stack, **arguments)
    case.saw("stack-change-set-once", "first execution", "EXECUTE_COMPLETE", execute(case, "-1"))
    again = cloudformation.execute_change_set
    rows, code = "stack-change-set-once", "InvalidChangeSetStatus"
    case.refused(rows, "second execution", code, again, StackName=case.prefix, ChangeSetName=case.name("-1"))
    case.refused(
        "stack-change-set-of-existing",
        "creation",
        VALIDATION,
        cloudformation.create_change_set,
        ChangeSetName=case.name("-2"),
        ChangeSetType="CREATE",
        **arguments,
    )
    prepare(case, "-3", "UPDATE", {**good, "Bad": rule(case.name("-bad"), "nope.example")})
    case.saw("stack-last-reason", "change set that fails", "EXECUTE_FAILED", execute(case, "-3"))


def prepare(case: Case, suffix: str, kind: str, resources: dict[str, Any]) -> Any:
    """Make a change set of a stack with a parameter that is not shown, and return its description when it is done."""
    case.cloudformation.create_change_set(
        StackName=case.prefix,
        ChangeSetName=case.name(suffix),
        ChangeSetType=kind,
        TemplateBody=json.dumps({"Resources": resources, "Parameters": {"Hidden": {"Type": "String", "NoEcho": True}}}),
        Parameters=[{"ParameterKey": "Hidden", "ParameterValue": "hidden-words"}],
    )
    return described(case, suffix, "Status", ("CREATE_PENDING", "CREATE_IN_PROGRESS"))


def execute(case: Case, suffix: str) -> str:
    """Execute a change set, and return its status when that is done."""
    case.cloudformation.execute_change_set(StackName=case.prefix, ChangeSetName=case.name(suffix))
    found = described(case, suffix, "ExecutionStatus", ("AVAILABLE", "EXECUTE_IN_PROGRESS"))
    wait(case, "")
    return str(found["ExecutionStatus"])


def described(case: Case, suffix: str, member: str, unfinished: tuple[str, ...]) -> Any:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        found = case.cloudformation.describe_change_set(StackName=case.prefix, ChangeSetName=case.name(suffix))
        if found[member] not in unfinished:
            return found
        time.sleep(2)
    raise NoAnswer(f"the change set is not done after {_PATIENCE} seconds")
