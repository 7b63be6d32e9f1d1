"""Where what was pulled is kept: moto's repositories, with their layers and with what was asked when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from moto.ecr.models import ECRBackend, Image, Repository

from ..images.layers import Layers
from ..images.repositories import Repositories
from ..images.stored_images import CachedImage, digest_of, find_by_tag, store_image
from .fetched import FetchedImage
from .freshness import Freshness


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
        """Return whether the upstream has to be asked for a tag."""
        if self.find_tagged(repository_name, tag) is None:
            return True
        # A tag that somebody put there is theirs.
        freshness = self.freshness
        return freshness.was_asked(repository_name, tag) and not freshness.is_fresh(repository_name, tag)

    def open(self, repository_name: str) -> Repository:
        """Return a repository to store in, created if need be."""
        repository = self._backend.repositories.get(repository_name)
        if repository is None:
            repository = self._repositories.create(repository_name)
        self.freshness.note(repository_name)
        return repository

    def store(self, repository: Repository, fetched: FetchedImage) -> Image:
        """Put a fetched image into a repository, without a tag, and return it."""
        self.layers.hold(repository.name, fetched.blobs)
        return store_image(repository, fetched.root, fetched.manifests)

    def give_away(self, repository: Repository, tag: str) -> None:
        """Have a tag be its pusher's: it is not looked for at the upstream any more."""
        self.freshness.give_away(repository.name, tag)
        self._forget_what_is_gone(repository)

    @contextmanager
    def naming_untagged(self, repository: Repository) -> Iterator[list[dict[str, str]]]:
        """Give a list that holds, in the end, the identifiers of the cached images without a tag that went meanwhile.

        moto answers with a deleted image's tags, and nothing for one that has none.
        """
        untagged = [image for image in repository.images if isinstance(image, CachedImage) and not image.image_tags]
        named: list[dict[str, str]] = []
        yield named
        named += [{"imageDigest": image.manifest.digest} for image in untagged if image not in repository.images]
        self._forget_what_is_gone(repository)

    def forget(self, repository: Repository) -> None:
        """Forget a repository that is deleted."""
        if self.freshness.forget(repository.name):
            # moto would keep it until a reset, in a list whose name depends on moto's version.
            tracked: list[Any] = vars(Repository).get("instances_tracked") or vars(Repository).get("instances", [])
            with suppress(ValueError):
                tracked.remove(repository)

    def _forget_what_is_gone(self, repository: Repository) -> None:
        held = (name for image in repository.images for name in (digest_of(image), *image.image_tags))
        self.freshness.keep(repository.name, held)
