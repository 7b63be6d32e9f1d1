"""How to ask an upstream for a repository: the rule that covers it, the rule's secret, the caller's permissions."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from moto.core.base_backend import backend_lock
from moto.ecr.models import ECRBackend

from ..access.credentials import MalformedSecret, SecretReader, UpstreamCredentials
from ..access.iam import Caller
from ..configuration.rules import PullThroughCacheRule, Rules, upstream_repository_name
from ..configuration.upstream_registries import find_ecr_registry
from ..exceptions import SecretException, UpstreamError
from ..images.repositories import PULL_THROUGH_CACHE, Repositories
from ..registry_id import RegistryId, now
from ..upstream.ecr import EcrSource
from ..upstream.registry import Pull, Upstream, get_upstream
from ..upstream.source import Source

Answer = TypeVar("Answer")


class UpstreamRepository(NamedTuple):
    """A repository at the upstream of a rule, with all that it takes to ask for it."""

    rule: PullThroughCacheRule
    source: Source
    name: str
    """The repository's name at the upstream."""

    credentials: UpstreamCredentials | None
    registry: RegistryId
    """The registry that asks."""

    caller: Caller | None
    """None while moto does not enforce IAM."""

    def ask(self, reference: str, call: Callable[[], Answer]) -> Answer:
        """Return what ``call`` fetches from the upstream, and record the pull with its outcome.

        :param reference: the tag or digest that is asked for
        :raises UpstreamError: ``call`` raised it
        """
        outcome = "ok"
        try:
            return call()
        except UpstreamError as error:
            outcome = error.code
            raise
        finally:
            if isinstance(self.source, Upstream):
                self.source.record(Pull(self.name, reference, *self.registry, now(), outcome))


class Validation(NamedTuple):
    """The outcome of ValidatePullThroughCacheRule: an empty ``failure`` means that the rule is valid."""

    rule: PullThroughCacheRule
    failure: str


class UpstreamRepositories:
    """Finds what one registry's repositories are pulled from."""

    def __init__(self, backend: ECRBackend, rules: Rules, repositories: Repositories) -> None:
        self._backend = backend
        self._registry = RegistryId(backend.account_id, backend.region_name)
        self._rules = rules
        self._repositories = repositories

    def find(self, repository_name: str, caller: Caller | None) -> UpstreamRepository | None:
        """Return the upstream repository that a repository is pulled from.

        Return None if no rule covers it, if the caller may not import images, or if the repository does not exist and
        cannot be created.

        :raises SecretException, MalformedSecret: the rule's secret cannot be used
        """
        rule = self._rules.find(repository_name)
        if rule is None or not self._may_import(repository_name, caller):
            return None
        return UpstreamRepository(
            rule=rule,
            source=self._find_source(rule, caller),
            name=upstream_repository_name(rule, repository_name),
            credentials=self._read_secret(rule.credential_arn, caller) if rule.credential_arn else None,
            registry=self._registry,
            caller=caller,
        )

    def may_store(self, upstream: UpstreamRepository, repository_name: str) -> bool:
        """Return whether an answer may be stored: the rule and the caller's permissions must still apply."""
        # A reset of moto replaces the backend's state: this object then belongs to the state before.
        is_current = vars(self._backend).get("upstream_repositories") is self
        return (
            is_current
            and self._rules.is_current(upstream.rule, repository_name)
            and self._may_import(repository_name, upstream.caller)
        )

    def validate(
        self, *, ecr_repository_prefix: str, registry_id: str | None = None, caller: Caller | None = None
    ) -> Validation:
        """Read a rule's secret and try its credentials at the upstream. (ValidatePullThroughCacheRule)

        A rule without a secret is valid.

        :raises PullThroughCacheRuleNotFoundException: the prefix has no rule
        :raises AccessDeniedException: another account's registry
        """
        with backend_lock:
            rule = self._rules.get(ecr_repository_prefix, registry_id)
            if rule.credential_arn is None:
                return Validation(rule, failure="")
            try:
                credentials = self._read_secret(rule.credential_arn, caller)
            except (SecretException, MalformedSecret) as problem:
                return Validation(rule, failure=f"The secret '{rule.credential_arn}' {problem.reason}")
            upstream = get_upstream(rule.upstream_registry_url)
        try:
            upstream.authenticate(credentials)
        except UpstreamError as error:
            return Validation(rule, failure=error.reason)
        return Validation(rule, failure="")

    def _read_secret(self, arn: str, caller: Caller | None) -> UpstreamCredentials:
        return SecretReader(self._registry, enforce_policies=caller is not None).read(arn)

    def _find_source(self, rule: PullThroughCacheRule, caller: Caller | None) -> Source:
        registry = find_ecr_registry(rule.upstream_registry_url)
        if registry is None:
            return get_upstream(rule.upstream_registry_url)
        # Roles and policies count only while moto enforces IAM.
        return EcrSource(registry, rule.custom_role_arn if caller else None, self._registry)

    def _may_import(self, repository_name: str, caller: Caller | None) -> bool:
        arn = self._registry.repository_arn(repository_name)

        def may(action: str) -> bool:
            return caller is None or caller.may(action, arn, self._backend.registry_policy)

        if not may("ecr:BatchImportUpstreamImage"):
            return False
        if repository_name in self._backend.repositories:
            return True
        template = self._repositories.find_template(repository_name, PULL_THROUGH_CACHE)
        if template and template.resource_tags and not may("ecr:TagResource"):
            return False
        return may("ecr:CreateRepository") and self._repositories.can_create(
            repository_name, PULL_THROUGH_CACHE, enforced=caller is not None
        )
