"""The calls that set up upstream registries: ``/moto-api/static/ecr/upstream-…``.

Each takes and returns JSON, except for ``upstream-load``, which takes the archive of an OCI image layout.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, cast

from moto.ecr.models import ecr_backends

from ..models import PullThroughCacheBackend
from ..upstream.built_images import UpstreamImage
from ..upstream.oci_layout import read_archive
from ..upstream.proxy import DEFAULT_TIMEOUT
from .calls import Parameters


def push(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    repository = parameters.take("repository", str, required=True)
    tag = parameters.take("tag", str) if "tag" in parameters else "latest"
    layers = parameters.take("layers", list)
    platforms = parameters.take("platforms", list)
    subject = parameters.take("subject", str)
    parameters.finish()
    return _image(upstream.push(repository, tag, layers and [_decode(layer) for layer in layers], platforms, subject))


def load(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    repository = parameters.take("repository", str, required=True)
    archive = parameters.take_body()
    parameters.finish()
    return {"images": [_describe(image) for image in upstream.load(read_archive(archive), repository)]}


def proxy(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    url = parameters.take("url", str, required=True)
    timeout = parameters.take("timeout", (int, float), DEFAULT_TIMEOUT)
    parameters.finish()
    upstream.proxy(url, timeout)
    return {}


def credentials(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    accepted = parameters.take("credentials", dict)
    parameters.finish()
    upstream.credentials = accepted
    return {}


def fail(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    repository = parameters.take("repository", str)
    status = parameters.take("status", int)
    error = parameters.take("error", str)
    parameters.finish()
    upstream.fail(repository, status, error)
    return {}


def recover(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    repository = parameters.take("repository", str)
    parameters.finish()
    upstream.recover(repository)
    return {}


def describe(parameters: Parameters) -> Any:
    """Return the pulls from an upstream registry, and the credentials that it accepts."""
    upstream = parameters.upstream()
    parameters.finish()
    return {
        "credentials": upstream.credentials,
        "pulls": [{**vars(pull), "at": pull.at.isoformat()} for pull in upstream.pulls],
    }


def expire(parameters: Parameters) -> Any:
    """Make cached tags stale, since a client cannot move a server's clock."""
    registry = parameters.take_registry()
    repository = parameters.take("repository", str)
    parameters.finish()
    try:
        backend = ecr_backends[registry.account_id][registry.region]
    except KeyError:
        raise ValueError(f"There is no Region '{registry.region}'") from None
    return {"expired": cast(PullThroughCacheBackend, backend).expire_cached_tags(repository)}


def _describe(image: UpstreamImage) -> dict[str, Any]:
    return {"digest": image.digest, "mediaType": image.media_type, "manifest": image.manifest.decode()}


def _image(image: UpstreamImage) -> dict[str, Any]:
    return {**_describe(image), "layers": [base64.b64encode(layer).decode() for layer in image.layers]}


def _decode(layer: Any) -> bytes:
    try:
        return base64.b64decode(layer, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise ValueError("Each of 'layers' must be bytes in base64") from None
