"""OCI image layouts, in which tools store images.

Source: OCI image format specification 1.1, "OCI Image Layout Specification".
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

from ..images.blobs import Blob, BlobWriter
from ..images.manifests import OCI_INDEX, Descriptor, InvalidManifest, Manifest, has_digest
from .loaded_images import LoadedImages, OpenFile, read_document, read_into, tag_in

INDEX = "index.json"
"""The file that lists the images."""

_REF_NAME = "org.opencontainers.image.ref.name"

_MAX_NESTING = 8
"""How deeply indexes may be nested in a layout: tools create one level, rarely two."""


def read_layout(open_file: OpenFile) -> LoadedImages:
    """Read the images of a layout.

    :raises ValueError: it is malformed
    :raises KeyError: it lacks a file
    """
    index = _parse_index(read_document(open_file, INDEX))
    images = LoadedImages(index.content)
    for entry, child in zip(index.document["manifests"], index.children):
        _add(images, open_file, child, _MAX_NESTING)
        if child.digest not in images.roots:
            images.roots.append(child.digest)
        tag = _tag(entry)
        if tag is not None:
            images.tags[tag] = child.digest
    return images


def blob_name(digest: str) -> str:
    """Return the name of the file with this digest."""
    return f"blobs/{digest.replace(':', '/')}"


def _parse_index(content: bytes) -> Manifest:
    index = Manifest(content, OCI_INDEX)
    try:
        _ = index.children
    except InvalidManifest as error:
        raise ValueError(f"The index.json of the OCI image layout is {error}") from None
    return index


def _add(images: LoadedImages, open_file: OpenFile, descriptor: Descriptor, nesting: int) -> None:
    if descriptor.digest in images.manifests:
        return
    if nesting < 0:
        raise ValueError(f"The OCI image layout has indexes more than {_MAX_NESTING} deep in one another")
    content = read_document(open_file, blob_name(descriptor.digest))
    _check(descriptor, has_digest(content, descriptor.digest), len(content))
    manifest = Manifest(content, descriptor.media_type, descriptor.digest)
    try:
        manifest.check()
    except InvalidManifest as error:
        raise ValueError(f"The OCI image layout has {error}") from None
    for child in manifest.children:
        _add(images, open_file, child, nesting - 1)
    for blob in manifest.blobs:
        images.blobs[blob.digest] = _read_blob(open_file, blob)
    images.manifests[descriptor.digest] = manifest


def _read_blob(open_file: OpenFile, descriptor: Descriptor) -> Blob:
    with closing(BlobWriter(descriptor.digest.partition(":")[0])) as writer:
        read_into(writer, open_file, blob_name(descriptor.digest))
        _check(descriptor, writer.has_digest(descriptor.digest), writer.size)
        return writer.finish()


def _check(descriptor: Descriptor, has_its_digest: bool, size: int) -> None:
    if not has_its_digest:
        raise ValueError(f"The OCI image layout has other bytes under the digest {descriptor.digest}")
    if size != descriptor.size:
        raise ValueError(f"The OCI image layout has another size than that of the digest {descriptor.digest}")


def _tag(entry: Any) -> str | None:
    annotations = entry.get("annotations")
    name = annotations.get(_REF_NAME) if isinstance(annotations, dict) else None
    if not isinstance(name, str):
        return None
    tag = tag_in(name)
    if tag is None and "@" not in name:
        raise ValueError(f"The OCI image layout has an image with the name '{name}', which ends in no tag")
    return tag
