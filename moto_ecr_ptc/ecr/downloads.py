"""Downloads of layers: the URLs that GetDownloadUrlForLayer returns, and the answers to requests for them.

In process the URL is on the registry's host; with a server it is on the host that the client called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import parse_qs, urlencode, urlsplit

from moto.core.common_types import TYPE_RESPONSE
from moto.ecr.models import ecr_backends

from .images.blobs import Blob
from .models import PullThroughCacheBackend
from .pulls.download_signer import Layer
from .registry_id import REGISTRY_HOST

if TYPE_CHECKING:
    from moto.core.responses import BaseResponse

SERVER_PATH = "/moto-api/static/ecr/layers"


class Download(NamedTuple):
    """The answer to a request for a layer."""

    status: int
    content_type: str
    body: Blob | bytes

    @property
    def headers(self) -> dict[str, str]:
        size = self.body.size if isinstance(self.body, Blob) else len(self.body)
        return {"Content-Type": self.content_type, "Content-Length": str(size)}

    def pieces(self) -> Iterator[bytes]:
        return self.body.pieces() if isinstance(self.body, Blob) else iter([self.body])


def layer_url(response: BaseResponse, backend: PullThroughCacheBackend, layer: Layer) -> str:
    """Return the URL of a layer, for the client whose request ``response`` answers."""
    account_id, region = backend.registry
    parameters = backend.download_signer.sign(layer)
    if response.is_werkzeug_request:
        base = f"{response.parsed_url.scheme}://{response.headers['Host']}{SERVER_PATH}"
        parameters = {"account_id": account_id, "region": region, **parameters}
    else:
        suffix = ".cn" if region.startswith("cn-") else ""
        base = f"https://{account_id}.dkr.ecr.{region}.amazonaws.com{suffix}/layers"
    return f"{base}?{urlencode(parameters)}"


def find_download(method: str, url: str) -> Download:
    """Return the answer to a request for a layer. Its URL is valid for GET and HEAD."""
    if method not in ("GET", "HEAD"):
        return _refuse(403, "AccessDenied", "The URL is good for downloads only")
    parameters = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    host = re.match(f"https?://{REGISTRY_HOST}/", url)
    named = host.groupdict() if host else {"account": parameters.get("account_id"), "region": parameters.get("region")}
    account_id, region = named["account"] or "", named["region"] or ""
    backend = _find_backend(account_id, region)
    fault = "There is no such registry" if backend is None else backend.download_signer.find_fault(parameters)
    if backend is None or fault:
        return _refuse(403, "AccessDenied", str(fault))
    layer = backend.held_layer(parameters["repository"], parameters["digest"])
    if layer is None:
        return _refuse(404, "NoSuchKey", "The layer does not exist any more")
    return Download(200, "application/octet-stream", layer)


def download_layer(request: Any, full_url: str, headers: Any) -> TYPE_RESPONSE:
    """Answer the download of a layer from a moto server."""
    download = find_download(request.method, full_url)
    return download.status, download.headers, cast(Any, download.pieces())


def _find_backend(account_id: str, region: str) -> PullThroughCacheBackend | None:
    if not re.fullmatch("[0-9]{12}", account_id):
        return None
    try:
        return cast(PullThroughCacheBackend, ecr_backends[account_id][region])
    except KeyError:
        return None


def _refuse(status: int, code: str, message: str) -> Download:
    # The form of Amazon S3's errors, since AWS stores layers there.
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Download(status, "application/xml", body.encode())
