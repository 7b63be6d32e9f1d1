"""Blobs at the registry endpoint: layers and configurations, pulled through the cache if need be.

Source: OCI distribution specification 1.1, "Pulling blobs"; RFC 9110, "Range Requests".
"""

from __future__ import annotations

import re

from moto.core.base_backend import backend_lock

from ..images.blobs import Blob
from .auth import Access
from .errors import RangeNotSatisfiable, Unsupported
from .messages import Answer, BlobRange, Request
from .paths import Path
from .repositories import check

_RANGE = re.compile(r"bytes=(?:(?P<first>[0-9]+)-(?P<last>[0-9]*)|-(?P<suffix>[0-9]+))", re.IGNORECASE)


def get(request: Request, path: Path, access: Access) -> Answer:
    """Return a blob, or the range of it that is asked for. (GetDownloadUrlForLayer)"""
    check("layerDigest", path.reference, "LayerDigest")
    access.require("ecr:GetDownloadUrlForLayer", path.name)
    blob = _pull(path, access)
    headers = {
        "Content-Type": "application/octet-stream",
        "Docker-Content-Digest": path.reference,
        "Accept-Ranges": "bytes",
    }
    part = _find_range(request.headers.get("range", ""), blob)
    if part is None:
        return Answer(200, headers, BlobRange(blob, 0, blob.size))
    headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{blob.size}"
    return Answer(206, headers, part)


def head(request: Request, path: Path, access: Access) -> Answer:
    """Return whether a repository has a blob, and its size. (BatchCheckLayerAvailability)

    A blob that is not pulled yet is described by its image's manifest. One that no image has is pulled.
    """
    check("layerDigest", path.reference, "LayerDigest")
    with backend_lock:
        access.require("ecr:BatchCheckLayerAvailability", path.name)
        repository = access.backend.repositories.get(path.name)
        layers = access.backend.layers.check(repository, [path.reference])[0] if repository else []
    size = layers[0]["layerSize"] if layers else _pull(path, access).size
    return Answer(
        200,
        {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size),
            "Docker-Content-Digest": path.reference,
            "Accept-Ranges": "bytes",
        },
    )


def delete(request: Request, path: Path, access: Access) -> Answer:
    """Refuse to delete a blob: ECR does that by itself, with the last image that refers to it."""
    raise Unsupported("The operation is unsupported.")


def _pull(path: Path, access: Access) -> Blob:
    return access.backend.layer_pulls.get_layer(
        repository_name=path.name, layer_digest=path.reference, caller=access.caller, asked_by=access.arn
    )


def _find_range(header: str, blob: Blob) -> BlobRange | None:
    """Return the range that a header asks for; None for the whole blob, as for several ranges or a malformed one.

    :raises RangeNotSatisfiable: it begins beyond the end
    """
    match = _RANGE.fullmatch(header.strip())
    if not match:
        return None
    first, last, suffix = (_read_number(match[name]) for name in ("first", "last", "suffix"))
    if first is None:
        first, last = max(blob.size - (suffix or 0), 0), None
    if last is not None and last < first:
        return None
    if first >= blob.size:
        raise RangeNotSatisfiable(blob.size)
    return BlobRange(blob, first, blob.size if last is None else min(last + 1, blob.size))


def _read_number(digits: str | None) -> int | None:
    """Return a number, cut to more digits than any blob's size has: Python refuses to read very long ones."""
    return int(digits.lstrip("0")[:20] or "0") if digits else None
