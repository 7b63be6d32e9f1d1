"""Translation of manifests between Docker's and OCI's format, for clients that accept only one of them.

Source: Amazon ECR user guide, "Container image manifest format support in Amazon ECR".
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from .manifests import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
    Manifest,
)

_TO_OCI = {
    DOCKER_CONFIG: OCI_CONFIG,
    DOCKER_LAYER: OCI_LAYER,
    DOCKER_LAYER_GZIP: OCI_LAYER_GZIP,
    DOCKER_LIST: OCI_INDEX,
    DOCKER_MANIFEST: OCI_MANIFEST,
    "application/vnd.docker.image.rootfs.foreign.diff.tar": "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip": (
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    ),
}
_TO_DOCKER = {oci: docker for docker, oci in _TO_OCI.items()}


def translate(manifest: Manifest, accepted_media_types: Collection[str]) -> Manifest | None:
    """Return a manifest translated into an accepted media type; None if that is not possible.

    The media types of the manifest, its configuration and its layers change; of an index only its own, since its
    children keep their digests. Docker's format cannot express artifacts, subjects and other compressions of layers.
    """
    names = _TO_OCI if manifest.media_type in _TO_OCI else _TO_DOCKER
    media_type = names.get(manifest.media_type)
    if media_type not in accepted_media_types:
        return None
    assert media_type is not None  # None is not accepted
    if names is _TO_DOCKER and ("subject" in manifest.document or "artifactType" in manifest.document):
        return None
    document: dict[str, Any] = {**manifest.document, "mediaType": media_type}
    if not manifest.is_index:
        if not all(blob.media_type in names for blob in manifest.blobs):
            return None
        document["layers"] = [_renamed(layer, names) for layer in document["layers"]]
        if "config" in document:
            document["config"] = _renamed(document["config"], names)
    return Manifest(json.dumps(document, separators=(",", ":")).encode(), media_type)


def _renamed(descriptor: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {**descriptor, "mediaType": names[descriptor["mediaType"]]}
