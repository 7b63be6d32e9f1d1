"""Directories and archives with images: OCI image layouts and docker archives, told apart by their contents."""

from __future__ import annotations

import gzip
import io
import os
import posixpath
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..images.blobs import PIECE
from ..images.manifests import GZIP_MAGIC
from .docker_archive import MANIFEST, read_docker_archive
from .loaded_images import LoadedImages
from .oci_layout import INDEX, blob_name, read_layout


def read_path(path: str | os.PathLike[str]) -> LoadedImages:
    """Read an OCI image layout in a directory, or an archive.

    :raises ValueError: there is none at this path, or it is malformed
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ValueError(f"path must be that of a directory or a tar archive, not {path!r}")
    path = Path(path)
    if not can_name_a_file(path):
        raise ValueError(f"{str(path)!r} is no OCI image layout: no file can have this name")
    try:
        if path.is_dir():
            return read_layout(lambda name: (path / name).open("rb"))
        with path.open("rb") as archive:
            return read_archive(archive)
    except OSError as error:
        raise ValueError(f"'{path}' is no OCI image layout: {error.strerror}: '{error.filename}'") from None


def can_name_a_file(path: Path) -> bool:
    """Return whether the operating system takes a path, be there a file or not."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def read_archive(file: IO[bytes]) -> LoadedImages:
    """Read a tar archive of an OCI image layout or of docker: plain, or compressed by gzip.

    :raises ValueError: it is malformed
    """
    is_compressed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    file.seek(0)
    try:
        if not is_compressed:
            return _read_tar(file)
        with tempfile.TemporaryFile() as plain:  # a compressed one can only be read from its beginning
            # By default its mode is the file's, and that of a temporary file is for writing too.
            with gzip.GzipFile(fileobj=file, mode="rb") as content:
                shutil.copyfileobj(content, plain, PIECE)
            plain.seek(0)
            return _read_tar(plain)
    except (tarfile.TarError, EOFError, OSError, OverflowError, RecursionError, zlib.error):
        raise ValueError("It is neither an OCI image layout nor a docker archive: it is not a tar archive") from None


@contextmanager
def packed(path: str | os.PathLike[str]) -> Iterator[tuple[LoadedImages, IO[bytes]]]:
    """Yield the images of a directory or an archive, and an archive of them to send to a server.

    :raises ValueError: as ``read_path``
    """
    images = read_path(path)
    path = Path(path)
    if path.is_file():
        with path.open("rb") as file:
            yield images, file
        return
    with tempfile.TemporaryFile() as packed:
        with tarfile.open(fileobj=packed, mode="w") as archive:
            # Only the files of the layout: the directory may have others.
            _pack(archive, INDEX, len(images.index), io.BytesIO(images.index))
            for manifest in images.manifests.values():
                _pack(archive, blob_name(manifest.digest), len(manifest.content), io.BytesIO(manifest.content))
            for digest, blob in images.blobs.items():
                with (path / blob_name(digest)).open("rb") as file:
                    _pack(archive, blob_name(digest), blob.size, file)
        packed.seek(0)
        yield images, packed


def _pack(archive: tarfile.TarFile, name: str, size: int, content: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    archive.addfile(member, content)


def _open_tar(file: IO[bytes]) -> tarfile.TarFile:
    """Return an archive whose headers were read."""
    try:
        archive = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115 (the caller closes it)
        archive.getmembers()
    except ValueError as error:  # tarfile converts the numbers in some headers without a check
        raise tarfile.ReadError from error
    return archive


def _read_tar(file: IO[bytes]) -> LoadedImages:
    with _open_tar(file) as archive:
        members = {member.name.removeprefix("./"): member for member in archive}
        files = {name: member for name, member in members.items() if member.isfile()}

        def open_file(name: str) -> IO[bytes]:
            opened = archive.extractfile(files[name])
            assert opened is not None  # it is a file
            return opened

        def open_file_or_link(name: str) -> IO[bytes]:
            # docker save used to write a layer that several images have as links to one file of the archive.
            member = members.get(name)
            if member is None or not member.issym():
                return open_file(name)
            return open_file(posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname)))

        if INDEX not in files and MANIFEST not in files:
            raise ValueError(
                f"The archive has neither the {INDEX} of an OCI image layout nor the {MANIFEST} of a docker archive"
            )
        if INDEX in files:
            try:
                return read_layout(open_file)
            except KeyError as missing:
                # Of an image with platforms docker saves those that it has, though the index names the others too.
                if MANIFEST not in files:
                    raise ValueError(f"The OCI image layout lacks the file {missing}") from None
        try:
            return read_docker_archive(open_file_or_link)
        except KeyError as missing:
            raise ValueError(f"The docker archive lacks the file {missing}") from None
