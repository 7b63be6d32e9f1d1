"""How to ask an upstream for a repository: the rule that covers it, the rule's secret, the caller's permissions.

Where it may not be asked, the reason is returned.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from moto.core.base_backend import backend_lock
from moto.ecr.models import ECRBackend

from ..access.credentials import MalformedSecret, SecretReader, UpstreamCredentials
from ..access.iam import Caller
from ..components import made
from ..configuration.rules import PullThroughCacheRule, Rules, upstream_repository_name
from ..configuration.upstream_registries import DOCKER_HUB, find_ecr_registry
from ..exceptions import SecretException, UpstreamAccessDenied, UpstreamError, UpstreamNotFound
from ..images.registries import used_registries
from ..images.repositories import PULL_THROUGH_CACHE, Repositories
from ..registry_id import RegistryId, now
from ..upstream.ecr import EcrSource
from ..upstream.registry import Upstream, get_upstream
from ..upstream.source import Source
from ..upstream.state import Pull, PullOutcome
from ..wording import listed
from .pull_log import NO_ROUTE, Route

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

    route: Route
    """What the pull log tells of it."""

    def explain(self, error: UpstreamError) -> str:
        """Return how the upstream failed, as a clause."""
        url = self.rule.upstream_registry_url
        if isinstance(error, UpstreamNotFound):
            return f"{url} does not have it: {error.detail}{self._advice}"
        if not isinstance(error, UpstreamAccessDenied):
            return f"{url} did not return it ({error.code}): {error.detail}"
        if self.rule.credential_arn:
            url = f"{url}, asked with the secret '{self.rule.credential_arn}',"
        return f"{url} did not return it ({error.code}): {error.detail}{self._advice}"

    @property
    def _advice(self) -> str:
        """What a registry in Docker Hub's place does not tell: that a name without ``library/`` is none there."""
        is_official = self.rule.upstream_registry_url == DOCKER_HUB and "/" not in self.name
        if not (is_official and isinstance(self.source, Upstream) and self.source.is_proxy):
            return ""
        return f"; Docker Hub's official images are in repositories like 'library/{self.name}'"

    def explain_shared(self, error: UpstreamError) -> str:
        """Return how the upstream failed when it was asked for another pull, as a clause."""
        return f"{self.explain(error)}; another pull had just found that out, so it was not asked again"

    def ask(self, reference: str, call: Callable[[], Answer]) -> Answer:
        """Return what ``call`` fetches from the upstream, and record the pull with its outcome.

        :param reference: the tag or digest that is asked for
        :raises UpstreamError: ``call`` raised it
        """
        outcome: PullOutcome = "ok"
        try:
            return call()
        except UpstreamError as error:
            outcome = error.code
            raise
        finally:
            if isinstance(self.source, Upstream):
                self.source.record(Pull(self.name, reference, *self.registry, now(), outcome))


class NotAsked(NamedTuple):
    """Why no upstream is asked for a repository."""

    reason: str
    """As a clause."""

    route: Route
    has_unusable_secret: bool = False


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

    def find(self, repository_name: str, caller: Caller | None) -> UpstreamRepository | NotAsked:
        """Return the upstream repository that a repository is pulled from.

        It is not asked if no rule covers the repository, if the caller may not import images, if the repository does
        not exist and cannot be created, or if the rule's secret cannot be used.
        """
        rule = self._rules.find(repository_name)
        route = self.route(repository_name)
        if rule is None:
            return NotAsked(self._explain_lack_of_rule(repository_name), route)
        obstacle = self._find_obstacle(repository_name, caller)
        if obstacle:
            return NotAsked(obstacle, route)
        try:
            credentials = self._read_secret(rule.credential_arn, caller) if rule.credential_arn else None
        except (SecretException, MalformedSecret) as problem:
            reason = f"the secret '{rule.credential_arn}' {problem.reason}"
            return NotAsked(reason, route, has_unusable_secret=True)
        return UpstreamRepository(
            rule=rule,
            source=self._find_source(rule, caller),
            name=upstream_repository_name(rule, repository_name),
            credentials=credentials,
            registry=self._registry,
            caller=caller,
            route=route,
        )

    def route(self, repository_name: str) -> Route:
        """Return by which rule a repository is pulled from where, and the template if it does not exist yet."""
        with backend_lock:
            rule = self._rules.find(repository_name)
            if rule is None:
                return NO_ROUTE
            template = None
            if repository_name not in self._backend.repositories:
                template = self._repositories.find_template(repository_name, PULL_THROUGH_CACHE)
        return Route(
            rule=rule.ecr_repository_prefix,
            upstream=f"{rule.upstream_registry_url}/{upstream_repository_name(rule, repository_name)}",
            template=template.prefix if template else None,
        )

    def find_change(self, upstream: UpstreamRepository, repository_name: str) -> str | None:
        """Return why an answer may no longer be stored, as a clause; None if it may.

        The rule and the caller's permissions must still apply.
        """
        # A reset of moto replaces the backend's state: this object then belongs to the state before.
        is_current = made(self._backend).get("upstream_repositories") is self
        if not is_current:
            return "moto was reset while the upstream was asked"
        if not self._rules.is_current(upstream.rule, repository_name):
            prefix = upstream.rule.ecr_repository_prefix
            return f"the rule '{prefix}' was deleted or replaced while the upstream was asked"
        return self._find_obstacle(repository_name, upstream.caller)

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

    def _find_obstacle(self, repository_name: str, caller: Caller | None) -> str | None:
        """Return why a caller may not import an image into a repository, as a clause; None if the caller may."""
        needed = {"ecr:BatchImportUpstreamImage": "to import an image"}
        is_new = repository_name not in self._backend.repositories
        if is_new:
            template = self._repositories.find_template(repository_name, PULL_THROUGH_CACHE)
            if template and template.resource_tags:
                needed["ecr:TagResource"] = f"to apply the tags of the repository creation template '{template.prefix}'"
            needed["ecr:CreateRepository"] = "to create the repository"
        arn = self._registry.repository_arn(repository_name)
        for action, purpose in needed.items():
            if caller and not caller.may(action, arn, self._backend.registry_policy):
                return self.explain_denial(caller, action, repository_name, purpose)
        if not is_new:
            return None
        return self._repositories.find_obstacle(repository_name, PULL_THROUGH_CACHE, enforced=caller is not None)

    def explain_denial(self, caller: Caller, action: str, repository_name: str, purpose: str) -> str:
        """Return which right a caller lacks and why, as a clause.

        :param purpose: what the right is needed for, as in "to create the repository"
        """
        arn = self._registry.repository_arn(repository_name)
        cause = caller.explain_denial(action, arn, self._backend.registry_policy)
        return f"{caller.arn} lacks the right {action} on {arn}, which is needed {purpose}: {cause}"

    def _explain_lack_of_rule(self, repository_name: str) -> str:
        prefixes = self._rules.prefixes
        there = f"the prefixes with a rule: {listed(prefixes)}" if prefixes else "there are no rules"
        reason = f"no pull through cache rule of {'/'.join(self._registry)} covers the repository; {there}"
        elsewhere = [
            "/".join(registry)
            for registry, contents in used_registries()
            if "rules" in made(contents) and made(contents)["rules"].find(repository_name)
        ]
        return f"{reason}; the rules of {listed(elsewhere)} would" if elsewhere else reason
