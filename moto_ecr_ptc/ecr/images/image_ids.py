"""Image identifiers in requests, and the images that they name.

Source: API reference, ImageIdentifier and ImageFailure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from moto.ecr.models import Image, Repository

from ..wording import listed
from .manifests import is_tag
from .stored_images import digest_of, find_by_digest, find_by_tag, read_manifest
from .translation import translate


class Failure(NamedTuple):
    """Why an image is not returned: a value of ECR's ``ImageFailureCode``, and the ``failureReason``."""

    code: str
    reason: str
    explanation: str = ""
    """What a user needs to know beyond the reason, as a clause for the pull log."""


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
PULLED_BY_TAG = "Amazon ECR pulls an image by its tag alone, never by a digest"
TAG_DOES_NOT_MATCH = Failure("ImageTagDoesNotMatchDigest", "The tag does not name the image with this digest")


def find_fault(image_id: Mapping[str, str]) -> Failure | None:
    """Return the failure of a malformed image identifier; None if it is well-formed."""
    if not image_id:
        return MISSING_DIGEST_AND_TAG
    if "imageDigest" in image_id and not re.fullmatch("[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+", image_id["imageDigest"]):
        return INVALID_DIGEST
    if "imageTag" in image_id and not is_tag(image_id["imageTag"]):
        return INVALID_TAG
    return None


def tags_to_pull(image_ids: Iterable[Mapping[str, str]]) -> list[str]:
    """Return the tags that may have to be pulled, each once.

    They are those of well-formed identifiers without a digest: ECR pulls nothing for an identifier with one.
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
    """Return the image that an identifier names, or the failure.

    :param repository: None if it does not exist
    :param failures: those of the pulls, by tag
    """
    tag, digest = image_id.get("imageTag"), image_id.get("imageDigest")
    fault = find_fault(image_id)
    if fault:
        return fault
    image = None if repository is None else _look_up(repository, image_id)
    found = image and digest_of(image)
    if image is None or found is None:
        return failures.get(tag or "", _missing(image_id))
    if digest and found != digest:
        return TAG_DOES_NOT_MATCH._replace(explanation=f"the tag names the image {found} here")
    return image


def _look_up(repository: Repository, image_id: Mapping[str, str]) -> Image | None:
    if "imageTag" in image_id:
        return find_by_tag(repository, image_id["imageTag"])
    return find_by_digest(repository, image_id["imageDigest"])


def _missing(image_id: Mapping[str, str]) -> Failure:
    if "imageDigest" not in image_id:
        return MISSING
    return MISSING._replace(explanation=f"the repository does not have it, and {PULLED_BY_TAG}")


class ReturnedManifest(NamedTuple):
    """An image's manifest as it is returned: stored or translated."""

    content: str
    media_type: str | None
    digest: str


def find_accepted(
    image: Image, image_id: Mapping[str, str], accepted_media_types: Sequence[str] | None
) -> ReturnedManifest | Failure:
    """Return an image's manifest in an accepted media type: as it is stored, or else translated.

    An image that is requested by digest is never translated, since its digest would change.

    :param accepted_media_types: None accepts all
    """
    if accepted_media_types is None or image.image_manifest_media_type in accepted_media_types:
        return ReturnedManifest(image.image_manifest, image.image_manifest_media_type, image.get_image_digest())
    manifest = None if "imageDigest" in image_id else read_manifest(image)
    translated = manifest and translate(manifest, accepted_media_types)
    if not translated:
        obstacle = (
            "an image that is asked for by its digest is never translated"
            if "imageDigest" in image_id
            else "it cannot be translated into one that is"
        )
        return MISSING._replace(
            explanation=f"the repository has it with the media type '{image.image_manifest_media_type}', which is not "
            f"among the accepted ones ({listed(accepted_media_types)}), and {obstacle}"
        )
    return ReturnedManifest(translated.content.decode(), translated.media_type, translated.digest)
