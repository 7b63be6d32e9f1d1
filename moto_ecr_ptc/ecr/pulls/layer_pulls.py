"""Pulls of layers: asking the upstream for a layer, and storing what it returns.

Source: API reference, GetDownloadUrlForLayer; service authorization reference, by which it may import layers.
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
from .upstream_locks import UpstreamLocks
from .upstream_repositories import UpstreamRepositories, UpstreamRepository


class LayerPulls:
    """Pulls the layers of one registry. Concurrent pulls of one layer wait for each other, so that only one asks."""

    def __init__(self, backend: ECRBackend, upstream_repositories: UpstreamRepositories, cache: Cache) -> None:
        self._backend = backend
        self._upstream_repositories = upstream_repositories
        self._cache = cache
        self._locks = UpstreamLocks()

    def get_layer(
        self,
        *,
        repository_name: str,
        layer_digest: str,
        registry_id: str | None = None,
        caller: Caller | None = None,
    ) -> Blob:
        """Return a layer, or an image's configuration, pulled if it is not cached yet. (GetDownloadUrlForLayer)

        Only a repository that exists and that a rule covers is pulled into.

        :raises RepositoryNotFoundException: there is no such repository
        :raises LayersNotFoundException: neither the repository nor the upstream has the layer
        :raises LayerInaccessibleException: moto knows the layer, but has not kept its bytes
        :raises UnableToGetUpstreamLayerException: the upstream does not return it, or the secret cannot be used
        """
        with backend_lock:
            repository = self._backend._get_repository(repository_name, registry_id)  # noqa: SLF001 (moto's check)
            layer = self._cache.layers.find(repository_name, layer_digest)
            if layer is not None:
                return layer
            lock = self._locks.get(f"{repository_name}@{layer_digest}")
        with lock.acquire(layer_digest) as shared_failure:
            with backend_lock:
                layer = self._cache.layers.find(repository_name, layer_digest)
                if layer is not None:
                    return layer  # another request pulled it in the meantime
                upstream = self._find_upstream(repository, layer_digest, caller)
                if shared_failure:
                    raise _error_for(repository, layer_digest, shared_failure)
                described = referenced_blobs(repository.images).get(layer_digest)
            try:
                fetched = _fetch(upstream, layer_digest, described and described.size)
            except UpstreamError as error:
                lock.record_failure(layer_digest, error)
                raise _error_for(repository, layer_digest, error) from None
            with backend_lock:
                # Meanwhile its image may have been deleted, or the repository, or the rule.
                here = self._backend._get_repository(repository_name, registry_id)  # noqa: SLF001 (moto's check)
                is_needed = described is None or layer_digest in referenced_blobs(repository.images)
                may_store = self._upstream_repositories.may_store(upstream, repository_name)
                if here is not repository or not is_needed or not may_store:
                    raise LayersNotFoundException(layer_digest, repository_name, repository.registry_id)
                self._cache.freshness.mark_cached(repository_name)
                self._cache.layers.add(repository_name, {layer_digest: fetched})
        return fetched

    def _find_upstream(self, repository: Repository, layer_digest: str, caller: Caller | None) -> UpstreamRepository:
        try:
            upstream = self._upstream_repositories.find(repository.name, caller)
        except (SecretException, MalformedSecret):
            raise UnableToGetUpstreamLayerException from None
        if upstream is None:
            if layer_digest in getattr(repository, "layers", ()):
                raise LayerInaccessibleException
            raise LayersNotFoundException(layer_digest, repository.name, repository.registry_id)
        return upstream


def _fetch(upstream: UpstreamRepository, digest: str, size: int | None) -> Blob:
    return upstream.ask(digest, lambda: upstream.source.get_blob(upstream.name, digest, upstream.credentials, size))


def _error_for(repository: Repository, digest: str, error: UpstreamError) -> Exception:
    if isinstance(error, UpstreamNotFound):
        return LayersNotFoundException(digest, repository.name, repository.registry_id)
    return UnableToGetUpstreamLayerException(error)
