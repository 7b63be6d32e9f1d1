"""Pulls of referrers: asking the upstream which images refer to one, and storing them.

Source: API reference, ListImageReferrers; service authorization reference, by which it may import images.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from moto.core.base_backend import backend_lock
from moto.ecr.exceptions import RepositoryNotFoundException
from moto.ecr.models import ECRBackend, Repository

from ..access.iam import Caller, arn_of
from ..exceptions import (
    InvalidSubjectDigest,
    UnableToListUpstreamImageReferrersException,
    UpstreamError,
    UpstreamNotFound,
)
from ..images.manifests import is_digest
from ..images.referrers import ImageReferrer, find_referrers
from ..paging import Pages
from ..registry_id import RegistryId
from .cache import Cache
from .fetched import FetchedImage, fetch_image
from .pull_log import CACHE, FOREIGN_REGISTRY, OK, UPSTREAM, Decision, Question, Route, get_pull_log
from .upstream_locks import UpstreamLocks
from .upstream_repositories import NotAsked, UpstreamRepositories, UpstreamRepository

REFERRERS_PER_PAGE = 50
"""The default and maximum of ListImageReferrers' ``maxResults``."""


class ReferrerPulls:
    """Pulls the referrers in one registry. Concurrent pulls of one repository wait for each other."""

    def __init__(self, backend: ECRBackend, upstream_repositories: UpstreamRepositories, cache: Cache) -> None:
        self._backend = backend
        self._registry = RegistryId(backend.account_id, backend.region_name)
        self._upstream_repositories = upstream_repositories
        self._cache = cache
        self._locks = UpstreamLocks()
        self._log = get_pull_log()
        self._pages: Pages[ImageReferrer] = Pages()

    def list_referrers(
        self,
        *,
        repository_name: str,
        digest: str,
        registry_id: str | None = None,
        artifact_types: Sequence[str] | None = None,
        artifact_status: str | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
        caller: Caller | None = None,
        asked_by: str | None = None,
    ) -> tuple[list[ImageReferrer], str | None]:
        """Return a page of the images that refer to one, and the next page's token. (ListImageReferrers)

        The upstream is asked for the referrers of an image at most once in 24 hours. They are stored without a tag.

        :param digest: of the image that is referred to
        :param artifact_types: those to return; None or no type at all means all
        :param artifact_status: ACTIVE and ANY return all referrers, others none: nothing is ever archived here
        :param max_results: 1 to 50; None means 50
        :param asked_by: the ARN of who asks, for the pull log; None means the caller, or the account's root user
        :raises RepositoryNotFoundException: it does not exist, and the upstream has no referrers
        :raises UnableToListUpstreamImageReferrersException: the upstream fails or the secret cannot be used, and no
            earlier answer is cached
        :raises InvalidParameterException: a malformed digest, or a token that this registry did not issue
        """
        if not is_digest(digest):
            raise InvalidSubjectDigest(digest)
        asked_by = asked_by or arn_of(caller, self._registry)
        question = Question("ListImageReferrers", self._registry, asked_by, repository_name)
        decision = self._decide(repository_name, digest, registry_id, caller)
        try:
            if decision.refusal:
                raise decision.refusal()
            with backend_lock:
                repository = self._backend._get_repository(repository_name, registry_id)  # noqa: SLF001 (moto's check)
                page = self._page(repository, digest, artifact_types, artifact_status, max_results, next_token)
        except (RepositoryNotFoundException, UnableToListUpstreamImageReferrersException) as error:
            self._log.record(question, digest, error.code, decision.reason_of_failure, decision.route)
            raise
        if next_token is None and (decision.route.rule or self._cache.freshness.is_cached(repository_name)):
            reason = decision.reason if decision.answered_by else f"the cached ones are listed, since {decision.reason}"
            self._log.record(
                question,
                digest,
                OK,
                reason,
                decision.route,
                answered_by=decision.answered_by or CACHE,
                fresh_until=self._cache.freshness.fresh_until(repository_name, digest),
            )
        return page

    def _page(
        self,
        repository: Repository,
        digest: str,
        artifact_types: Sequence[str] | None,
        artifact_status: str | None,
        max_results: int | None,
        next_token: str | None,
    ) -> tuple[list[ImageReferrer], str | None]:
        referrers = [
            referrer
            for referrer in find_referrers(repository, digest)
            if artifact_status in (None, "ACTIVE", "ANY")
            and (not artifact_types or referrer.artifact_type in artifact_types)
        ]
        referrers.sort(key=lambda referrer: referrer.sequence)
        return self._pages.page(referrers, max_results, next_token, REFERRERS_PER_PAGE)

    def _decide(self, repository_name: str, digest: str, registry_id: str | None, caller: Caller | None) -> Decision:
        """Pull the referrers of an image, if the registry is this one and the caller may read."""
        route = self._upstream_repositories.route(repository_name)
        if registry_id not in (None, self._registry.account_id):
            return Decision(FOREIGN_REGISTRY.format(registry_id), route)
        arn = self._registry.repository_arn(repository_name)
        if caller and not caller.may("ecr:BatchGetImage", arn, self._backend.registry_policy):
            purpose = "to pull the referrers"
            reason = self._upstream_repositories.explain_denial(caller, "ecr:BatchGetImage", repository_name, purpose)
            return Decision(reason, route)
        return self._pull(repository_name, digest, caller)

    def _pull(self, repository_name: str, digest: str, caller: Caller | None) -> Decision:
        """Pull the referrers of an image, if that is due."""
        with backend_lock:
            if self._cache.freshness.is_fresh(repository_name, digest):
                return self._leave_to_cache(repository_name)
            lock = self._locks.get(repository_name)
        with lock.acquire(digest) as shared_failure:
            with backend_lock:
                if self._cache.freshness.is_fresh(repository_name, digest):
                    return self._leave_to_cache(repository_name)
                upstream = self._upstream_repositories.find(repository_name, caller)
                if isinstance(upstream, NotAsked):
                    if upstream.has_unusable_secret:
                        return self._fall_back_to_cache(repository_name, digest, upstream.reason, upstream.route)
                    return Decision(upstream.reason, upstream.route)
                if shared_failure:
                    reason = upstream.explain_shared(shared_failure)
                    return self._fall_back_to_cache(repository_name, digest, reason, upstream.route, shared_failure)
            fetched: list[FetchedImage] = []
            try:
                fetched = upstream.ask(digest, partial(_fetch_referrers, upstream, digest))
                reason = f"{upstream.rule.upstream_registry_url} returned {_count(fetched)}"
            except UpstreamNotFound as error:
                reason = upstream.explain(error)
            except UpstreamError as error:
                lock.record_failure(digest, error)
                with backend_lock:
                    return self._fall_back_to_cache(
                        repository_name, digest, upstream.explain(error), upstream.route, error
                    )
            with backend_lock:
                change = self._upstream_repositories.find_change(upstream, repository_name)
                if change:
                    return Decision(change, upstream.route)
                if not fetched and repository_name not in self._backend.repositories:
                    return Decision(f"{reason}; no repository is created without an image", upstream.route)
                self._store(repository_name, digest, fetched)
        return Decision(reason, upstream.route, UPSTREAM)

    def _leave_to_cache(self, repository_name: str) -> Decision:
        return Decision("they are cached and fresh", self._upstream_repositories.route(repository_name), CACHE)

    def _store(self, repository_name: str, digest: str, fetched: Sequence[FetchedImage]) -> None:
        repository = self._cache.get_or_create_repository(repository_name)
        for referrer in fetched:
            self._cache.store(repository, referrer)
        self._cache.freshness.mark_asked(repository_name, digest)

    def _fall_back_to_cache(
        self, repository_name: str, digest: str, reason: str, route: Route, error: UpstreamError | None = None
    ) -> Decision:
        """Serve the cached referrers of an image for another 24 hours, if the upstream ever answered for this image.

        :param error: what the upstream failed with; None if it could not be asked
        """
        if not self._cache.freshness.was_asked(repository_name, digest):
            return Decision(reason, route, refusal=partial(UnableToListUpstreamImageReferrersException, error))
        self._cache.freshness.postpone(repository_name, digest)
        return Decision(reason, route)


def _count(referrers: Sequence[FetchedImage]) -> str:
    return "1 referrer" if len(referrers) == 1 else f"{len(referrers) or 'no'} referrers"


def _fetch_referrers(upstream: UpstreamRepository, digest: str) -> list[FetchedImage]:
    fetched: list[FetchedImage] = []
    for referrer in upstream.source.get_referrers(upstream.name, digest, upstream.credentials):
        with suppress(UpstreamNotFound):  # a registry may still list a deleted referrer
            fetched.append(fetch_image(upstream.source, upstream.name, referrer.digest, upstream.credentials))
    return fetched
