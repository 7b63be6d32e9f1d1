"""The images that an upstream registry holds: those that users gave it, or a small one under every name and tag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from moto.core.base_backend import backend_lock

from ..access.credentials import UpstreamCredentials
from ..exceptions import UpstreamNotFound
from ..images.blobs import Blob, make_blob
from ..images.manifests import Descriptor, Manifest, is_digest, is_repository, is_tag
from ..wording import listed
from .built_images import BuiltImage, build_default_image
from .source import Fetched


@dataclass(frozen=True)
class HeldImage:
    """A tag of an upstream registry, or an image there that has none."""

    repository: str
    """The repository's name at the upstream."""

    tag: str | None
    """None if the image has no tag, and belongs to no index."""

    digest: str
    """The sha256 of the manifest's bytes, as ``sha256:<hex>``."""

    media_type: str
    """The media type of the manifest, or of the index."""


@dataclass
class HeldRepository:
    """What an upstream registry holds in one repository."""

    manifests: dict[str, Manifest] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, Blob] = field(default_factory=dict)

    def add(self, image: BuiltImage, blobs: Mapping[str, Blob], tag: str | None) -> None:
        """Add an image with its children.

        :param blobs: theirs, from ``make_blobs``
        """
        for child in image.children:
            self.manifests[child.manifest.digest] = child.manifest
        self.manifests[image.manifest.digest] = image.manifest
        self.blobs.update(blobs)
        if tag is not None:
            self.tags[tag] = image.manifest.digest

    def images(self, repository: str) -> list[HeldImage]:
        """Return the tags in alphabetical order, and then the images that have no tag and belong to no index.

        :param repository: its name
        """
        described = [
            HeldImage(repository, tag, digest, self.manifests[digest].media_type)
            for tag, digest in sorted(self.tags.items())
        ]
        reachable = {*self.tags.values(), *self._children(self.manifests)}
        untagged = sorted(self.manifests.keys() - reachable)
        return described + [
            HeldImage(repository, None, digest, self.manifests[digest].media_type) for digest in untagged
        ]

    def remove(self, reference: str) -> None:
        """Remove a tag, or an image with its tags, and what nothing else needs: images, children and blobs.

        :param reference: the tag, or the digest of the image
        """
        kept = {image.digest for image in self.images("")}
        digest = self.tags.get(reference, reference)
        self.tags = {tag: tagged for tag, tagged in self.tags.items() if reference not in (tag, tagged)}
        if digest not in self.tags.values():
            kept.discard(digest)
        waiting = list(kept)
        while waiting:
            children = self._children([waiting.pop()]) - kept
            kept |= children
            waiting += children
        self.manifests = {name: manifest for name, manifest in self.manifests.items() if name in kept}
        needed = {blob.digest for manifest in self.manifests.values() for blob in manifest.blobs}
        self.blobs = {name: blob for name, blob in self.blobs.items() if name in needed}

    def _children(self, digests: Iterable[str]) -> set[str]:
        return {child.digest for digest in digests for child in self.manifests[digest].children}


def make_blobs(image: BuiltImage) -> dict[str, Blob]:
    """Return the blobs of an image and its children. moto's lock should not be held: they may be large."""
    return {digest: make_blob(content) for one in (image, *image.children) for digest, content in one.blobs.items()}


class DefaultImages:
    """The contents of an upstream that nothing was put into: a small image under every name and tag."""

    def get_manifest(self, repository: str, reference: str, credentials: UpstreamCredentials | None) -> Fetched:
        if not (is_repository(repository) and is_tag(reference)):
            raise UpstreamNotFound(f"no registry has an image '{reference}' in a repository '{repository}'")
        image = _default_image(repository, reference)
        return Fetched(image.manifest, {digest: make_blob(content) for digest, content in image.blobs.items()})

    def get_blob(
        self, repository: str, digest: str, credentials: UpstreamCredentials | None, size: int | None = None
    ) -> Blob:
        raise UpstreamNotFound(f"its repository '{repository}' has no such layer")

    def get_referrers(
        self, repository: str, digest: str, credentials: UpstreamCredentials | None
    ) -> Sequence[Descriptor]:
        return ()

    def authenticate(self, credentials: UpstreamCredentials | None) -> None:
        """Accept any credentials, and none."""


class GivenImages:
    """The contents of an upstream that images were pushed to or loaded into."""

    def __init__(self) -> None:
        self.repositories: dict[str, HeldRepository] = {}

    @property
    def images(self) -> tuple[HeldImage, ...]:
        """The images, by repository and tag."""
        return tuple(image for name, held in sorted(self.repositories.items()) for image in held.images(name))

    def remove(self, repository: str, reference: str | None) -> None:
        """Remove a tag, the image with a digest, or a whole repository.

        :raises LookupError: it is not there; the message lists what is, as a clause
        """
        held = self.repositories.get(repository)
        if held is None:
            raise LookupError(f"it has no repository '{repository}'; its repositories: {listed(self.repositories)}")
        if reference is None:
            del self.repositories[repository]
            return
        images = held.images(repository)
        if not any(reference in (image.tag, image.digest) for image in images):
            there = [image.tag or image.digest for image in images]
            raise LookupError(f"its repository '{repository}' has no '{reference}', but these: {listed(there)}")
        held.remove(reference)
        if not held.manifests:
            del self.repositories[repository]

    def get_manifest(self, repository: str, reference: str, credentials: UpstreamCredentials | None) -> Fetched:
        with backend_lock:
            held = self._get(repository)
            digest = reference if is_digest(reference) else held.tags.get(reference, "")
            manifest = held.manifests.get(digest)
            if manifest is None:
                raise UpstreamNotFound(f"its repository '{repository}' has no '{reference}'; tags: {listed(held.tags)}")
            return Fetched(manifest, {blob.digest: held.blobs[blob.digest] for blob in manifest.blobs})

    def get_blob(
        self, repository: str, digest: str, credentials: UpstreamCredentials | None, size: int | None = None
    ) -> Blob:
        with backend_lock:
            blob = self._get(repository).blobs.get(digest)
            if blob is None:
                raise UpstreamNotFound(f"its repository '{repository}' has no such layer")
            return blob

    def get_referrers(
        self, repository: str, digest: str, credentials: UpstreamCredentials | None
    ) -> Sequence[Descriptor]:
        with backend_lock:
            return [
                Descriptor(manifest.media_type, manifest.digest, len(manifest.content))
                for manifest in self._get(repository).manifests.values()
                if manifest.subject == digest
            ]

    def authenticate(self, credentials: UpstreamCredentials | None) -> None:
        """Accept any credentials, and none."""

    def _get(self, repository: str) -> HeldRepository:
        try:
            return self.repositories[repository]
        except KeyError:
            held = listed(self.repositories)
            raise UpstreamNotFound(f"it has no repository '{repository}'; its repositories: {held}") from None


@lru_cache(maxsize=256)
def _default_image(repository: str, tag: str) -> BuiltImage:
    return build_default_image(repository, tag)
