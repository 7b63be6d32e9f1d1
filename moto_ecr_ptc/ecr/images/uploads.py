"""Uploads of layers, one part after the other, by the API and by the registry endpoint.

Source: API reference, InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Lock
from typing import Any

from moto.core.base_backend import backend_lock
from moto.ecr.models import ECRBackend, Repository
from moto.moto_api._internal import mock_random

from ..components import made
from ..exceptions import forget_origin
from ..registry_id import now
from .blobs import Blob, BlobWriter
from .exceptions import (
    EmptyUploadException,
    InvalidLayerException,
    InvalidLayerPartException,
    InvalidPartLength,
    LayerNotStored,
    LayerPartTooSmallException,
    LayerTooLarge,
    UploadNotFoundException,
)
from .layers import Layers
from .manifests import MAX_LAYER_SIZE

PART_SIZE = 20 * 1024 * 1024
"""The part size that ECR tells clients: the maximum length of its shape ``LayerPartBlob``."""

MIN_CHUNK_SIZE = 5 * 1024 * 1024
"""The minimum size of a chunk that is sent with its range to the registry endpoint, unless it is the last."""

UPLOAD_LIFETIME = timedelta(hours=24)
"""How long an upload is kept that nothing is added to."""


class Upload:
    """An unfinished upload."""

    def __init__(self, upload_id: str) -> None:
        self.id = upload_id
        self.lock = Lock()
        """Held while a part is added, which takes long if it is large. It is taken before moto's lock."""

        self.writer = BlobWriter()
        self.last_used = now()
        self.first_part_size = 0
        self.has_small_chunk = False
        """Whether a chunk was too small that is not the last."""

        self._last_chunk_is_small = False

    @property
    def size(self) -> int:
        return self.writer.size

    @property
    def is_abandoned(self) -> bool:
        return now() - self.last_used >= UPLOAD_LIFETIME

    @contextmanager
    def adding(self, part: BlobWriter, *, is_chunk: bool) -> Iterator[None]:
        """Add a part, and take it back if the body of ``with`` raises an exception.

        :param is_chunk: whether the client told the range of the part
        """
        before = vars(self).copy()
        try:
            with self.writer.undone_on_failure():
                if part.size:
                    self._add(part, is_chunk)
                yield
        except BaseException:
            vars(self).update(before)
            raise

    def _add(self, part: BlobWriter, is_chunk: bool) -> None:
        self.has_small_chunk |= self._last_chunk_is_small
        self._last_chunk_is_small = is_chunk and part.size < MIN_CHUNK_SIZE
        if self.size:
            self.writer.write_all(part)
        else:
            self.writer = part  # nothing is copied
            self.first_part_size = part.size
        self.last_used = now()


