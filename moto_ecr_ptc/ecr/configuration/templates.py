"""Repository creation templates: their checks, their operations, and which template a new repository gets.

Source: Amazon ECR user guide, "Templates to control repositories created during a pull through cache, create on push,
or replication action".
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from moto.core.base_backend import backend_lock
from moto.utilities.tagging_service import TaggingService

from ..access.credentials import check_credentials
from ..access.iam import TEMPLATE_ROLE, Caller, ensure_service_linked_role
from ..exceptions import (
    EncryptionKeyNotAllowed,
    ExclusionFiltersMissing,
    ExclusionFiltersNotAllowed,
    InvalidResourceTags,
    TemplateAlreadyExistsException,
    TemplateNotFoundException,
)
from ..paging import Pages
from ..registry_id import RegistryId, now
from .policies import PolicyChecker
from .prefixes import covers, prefix_key, specificity

TAGS_PER_REPOSITORY = 50
WITH_EXCLUSION = "_WITH_EXCLUSION"


@dataclass(frozen=True)
class RepositoryCreationTemplate:
    """One template of one registry. The members are those of ECR's shape of this name; None means not set."""

    sequence: int
    prefix: str
    created_at: datetime
    updated_at: datetime
    applied_for: list[str] = field(default_factory=list)
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

    The members are those of the requests. ``applied_for``: any of REPLICATION, PULL_THROUGH_CACHE, CREATE_ON_PUSH; an
    empty list means that the template is never applied.
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
"""The settings of a template: the names here, and those in the service model."""


def read_settings(members: Mapping[str, Any]) -> TemplateSettings:
    """Return the settings among a request's members."""
    return TemplateSettings(**{attribute: members.get(name) for attribute, name in SETTINGS.items()})


def apply_settings(template: RepositoryCreationTemplate, settings: TemplateSettings) -> RepositoryCreationTemplate:
    """Return the template with the given settings changed.

    An empty description, policy or list of tags removes the old one; an empty role counts as not given. A mutability
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

    Tags and a KMS key are accepted without a custom role, although no repository can be created then.

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
        not applied for it are ignored.
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


class Templates:
    """The repository creation templates of one registry, and the operations on them. See ``rules.Rules``."""

    def __init__(self, registry: RegistryId) -> None:
        self._registry = registry
        self._templates: dict[str, RepositoryCreationTemplate] = {}
        self._sequence = itertools.count()
        self._pages: Pages[RepositoryCreationTemplate] = Pages()

    def __len__(self) -> int:
        return len(self._templates)

    def create(
        self, *, prefix: str, settings: TemplateSettings, caller: Caller | None = None
    ) -> RepositoryCreationTemplate:
        """Create a template. (CreateRepositoryCreationTemplate)

        Defaults: AES256 encryption, MUTABLE tags, everything else not set.

        :param prefix: 1 to 256 characters, or ROOT; ``prod`` and ``prod/`` are the same template
        :raises InvalidParameterException: settings that contradict one another, malformed policies or tags, or an
            unusable role
        :raises TemplateAlreadyExistsException: the prefix has a template
        :raises AccessDeniedException: the caller lacks a right
        """
        with backend_lock:
            created_at = now()
            template = self._with_settings(
                RepositoryCreationTemplate(
                    sequence=next(self._sequence),
                    prefix=prefix,
                    created_at=created_at,
                    updated_at=created_at,
                ),
                settings,
            )
            if prefix_key(prefix) in self._templates:
                raise TemplateAlreadyExistsException(prefix, self._registry.account_id)
            self._check_rights(settings, caller)
            ensure_service_linked_role(TEMPLATE_ROLE, self._registry, caller)
            self._templates[prefix_key(prefix)] = template
            return template

    def describe(
        self,
        *,
        prefixes: list[str] | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> tuple[list[RepositoryCreationTemplate], str | None]:
        """Return a page of templates in order of creation, and the next page's token.

        (DescribeRepositoryCreationTemplates)

        :param prefixes: prefixes without a template are left out; None or no prefix at all means all templates
        :param max_results: 1 to 1000; None means 100
        :raises InvalidParameterException: a token that this registry did not issue
        """
        with backend_lock:
            selected = {prefix_key(prefix) for prefix in prefixes or self._templates}
            templates = [template for key, template in self._templates.items() if key in selected]
            return self._pages.page(templates, max_results, next_token)

    def update(
        self, *, prefix: str, settings: TemplateSettings, caller: Caller | None = None
    ) -> RepositoryCreationTemplate:
        """Change those settings of a template that are given, and keep the others. (UpdateRepositoryCreationTemplate)

        :raises TemplateNotFoundException: the prefix has no template
        :raises InvalidParameterException, AccessDeniedException: as on creation
        """
        with backend_lock:
            template = self._with_settings(self._get(prefix), settings)
            self._check_rights(settings, caller)
            template = replace(template, updated_at=now())
            self._templates[prefix_key(prefix)] = template
            return template

    def replace(
        self, *, prefix: str, settings: TemplateSettings
    ) -> tuple[RepositoryCreationTemplate, RepositoryCreationTemplate]:
        """Set all settings of a template, the defaults for those not given. (CloudFormation's update of a template)

        :returns: the old and the new template

        :raises TemplateNotFoundException: the prefix has no template
        :raises InvalidParameterException: as on creation
        """
        with backend_lock:
            old = self._get(prefix)
            template = self._with_settings(
                RepositoryCreationTemplate(
                    sequence=old.sequence,
                    prefix=old.prefix,
                    created_at=old.created_at,
                    updated_at=now(),
                ),
                settings,
            )
            self._check_rights(settings, None)
            self._templates[prefix_key(prefix)] = template
            return old, template

    def restore(self, template: RepositoryCreationTemplate) -> None:
        """Restore the old state of a template. (CloudFormation's rollback of an update)"""
        with backend_lock:
            self._templates[prefix_key(template.prefix)] = template

    def delete(self, *, prefix: str) -> RepositoryCreationTemplate:
        """Delete a template and return it. (DeleteRepositoryCreationTemplate)

        :raises TemplateNotFoundException: the prefix has no template
        """
        with backend_lock:
            self._get(prefix)
            return self._templates.pop(prefix_key(prefix))

    def find(self, repository_name: str, purpose: str) -> RepositoryCreationTemplate | None:
        """Return the template that a new repository gets, as ``find_template``."""
        return find_template(self._templates.values(), repository_name, purpose)

    def _with_settings(
        self, template: RepositoryCreationTemplate, settings: TemplateSettings
    ) -> RepositoryCreationTemplate:
        template = apply_settings(template, settings)
        if settings.repository_policy:
            PolicyChecker(self._registry.region, self._registry.account_id).check_repository_policy(
                settings.repository_policy
            )
        if settings.lifecycle_policy:
            PolicyChecker(self._registry.region, self._registry.account_id).check_lifecycle_policy(
                settings.lifecycle_policy
            )
        return template

    def _check_rights(self, settings: TemplateSettings, caller: Caller | None) -> None:
        if caller:
            for action in ("ecr:CreateRepository", "ecr:PutLifecyclePolicy", "ecr:SetRepositoryPolicy"):
                caller.require(action, "*")
        check_credentials(self._registry, None, settings.custom_role_arn, caller)

    def _get(self, prefix: str) -> RepositoryCreationTemplate:
        try:
            return self._templates[prefix_key(prefix)]
        except KeyError:
            raise TemplateNotFoundException(prefix, self._registry.account_id) from None
