"""A repository creation template, its checks, and which template a new repository gets.

Source: Amazon ECR user guide, "Templates to control repositories created during a pull through cache, create on push,
or replication action".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from moto.utilities.tagging_service import TaggingService

from .exceptions import (
    EncryptionKeyNotAllowed,
    ExclusionFiltersMissing,
    ExclusionFiltersNotAllowed,
    InvalidResourceTags,
)
from .prefixes import covers, specificity

TAGS_PER_REPOSITORY = 50
WITH_EXCLUSION = "_WITH_EXCLUSION"


@dataclass(frozen=True)
class RepositoryCreationTemplate:
    """One template of one registry. The members are those of ECR's shape of this name; None means not set."""

    sequence: int
    prefix: str
    applied_for: list[str]
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    encryption_configuration: dict[str, str] = field(default_factory=lambda: {"encryptionType": "AES256"})
    resource_tags: list[dict[str, str]] | None = None
    image_tag_mutability: str = "MUTABLE"
    image_tag_mutability_exclusion_filters: list[dict[str, str]] | None = None
    repository_policy: str | None = None
    lifecycle_policy: str | None = None
    custom_role_arn: str | None = None


@dataclass(frozen=True)
class TemplateSettings:
    """What a request to create or update a template gives; None means not given.

    The members are those of the requests. ``applied_for``: any of REPLICATION, PULL_THROUGH_CACHE, CREATE_ON_PUSH; none
    of them means never.
    """

    applied_for: list[str] | None = None
    description: str | None = None
    encryption_configuration: dict[str, str] | None = None
    resource_tags: list[dict[str, str]] | None = None
    image_tag_mutability: str | None = None
    image_tag_mutability_exclusion_filters: list[dict[str, str]] | None = None
    repository_policy: str | None = None
    lifecycle_policy: str | None = None
    custom_role_arn: str | None = None


SETTINGS = {
    "applied_for": "appliedFor",
    "description": "description",
    "encryption_configuration": "encryptionConfiguration",
    "resource_tags": "resourceTags",
    "image_tag_mutability": "imageTagMutability",
    "image_tag_mutability_exclusion_filters": "imageTagMutabilityExclusionFilters",
    "repository_policy": "repositoryPolicy",
    "lifecycle_policy": "lifecyclePolicy",
    "custom_role_arn": "customRoleArn",
}
"""The settings of a template: our name, and the model's."""


def read_settings(members: Mapping[str, Any]) -> TemplateSettings:
    """Return the settings among a request's members."""
    return TemplateSettings(**{attribute: members.get(name) for attribute, name in SETTINGS.items()})


def apply_settings(template: RepositoryCreationTemplate, settings: TemplateSettings) -> RepositoryCreationTemplate:
    """Return the template with what is given changed, checked.

    An empty description, policy or list of tags removes what was there; an empty role counts as not given. A mutability
    without exclusion removes the exclusion filters.

    :raises InvalidParameterException: as ``check_template``
    """
    given = {name: value for name, value in vars(settings).items() if value is not None}
    for removable in ("description", "repository_policy", "lifecycle_policy", "resource_tags"):
        if removable in given:
            given[removable] = given[removable] or None
    if not given.get("custom_role_arn"):
        given.pop("custom_role_arn", None)
    if settings.encryption_configuration:
        given["encryption_configuration"] = {
            name: value for name, value in settings.encryption_configuration.items() if value
        }
    if settings.image_tag_mutability and not settings.image_tag_mutability.endswith(WITH_EXCLUSION):
        given.setdefault("image_tag_mutability_exclusion_filters", None)
    changed = replace(template, **given)
    check_template(changed)
    return changed


def check_template(template: RepositoryCreationTemplate) -> None:
    """Check that a template's settings fit together.

    Tags and a KMS key without a custom role fit: only the creation of a repository fails over them.

    :raises InvalidParameterException: they contradict one another, or the tags are not valid
    """
    encryption = template.encryption_configuration
    if encryption["encryptionType"] == "AES256" and "kmsKey" in encryption:
        raise EncryptionKeyNotAllowed
    if template.resource_tags:
        _check_tags(template.resource_tags)
    mutability = template.image_tag_mutability
    if mutability.endswith(WITH_EXCLUSION):
        if template.image_tag_mutability_exclusion_filters is None:
            raise ExclusionFiltersMissing(mutability)
    elif template.image_tag_mutability_exclusion_filters is not None:
        raise ExclusionFiltersNotAllowed(mutability)


def find_template(
    templates: Iterable[RepositoryCreationTemplate], repository_name: str, purpose: str
) -> RepositoryCreationTemplate | None:
    """Return the template that a new repository gets: the longest prefix that covers it, ROOT last.

    :param purpose: why the repository is created: REPLICATION, PULL_THROUGH_CACHE or CREATE_ON_PUSH. Templates that are
        not applied for it are passed over.
    """
    candidates = (
        template
        for template in templates
        if purpose in template.applied_for and covers(template.prefix, repository_name)
    )
    return max(candidates, key=lambda template: specificity(template.prefix), default=None)


def _check_tags(tags: list[dict[str, str]]) -> None:
    fault = TaggingService().validate_tags(tags, limit=TAGS_PER_REPOSITORY)
    if fault:
        raise InvalidResourceTags(fault)
    keys = [tag["Key"] for tag in tags]
    duplicates = sorted({key for key in keys if keys.count(key) > 1})
    if duplicates:
        raise InvalidResourceTags(f"Duplicate tag keys: {', '.join(duplicates)}")
