"""Images that scenarios push to the registry endpoint: a few bytes each."""

from __future__ import annotations

import json
from typing import Any

import requests

from .case import Case, Stopped, digest_of

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"config":{}}'

_MEDIA_TYPES = {
    OCI_MANIFEST: ("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip"),
    DOCKER_MANIFEST: (
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    ),
}


def image(*layers: bytes, media_type: str = OCI_MANIFEST, **members: Any) -> dict[str, Any]:
    """Return the manifest of an image."""
    of_config, of_layers = _MEDIA_TYPES[media_type]
    return {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": descriptor(CONFIG, of_config),
        "layers": [descriptor(layer, of_layers) for layer in layers],
        **members,
    }


def index(*children: bytes) -> dict[str, Any]:
    platform = {"architecture": "amd64", "os": "linux"}
    manifests = [{**descriptor(child, OCI_MANIFEST), "platform": platform} for child in children]
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}


def descriptor(content: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def start(case: Case, repository: str) -> str:
    """Start an upload, and return its path."""
    reply = case.http("POST", f"/v2/{repository}/blobs/uploads/")
    return case.cloud.path_of(_accepted(reply, 202).headers["Location"])


def add(case: Case, upload: str, content: bytes, first: int | None = None) -> requests.Response:
    """Send a chunk, with its place if that is given."""
    place = {} if first is None else {"Content_Range": f"{first}-{first + len(content) - 1}"}
    return case.http("PATCH", upload, content, Content_Type="application/octet-stream", **place)


def close(case: Case, upload: str, digest: str, content: bytes = b"") -> requests.Response:
    joint = "&" if "?" in upload else "?"
    return case.http("PUT", f"{upload}{joint}digest={digest}", content, Content_Type="application/octet-stream")


def push_blob(case: Case, repository: str, content: bytes) -> str:
    """Upload a blob, and return its digest."""
    _accepted(close(case, start(case, repository), digest_of(content), content), 201)
    return digest_of(content)


def put(case: Case, repository: str, reference: str, document: Any, **headers: str) -> requests.Response:
    """Push a manifest, or whatever stands for one."""
    content = json.dumps(document).encode() if isinstance(document, dict) else document
    if isinstance(document, dict):
        headers = {"Content_Type": document.get("mediaType", OCI_MANIFEST), **headers}
    return case.http("PUT", f"/v2/{repository}/manifests/{reference}", content, **headers)


def push(case: Case, repository: str, reference: str, *layers: bytes, **members: Any) -> bytes:
    """Push an image with its blobs, and return its manifest."""
    for blob in (CONFIG, *layers):
        push_blob(case, repository, blob)
    document = image(*layers, **members)
    _accepted(put(case, repository, reference, document), 201)
    return json.dumps(document).encode()


def _accepted(reply: requests.Response, status: int) -> requests.Response:
    if reply.status_code != status:
        raise Stopped(f"{reply.request.method} {reply.request.path_url}: {reply.status_code} {reply.text}")
    return reply
