"""A pull of an image's referrers, from top to bottom: who asks (contact), what came (fetched), what was stored.

Source: API reference, ListImageReferrers; service authorization reference, which has it import images.
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
from .contacts import Contact, Contacts
from .fetched import FetchedImage, fetch_image
from .turns import Turns

REFERRERS_PER_PAGE = 50
"""The default and greatest ``maxResults`` of ListImageReferrers."""


class ReferrerPulls:
    """The pulls of referrers in one registry. Those of one repository take turns."""

    def __init__(self, backend: ECRBackend, rules: Rules, contacts: Contacts, cache: Cache) -> None:
        self._backend = backend
        self._registry = RegistryId(backend.account_id, backend.region_name)
        self._rules = rules
        self._contacts = contacts
        self._cache = cache
        self._turns = Turns()
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
        """Return a page of the images that refer to one, after a look at the upstream. (ListImageReferrers)

        The upstream is asked at most once in 24 hours for the referrers of an image; they are stored without a tag.

        :raises RepositoryNotFoundException: it does not exist, and the upstream has no referrers
        :raises UnableToListUpstreamImageReferrersException: the upstream does not answer, or the secret cannot be used,
            and it was never asked before
        :raises InvalidParameterException: no digest, or a token that this registry did not issue
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
        """Have the upstream's referrers of an image, if a look at the upstream is due."""
        freshness = self._cache.freshness
        with backend_lock:
            if freshness.is_fresh(repository_name, digest) or self._rules.find(repository_name) is None:
                return
            turn = self._turns.of(repository_name)
        with turn.take(digest) as failure_meanwhile:
            with backend_lock:
                if freshness.is_fresh(repository_name, digest):
                    return
                try:
                    contact = self._contacts.find(repository_name, caller)
                except (SecretException, MalformedSecret):
                    self._go_on_without(repository_name, digest)
                    return
                if contact is None:
                    return
                if failure_meanwhile:
                    self._go_on_without(repository_name, digest)
                    return
            try:
                fetched = contact.ask(digest, partial(_fetch_referrers, contact, digest))
            except UpstreamNotFound:
                fetched = []
            except UpstreamError as error:
                turn.fail(digest, error)
                with backend_lock:
                    self._go_on_without(repository_name, digest)
                return
            with backend_lock:
                if self._contacts.is_good(contact, repository_name):
                    self._store(repository_name, digest, fetched)

    def _store(self, repository_name: str, digest: str, fetched: Sequence[FetchedImage]) -> None:
        if not fetched and repository_name not in self._backend.repositories:
            return  # there is nothing to make a repository for
        repository = self._cache.open(repository_name)
        for referrer in fetched:
            self._cache.store(repository, referrer)
        self._cache.freshness.note(repository_name, digest)

    def _go_on_without(self, repository_name: str, digest: str) -> None:
        """Have the referrers that are cached be the answer, if the upstream answered before.

        :raises UnableToListUpstreamImageReferrersException: it never did for this image
        """
        if not self._cache.freshness.was_asked(repository_name, digest):
            raise UnableToListUpstreamImageReferrersException
        self._cache.freshness.postpone(repository_name, digest)


def _fetch_referrers(contact: Contact, digest: str) -> list[FetchedImage]:
    fetched: list[FetchedImage] = []
    for referrer in contact.source.get_referrers(contact.repository, digest, contact.credentials):
        with suppress(UpstreamNotFound):  # a registry may list what it has deleted
            fetched.append(fetch_image(contact.source, contact.repository, referrer.digest, contact.credentials))
    return fetched
