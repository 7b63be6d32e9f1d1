"""Builds OCI images from layers: the same input always gives the same bytes.

Source: OCI image format specification 1.1.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import struct
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..images.blobs import Blob, make_blob
from ..images.manifests import (
    GZIP_MAGIC,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    sha256,
)

DEFAULT_PLATFORM = "linux/amd64"
_BLOCK = 0xFFFF
_PLATFORM = re.compile(r"[a-z0-9_]+/[a-z0-9_]+(?:/[a-z0-9_.]+)?")


@dataclass(frozen=True)
class UpstreamImage:
    """An image that an upstream registry holds."""

    manifest: bytes
    """The bytes of the manifest, or of the index of an image with platforms."""

    media_type: str
    _layers: tuple[Blob, ...] = field(repr=False)

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


def default_layer(repository: str, tag: str | None, platform: str) -> bytes:
    """Return a layer with one small file, the same bytes each time, and different bytes for each image."""
    text = f"{repository}:{tag or ''} {platform}\n".encode()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        member = tarfile.TarInfo("image.txt")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    return _gzip(archive.getvalue())


def build_image(layers: Sequence[bytes], platform: str, subject: Descriptor | None = None) -> BuiltImage:
    """Return the OCI image that consists of these layers."""
    os, architecture, *variant = platform.split("/")
    config = _json(
        {
            "architecture": architecture,
            "os": os,
            **({"variant": variant[0]} if variant else {}),
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [sha256(_uncompressed(layer)) for layer in layers]},
        }
    )
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _describe(config, OCI_CONFIG),
        "layers": [_describe(layer, _layer_type(layer)) for layer in layers],
    }
    if subject:
        document["subject"] = {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size}
    return BuiltImage(
        Manifest(_json(document), OCI_MANIFEST),
        tuple(layers),
        {sha256(content): content for content in (config, *layers)},
    )


def build_index(children: Mapping[str, BuiltImage], subject: Descriptor | None = None) -> BuiltImage:
    """Return the OCI index of images, given by their platforms."""
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [
            {**_describe(child.manifest.content, child.manifest.media_type), "platform": _platform(platform)}
            for platform, child in children.items()
        ],
    }
    if subject:
        document["subject"] = {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size}
    return BuiltImage(Manifest(_json(document), OCI_INDEX), (), {}, tuple(children.values()))


def check_layers(layers: Sequence[bytes]) -> None:
    """Check that layers are a sequence of bytes.

    :raises ValueError: they are not
    """
    if not isinstance(layers, Sequence) or not all(isinstance(layer, bytes) for layer in layers):
        raise ValueError("layers must be a list of bytes")


def check_platforms(platforms: Sequence[str]) -> None:
    """Check platforms: one or more, each ``os/architecture`` or ``os/architecture/variant``, none twice.

    :raises ValueError: they are not
    """
    if not isinstance(platforms, Sequence) or isinstance(platforms, str) or not platforms:
        raise ValueError("platforms must be a list of platforms such as 'linux/amd64'")
    for platform in platforms:
        if not isinstance(platform, str) or not _PLATFORM.fullmatch(platform):
            raise ValueError(f"{platform!r} is not a platform such as 'linux/amd64' or 'linux/arm/v7'")
    if len(set(platforms)) < len(platforms):
        raise ValueError("a platform is given twice")


def _platform(platform: str) -> dict[str, str]:
    return dict(zip(("os", "architecture", "variant"), platform.split("/")))


def _layer_type(layer: bytes) -> str:
    return OCI_LAYER_GZIP if layer.startswith(GZIP_MAGIC) else OCI_LAYER


def _gzip(content: bytes) -> bytes:
    """Return a gzip stream that is not compressed: otherwise its bytes would depend on the machine's zlib.

    Some image clients compress what is no gzip stream, and so change the image's digest.

    Source: RFC 1951, "Non-compressed blocks"; RFC 1952.
    """
    stream = bytearray(b"\x1f\x8b\x08\0\0\0\0\0\0\xff")
    for start in range(0, len(content), _BLOCK):
        block = content[start : start + _BLOCK]
        is_last = start + _BLOCK >= len(content)
        stream += struct.pack("<BHH", is_last, len(block), len(block) ^ _BLOCK) + block
    return bytes(stream + struct.pack("<II", zlib.crc32(content), len(content)))


def _uncompressed(layer: bytes) -> bytes:
    if layer.startswith(GZIP_MAGIC):
        try:
            return gzip.decompress(layer)
        except (OSError, EOFError, zlib.error):
            pass  # it only begins like gzip
    return layer


def _describe(content: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": sha256(content), "size": len(content)}


def _json(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
