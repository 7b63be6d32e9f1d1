"""Pulls of images: asking the upstream for a tag, storing what it returns, and sending the event.

Source: Amazon ECR user guide, "Using pull through cache rules"; API reference, BatchGetImage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moto.core.base_backend import backend_lock
from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import RepositoryNotFoundException
from moto.ecr.models import ECRBackend, Image, Repository

from ..access.iam import Caller, arn_of
from ..exceptions import UnableToGetUpstreamImageException, UpstreamError, UpstreamUnreachable
from ..images.image_ids import (
    MISSING,
    Failure,
    ReturnedManifest,
    find_accepted,
    find_image,
    tags_to_pull,
)
from ..images.stored_images import StoredImage, digest_of, find_by_tag, is_immutable, move_tag
from ..registry_id import RegistryId, now
from .cache import Cache
from .events import send_pull_event
from .fetched import FetchedImage, fetch_image
from .image_records import ImageRecords
from .pull_log import CACHE, UPSTREAM, Decision, Question, get_pull_log
from .upstream_locks import UpstreamLocks
from .upstream_repositories import NotAsked, UpstreamRepositories, UpstreamRepository


class ImagePulls:
    """Pulls the images of one registry.

    The upstream may be a real registry, and slow, so it is asked without moto's lock held. Instead, concurrent pulls of
    one repository wait for each other, so that only one asks.
    """

    def __init__(self, backend: ECRBackend, upstream_repositories: UpstreamRepositories, cache: Cache) -> None:
        self._backend = backend
        self._registry = RegistryId(backend.account_id, backend.region_name)
        self._upstream_repositories = upstream_repositories
        self._cache = cache
        self._locks = UpstreamLocks()
        self._log = get_pull_log()

    def get_images(
        self,
        *,
        repository_name: str,
        image_ids: Sequence[dict[str, str]],
        registry_id: str | None = None,
        accepted_media_types: Sequence[str] | None = None,
        caller: Caller | None = None,
        asked_by: str | None = None,
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return images and failures in ECR's shapes, pulling first where it is due. (BatchGetImage)

        A tag is pulled if it is not cached, or if the upstream was last asked for it 24 hours ago or more. A repository
        that does not exist is created with its template's settings once the upstream has returned an image.

        :param image_ids: 1 to 100, each with ``imageTag``, ``imageDigest`` or both; those with a digest are not pulled
        :param accepted_media_types: None accepts all. An image of another media type is translated between Docker's
            schema 2 and OCI if it is requested by its tag, and counts as missing otherwise
        :param asked_by: the ARN of who asks, for the pull log; None means the caller, or the account's root user
        :raises RepositoryNotFoundException: it does not exist, and the upstream does not have the images
        :raises UnableToGetUpstreamImageException: the rule's secret is missing, unreadable or malformed
        """
        is_own = registry_id in (None, self._registry.account_id)
        asked_by = asked_by or arn_of(caller, self._registry)
        question = Question("BatchGetImage", self._registry, asked_by, repository_name)
        records = ImageRecords(self._log, question, self._cache.freshness)
        try:
            if is_own:
                self._pull_all(repository_name, tags_to_pull(image_ids), caller, records.decisions)
            with backend_lock:
                repository = self._find_repository(repository_name, registry_id, records.failures)
                answers = [
                    _answer(repository, image_id, records.failures, accepted_media_types) for image_id in image_ids
                ]
                route = self._upstream_repositories.route(repository_name)
        except ServiceException as error:
            records.record_refusal(image_ids, error, registry_id, self._upstream_repositories.route(repository_name))
            raise
        for image_id, (_, failure) in zip(image_ids, answers):
            records.record(image_id, failure, route)
        return (
            [answer for answer, failure in answers if not failure],
            [answer for answer, failure in answers if failure],
        )

    def _find_repository(
        self, name: str, registry_id: str | None, failures: Mapping[str, Failure]
    ) -> Repository | None:
        """Return a repository; None if it does not exist, but the upstream failed otherwise than by lacking an image.

        :raises RepositoryNotFoundException: it does not exist
        """
        repository = self._backend.repositories.get(name)
        if repository is not None and registry_id in (None, repository.registry_id):
            return repository
        if all(failure.code == MISSING.code for failure in failures.values()):
            raise RepositoryNotFoundException(name, registry_id or self._registry.account_id)
        return None

    def _pull_all(
        self, repository_name: str, tags: Sequence[str], caller: Caller | None, decisions: dict[str, Decision]
    ) -> None:
        """Pull the tags that are due.

        :param decisions: receives what was decided, by tag
        :raises UnableToGetUpstreamImageException: the rule's secret cannot be used, and a tag is not cached
        """
        unreachable: UpstreamUnreachable | None = None
        for tag in tags:
            decision = decisions[tag] = self._pull(repository_name, tag, caller, unreachable)
            if decision.refusal:
                raise decision.refusal()
            if isinstance(decision.error, UpstreamUnreachable):
                unreachable = decision.error

    def _pull(
        self, repository_name: str, tag: str, caller: Caller | None, unreachable: UpstreamUnreachable | None
    ) -> Decision:
        """Pull the image that a tag names at the upstream, if that is due.

        :param unreachable: the error, if the upstream did not answer when this request asked for another tag
        """
        with backend_lock:
            if not self._cache.is_due(repository_name, tag):
                return self._leave_to_cache(repository_name, tag)
            lock = self._locks.get(repository_name)
        with lock.acquire(tag) as shared_failure:
            with backend_lock:
                if not self._cache.is_due(repository_name, tag):
                    return self._leave_to_cache(repository_name, tag)  # another request pulled it in the meantime
                upstream = self._upstream_repositories.find(repository_name, caller)
                if isinstance(upstream, NotAsked):
                    is_refused = upstream.has_unusable_secret and not self._cache.find_tagged(repository_name, tag)
                    refusal = UnableToGetUpstreamImageException if is_refused else None
                    return Decision(upstream.reason, upstream.route, refusal=refusal)
                failure = shared_failure or unreachable
                if failure:
                    self._cache.freshness.postpone(repository_name, tag)
                    return Decision(upstream.explain_shared(failure), upstream.route, error=failure)
            outcome: FetchedImage | UpstreamError
            try:
                outcome = _fetch(upstream, tag)
            except UpstreamError as failure:
                outcome = failure
                lock.record_failure(tag, failure)
            with backend_lock:
                decision, stored = self._store(upstream, repository_name, tag, outcome)
        if stored:
            arn = self._registry.repository_arn(repository_name)
            send_pull_event(upstream.rule, repository_arn=arn, tag=tag, outcome=stored)
        return decision

    def _leave_to_cache(self, repository_name: str, tag: str) -> Decision:
        was_pulled = self._cache.freshness.was_asked(repository_name, tag)
        reason = "it is cached and fresh" if was_pulled else "the tag was pushed, so that no upstream is asked for it"
        return Decision(reason, self._upstream_repositories.route(repository_name), CACHE)

    def _store(
        self, upstream: UpstreamRepository, repository_name: str, tag: str, outcome: FetchedImage | UpstreamError
    ) -> tuple[Decision, str | UpstreamError | None]:
        """Store what a pull returned.

        Return what was decided, and what to send an event of: the digest that the tag names now, or the error of the
        pull; None if it may no longer be stored.
        """
        error = outcome if isinstance(outcome, UpstreamError) else None
        change = self._upstream_repositories.find_change(upstream, repository_name)
        if change:
            return Decision(change, upstream.route, error=error), None
        if isinstance(outcome, UpstreamError):
            self._cache.freshness.postpone(repository_name, tag)
            return Decision(upstream.explain(outcome), upstream.route, error=error), outcome
        repository = self._cache.get_or_create_repository(repository_name)
        image = find_by_tag(repository, tag)
        decision = Decision(f"{upstream.rule.upstream_registry_url} returned it", upstream.route, UPSTREAM)
        # A tag that was pushed while the upstream was asked stays as it was pushed.
        if image is None or self._cache.freshness.was_asked(repository_name, tag):
            self._cache.freshness.mark_asked(repository_name, tag)
            if image is None or not is_immutable(repository, tag):
                image = self._cache.store(repository, outcome)
                move_tag(repository, tag, image)
            elif digest_of(image) != outcome.root.digest:
                decision = Decision("the upstream's tag has moved, but here it is immutable", upstream.route, CACHE)
        else:
            decision = Decision("the tag was pushed while the upstream was asked", upstream.route, CACHE)
        return decision, digest_of(image)


