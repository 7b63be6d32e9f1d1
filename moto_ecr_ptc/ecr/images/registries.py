"""The registries of all accounts and Regions, for those who need another one than their own."""

from __future__ import annotations

from typing import Protocol, cast

from moto.ecr.models import Repository, ecr_backends

from ..registry_id import RegistryId
from .blobs import Blob


class HeldImages(Protocol):
    """What a registry holds. The ECR backend is one."""

    repositories: dict[str, Repository]

    def held_layer(self, repository_name: str, digest: str) -> Blob | None:
        """Return the blob of a layer that is here."""


def find_registry(registry: RegistryId) -> HeldImages | None:
    """Return what a registry holds; None if there is no such Region."""
    try:
        return cast(HeldImages, ecr_backends[registry.account_id][registry.region])
    except KeyError:
        return None
