"""Pulls of layers: asking the upstream for a layer, and storing what it returns.

Source: API reference, GetDownloadUrlForLayer; service authorization reference, by which it may import layers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from moto.core.base_backend import backend_lock
from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import RepositoryNotFoundException
from moto.ecr.models import ECRBackend, Repository

from ..access.iam import Caller, arn_of
from ..exceptions import (
    LayerInaccessibleException,
    LayersNotFoundException,
    UnableToGetUpstreamLayerException,
    UpstreamError,
    UpstreamNotFound,
)
from ..images.blob_references import blob_references
from ..images.blobs import Blob
from ..images.exceptions import LayerNotStored
from ..registry_id import RegistryId
from .cache import Cache
from .pull_log import CACHE, FOREIGN_REGISTRY, OK, UPSTREAM, Decision, Question, get_pull_log
from .upstream_locks import UpstreamLocks
from .upstream_repositories import NotAsked, UpstreamRepositories, UpstreamRepository


class LayerPulls:
    """Pulls the layers of one registry. Concurrent pulls of one layer wait for each other, so that only one asks."""

    def __init__(self, backend: ECRBackend, upstream_repositories: UpstreamRepositories, cache: Cache) -> None:
        self._backend = backend
        self._upstream_repositories = upstream_repositories
        self._cache = cache
        self._locks = UpstreamLocks()
        self._registry = RegistryId(backend.account_id, backend.region_name)
        self._log = get_pull_log()

    def get_layer(
        self,
        *,
        repository_name: str,
        layer_digest: str,
        registry_id: str | None = None,
        caller: Caller | None = None,
        asked_by: str | None = None,
    ) -> Blob:
        """Return a layer, or an image's configuration, pulled if it is not cached yet. (GetDownloadUrlForLayer)

        Only a repository that exists and that a rule covers is pulled into.

        :param asked_by: the ARN of who asks, for the pull log; None means the caller, or the account's root user
        :raises RepositoryNotFoundException: there is no such repository
        :raises LayersNotFoundException: neither the repository nor the upstream has the layer
        :raises LayerInaccessibleException: moto knows the layer, but has not kept its bytes
        :raises UnableToGetUpstreamLayerException: the upstream does not return it, or the secret cannot be used
        """
        asked_by = asked_by or arn_of(caller, self._registry)
        question = Question("GetDownloadUrlForLayer", self._registry, asked_by, repository_name)
        try:
            decision, layer = self._decide(repository_name, layer_digest, registry_id, caller)
        except LayerNotStored as error:
            route = self._upstream_repositories.route(repository_name)
            self._log.record(question, layer_digest, error.code, error.message, route)
            raise
        if layer is None:
            assert decision.refusal is not None
            self._log.record(question, layer_digest, decision.refusal().code, decision.reason, decision.route)
            raise decision.refusal()
        if decision.route.rule or self._cache.freshness.is_cached(repository_name):
            self._log.record(
                question, layer_digest, OK, decision.reason, decision.route, answered_by=decision.answered_by
            )
        return layer

    def _decide(
        self, repository_name: str, layer_digest: str, registry_id: str | None, caller: Caller | None
    ) -> tuple[Decision, Blob | None]:
        """Return what is decided, and the layer; None if the request is refused."""
        route = self._upstream_repositories.route(repository_name)
        with backend_lock:
            repository = self._backend.repositories.get(repository_name)
            if repository is None or registry_id not in (None, repository.registry_id):
                reason = "the repository does not exist, and layers are pulled only into one that does"
                missing_in = registry_id or self._registry.account_id
                if missing_in != self._registry.account_id:
                    reason = FOREIGN_REGISTRY.format(registry_id)
                return Decision(
                    reason, route, refusal=partial(RepositoryNotFoundException, repository_name, missing_in)
                ), None
            layer = self._cache.layers.find(repository_name, layer_digest)
            if layer is not None:
                return Decision("the repository has it", route, CACHE), layer
            lock = self._locks.get(f"{repository_name}@{layer_digest}")
        with lock.acquire(layer_digest) as shared_failure:
            with backend_lock:
                layer = self._cache.layers.find(repository_name, layer_digest)
                if layer is not None:
                    return Decision("another pull has just brought it", route, CACHE), layer
                upstream = self._upstream_repositories.find(repository_name, caller)
                if isinstance(upstream, NotAsked):
                    return _refuse_unasked(repository, layer_digest, upstream), None
                if shared_failure:
                    reason = upstream.explain_shared(shared_failure)
                    return Decision(reason, route, refusal=_refusal(repository, layer_digest, shared_failure)), None
                described = blob_references(repository).find(layer_digest)
            try:
                fetched = _fetch(upstream, layer_digest, described and described.size)
            except UpstreamError as failure:
                lock.record_failure(layer_digest, failure)
                refusal = _refusal(repository, layer_digest, failure)
                return Decision(upstream.explain(failure), route, refusal=refusal), None
            with backend_lock:
                change = self._find_change(upstream, repository, layer_digest, described is not None)
                if change:
                    return change, None
                self._cache.freshness.mark_cached(repository_name)
                self._cache.layers.add(repository_name, {layer_digest: fetched})
        return Decision(f"{upstream.rule.upstream_registry_url} returned it", route, UPSTREAM), fetched

    def _find_change(
        self, upstream: UpstreamRepository, repository: Repository, layer_digest: str, was_needed: bool
    ) -> Decision | None:
        """Return the refusal of a layer that may no longer be stored: its image, repository or rule may be gone.

        :param was_needed: whether an image referred to the layer before
        """
        here = self._backend.repositories.get(repository.name)
        if here is not repository:
            reason: str | None = "the repository was deleted while the upstream was asked"
        elif was_needed and not blob_references(repository).find(layer_digest):
            reason = "its image was deleted while the upstream was asked"
        else:
            reason = self._upstream_repositories.find_change(upstream, repository.name)
        refusal = _layer_not_found(repository, layer_digest)
        if here is None:
            refusal = partial(RepositoryNotFoundException, repository.name, repository.registry_id)
        return Decision(reason, upstream.route, refusal=refusal) if reason else None


_Refusal = Callable[[], ServiceException]


def _refuse_unasked(repository: Repository, digest: str, upstream: NotAsked) -> Decision:
    if upstream.has_unusable_secret:
        return Decision(upstream.reason, upstream.route, refusal=UnableToGetUpstreamLayerException)
    if digest in getattr(repository, "layers", ()):
        reason = f"moto knows that it was uploaded, but has not kept its bytes, and {upstream.reason}"
        return Decision(reason, upstream.route, refusal=LayerInaccessibleException)
    return Decision(upstream.reason, upstream.route, refusal=_layer_not_found(repository, digest))


def _refusal(repository: Repository, digest: str, error: UpstreamError) -> _Refusal:
    if isinstance(error, UpstreamNotFound):
        return _layer_not_found(repository, digest)
    return partial(UnableToGetUpstreamLayerException, error)


def _layer_not_found(repository: Repository, digest: str) -> _Refusal:
    return partial(LayersNotFoundException, digest, repository.name, repository.registry_id)


def _fetch(upstream: UpstreamRepository, digest: str, size: int | None) -> Blob:
    return upstream.ask(digest, lambda: upstream.source.get_blob(upstream.name, digest, upstream.credentials, size))
