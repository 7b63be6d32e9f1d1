"""Where a layer's bytes are downloaded: the URL that GetDownloadUrlForLayer gives out, and what answers there.

In process the URL is on the registry's own host; on a server it is on the host that the client called.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit

from moto.core.common_types import TYPE_RESPONSE
from moto.ecr.models import ecr_backends

from .images import is_digest

if TYPE_CHECKING:
    from moto.core.responses import BaseResponse

    from .models import PullThroughCacheBackend

REGISTRY_URL = r"https?://[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/layers$"
SERVER_PATH = "/moto-api/static/ecr/layers"


def layer_url(response: BaseResponse, account_id: str, repository_name: str, digest: str) -> str:
    """Return the URL of a layer, for the client whose request ``response`` answers."""
    region = response.region
    if response.is_werkzeug_request:
        base = f"{response.parsed_url.scheme}://{response.headers['Host']}{SERVER_PATH}"
    else:
        suffix = ".cn" if region.startswith("cn-") else ""
        base = f"https://{account_id}.dkr.ecr.{region}.amazonaws.com{suffix}/layers"
    query = {"account_id": account_id, "region": region, "repository": repository_name, "digest": digest}
    return f"{base}?{urlencode(query)}"


def download_layer(request: Any, full_url: str, headers: Any) -> TYPE_RESPONSE:
    """Answer a download of a layer, whole."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(full_url).query).items()}
    layer = _find_layer(query)
    if layer is None:
        return 404, {"Content-Type": "text/plain"}, "There is no such layer\n"
    return 200, {"Content-Type": "application/octet-stream"}, layer


def _find_layer(query: dict[str, str]) -> bytes | None:
    account_id, region = query.get("account_id", ""), query.get("region", "")
    if not re.fullmatch("[0-9]{12}", account_id) or not is_digest(query.get("digest", "")):
        return None
    try:
        backend = cast("PullThroughCacheBackend", ecr_backends[account_id][region])
    except KeyError:
        return None
    return backend.held_layer(query.get("repository", ""), query["digest"])
