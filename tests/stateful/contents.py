"""What the sequences push and pull: a few images, learned once from a mock of their own, and the names in use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from moto import mock_aws

from conftest import ACCOUNT, OTHER_ACCOUNT, Aws
from moto_ecr_ptc import UpstreamImage, UpstreamRegistry, upstream_registry
from tests.registry.endpoint import image_manifest, registry_host, sha256

QUAY = "quay.io"
HUB = "registry-1.docker.io"


class Registry(NamedTuple):
    """An account in a Region."""

    account: str
    region: str

    @property
    def host(self) -> str:
        return registry_host(*self)


HOME = Registry(ACCOUNT, "us-east-1")
ABROAD = Registry(ACCOUNT, "eu-west-1")
NEIGHBOUR = Registry(OTHER_ACCOUNT, "us-east-1")
REGISTRIES = (HOME, ABROAD, NEIGHBOUR)

UPSTREAM_URLS = (QUAY, HUB, HOME.host, ABROAD.host)
PREFIXES = ("quay", "quay/team", "hub", "ecr", "ROOT")
REPOSITORIES = ("quay/app", "quay/team/app", "hub/library/app", "hub/app", "ecr/app", "app")
TAGS = ("v1", "v2")
AT_UPSTREAM = {QUAY: ("app", "team/app", "up/app"), HUB: ("library/app", "up/library/app")}
"""The repositories that are filled at the upstreams."""


class Image(NamedTuple):
    """An image as a registry stores it."""

    content: str
    media_type: str

    @property
    def digest(self) -> str:
        return sha256(self.content.encode())

    @property
    def document(self) -> Any:
        return json.loads(self.content)

    @property
    def children(self) -> list[str]:
        return [child["digest"] for child in self.document.get("manifests", [])]

    @property
    def blobs(self) -> set[str]:
        """The digests of the configuration and of the layers."""
        document = self.document
        described = [document["config"], *document["layers"]] if "layers" in document else []
        return {blob["digest"] for blob in described}

    @property
    def subject(self) -> str | None:
        return self.document.get("subject", {}).get("digest")


class Catalogued(NamedTuple):
    """An image that is put into upstream registries, with the images of its platforms."""

    root: Image
    children: tuple[Image, ...] = ()

    @property
    def images(self) -> dict[str, Image]:
        return {image.digest: image for image in (self.root, *self.children)}


SHARED_LAYER = b"a layer that clients upload and upstreams have"
_PUSHES: Mapping[str, Mapping[str, Any]] = {
    "first": {"layers": [SHARED_LAYER, b"first"]},
    "second": {"layers": [b"second"]},
    "docker": {"layers": [b"docker"], "media_type": "docker"},
    "index": {"platforms": {"linux/amd64": [b"amd64"], "linux/arm64": [b"arm64"]}},
}
CATALOGUE = tuple(_PUSHES)


def push(upstream: UpstreamRegistry, repository: str, name: str, tag: str) -> UpstreamImage:
    """Put an image of the catalogue into an upstream registry."""
    return upstream.push(repository, tag=tag, **_PUSHES[name])


def push_signature(upstream: UpstreamRegistry, repository: str, subject: str) -> UpstreamImage:
    """Put an artifact that refers to an image beside it."""
    return upstream.push(
        repository, tag=None, layers=[b"signature"], artifact_type="application/vnd.example.signature", subject=subject
    )


class OwnImage(NamedTuple):
    """An image of one layer that clients push to ECR."""

    layer: bytes
    config: bytes = b"{}"

    @property
    def image(self) -> Image:
        blobs = (self.config, self.layer)
        document = image_manifest([sha256(blob) for blob in blobs], [len(blob) for blob in blobs])
        return Image(json.dumps(document), document["mediaType"])


OWN_IMAGES = (OwnImage(b"one of our own"), OwnImage(SHARED_LAYER))


@cache
def catalogue() -> dict[str, Catalogued]:
    """Return the images of the catalogue. A mock tells what they are: the same call always makes the same bytes."""
    with mock_aws():
        ecr, upstream = _learner()
        learned = {}
        for name in CATALOGUE:
            push(upstream, "app", name, "latest")
            root = _pull(ecr, "app", imageTag="latest")
            children = tuple(_pull(ecr, "app", imageDigest=digest) for digest in root.children)
            learned[name] = Catalogued(root, children)
            upstream.expire()
        return learned


@cache
def all_blobs() -> frozenset[str]:
    """Return the blobs of the catalogue and of the images that clients push."""
    catalogued = (image for one in catalogue().values() for image in one.images.values())
    return frozenset(blob for image in (*catalogued, *(own.image for own in OWN_IMAGES)) for blob in image.blobs)


@cache
def default_image(repository: str, tag: str) -> Image:
    """Return what an upstream answers that nothing was put into."""
    return _default_images()[repository, tag]


@cache
def _default_images() -> dict[tuple[str, str], Image]:
    names = {path for name in REPOSITORIES for path in _suffixes(name)}
    names |= {f"up/{name}" for name in names}
    with mock_aws():
        ecr, _ = _learner()
        return {(name, tag): _pull(ecr, name, imageTag=tag) for name in sorted(names) for tag in TAGS}


def _suffixes(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _learner() -> tuple[Any, UpstreamRegistry]:
    ecr = Aws(None).client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="ROOT", upstreamRegistryUrl=QUAY)
    return ecr, upstream_registry("quay")


def _pull(ecr: Any, repository: str, **image_id: str) -> Image:
    (image,) = ecr.batch_get_image(repositoryName=repository, imageIds=[image_id])["images"]
    return Image(image["imageManifest"], image["imageManifestMediaType"])
