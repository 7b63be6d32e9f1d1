"""The table of refusals: exceptions, texts, and in which order ECR looks for faults."""

from __future__ import annotations

from ..case import OPEN_UPSTREAM, Case
from . import scenario

HUB = "registry-1.docker.io"
UNSUPPORTED = "UnsupportedUpstreamRegistryException"
INVALID = "InvalidParameterException"
NO_SECRET = "SecretNotFoundException"


def refuse(case: Case, rows: str, label: str, code: str, url: str = OPEN_UPSTREAM, **members: str) -> None:
    """Take down how the creation of a rule is refused."""
    name = members.pop("ecrRepositoryPrefix", case.name("-no"))
    create = case.unchecked_ecr.create_pull_through_cache_rule
    case.refused(rows, label, code, create, ecrRepositoryPrefix=name, upstreamRegistryUrl=url, **members)


def role(case: Case) -> str:
    """Return the ARN of a role that nobody makes."""
    return f"arn:aws:iam::{case.account}:role/{case.name('-role')}"


def own_registry(case: Case, region: str | None = None) -> str:
    return f"{case.account}.dkr.ecr.{region or case.region}.amazonaws.com"


def another_region(case: Case) -> str:
    return "us-west-2" if case.region != "us-west-2" else "us-east-1"


@scenario("1 request-refusal-changes-nothing")
def upstream_urls_that_are_not_supported(case: Case) -> None:
    for url in (
        "registry.example.com",
        "Public.ECR.aws",
        "https://public.ecr.aws",
        "public.ecr.aws/",
        "public.ecr.aws/nginx",
        "docker.io",
        "mcr.microsoft.com",
    ):
        refuse(case, "1", f"upstream {url}", UNSUPPORTED, url)
    case.refused(
        "request-refusal-changes-nothing",
        "the refused prefix has no rule",
        "PullThroughCacheRuleNotFoundException",
        case.ecr.describe_pull_through_cache_rules,
        ecrRepositoryPrefixes=[case.name("-no")],
    )


@scenario("2")
def upstreams_that_need_a_secret_without_one(case: Case) -> None:
    for url in (HUB, "ghcr.io", "registry.gitlab.com", f"{case.prefix}.azurecr.io", "cgr.dev"):
        refuse(case, "2", f"upstream {url.replace(case.prefix, 'any')}", UNSUPPORTED, url)


@scenario("3")
def secret_for_an_open_upstream(case: Case) -> None:
    arn = case.secret()
    for url in (OPEN_UPSTREAM, "quay.io", "registry.k8s.io"):
        refuse(case, "3", f"create for {url}", INVALID, url, credentialArn=arn)
    update = case.ecr.update_pull_through_cache_rule
    case.refused("3", "update", INVALID, update, ecrRepositoryPrefix=case.rule("-open"), credentialArn=arn)


@scenario("4")
def credentials_of_the_wrong_kind(case: Case) -> None:
    arn = case.secret()
    refuse(case, "4", "role for an open upstream", INVALID, customRoleArn=role(case))
    refuse(case, "4", "secret and role for Docker Hub", INVALID, HUB, credentialArn=arn, customRoleArn=role(case))
    elsewhere = own_registry(case, another_region(case))
    refuse(case, "4", "secret for ECR", INVALID, elsewhere, credentialArn=arn)
    name = case.rule("-hub", HUB, credentialArn=arn)
    update = case.ecr.update_pull_through_cache_rule
    case.refused("4", "update with a role", INVALID, update, ecrRepositoryPrefix=name, customRoleArn=role(case))


@scenario("5 6 rule-registry-inferred")
def upstream_registry_that_is_not_the_urls(case: Case) -> None:
    arn = case.secret()
    refuse(
        case, "5", "Docker Hub as GitHub", INVALID, HUB, credentialArn=arn, upstreamRegistry="github-container-registry"
    )
    create = case.ecr.create_pull_through_cache_rule
    case.answered(
        "6 rule-registry-inferred",
        "ECR public as Quay",
        create,
        ecrRepositoryPrefix=case.name("-a"),
        upstreamRegistryUrl=OPEN_UPSTREAM,
        upstreamRegistry="quay",
    )
    case.answered(
        "6 rule-registry-inferred",
        "ECR as Quay",
        create,
        ecrRepositoryPrefix=case.name("-b"),
        upstreamRegistryUrl=own_registry(case, another_region(case)),
        upstreamRegistry="quay",
    )
    case.answered(
        "rule-registry-inferred",
        "Docker Hub without a name",
        create,
        ecrRepositoryPrefix=case.name("-c"),
        upstreamRegistryUrl=HUB,
        credentialArn=arn,
    )


@scenario("7")
def secret_of_another_region(case: Case) -> None:
    elsewhere = case.secret_arn("", another_region(case))
    refuse(case, "7", "create", NO_SECRET, HUB, credentialArn=elsewhere)


@scenario("8")
def update_with_nothing(case: Case) -> None:
    update = case.ecr.update_pull_through_cache_rule
    case.refused("8", "update", INVALID, update, ecrRepositoryPrefix=case.rule())


@scenario("9")
def secret_that_does_not_exist(case: Case) -> None:
    refuse(case, "9", "create", NO_SECRET, HUB, credentialArn=case.secret_arn("-absent"))


