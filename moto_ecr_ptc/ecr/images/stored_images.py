"""Images in moto's repositories: how they are found and stored, and those that this package stores.

Source: API reference, ImageDetail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Optional
from weakref import WeakKeyDictionary, ref

from moto.ecr.models import Image, Repository

from ..configuration.templates import WITH_EXCLUSION
from .manifests import Descriptor, InvalidManifest, Manifest, is_digest


class StoredImage(Image):
    """An image in one of moto's repositories that this package stored there."""

    def __new__(cls, *_: object) -> StoredImage:
        # moto's __new__ keeps every image until a reset, which would fill a server's memory.
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


class CachedImage(StoredImage):
    """An image that was pulled from an upstream registry."""


def store_image(repository: Repository, root: Manifest, manifests: Mapping[str, Manifest]) -> Image:
    """Store an image in a repository, without a tag, and return it.

    :param manifests: the root and, if that is an index, its children, by digest
    """
    # By content too, since moto makes up the digests of pushed images, and may give several images the same.
    contents = {manifest.content.decode() for manifest in manifests.values()}
    alike = [image for image in repository.images if image.image_manifest in contents]
    held = {(digest_of(image), image.image_manifest): image for image in alike}
    for manifest in manifests.values():
        key = (manifest.digest, manifest.content.decode())
        if key not in held:
            held[key] = CachedImage(repository, manifest, image_size(manifest, manifests))
            repository.images.append(held[key])
    return held[root.digest, root.content.decode()]


def move_tag(repository: Repository, tag: str, image: Image) -> None:
    """Move a tag to an image from the one that has it."""
    tagged = find_by_tag(repository, tag)
    if tagged is not None:
        tagged.remove_tag(tag)
        if not tagged.image_tags:
            tagged.image_tag = None  # type: ignore[assignment]  # moto would still report the tag
    image.update_tag(tag)


def is_immutable(repository: Repository, tag: str) -> bool:
    """Return whether a tag is immutable by the repository's tag mutability and exclusion filters."""
    mutability = str(getattr(repository.image_tag_mutability, "value", repository.image_tag_mutability))
    immutable = mutability.startswith("IMMUTABLE")
    if not mutability.endswith(WITH_EXCLUSION):
        return immutable
    filters = repository.image_tag_mutability_exclusion_filters or []
    return immutable ^ any(fnmatchcase(tag, exclusion["filter"]) for exclusion in filters)


def find_by_tag(repository: Repository, tag: str) -> Image | None:
    return _find(repository, tag, lambda images: (tag in image.image_tags for image in images))


def find_by_digest(repository: Repository, digest: str) -> Image | None:
    return _find(repository, digest, lambda images: (digest_of(image) == digest for image in images))


def _find(repository: Repository, reference: str, match: Callable[[list[Image]], Iterable[bool]]) -> Image | None:
    """Return the first image that matches, which is looked for where it was found the last time.

    :param match: returns of each image whether the reference names it
    """
    images, places = repository.images, _places.setdefault(repository, {})
    place, found = places.pop(reference, _NOWHERE)
    here = images[place : place + 1]
    # Only if it is the same image has nothing before it gone, so that it is still the first that matches.
    if here != [found()] or not any(match(here)):
        place = next((place for place, is_match in enumerate(match(images)) if is_match), len(images))
    if place == len(images):
        return None
    if len(places) > 2 * len(images):  # most are of images that are gone
        places.clear()
    places[reference] = place, ref(images[place])
    return images[place]


_Place = tuple[int, Callable[[], Optional[Image]]]
_NOWHERE: _Place = (0, lambda: None)
_places: WeakKeyDictionary[Repository, dict[str, _Place]] = WeakKeyDictionary()
"""Where in moto's list which image was that a tag or digest named. The list changes without notice."""


def read_manifest(image: Image) -> Manifest | None:
    """Return an image's manifest; None if it is invalid, since moto stores manifests unchecked."""
    if isinstance(image, StoredImage):
        return image.manifest
    state = (image.image_manifest, image.image_manifest_media_type, digest_of(image))
    known = _manifests.get(image)
    if known is None or known[0] != state:
        known = _manifests[image] = (state, _parse(*state))
    return known[1]


_State = tuple[str, Optional[str], Optional[str]]
_manifests: WeakKeyDictionary[Image, tuple[_State, Manifest | None]] = WeakKeyDictionary()
"""The manifests of moto's own images, which are texts there."""


def _parse(content: str, media_type: str | None, digest: object) -> Manifest | None:
    if not (isinstance(digest, str) and is_digest(digest)):
        return None
    try:
        manifest = Manifest(content.encode(), media_type or "", digest)
        manifest.check()
    except (InvalidManifest, UnicodeEncodeError):
        return None
    return manifest


def untagged_images(repository: Repository) -> list[StoredImage]:
    """Return the images without tags that this package stored."""
    return [image for image in repository.images if isinstance(image, StoredImage) and not image.image_tags]


def referenced_blobs(images: Iterable[Image]) -> dict[str, Descriptor]:
    """Return the configurations and layers that images refer to, by digest."""
    return {blob.digest: blob for manifest in filter(None, map(read_manifest, images)) for blob in manifest.blobs}


def image_size(manifest: Manifest, manifests: Mapping[str, Manifest]) -> int:
    """Return the size of an image's layers; of an index, that of its largest image (API reference, ImageDetail)."""
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
    """Return an image's digest; None if moto cannot make one up because the manifest is invalid."""
    try:
        return image.get_image_digest()
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
