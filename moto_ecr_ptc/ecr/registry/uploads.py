"""Uploads of blobs at the registry endpoint: in one request, in chunks, or mounted from another repository.

A request's body is received without any lock, and then added to the upload, all of it or nothing.

Source: observed answers of Amazon ECR; OCI distribution specification 1.1, "Pushing blobs".
"""

from __future__ import annotations

import re

from moto.core.base_backend import backend_lock
from moto.ecr.models import Repository

from ..images.blob_references import blob_references
from ..images.blobs import Blob, BlobWriter
from ..images.uploads import Upload, receive
from .auth import Access
from .errors import InvalidBody, JsonError
from .messages import Answer, Request
from .paths import Path
from .repositories import check, check_target, find, target

_INITIATE = "ecr:InitiateLayerUpload"
_ADD = "ecr:UploadLayerPart"
_COMPLETE = "ecr:CompleteLayerUpload"


def start(request: Request, path: Path, access: Access) -> Answer:
    """Start an upload; or take the whole blob, or mount it. (InitiateLayerUpload)"""
    if "digest" in request.query:
        return _receive_at_once(request, path, access)
    with target(access, path.name, _INITIATE) as repository:
        mounted = _find_mountable(repository, request, access)
        if mounted:
            access.backend.layers.add_uploaded(repository, mounted)
            return _blob_answer(request, path, mounted)
        upload = access.backend.uploads.start(repository)
    return Answer(202, {"Location": _location(request, path, upload), "Range": "0-0"})


def add(request: Request, path: Path, access: Access) -> Answer:
    """Add a part to an upload. (UploadLayerPart)"""
    chunk = _read_range(request)
    first_byte = chunk.start if chunk else None
    with backend_lock:
        access.backend.uploads.get(find(access, path.name, _ADD), path.reference, first_byte)
    part = _receive(request, chunk)
    repository = find(access, path.name, _ADD)  # meanwhile the repository or the permission may be gone
    upload = access.backend.uploads.add(repository, path.reference, part, first_byte, is_chunk=chunk is not None)
    # ECR tells the end of the first part after each one.
    headers = {"Location": _location(request, path, upload), "Range": f"0-{max(upload.first_part_size - 1, 0)}"}
    return Answer(201, headers)


def finish(request: Request, path: Path, access: Access) -> Answer:
    """Add the last part of an upload, if there is one, and the blob to the repository. (CompleteLayerUpload)"""
    digest = _read_digest(request)
    chunk = _read_range(request)
    first_byte = chunk.start if chunk else None
    with backend_lock:
        access.backend.uploads.get(find(access, path.name, _COMPLETE), path.reference, first_byte)
    part = _receive(request, chunk)
    repository = find(access, path.name, _COMPLETE)  # meanwhile the repository or the permission may be gone
    if part.size:
        access.require(_ADD, path.name)
    blob = access.backend.uploads.finish(repository, path.reference, part, [digest], first_byte)
    return _blob_answer(request, path, blob)


def get(request: Request, path: Path, access: Access) -> Answer:
    """Return how much of an upload has been received."""
    with backend_lock:
        upload = access.backend.uploads.get(find(access, path.name, _ADD), path.reference)
        headers = {"Location": _location(request, path, upload), "Range": f"0-{max(upload.size - 1, 0)}"}
    return Answer(204, headers)


def cancel(request: Request, path: Path, access: Access) -> Answer:
    """Forget an upload."""
    with backend_lock:
        access.backend.uploads.cancel(find(access, path.name, _INITIATE), path.reference)
    return Answer(204)


def _receive_at_once(request: Request, path: Path, access: Access) -> Answer:
    digest = _read_digest(request)
    check_target(access, path.name, _INITIATE)
    part = _receive(request, None)
    # Meanwhile the repository or the permission may be gone.
    with target(access, path.name, _INITIATE) as repository:
        access.require(_ADD, path.name)
        access.require(_COMPLETE, path.name)
        uploads = access.backend.uploads
        upload = uploads.start(repository)
        try:
            blob = uploads.finish(repository, upload.id, part, [digest])
        except BaseException:
            uploads.cancel(repository, upload.id)
            raise
    return _blob_answer(request, path, blob)


def _receive(request: Request, chunk: range | None) -> BlobWriter:
    part = receive(request.body)
    if chunk is not None and part.size != len(chunk):
        raise InvalidBody(f"The body has {part.size} bytes, and its Content-Range {len(chunk)}")
    return part


def _read_digest(request: Request) -> str:
    digest = request.query.get("digest", "")
    check("layerDigest", digest, "LayerDigest")
    return digest


def _read_range(request: Request) -> range | None:
    """Return the bytes of the blob that a request says it brings; None if it says nothing."""
    header = request.headers.get("content-range")
    if header is None:
        return None
    match = re.fullmatch(r"(?:bytes[ =])?([0-9]{1,18})-([0-9]{1,18})(?:/(?:[0-9]+|\*))?", header.strip())
    if not match or int(match[1]) > int(match[2]):
        raise JsonError("BLOB_UPLOAD_INVALID", 416, f"The Content-Range '{header}' is malformed")
    return range(int(match[1]), int(match[2]) + 1)


def _find_mountable(repository: Repository, request: Request, access: Access) -> Blob | None:
    """Return the blob that a request asks to mount from another repository; None if that is not possible.

    Source: Amazon ECR user guide, "Blob mounting": both repositories are in this registry, have the same encryption,
    and were not created by pull through cache; an image in the other one refers to the blob.
    """
    backend = access.backend
    digest, name = request.query.get("mount", ""), request.query.get("from", "")
    source = backend.repositories.get(name)
    if source is None or backend.account_settings.get(name="BLOB_MOUNTING") != "ENABLED":
        return None
    if backend.is_cached(source.name) or backend.is_cached(repository.name):
        return None
    if source.encryption_configuration != repository.encryption_configuration:
        return None
    if not blob_references(source).find(digest) or not access.may("ecr:GetDownloadUrlForLayer", name):
        return None
    return backend.held_layer(name, digest)


def _location(request: Request, path: Path, upload: Upload) -> str:
    return f"{request.base_url}/v2/{path.name}/blobs/uploads/{upload.id}"


def _blob_answer(request: Request, path: Path, blob: Blob) -> Answer:
    location = f"{request.base_url}/v2/{path.name}/blobs/{blob.digest}"
    return Answer(201, {"Location": location, "Docker-Content-Digest": blob.digest})
