"""Pull through cache rules: their checks, their operations, and which rule a repository is pulled by.

The numbers in the comments are the rows of the table of refusals in ``docs/fidelity.md``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from moto.core.base_backend import backend_lock

from ..access.credentials import check_credentials
from ..access.iam import PULL_THROUGH_CACHE_ROLE, Caller, ensure_service_linked_role
from ..exceptions import (
    AuthenticationNotRequired,
    CredentialTypeMismatch,
    InvalidUpstreamRegistryUrl,
    LimitExceededException,
    NothingToUpdate,
    PullThroughCacheRuleAlreadyExistsException,
    PullThroughCacheRuleNotFoundException,
    RegistryAccessDenied,
    RoleRequired,
    RootPrefixMismatch,
    SecretRequired,
    UpstreamIsCacheRegistry,
    UpstreamRegistryMismatch,
)
from ..paging import Pages
from ..registry_id import RegistryId, now
from .prefixes import ROOT, covers, prefix_key, specificity
from .upstream_registries import Authentication, UpstreamRegistry, find_ecr_registry, find_upstream_registry

RULES_PER_REGISTRY = 50
"""The quota "Pull through cache rules per registry" of the Amazon ECR user guide. AWS does not raise it."""


@dataclass(frozen=True)
class PullThroughCacheRule:
    """One rule of one registry. The members are those of ECR's shape ``PullThroughCacheRule``; None means not set."""

    sequence: int
    registry_id: str
    ecr_repository_prefix: str
    upstream_registry_url: str
    upstream_registry: str
    upstream_repository_prefix: str | None
    credential_arn: str | None
    custom_role_arn: str | None
    created_at: datetime
    updated_at: datetime


def check_new_rule(
    *,
    registry: RegistryId,
    ecr_repository_prefix: str,
    upstream_registry_url: str,
    upstream_registry: str | None,
    credential_arn: str | None,
    custom_role_arn: str | None,
    upstream_repository_prefix: str | None,
) -> UpstreamRegistry:
    """Check that the parameters of a new rule in ``registry`` fit together, and return the upstream they name.

    :raises UnsupportedUpstreamRegistryException: no such upstream, or it needs credentials that are not given
    :raises InvalidParameterException: parameters that contradict one another
    """
    upstream = find_upstream_registry(upstream_registry_url)
    if upstream is None:
        raise InvalidUpstreamRegistryUrl(upstream_registry_url)  # 1
    needs_secret = upstream.authentication is Authentication.SECRET
    if needs_secret and upstream_registry not in (None, upstream.name):
        raise UpstreamRegistryMismatch  # 5; 6: other upstreams accept any upstreamRegistry
    if needs_secret and credential_arn is None:
        raise SecretRequired  # 2
    check_credential_types(upstream, credential_arn, custom_role_arn)
    ecr_upstream = find_ecr_registry(upstream_registry_url)
    if ecr_upstream == registry:
        raise UpstreamIsCacheRegistry  # 10
    if ecr_repository_prefix == ROOT and upstream_repository_prefix not in (None, ROOT):
        raise RootPrefixMismatch  # 16
    if ecr_upstream and ecr_upstream.account_id != registry.account_id and custom_role_arn is None:
        raise RoleRequired  # 17
    return upstream


def check_credential_types(upstream: UpstreamRegistry, credential_arn: str | None, custom_role_arn: str | None) -> None:
    """Check that the credentials are of the kind that ``upstream`` takes.

    :raises InvalidParameterException: a secret or a role for an upstream that takes none or the other
    """
    if credential_arn and upstream.authentication is Authentication.NONE:
        raise AuthenticationNotRequired  # 3
    if credential_arn and upstream.authentication is not Authentication.SECRET:
        raise CredentialTypeMismatch  # 4
    if custom_role_arn and upstream.authentication is not Authentication.ROLE:
        raise CredentialTypeMismatch  # 4


def find_rule(rules: Iterable[PullThroughCacheRule], repository_name: str) -> PullThroughCacheRule | None:
    """Return the rule that serves a repository: the longest prefix that covers it, ROOT last."""
    return max(
        (rule for rule in rules if covers(rule.ecr_repository_prefix, repository_name)),
        key=lambda rule: specificity(rule.ecr_repository_prefix),
        default=None,
    )


def upstream_repository_name(rule: PullThroughCacheRule, repository_name: str) -> str:
    """Return the upstream's name of a repository that the rule serves."""
    if rule.ecr_repository_prefix == ROOT:
        return repository_name
    path = repository_name[len(prefix_key(rule.ecr_repository_prefix)) + 1 :]
    if rule.upstream_repository_prefix in (None, ROOT):
        return path
    assert rule.upstream_repository_prefix is not None
    return f"{prefix_key(rule.upstream_repository_prefix)}/{path}"


