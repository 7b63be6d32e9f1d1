"""Where a layer's bytes are downloaded: the URL that GetDownloadUrlForLayer gives out, and what answers there.

In process the URL is on the registry's own host; on a server it is on the host that the client called. It is signed, as
AWS's is: it is good for one layer of one repository, and for an hour.
"""

from __future__ import annotations

import hmac
import re
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import parse_qs, urlencode, urlsplit

from moto.core.common_types import TYPE_RESPONSE
from moto.ecr.models import ecr_backends

from .configuration import now

if TYPE_CHECKING:
    from moto.core.responses import BaseResponse

    from .models import PullThroughCacheBackend

REGISTRY_URL = r"https?://[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/layers$"
SERVER_PATH = "/moto-api/static/ecr/layers"

GOOD_FOR = timedelta(hours=1)
"""How long a URL can be used."""

_REGISTRY_HOST = re.compile(r"(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")


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


def layer_url(response: BaseResponse, backend: PullThroughCacheBackend, layer: Layer) -> str:
    """Return the URL of a layer, for the client whose request ``response`` answers."""
    account_id, region = backend.account_id, backend.region_name
    parameters = backend.download_tickets.issue(layer)
    if response.is_werkzeug_request:
        base = f"{response.parsed_url.scheme}://{response.headers['Host']}{SERVER_PATH}"
        parameters = {"account_id": account_id, "region": region, **parameters}
    else:
        suffix = ".cn" if region.startswith("cn-") else ""
        base = f"https://{account_id}.dkr.ecr.{region}.amazonaws.com{suffix}/layers"
    return f"{base}?{urlencode(parameters)}"


def download_layer(request: Any, full_url: str, headers: Any) -> TYPE_RESPONSE:
    """Answer a download of a layer, whole."""
    url = urlsplit(full_url)
    parameters = {name: values[0] for name, values in parse_qs(url.query).items()}
    host = None if url.path == SERVER_PATH else _REGISTRY_HOST.fullmatch(url.hostname or "")
    account_id, region = host.groups() if host else (parameters.get("account_id", ""), parameters.get("region", ""))
    backend = _find_backend(account_id, region)
    fault = "There is no such registry" if backend is None else backend.download_tickets.find_fault(parameters)
    if backend is None or fault:
        return _refuse(403, "AccessDenied", str(fault))
    layer = backend.held_layer(parameters["repository"], parameters["digest"])
    if layer is None:
        return _refuse(404, "NoSuchKey", "The layer does not exist any more")
    return 200, {"Content-Type": "application/octet-stream"}, layer


def _find_backend(account_id: str, region: str) -> PullThroughCacheBackend | None:
    if not re.fullmatch("[0-9]{12}", account_id):
        return None
    try:
        return cast("PullThroughCacheBackend", ecr_backends[account_id][region])
    except KeyError:
        return None


def _refuse(status: int, code: str, message: str) -> TYPE_RESPONSE:
    # In the form of Amazon S3, where AWS keeps layers.
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return status, {"Content-Type": "application/xml"}, body
