"""The repositories that ECR creates by itself, with the settings of repository creation templates.

Source: Amazon ECR user guide, "Templates to control repositories created during a pull through cache, create on push,
or replication action".
"""

from __future__ import annotations

from typing import Any, cast

from moto.ecr.models import ECRBackend, Repository

from ..access.credentials import find_key_problem
from ..access.iam import PULL_THROUGH_CACHE_ROLE, TEMPLATE_ROLE, role_trusts
from ..configuration.templates import RepositoryCreationTemplate, Templates
from ..registry_id import RegistryId

PULL_THROUGH_CACHE = "PULL_THROUGH_CACHE"
CREATE_ON_PUSH = "CREATE_ON_PUSH"
"""Why a repository is created: a value of a template's ``appliedFor``."""


class Repositories:
    """Creates the repositories of one registry."""

    def __init__(self, backend: ECRBackend, templates: Templates) -> None:
        self._backend = backend
        self._registry = RegistryId(backend.account_id, backend.region_name)
        self._templates = templates

    def find_template(self, name: str, purpose: str) -> RepositoryCreationTemplate | None:
        return self._templates.find(name, purpose)

    def find_obstacle(self, name: str, purpose: str, *, enforced: bool = False) -> str | None:
        """Return why a repository cannot be created with the settings of its template, as a clause; None if it can.

        A KMS key must be usable. Tags and KMS encryption need the template's custom role, which must trust ECR.

        :param enforced: whether moto enforces IAM; otherwise the role need not exist
        """
        template = self.find_template(name, purpose)
        if template is None:
            return None
        name_of_template = f"the repository creation template '{template.prefix}'"
        encryption = template.encryption_configuration
        key = encryption.get("kmsKey")
        if key:
            problem = find_key_problem(key, self._registry)
            if problem:
                return f"{name_of_template} encrypts with the KMS key '{key}', {problem}"
        has_kms = encryption["encryptionType"] != "AES256"
        needs = [need for need, needed in (("tags", template.resource_tags), ("KMS encryption", has_kms)) if needed]
        if not needs:
            return None
        if not template.custom_role_arn:
            return f"{name_of_template} has {' and '.join(needs)} but no customRoleArn, which ECR needs to apply them"
        services = (PULL_THROUGH_CACHE_ROLE.service, TEMPLATE_ROLE.service)
        trusts = role_trusts(template.custom_role_arn, services, self._registry)
        if trusts or (trusts is None and not enforced):
            return None
        fault = "does not exist" if trusts is None else f"does not trust {' or '.join(services)}"
        return f"the custom role '{template.custom_role_arn}' of {name_of_template} {fault}"

    def create(self, name: str, purpose: str) -> Repository:
        """Create a repository with the settings of its template."""
        template = self.find_template(name, purpose)
        # moto's create_repository would refuse names with '__' or '--', which ECR accepts.
        repository: Repository = cast(Any, Repository)(
            *self._registry,
            name,
            None,
            dict(template.encryption_configuration) if template else None,
            None,
            "MUTABLE",
        )
        self._backend.repositories[name] = repository
        if template:
            self._apply(template, repository)
        self._apply_scanning_rules(repository)
        return repository

    def _apply(self, template: RepositoryCreationTemplate, repository: Repository) -> None:
        repository.image_tag_mutability = template.image_tag_mutability
        repository.image_tag_mutability_exclusion_filters = cast(Any, template.image_tag_mutability_exclusion_filters)
        self._backend.tagger.tag_resource(repository.arn, template.resource_tags or [])
        repository.policy = template.repository_policy
        repository.lifecycle_policy = template.lifecycle_policy

    def _apply_scanning_rules(self, repository: Repository) -> None:
        backend: Any = self._backend  # the same as moto's create_repository, by its private members
        with backend.registry_scanning_configuration_update_lock:
            for rule in backend.registry_scanning_configuration["rules"]:
                for scan_filter in rule["repositoryFilters"]:
                    if backend._match_repository_filter(scan_filter["filter"], repository.name):  # noqa: SLF001 (the same)
                        repository.scanning_config["scanFrequency"] = rule["scanFrequency"]
                        repository.scanning_config["appliedScanFilters"] = [scan_filter]
