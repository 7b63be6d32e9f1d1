"""Where what was pulled is kept: moto's repositories, with their layers and with what was asked when."""

from __future__ import annotations

from moto.ecr.models import ECRBackend, Image, Repository

from ..configuration.rules import PullThroughCacheRule, Rules
from ..images.layers import Layers
from ..images.repositories import Repositories
from ..images.stored_images import digest_of, find_by_tag, store_image
from .fetched import FetchedImage
from .freshness import Freshness


class Cache:
    """The cache of one registry."""

    def __init__(self, backend: ECRBackend, rules: Rules, repositories: Repositories, layers: Layers) -> None:
        self._backend = backend
        self._rules = rules
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

    def covers(self, rule: PullThroughCacheRule, repository_name: str) -> bool:
        """Return whether a rule still covers a repository, after the upstream was asked."""
        return self._rules.is_current(rule, repository_name)

    def open(self, rule: PullThroughCacheRule, repository_name: str) -> Repository | None:
        """Return a repository to store in, created if need be.

        None: the rule does not cover it any more, after the upstream was asked, or it cannot be created.
        """
        if not self.covers(rule, repository_name):
            return None
        repository = self._backend.repositories.get(repository_name)
        if repository is None:
            if not self._repositories.can_create(repository_name):
                return None
            repository = self._repositories.create(repository_name)
        self.freshness.note(repository_name)
        return repository

    def store(self, repository: Repository, fetched: FetchedImage) -> Image:
        """Put a fetched image into a repository, without a tag, and return it."""
        self.layers.hold(repository.name, fetched.blobs)
        return store_image(repository, fetched.root, fetched.manifests)

    def forget_what_is_gone(self, repository: Repository) -> None:
        """Forget when tags and images were asked for that a repository has no more."""
        held = (name for image in repository.images for name in (digest_of(image), *image.image_tags))
        self.freshness.keep(repository.name, held)
