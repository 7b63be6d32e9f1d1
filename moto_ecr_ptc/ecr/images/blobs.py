"""Blobs: layers and configurations, by their sha256, each stored once even if several repositories have it.

Small blobs are in memory, large ones in unnamed temporary files. Python's reference counting frees a blob when the last
repository or upstream drops it, when moto is reset, and when the process ends, however it ends.
"""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

try:
    import resource
except ImportError:  # pragma: no cover (Windows)
    resource = None  # type: ignore[assignment]  # a module

IN_MEMORY = 1024 * 1024
"""The size in bytes up to which a blob is kept in memory."""

PIECE = 1024 * 1024
"""How many bytes are read at once."""

_RESERVED = 256
"""How many descriptors are left to the rest of the process; half of them, if it may have few."""


class Blob:
    """Immutable content."""

    def __init__(self, digest: str, size: int, content: bytes | _File) -> None:
        self.digest = digest
        """The sha256 of the content, as ``sha256:<hex>``."""
        self.size = size
        self._content = content

    def read(self) -> bytes:
        """Return the whole content."""
        return b"".join(self.pieces())

    def pieces(self) -> Iterator[bytes]:
        """Yield the content piece by piece. Several readers can do so at once."""
        return self.pieces_between(0, self.size)

    def pieces_between(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the content from one offset to another, piece by piece."""
        return _pieces(self._content, start, min(end, self.size))


class BlobWriter:
    """Receives the content of a blob piece by piece, and hashes it on the way.

    :param algorithm: of the digest that the content is to be compared with, besides sha256
    """

    def __init__(self, algorithm: str = "sha256") -> None:
        self.size = 0
        self._hashes = {name: hashlib.new(name) for name in {"sha256", algorithm}}
        self._content: bytearray | _File = bytearray()

    def write(self, piece: bytes) -> None:
        """Add a piece.

        :raises OSError: it cannot be stored, on a full disk for example; what was written before stays as it was
        """
        if isinstance(self._content, bytearray) and self.size + len(piece) > IN_MEMORY:
            self._move_to_file(self._content)
        if isinstance(self._content, bytearray):
            self._content += piece
        else:
            self._content.write_at(self.size, piece)
        for one in self._hashes.values():
            one.update(piece)
        self.size += len(piece)

    def write_all(self, other: BlobWriter) -> None:
        """Add what another writer received.

        :raises OSError: it cannot be stored
        """
        for piece in _pieces(other._content, 0, other.size):
            self.write(piece)

    @contextmanager
    def undone_on_failure(self) -> Iterator[None]:
        """Take back what the body of ``with`` writes, if it raises an exception."""
        hashes, size, content = {name: one.copy() for name, one in self._hashes.items()}, self.size, self._content
        try:
            yield
        except BaseException:
            self._hashes, self.size, self._content = hashes, size, content
            if isinstance(content, bytearray):
                del content[size:]
            else:
                content.truncate(size)
            raise

    def has_digest(self, digest: str) -> bool:
        """Return whether ``digest`` is that of the written content, by one of the computed algorithms."""
        algorithm, _, value = digest.partition(":")
        return algorithm in self._hashes and self._hashes[algorithm].hexdigest() == value

    def finish(self) -> Blob:
        """Return the blob. This ends the writing."""
        digest = f"sha256:{self._hashes['sha256'].hexdigest()}"
        content, self._content = self._content, bytearray()
        with _lock:
            blob = _blobs.get(digest)
            if blob is None:
                held = bytes(content) if isinstance(content, bytearray) else content
                blob = _blobs[digest] = Blob(digest, self.size, held)
            return blob

    def close(self) -> None:
        """Discard unfinished content."""
        self._content = bytearray()

    def _move_to_file(self, content: bytearray) -> None:
        try:
            file = _File()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            return  # there is no descriptor or directory to be had, so it stays in memory
        if file.is_among_the_last:
            return  # the process needs some descriptors for other things
        try:
            file.write_at(0, content)
        except OSError:
            file.close()  # the exception keeps it alive
            raise
        self._content = file


class _File:
    """The content of a large blob: an unnamed temporary file, deleted with this object."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (it is open for as long as this object lives)
        self._lock = threading.Lock()
        self.close = weakref.finalize(self, self._file.close)

    @property
    def is_among_the_last(self) -> bool:
        """Whether few descriptors are left to the process. The lowest free one is given out each time."""
        if resource is None:  # pragma: no cover (Windows)
            return False
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return limit != resource.RLIM_INFINITY and self._file.fileno() >= limit - min(_RESERVED, limit // 2)

    def truncate(self, size: int) -> None:
        self._file.truncate(size)

    def write_at(self, offset: int, piece: bytes | bytearray) -> None:
        self._file.seek(offset)
        view = memoryview(piece)
        while view:
            view = view[self._file.write(view) :]

    def read_at(self, offset: int, size: int) -> bytes:
        if hasattr(os, "pread"):  # pragma: no branch (not on Windows)
            return os.pread(self._file.fileno(), size, offset)
        with self._lock:  # pragma: no cover (Windows)
            self._file.seek(offset)
            return self._file.read(size)


def _pieces(content: bytes | bytearray | _File, start: int, end: int) -> Iterator[bytes]:
    while start < end:
        size = min(PIECE, end - start)
        piece = content.read_at(start, size) if isinstance(content, _File) else bytes(content[start : start + size])
        start += len(piece)
        yield piece


_blobs: weakref.WeakValueDictionary[str, Blob] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def make_blob(content: bytes) -> Blob:
    """Return the blob with this content."""
    writer = BlobWriter()
    writer.write(content)
    return writer.finish()
