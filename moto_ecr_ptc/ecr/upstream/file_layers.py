"""Layers made of files, and how layers are compressed: the same input always gives the same bytes.

Source: POSIX.1-2001, "pax Interchange Format"; RFC 1951, "Non-compressed blocks"; RFC 1952.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import struct
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Union

from ..images.blobs import PIECE
from ..images.manifests import GZIP_MAGIC, sha256

FilesOfLayer = Mapping[str, Union[bytes, str]]
"""The contents of the files of one layer by their paths in the image; text is written as UTF-8."""

Files = Union[FilesOfLayer, Sequence[FilesOfLayer]]
"""The files of one layer, or of several from the bottom up."""

_MODE = 0o755
"""Of files too: a file that is an Entrypoint has to be executable, and to others it does no harm."""

_MAX_NAME = 255
"""How many bytes a name in a path may have on Linux (NAME_MAX)."""

_BLOCK = 0xFFFF
_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:(?=[/\\])")


def pack_files(files: object, parameter: str) -> tuple[bytes, ...]:
    """Return the layers that ``files`` describes, as tar archives that are not compressed.

    :param parameter: what the user calls it
    :raises ValueError: it is neither files nor a sequence of files, or a path or a content is malformed
    """
    if isinstance(files, Mapping):
        return (_pack(files, parameter),)
    if not isinstance(files, Sequence) or isinstance(files, (str, bytes, bytearray)):
        raise ValueError(f"{parameter} must be a mapping of paths to contents, or a list of such mappings")
    for layer in files:
        if not isinstance(layer, Mapping):
            raise ValueError(f"{parameter} must be a mapping of paths to contents, or a list of such mappings")
    return tuple(_pack(layer, parameter) for layer in files)


def compress(layer: bytes | memoryview) -> bytes:
    """Return a gzip stream that is not compressed: otherwise its bytes would depend on the machine's zlib.

    Some image clients compress what is no gzip stream, and so change the image's digest.
    """
    return b"".join(_gzip_stream(memoryview(layer)))


def is_compressed(layer: bytes) -> bool:
    return layer.startswith(GZIP_MAGIC)


def uncompressed_digest(layer: bytes) -> str:
    """Return the sha256 of a layer's archive, which image configurations name it by."""
    if not is_compressed(layer):
        return sha256(layer)
    content = hashlib.sha256()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(layer)) as stream:
            for piece in iter(lambda: stream.read(PIECE), b""):
                content.update(piece)
    except (OSError, EOFError, zlib.error):  # it only begins like gzip
        return sha256(layer)
    return f"sha256:{content.hexdigest()}"


def _pack(files: Mapping[object, object], parameter: str) -> bytes:
    contents: dict[str, bytes] = {}
    for given, content in files.items():
        path = _normal_path(given, parameter)
        if path in contents:
            raise ValueError(f"{parameter} has the path {path!r} twice")
        contents[path] = _content(given, content, parameter)
    folders = {folder for path in contents for folder in accumulate(path.split("/")[:-1], "{}/{}".format)}
    for path in sorted(folders & contents.keys()):
        raise ValueError(f"{parameter} has {path!r} as a file and as a directory")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(folders | contents.keys()):
            member = tarfile.TarInfo(path)
            member.mode = _MODE
            if path in folders:
                member.type = tarfile.DIRTYPE
                tar.addfile(member)
            else:
                member.size = len(contents[path])
                tar.addfile(member, io.BytesIO(contents[path]))
    return archive.getvalue()


def _normal_path(path: object, parameter: str) -> str:
    """Return a path without what means nothing: ``./`` at its beginning or in between.

    :raises ValueError: it is not the path of a file in an image
    """
    if not isinstance(path, str):
        raise ValueError(f"{parameter} has the path {path!r}, which is no string")
    if "\\" in path or _WINDOWS_DRIVE.match(path):
        raise ValueError(f"{parameter} has the path {path!r}: in an image paths are relative, with '/' between names")
    if path.startswith("/"):
        raise ValueError(f"{parameter} has the path {path!r}, which is absolute: paths are relative to the root")
    names = [name for name in path.split("/") if name != "."]
    if not names or not all(names):
        raise ValueError(f"{parameter} has the path {path!r}, which has an empty name")
    if ".." in names:
        raise ValueError(f"{parameter} has the path {path!r}, which leads out of a directory by '..'")
    if "\0" in path or not _is_unicode(path):
        raise ValueError(f"{parameter} has the path {path!r}, which has a character that no path may have")
    for name in names:
        if len(name.encode()) > _MAX_NAME:
            raise ValueError(f"{parameter} has the path {path!r}, in which a name is longer than {_MAX_NAME} bytes")
    return "/".join(names)


def _content(path: object, content: object, parameter: str) -> bytes:
    if isinstance(content, bytes):
        return content
    if not isinstance(content, str):
        raise ValueError(f"{parameter}[{path!r}] must be bytes or text, not {type(content).__name__}")
    if not _is_unicode(content):
        raise ValueError(f"{parameter}[{path!r}] is text that UTF-8 cannot express")
    return content.encode()


def _is_unicode(text: str) -> bool:
    """Return whether a text is without lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _gzip_stream(content: memoryview) -> Iterator[bytes | memoryview]:
    yield b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    for start in range(0, max(len(content), 1), _BLOCK):
        block = content[start : start + _BLOCK]
        is_last = start + _BLOCK >= len(content)
        yield struct.pack("<BHH", is_last, len(block), len(block) ^ _BLOCK)
        yield block
    yield struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)
