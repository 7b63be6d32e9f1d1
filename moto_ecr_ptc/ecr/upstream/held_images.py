"""The images that an upstream registry holds: those that users gave it, or a small one under every name and tag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from moto.core.base_backend import backend_lock

from ..access.credentials import UpstreamCredentials
from ..exceptions import UpstreamNotFound
from ..images.blobs import Blob, make_blob
from ..images.manifests import Descriptor, Manifest, is_digest, is_repository, is_tag
from ..wording import listed
from .built_images import (
    DEFAULT_PLATFORM,
    BuiltImage,
    build_image,
    build_index,
    check_layers,
    check_platforms,
    default_layer,
)
from .source import Fetched


@dataclass
class HeldRepository:
    manifests: dict[str, Manifest] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, Blob] = field(default_factory=dict)

    def add(self, image: BuiltImage, tag: str | None) -> None:
        for child in image.children:
            self.add(child, None)
        self.manifests[image.manifest.digest] = image.manifest
        self.blobs.update({digest: make_blob(content) for digest, content in image.blobs.items()})
        if tag is not None:
            self.tags[tag] = image.manifest.digest


class DefaultImages:
    """The contents of an upstream that nothing was put into: a small image under every name and tag."""

    def get_manifest(self, repository: str, reference: str, credentials: UpstreamCredentials | None) -> Fetched:
        if not (is_repository(repository) and is_tag(reference)):
            raise UpstreamNotFound(f"no registry has an image '{reference}' in a repository '{repository}'")
        image = _default_image(repository, reference)
        return Fetched(image.manifest, {digest: make_blob(content) for digest, content in image.blobs.items()})

    def get_blob(
        self, repository: str, digest: str, credentials: UpstreamCredentials | None, size: int | None = None
    ) -> Blob:
        raise UpstreamNotFound(f"its repository '{repository}' has no such layer")

    def get_referrers(
        self, repository: str, digest: str, credentials: UpstreamCredentials | None
    ) -> Sequence[Descriptor]:
        return ()

    def authenticate(self, credentials: UpstreamCredentials | None) -> None:
        """Accept any credentials, and none."""


class GivenImages:
    """The contents of an upstream that images were pushed to or loaded into."""

    def __init__(self) -> None:
        self.repositories: dict[str, HeldRepository] = {}

    def get_manifest(self, repository: str, reference: str, credentials: UpstreamCredentials | None) -> Fetched:
        with backend_lock:
            held = self._get(repository)
            digest = reference if is_digest(reference) else held.tags.get(reference, "")
            manifest = held.manifests.get(digest)
            if manifest is None:
                raise UpstreamNotFound(f"its repository '{repository}' has no '{reference}'; tags: {listed(held.tags)}")
            return Fetched(manifest, {blob.digest: held.blobs[blob.digest] for blob in manifest.blobs})

    def get_blob(
        self, repository: str, digest: str, credentials: UpstreamCredentials | None, size: int | None = None
    ) -> Blob:
        with backend_lock:
            blob = self._get(repository).blobs.get(digest)
            if blob is None:
                raise UpstreamNotFound(f"its repository '{repository}' has no such layer")
            return blob

    def get_referrers(
        self, repository: str, digest: str, credentials: UpstreamCredentials | None
    ) -> Sequence[Descriptor]:
        with backend_lock:
            return [
                Descriptor(manifest.media_type, manifest.digest, len(manifest.content))
                for manifest in self._get(repository).manifests.values()
                if manifest.subject == digest
            ]

    def authenticate(self, credentials: UpstreamCredentials | None) -> None:
        """Accept any credentials, and none."""

    def _get(self, repository: str) -> HeldRepository:
        try:
            return self.repositories[repository]
        except KeyError:
            held = listed(self.repositories)
            raise UpstreamNotFound(f"it has no repository '{repository}'; its repositories: {held}") from None


def build(
    repository: str,
    tag: str | None,
    layers: Sequence[bytes] | None,
    platforms: Sequence[str] | None,
    subject: Descriptor | None,
) -> BuiltImage:
    """Return an image to hold. The parameters are those of the public ``push``.

    :param subject: of an image of the same repository
    :raises ValueError: layers with platforms, or malformed ones
    """
    if platforms is None:
        return _build_one(repository, tag, layers, DEFAULT_PLATFORM, subject)
    if layers is not None:
        raise ValueError("push takes layers or platforms, not both")
    check_platforms(platforms)
    children = {platform: _build_one(repository, tag, None, platform, None) for platform in platforms}
    return build_index(children, subject)


def _build_one(
    repository: str, tag: str | None, layers: Sequence[bytes] | None, platform: str, subject: Descriptor | None
) -> BuiltImage:
    if layers is None:
        return build_image([default_layer(repository, tag, platform)], platform, subject)
    check_layers(layers)
    return build_image(layers, DEFAULT_PLATFORM, subject)


@lru_cache(maxsize=256)
def _default_image(repository: str, tag: str) -> BuiltImage:
    return _build_one(repository, tag, None, DEFAULT_PLATFORM, None)
