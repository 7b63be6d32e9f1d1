"""A pull of a layer, from top to bottom: who asks (contact), what came (fetched), what was stored.

Source: API reference, GetDownloadUrlForLayer; service authorization reference, which has it import layers.
"""

from __future__ import annotations

from moto.core.base_backend import backend_lock
from moto.ecr.models import ECRBackend, Repository

from ..access.credentials import MalformedSecret
from ..access.iam import Caller
from ..exceptions import (
    LayerInaccessibleException,
    LayersNotFoundException,
    SecretException,
    UnableToGetUpstreamLayerException,
    UpstreamError,
    UpstreamNotFound,
)
from ..images.blobs import Blob
from ..images.stored_images import referenced_blobs
from .cache import Cache
from .contacts import Contact, Contacts
from .turns import Turns


class LayerPulls:
    """The pulls of one registry's layers. Those of one layer take turns, so that many at once ask once."""

    def __init__(self, backend: ECRBackend, contacts: Contacts, cache: Cache) -> None:
        self._backend = backend
        self._contacts = contacts
        self._cache = cache
        self._turns = Turns()

    def find_layer(
        self,
        *,
        repository_name: str,
        layer_digest: str,
        registry_id: str | None = None,
        caller: Caller | None = None,
    ) -> Blob:
        """Return a layer, or an image's configuration. (GetDownloadUrlForLayer)

        Those that are not cached yet are asked for at the upstream, if the repository exists and a rule covers it.

        :raises RepositoryNotFoundException: no such repository
        :raises LayersNotFoundException: neither the repository nor the upstream has it
        :raises LayerInaccessibleException: moto has forgotten its bytes
        :raises UnableToGetUpstreamLayerException: the upstream does not give it, or the secret cannot be used
        """
        with backend_lock:
            repository = self._backend._get_repository(repository_name, registry_id)  # noqa: SLF001 (moto's check)
            held = self._cache.layers.find(repository_name, layer_digest)
            if held is not None:
                return held
            turn = self._turns.of(f"{repository_name}@{layer_digest}")
        with turn.take(layer_digest) as failure_meanwhile:
            with backend_lock:
                held = self._cache.layers.find(repository_name, layer_digest)
                if held is not None:
                    return held  # somebody else pulled it in the meantime
                contact = self._find_contact(repository, layer_digest, caller)
                if failure_meanwhile:
                    raise _refusal(repository, layer_digest, failure_meanwhile)
                described = referenced_blobs(repository.images).get(layer_digest)
            try:
                fetched = _fetch(contact, layer_digest, described and described.size)
            except UpstreamError as error:
                turn.fail(layer_digest, error)
                raise _refusal(repository, layer_digest, error) from None
            with backend_lock:
                # Meanwhile its image may have been deleted, or the repository, or the rule.
                here = self._backend._get_repository(repository_name, registry_id)  # noqa: SLF001 (moto's check)
                is_needed = described is None or layer_digest in referenced_blobs(repository.images)
                if here is not repository or not is_needed or not self._contacts.is_good(contact, repository_name):
                    raise LayersNotFoundException(layer_digest, repository_name, repository.registry_id)
                self._cache.freshness.note(repository_name)
                self._cache.layers.hold(repository_name, {layer_digest: fetched})
        return fetched

    def _find_contact(self, repository: Repository, layer_digest: str, caller: Caller | None) -> Contact:
        try:
            contact = self._contacts.find(repository.name, caller)
        except (SecretException, MalformedSecret):
            raise UnableToGetUpstreamLayerException from None
        if contact is None:
            if layer_digest in getattr(repository, "layers", ()):
                raise LayerInaccessibleException
            raise LayersNotFoundException(layer_digest, repository.name, repository.registry_id)
        return contact


def _fetch(contact: Contact, digest: str, size: int | None) -> Blob:
    return contact.ask(digest, lambda: contact.source.get_blob(contact.repository, digest, contact.credentials, size))


def _refusal(repository: Repository, digest: str, error: UpstreamError) -> Exception:
    if isinstance(error, UpstreamNotFound):
        return LayersNotFoundException(digest, repository.name, repository.registry_id)
    return UnableToGetUpstreamLayerException()