@scenario("10")
def registry_itself_as_the_upstream(case: Case) -> None:
    refuse(case, "10", "create", INVALID, own_registry(case))


@scenario("11 rule-slash")
def prefix_that_has_a_rule(case: Case) -> None:
    name = case.rule()
    code = "PullThroughCacheRuleAlreadyExistsException"
    refuse(case, "11", "create again", code, ecrRepositoryPrefix=name)
    refuse(case, "rule-slash", "create with a slash", code, ecrRepositoryPrefix=f"{name}/")
    (rule,) = case.ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=[f"{name}/"])["pullThroughCacheRules"]
    case.saw("rule-slash", "prefix as it was created", name, rule["ecrRepositoryPrefix"])


@scenario("12 rule-describe-unknown-prefix")
def prefix_that_has_no_rule(case: Case) -> None:
    code = "PullThroughCacheRuleNotFoundException"
    absent = case.name("-absent")
    describe = case.ecr.describe_pull_through_cache_rules
    case.refused("12", "describe", code, describe, ecrRepositoryPrefixes=[absent])
    for operation in ("delete", "validate"):
        call = getattr(case.ecr, f"{operation}_pull_through_cache_rule")
        case.refused("12", operation, code, call, ecrRepositoryPrefix=absent)
    update = case.ecr.update_pull_through_cache_rule
    case.refused("12", "update", code, update, ecrRepositoryPrefix=absent, customRoleArn=role(case))
    names = [case.rule("-here"), absent]
    case.refused("rule-describe-unknown-prefix", "describe two", code, describe, ecrRepositoryPrefixes=names)


@scenario("13", is_run_by_name_only=True)
def rule_beyond_the_quota(case: Case) -> None:
    """The user's own rules count, too: the quota is reached sooner where there are some."""
    present = sum(
        len(page["pullThroughCacheRules"])
        for page in case.ecr.get_paginator("describe_pull_through_cache_rules").paginate()
    )
    for number in range(50 - present):
        case.rule(f"-{number}")
    refuse(case, "13", "create the 51st", "LimitExceededException")


@scenario("14")
def secret_that_is_scheduled_for_deletion(case: Case) -> None:
    arn = case.secret()
    case.secretsmanager.delete_secret(SecretId=arn, RecoveryWindowInDays=7)
    case.cloud.settle()
    refuse(case, "14", "create", "UnableToAccessSecretException", HUB, credentialArn=arn)


@scenario("request-order-on-creation")
def two_faults_on_creation(case: Case) -> None:
    rows = "request-order-on-creation"
    name, arn, absent = case.rule(), case.secret(), case.secret_arn("-absent")
    a_role = role(case)
    mismatch = {"upstreamRegistry": "github-container-registry"}
    refuse(case, rows, "malformed prefix, unknown URL", INVALID, "x.example", ecrRepositoryPrefix=case.name("___b"))
    refuse(case, rows, "unknown URL, role", UNSUPPORTED, "x.example", customRoleArn=a_role)
    refuse(case, rows, "unknown URL, prefix that has a rule", UNSUPPORTED, "x.example", ecrRepositoryPrefix=name)
    refuse(case, rows, "another registry, no secret", INVALID, HUB, **mismatch)
    refuse(case, rows, "no secret, role", UNSUPPORTED, HUB, customRoleArn=a_role)
    refuse(case, rows, "no secret, prefix that has a rule", UNSUPPORTED, HUB, ecrRepositoryPrefix=name)
    refuse(case, rows, "secret and role for an open upstream", INVALID, credentialArn=arn, customRoleArn=a_role)
    refuse(
        case,
        rows,
        "secret for an open upstream, prefix that has a rule",
        INVALID,
        credentialArn=arn,
        ecrRepositoryPrefix=name,
    )
    refuse(
        case, rows, "the registry itself, prefix that has a rule", INVALID, own_registry(case), ecrRepositoryPrefix=name
    )
    refuse(
        case,
        rows,
        "prefix that has a rule, missing secret",
        "PullThroughCacheRuleAlreadyExistsException",
        HUB,
        ecrRepositoryPrefix=name,
        credentialArn=absent,
    )
    refuse(case, rows, "another registry, missing secret", INVALID, HUB, credentialArn=absent, **mismatch)


@scenario("request-order-on-update")
def two_faults_on_update(case: Case) -> None:
    rows = "request-order-on-update"
    update = case.ecr.update_pull_through_cache_rule
    arn, absent, name = case.secret(), case.secret_arn("-absent"), case.rule()
    missing = case.name("-absent")
    code = "PullThroughCacheRuleNotFoundException"
    case.refused(rows, "no rule, nothing to update", code, update, ecrRepositoryPrefix=missing)
    case.refused(rows, "no rule, missing secret", code, update, ecrRepositoryPrefix=missing, credentialArn=absent)
    case.refused(
        rows, "secret that is missing and not taken", INVALID, update, ecrRepositoryPrefix=name, credentialArn=absent
    )
    case.refused(
        rows,
        "secret and role, neither taken",
        INVALID,
        update,
        ecrRepositoryPrefix=name,
        credentialArn=arn,
        customRoleArn=role(case),
    )
