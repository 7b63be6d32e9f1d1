"""Access to the registry of any account and Region."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, cast

from moto.ecr.models import Repository, ecr_backends

from ..registry_id import RegistryId
from .blobs import Blob


class RegistryContents(Protocol):
    """The repositories and layers of a registry. The ECR backend implements this."""

    repositories: dict[str, Repository]

    def held_layer(self, repository_name: str, digest: str) -> Blob | None:
        """Return a layer's blob; None if the registry does not hold it."""


def find_registry(registry: RegistryId) -> RegistryContents | None:
    """Return the contents of a registry; None if there is no such Region."""
    try:
        return cast(RegistryContents, ecr_backends[registry.account_id][registry.region])
    except KeyError:
        return None


def used_registries() -> Iterator[tuple[RegistryId, RegistryContents]]:
    """Yield the registries that requests were sent to. moto's lock must be held."""
    for account_id, regions in ecr_backends.items():
        for region, backend in regions.items():
            yield RegistryId(account_id, region), cast(RegistryContents, backend)