class Uploads:
    """The unfinished uploads of one registry."""

    def __init__(self, backend: ECRBackend, layers: Layers) -> None:
        self._backend = backend
        self._layers = layers
        self._uploads: dict[str, dict[str, Upload]] = {}

    # --- by the API --------------------------------------------------------------------------------------------------

    def initiate(self, repository: Repository) -> dict[str, Any]:
        """Start an upload. (InitiateLayerUpload)"""
        return {"uploadId": self.start(repository).id, "partSize": PART_SIZE}

    def upload_part(
        self, repository: Repository, upload_id: str, first_byte: int, last_byte: int, part: bytes
    ) -> dict[str, Any]:
        """Add the next part to an upload. (UploadLayerPart)

        :param first_byte: the position of the part's first byte in the layer
        :param last_byte: that of its last byte
        :raises InvalidParameterException: the part has another length
        :raises UploadNotFoundException: there is no such upload
        :raises InvalidLayerPartException: the part does not begin where the last one ended
        """
        if last_byte - first_byte + 1 != len(part):
            raise InvalidPartLength(len(part), first_byte, last_byte)
        upload = self.add(repository, upload_id, receive([part]), first_byte)
        return {
            "registryId": repository.registry_id,
            "repositoryName": repository.name,
            "uploadId": upload_id,
            "lastByteReceived": upload.size - 1,
        }

    def complete(self, repository: Repository, upload_id: str, digests: list[str]) -> dict[str, Any]:
        """Finish an upload, and add the layer to the repository. (CompleteLayerUpload)

        :raises UploadNotFoundException: there is no such upload
        :raises EmptyUploadException: it has no parts
        :raises InvalidLayerException: none of the digests is the layer's
        """
        layer = self.finish(repository, upload_id, BlobWriter(), digests)
        return {
            "registryId": repository.registry_id,
            "repositoryName": repository.name,
            "uploadId": upload_id,
            "layerDigest": layer.digest,
        }

    # --- by any way --------------------------------------------------------------------------------------------------

    def start(self, repository: Repository) -> Upload:
        """Start an upload, and drop what was received of those that were abandoned."""
        with backend_lock:
            self._uploads = {
                name: {upload.id: upload for upload in uploads.values() if not upload.is_abandoned}
                for name, uploads in self._uploads.items()
            }
            upload = Upload(str(mock_random.uuid4()))
            while any(upload.id in uploads for uploads in self._uploads.values()):  # moto's seed was set again
                upload = Upload(str(mock_random.uuid4()))
            self._uploads.setdefault(repository.name, {})[upload.id] = upload
            return upload

    def get(self, repository: Repository, upload_id: str, first_byte: int | None = None) -> Upload:
        """Return an upload.

        :param first_byte: of the part that is to follow; None means wherever the last one ended
        :raises UploadNotFoundException: there is no such upload, or it was abandoned
        :raises InvalidLayerPartException: the part does not begin where the last one ended
        """
        with backend_lock:
            upload = self._uploads.get(repository.name, {}).get(upload_id)
            was_reset = made(self._backend).get("uploads") is not self
            if upload is None or upload.is_abandoned or was_reset:
                raise UploadNotFoundException(repository, upload_id)
            if first_byte is not None and first_byte != upload.size:
                raise InvalidLayerPartException(repository, upload_id, first_byte, upload.size)
            return upload

    def add(
        self,
        repository: Repository,
        upload_id: str,
        part: BlobWriter,
        first_byte: int | None = None,
        *,
        is_chunk: bool = False,
    ) -> Upload:
        """Add a part to an upload, all of it or nothing, and return the upload. The errors are those of ``get``."""
        with self._adding(repository, upload_id, part, first_byte, is_chunk=is_chunk) as upload:
            return upload

    def finish(
        self,
        repository: Repository,
        upload_id: str,
        part: BlobWriter,
        digests: list[str],
        first_byte: int | None = None,
    ) -> Blob:
        """Add the last part to an upload, which may be empty, and the layer to the repository.

        An upload that cannot be finished stays as it was.

        :raises EmptyUploadException: there is nothing in it
        :raises LayerPartTooSmallException: a chunk is too small that is not the last
        :raises InvalidLayerException: none of the digests is the layer's
        """
        with self._adding(repository, upload_id, part, first_byte, is_chunk=False) as upload:
            if not upload.size:
                raise EmptyUploadException(repository, upload_id)
            if upload.has_small_chunk:
                raise LayerPartTooSmallException
            if not any(map(upload.writer.has_digest, digests)):
                raise InvalidLayerException
            self.cancel(repository, upload_id)
            layer = upload.writer.finish()
            self._layers.add_uploaded(repository, layer)
            return layer

    def cancel(self, repository: Repository, upload_id: str) -> None:
        """Forget an upload.

        :raises UploadNotFoundException: there is no such upload
        """
        with backend_lock:
            self.get(repository, upload_id)
            del self._uploads[repository.name][upload_id]

    @contextmanager
    def _adding(
        self, repository: Repository, upload_id: str, part: BlobWriter, first_byte: int | None, *, is_chunk: bool
    ) -> Iterator[Upload]:
        """Add a part, without moto's lock held. It is held in the body of ``with``; if that fails, the part goes."""
        upload = self.get(repository, upload_id)
        with upload.lock, _refusing_what_cannot_be_stored():
            self.get(repository, upload_id, first_byte)  # another request may have added to it in the meantime
            with upload.adding(part, is_chunk=is_chunk), backend_lock:
                self.get(repository, upload_id)  # meanwhile it may be gone
                yield upload

    def forget(self, repository: Repository) -> None:
        """Forget the uploads to a deleted repository."""
        self._uploads.pop(repository.name, None)


def receive(pieces: Iterable[bytes]) -> BlobWriter:
    """Return a part as it arrives from a client, without any lock held: clients may be slow.

    :raises LayerTooLarge: it has more bytes than a layer may have
    :raises LayerNotStored: the machine has no room for it
    """
    writer = BlobWriter()
    for piece in pieces:
        if writer.size + len(piece) > MAX_LAYER_SIZE:
            raise LayerTooLarge(MAX_LAYER_SIZE)
        with _refusing_what_cannot_be_stored():
            writer.write(piece)
    return writer


@contextmanager
def _refusing_what_cannot_be_stored() -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        forget_origin(fault)
        raise LayerNotStored(fault) from None
