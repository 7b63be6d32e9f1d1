"""Pulls of referrers: asking the upstream which images refer to one, and storing them.

Source: API reference, ListImageReferrers; service authorization reference, by which it may import images.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from moto.core.base_backend import backend_lock
from moto.ecr.models import ECRBackend

from ..access.credentials import MalformedSecret
from ..access.iam import Caller
from ..configuration.rules import Rules
from ..exceptions import (
    InvalidSubjectDigest,
    SecretException,
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
from .upstream_locks import UpstreamLocks
from .upstream_repositories import UpstreamRepositories, UpstreamRepository

REFERRERS_PER_PAGE = 50
"""The default and maximum of ListImageReferrers' ``maxResults``."""


class ReferrerPulls:
    """Pulls the referrers in one registry. Concurrent pulls of one repository wait for each other."""

    def __init__(
        self, backend: ECRBackend, rules: Rules, upstream_repositories: UpstreamRepositories, cache: Cache
    ) -> None:
        self._backend = backend
        self._registry = RegistryId(backend.account_id, backend.region_name)
        self._rules = rules
        self._upstream_repositories = upstream_repositories
        self._cache = cache
        self._locks = UpstreamLocks()
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
    ) -> tuple[list[ImageReferrer], str | None]:
        """Return a page of the images that refer to one, and the next page's token. (ListImageReferrers)

        The upstream is asked for the referrers of an image at most once in 24 hours. They are stored without a tag.

        :param digest: of the image that is referred to
        :param artifact_types: those to return; None or no type at all means all
        :param artifact_status: ACTIVE and ANY return all referrers, others none: nothing is ever archived here
        :param max_results: 1 to 50; None means 50
        :raises RepositoryNotFoundException: it does not exist, and the upstream has no referrers
        :raises UnableToListUpstreamImageReferrersException: the upstream fails or the secret cannot be used, and no
            earlier answer is cached
        :raises InvalidParameterException: a malformed digest, or a token that this registry did not issue
        """
        if not is_digest(digest):
            raise InvalidSubjectDigest(digest)
        if registry_id in (None, self._registry.account_id) and self._may_read(repository_name, caller):
            self._pull(repository_name, digest, caller)
        with backend_lock:
            repository = self._backend._get_repository(repository_name, registry_id)  # noqa: SLF001 (moto's check)
            referrers = [
                referrer
                for referrer in find_referrers(repository, digest)
                if artifact_status in (None, "ACTIVE", "ANY")
                and (not artifact_types or referrer.artifact_type in artifact_types)
            ]
            referrers.sort(key=lambda referrer: referrer.sequence)
            return self._pages.page(referrers, max_results, next_token, REFERRERS_PER_PAGE)

    def _may_read(self, repository_name: str, caller: Caller | None) -> bool:
        arn = self._registry.repository_arn(repository_name)
        return caller is None or caller.may("ecr:BatchGetImage", arn, self._backend.registry_policy)

    def _pull(self, repository_name: str, digest: str, caller: Caller | None) -> None:
        """Pull the referrers of an image, if that is due."""
        freshness = self._cache.freshness
        with backend_lock:
            if freshness.is_fresh(repository_name, digest) or self._rules.find(repository_name) is None:
                return
            lock = self._locks.get(repository_name)
        with lock.acquire(digest) as shared_failure:
            with backend_lock:
                if freshness.is_fresh(repository_name, digest):
                    return
                try:
                    upstream = self._upstream_repositories.find(repository_name, caller)
                except (SecretException, MalformedSecret):
                    self._fall_back_to_cache(repository_name, digest)
                    return
                if upstream is None:
                    return
                if shared_failure:
                    self._fall_back_to_cache(repository_name, digest, shared_failure)
                    return
            try:
                fetched = upstream.ask(digest, partial(_fetch_referrers, upstream, digest))
            except UpstreamNotFound:
                fetched = []
            except UpstreamError as error:
                lock.record_failure(digest, error)
                with backend_lock:
                    self._fall_back_to_cache(repository_name, digest, error)
                return
            with backend_lock:
                if self._upstream_repositories.may_store(upstream, repository_name):
                    self._store(repository_name, digest, fetched)

    def _store(self, repository_name: str, digest: str, fetched: Sequence[FetchedImage]) -> None:
        if not fetched and repository_name not in self._backend.repositories:
            return  # ECR creates a repository only for an image
        repository = self._cache.get_or_create_repository(repository_name)
        for referrer in fetched:
            self._cache.store(repository, referrer)
        self._cache.freshness.mark_asked(repository_name, digest)

    def _fall_back_to_cache(self, repository_name: str, digest: str, error: UpstreamError | None = None) -> None:
        """Serve the cached referrers of an image for another 24 hours.

        :param error: what the upstream failed with; None if it could not be asked
        :raises UnableToListUpstreamImageReferrersException: the upstream never answered for this image
        """
        if not self._cache.freshness.was_asked(repository_name, digest):
            raise UnableToListUpstreamImageReferrersException(error)
        self._cache.freshness.postpone(repository_name, digest)


def _fetch_referrers(upstream: UpstreamRepository, digest: str) -> list[FetchedImage]:
    fetched: list[FetchedImage] = []
    for referrer in upstream.source.get_referrers(upstream.name, digest, upstream.credentials):
        with suppress(UpstreamNotFound):  # a registry may still list a deleted referrer
            fetched.append(fetch_image(upstream.source, upstream.name, referrer.digest, upstream.credentials))
    return fetched
