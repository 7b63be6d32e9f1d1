"""A private ECR registry as an upstream: moto's own ECR of that account and Region, as it is when it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from moto.core.base_backend import backend_lock
from moto.ecr.models import Repository, ecr_backends

from .credentials import UpstreamCredentials
from .exceptions import UpstreamAccessDenied, UpstreamNotFound
from .iam import PULL_THROUGH_CACHE_ROLE, policy_allows_role, role_trusts
from .images import Descriptor, Fetched, is_digest
from .pulls import find_by_digest, find_by_tag, find_referrers, read_manifest
from .upstreams import EcrRegistry

if TYPE_CHECKING:
    from .models import PullThroughCacheBackend


class EcrSource(NamedTuple):
    """An ECR registry of the same moto as an upstream: what its repositories hold."""

    registry: EcrRegistry
    role_arn: str | None
    """The rule's role, if its rights count."""

    account_id: str
    """The account of the rule."""

    def get_manifest(self, repository: str, reference: str, credentials: UpstreamCredentials | None) -> Fetched:
        with backend_lock:
            backend, held = self._find(repository)
            image = find_by_digest(held, reference) if is_digest(reference) else find_by_tag(held, reference)
            manifest = None if image is None else read_manifest(image)
            if manifest is None:
                raise UpstreamNotFound(f"{repository}:{reference}")
            layers = {blob.digest: backend.held_layer(repository, blob.digest) for blob in manifest.blobs}
            return Fetched(manifest, {digest: layer for digest, layer in layers.items() if layer is not None})

    def get_blob(
        self, repository: str, digest: str, credentials: UpstreamCredentials | None, size: int | None = None
    ) -> bytes:
        with backend_lock:
            backend, _ = self._find(repository)
            layer = backend.held_layer(repository, digest)
            if layer is None:
                raise UpstreamNotFound(f"{repository}@{digest}")
            return layer

    def get_referrers(
        self, repository: str, digest: str, credentials: UpstreamCredentials | None
    ) -> Sequence[Descriptor]:
        with backend_lock:
            _, held = self._find(repository)
            return [
                Descriptor(referrer.media_type, referrer.digest, referrer.size)
                for referrer in find_referrers(held, digest)
            ]

    def _find(self, name: str) -> tuple[PullThroughCacheBackend, Repository]:
        try:
            backend = cast("PullThroughCacheBackend", ecr_backends[self.registry.account_id][self.registry.region])
        except KeyError:
            raise UpstreamNotFound(f"no Region {self.registry.region}") from None
        repository = backend.repositories.get(name)
        if repository is None:
            raise UpstreamNotFound(name)
        if self.role_arn and self.registry.account_id != self.account_id:
            trusted = role_trusts(
                self.role_arn,
                [PULL_THROUGH_CACHE_ROLE.service],
                account_id=self.account_id,
                partition=backend.partition,
            )
            allowed = policy_allows_role(
                repository.policy, self.role_arn, action="ecr:BatchGetImage", resource=repository.arn
            )
            if not (trusted and allowed):
                raise UpstreamAccessDenied(name)
        return backend, repository
