"""The layers of one registry: which blobs its repositories hold, and the uploads of new ones.

Configurations count among the layers, as in ECR's API. Source: API reference, BatchCheckLayerAvailability,
InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from moto.ecr.models import Image, Repository

from .blobs import Blob
from .manifests import Descriptor, is_digest
from .stored_images import CachedImage, referenced_blobs

UPLOADED_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
"""What moto calls a layer that was uploaded."""


class Layers:
    """The blobs that the repositories of one registry hold, by the digests that manifests have for them."""

    def __init__(self) -> None:
        self._held: dict[str, dict[str, Blob]] = {}
        self._swept_later: set[str] = set()

    def find(self, repository_name: str, digest: str) -> Blob | None:
        return self._held.get(repository_name, {}).get(digest)

    def hold(self, repository_name: str, blobs: Mapping[str, Blob]) -> None:
        """Have a repository hold blobs, besides those that it has."""
        if blobs:
            self._held.setdefault(repository_name, {}).update(blobs)

    def forget(self, repository: Repository) -> None:
        """Let go of all blobs of a repository that is deleted."""
        self._held.pop(repository.name, None)

    @contextmanager
    def swept(self, repository: Repository) -> Iterator[None]:
        """Let go, in the end, of what only those images needed that went away meanwhile.

        Not before the outermost end: moto takes a tag's old image away before it puts the new one there.
        """
        name = repository.name
        if name in self._swept_later or name not in self._held:
            yield
            return
        before = list(repository.images)
        self._swept_later.add(name)
        try:
            yield
        finally:
            self._swept_later.discard(name)
            self._sweep(repository, before)

    def _sweep(self, repository: Repository, before: Sequence[Image]) -> None:
        here = {id(image) for image in repository.images}
        gone = referenced_blobs(image for image in before if id(image) not in here)
        needed = referenced_blobs(repository.images) if gone else {}
        held = self._held[repository.name]
        for digest in gone:
            if digest not in needed:
                held.pop(digest, None)

    def check(
        self, repository: Repository, digests: Sequence[str]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return ECR's shapes ``Layer`` of those that a repository has, and ``LayerFailure`` of the others.

        A cached image's layers count even where their bytes are still at the upstream.
        """
        available = self._available(repository)
        layers: list[dict[str, Any]] = []
        failures: list[dict[str, Any]] = []
        for digest in digests:
            if digest in available:
                layers.append(_describe_layer(available[digest]))
            else:
                failures.append(_describe_failure(digest))
        return layers, failures

    def _available(self, repository: Repository) -> dict[str, Descriptor]:
        held = self._held.get(repository.name, {})
        uploaded: dict[str, int] = getattr(repository, "layers", {})  # moto 5.2.4 or newer
        referenced = referenced_blobs(repository.images)
        return {
            **{digest: Descriptor(UPLOADED_LAYER_TYPE, digest, size) for digest, size in uploaded.items()},
            **{digest: Descriptor(UPLOADED_LAYER_TYPE, digest, blob.size) for digest, blob in held.items()},
            **{digest: blob for digest, blob in referenced.items() if digest in held},
            **referenced_blobs(image for image in repository.images if isinstance(image, CachedImage)),
        }


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
