"""The rights to download layers that GetDownloadUrlForLayer gives out: signed, as the parameters of a URL.

AWS gives out presigned URLs of Amazon S3. Such a right is good for one layer of one repository, and for an hour.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from typing import NamedTuple

from ..registry_id import now

GOOD_FOR = timedelta(hours=1)
"""How long a URL can be used."""


class Layer(NamedTuple):
    """A layer of a repository."""

    repository_name: str
    digest: str


class DownloadTickets:
    """Signs the URLs of one registry's layers, and knows its signatures again until moto is reset."""

    def __init__(self) -> None:
        # Not moto's seeded random numbers: drawing from those would change the ids that moto itself gives out.
        self._key = secrets.token_bytes(32)

    def issue(self, layer: Layer) -> dict[str, str]:
        """Return the parameters of a URL for a layer."""
        expires = str(int((now() + GOOD_FOR).timestamp()))
        return {
            "repository": layer.repository_name,
            "digest": layer.digest,
            "expires": expires,
            "signature": self._sign(layer, expires),
        }

    def find_fault(self, parameters: dict[str, str]) -> str | None:
        """Return why the parameters of a URL give no right to download; None if they do."""
        layer = Layer(parameters.get("repository", ""), parameters.get("digest", ""))
        expires = parameters.get("expires", "")
        if not hmac.compare_digest(self._sign(layer, expires).encode(), parameters.get("signature", "").encode()):
            return "The signature is not one that this registry gave out"
        return "Request has expired" if int(expires) < now().timestamp() else None

    def _sign(self, layer: Layer, expires: str) -> str:
        # Neither a name nor a digest that was signed has a line break in it.
        return hmac.new(self._key, "\n".join((*layer, expires)).encode(), "sha256").hexdigest()
