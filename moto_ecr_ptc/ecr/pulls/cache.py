"""Where pulled images are kept: in moto's repositories, with their layers and the times of the last pulls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.ecr.models import ECRBackend, Image, Repository

from ..images.layers import Layers
from ..images.repositories import PULL_THROUGH_CACHE, Repositories
from ..images.stored_images import digest_of, find_by_tag, store_image
from .fetched import FetchedImage
from .freshness import Freshness


@dataclass(frozen=True)
class CachedTag:
    """A tag of a repository that was filled by pull through cache."""

    tag: str
    digest: str | None
    is_pushed: bool
    """Whether somebody pushed it, so that the upstream is never asked for it."""

    is_fresh: bool
    asked_at: datetime | None
    """When the upstream was last asked for it; None if it was pushed or made stale."""


class Cache:
    """The cache of one registry."""

    def __init__(self, backend: ECRBackend, repositories: Repositories, layers: Layers) -> None:
        self._backend = backend
        self._repositories = repositories
        self.layers = layers
        self.freshness = Freshness()

    def find_tagged(self, repository_name: str, tag: str) -> Image | None:
        repository = self._backend.repositories.get(repository_name)
        return None if repository is None else find_by_tag(repository, tag)

    def is_due(self, repository_name: str, tag: str) -> bool:
        """Return whether a pull of a tag has to ask the upstream: not cached, or asked for 24 hours ago."""
        if self.find_tagged(repository_name, tag) is None:
            return True
        # A tag that was pushed with PutImage is never pulled.
        freshness = self.freshness
        return freshness.was_asked(repository_name, tag) and not freshness.is_fresh(repository_name, tag)

    def tags(self, repository: Repository) -> Iterator[CachedTag]:
        """Yield the tags of a repository, with what is known about each."""
        freshness, name = self.freshness, repository.name
        for image in repository.images:
            for tag in image.image_tags:
                yield CachedTag(
                    tag,
                    digest_of(image),
                    is_pushed=not freshness.was_asked(name, tag),
                    is_fresh=freshness.is_fresh(name, tag),
                    asked_at=freshness.asked_at(name, tag),
                )

    def get_or_create_repository(self, repository_name: str) -> Repository:
        """Return a repository to store a pulled image in, created with its template's settings if it does not exist."""
        repository = self._backend.repositories.get(repository_name)
        if repository is None:
            repository = self._repositories.create(repository_name, PULL_THROUGH_CACHE)
        self.freshness.mark_cached(repository_name)
        return repository

    def store(self, repository: Repository, fetched: FetchedImage) -> Image:
        """Store a fetched image in a repository, without a tag, and return it."""
        self.layers.add(repository.name, fetched.blobs)
        blobs = (blob for manifest in fetched.manifests.values() for blob in manifest.blobs)
        self.layers.mark_used(repository, [blob.digest for blob in blobs])
        return store_image(repository, fetched.root, fetched.manifests)

    def mark_pushed(self, repository: Repository, tag: str) -> None:
        """Record that a tag was pushed: the upstream is never asked for it again."""
        self.freshness.mark_pushed(repository.name, tag)
        self.forget_missing(repository)

    def forget(self, repository: Repository) -> None:
        """Forget a deleted repository."""
        if self.freshness.forget(repository.name):
            # moto keeps it until a reset otherwise, in a list whose name depends on moto's version.
            tracked: list[Any] = vars(Repository).get("instances_tracked") or vars(Repository).get("instances", [])
            with suppress(ValueError):
                tracked.remove(repository)

    def forget_missing(self, repository: Repository) -> None:
        """Forget the tags and images that a repository has lost."""
        held = (name for image in repository.images for name in (digest_of(image), *image.image_tags))
        self.freshness.forget_all_but(repository.name, held)
