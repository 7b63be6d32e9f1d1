"""Builds a root file system from an image that Amazon ECR pulls through its cache. It has nothing to do with moto."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import tarfile
import time
from pathlib import Path
from typing import Any

import requests

MANIFESTS = {"application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"}
INDEXES = {"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"}
ATTEMPTS = 4
BUSY = {"UpstreamTooManyRequests", "UpstreamUnavailable"}


class ImageNotPulled(Exception):
    """ECR did not return an image."""


def set_up(session: Any, prefix: str, upstream: str, credentials: dict[str, str]) -> None:
    """Make the secret, the rule and the template of a prefix, those that do not exist yet."""
    ecr, secretsmanager = session.client("ecr"), session.client("secretsmanager")
    name = f"ecr-pullthroughcache/{prefix}"
    with contextlib.suppress(secretsmanager.exceptions.ResourceExistsException):
        secretsmanager.create_secret(Name=name, SecretString=json.dumps(credentials))
    arn = secretsmanager.describe_secret(SecretId=name)["ARN"]
    with contextlib.suppress(ecr.exceptions.PullThroughCacheRuleAlreadyExistsException):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl=upstream, credentialArn=arn)
    with contextlib.suppress(ecr.exceptions.TemplateAlreadyExistsException):
        ecr.create_repository_creation_template(
            prefix=prefix, appliedFor=["PULL_THROUGH_CACHE"], imageTagMutability="IMMUTABLE"
        )


def build(ecr: Any, repository: str, tag: str, platform: str, directory: Path, *, patience: float = 1.0) -> None:
    """Unpack an image's layers into a directory, for a platform such as ``linux/arm64``.

    :param patience: seconds before the second attempt, where the upstream is busy; then twice as long each time
    """
    manifest = find_manifest(ecr, repository, {"imageTag": tag}, patience)
    if manifest["mediaType"] in INDEXES:
        digests = {
            f"{child['platform']['os']}/{child['platform']['architecture']}": child["digest"]
            for child in manifest["manifests"]
        }
        manifest = find_manifest(ecr, repository, {"imageDigest": digests[platform]}, patience)
    for layer in manifest["layers"]:
        answer = ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=layer["digest"])
        content = requests.get(answer["downloadUrl"], timeout=60).content
        unpack(gzip.decompress(content) if layer["mediaType"].endswith("gzip") else content, directory)


def find_manifest(ecr: Any, repository: str, image_id: dict[str, str], patience: float) -> dict[str, Any]:
    """Return the manifest of an image or of an index, after up to four attempts."""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(patience * 2 ** (attempt - 1))
        answer = ecr.batch_get_image(
            repositoryName=repository, imageIds=[image_id], acceptedMediaTypes=sorted(MANIFESTS | INDEXES)
        )
        if answer["images"]:
            image = answer["images"][0]
            return {"mediaType": image["imageManifestMediaType"], **json.loads(image["imageManifest"])}
        failure = answer["failures"][0]
        if failure["failureCode"] not in BUSY:
            break
    raise ImageNotPulled(f"{repository} {image_id}: {failure['failureCode']}, {failure['failureReason']}")


def unpack(archive: bytes, directory: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            if member.isfile():
                target = directory / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(tar.extractfile(member).read())
