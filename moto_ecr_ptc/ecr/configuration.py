"""What one registry (one account in one Region) is set up to do: rules, creation templates, settings, its policy."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timezone
from typing import NamedTuple

from moto.core.base_backend import backend_lock
from moto.core.utils import utcnow
from moto.ecr.models import ECRBackend

from .credentials import SecretReader
from .exceptions import (
    InvalidAccountSetting,
    LimitExceededException,
    NothingToUpdate,
    PullThroughCacheRuleAlreadyExistsException,
    PullThroughCacheRuleNotFoundException,
    RegistryAccessDenied,
    TemplateAlreadyExistsException,
    TemplateNotFoundException,
)
from .iam import PULL_THROUGH_CACHE_ROLE, TEMPLATE_ROLE, Caller, check_custom_role, ensure_service_linked_role
from .paging import Pages
from .policies import PolicyChecker, check_registry_actions
from .prefixes import prefix_key
from .rules import PullThroughCacheRule, check_credential_types, check_new_rule
from .templates import RepositoryCreationTemplate, TemplateSettings, apply_settings
from .upstreams import EcrRegistry, find_upstream_registry

RULES_PER_REGISTRY = 50
"""The quota "Pull through cache rules per registry" of the Amazon ECR user guide. AWS does not raise it."""

ACCOUNT_SETTINGS = {
    "BASIC_SCAN_TYPE_VERSION": ("AWS_NATIVE", "CLAIR"),
    "REGISTRY_POLICY_SCOPE": ("V2", "V1"),
    "BLOB_MOUNTING": ("DISABLED", "ENABLED"),
}
"""The settings of an account in a Region and their values, the default first."""


class Validation(NamedTuple):
    """The outcome of ValidatePullThroughCacheRule: an empty ``failure`` means that the rule is valid."""

    rule: PullThroughCacheRule
    failure: str


class RegistryConfiguration(ECRBackend):
    """The part of the ECR backend that keeps what a registry is set up to do.

    Methods take what the API operation of the same name takes. The shape of each value (pattern, length, enum) is
    checked before, by ``validation``. ``registry_id`` is the API's ``registryId``: it must be the backend's own
    account or None. ``caller`` is None while moto does not enforce IAM.

    A method holds moto's own lock on its backends from its first check to its last change, so that threads see whole
    operations only, and a reset of moto comes before or after one, never in between.
    """

    _rule_sequence = itertools.count()
    """Never begins anew: a pull must not take a rule of after a reset for the one of before."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.set_up_pull_through_cache()

    def set_up_pull_through_cache(self) -> None:
        """Start with an empty pull through cache."""
        self.pull_through_cache_rules: dict[str, PullThroughCacheRule] = {}
        self._rule_pages: Pages[PullThroughCacheRule] = Pages()
        self.repository_creation_templates: dict[str, RepositoryCreationTemplate] = {}
        self._template_sequence = itertools.count()
        self._template_pages: Pages[RepositoryCreationTemplate] = Pages()
        self._account_settings: dict[str, str] = {}

    def create_pull_through_cache_rule(
        self,
        *,
        ecr_repository_prefix: str,
        upstream_registry_url: str,
        registry_id: str | None = None,
        upstream_registry: str | None = None,
        credential_arn: str | None = None,
        custom_role_arn: str | None = None,
        upstream_repository_prefix: str | None = None,
        caller: Caller | None = None,
    ) -> PullThroughCacheRule:
        """Create a rule. (CreatePullThroughCacheRule)

        :param ecr_repository_prefix: 2 to 30 characters; ``docker`` and ``docker/`` are the same rule
        :param upstream_registry_url: one of ``upstreams.UPSTREAM_REGISTRIES``
        :param upstream_registry: must be the URL's, if that upstream demands a secret; ignored otherwise
        :param credential_arn: the secret; demanded by some upstreams and refused by the others
        :param custom_role_arn: the role for an ECR upstream; demanded across accounts. Empty counts as None
        :raises UnsupportedUpstreamRegistryException: no such upstream, or it needs credentials that are not given
        :raises InvalidParameterException: parameters that contradict one another, or an unusable role
        :raises PullThroughCacheRuleAlreadyExistsException: the prefix has a rule
        :raises LimitExceededException: the registry has ``RULES_PER_REGISTRY`` rules
        :raises SecretNotFoundException, UnableToAccessSecretException, UnableToDecryptSecretValueException: the secret
            cannot be used
        :raises AccessDeniedException: another account's registry, or a right that the caller lacks
        """
        custom_role_arn = custom_role_arn or None
        with backend_lock:
            self._check_registry_id(registry_id)
            upstream = check_new_rule(
                registry=EcrRegistry(self.account_id, self.region_name),
                ecr_repository_prefix=ecr_repository_prefix,
                upstream_registry_url=upstream_registry_url,
                upstream_registry=upstream_registry,
                credential_arn=credential_arn,
                custom_role_arn=custom_role_arn,
                upstream_repository_prefix=upstream_repository_prefix,
            )
            key = prefix_key(ecr_repository_prefix)
            if key in self.pull_through_cache_rules:
                raise PullThroughCacheRuleAlreadyExistsException(ecr_repository_prefix, self.account_id)
            if len(self.pull_through_cache_rules) >= RULES_PER_REGISTRY:
                raise LimitExceededException(RULES_PER_REGISTRY, self.account_id)
            self._check_credentials(credential_arn, custom_role_arn, caller)
            ensure_service_linked_role(
                PULL_THROUGH_CACHE_ROLE, account_id=self.account_id, partition=self.partition, caller=caller
            )
            created_at = now()
            rule = PullThroughCacheRule(
                sequence=next(self._rule_sequence),
                registry_id=self.account_id,
                ecr_repository_prefix=ecr_repository_prefix,
                upstream_registry_url=upstream_registry_url,
                upstream_registry=upstream.name,
                upstream_repository_prefix=upstream_repository_prefix,
                credential_arn=credential_arn,
                custom_role_arn=custom_role_arn,
                created_at=created_at,
                updated_at=created_at,
            )
            self.pull_through_cache_rules[key] = rule
            return rule

    def describe_pull_through_cache_rules(
        self,
        *,
        registry_id: str | None = None,
        ecr_repository_prefixes: list[str] | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> tuple[list[PullThroughCacheRule], str | None]:
        """Return a page of rules in order of creation, and the next page's token. (DescribePullThroughCacheRules)

        :param ecr_repository_prefixes: 1 to 100 prefixes; None means all rules
        :param max_results: 1 to 1000; None means 100
        :raises PullThroughCacheRuleNotFoundException: one of the prefixes has no rule
        :raises InvalidParameterException: a token that this registry did not issue
        :raises AccessDeniedException: another account's registry
        """
        with backend_lock:
            self._check_registry_id(registry_id)
            rules = list(self.pull_through_cache_rules.values())
            if ecr_repository_prefixes is not None:
                selected = {self._get_rule(prefix).sequence for prefix in ecr_repository_prefixes}
                rules = [rule for rule in rules if rule.sequence in selected]
            return self._rule_pages.page(rules, max_results, next_token)

    def update_pull_through_cache_rule(
        self,
        *,
        ecr_repository_prefix: str,
        registry_id: str | None = None,
        credential_arn: str | None = None,
        custom_role_arn: str | None = None,
        caller: Caller | None = None,
    ) -> PullThroughCacheRule:
        """Replace a rule's credentials, those that are given. (UpdatePullThroughCacheRule)

        :param custom_role_arn: empty counts as None
        :raises PullThroughCacheRuleNotFoundException: the prefix has no rule
        :raises InvalidParameterException: no credentials, credentials of the wrong kind, or an unusable role
        :raises SecretNotFoundException, UnableToAccessSecretException, UnableToDecryptSecretValueException: the secret
            cannot be used
        :raises AccessDeniedException: another account's registry, or a right that the caller lacks
        """
        custom_role_arn = custom_role_arn or None
        with backend_lock:
            self._check_registry_id(registry_id)
            rule = self._get_rule(ecr_repository_prefix)
            if credential_arn is None and custom_role_arn is None:
                raise NothingToUpdate
            upstream = find_upstream_registry(rule.upstream_registry_url)
            assert upstream is not None  # it was there when the rule was created
            check_credential_types(upstream, credential_arn, custom_role_arn)
            self._check_credentials(credential_arn, custom_role_arn, caller)
            rule = replace(
                rule,
                credential_arn=credential_arn or rule.credential_arn,
                custom_role_arn=custom_role_arn or rule.custom_role_arn,
                updated_at=now(),
            )
            self.pull_through_cache_rules[prefix_key(ecr_repository_prefix)] = rule
            return rule

    def delete_pull_through_cache_rule(
        self, *, ecr_repository_prefix: str, registry_id: str | None = None
    ) -> PullThroughCacheRule:
        """Delete a rule and return it. (DeletePullThroughCacheRule)

        :raises PullThroughCacheRuleNotFoundException: the prefix has no rule
        :raises AccessDeniedException: another account's registry
        """
        with backend_lock:
            self._check_registry_id(registry_id)
            rule = self._get_rule(ecr_repository_prefix)
            return self.pull_through_cache_rules.pop(prefix_key(rule.ecr_repository_prefix))

    def find_rule_of_prefix(self, ecr_repository_prefix: str, registry_id: str | None) -> PullThroughCacheRule:
        """Return the rule of a prefix.

        :raises PullThroughCacheRuleNotFoundException: the prefix has no rule
        :raises AccessDeniedException: another account's registry
        """
        self._check_registry_id(registry_id)
        return self._get_rule(ecr_repository_prefix)

    # --- repository creation templates -----------------------------------------------------------------------------

    def create_repository_creation_template(
        self, *, prefix: str, settings: TemplateSettings, caller: Caller | None = None
    ) -> RepositoryCreationTemplate:
        """Create a template. (CreateRepositoryCreationTemplate)

        What is not given is AES256, MUTABLE, and else not set.

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
                    sequence=next(self._template_sequence),
                    prefix=prefix,
                    applied_for=[],
                    created_at=created_at,
                    updated_at=created_at,
                ),
                settings,
            )
            if prefix_key(prefix) in self.repository_creation_templates:
                raise TemplateAlreadyExistsException(prefix, self.account_id)
            self._check_template_rights(settings, caller)
            ensure_service_linked_role(
                TEMPLATE_ROLE, account_id=self.account_id, partition=self.partition, caller=caller
            )
            self.repository_creation_templates[prefix_key(prefix)] = template
            return template

    def describe_repository_creation_templates(
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
            selected = {prefix_key(prefix) for prefix in prefixes or self.repository_creation_templates}
            templates = [template for key, template in self.repository_creation_templates.items() if key in selected]
            return self._template_pages.page(templates, max_results, next_token)

    def update_repository_creation_template(
        self, *, prefix: str, settings: TemplateSettings, caller: Caller | None = None
    ) -> RepositoryCreationTemplate:
        """Change those settings of a template that are given, and keep the others. (UpdateRepositoryCreationTemplate)

        :raises TemplateNotFoundException: the prefix has no template
        :raises InvalidParameterException, AccessDeniedException: as on creation
        """
        with backend_lock:
            template = self._with_settings(self._get_template(prefix), settings)
            self._check_template_rights(settings, caller)
            template = replace(template, updated_at=now())
            self.repository_creation_templates[prefix_key(prefix)] = template
            return template

    def replace_repository_creation_template(
        self, *, prefix: str, settings: TemplateSettings
    ) -> tuple[RepositoryCreationTemplate, RepositoryCreationTemplate]:
        """Give a template these settings and no others. (CloudFormation's update of a template)

        :returns: the template as it was, and as it is

        :raises TemplateNotFoundException: the prefix has no template
        :raises InvalidParameterException: as on creation
        """
        with backend_lock:
            old = self._get_template(prefix)
            template = self._with_settings(
                RepositoryCreationTemplate(
                    sequence=old.sequence,
                    prefix=old.prefix,
                    applied_for=[],
                    created_at=old.created_at,
                    updated_at=now(),
                ),
                settings,
            )
            self._check_template_rights(settings, None)
            self.repository_creation_templates[prefix_key(prefix)] = template
            return old, template

    def restore_repository_creation_template(self, template: RepositoryCreationTemplate) -> None:
        """Have a template be again what it was. (CloudFormation's rollback of an update)"""
        with backend_lock:
            self.repository_creation_templates[prefix_key(template.prefix)] = template

    def delete_repository_creation_template(self, *, prefix: str) -> RepositoryCreationTemplate:
        """Delete a template and return it. (DeleteRepositoryCreationTemplate)

        :raises TemplateNotFoundException: the prefix has no template
        """
        with backend_lock:
            self._get_template(prefix)
            return self.repository_creation_templates.pop(prefix_key(prefix))

    def _with_settings(
        self, template: RepositoryCreationTemplate, settings: TemplateSettings
    ) -> RepositoryCreationTemplate:
        template = apply_settings(template, settings)
        if settings.repository_policy:
            PolicyChecker(self.region_name, self.account_id).check_repository_policy(settings.repository_policy)
        if settings.lifecycle_policy:
            PolicyChecker(self.region_name, self.account_id).check_lifecycle_policy(settings.lifecycle_policy)
        return template

    def _check_template_rights(self, settings: TemplateSettings, caller: Caller | None) -> None:
        if caller:
            for action in ("ecr:CreateRepository", "ecr:PutLifecyclePolicy", "ecr:SetRepositoryPolicy"):
                caller.require(action, "*")
        self._check_credentials(None, settings.custom_role_arn, caller)

    def _get_template(self, prefix: str) -> RepositoryCreationTemplate:
        try:
            return self.repository_creation_templates[prefix_key(prefix)]
        except KeyError:
            raise TemplateNotFoundException(prefix, self.account_id) from None

    # --- account settings and the registry policy --------------------------------------------------------------------

    def get_account_setting(self, *, name: str) -> str:
        """Return a setting's value. (GetAccountSetting)

        :raises InvalidParameterException: no such setting
        """
        if name not in ACCOUNT_SETTINGS:
            raise InvalidAccountSetting("name", ACCOUNT_SETTINGS)
        return self._account_settings.get(name, ACCOUNT_SETTINGS[name][0])

    def put_account_setting(self, *, name: str, value: str) -> str:
        """Change a setting and return its value. (PutAccountSetting)

        :raises InvalidParameterException: no such setting, or no value of it
        """
        with backend_lock:
            self.get_account_setting(name=name)
            if value not in ACCOUNT_SETTINGS[name]:
                raise InvalidAccountSetting("value", ACCOUNT_SETTINGS[name])
            self._account_settings[name] = value
            return value

    def _validate_registry_policy_action(self, policy_text: str) -> None:
        # moto's PutRegistryPolicy calls this, and admits two actions only.
        check_registry_actions(policy_text, self.get_account_setting(name="REGISTRY_POLICY_SCOPE"))

    # --- what several operations need --------------------------------------------------------------------------------

    def _get_rule(self, prefix: str) -> PullThroughCacheRule:
        try:
            return self.pull_through_cache_rules[prefix_key(prefix)]
        except KeyError:
            raise PullThroughCacheRuleNotFoundException(prefix, self.account_id) from None

    def _check_registry_id(self, registry_id: str | None) -> None:
        if registry_id not in (None, self.account_id):
            assert registry_id is not None
            raise RegistryAccessDenied(self.account_id, registry_id)

    def _check_credentials(
        self, credential_arn: str | None, custom_role_arn: str | None, caller: Caller | None
    ) -> None:
        if credential_arn:
            self._secret_reader(caller).check(credential_arn)
        if custom_role_arn:
            check_custom_role(custom_role_arn, account_id=self.account_id, partition=self.partition, caller=caller)

    def _secret_reader(self, caller: Caller | None) -> SecretReader:
        return SecretReader(self.account_id, self.region_name, self.partition, enforce_policies=caller is not None)


def now() -> datetime:
    """Return moto's time, aware: moto's serializer takes naive times apart by way of the local time zone, slowly."""
    return utcnow().replace(tzinfo=timezone.utc)
