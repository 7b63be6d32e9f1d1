"""Uploads of layers by the API, part after part.

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
from .blobs import Spool
from .layers import Layers

PART_SIZE = 20 * 1024 * 1024
"""What ECR asks clients to send at once: the greatest length of its shape ``LayerPartBlob``."""


class Uploads:
    """The uploads of one registry that are under way."""

    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self._uploads: dict[str, dict[str, Spool]] = {}

    def initiate(self, repository: Repository) -> dict[str, Any]:
        """Begin an upload. (InitiateLayerUpload)"""
        with backend_lock:
            upload_id = str(mock_random.uuid4())
            self._uploads.setdefault(repository.name, {})[upload_id] = Spool()
            return {"uploadId": upload_id, "partSize": PART_SIZE}

    def upload_part(self, repository: Repository, upload_id: str, first_byte: int, part: bytes) -> dict[str, Any]:
        """Take the next part. (UploadLayerPart)

        :raises UploadNotFoundException: there is no such upload
        :raises InvalidLayerPartException: the part does not begin where the last one ended
        """
        with backend_lock:
            spool = self._get(repository, upload_id)
            if first_byte != spool.size:
                raise InvalidLayerPartException(repository, upload_id, first_byte, spool.size)
            spool.write(part)
            return {
                "registryId": repository.registry_id,
                "repositoryName": repository.name,
                "uploadId": upload_id,
                "lastByteReceived": spool.size - 1,
            }

    def complete(self, repository: Repository, upload_id: str, digests: list[str]) -> dict[str, Any]:
        """Have the repository hold the layer. (CompleteLayerUpload)

        :raises UploadNotFoundException: there is no such upload
        :raises EmptyUploadException: it has no parts
        :raises InvalidLayerException: none of the digests is the layer's
        """
        with backend_lock:
            spool = self._get(repository, upload_id)
            if not spool.size:
                raise EmptyUploadException(repository, upload_id)
            if not any(map(spool.has_digest, digests)):
                raise InvalidLayerException
            del self._uploads[repository.name][upload_id]
            layer = spool.finish()
            self._layers.hold(repository.name, {layer.digest: layer})
            if hasattr(repository, "layers"):  # pragma: no branch (moto 5.2.4 and newer know of uploaded layers)
                repository.layers[layer.digest] = layer.size
            return {
                "registryId": repository.registry_id,
                "repositoryName": repository.name,
                "uploadId": upload_id,
                "layerDigest": layer.digest,
            }

    def forget(self, repository: Repository) -> None:
        """Let go of the uploads to a repository that is deleted."""
        for spool in self._uploads.pop(repository.name, {}).values():
            spool.close()

    def _get(self, repository: Repository, upload_id: str) -> Spool:
        try:
            return self._uploads[repository.name][upload_id]
        except KeyError:
            raise UploadNotFoundException(repository, upload_id) from None
