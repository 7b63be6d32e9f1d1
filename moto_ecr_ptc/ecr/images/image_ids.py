"""The identifiers of images in requests, and which image one names.

Source: API reference, ImageIdentifier and ImageFailure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from moto.ecr.models import Image, Repository

from .manifests import is_tag
from .stored_images import digest_of, find_by_digest, find_by_tag, read_manifest
from .translation import translate


class Failure(NamedTuple):
    """Why an image is not given: a member of ECR's enum ``ImageFailureCode``, and the reason in words."""

    code: str
    reason: str


MISSING = Failure("ImageNotFound", "Requested image not found")
MISSING_DIGEST_AND_TAG = Failure(
    "MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null"
)
INVALID_DIGEST = Failure(
    "InvalidImageDigest",
    "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
)
INVALID_TAG = Failure(
    "InvalidImageTag",
    "Invalid request parameters: image tag should satisfy the regex '[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}'",
)
TAG_DOES_NOT_MATCH = Failure("ImageTagDoesNotMatchDigest", "The tag does not name the image with this digest")


def find_fault(image_id: Mapping[str, str]) -> Failure | None:
    """Return what is wrong with an image's identifier by itself."""
    if not image_id:
        return MISSING_DIGEST_AND_TAG
    if "imageDigest" in image_id and not re.fullmatch("[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+", image_id["imageDigest"]):
        return INVALID_DIGEST
    if "imageTag" in image_id and not is_tag(image_id["imageTag"]):
        return INVALID_TAG
    return None


def tags_to_pull(image_ids: Iterable[Mapping[str, str]]) -> list[str]:
    """Return the tags that may have to be asked for at the upstream, each once.

    They are those that stand alone in well-formed identifiers: ECR pulls nothing for an identifier with a digest.
    """
    tags = (
        image_id["imageTag"] for image_id in image_ids if set(image_id) == {"imageTag"} and not find_fault(image_id)
    )
    return list(dict.fromkeys(tags))


def find_image(
    repository: Repository | None,
    image_id: Mapping[str, str],
    failures: Mapping[str, Failure],
) -> Image | Failure:
    """Return the image that an identifier names, or why there is none.

    :param repository: None if it does not exist
    :param failures: what went wrong at the upstream, by tag
    """
    tag, digest = image_id.get("imageTag"), image_id.get("imageDigest")
    fault = find_fault(image_id)
    if fault:
        return fault
    if repository is None:
        return failures.get(tag or "", MISSING)
    image = find_by_tag(repository, tag) if tag else find_by_digest(repository, digest or "")
    found = image and digest_of(image)
    if image is None or found is None:
        return failures.get(tag or "", MISSING)
    if digest and found != digest:
        return TAG_DOES_NOT_MATCH
    return image


class GivenManifest(NamedTuple):
    """An image's manifest in the form in which a request gets it."""

    content: str
    media_type: str | None
    digest: str


def find_accepted(
    image: Image, image_id: Mapping[str, str], accepted_media_types: Sequence[str] | None
) -> GivenManifest | Failure:
    """Return an image's manifest in a media type that is accepted: as it is stored, or else translated.

    What is asked for by its digest is never translated: it would have another one.

    :param accepted_media_types: None accepts all
    """
    if not accepted_media_types or image.image_manifest_media_type in accepted_media_types:
        return GivenManifest(image.image_manifest, image.image_manifest_media_type, image.get_image_digest())
    manifest = None if "imageDigest" in image_id else read_manifest(image)
    translated = manifest and translate(manifest, accepted_media_types)
    if not translated:
        return MISSING
    return GivenManifest(translated.content.decode(), translated.media_type, translated.digest)
