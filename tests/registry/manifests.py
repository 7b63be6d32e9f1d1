"""Manifests that the tests push, and images that they upload for them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import MODEL
from tests.registry.endpoint import (
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Endpoint,
    image_manifest,
    sha256,
)

DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
EMPTY = "application/vnd.oci.empty.v1+json"
ABSENT = sha256(b"absent")
CREATE_ON_PUSH = pytest.mark.skipif(
    "CREATE_ON_PUSH" not in MODEL.shape_for("RCTAppliedFor").enum,
    reason="the model of an older botocore has no templates for pushes",
)
IMAGE_NOT_FOUND = (404, "MANIFEST_UNKNOWN", "Requested image not found")


def repository_not_found(name: str, registry_id: str = "123456789012") -> tuple[int, str, str]:
    message = f"The repository with name '{name}' does not exist in the registry with id '{registry_id}'"
    return (404, "NAME_UNKNOWN", message)


def invalid_manifest(constraint: str) -> tuple[int, str, str]:
    message = f"Invalid parameter at 'ImageManifest' failed to satisfy constraint: '{constraint}'"
    return (405, "UNSUPPORTED", message)


def oci_image(*layers: bytes, config: bytes = b"{}", **members: Any) -> dict[str, Any]:
    """Return the manifest of an image whose blobs ``push_blobs`` uploads."""
    blobs = [config, *(layers or [b"layer"])]
    return image_manifest([sha256(blob) for blob in blobs], [len(blob) for blob in blobs], **members)


def docker_image(*layers: bytes, **members: Any) -> dict[str, Any]:
    document = {**oci_image(*layers), "mediaType": DOCKER_MANIFEST}
    document["config"] = {**document["config"], "mediaType": DOCKER_CONFIG}
    document["layers"] = [{**layer, "mediaType": DOCKER_LAYER} for layer in document["layers"]]
    return {**document, **members}


def index_of(*children: bytes, media_type: str = OCI_INDEX, **members: Any) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": media_type,
        "manifests": [descriptor(child, json.loads(child)["mediaType"]) for child in children],
        **members,
    }


def signature_of(subject: bytes, artifact_type: str = "application/vnd.example.signature", **members: Any) -> Any:
    """Return the manifest of an artifact that refers to an image."""
    document = oci_image(b"{}", subject=descriptor(subject), artifactType=artifact_type, **members)
    document["config"]["mediaType"] = EMPTY
    return document


def descriptor(manifest: bytes, media_type: str = OCI_MANIFEST) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": sha256(manifest), "size": len(manifest)}


def push_blobs(endpoint: Endpoint, repository: str = "app", *layers: bytes) -> None:
    """Upload the blobs of ``oci_image`` and ``docker_image``."""
    for blob in (b"{}", *(layers or [b"layer"])):
        endpoint.push_blob(repository, blob)


def tags_of(ecr: Any, repository: str = "app") -> dict[str, list[str]]:
    """Return the tags of each image by its digest, as the API has them."""
    details = ecr.describe_images(repositoryName=repository)["imageDetails"]
    return {detail["imageDigest"]: sorted(detail.get("imageTags", [])) for detail in details}


def put_manifest(
    endpoint: Endpoint, content: Any, reference: str = "v1", *, repository: str = "app", **headers: str
) -> Any:
    """Push a manifest, or other content, with a header's names written with underscores."""
    body = json.dumps(content).encode() if isinstance(content, dict) else content
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return endpoint("PUT", f"/v2/{repository}/manifests/{reference}", body, headers=named)
