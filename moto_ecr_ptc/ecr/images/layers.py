"""The layers of one registry: which blobs its repositories hold.

Image configurations count as layers, as in ECR's API. Source: API reference, BatchCheckLayerAvailability.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from moto.ecr.models import Image, Repository

from .blob_references import BlobReferences, blob_references, forget_references
from .blobs import Blob
from .manifests import Descriptor, is_digest
from .stored_images import StoredImage, referenced_blobs

UPLOADED_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
"""The media type that moto reports for uploaded layers."""


class Layers:
    """The blobs that the repositories of one registry hold, by the digests that manifests use."""

    def __init__(self) -> None:
        self._blobs: dict[str, dict[str, Blob]] = {}
        self._unused: dict[str, set[str]] = {}
        """The layers that were uploaded and that no image has been stored with since."""

        self._in_cleanup: set[str] = set()

    def find(self, repository_name: str, digest: str) -> Blob | None:
        return self._blobs.get(repository_name, {}).get(digest)

    def add(self, repository_name: str, blobs: Mapping[str, Blob]) -> None:
        """Add blobs to a repository."""
        if blobs:
            self._blobs.setdefault(repository_name, {}).update(blobs)

    def add_uploaded(self, repository: Repository, layer: Blob) -> None:
        """Add a layer that a client uploaded to a repository."""
        self.add(repository.name, {layer.digest: layer})
        self._unused.setdefault(repository.name, set()).add(layer.digest)
        if hasattr(repository, "layers"):  # pragma: no branch (moto's own record, from 5.2.4 on)
            repository.layers[layer.digest] = layer.size

    def forget(self, repository: Repository) -> None:
        """Forget the blobs of a deleted repository, and the images, since moto keeps the repository until a reset."""
        self._blobs.pop(repository.name, None)
        self._unused.pop(repository.name, None)
        forget_references(repository)
        repository.images[:] = [image for image in repository.images if not isinstance(image, StoredImage)]

    def mark_used(self, repository: Repository, blobs: Iterable[str]) -> None:
        """Record that an image with these blobs was stored: they go with the last image that has them."""
        self._unused.get(repository.name, set()).difference_update(blobs)

    @contextmanager
    def cleaning_up(self, repository: Repository) -> Iterator[None]:
        """Forget the blobs that only images refer to which the body of ``with`` deletes, and note those that it stores.

        Calls may be nested, and the outermost one does it: moto removes a tag's old image before it adds the new one.
        """
        name = repository.name
        if name in self._in_cleanup or name not in self._blobs:
            yield
            return
        before = list(repository.images)
        self._in_cleanup.add(name)
        try:
            yield
        finally:
            self._in_cleanup.discard(name)
            self._clean_up(repository, before)

    def _clean_up(self, repository: Repository, before: Sequence[Image]) -> None:
        here = {id(image) for image in repository.images}
        gone = referenced_blobs(image for image in before if id(image) not in here)
        needed = blob_references(repository)
        held, unused = self._blobs[repository.name], self._unused.get(repository.name, set())
        known = {id(image) for image in before}
        unused.difference_update(referenced_blobs(image for image in repository.images if id(image) not in known))
        for digest in gone:
            if not needed.find(digest) and digest not in unused:
                held.pop(digest, None)
                getattr(repository, "layers", {}).pop(digest, None)  # moto's own record, from 5.2.4 on

    def find_missing(self, repository: Repository, digests: Iterable[str]) -> list[str]:
        """Return the digests of which a repository has no layer."""
        references = blob_references(repository)
        return [digest for digest in digests if not self._find_available(repository, references, digest)]

    def check(
        self, repository: Repository, digests: Sequence[str]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return ECR's shape ``Layer`` for each layer that a repository has, and ``LayerFailure`` for the others.

        (BatchCheckLayerAvailability) The layers of images that were pulled or pushed count even before they are pulled.
        """
        references = blob_references(repository)
        layers: list[dict[str, Any]] = []
        failures: list[dict[str, Any]] = []
        for digest in digests:
            available = self._find_available(repository, references, digest)
            if available:
                layers.append(_describe_layer(available))
            else:
                failures.append(_describe_failure(digest))
        return layers, failures

    def _find_available(self, repository: Repository, references: BlobReferences, digest: str) -> Descriptor | None:
        blob = self.find(repository.name, digest)
        if blob:
            described = references.find(digest)
            return Descriptor(described.media_type if described else UPLOADED_LAYER_TYPE, digest, blob.size)
        uploaded: dict[str, int] = getattr(repository, "layers", {})  # from moto 5.2.4 on
        if digest in uploaded:
            return Descriptor(UPLOADED_LAYER_TYPE, digest, uploaded[digest])
        return references.find_stored(digest)


def _describe_layer(layer: Descriptor) -> dict[str, Any]:
    return {
        "layerDigest": layer.digest,
        "layerAvailability": "AVAILABLE",
        "layerSize": layer.size,
        "mediaType": layer.media_type,
    }


def _describe_failure(digest: str) -> dict[str, Any]:
    code, reason = (
        ("MissingLayerDigest", f"Layer digest '{digest}' could not be found")
        if is_digest(digest)
        else ("InvalidLayerDigest", f"Invalid layer digest '{digest}'")
    )
    return {"layerDigest": digest, "failureCode": code, "failureReason": reason}