def _fetch(upstream: UpstreamRepository, tag: str) -> FetchedImage:
    return upstream.ask(tag, lambda: fetch_image(upstream.source, upstream.name, tag, upstream.credentials))


def _answer(
    repository: Repository | None,
    image_id: dict[str, str],
    failures: Mapping[str, Failure],
    accepted_media_types: Sequence[str] | None,
) -> tuple[dict[str, Any], Failure | None]:
    """Return ECR's shape ``Image`` or ``ImageFailure`` for an identifier, and the failure."""
    image = find_image(repository, image_id, failures)
    if isinstance(image, Failure):
        return _describe_failure(image, image_id), image
    given = find_accepted(image, image_id, accepted_media_types)
    if isinstance(given, Failure):
        return _describe_failure(given, image_id), given
    if isinstance(image, StoredImage):
        image.last_recorded_pull_time = now()
    return _describe_image(image, image_id, given), None


def _describe_failure(failure: Failure, image_id: dict[str, str]) -> dict[str, Any]:
    """Return ECR's shape ``ImageFailure``."""
    return {"imageId": image_id, "failureCode": failure.code, "failureReason": failure.reason}


def _describe_image(image: Image, image_id: dict[str, str], given: ReturnedManifest) -> dict[str, Any]:
    """Return ECR's shape ``Image``, with the tag of the request if that names one."""
    return {
        "registryId": image.registry_id,
        "repositoryName": image.repository_name,
        "imageId": {**image_id, "imageDigest": given.digest},
        "imageManifest": given.content,
        "imageManifestMediaType": given.media_type,
    }
