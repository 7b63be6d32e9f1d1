"""OCI image layouts: the directory, or the archive of it, in which tools keep images.

Source: OCI image format specification 1.1, "OCI Image Layout Specification".
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .images import GZIP_MAGIC, OCI_INDEX, Descriptor, InvalidManifest, Manifest, has_digest, is_tag

_INDEX = "index.json"
_REF_NAME = "org.opencontainers.image.ref.name"

_MAX_NESTING = 8
"""How deep indexes may lie within the index of a layout: tools make one level, rarely two."""


@dataclass
class Layout:
    """The images of a layout."""

    manifests: dict[str, Manifest] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    """The digest of each tag's manifest."""

    blobs: dict[str, bytes] = field(default_factory=dict)


def read_layout(path: str | os.PathLike[str]) -> Layout:
    """Read a directory, or a tar archive of one.

    :raises ValueError: there is none at this path, or it is malformed
    """
    path = Path(path)
    try:
        if path.is_dir():
            return _read(lambda name: (path / name).read_bytes())
        return read_archive(path.read_bytes())
    except OSError as error:
        raise ValueError(f"'{path}' is no OCI image layout: {error.strerror}: '{error.filename}'") from None


def read_archive(content: bytes) -> Layout:
    """Read a tar archive of a layout: plain, or compressed by gzip.

    :raises ValueError: it is malformed
    """
    try:
        if content.startswith(GZIP_MAGIC):
            content = gzip.decompress(content)
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            members = {member.name.removeprefix("./"): member for member in archive if member.isfile()}

            def read(name: str) -> bytes:
                file = archive.extractfile(members[name])
                assert file is not None  # it is a file
                return file.read()

            return _read(read)
    except KeyError as missing:
        raise ValueError(f"The OCI image layout lacks the file {missing}") from None
    except (tarfile.TarError, EOFError, OSError, OverflowError, RecursionError, zlib.error):
        raise ValueError("The OCI image layout is not a tar archive") from None


def pack_layout(path: str | os.PathLike[str]) -> bytes:
    """Return a layout as a tar archive, to be sent to a server.

    :raises ValueError: as ``read_layout``
    """
    path = Path(path)
    layout = read_layout(path)
    if path.is_file():
        return path.read_bytes()
    manifests = {manifest.digest: manifest.content for manifest in layout.manifests.values()}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        # No more of the directory than the layout consists of.
        _pack(archive, _INDEX, (path / _INDEX).read_bytes())
        for digest, content in {**layout.blobs, **manifests}.items():
            _pack(archive, _blob_name(digest), content)
    return packed.getvalue()


def _pack(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _read(read: Callable[[str], bytes]) -> Layout:
    layout = Layout()
    index = _parse_index(read(_INDEX))
    for entry, child in zip(index.document["manifests"], index.children):
        _add(layout, read, child, _MAX_NESTING)
        tag = _tag(entry)
        if tag is not None:
            layout.tags[tag] = child.digest
    return layout


def _parse_index(content: bytes) -> Manifest:
    index = Manifest(content, OCI_INDEX)
    try:
        _ = index.children
    except InvalidManifest as error:
        raise ValueError(f"The index.json of the OCI image layout is {error}") from None
    return index


def _add(layout: Layout, read: Callable[[str], bytes], descriptor: Descriptor, nesting: int) -> None:
    if descriptor.digest in layout.manifests:
        return
    if nesting < 0:
        raise ValueError(f"The OCI image layout has indexes more than {_MAX_NESTING} deep in one another")
    manifest = Manifest(_read_blob(read, descriptor), descriptor.media_type, descriptor.digest)
    try:
        manifest.check()
    except InvalidManifest as error:
        raise ValueError(f"The OCI image layout has {error}") from None
    for child in manifest.children:
        _add(layout, read, child, nesting - 1)
    for blob in manifest.blobs:
        layout.blobs[blob.digest] = _read_blob(read, blob)
    layout.manifests[descriptor.digest] = manifest


def _read_blob(read: Callable[[str], bytes], descriptor: Descriptor) -> bytes:
    content = read(_blob_name(descriptor.digest))
    if not has_digest(content, descriptor.digest):
        raise ValueError(f"The OCI image layout has other bytes under the digest {descriptor.digest}")
    if len(content) != descriptor.size:
        raise ValueError(f"The OCI image layout has another size than that of the digest {descriptor.digest}")
    return content


def _blob_name(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _tag(entry: Any) -> str | None:
    annotations = entry.get("annotations")
    name = annotations.get(_REF_NAME) if isinstance(annotations, dict) else None
    if not isinstance(name, str):
        return None
    # Some tools write only the tag, others the whole reference.
    tag = name.rpartition(":")[2]
    if not is_tag(tag):
        raise ValueError(f"The OCI image layout has an image with the name '{name}', which ends in no tag")
    return tag
