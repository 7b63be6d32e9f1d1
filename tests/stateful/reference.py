"""The reference: all registries, upstreams and secrets, and how each request to pull is answered.

It shares no code with the package, and is written to be read beside the specification of AWS's behaviour.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests.stateful.contents import HUB, QUAY, REGISTRIES, Image, Registry
from tests.stateful.registry_model import LONG_AGO, Refused, RegistryState, Rule, registry_at, upstream_name
from tests.stateful.upstream_model import Upstream, UpstreamFailure

MISSING = "ImageNotFound"
PULL = "PULL_THROUGH_CACHE"
PUSH = "CREATE_ON_PUSH"

Credentials = tuple[str, str]


class UnusableSecret(Exception):
    """The rule's secret is not there, or does not hold credentials."""


class NotAsked(Exception):
    """No rule leads to an upstream, or the caller may not import images."""


@dataclass
class Answered:
    """What an upstream returned: images, and the blobs that came with them."""

    images: dict[str, Image]
    blobs: set[str]


@dataclass
class Reference:
    """All of the mocked AWS that the sequences touch."""

    now: datetime
    registries: dict[Registry, RegistryState] = field(init=False)
    upstreams: dict[str, Upstream] = field(init=False)
    secrets: dict[str, str] = field(init=False)
    """The values by ARN."""

    deleted_secrets: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.registries = {registry: RegistryState(registry) for registry in REGISTRIES}
        self.upstreams = {url: Upstream(url) for url in (QUAY, HUB)}
        self.secrets = {}
        self.deleted_secrets = set()

    # --- rules and secrets -------------------------------------------------------------------------------------------

    def create_rule(self, registry: Registry, prefix: str, rule: Rule) -> None:
        state = self.registries[registry]
        state.check_new_rule(prefix, rule.url, rule.upstream_prefix, has_secret=rule.secret is not None)
        self._check_secret(registry, rule.secret)
        state.rules[prefix] = rule

    def update_rule(self, registry: Registry, prefix: str, secret: str) -> None:
        state = self.registries[registry]
        rule = state.rule(prefix)
        if rule.url != HUB:
            raise Refused("InvalidParameterException")
        self._check_secret(registry, secret)
        state.rules[prefix] = Rule(rule.url, rule.upstream_prefix, secret)

    def _check_secret(self, registry: Registry, arn: str | None) -> None:
        """ECR looks at a secret's value when it pulls, not yet when a rule is made."""
        if arn is None:
            return
        if f":{registry.region}:{registry.account}:" not in arn or arn not in self.secrets:
            raise Refused("SecretNotFoundException")
        if arn in self.deleted_secrets:
            raise Refused("UnableToAccessSecretException")

    def read_secret(self, rule: Rule) -> Credentials | None:
        if rule.secret is None:
            return None
        if rule.secret not in self.secrets or rule.secret in self.deleted_secrets:
            raise UnusableSecret
        try:
            document = json.loads(self.secrets[rule.secret])
            return document["username"], document["accessToken"]
        except (ValueError, KeyError, TypeError):
            raise UnusableSecret from None

    def is_valid(self, registry: Registry, prefix: str) -> bool:
        """Return whether ValidatePullThroughCacheRule finds nothing wrong."""
        rule = self.registries[registry].rule(prefix)
        if rule.secret is None:
            return True
        try:
            self.upstreams[rule.url].check(None, self.read_secret(rule))
        except (UnusableSecret, UpstreamFailure):
            return False
        return True

    def expire(self, url: str) -> int:
        """Make stale what was cached from an upstream, and return how many tags that are."""
        count = 0
        for state in self.registries.values():
            for name, repository in state.repositories.items():
                found = state.rule_for(name)
                if found and found[1].url == url and repository.asked is not None:
                    count += sum(reference in repository.tags for reference in repository.asked)
                    repository.asked = dict.fromkeys(repository.asked, LONG_AGO)
        return count

    # --- pulls -------------------------------------------------------------------------------------------------------

    def get_images(
        self, registry: Registry, name: str, references: Sequence[str], *, is_restricted: bool = False
    ) -> list[str]:
        """Return what BatchGetImage answers for each tag or digest: the digest of an image, or the failure's code.

        :param is_restricted: the caller may get images, and import them only if the registry's policy allows it
        """
        state = self.registries[registry]
        failures: dict[str, str] = {}
        unreachable: UpstreamFailure | None = None
        for tag in dict.fromkeys(reference for reference in references if ":" not in reference):
            try:
                self._pull(state, name, tag, unreachable, is_restricted=is_restricted)
            except UpstreamFailure as failure:  # noqa: PERF203 (each tag fails by itself)
                failures[tag] = failure.code
                unreachable = failure if failure.is_unreachable else unreachable
        if name not in state.repositories:
            if set(failures.values()) <= {MISSING}:
                raise Refused("RepositoryNotFoundException")
            return [failures.get(reference, MISSING) for reference in references]
        repository = state.repositories[name]
        found = {**repository.tags, **{digest: digest for digest in repository.images}}
        return [found.get(reference, failures.get(reference, MISSING)) for reference in references]

    def _pull(
        self, state: RegistryState, name: str, tag: str, unreachable: UpstreamFailure | None, *, is_restricted: bool
    ) -> None:
        """Pull a tag, if that is due."""
        repository = state.repositories.get(name)
        if repository and not repository.is_due(tag, self.now):
            return
        try:
            rule, upstream, credentials = self._find_upstream(state, name, is_restricted=is_restricted)
        except NotAsked:
            return
        except UnusableSecret:
            if repository is None or tag not in repository.tags:
                raise Refused("UnableToGetUpstreamImageException") from None
            return
        try:
            if unreachable:
                raise unreachable
            answered = self._ask_for_image(state.registry, rule, upstream, tag, credentials)
        except UpstreamFailure:
            if repository:
                repository.postpone(tag, self.now)
            raise
        repository = state.get_or_create(name, PULL)
        is_new = tag not in repository.tags
        repository.mark_asked(tag, self.now)
        if is_new or repository.mutability == "MUTABLE":
            self._store(state, name, answered)
            repository.tags[tag] = next(iter(answered.images))

    def _find_upstream(
        self, state: RegistryState, name: str, *, is_restricted: bool = False
    ) -> tuple[Rule, str, Credentials | None]:
        """Return the rule that covers a repository, the name at the upstream, and the credentials for it."""
        found = state.rule_for(name)
        if found is None or (is_restricted and not state.policy_grants_import):
            raise NotAsked
        if name not in state.repositories and not state.can_be_created(name, PULL):
            raise NotAsked
        prefix, rule = found
        return rule, upstream_name(prefix, rule, name), self.read_secret(rule)

    def _ask_for_image(
        self, registry: Registry, rule: Rule, name: str, tag: str, credentials: Credentials | None
    ) -> Answered:
        if rule.url not in self.upstreams:
            return Answered(*self.registries[registry_at(rule.url)].upstream_images(name, tag))
        upstream = self.upstreams[rule.url]
        try:
            images = upstream.images(name, tag, credentials)
        except UpstreamFailure as failure:
            upstream.record(name, tag, registry, failure.code)
            raise
        upstream.record(name, tag, registry, "ok")
        return Answered(images, {blob for image in images.values() for blob in image.blobs})

    def _store(self, state: RegistryState, name: str, answered: Answered) -> None:
        repository = state.get_or_create(name, PULL)
        repository.asked = repository.asked or {}
        repository.layers |= answered.blobs
        for image in answered.images.values():
            repository.store(image)

    def list_referrers(self, registry: Registry, name: str, subject: str) -> list[str]:
        """Return what ListImageReferrers answers: the digests of the images that refer to one."""
        state = self.registries[registry]
        repository = state.repositories.get(name)
        if not (repository and repository.is_fresh(subject, self.now)):
            try:
                self._pull_referrers(state, name, subject)
            except NotAsked:
                pass
            except (UnusableSecret, UpstreamFailure):
                if not (repository and repository.was_asked(subject)):
                    raise Refused("UnableToListUpstreamImageReferrersException") from None
                repository.postpone(subject, self.now)
        images = state.repository(name).images.values()
        return sorted(image.digest for image in images if image.subject == subject)

    def _pull_referrers(self, state: RegistryState, name: str, subject: str) -> None:
        rule, at_upstream, credentials = self._find_upstream(state, name)
        answered = Answered({}, set())
        outcome = "ok"
        try:
            if rule.url in self.upstreams:
                images = self.upstreams[rule.url].referrers(at_upstream, subject, credentials)
                answered = Answered(images, {blob for image in images.values() for blob in image.blobs})
            else:
                answered = Answered(*self.registries[registry_at(rule.url)].upstream_referrers(at_upstream, subject))
        except UpstreamFailure as failure:
            outcome = failure.code
            if failure.code != MISSING:
                raise
        finally:
            if rule.url in self.upstreams:
                self.upstreams[rule.url].record(at_upstream, subject, state.registry, outcome)
        if answered.images or name in state.repositories:
            self._store(state, name, answered)
            state.repositories[name].mark_asked(subject, self.now)

    def get_layer(self, registry: Registry, name: str, digest: str) -> None:
        """GetDownloadUrlForLayer: a layer is pulled only into a repository that exists."""
        state = self.registries[registry]
        repository = state.repository(name)
        if digest in repository.layers:
            return
        try:
            rule, at_upstream, credentials = self._find_upstream(state, name)
        except NotAsked:
            raise Refused("LayersNotFoundException") from None
        except UnusableSecret:
            raise Refused("UnableToGetUpstreamLayerException") from None
        outcome = "ok"
        try:
            if rule.url in self.upstreams:
                self.upstreams[rule.url].check_blob(at_upstream, digest, credentials)
            else:
                self.registries[registry_at(rule.url)].check_upstream_blob(at_upstream, digest)
        except UpstreamFailure as failure:
            outcome = failure.code
            is_missing = failure.code == MISSING
            code = "LayersNotFoundException" if is_missing else "UnableToGetUpstreamLayerException"
            raise Refused(code) from failure
        finally:
            if rule.url in self.upstreams:
                self.upstreams[rule.url].record(at_upstream, digest, state.registry, outcome)
        repository.asked = repository.asked or {}
        repository.layers.add(digest)
