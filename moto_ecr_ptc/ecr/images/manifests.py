"""Image manifests and indexes, and the descriptors in them.

Source: OCI image format specification 1.1; Docker's "Image Manifest Version 2, Schema 2".
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

INDEX_TYPES = frozenset({OCI_INDEX, DOCKER_LIST})
MEDIA_TYPES = (OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST)
"""The media types of the manifests that are stored. Docker's schema 1 is left out, since registries have dropped it."""

MAX_MANIFEST_SIZE = 4 * 1024 * 1024
"""The maximum length of ECR's shape ``ImageManifest``, which registries have to accept at least."""

MAX_LAYER_SIZE = 52_000 * 1024 * 1024
"""The greatest layer that ECR stores. Source: Amazon ECR user guide, service quotas."""

GZIP_MAGIC = b"\x1f\x8b"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_PLATFORM = re.compile(r"[a-z0-9_]+/[a-z0-9_]+(?:/[a-z0-9_.]+)?")
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


class InvalidManifest(ValueError):
    """Content that is not a valid image manifest or index."""


class Descriptor(NamedTuple):
    """A reference from a manifest to other content (OCI descriptor)."""

    media_type: str
    digest: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """A manifest or an index, as the exact bytes that its digest is computed from."""

    content: bytes
    media_type: str
    digest: str = ""
    """The digest by which the registry names the manifest; by default the sha256 of ``content``."""

    def __post_init__(self) -> None:
        if not self.digest:
            object.__setattr__(self, "digest", sha256(self.content))

    @cached_property
    def document(self) -> dict[str, Any]:
        """The manifest's JSON object.

        :raises InvalidManifest: the content is not a JSON object
        """
        try:
            document = json.loads(self.content.decode())
        except (ValueError, RecursionError):
            raise InvalidManifest("a manifest that is not JSON") from None
        if not isinstance(document, dict):
            raise InvalidManifest("a manifest that is not a JSON object")
        return document

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEX_TYPES

    @cached_property
    def children(self) -> tuple[Descriptor, ...]:
        """The manifests of an index."""
        return tuple(_descriptors(self.document, "manifests")) if self.is_index else ()

    @cached_property
    def layers(self) -> tuple[Descriptor, ...]:
        return () if self.is_index else tuple(_descriptors(self.document, "layers"))

    @cached_property
    def blobs(self) -> tuple[Descriptor, ...]:
        """The configuration and the layers of an image."""
        if self.is_index or "config" not in self.document:
            return self.layers
        return (_descriptor(self.document["config"]), *self.layers)

    @cached_property
    def subject(self) -> str | None:
        """The digest of the manifest that this one refers to (OCI 1.1)."""
        return _descriptor(self.document["subject"]).digest if self.document.get("subject") else None

    @cached_property
    def artifact_type(self) -> str | None:
        """The type of the artifact: ``artifactType``, or else the media type of the configuration."""
        declared = self.document.get("artifactType")
        if isinstance(declared, str) and declared:
            return declared
        return self.blobs[0].media_type if "config" in self.document and not self.is_index else None

    @property
    def annotations(self) -> dict[str, str]:
        annotations = self.document.get("annotations")
        if not isinstance(annotations, dict):
            return {}
        return {name: value for name, value in annotations.items() if isinstance(value, str)}

    def check(self) -> None:
        """Check that ECR can store the manifest, and that its descriptors are well-formed.

        :raises InvalidManifest: it is not
        """
        if self.media_type not in MEDIA_TYPES:
            raise InvalidManifest(f"a manifest of the media type '{self.media_type}'")
        if not self.is_index and "layers" not in self.document:
            raise InvalidManifest("an image manifest without layers")
        _ = (self.children, self.blobs, self.subject)


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def has_digest(content: bytes, digest: str) -> bool:
    """Return whether ``digest`` is that of ``content``."""
    algorithm, _, _ = digest.partition(":")
    return is_digest(digest) and digest == f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def is_digest(reference: str) -> bool:
    return bool(_DIGEST.fullmatch(reference))


def is_repository(name: object) -> bool:
    return isinstance(name, str) and bool(_REPOSITORY.fullmatch(name))


def is_tag(tag: object) -> bool:
    return isinstance(tag, str) and bool(_TAG.fullmatch(tag))


def _descriptors(document: dict[str, Any], member: str) -> Iterator[Descriptor]:
    items = document.get(member)
    if not isinstance(items, list):
        raise InvalidManifest(f"a manifest whose '{member}' is not an array")
    yield from map(_descriptor, items)


def _descriptor(item: Any) -> Descriptor:
    if (
        not isinstance(item, dict)
        or not isinstance(item.get("mediaType"), str)
        or not isinstance(item.get("digest"), str)
        or not is_digest(item["digest"])
        or type(item.get("size")) is not int
        or item["size"] < 0
    ):
        raise InvalidManifest("a manifest with a malformed descriptor")
    return Descriptor(item["mediaType"], item["digest"], item["size"])