class Rules:
    """The rules of one registry, and the operations on them.

    Methods take what the API operations take. The shape of each value (pattern, length, enum) is checked before, by
    ``validation``. ``registry_id`` is the API's ``registryId``: the registry's own account, or None.
    ``caller`` is None while moto does not enforce IAM.

    A method holds moto's own lock on its backends from its first check to its last change, so that threads see only
    completed operations, and a reset of moto comes before or after one.
    """

    _sequence = itertools.count()
    """Continues across resets, so that a pull can tell a rule from one of before a reset."""

    def __init__(self, registry: RegistryId) -> None:
        self._registry = registry
        self._rules: dict[str, PullThroughCacheRule] = {}
        self._pages: Pages[PullThroughCacheRule] = Pages()

    def __bool__(self) -> bool:
        return bool(self._rules)

    def create(
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
        :param upstream_registry_url: one of ``upstream_registries.UPSTREAM_REGISTRIES``
        :param upstream_registry: must match the URL if that upstream needs a secret; ignored otherwise
        :param credential_arn: the secret; required for some upstreams and refused for the others
        :param custom_role_arn: the role for an ECR upstream; required across accounts. Empty counts as None
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
                registry=self._registry,
                ecr_repository_prefix=ecr_repository_prefix,
                upstream_registry_url=upstream_registry_url,
                upstream_registry=upstream_registry,
                credential_arn=credential_arn,
                custom_role_arn=custom_role_arn,
                upstream_repository_prefix=upstream_repository_prefix,
            )
            key = prefix_key(ecr_repository_prefix)
            if key in self._rules:
                raise PullThroughCacheRuleAlreadyExistsException(ecr_repository_prefix, self._registry.account_id)
            if len(self._rules) >= RULES_PER_REGISTRY:
                raise LimitExceededException(RULES_PER_REGISTRY, self._registry.account_id)
            check_credentials(self._registry, credential_arn, custom_role_arn, caller)
            ensure_service_linked_role(PULL_THROUGH_CACHE_ROLE, self._registry, caller)
            created_at = now()
            rule = PullThroughCacheRule(
                sequence=next(self._sequence),
                registry_id=self._registry.account_id,
                ecr_repository_prefix=ecr_repository_prefix,
                upstream_registry_url=upstream_registry_url,
                upstream_registry=upstream.name,
                upstream_repository_prefix=upstream_repository_prefix,
                credential_arn=credential_arn,
                custom_role_arn=custom_role_arn,
                created_at=created_at,
                updated_at=created_at,
            )
            self._rules[key] = rule
            return rule

    def describe(
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
            rules = list(self._rules.values())
            if ecr_repository_prefixes is not None:
                selected = {self._get(prefix).sequence for prefix in ecr_repository_prefixes}
                rules = [rule for rule in rules if rule.sequence in selected]
            return self._pages.page(rules, max_results, next_token)

    def update(
        self,
        *,
        ecr_repository_prefix: str,
        registry_id: str | None = None,
        credential_arn: str | None = None,
        custom_role_arn: str | None = None,
        caller: Caller | None = None,
    ) -> PullThroughCacheRule:
        """Replace the secret or the role of a rule, whichever is given. (UpdatePullThroughCacheRule)

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
            rule = self._get(ecr_repository_prefix)
            if credential_arn is None and custom_role_arn is None:
                raise NothingToUpdate
            upstream = find_upstream_registry(rule.upstream_registry_url)
            assert upstream is not None  # it was checked when the rule was created
            check_credential_types(upstream, credential_arn, custom_role_arn)
            check_credentials(self._registry, credential_arn, custom_role_arn, caller)
            rule = replace(
                rule,
                credential_arn=credential_arn or rule.credential_arn,
                custom_role_arn=custom_role_arn or rule.custom_role_arn,
                updated_at=now(),
            )
            self._rules[prefix_key(ecr_repository_prefix)] = rule
            return rule

    def delete(self, *, ecr_repository_prefix: str, registry_id: str | None = None) -> PullThroughCacheRule:
        """Delete a rule and return it. (DeletePullThroughCacheRule)

        :raises PullThroughCacheRuleNotFoundException: the prefix has no rule
        :raises AccessDeniedException: another account's registry
        """
        with backend_lock:
            self._check_registry_id(registry_id)
            rule = self._get(ecr_repository_prefix)
            return self._rules.pop(prefix_key(rule.ecr_repository_prefix))

    def get(self, ecr_repository_prefix: str, registry_id: str | None = None) -> PullThroughCacheRule:
        """Return the rule of a prefix.

        :raises PullThroughCacheRuleNotFoundException: the prefix has no rule
        :raises AccessDeniedException: another account's registry
        """
        self._check_registry_id(registry_id)
        return self._get(ecr_repository_prefix)

    def find(self, repository_name: str) -> PullThroughCacheRule | None:
        """Return the rule that serves a repository."""
        return find_rule(self._rules.values(), repository_name)

    @property
    def prefixes(self) -> list[str]:
        """The prefixes of the rules, in order of creation."""
        return [rule.ecr_repository_prefix for rule in self._rules.values()]

    def is_current(self, rule: PullThroughCacheRule, repository_name: str) -> bool:
        """Return whether a rule, perhaps updated since, is still the one that serves a repository."""
        current = self.find(repository_name)
        return current is not None and current.sequence == rule.sequence

    def _get(self, prefix: str) -> PullThroughCacheRule:
        try:
            return self._rules[prefix_key(prefix)]
        except KeyError:
            raise PullThroughCacheRuleNotFoundException(prefix, self._registry.account_id) from None

    def _check_registry_id(self, registry_id: str | None) -> None:
        if registry_id not in (None, self._registry.account_id):
            assert registry_id is not None
            raise RegistryAccessDenied(self._registry.account_id, registry_id)
