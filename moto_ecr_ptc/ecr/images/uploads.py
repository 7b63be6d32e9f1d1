"""Uploads of layers by the API, one part after the other.

Source: API reference, InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload.
"""

from __future__ import annotations

from typing import Any

from moto.core.base_backend import backend_lock
from moto.ecr.models import Repository
from moto.moto_api._internal import mock_random

from ..exceptions import (
    EmptyUploadException,
    InvalidLayerException,
    InvalidLayerPartException,
    UploadNotFoundException,
)
from .blobs import BlobWriter
from .layers import Layers

PART_SIZE = 20 * 1024 * 1024
"""The part size that ECR tells clients: the maximum length of its shape ``LayerPartBlob``."""


class Uploads:
    """The unfinished uploads of one registry."""

    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self._uploads: dict[str, dict[str, BlobWriter]] = {}

    def initiate(self, repository: Repository) -> dict[str, Any]:
        """Start an upload. (InitiateLayerUpload)"""
        with backend_lock:
            upload_id = str(mock_random.uuid4())
            self._uploads.setdefault(repository.name, {})[upload_id] = BlobWriter()
            return {"uploadId": upload_id, "partSize": PART_SIZE}

    def upload_part(self, repository: Repository, upload_id: str, first_byte: int, part: bytes) -> dict[str, Any]:
        """Add the next part to an upload. (UploadLayerPart)

        :param first_byte: the position of the part's first byte in the layer

        :raises UploadNotFoundException: there is no such upload
        :raises InvalidLayerPartException: the part does not begin where the last one ended
        """
        with backend_lock:
            writer = self._get(repository, upload_id)
            if first_byte != writer.size:
                raise InvalidLayerPartException(repository, upload_id, first_byte, writer.size)
            writer.write(part)
            return {
                "registryId": repository.registry_id,
                "repositoryName": repository.name,
                "uploadId": upload_id,
                "lastByteReceived": writer.size - 1,
            }

    def complete(self, repository: Repository, upload_id: str, digests: list[str]) -> dict[str, Any]:
        """Finish an upload, and add the layer to the repository. (CompleteLayerUpload)

        :raises UploadNotFoundException: there is no such upload
        :raises EmptyUploadException: it has no parts
        :raises InvalidLayerException: none of the digests is the layer's
        """
        with backend_lock:
            writer = self._get(repository, upload_id)
            if not writer.size:
                raise EmptyUploadException(repository, upload_id)
            if not any(map(writer.has_digest, digests)):
                raise InvalidLayerException
            del self._uploads[repository.name][upload_id]
            layer = writer.finish()
            self._layers.add(repository.name, {layer.digest: layer})
            if hasattr(repository, "layers"):  # pragma: no branch (moto's own record, from 5.2.4 on)
                repository.layers[layer.digest] = layer.size
            return {
                "registryId": repository.registry_id,
                "repositoryName": repository.name,
                "uploadId": upload_id,
                "layerDigest": layer.digest,
            }

    def forget(self, repository: Repository) -> None:
        """Discard the uploads to a deleted repository."""
        for writer in self._uploads.pop(repository.name, {}).values():
            writer.close()

    def _get(self, repository: Repository, upload_id: str) -> BlobWriter:
        try:
            return self._uploads[repository.name][upload_id]
        except KeyError:
            raise UploadNotFoundException(repository, upload_id) from None
