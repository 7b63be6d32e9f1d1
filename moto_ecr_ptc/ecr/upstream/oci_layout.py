"""OCI image layouts: directories, or tar archives of them, in which tools store images.

Source: OCI image format specification 1.1, "OCI Image Layout Specification".
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ..images.blobs import PIECE, Blob, BlobWriter
from ..images.manifests import GZIP_MAGIC, OCI_INDEX, Descriptor, InvalidManifest, Manifest, has_digest, is_tag
from .built_images import UpstreamImage

_INDEX = "index.json"
_REF_NAME = "org.opencontainers.image.ref.name"

_MAX_NESTING = 8
"""How deeply indexes may be nested in a layout: tools create one level, rarely two."""


_Open = Callable[[str], IO[bytes]]
"""Opens a file of a layout by its name."""


@dataclass
class Layout:
    """The images of a layout."""

    index: bytes
    """The bytes of its index.json."""

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


def read_layout(path: str | os.PathLike[str]) -> Layout:
    """Read a layout from a directory, or from a tar archive of one.

    :raises ValueError: there is none at this path, or it is malformed
    """
    path = Path(path)
    try:
        if path.is_dir():
            return _read(lambda name: (path / name).open("rb"))
        with path.open("rb") as archive:
            return read_archive(archive)
    except OSError as error:
        raise ValueError(f"'{path}' is no OCI image layout: {error.strerror}: '{error.filename}'") from None


def read_archive(file: IO[bytes]) -> Layout:
    """Read a tar archive of a layout: plain, or compressed by gzip.

    :raises ValueError: it is malformed
    """
    is_compressed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    file.seek(0)
    try:
        if not is_compressed:
            return _read_tar(file)
        with tempfile.TemporaryFile() as plain:  # a compressed one can only be read from its beginning
            shutil.copyfileobj(gzip.GzipFile(fileobj=file), plain, PIECE)
            plain.seek(0)
            return _read_tar(plain)
    except KeyError as missing:
        raise ValueError(f"The OCI image layout lacks the file {missing}") from None
    except (tarfile.TarError, EOFError, OSError, OverflowError, RecursionError, zlib.error):
        raise ValueError("The OCI image layout is not a tar archive") from None


@contextmanager
def packed_layout(path: str | os.PathLike[str]) -> Iterator[tuple[Layout, IO[bytes]]]:
    """Yield a layout, and a tar archive of it to send to a server.

    :raises ValueError: as ``read_layout``
    """
    path = Path(path)
    layout = read_layout(path)
    if path.is_file():
        with path.open("rb") as file:
            yield layout, file
        return
    with tempfile.TemporaryFile() as packed:
        with tarfile.open(fileobj=packed, mode="w") as archive:
            # Only the files of the layout: the directory may have others.
            _pack(archive, _INDEX, len(layout.index), io.BytesIO(layout.index))
            for manifest in layout.manifests.values():
                _pack(archive, _blob_name(manifest.digest), len(manifest.content), io.BytesIO(manifest.content))
            for digest, blob in layout.blobs.items():
                with (path / _blob_name(digest)).open("rb") as file:
                    _pack(archive, _blob_name(digest), blob.size, file)
        packed.seek(0)
        yield layout, packed


def _pack(archive: tarfile.TarFile, name: str, size: int, content: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    archive.addfile(member, content)


def _read_tar(file: IO[bytes]) -> Layout:
    with tarfile.open(fileobj=file, mode="r:") as archive:
        members = {member.name.removeprefix("./"): member for member in archive if member.isfile()}

        def open_member(name: str) -> IO[bytes]:
            member = archive.extractfile(members[name])
            assert member is not None  # it is a file
            return member

        return _read(open_member)


def _read(open_file: _Open) -> Layout:
    index = _parse_index(_read_file(open_file, _INDEX))
    layout = Layout(index.content)
    for entry, child in zip(index.document["manifests"], index.children):
        _add(layout, open_file, child, _MAX_NESTING)
        tag = _tag(entry)
        if tag is not None:
            layout.tags[tag] = child.digest
    return layout


def _read_file(open_file: _Open, name: str) -> bytes:
    with open_file(name) as file:
        return file.read()


def _parse_index(content: bytes) -> Manifest:
    index = Manifest(content, OCI_INDEX)
    try:
        _ = index.children
    except InvalidManifest as error:
        raise ValueError(f"The index.json of the OCI image layout is {error}") from None
    return index


def _add(layout: Layout, open_file: _Open, descriptor: Descriptor, nesting: int) -> None:
    if descriptor.digest in layout.manifests:
        return
    if nesting < 0:
        raise ValueError(f"The OCI image layout has indexes more than {_MAX_NESTING} deep in one another")
    content = _read_file(open_file, _blob_name(descriptor.digest))
    _check(descriptor, has_digest(content, descriptor.digest), len(content))
    manifest = Manifest(content, descriptor.media_type, descriptor.digest)
    try:
        manifest.check()
    except InvalidManifest as error:
        raise ValueError(f"The OCI image layout has {error}") from None
    for child in manifest.children:
        _add(layout, open_file, child, nesting - 1)
    for blob in manifest.blobs:
        layout.blobs[blob.digest] = _read_blob(open_file, blob)
    layout.manifests[descriptor.digest] = manifest


def _read_blob(open_file: _Open, descriptor: Descriptor) -> Blob:
    writer = BlobWriter(descriptor.digest.partition(":")[0])
    with open_file(_blob_name(descriptor.digest)) as file, closing(writer):
        for piece in iter(lambda: file.read(PIECE), b""):
            writer.write(piece)
        _check(descriptor, writer.has_digest(descriptor.digest), writer.size)
        return writer.finish()


def _check(descriptor: Descriptor, has_its_digest: bool, size: int) -> None:
    if not has_its_digest:
        raise ValueError(f"The OCI image layout has other bytes under the digest {descriptor.digest}")
    if size != descriptor.size:
        raise ValueError(f"The OCI image layout has another size than that of the digest {descriptor.digest}")


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
