"""Signed URLs of layers: GetDownloadUrlForLayer returns them, as AWS returns presigned URLs of Amazon S3.

Each is valid for one layer of one repository, for an hour.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from typing import NamedTuple

from ..registry_id import now

URL_LIFETIME = timedelta(hours=1)
"""How long a URL is valid."""


class Layer(NamedTuple):
    """A layer of a repository."""

    repository_name: str
    digest: str


class DownloadSigner:
    """Signs the URLs of one registry's layers, and verifies their signatures until moto is reset."""

    def __init__(self) -> None:
        # Drawing from moto's seeded random numbers would change the ids that moto itself generates.
        self._key = secrets.token_bytes(32)

    def sign(self, layer: Layer) -> dict[str, str]:
        """Return the query parameters of a URL for a layer: ``repository``, ``digest``, ``expires``, ``signature``."""
        expires = str(int((now() + URL_LIFETIME).timestamp()))
        return {
            "repository": layer.repository_name,
            "digest": layer.digest,
            "expires": expires,
            "signature": self._signature(layer, expires),
        }

    def find_fault(self, parameters: dict[str, str]) -> str | None:
        """Return why the query parameters of a URL are not valid; None if they are."""
        layer = Layer(parameters.get("repository", ""), parameters.get("digest", ""))
        expires = parameters.get("expires", "")
        if not hmac.compare_digest(self._signature(layer, expires).encode(), parameters.get("signature", "").encode()):
            return "The signature is not one that this registry gave out"
        return "Request has expired" if int(expires) < now().timestamp() else None

    def _signature(self, layer: Layer, expires: str) -> str:
        # The separator is safe: no name or digest that is signed contains a line break.
        return hmac.new(self._key, "\n".join((*layer, expires)).encode(), "sha256").hexdigest()
