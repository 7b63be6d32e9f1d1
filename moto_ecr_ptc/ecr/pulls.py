"""What a pull leaves in a repository: cached images, their layers, and when the upstream was last asked for a tag.

Source: Amazon ECR user guide, "Using pull through cache rules"; API reference, BatchGetImage and ImageDetail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import NamedTuple

from moto.ecr.models import Image, Repository

from .credentials import UpstreamCredentials
from .exceptions import UpstreamNotFound
from .images import Descriptor, Fetched, InvalidManifest, Manifest, is_digest, sha256
from .templates import WITH_EXCLUSION
from .upstream import Source

FRESH_FOR = timedelta(hours=24)
"""How long a cached tag is served without a look at the upstream."""


class CachedImage(Image):
    """An image that came from an upstream registry, among the images of moto's repository."""

    def __new__(cls, *_: object) -> CachedImage:
        # Not moto's, which keeps each until a reset: a server may pull and delete for long.
        return object.__new__(cls)

    def __init__(self, repository: Repository, manifest: Manifest, size: int) -> None:
        super().__init__(
            repository.account_id,
            None,  # type: ignore[arg-type]  # moto's own images without a tag have None too
            manifest.content.decode(),
            repository.name,
            manifest.media_type,
            manifest.digest,
            repository.registry_id,
        )
        self.manifest = manifest
        self.artifact_media_type = manifest.artifact_type
        self.subject_manifest_digest = manifest.subject
        self.last_recorded_pull_time: datetime | None = None
        self._size = size

    def get_image_size_in_bytes(self) -> int:
        return self._size

    def remove_tag(self, tag: str) -> None:
        super().remove_tag(tag)
        if not self.image_tags:
            self.image_tag = None  # type: ignore[assignment]  # moto would go on to report the tag


@dataclass
class RepositoryCache:
    """What pull through cache knows of one repository."""

    asked: dict[str, datetime] = field(default_factory=dict)
    """When the upstream was last asked for a tag; or for the referrers of an image, by its digest.

    A tag that is not here was put there by somebody: it is theirs."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    """The configurations and layers whose bytes are here."""

    def is_fresh(self, reference: str, now: datetime) -> bool:
        return reference in self.asked and now - self.asked[reference] < FRESH_FOR

    def clear_out(self, repository: Repository) -> None:
        """Forget what no image of the repository needs any more."""
        needed = referenced_blobs(repository.images)
        self.blobs = {digest: blob for digest, blob in self.blobs.items() if digest in needed}
        held = {name for image in repository.images for name in (digest_of(image), *image.image_tags)}
        self.asked = {reference: at for reference, at in self.asked.items() if reference in held}


class FetchedImage(NamedTuple):
    """All that was fetched from an upstream for one image."""

    root: Manifest
    manifests: Mapping[str, Manifest]
    """The root and, below an index, its children."""

    blobs: Mapping[str, bytes]


def fetch_image(
    source: Source, repository: str, reference: str, credentials: UpstreamCredentials | None
) -> FetchedImage:
    """Fetch an image, with the children of an index.

    :raises UpstreamError: the upstream lacks the image, or does not give it
    """
    fetched = source.get_manifest(repository, reference, credentials)
    manifests: dict[str, Manifest] = {}
    blobs: dict[str, bytes] = {}
    waiting: list[Fetched] = [fetched]
    while waiting:
        current = waiting.pop()
        manifests[current.manifest.digest] = current.manifest
        blobs.update(current.blobs)
        for child in current.manifest.children:
            if child.digest not in manifests:
                try:
                    waiting.append(source.get_manifest(repository, child.digest, credentials))
                except UpstreamNotFound:
                    continue  # an upstream may hold some of an index's platforms only
    return FetchedImage(fetched.manifest, manifests, blobs)


def store_image(repository: Repository, cache: RepositoryCache, fetched: FetchedImage) -> Image:
    """Put a fetched image into a repository, without a tag, and return it."""
    cache.blobs.update(fetched.blobs)
    # By content too: moto invents the digests of pushed images, and gives one to several.
    held = {(digest_of(image), image.image_manifest): image for image in repository.images}
    for manifest in fetched.manifests.values():
        key = (manifest.digest, manifest.content.decode())
        if key not in held:
            held[key] = CachedImage(repository, manifest, _size(manifest, fetched.manifests))
            repository.images.append(held[key])
    return held[fetched.root.digest, fetched.root.content.decode()]


def move_tag(repository: Repository, tag: str, image: Image) -> None:
    """Have ``tag`` name ``image``, and no other."""
    tagged = find_by_tag(repository, tag)
    if tagged is not None:
        tagged.remove_tag(tag)
    image.update_tag(tag)


def is_immutable(repository: Repository, tag: str) -> bool:
    """Return whether a repository's setting, with its exclusion filters, makes a tag immutable."""
    mutability = str(getattr(repository.image_tag_mutability, "value", repository.image_tag_mutability))
    immutable = mutability.startswith("IMMUTABLE")
    if not mutability.endswith(WITH_EXCLUSION):
        return immutable
    filters = repository.image_tag_mutability_exclusion_filters or []
    return immutable ^ any(fnmatchcase(tag, exclusion["filter"]) for exclusion in filters)


