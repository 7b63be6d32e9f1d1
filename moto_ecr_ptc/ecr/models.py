"""The ECR backend: moto's own, with the pull through cache of one registry (one account in one Region) beside it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import NamedTuple, cast

from moto.core.base_backend import backend_lock
from moto.core.utils import utcnow
from moto.ecr.models import ECRBackend, ecr_backends

from .credentials import MalformedSecret, SecretReader
from .exceptions import (
    LimitExceededException,
    NothingToUpdate,
    PullThroughCacheRuleAlreadyExistsException,
    PullThroughCacheRuleNotFoundException,
    RegistryAccessDenied,
    SecretException,
)
from .iam import PULL_THROUGH_CACHE_ROLE, Caller, check_custom_role, ensure_service_linked_role
from .paging import Pages
from .rules import PullThroughCacheRule, check_credential_types, check_new_rule, prefix_key
from .upstreams import EcrRegistry, find_upstream_registry

RULES_PER_REGISTRY = 50
"""The quota "Pull through cache rules per registry" of the Amazon ECR user guide. AWS does not raise it."""


class Validation(NamedTuple):
    """The outcome of ValidatePullThroughCacheRule: an empty ``failure`` means that the rule is valid."""

    rule: PullThroughCacheRule
    failure: str


class PullThroughCacheBackend(ECRBackend):
    """The ECR backend of one account in one Region.

    Methods take what the API operation of the same name takes. The shape of each value (pattern, length, enum) is
    checked before, by ``validation``. ``registry_id`` is the API's ``registryId``: it must be the backend's own
    account or None. ``caller`` is None while moto does not enforce IAM.

    A method holds moto's own lock on its backends from its first check to its last change, so that threads see whole
    operations only, and a reset of moto comes before or after one, never in between.
    """

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.set_up_pull_through_cache()

    def set_up_pull_through_cache(self) -> None:
        """Start with an empty pull through cache."""
        self.pull_through_cache_rules: dict[str, PullThroughCacheRule] = {}
        self._rule_sequence = itertools.count()
        self._rule_pages: Pages[PullThroughCacheRule] = Pages()

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
            now = utcnow()
            rule = PullThroughCacheRule(
                sequence=next(self._rule_sequence),
                registry_id=self.account_id,
                ecr_repository_prefix=ecr_repository_prefix,
                upstream_registry_url=upstream_registry_url,
                upstream_registry=upstream.name,
                upstream_repository_prefix=upstream_repository_prefix,
                credential_arn=credential_arn,
                custom_role_arn=custom_role_arn,
                created_at=now,
                updated_at=now,
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
                updated_at=utcnow(),
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

    def validate_pull_through_cache_rule(
        self, *, ecr_repository_prefix: str, registry_id: str | None = None, caller: Caller | None = None
    ) -> Validation:
        """Try a rule's credentials. (ValidatePullThroughCacheRule)

        A rule without a secret is valid. A secret is read as it is now.

        :raises PullThroughCacheRuleNotFoundException: the prefix has no rule
        :raises AccessDeniedException: another account's registry
        """
        with backend_lock:
            self._check_registry_id(registry_id)
            rule = self._get_rule(ecr_repository_prefix)
            if rule.credential_arn is None:
                return Validation(rule, failure="")
            try:
                self._secret_reader(caller).read(rule.credential_arn)
            except (SecretException, MalformedSecret) as problem:
                return Validation(rule, failure=f"The secret '{rule.credential_arn}' {problem.reason}")
            return Validation(rule, failure="")

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


def register() -> None:
    """Make moto use this backend: for all accounts and Regions from now on, and for those that exist already."""
    with backend_lock:
        ecr_backends.backend = PullThroughCacheBackend
        for account in ecr_backends.values():
            account.backend = PullThroughCacheBackend
            for backend in account.values():
                if not isinstance(backend, PullThroughCacheBackend):
                    backend.__class__ = PullThroughCacheBackend
                    cast(PullThroughCacheBackend, backend).set_up_pull_through_cache()
