"""What an upstream registry holds and how it answers, told with dictionaries. It shares no code with the package."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Union

from tests.stateful.contents import HUB, Catalogued, Image, Registry, default_image

Cause = Union[int, str]

_CODES = {
    401: "UpstreamAccessDenied",
    403: "UpstreamAccessDenied",
    404: "ImageNotFound",
    429: "UpstreamTooManyRequests",
    500: "UpstreamUnavailable",
    "refused": "UpstreamUnavailable",
    "timeout": "UpstreamUnavailable",
}
CAUSES: tuple[Cause, ...] = tuple(_CODES)
UNREACHABLE = ("refused", "timeout")


class UpstreamFailure(Exception):
    """The upstream does not return what it is asked for."""

    def __init__(self, code: str, *, is_unreachable: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.is_unreachable = is_unreachable


@dataclass
class Held:
    """What one repository of an upstream holds."""

    images: dict[str, Image] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def blobs(self) -> set[str]:
        return {blob for image in self.images.values() for blob in image.blobs}

    def family(self, digest: str) -> dict[str, Image]:
        """Return an image and, of an index, the children that are there."""
        root = self.images[digest]
        return {digest: root, **{child: self.images[child] for child in root.children if child in self.images}}

    def add(self, image: Catalogued, tag: str | None) -> None:
        self.images.update(image.images)
        if tag:
            self.tags[tag] = image.root.digest

    def remove(self, tag: str) -> None:
        """Remove a tag, and its image with the children unless another tag or an index needs them."""
        digest = self.tags.pop(tag)
        if digest in self.tags.values():
            return
        roots = set(self.images) - {child for image in self.images.values() for child in image.children}
        needed = {name for root in (roots - {digest}) | set(self.tags.values()) for name in self.family(root)}
        self.images = {name: image for name, image in self.images.items() if name in needed}


@dataclass
class Upstream:
    """A registry that users set up. Until something is put there it has an image for every name and tag."""

    url: str
    repositories: dict[str, Held] | None = None
    credentials: tuple[str, str] | None = None
    failures: dict[str | None, tuple[Cause, int | None]] = field(default_factory=dict)
    asked: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    """Repository, reference, account, Region and outcome of each pull."""

    def held(self, repository: str) -> Held:
        """Return a repository to put something into."""
        self.repositories = {} if self.repositories is None else self.repositories
        return self.repositories.setdefault(repository, Held())

    def remove(self, repository: str, tag: str) -> bool:
        """Remove a tag, and return whether it was there."""
        held = (self.repositories or {}).get(repository, Held())
        if tag not in held.tags:
            return False
        held.remove(tag)
        if not held.images:
            del (self.repositories or {})[repository]
        return True

    def check(self, repository: str | None, credentials: tuple[str, str] | None) -> None:
        """Fail as the registry was told to, or as it must for these credentials and this name."""
        for failing in (repository, None):
            if failing in self.failures:
                cause, times = self.failures[failing]
                if times == 1:
                    del self.failures[failing]
                elif times:
                    self.failures[failing] = cause, times - 1
                raise UpstreamFailure(_CODES[cause], is_unreachable=cause in UNREACHABLE)
        if self.credentials and self.credentials != credentials:
            raise UpstreamFailure("UpstreamAccessDenied")
        if self.url == HUB and repository and "/" not in repository:
            raise UpstreamFailure("UpstreamAccessDenied")

    def images(self, repository: str, tag: str, credentials: tuple[str, str] | None) -> dict[str, Image]:
        """Return the image that a tag names, first of all, and its children."""
        self.check(repository, credentials)
        if self.repositories is None:
            image = default_image(repository, tag)
            return {image.digest: image}
        held = self.repositories.get(repository, Held())
        if tag not in held.tags:
            raise UpstreamFailure("ImageNotFound")
        return held.family(held.tags[tag])

    def referrers(self, repository: str, subject: str, credentials: tuple[str, str] | None) -> dict[str, Image]:
        self.check(repository, credentials)
        if self.repositories is None:
            return {}
        if repository not in self.repositories:
            raise UpstreamFailure("ImageNotFound")
        images = self.repositories[repository].images
        return {digest: image for digest, image in images.items() if image.subject == subject}

    def check_blob(self, repository: str, digest: str, credentials: tuple[str, str] | None) -> None:
        """Fail unless the registry returns a blob."""
        self.check(repository, credentials)
        if digest not in (self.repositories or {}).get(repository, Held()).blobs:
            raise UpstreamFailure("ImageNotFound")

    def record(self, repository: str, reference: str, registry: Registry, outcome: str) -> None:
        self.asked.append((repository, reference, *registry, outcome))
