"""Pulls of images: asking the upstream for a tag, storing what it returns, and sending the event.

Source: Amazon ECR user guide, "Using pull through cache rules"; API reference, BatchGetImage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from moto.core.base_backend import backend_lock
from moto.ecr.exceptions import RepositoryNotFoundException
from moto.ecr.models import ECRBackend, Image, Repository

from ..access.credentials import MalformedSecret
from ..access.iam import Caller
from ..exceptions import SecretException, UnableToGetUpstreamImageException, UpstreamError, UpstreamUnreachable
from ..images.image_ids import MISSING, Failure, ReturnedManifest, find_accepted, find_image, tags_to_pull
from ..images.stored_images import StoredImage, digest_of, find_by_tag, is_immutable, move_tag
from ..registry_id import RegistryId, now
from .cache import Cache
from .events import send_pull_event
from .fetched import FetchedImage, fetch_image
from .upstream_locks import UpstreamLocks
from .upstream_repositories import UpstreamRepositories, UpstreamRepository


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

    def get_images(
        self,
        *,
        repository_name: str,
        image_ids: Sequence[dict[str, str]],
        registry_id: str | None = None,
        accepted_media_types: Sequence[str] | None = None,
        caller: Caller | None = None,
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return images and failures in ECR's shapes, pulling first where it is due. (BatchGetImage)

        A tag is pulled if it is not cached, or if the upstream was last asked for it 24 hours ago or more. A repository
        that does not exist is created with its template's settings once the upstream has returned an image.

        :param image_ids: 1 to 100, each with ``imageTag``, ``imageDigest`` or both; those with a digest are not pulled
        :param accepted_media_types: None accepts all. An image of another media type is translated between Docker's
            schema 2 and OCI if it is requested by its tag, and counts as missing otherwise
        :raises RepositoryNotFoundException: it does not exist, and the upstream does not have the images
        :raises UnableToGetUpstreamImageException: the rule's secret is missing, unreadable or malformed
        """
        is_own = registry_id in (None, self._registry.account_id)
        failures = self._pull_all(repository_name, tags_to_pull(image_ids), caller) if is_own else {}
        with backend_lock:
            repository = self._backend.repositories.get(repository_name)
            if repository is None or registry_id not in (None, repository.registry_id):
                if all(failure.code == MISSING.code for failure in failures.values()):
                    raise RepositoryNotFoundException(repository_name, registry_id or self._registry.account_id)
                repository = None
            return _answer(repository, image_ids, failures, accepted_media_types)

    def _pull_all(self, repository_name: str, tags: Sequence[str], caller: Caller | None) -> dict[str, Failure]:
        """Pull the tags that are due, and return the failures by tag."""
        failures: dict[str, Failure] = {}
        unreachable: UpstreamUnreachable | None = None
        for tag in tags:
            error = self._pull(repository_name, tag, caller, unreachable)
            if error:
                failures[tag] = Failure(error.code, error.reason)
            if isinstance(error, UpstreamUnreachable):
                unreachable = error
        return failures

    def _pull(
        self, repository_name: str, tag: str, caller: Caller | None, unreachable: UpstreamUnreachable | None
    ) -> UpstreamError | None:
        """Pull the image that a tag names at the upstream, if that is due, and return the error if it fails.

        :param unreachable: the error, if the upstream did not answer when this request asked for another tag
        """
        with backend_lock:
            if not self._cache.is_due(repository_name, tag):
                return None
            lock = self._locks.get(repository_name)
        with lock.acquire(tag) as shared_failure:
            with backend_lock:
                if not self._cache.is_due(repository_name, tag):
                    return None  # another request pulled it in the meantime
                upstream = self._find_upstream(repository_name, tag, caller)
                if upstream is None:
                    return None
                failure = shared_failure or unreachable
                if failure:
                    self._cache.freshness.postpone(repository_name, tag)
                    return failure
            outcome: FetchedImage | UpstreamError
            try:
                outcome = _fetch(upstream, tag)
            except UpstreamError as error:
                outcome = error
                lock.record_failure(tag, error)
            with backend_lock:
                stored = self._store(upstream, repository_name, tag, outcome)
        if stored:
            arn = self._registry.repository_arn(repository_name)
            send_pull_event(upstream.rule, repository_arn=arn, tag=tag, outcome=stored)
        return outcome if isinstance(outcome, UpstreamError) else None

    def _find_upstream(self, repository_name: str, tag: str, caller: Caller | None) -> UpstreamRepository | None:
        """Return the upstream repository; None if it may not be asked, or the secret is unusable and the tag is cached.

        :raises UnableToGetUpstreamImageException: the secret is unusable and the tag is not cached
        """
        try:
            return self._upstream_repositories.find(repository_name, caller)
        except (SecretException, MalformedSecret):
            if self._cache.find_tagged(repository_name, tag):
                return None
            raise UnableToGetUpstreamImageException from None

    def _store(
        self, upstream: UpstreamRepository, repository_name: str, tag: str, outcome: FetchedImage | UpstreamError
    ) -> str | UpstreamError | None:
        """Store what a pull returned.

        Return the digest that the tag names now, or the error of the pull; None if it may no longer be stored.
        """
        if not self._upstream_repositories.may_store(upstream, repository_name):
            return None
        if isinstance(outcome, UpstreamError):
            self._cache.freshness.postpone(repository_name, tag)
            return outcome
        repository = self._cache.get_or_create_repository(repository_name)
        image = find_by_tag(repository, tag)
        # A tag that was pushed while the upstream was asked stays as it was pushed.
        if image is None or self._cache.freshness.was_asked(repository_name, tag):
            self._cache.freshness.mark_asked(repository_name, tag)
            if image is None or not is_immutable(repository, tag):
                image = self._cache.store(repository, outcome)
                move_tag(repository, tag, image)
        return digest_of(image)


def _fetch(upstream: UpstreamRepository, tag: str) -> FetchedImage:
    return upstream.ask(tag, lambda: fetch_image(upstream.source, upstream.name, tag, upstream.credentials))


def _answer(
    repository: Repository | None,
    image_ids: Sequence[dict[str, str]],
    failures: Mapping[str, Failure],
    accepted_media_types: Sequence[str] | None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return ECR's shapes ``Image`` and ``ImageFailure``, one of them for each identifier."""
    images: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for image_id in image_ids:
        image = find_image(repository, image_id, failures)
        given = image if isinstance(image, Failure) else find_accepted(image, image_id, accepted_media_types)
        if isinstance(image, Failure) or isinstance(given, Failure):
            failure = cast(Failure, given)
            failed.append({"imageId": image_id, "failureCode": failure.code, "failureReason": failure.reason})
            continue
        if isinstance(image, StoredImage):
            image.last_recorded_pull_time = now()
        images.append(_describe_image(image, image_id, given))
    return images, failed


def _describe_image(image: Image, image_id: dict[str, str], given: ReturnedManifest) -> dict[str, Any]:
    """Return ECR's shape ``Image``, with the tag of the request if that names one."""
    return {
        "registryId": image.registry_id,
        "repositoryName": image.repository_name,
        "imageId": {**image_id, "imageDigest": given.digest},
        "imageManifest": given.content,
        "imageManifestMediaType": given.media_type,
    }
