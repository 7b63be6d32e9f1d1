"""Deletions of images, where ECR does more than moto. Source: API reference, BatchDeleteImage and ImageFailure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.ecr.models import Repository

from .stored_images import digest_of, find_by_digest, read_manifest, untagged_images

REFERENCED = "ImageReferencedByManifestList"
"""The failure code of an image that an index refers to."""

_ImageIds = Sequence[Mapping[str, str]]


def delete_images(
    repository: Repository | None, image_ids: _ImageIds | None, delete: Callable[[Any], dict[str, Any]]
) -> dict[str, Any]:
    """Delete images, and return BatchDeleteImage's answer.

    An image of an index is not deleted by its digest, unless the index goes with it. The answer names the digests of
    images without tags; moto's own names one identifier for each tag.

    :param delete: moto's own deletion of the images with these identifiers
    """
    if repository is None or not image_ids:
        return delete(image_ids)
    indexes = _find_indexes(repository, image_ids)
    kept = [image_id for image_id in image_ids if image_id.get("imageDigest") in indexes]
    failures = [
        {
            "imageId": dict(image_id),
            "failureCode": REFERENCED,
            "failureReason": f"Requested image referenced by manifest list: [{indexes[image_id['imageDigest']]}]",
        }
        for image_id in kept
    ]
    rest = [image_id for image_id in image_ids if image_id not in kept]
    untagged = untagged_images(repository)
    answer = delete(rest) if rest else {"imageIds": [], "failures": []}
    here = set(map(id, repository.images))
    gone = [image for image in untagged if id(image) not in here]
    answer["imageIds"] += [{"imageDigest": image.manifest.digest} for image in gone]
    answer["failures"] += failures
    return answer


def _find_indexes(repository: Repository, image_ids: _ImageIds) -> dict[str, str]:
    """Return the digests of the images that indexes refer to which stay, each with the digest of an index."""
    deleted = {image_id.get("imageDigest") for image_id in image_ids}
    asked_for = (digest for digest in deleted if digest and find_by_digest(repository, digest))
    if not any(asked_for):
        return {}
    staying = (image for image in repository.images if digest_of(image) not in deleted)
    return {
        child.digest: index.digest for index in filter(None, map(read_manifest, staying)) for child in index.children
    }
