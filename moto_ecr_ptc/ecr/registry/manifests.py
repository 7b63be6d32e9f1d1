"""Manifests at the registry endpoint: pulled, pushed and deleted.

Source: observed answers of Amazon ECR; OCI distribution specification 1.1, "Pull", "Push", "Content Management".
"""

from __future__ import annotations

import re

from ..images.exceptions import INVALID_JSON, ImageDigestDoesNotMatchException, InvalidImageManifest, InvalidImageTag
from ..images.image_ids import Failure, find_fault
from ..images.manifests import (
    MAX_MANIFEST_SIZE,
    MEDIA_TYPES,
    InvalidManifest,
    Manifest,
    is_tag,
)
from ..pulls.pull_log import Question
from ..pulls.refusals import record_refusal
from .auth import Access
from .errors import image_refusal
from .messages import Answer, Request
from .paths import Path
from .repositories import check_target, target

_REFUSED = re.compile(r";\s*q=0(?:\.0*)?\s*(?:;|$)", re.IGNORECASE)
"""A media range with the weight 0."""

_MEDIA_TYPE = re.compile("[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")
"""Source: RFC 6838, "Naming Requirements"."""

_WILDCARDS = frozenset({"*/*", "application/*"})


def get(request: Request, path: Path, access: Access) -> Answer:
    """Return a manifest, pulled through the cache if that is due. (BatchGetImage)"""
    access.require("ecr:BatchGetImage", path.name)
    image_id = _image_id(path.reference)
    fault = find_fault(image_id)
    if fault:
        question = Question("BatchGetImage", access.backend.registry, access.arn, path.name)
        record_refusal(question, [path.reference], fault.code, fault.reason, access.backend.upstream_repositories)
        raise image_refusal(fault)
    images, failures = access.backend.image_pulls.get_images(
        repository_name=path.name,
        image_ids=[image_id],
        accepted_media_types=_accepted_media_types(request.headers.get("accept", "")),
        caller=access.caller,
        asked_by=access.arn,
    )
    for failure in failures:
        raise image_refusal(Failure(failure["failureCode"], failure["failureReason"]))
    image = images[0]
    content = image["imageManifest"].encode(errors="surrogatepass")
    headers = {"Content-Type": _content_type(image["imageManifestMediaType"]), "Sizes": ""}
    if request.method == "HEAD":  # ECR tells the digest of a HEAD only
        headers["Docker-Content-Digest"] = image["imageId"]["imageDigest"]
    return Answer(200, headers, content)


def put(request: Request, path: Path, access: Access) -> Answer:
    """Store a manifest, and create its repository if a template says so. (PutImage)"""
    check_target(access, path.name, "ecr:PutImage")
    content = request.read_body(MAX_MANIFEST_SIZE)
    if content is None:
        raise InvalidImageManifest(f"Member must have length less than or equal to {MAX_MANIFEST_SIZE}")
    manifest = _read_manifest(content, request.headers.get("content-type", ""))
    # Meanwhile the repository or the permission may be gone.
    with target(access, path.name, "ecr:PutImage") as repository:
        tag = None if ":" in path.reference else path.reference
        if tag is None and path.reference != manifest.digest:
            raise ImageDigestDoesNotMatchException(repository, path.reference)
        if tag is not None and not is_tag(tag):
            raise InvalidImageTag
        access.backend.push_image(repository, tag, manifest)
    headers = {"Docker-Content-Digest": manifest.digest}
    if manifest.subject:
        headers["OCI-Subject"] = manifest.subject
    return Answer(201, headers)


def delete(request: Request, path: Path, access: Access) -> Answer:
    """Delete a tag, and its image with the last one; or an image with all its tags. (BatchDeleteImage)"""
    access.require("ecr:BatchDeleteImage", path.name)
    image_id = _image_id(path.reference)
    fault = find_fault(image_id)
    if fault:
        raise image_refusal(fault)
    for failure in access.backend.batch_delete_image(path.name, None, [image_id])["failures"]:
        raise image_refusal(Failure(failure["failureCode"], failure["failureReason"]))
    return Answer(202)


def _image_id(reference: str) -> dict[str, str]:
    return {"imageDigest" if ":" in reference else "imageTag": reference}


def _content_type(stored: object) -> str:
    """Return the media type of a stored manifest, as a header can have it: moto's PutImage takes any."""
    return stored if isinstance(stored, str) and _MEDIA_TYPE.fullmatch(stored) else "application/json"


def _accepted_media_types(accept: str) -> list[str] | None:
    """Return the media types in an Accept header; None if it accepts all."""
    accepted: list[str] = []
    refused: set[str] = set()
    for media_range in accept.split(",") if accept.strip() else ["*/*"]:
        media_type = media_range.partition(";")[0].strip().lower()
        if _REFUSED.search(media_range):
            refused.add(media_type)
        else:
            accepted.append(media_type)
    if not _WILDCARDS.isdisjoint(accepted):
        if not refused:
            return None
        accepted = [media_type for media_type in MEDIA_TYPES if media_type not in refused]
    return accepted


def _read_manifest(content: bytes, content_type: str) -> Manifest:
    """Return a manifest that a client sends.

    :raises InvalidImageManifest: not JSON, or a media type with parameters or other than that in the manifest
    """
    manifest = Manifest(content, content_type)
    try:
        declared = manifest.document.get("mediaType")
    except InvalidManifest:
        raise InvalidImageManifest(INVALID_JSON) from None
    if ";" in content_type:
        raise InvalidImageManifest(INVALID_JSON)
    if declared is not None and declared != (content_type or declared):
        raise InvalidImageManifest("a manifest whose 'mediaType' is not the Content-Type of the request")
    return manifest if content_type or not isinstance(declared, str) else Manifest(content, declared)
