"""What ECR asks of whatever answers for an upstream registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from ..access.credentials import UpstreamCredentials
from ..images.blobs import Blob
from ..images.manifests import Descriptor, Manifest


class Fetched(NamedTuple):
    """A manifest that a registry answered with."""

    manifest: Manifest
    blobs: Mapping[str, Blob]
    """Those blobs that came along, by digest. From a registry behind HTTP they are fetched one by one, later."""


class Source(Protocol):
    """Whatever answers for an upstream registry. All methods raise ``UpstreamError``."""

    def get_manifest(self, repository: str, reference: str, credentials: UpstreamCredentials | None) -> Fetched: ...

    def get_blob(
        self, repository: str, digest: str, credentials: UpstreamCredentials | None, size: int | None = None
    ) -> Blob:
        """Return a blob.

        :param size: what its descriptor says; None if no manifest that is here refers to it
        """

    def get_referrers(
        self, repository: str, digest: str, credentials: UpstreamCredentials | None
    ) -> Sequence[Descriptor]:
        """Return the manifests that refer to the one with this digest."""


class Registry(Source, Protocol):
    """A source that credentials can be tried on."""

    def authenticate(self, credentials: UpstreamCredentials | None) -> None:
        """Return if the registry accepts the credentials."""
