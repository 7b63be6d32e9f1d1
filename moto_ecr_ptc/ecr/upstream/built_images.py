"""Builds images from layers, in OCI's and in Docker's format: the same input always gives the same bytes.

Source: OCI image format specification 1.1; Docker's "Image Manifest Version 2, Schema 2".
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from ..images.blobs import Blob, make_blob
from ..images.manifests import (
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
    Descriptor,
    Manifest,
    sha256,
)
from .file_layers import compress, is_compressed, uncompressed_digest

DEFAULT_PLATFORM = "linux/amd64"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
EMPTY_CONTENT = b"{}"
"""What stands where a format demands something and an artifact has nothing."""

_PLATFORM = re.compile(r"[a-z0-9_]+/[a-z0-9_]+(?:/[a-z0-9_.]+)?")


class _MediaTypes(NamedTuple):
    manifest: str
    index_manifest: str
    config: str
    layer: str
    compressed_layer: str


_MEDIA_TYPES = {
    "oci": _MediaTypes(OCI_MANIFEST, OCI_INDEX, OCI_CONFIG, OCI_LAYER, OCI_LAYER_GZIP),
    "docker": _MediaTypes(DOCKER_MANIFEST, DOCKER_LIST, DOCKER_CONFIG, DOCKER_LAYER, DOCKER_LAYER_GZIP),
}


@dataclass(frozen=True)
class UpstreamImage:
    """An image that an upstream registry holds."""

    manifest: bytes
    """The bytes of the manifest, or of the index of an image with platforms."""

    media_type: str
    """The media type of the manifest, or of the index."""

    _layers: tuple[Blob, ...] = field(repr=False, compare=False)
    """The manifest has their digests: images with the same one are equal."""

    @property
    def layers(self) -> tuple[bytes, ...]:
        """The bytes of the layers. An index has none of its own."""
        return tuple(layer.read() for layer in self._layers)

    @property
    def digest(self) -> str:
        """The sha256 of the manifest's bytes, as ``sha256:<hex>``."""
        return sha256(self.manifest)


class BuiltImage(NamedTuple):
    """An image with its layers and blobs; an index with its children."""

    manifest: Manifest
    layers: tuple[bytes, ...]
    blobs: Mapping[str, bytes]
    children: tuple[BuiltImage, ...] = ()

    @property
    def as_upstream_image(self) -> UpstreamImage:
        """The image as an upstream registry holds it."""
        layers = tuple(make_blob(layer) for layer in self.layers)
        return UpstreamImage(self.manifest.content, self.manifest.media_type, layers)


class Details(NamedTuple):
    """What an image has besides its layers. The members are those of the public ``push``."""

    media_type: Literal["oci", "docker"] = "oci"
    config: Mapping[str, Any] | None = None
    annotations: Mapping[str, str] | None = None
    artifact_type: str | None = None


_NO_DETAILS = Details()


def default_archive(repository: str, tag: str | None, platform: str) -> bytes:
    """Return an archive with one small file, the same bytes each time, and different bytes for each image."""
    text = f"{repository}:{tag or ''} {platform}\n".encode()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        member = tarfile.TarInfo("image.txt")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    return archive.getvalue()


def build_default_image(repository: str, tag: str) -> BuiltImage:
    """Return the small image that stands for one that nobody described."""
    return build_image([compress(default_archive(repository, tag, DEFAULT_PLATFORM))], DEFAULT_PLATFORM)


def build_image(
    layers: Sequence[bytes], platform: str, subject: Descriptor | None = None, details: Details = _NO_DETAILS
) -> BuiltImage:
    """Return the image, or the artifact, that consists of these layers."""
    types = _MEDIA_TYPES[details.media_type]
    is_bare_artifact = details.artifact_type is not None and details.config is None
    config_type = EMPTY_TYPE if is_bare_artifact else types.config
    config = EMPTY_CONTENT if is_bare_artifact else _build_config(layers, platform, details.config or {})
    document = {
        "schemaVersion": 2,
        "mediaType": types.manifest,
        **_artifact_type(details),
        "config": _describe(config, config_type),
        "layers": [_describe(layer, _layer_type(layer, details)) for layer in layers],
        **_ending(subject, details),
    }
    return BuiltImage(
        Manifest(_json(document), types.manifest),
        tuple(layers),
        {sha256(content): content for content in (config, *layers)},
    )


def build_index(
    children: Mapping[str, BuiltImage], subject: Descriptor | None = None, details: Details = _NO_DETAILS
) -> BuiltImage:
    """Return the index of images, given by their platforms."""
    types = _MEDIA_TYPES[details.media_type]
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": types.index_manifest,
        **_artifact_type(details),
        "manifests": [
            {**_describe(child.manifest.content, child.manifest.media_type), "platform": _platform(platform)}
            for platform, child in children.items()
        ],
        **_ending(subject, details),
    }
    return BuiltImage(Manifest(_json(document), types.index_manifest), (), {}, tuple(children.values()))


def is_platform(platform: object) -> bool:
    """Return whether something is ``os/architecture`` or ``os/architecture/variant``."""
    return isinstance(platform, str) and bool(_PLATFORM.fullmatch(platform))


def _build_config(layers: Sequence[bytes], platform: str, config: Mapping[str, Any]) -> bytes:
    return _json(
        {
            **_platform(platform, order=("architecture", "os", "variant")),
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [uncompressed_digest(layer) for layer in layers]},
        }
    )


def _artifact_type(details: Details) -> dict[str, Any]:
    return {} if details.artifact_type is None else {"artifactType": details.artifact_type}


def _ending(subject: Descriptor | None, details: Details) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if subject:
        members["subject"] = {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size}
    if details.annotations:
        members["annotations"] = details.annotations
    return members


def _platform(platform: str, order: Sequence[str] = ("os", "architecture", "variant")) -> dict[str, str]:
    members = dict(zip(("os", "architecture", "variant"), platform.split("/")))
    return {name: members[name] for name in order if name in members}


def _layer_type(layer: bytes, details: Details) -> str:
    if details.artifact_type is not None and layer == EMPTY_CONTENT:
        return EMPTY_TYPE
    types = _MEDIA_TYPES[details.media_type]
    return types.compressed_layer if is_compressed(layer) else types.layer


def _describe(content: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": sha256(content), "size": len(content)}


def _json(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
