"""The interface through which ECR pulls from an upstream registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from ..access.credentials import UpstreamCredentials
from ..images.blobs import Blob
from ..images.manifests import Descriptor, Manifest


class Fetched(NamedTuple):
    """A manifest that an upstream registry returned."""

    manifest: Manifest
    blobs: Mapping[str, Blob]
    """The blobs that came with it, by digest. From a registry behind HTTP they are fetched later, one by one."""


class Source(Protocol):
    """Answers the requests to an upstream registry. All methods raise ``UpstreamError``."""

    def get_manifest(self, repository: str, reference: str, credentials: UpstreamCredentials | None) -> Fetched: ...

    def get_blob(
        self, repository: str, digest: str, credentials: UpstreamCredentials | None, size: int | None = None
    ) -> Blob:
        """Return a blob.

        :param size: as in its descriptor; None if no cached manifest refers to it
        """

    def get_referrers(
        self, repository: str, digest: str, credentials: UpstreamCredentials | None
    ) -> Sequence[Descriptor]:
        """Return the manifests that refer to the one with this digest."""


class Registry(Source, Protocol):
    """A source that can check credentials."""

    def authenticate(self, credentials: UpstreamCredentials | None) -> None:
        """Return if the registry accepts the credentials."""
