"""Images that refer to another image, which OCI 1.1 calls their subject.

Source: API reference, ListImageReferrers and ImageReferrer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from moto.ecr.models import Repository

from .manifests import sha256
from .stored_images import read_manifest


@dataclass(frozen=True)
class ImageReferrer:
    """An image that refers to another one. The members are those of ECR's shape ``ImageReferrer``."""

    digest: str
    media_type: str
    artifact_type: str | None
    size: int
    annotations: dict[str, str]
    sequence: int
    """The position among referrers: a hash, since moto's own images have neither a stable order nor unique digests."""

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
