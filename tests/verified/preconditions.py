"""What must hold of an account before its answers are those of Amazon ECR to anybody, and not of its settings."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from .case import Case
from .cloud import Cloud
from .consent import NoConsent
from .running import Scenario
from .unanswered import NoAnswer, check_error
from .upstreams import REPOSITORY, TAG

_PREFIX = "mep-"
_SCOPE = "REGISTRY_POLICY_SCOPE"


def check_settings(cloud: Cloud) -> None:
    """Check the settings of a registry that decide what scenarios see, or where their images go.

    :raises NoConsent: another Region of the account, or another account, has to be asked
    """
    ecr = cloud.own_client("ecr")
    faults = []
    if _has(ecr, "describe_pull_through_cache_rules", "pullThroughCacheRules", ecrRepositoryPrefixes=["ROOT"]):
        faults.append("it has a rule ROOT, which covers every repository")
    if _has(ecr, "describe_repository_creation_templates", "repositoryCreationTemplates", prefixes=["ROOT"]):
        faults.append("it has a repository creation template ROOT, which applies to every repository")
    if ecr.get_account_setting(name=_SCOPE)["value"] != "V2":
        faults.append(f"its setting {_SCOPE} is not V2")
    rules = ecr.describe_registry()["replicationConfiguration"]["rules"]
    if any(_replicates(rule) for rule in rules):
        faults.append("it replicates the images of scenarios, and a copy is not deleted with its original")
    if faults:
        raise NoConsent(f"nothing was done in this registry: {'; '.join(faults)}. Choose another Region or account")


def _has(ecr: Any, describe: str, member: str, **names: list[str]) -> bool:
    try:
        return bool(getattr(ecr, describe)(**names)[member])
    except ClientError as error:
        if error.response["Error"]["Code"] in ("PullThroughCacheRuleNotFoundException", "TemplateNotFoundException"):
            return False
        raise


def _replicates(rule: dict[str, Any]) -> bool:
    filters = rule.get("repositoryFilters")
    if not filters:
        return True
    return any(_PREFIX.startswith(one["filter"]) or one["filter"].startswith(_PREFIX) for one in filters)


def _pull(case: Case) -> None:
    repository = f"{case.rule()}/{REPOSITORY}"
    case.cloud.settle()
    try:
        answer = case.ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": TAG}])
    except ClientError as error:
        check_error(error)
        raise _nothing_pulled(str(error)) from None
    if not answer["images"]:
        raise _nothing_pulled(str(answer["failures"]))


def _nothing_pulled(reason: str) -> NoAnswer:
    return NoAnswer(
        f"an image of {REPOSITORY} cannot be pulled: {reason}. To a caller without ecr:BatchImportUpstreamImage and "
        "ecr:CreateRepository Amazon ECR says that there is nothing"
    )


A_PULL = Scenario("a_pull", (), _pull, lambda: True)
"""Fails where a pull that has to succeed does not. Nothing of it is recorded."""
