"""Deletes what a journal names, if it bears the prefix of its run, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
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
_PARTS = ("rule", "template", "secret")
"""What a stack may have made."""

_DELETABLE = ("CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS", "DELETE_IN_PROGRESS")
"""In all else that is in progress AWS refuses to delete a stack."""


class LeftBehind(Exception):
    """Something could not be deleted; the journal still names it."""


class _DeletionFailed(LeftBehind):
    """AWS has tried to delete a stack, and given up."""


def clean(journal: Journal, cloud: Cloud) -> list[Made]:
    """Delete what a run made, and end its journal. Return what was looked for.

    While a stack stays, so do the run's rules, templates and secrets, whichever made them: a stack is not to lose its
    parts while it is at work. The journal names them until a later cleaning. Only a stack whose deletion has failed
    keeps nothing, or it might keep it for ever: all else is deleted, and the stack is tried once more.

    :raises LeftBehind: with what is not deleted, and why; all else is deleted
    """
    if (journal.account, journal.region) != (cloud.account, cloud.region):
        raise LeftBehind(f"{journal.prefix} is in another account or Region: {journal.account}, {journal.region}")
    in_order = sorted(journal.made, key=lambda made: list(_DELETE).index(made.kind))
    stacks = [made for made in in_order if made.kind == "stack"]
    faults = _delete_all(stacks, journal.prefix, cloud)
    failed = [made for made, fault in faults.items() if isinstance(fault, _DeletionFailed)]
    kept = [made for made in in_order if made.kind in _PARTS and len(faults) > len(failed)]
    faults.update((made, LeftBehind("kept, since a stack stays")) for made in kept)
    faults.update(_delete_all([made for made in in_order if made not in (*stacks, *kept)], journal.prefix, cloud))
    for made in failed:
        del faults[made]
    faults.update(_delete_all(failed, journal.prefix, cloud))
    if faults:
        raise LeftBehind("; ".join(f"{made.kind} {made.name}: {fault}" for made, fault in faults.items()))
    journal.end()
    return journal.made


def _delete_all(those: list[Made], prefix: str, cloud: Cloud) -> dict[Made, Exception]:
    """Delete things, and return why some are not deleted, if they are not."""
    return {made: fault for made in those if (fault := _delete(made, prefix, cloud))}


def _delete(made: Made, prefix: str, cloud: Cloud) -> Exception | None:
    """Delete one thing, and return why it is not deleted, if it is not."""
    begin = f"{SECRET_FOLDER}{prefix}" if made.kind == "secret" else prefix
    if not made.name.startswith(begin) or not bears(prefix, made.name[len(begin) - len(prefix) :]):
        return LeftBehind(f"it does not begin with {begin}")
    try:
        _DELETE[made.kind](cloud, made.name)
    except Exception as error:  # whatever it is, all else is to be deleted
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else None
        return None if code in (*_GONE, *_NEVER_MADE) else error
    return None


def _delete_stack(cloud: Cloud, name: str) -> None:
    """Delete a stack as soon as AWS lets it. An update that was interrupted here goes on there, or is rolled back."""
    cloudformation = cloud.own_client("cloudformation")
    end = time.monotonic() + _STACK_TIME
    _wait(cloudformation, name, end, lambda status: status in _DELETABLE or not status.endswith("IN_PROGRESS"))
    cloudformation.delete_stack(StackName=name)
    status = _wait(cloudformation, name, end, lambda status: status in ("DELETE_COMPLETE", "DELETE_FAILED"))
    if status == "DELETE_FAILED":
        raise _DeletionFailed(f"the stack is in {status}")


def _wait(cloudformation: Any, name: str, end: float, is_awaited: Callable[[str], bool]) -> str:
    """Wait until a stack has a status that is awaited, and return that."""
    while not is_awaited(status := _status_of(cloudformation, name)):
        if time.monotonic() >= end:
            raise LeftBehind(f"the stack is still in {status}")
        time.sleep(2)
    return status


def _status_of(cloudformation: Any, name: str) -> str:
    try:
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in error.response["Error"].get("Message", ""):
            return "DELETE_COMPLETE"
        raise
    return str(stack["StackStatus"])


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


def marked_for_deletion(cloud: Cloud) -> list[str]:
    """Return the names of the secrets of runs that AWS deletes by itself.

    That is soon if the cleaning has marked one, and in a week if only a scenario has; until then its journal names it.
    """
    return sorted(name for name, is_marked in _secrets(cloud) if is_marked)


def bearing_a_prefix(cloud: Cloud) -> list[str]:
    """Return the names of all in an account and Region that are made like those of a run, of any run.

    A secret that is marked for deletion is none of it.
    """
    ecr = cloud.own_client("ecr")
    lists: list[tuple[Any, str, str, str]] = [
        (ecr, "describe_pull_through_cache_rules", "pullThroughCacheRules", "ecrRepositoryPrefix"),
        (ecr, "describe_repository_creation_templates", "repositoryCreationTemplates", "prefix"),
        (ecr, "describe_repositories", "repositories", "repositoryName"),
        (cloud.own_client("cloudformation"), "describe_stacks", "Stacks", "StackName"),
    ]
    names = [
        item[name]
        for client, operation, items, name in lists
        for page in client.get_paginator(operation).paginate()
        for item in page[items]
    ]
    unmarked = [name for name, is_marked in _secrets(cloud) if not is_marked]
    return sorted([*filter(_bears_any, names), *unmarked])


def _secrets(cloud: Cloud) -> Iterator[tuple[str, bool]]:
    """Yield the names of the secrets of runs, without the folder, and whether each is marked for deletion.

    Each is looked up, since the list may be five minutes old.
    """
    secretsmanager = cloud.own_client("secretsmanager")
    for page in secretsmanager.get_paginator("list_secrets").paginate(IncludePlannedDeletion=True):
        for secret in page["SecretList"]:
            folder, name = secret["Name"][: len(SECRET_FOLDER)], secret["Name"][len(SECRET_FOLDER) :]
            if folder == SECRET_FOLDER and _bears_any(name):
                try:
                    found = secretsmanager.describe_secret(SecretId=secret["ARN"])
                except secretsmanager.exceptions.ResourceNotFoundException:
                    continue
                yield name, "DeletedDate" in found


def _bears_any(name: str) -> bool:
    return bears(name[:12], name)