def find_by_tag(repository: Repository, tag: str) -> Image | None:
    return next((image for image in repository.images if tag in image.image_tags), None)


def find_by_digest(repository: Repository, digest: str) -> Image | None:
    return next((image for image in repository.images if digest_of(image) == digest), None)


def read_manifest(image: Image) -> Manifest | None:
    """Return the manifest of any image in a repository; None if it is none, for moto stores what it is given."""
    if isinstance(image, CachedImage):
        return image.manifest
    digest: object = digest_of(image)
    if not (isinstance(digest, str) and is_digest(digest)):
        return None
    try:
        manifest = Manifest(image.image_manifest.encode(), image.image_manifest_media_type or "", digest)
        manifest.check()
    except (InvalidManifest, UnicodeEncodeError):
        return None
    return manifest


def referenced_blobs(images: Iterable[Image]) -> dict[str, Descriptor]:
    """Return the configurations and layers that images refer to, by digest."""
    return {blob.digest: blob for manifest in filter(None, map(read_manifest, images)) for blob in manifest.blobs}


@dataclass(frozen=True)
class ImageReferrer:
    """An image that refers to another one. The members are those of ECR's shape of this name."""

    digest: str
    media_type: str
    artifact_type: str | None
    size: int
    annotations: dict[str, str]
    sequence: int
    """The place among referrers: by a hash, since moto's own images have neither an order that lasts nor a digest that
    is theirs alone."""

    artifact_status: str = "ACTIVE"


def find_referrers(repository: Repository, digest: str) -> Iterator[ImageReferrer]:
    """Yield the images of a repository whose subject is the one with this digest."""
    for image in repository.images:
        manifest = read_manifest(image)
        if manifest and manifest.subject == digest:
            yield ImageReferrer(
                digest=manifest.digest,
                media_type=manifest.media_type,
                artifact_type=manifest.artifact_type,
                size=len(manifest.content),
                annotations=manifest.annotations,
                sequence=int(sha256(manifest.digest.encode() + manifest.content).partition(":")[2], 16),
            )


def _size(manifest: Manifest, manifests: Mapping[str, Manifest]) -> int:
    """Return an image's size: its layers'; of an index, that of its largest image (API reference, ImageDetail)."""
    # An index may contain itself, since moto gives one digest to several images.
    reached = {manifest.digest}
    waiting = [manifest]
    size = 0
    while waiting:
        current = waiting.pop()
        size = max(size, sum(layer.size for layer in current.layers))
        children = {child.digest for child in current.children if child.digest in manifests} - reached
        reached |= children
        waiting += [manifests[digest] for digest in children]
    return size


def digest_of(image: Image) -> str | None:
    """Return an image's digest; None if moto cannot make one up, for a manifest that it should not have stored."""
    try:
        return image.get_image_digest()
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
