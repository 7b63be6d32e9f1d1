"""Rules: what their operations return, in which order, page by page."""

from __future__ import annotations

from typing import Any

from ..case import OPEN_UPSTREAM, Case
from . import scenario
from .refusals import HUB, INVALID, another_region, own_registry


def mine(case: Case, **arguments: Any) -> list[dict[str, Any]]:
    """Return the rules of this run, of all pages, in the order in which ECR returns them."""
    pages = case.ecr.get_paginator("describe_pull_through_cache_rules").paginate(**arguments)
    found = [rule for page in pages for rule in page["pullThroughCacheRules"]]
    return [rule for rule in found if rule["ecrRepositoryPrefix"].startswith(case.prefix)]


def names(rules: list[dict[str, Any]]) -> list[str]:
    return [rule["ecrRepositoryPrefix"] for rule in rules]


@scenario("rule-members rule-upstream-prefix rule-timestamps")
def members_of_the_answers(case: Case) -> None:
    arn, name = case.secret(), case.name("-hub")
    rows = "rule-members"
    case.answered(
        f"{rows} rule-upstream-prefix",
        "create with everything",
        case.ecr.create_pull_through_cache_rule,
        ecrRepositoryPrefix=name,
        upstreamRegistryUrl=HUB,
        upstreamRegistry="docker-hub",
        credentialArn=arn,
        upstreamRepositoryPrefix="library",
    )
    case.answered(
        rows,
        "create with the least",
        case.ecr.create_pull_through_cache_rule,
        ecrRepositoryPrefix=case.name("-open"),
        upstreamRegistryUrl=OPEN_UPSTREAM,
    )
    case.answered(
        "rule-upstream-prefix",
        "ROOT as the upstream prefix",
        case.ecr.create_pull_through_cache_rule,
        ecrRepositoryPrefix=case.name("-root"),
        upstreamRegistryUrl=OPEN_UPSTREAM,
        upstreamRepositoryPrefix="ROOT",
    )
    describe = case.ecr.describe_pull_through_cache_rules
    case.answered(rows, "describe", describe, ecrRepositoryPrefixes=[name, case.name("-open")])
    update = case.ecr.update_pull_through_cache_rule
    case.answered(rows, "update", update, ecrRepositoryPrefix=name, credentialArn=arn)
    body = f'{{"ecrRepositoryPrefixes": ["{name}"]}}'.encode()
    (rule,) = case.post("DescribePullThroughCacheRules", body).json()["pullThroughCacheRules"]
    case.saw("rule-timestamps", "type of createdAt", True, isinstance(rule["createdAt"], (int, float)))
    delete = case.ecr.delete_pull_through_cache_rule
    case.answered(rows, "delete", delete, ecrRepositoryPrefix=name)
    case.answered(rows, "delete with the least", delete, ecrRepositoryPrefix=case.name("-open"))


@scenario("rule-own-registry-elsewhere")
def own_registry_of_another_region(case: Case) -> None:
    case.answered(
        "rule-own-registry-elsewhere",
        "create",
        case.ecr.create_pull_through_cache_rule,
        ecrRepositoryPrefix=case.name(),
        upstreamRegistryUrl=own_registry(case, another_region(case)),
    )


@scenario("rule-overlap rule-describe-order rule-describe-prefix-twice")
def rules_one_below_the_other(case: Case) -> None:
    made = [case.rule(suffix) for suffix in ("/z", "", "/a", "/z/b")]
    case.saw("rule-overlap", "rules that overlap", 4, len(mine(case)))
    case.saw("rule-describe-order", "order", made, names(mine(case)))
    asked = [made[3], made[0], made[3]]
    rows = "rule-describe-prefix-twice"
    case.saw(rows, "one prefix twice", [made[0], made[3]], names(mine(case, ecrRepositoryPrefixes=asked)))
    describe = case.ecr.describe_pull_through_cache_rules
    answer = case.answered(rows, "prefixes and pages", describe, ecrRepositoryPrefixes=made, maxResults=3)
    case.saw(rows, "there is a next page", True, "nextToken" in answer)


@scenario("rule-describe-changes-between-pages rule-describe-token")
def pages_of_rules(case: Case) -> None:
    made = [case.rule(f"-{number}") for number in range(4)]
    describe = case.ecr.describe_pull_through_cache_rules
    first = describe(ecrRepositoryPrefixes=made, maxResults=2)
    seen = names(first["pullThroughCacheRules"])
    gone = seen[0]
    case.ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix=gone)
    asked = [name for name in made if name != gone]
    token = first.get("nextToken", "none")
    rows = "rule-describe-changes-between-pages"
    answer = case.answered(
        rows, "page after a deletion", describe, ecrRepositoryPrefixes=asked, maxResults=2, nextToken=token
    )
    case.saw(rows, "rules of that page", made[2:], names(answer["pullThroughCacheRules"]))
    rows = "rule-describe-token"
    case.refused(rows, "token that nobody issued", INVALID, describe, nextToken="bm9uZQ==")


@scenario("rule-updated-at rule-update-partial rule-secret-not-read rule-slash")
def updates(case: Case) -> None:
    old, new = case.secret("-a", "no JSON"), case.secret("-b", "no JSON either")
    name = case.rule("", HUB, credentialArn=old, upstreamRepositoryPrefix="library")
    (before,) = mine(case)
    equal = before["createdAt"] == before["updatedAt"]
    case.saw("rule-updated-at", "times are equal at creation", True, equal)
    update = case.ecr.update_pull_through_cache_rule
    case.wait_for_another_time()
    case.answered(
        "rule-secret-not-read rule-slash", "update", update, ecrRepositoryPrefix=f"{name}/", credentialArn=new
    )
    (after,) = mine(case)
    case.saw("rule-updated-at", "the update moves updatedAt alone", True, after["createdAt"] == before["createdAt"])
    case.saw("rule-updated-at", "updatedAt is later", True, after["updatedAt"] > before["updatedAt"])
    changed = sorted(member for member in after if after[member] != before.get(member))
    case.saw("rule-update-partial", "members that changed", ["credentialArn", "updatedAt"], changed)
    case.saw("rule-secret-not-read", "rule with a secret that is no JSON", new, after["credentialArn"])


@scenario("rule-validate-good")
def validation_of_an_open_rule(case: Case) -> None:
    validate = case.ecr.validate_pull_through_cache_rule
    case.answered("rule-validate-good", "validate", validate, ecrRepositoryPrefix=case.rule())
