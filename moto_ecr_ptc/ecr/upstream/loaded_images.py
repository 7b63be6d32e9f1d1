"""The images that a directory or an archive has, in whichever format, and how its files are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import IO

from ..images.blobs import PIECE, Blob, BlobWriter
from ..images.manifests import MAX_MANIFEST_SIZE, Manifest, is_tag
from ..wording import listed
from .built_images import UpstreamImage

OpenFile = Callable[[str], IO[bytes]]
"""Opens a file of a directory or an archive by its name. Raises KeyError or OSError if there is none."""


@dataclass
class LoadedImages:
    """The images of a directory or an archive."""

    index: bytes = b""
    """The bytes of the index.json of an OCI image layout."""

    roots: list[str] = field(default_factory=list)
    """The digests of the images that it names: not those of their children."""

    manifests: dict[str, Manifest] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    """The digest of each tag's manifest."""

    blobs: dict[str, Blob] = field(default_factory=dict)

    @property
    def tagged_images(self) -> tuple[UpstreamImage, ...]:
        """The images that have a tag, in the order of their tags."""
        manifests = [self.manifests[digest] for digest in self.tags.values()]
        return tuple(
            UpstreamImage(
                manifest.content, manifest.media_type, tuple(self.blobs[layer.digest] for layer in manifest.layers)
            )
            for manifest in manifests
        )

    def tagged(self, tag: str) -> LoadedImages:
        """Return the same with a tag for its only image, which has none.

        :raises ValueError: there are more images, or it has a tag
        """
        if self.tags:
            raise ValueError(
                f"A tag is for an image that has none, but there are images with these: {listed(self.tags)}"
            )
        if len(self.roots) != 1:
            raise ValueError(f"A tag is for a single image, but there are these: {listed(self.roots)}")
        return replace(self, tags={tag: self.roots[0]})


def read_document(open_file: OpenFile, name: str) -> bytes:
    """Return the content of a file that is JSON.

    :raises ValueError: it is larger than any manifest
    """
    with open_file(name) as file:
        content = file.read(MAX_MANIFEST_SIZE + 1)
    if len(content) > MAX_MANIFEST_SIZE:
        raise ValueError(f"The file '{name}' is larger than {MAX_MANIFEST_SIZE} bytes, which no manifest may be")
    return content


def read_into(writer: BlobWriter, open_file: OpenFile, name: str) -> None:
    """Add the content of a file to a blob."""
    with open_file(name) as file:
        for piece in iter(lambda: file.read(PIECE), b""):
            writer.write(piece)


def tag_in(name: str) -> str | None:
    """Return the tag that a name ends in: some tools write only the tag, others the whole reference.

    The digest of a reference that has one is no tag.
    """
    tag = name.partition("@")[0].rpartition(":")[2]
    return tag if is_tag(tag) else None
