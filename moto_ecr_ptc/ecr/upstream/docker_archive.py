"""Docker archives, as ``docker save`` and ``skopeo copy … docker-archive:`` write them.

The images in them have no manifests. They are given those of Docker's format, in which the layers stay as they are.

Source: Docker image specification 1.2, "Combined Image JSON + Filesystem Changeset Format".
"""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

from ..images.blobs import Blob, BlobWriter, make_blob
from ..images.manifests import DOCKER_CONFIG, DOCKER_LAYER, DOCKER_LAYER_GZIP, DOCKER_MANIFEST, GZIP_MAGIC, Manifest
from .loaded_images import LoadedImages, OpenFile, read_document, read_into, tag_in

MANIFEST = "manifest.json"
"""The file that lists the images."""


def read_docker_archive(open_file: OpenFile) -> LoadedImages:
    """Read the images of an archive.

    :raises ValueError: it is malformed
    :raises KeyError: it lacks a file
    """
    images = LoadedImages()
    for entry in _entries(read_document(open_file, MANIFEST)):
        manifest = _read_image(images, open_file, entry)
        if manifest.digest not in images.manifests:
            images.roots.append(manifest.digest)
        images.manifests[manifest.digest] = manifest
        for name in entry["RepoTags"] or ():
            tag = tag_in(name)
            if tag is None:
                raise ValueError(f"The docker archive has an image with the name '{name}', which ends in no tag")
            if images.tags.setdefault(tag, manifest.digest) != manifest.digest:
                raise ValueError(f"The docker archive has several images with the tag '{tag}', of other repositories")
    return images


def _entries(content: bytes) -> list[dict[str, Any]]:
    try:
        entries = json.loads(content.decode())
    except (ValueError, RecursionError):
        raise ValueError(f"The {MANIFEST} of the docker archive is not JSON") from None
    if not isinstance(entries, list) or not all(map(_is_entry, entries)):
        raise ValueError(f"The {MANIFEST} of the docker archive is not a list of images")
    return [{"RepoTags": None, **entry} for entry in entries]


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("Config"), str)
        and _is_texts(entry.get("Layers"))
        and (entry.get("RepoTags") is None or _is_texts(entry["RepoTags"]))
    )


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _read_image(images: LoadedImages, open_file: OpenFile, entry: dict[str, Any]) -> Manifest:
    """Read the blobs of an image, and return the manifest that names them."""
    config = read_document(open_file, entry["Config"])
    diff_ids = _diff_ids(config)
    if len(diff_ids) != len(entry["Layers"]):
        raise ValueError("The docker archive has an image with another number of layers than its configuration has")
    blobs = [_read_layer(open_file, name, diff_id) for name, diff_id in zip(entry["Layers"], diff_ids)]
    held_config = make_blob(config)
    images.blobs.update({blob.digest: blob for blob in (held_config, *blobs)})
    document = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": _describe(held_config, DOCKER_CONFIG),
        "layers": [_describe(blob, DOCKER_LAYER_GZIP if _is_compressed(blob) else DOCKER_LAYER) for blob in blobs],
    }
    return Manifest(json.dumps(document, separators=(",", ":")).encode(), DOCKER_MANIFEST)


def _diff_ids(config: bytes) -> list[Any]:
    try:
        diff_ids = json.loads(config.decode())["rootfs"]["diff_ids"]
    except (ValueError, RecursionError, KeyError, TypeError):
        diff_ids = None
    if not isinstance(diff_ids, list):
        raise ValueError("The docker archive has a configuration without the digests of its layers")
    return diff_ids


def _read_layer(open_file: OpenFile, name: str, diff_id: Any) -> Blob:
    with closing(BlobWriter()) as writer:
        read_into(writer, open_file, name)
        blob = writer.finish()
    # Some tools compress the layers in it, and the configuration has the digest of what is in them.
    if blob.digest != diff_id and not _is_compressed(blob):
        raise ValueError(f"The docker archive has other bytes in '{name}' than those with the digest {diff_id}")
    return blob


def _is_compressed(blob: Blob) -> bool:
    return b"".join(blob.pieces_between(0, len(GZIP_MAGIC))) == GZIP_MAGIC


def _describe(blob: Blob, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "size": blob.size, "digest": blob.digest}
