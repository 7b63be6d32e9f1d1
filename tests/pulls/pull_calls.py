"""What the tests of pulls share: names, errors, and what a user does beside a pull."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import requests

from conftest import MODEL, Aws

BWA = "quay/biocontainers/bwa"
ALPINE = "docker-hub/library/alpine"
ACCESS_DENIED = (
    "The authentication to the upstream registry failed. "
    "Verify that the credentials provided in the pull through cache rule are correct, and try again."
)
NOT_A_REPOSITORY = "The repository with name '{}' does not exist in the registry with id '123456789012'"

REFERRERS = pytest.mark.skipif(
    "ListImageReferrers" not in MODEL.operation_names, reason="the model of an older botocore has no ListImageReferrers"
)


def tags(ecr: Any, repository: str) -> dict[str, str]:
    """Return the digest of each tag."""
    images = ecr.list_images(repositoryName=repository)["imageIds"]
    return {image["imageTag"]: image["imageDigest"] for image in images if "imageTag" in image}


def put_secret(aws: Aws, value: str) -> None:
    aws.client("secretsmanager").put_secret_value(SecretId="ecr-pullthroughcache/hub", SecretString=value)


def download(ecr: Any, repository: str, layer_digest: str) -> requests.Response:
    url = ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=layer_digest)["downloadUrl"]
    return requests.get(url, timeout=60)


def sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
