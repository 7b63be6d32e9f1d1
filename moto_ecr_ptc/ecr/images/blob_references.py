"""Which images of a repository refer to which blobs: found by a blob's digest, however many images there are."""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakKeyDictionary

from moto.ecr.models import Image, Repository

from .manifests import Descriptor
from .stored_images import StoredImage, read_manifest


class BlobReferences:
    """The configurations and layers that the images of one repository refer to.

    moto keeps the images in a list, which it changes by itself. ``follow`` reads the manifests of new images only.
    """

    def __init__(self) -> None:
        self._images: list[Image] = []
        self._references: dict[str, dict[int, tuple[Image, Descriptor]]] = {}
        """By digest; of each image, which is known by its ``id``."""

    def follow(self, images: list[Image]) -> None:
        """Take note of what has changed. moto's lock must be held."""
        known = len(self._images)
        if images[:known] == self._images:
            self._add(images[known:])
        else:
            here, before = set(map(id, images)), set(map(id, self._images))
            self._remove(image for image in self._images if id(image) not in here)
            self._add(image for image in images if id(image) not in before)
        self._images = images.copy()

    def find(self, digest: str) -> Descriptor | None:
        """Return how the latest image that refers to a blob describes it."""
        descriptors = [descriptor for _, descriptor in self._references.get(digest, {}).values()]
        return descriptors[-1] if descriptors else None

    def find_stored(self, digest: str) -> Descriptor | None:
        """Return how the latest such image that this package stored describes it."""
        references = self._references.get(digest, {}).values()
        descriptors = [descriptor for image, descriptor in references if isinstance(image, StoredImage)]
        return descriptors[-1] if descriptors else None

    def _add(self, images: Iterable[Image]) -> None:
        for image in images:
            for blob in _blobs(image):
                self._references.setdefault(blob.digest, {})[id(image)] = image, blob

    def _remove(self, images: Iterable[Image]) -> None:
        for image in images:
            for digest in {blob.digest for blob in _blobs(image)}:
                references = self._references[digest]
                del references[id(image)]
                if not references:
                    del self._references[digest]


def blob_references(repository: Repository) -> BlobReferences:
    """Return what the images of a repository refer to now. moto's lock must be held."""
    references = _known.setdefault(repository, BlobReferences())
    references.follow(repository.images)
    return references


def forget_references(repository: Repository) -> None:
    """Forget the images of a deleted repository, since moto keeps the repository until a reset."""
    _known.pop(repository, None)


_known: WeakKeyDictionary[Repository, BlobReferences] = WeakKeyDictionary()


def _blobs(image: Image) -> tuple[Descriptor, ...]:
    manifest = read_manifest(image)
    return manifest.blobs if manifest else ()
