"""A pull of images, from top to bottom: who asks (contact), what came (fetched), what was stored.

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
from ..images.image_ids import MISSING, Failure, GivenManifest, find_accepted, find_image, tags_to_pull
from ..images.stored_images import CachedImage, digest_of, find_by_tag, is_immutable, move_tag
from ..registry_id import RegistryId, now
from .cache import Cache
from .contacts import Contact, Contacts
from .events import send_pull_event
from .fetched import FetchedImage, fetch_image
from .turns import Turns


class ImagePulls:
    """The pulls of one registry's images.

    The upstream is asked without moto's lock held: it may be a real registry, and slow. Pulls of one repository take
    turns instead, so that many at once ask once.
    """

    def __init__(self, backend: ECRBackend, contacts: Contacts, cache: Cache) -> None:
        self._backend = backend
        self._registry = RegistryId(backend.account_id, backend.region_name)
        self._contacts = contacts
        self._cache = cache
        self._turns = Turns()

    def get_images(
        self,
        *,
        repository_name: str,
        image_ids: Sequence[dict[str, str]],
        registry_id: str | None = None,
        accepted_media_types: Sequence[str] | None = None,
        caller: Caller | None = None,
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return images and failures, after a look at the upstream where one is due. (BatchGetImage)

        Tags that are not cached, or were last looked for 24 hours ago or more, are asked for at the upstream. A
        repository that does not exist is created when the upstream has the image, as the template for it says.

        :param image_ids: ``imageTag``, ``imageDigest`` or both; what has a digest is not asked for
        :param accepted_media_types: None accepts all. An image of another media type is translated between Docker's
            schema 2 and OCI if it is asked for by its tag, and counts as missing otherwise
        :raises RepositoryNotFoundException: it does not exist, and the upstream lacks the images
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
        """Pull tags as far as they are due, and return what went wrong."""
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
        """Have the upstream's image under a tag, if a look at the upstream is due, and return what went wrong.

        :param unreachable: the upstream gave no answer when it was asked for another tag just now
        """
        with backend_lock:
            if not self._cache.is_due(repository_name, tag):
                return None
            turn = self._turns.of(repository_name)
        with turn.take(tag) as failure_meanwhile:
            with backend_lock:
                if not self._cache.is_due(repository_name, tag):
                    return None  # somebody else pulled it in the meantime
                contact = self._find_contact(repository_name, tag, caller)
                if contact is None:
                    return None
                failure = failure_meanwhile or unreachable
                if failure:
                    self._cache.freshness.postpone(repository_name, tag)
                    return failure
            outcome: FetchedImage | UpstreamError
            try:
                outcome = _fetch(contact, tag)
            except UpstreamError as error:
                outcome = error
                turn.fail(tag, error)
            with backend_lock:
                stored = self._store(contact, repository_name, tag, outcome)
        if stored:
            arn = self._registry.repository_arn(repository_name)
            send_pull_event(contact.rule, repository_arn=arn, tag=tag, outcome=stored)
        return outcome if isinstance(outcome, UpstreamError) else None

    def _find_contact(self, repository_name: str, tag: str, caller: Caller | None) -> Contact | None:
        """Return how to ask; None if nobody may, or if the secret is broken and something is cached.

        :raises UnableToGetUpstreamImageException: the secret is broken and nothing is cached
        """
        try:
            return self._contacts.find(repository_name, caller)
        except (SecretException, MalformedSecret):
            if self._cache.find_tagged(repository_name, tag):
                return None
            raise UnableToGetUpstreamImageException from None

    def _store(
        self, contact: Contact, repository_name: str, tag: str, outcome: FetchedImage | UpstreamError
    ) -> str | UpstreamError | None:
        """Store what a pull brought.

        Return the digest that the tag names now, or what went wrong; None if there is no place for it any more.
        """
        if not self._contacts.is_good(contact, repository_name):
            return None
        if isinstance(outcome, UpstreamError):
            self._cache.freshness.postpone(repository_name, tag)
            return outcome
        repository = self._cache.open(repository_name)
        image = find_by_tag(repository, tag)
        # Somebody may have put the tag there while the upstream was asked: then it is theirs.
        if image is None or self._cache.freshness.was_asked(repository_name, tag):
            self._cache.freshness.note(repository_name, tag)
            if image is None or not is_immutable(repository, tag):
                image = self._cache.store(repository, outcome)
                move_tag(repository, tag, image)
        return digest_of(image)


def _fetch(contact: Contact, tag: str) -> FetchedImage:
    return contact.ask(tag, lambda: fetch_image(contact.source, contact.repository, tag, contact.credentials))


def _answer(
    repository: Repository | None,
    image_ids: Sequence[dict[str, str]],
    failures: Mapping[str, Failure],
    accepted_media_types: Sequence[str] | None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return ECR's shapes ``Image`` and ``ImageFailure``, one for each identifier."""
    images: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for image_id in image_ids:
        image = find_image(repository, image_id, failures)
        given = image if isinstance(image, Failure) else find_accepted(image, image_id, accepted_media_types)
        if isinstance(image, Failure) or isinstance(given, Failure):
            failure = cast(Failure, given)
            failed.append({"imageId": image_id, "failureCode": failure.code, "failureReason": failure.reason})
            continue
        if isinstance(image, CachedImage):
            image.last_recorded_pull_time = now()
        images.append(_describe_image(image, image_id, given))
    return images, failed


def _describe_image(image: Image, image_id: dict[str, str], given: GivenManifest) -> dict[str, Any]:
    """Return ECR's shape ``Image``, with the tag that was asked for."""
    return {
        "registryId": image.registry_id,
        "repositoryName": image.repository_name,
        "imageId": {**image_id, "imageDigest": given.digest},
        "imageManifest": given.content,
        "imageManifestMediaType": given.media_type,
    }
