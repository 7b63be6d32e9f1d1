"""Deletes what a journal names, if it bears the prefix of its run, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from .cloud import Cloud
from .guard import policy_bears
from .journal import SECRET_FOLDER, Journal, Made, bears

_GONE = (
    "PullThroughCacheRuleNotFoundException",
    "RegistryPolicyNotFoundException",
    "RepositoryNotFoundException",
    "ResourceNotFoundException",
    "TemplateNotFoundException",
)
_NEVER_MADE = ("InvalidParameterException", "ValidationException")
"""What a deletion says of a name that no such thing can have."""

_STACK_TIME = 300


class LeftBehind(Exception):
    """Something could not be deleted; the journal still names it."""


def clean(journal: Journal, cloud: Cloud) -> list[Made]:
    """Delete what a run made, and end its journal. Return what was looked for.

    :raises LeftBehind: with what could not be deleted, and why; all else is deleted
    """
    if (journal.account, journal.region) != (cloud.account, cloud.region):
        raise LeftBehind(f"{journal.prefix} is in another account or Region: {journal.account}, {journal.region}")
    in_order = sorted(journal.made, key=lambda made: list(_DELETE).index(made.kind))
    faults = [fault for made in in_order if (fault := _delete(made, journal.prefix, cloud))]
    if faults:
        raise LeftBehind("; ".join(faults))
    journal.end()
    return journal.made


def _delete(made: Made, prefix: str, cloud: Cloud) -> str | None:
    """Delete one thing, and return why it is not deleted, if it is not."""
    begin = f"{SECRET_FOLDER}{prefix}" if made.kind == "secret" else prefix
    if not made.name.startswith(begin) or not bears(prefix, made.name[len(begin) - len(prefix) :]):
        return f"{made.kind} {made.name}: it does not begin with {begin}"
    try:
        _DELETE[made.kind](cloud, made.name)
    except Exception as error:  # whatever it is, all else is to be deleted
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else None
        return None if code in (*_GONE, *_NEVER_MADE) else f"{made.kind} {made.name}: {error}"
    return None


def _delete_stack(cloud: Cloud, name: str) -> None:
    cloudformation = cloud.own_client("cloudformation")
    cloudformation.delete_stack(StackName=name)
    end = time.monotonic() + _STACK_TIME
    while time.monotonic() < end:
        try:
            (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" in error.response["Error"].get("Message", ""):
                return
            raise
        if stack["StackStatus"] == "DELETE_COMPLETE":
            return
        if stack["StackStatus"] == "DELETE_FAILED":
            break
        time.sleep(2)
    raise LeftBehind("the stack is not deleted")


def _delete_rule(cloud: Cloud, name: str) -> None:
    cloud.own_client("ecr").delete_pull_through_cache_rule(ecrRepositoryPrefix=name)


def _delete_template(cloud: Cloud, name: str) -> None:
    cloud.own_client("ecr").delete_repository_creation_template(prefix=name)


def _delete_repository(cloud: Cloud, name: str) -> None:
    cloud.own_client("ecr").delete_repository(repositoryName=name, force=True)


def _delete_secret(cloud: Cloud, name: str) -> None:
    cloud.own_client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def _delete_registry_policy(cloud: Cloud, prefix: str) -> None:
    ecr = cloud.own_client("ecr")
    if policy_bears(prefix, ecr.get_registry_policy()["policyText"]):
        ecr.delete_registry_policy()


_DELETE: dict[str, Callable[[Cloud, str], None]] = {
    "stack": _delete_stack,
    "rule": _delete_rule,
    "template": _delete_template,
    "repository": _delete_repository,
    "secret": _delete_secret,
    "registry policy": _delete_registry_policy,
}
"""How each kind is deleted, in the order in which they are."""


def bearing_a_prefix(cloud: Cloud) -> list[str]:
    """Return the names of all in an account and Region that is made like the names of a run, of any run."""
    ecr = cloud.own_client("ecr")
    lists: list[tuple[Any, str, str, str]] = [
        (ecr, "describe_pull_through_cache_rules", "pullThroughCacheRules", "ecrRepositoryPrefix"),
        (ecr, "describe_repository_creation_templates", "repositoryCreationTemplates", "prefix"),
        (ecr, "describe_repositories", "repositories", "repositoryName"),
        (cloud.own_client("secretsmanager"), "list_secrets", "SecretList", "Name"),
        (cloud.own_client("cloudformation"), "describe_stacks", "Stacks", "StackName"),
    ]
    names = [
        item[name].replace(SECRET_FOLDER, "")
        for client, operation, items, name in lists
        for page in client.get_paginator(operation).paginate()
        for item in page[items]
    ]
    return sorted(name for name in names if bears(name[:12], name))
