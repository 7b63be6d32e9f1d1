"""Repository creation templates: what their operations accept, return and refuse."""

from __future__ import annotations

import json
from typing import Any

from ..case import Case
from ..upstreams import REPOSITORY, TAG
from . import MODEL, has_member, scenario
from .refusals import INVALID

PURPOSES = ["PULL_THROUGH_CACHE"]
LIFECYCLE = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1},
                "action": {"type": "expire"},
            }
        ]
    }
)
FILTERS = [{"filterType": "WILDCARD", "filter": "dev-*"}]
HAS_FILTERS = has_member("CreateRepositoryCreationTemplateRequest", "imageTagMutabilityExclusionFilters")


def repository_policy(case: Case) -> str:
    """Return a policy that allows the account what it may do anyway."""
    statement = {
        "Sid": "Own",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{case.account}:root"},
        "Action": "ecr:BatchGetImage",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def mine(case: Case, **arguments: Any) -> list[str]:
    """Return the prefixes of the templates of this run, of all pages, in the order in which ECR returns them."""
    pages = case.ecr.get_paginator("describe_repository_creation_templates").paginate(**arguments)
    found = [template["prefix"] for page in pages for template in page["repositoryCreationTemplates"]]
    return [prefix for prefix in found if prefix.startswith(case.prefix)]


def described(case: Case, prefix: str) -> dict[str, Any]:
    answer = case.ecr.describe_repository_creation_templates(prefixes=[prefix])
    (template,) = answer["repositoryCreationTemplates"]
    return dict(template)


@scenario("template-members template-defaults template-times template-prefix template-empty-texts")
def members_of_templates(case: Case) -> None:
    create = case.ecr.create_repository_creation_template
    rows = "template-members template-defaults"
    least = case.answered(rows, "create with the least", create, prefix=case.name("-a"), appliedFor=PURPOSES)
    template = least["repositoryCreationTemplate"]
    case.saw("template-times", "times are equal", True, template["createdAt"] == template["updatedAt"])
    case.answered(
        "template-members",
        "create with much",
        create,
        prefix=case.name("-b"),
        appliedFor=["PULL_THROUGH_CACHE", "REPLICATION"],
        description="for a test",
        imageTagMutability="IMMUTABLE",
        repositoryPolicy=repository_policy(case),
        lifecyclePolicy=LIFECYCLE,
    )
    case.answered(
        "template-empty-texts",
        "create with empty texts",
        create,
        prefix=case.name("-c"),
        appliedFor=PURPOSES,
        description="",
        repositoryPolicy="",
        lifecyclePolicy="",
        customRoleArn="",
        resourceTags=[],
    )
    for suffix in ("/", "/" + "x" * 243, ".d"):
        name = case.name(suffix)
        answer = create(prefix=name, appliedFor=PURPOSES)["repositoryCreationTemplate"]
        case.saw("template-prefix", f"prefix of {len(name)} characters", name, answer["prefix"])
    unchecked = case.unchecked_ecr.create_repository_creation_template
    for label, suffix in (("malformed", "___b"), ("of 257 characters", "/" + "x" * 244)):
        case.refused(
            "template-prefix", f"prefix {label}", INVALID, unchecked, prefix=case.name(suffix), appliedFor=PURPOSES
        )
    case.answered(
        "template-members", "describe", case.ecr.describe_repository_creation_templates, prefixes=[case.name("-b")]
    )
    case.answered("template-members", "delete", case.ecr.delete_repository_creation_template, prefix=case.name("-b"))


@scenario("template-exists template-slash template-not-found")
def templates_that_are_there_and_not(case: Case) -> None:
    name = case.template()
    create = case.ecr.create_repository_creation_template
    code = "TemplateAlreadyExistsException"
    case.refused("template-exists", "create again", code, create, prefix=name, appliedFor=PURPOSES)
    case.refused("template-slash", "create with a slash", code, create, prefix=f"{name}/", appliedFor=PURPOSES)
    for operation in ("update", "delete"):
        call = getattr(case.ecr, f"{operation}_repository_creation_template")
        case.refused("template-not-found", operation, "TemplateNotFoundException", call, prefix=case.name("-absent"))
    delete = case.ecr.delete_repository_creation_template
    case.answered("template-slash", "delete with a slash", delete, prefix=f"{name}/")


@scenario(
    "template-describe template-describe-limits template-describe-changes-between-pages template-applied-for-empty"
)
def lists_of_templates(case: Case) -> None:
    made = [case.template(suffix) for suffix in ("/z", "/a", "")]
    describe = case.unchecked_ecr.describe_repository_creation_templates
    case.saw("template-describe", "order", made, mine(case))
    case.saw("template-describe", "unknown prefix", made[:1], mine(case, prefixes=[made[0], case.name("-absent")]))
    rows = "template-describe-limits"
    case.refused(rows, "page of 0", INVALID, describe, maxResults=0)
    case.refused(rows, "page of 1001", INVALID, describe, maxResults=1001)
    create = case.ecr.create_repository_creation_template
    case.answered("template-applied-for-empty", "for no purpose", create, prefix=case.name("-none"), appliedFor=[])
    rows = "template-describe-changes-between-pages"
    case.refused(rows, "token that nobody issued", INVALID, describe, nextToken="bm9uZQ==")
    first = case.ecr.describe_repository_creation_templates(prefixes=made, maxResults=2)
    case.ecr.delete_repository_creation_template(prefix=made[0])
    token = first.get("nextToken", "none")
    answer = case.answered(rows, "page after a deletion", describe, prefixes=made[1:], maxResults=2, nextToken=token)
    case.saw(
        rows, "templates of that page", made[2:], [found["prefix"] for found in answer["repositoryCreationTemplates"]]
    )


@scenario("template-create-on-push", needs=lambda: "CREATE_ON_PUSH" in MODEL.shape_for("RCTAppliedFor").enum)
def template_for_pushes(case: Case) -> None:
    create = case.ecr.create_repository_creation_template
    case.answered("template-create-on-push", "create", create, prefix=case.name(), appliedFor=["CREATE_ON_PUSH"])


@scenario("template-tags-without-role template-kms-key template-tag-faults template-malformed-policies")
def settings_of_templates(case: Case) -> None:
    create = case.unchecked_ecr.create_repository_creation_template
    tags = [{"Key": "team", "Value": "a"}]
    rows = "template-tags-without-role"
    case.answered(rows, "tags", create, prefix=case.name("-t"), appliedFor=PURPOSES, resourceTags=tags)
    kms = {"encryptionType": "KMS"}
    case.answered(rows, "KMS", create, prefix=case.name("-k"), appliedFor=PURPOSES, encryptionConfiguration=kms)
    key = f"arn:aws:kms:{case.region}:{case.account}:key/00000000-0000-0000-0000-000000000000"
    for rows, label, settings in (
        (
            "template-kms-key",
            "AES256 with a key",
            {"encryptionConfiguration": {"encryptionType": "AES256", "kmsKey": key}},
        ),
        (
            "template-kms-key",
            "alias of a key",
            {"encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "alias/x"}},
        ),
        ("template-tag-faults", "tag twice", {"resourceTags": tags * 2}),
        ("template-tag-faults", "tag of AWS", {"resourceTags": [{"Key": "aws:a", "Value": ""}]}),
        ("template-tag-faults", "51 tags", {"resourceTags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]}),
        ("template-tag-faults", "key of 129 characters", {"resourceTags": [{"Key": "k" * 129, "Value": ""}]}),
        ("template-malformed-policies", "repository policy: no JSON", {"repositoryPolicy": "x"}),
        ("template-malformed-policies", "repository policy: empty object", {"repositoryPolicy": "{}"}),
        ("template-malformed-policies", "lifecycle policy: no JSON", {"lifecyclePolicy": "x".ljust(100)}),
        ("template-malformed-policies", "lifecycle policy: no rules", {"lifecyclePolicy": "{}".ljust(100)}),
    ):
        case.refused(rows, label, INVALID, create, prefix=case.name("-no"), appliedFor=PURPOSES, **settings)


@scenario("template-filters-with-immutable template-filters-missing", needs=HAS_FILTERS)
def exclusion_filters(case: Case) -> None:
    create = case.ecr.create_repository_creation_template
    member = "imageTagMutabilityExclusionFilters"
    for rows, label, settings in (
        ("template-filters-with-immutable", "IMMUTABLE", {"imageTagMutability": "IMMUTABLE", member: FILTERS}),
        ("template-filters-with-immutable", "MUTABLE", {"imageTagMutability": "MUTABLE", member: FILTERS}),
        ("template-filters-missing", "MUTABLE without filters", {"imageTagMutability": "MUTABLE_WITH_EXCLUSION"}),
        ("template-filters-missing", "IMMUTABLE without filters", {"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION"}),
    ):
        case.refused(rows, label, INVALID, create, prefix=case.name(), appliedFor=PURPOSES, **settings)


@scenario("template-update-partial template-update-empty template-times")
def updates_of_templates(case: Case) -> None:
    name = case.template(
        description="old",
        lifecyclePolicy=LIFECYCLE,
        repositoryPolicy=repository_policy(case),
        imageTagMutability="IMMUTABLE",
    )
    before = described(case, name)
    update = case.ecr.update_repository_creation_template
    case.wait_for_another_time()
    update(prefix=name, description="new")
    after = described(case, name)
    changed = sorted(member for member in after if after[member] != before.get(member))
    case.saw("template-update-partial", "members that changed", ["description", "updatedAt"], changed)
    case.saw("template-times", "updatedAt is later", True, after["updatedAt"] > before["updatedAt"])
    for member in ("description", "lifecyclePolicy", "repositoryPolicy"):
        case.answered("template-update-empty", f"empty {member}", update, prefix=name, **{member: ""})


@scenario("template-longest-prefix template-other-purpose pull-template pull-template-needs-role")
def templates_of_pulls(case: Case) -> None:
    case.rule()
    case.template("", lifecyclePolicy=LIFECYCLE)
    case.template("/docker", imageTagMutability="IMMUTABLE", repositoryPolicy=repository_policy(case))
    case.template("/docker/library", applied_for=["REPLICATION"], imageTagMutability="MUTABLE")
    repository = case.name(f"/{REPOSITORY}")
    case.ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": TAG}])
    (made,) = case.ecr.describe_repositories(repositoryNames=[repository])["repositories"]
    case.saw("template-longest-prefix pull-template", "mutability", "IMMUTABLE", made["imageTagMutability"])
    case.refused(
        "template-longest-prefix",
        "lifecycle policy of the shorter template",
        "LifecyclePolicyNotFoundException",
        case.ecr.get_lifecycle_policy,
        repositoryName=repository,
    )
    case.answered(
        "pull-template", "policy of the repository", case.ecr.get_repository_policy, repositoryName=repository
    )
    case.ecr.delete_repository(repositoryName=repository, force=True)
    case.ecr.update_repository_creation_template(prefix=case.name("/docker"), appliedFor=["REPLICATION"])
    case.ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": TAG}])
    (again,) = case.ecr.describe_repositories(repositoryNames=[repository])["repositories"]
    case.saw("template-other-purpose", "mutability by the shorter template", "MUTABLE", again["imageTagMutability"])
    case.answered(
        "template-other-purpose", "its lifecycle policy", case.ecr.get_lifecycle_policy, repositoryName=repository
    )
    case.ecr.delete_repository(repositoryName=repository, force=True)
    tags = [{"Key": "team", "Value": "a"}]
    case.ecr.update_repository_creation_template(prefix=case.name(), resourceTags=tags)
    case.refused(
        "pull-template-needs-role",
        "tags without a role",
        "RepositoryNotFoundException",
        case.ecr.batch_get_image,
        repositoryName=repository,
        imageIds=[{"imageTag": TAG}],
    )
