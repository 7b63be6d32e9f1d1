"""Pushes of images by the registry endpoint, with the checks of ECR's PutImage.

moto's PutImage makes none of them. Source: API reference, PutImage.
"""

from __future__ import annotations

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import RepositoryNotFoundException
from moto.ecr.models import ECRBackend, Image, Repository

from .exceptions import (
    INVALID_JSON,
    ImageTagAlreadyExistsException,
    InvalidImageManifest,
    ReferencedImagesNotFoundException,
    RequiredLayersNotFound,
)
from .layers import Layers
from .manifests import Descriptor, InvalidManifest, Manifest
from .stored_images import (
    StoredImage,
    digest_of,
    find_by_tag,
    image_size,
    is_immutable,
    move_tag,
    read_manifest,
)


def push(repository: Repository, layers: Layers, tag: str | None, manifest: Manifest) -> Image:
    """Store an image in a repository and return it. An image that has the tag already loses it.

    :param tag: None stores the image without a tag
    :raises InvalidParameterException: the manifest is malformed, or has no layers
    :raises RequiredLayersNotFound: the repository lacks a layer or the configuration
    :raises ReferencedImagesNotFoundException: the repository lacks an image of an index
    :raises ImageTagAlreadyExistsException: the tag is immutable
    """
    try:
        manifest.check()
    except InvalidManifest as fault:
        raise InvalidImageManifest(str(fault)) from None
    if not manifest.is_index and not manifest.layers:
        raise InvalidImageManifest("an image manifest without layers")
    _check_references(repository, layers, manifest)
    if tag and find_by_tag(repository, tag) and is_immutable(repository, tag):
        raise ImageTagAlreadyExistsException(repository, tag)
    image = _find(repository, manifest)
    if image is None:
        others = filter(None, map(read_manifest, repository.images)) if manifest.is_index else ()
        held = {other.digest: other for other in others}
        image = StoredImage(repository, manifest, image_size(manifest, held))
        repository.images.append(image)
    layers.mark_used(repository, [blob.digest for blob in manifest.blobs])
    if tag:
        move_tag(repository, tag, image)
    return image


def refusal_of_put(error: Exception, backend: ECRBackend, repository_name: str) -> Exception:
    """Return the refusal of a PutImage that fails: moto's own exceptions for some mistakes are of no kind."""
    if isinstance(error, ServiceException):
        return error
    if repository_name not in backend.repositories:
        return RepositoryNotFoundException(repository_name, backend.account_id)
    return InvalidImageManifest(INVALID_JSON)


def _check_references(repository: Repository, layers: Layers, manifest: Manifest) -> None:
    needed = dict.fromkeys(blob.digest for blob in manifest.blobs if not _is_kept_elsewhere(blob))
    missing = layers.find_missing(repository, needed)
    if missing:
        raise RequiredLayersNotFound(repository, missing)
    held = {digest_of(image) for image in repository.images} if manifest.children else set()
    missing = [digest for digest in dict.fromkeys(child.digest for child in manifest.children) if digest not in held]
    if missing:
        raise ReferencedImagesNotFoundException(repository, missing)


def _is_kept_elsewhere(layer: Descriptor) -> bool:
    """Return whether a layer is one that must not be distributed, and so is never pushed."""
    return ".foreign." in layer.media_type or ".nondistributable." in layer.media_type


def _find(repository: Repository, manifest: Manifest) -> Image | None:
    content = manifest.content.decode()
    return next(
        (
            image
            for image in repository.images
            if image.image_manifest == content and digest_of(image) == manifest.digest
        ),
        None,
    )
