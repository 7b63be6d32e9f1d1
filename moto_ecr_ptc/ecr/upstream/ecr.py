"""A private ECR registry as an upstream: moto's own ECR of that account and Region, in its current state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from moto.core.base_backend import backend_lock
from moto.ecr.models import Repository

from ..access.credentials import UpstreamCredentials
from ..access.iam import PULL_THROUGH_CACHE_ROLE, policy_allows_role, role_trusts
from ..exceptions import UpstreamAccessDenied, UpstreamNotFound
from ..images.blobs import Blob
from ..images.manifests import Descriptor, is_digest
from ..images.referrers import find_referrers
from ..images.registries import RegistryContents, find_registry
from ..images.stored_images import find_by_digest, find_by_tag, read_manifest
from ..registry_id import RegistryId
from .source import Fetched


class EcrSource(NamedTuple):
    """Serves the repositories of an ECR registry in the same moto as those of an upstream."""

    registry: RegistryId
    role_arn: str | None
    """The rule's custom role, while moto enforces IAM."""

    cache_registry: RegistryId
    """The registry of the rule."""

    def get_manifest(self, repository: str, reference: str, credentials: UpstreamCredentials | None) -> Fetched:
        with backend_lock:
            backend, held = self._find(repository)
            image = find_by_digest(held, reference) if is_digest(reference) else find_by_tag(held, reference)
            if image is None:
                raise UpstreamNotFound(f"its repository '{repository}' has no image '{reference}'")
            manifest = read_manifest(image)
            if manifest is None:
                fault = "has a malformed manifest or digest, which Amazon ECR would not have stored"
                raise UpstreamNotFound(f"the image '{reference}' of its repository '{repository}' {fault}")
            layers = {blob.digest: backend.held_layer(repository, blob.digest) for blob in manifest.blobs}
            return Fetched(manifest, {digest: layer for digest, layer in layers.items() if layer is not None})

    def get_blob(
        self, repository: str, digest: str, credentials: UpstreamCredentials | None, size: int | None = None
    ) -> Blob:
        with backend_lock:
            backend, _ = self._find(repository)
            layer = backend.held_layer(repository, digest)
            if layer is None:
                raise UpstreamNotFound(f"its repository '{repository}' has no such layer")
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

    def _find(self, name: str) -> tuple[RegistryContents, Repository]:
        held = find_registry(self.registry)
        if held is None:
            raise UpstreamNotFound(f"there is no Region '{self.registry.region}'")
        repository = held.repositories.get(name)
        if repository is None:
            raise UpstreamNotFound(f"it has no repository '{name}'")
        if self.role_arn and self.registry.account_id != self.cache_registry.account_id:
            service = PULL_THROUGH_CACHE_ROLE.service
            trusted = role_trusts(self.role_arn, [service], self.cache_registry)
            allowed = policy_allows_role(
                repository.policy, self.role_arn, action="ecr:BatchGetImage", resource=repository.arn
            )
            if not trusted:
                fault = "does not exist" if trusted is None else f"does not trust {service}"
                raise UpstreamAccessDenied(f"the rule's role '{self.role_arn}' {fault}")
            if not allowed:
                raise UpstreamAccessDenied(
                    f"its repository '{name}' has no policy that allows ecr:BatchGetImage to '{self.role_arn}'"
                )
        return held, repository
