"""An image as fetched from an upstream: its manifests, and the blobs that came with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..access.credentials import UpstreamCredentials
from ..exceptions import UpstreamNotFound
from ..images.blobs import Blob
from ..images.manifests import Manifest
from ..upstream.source import Fetched, Source


class FetchedImage(NamedTuple):
    """Everything that was fetched from an upstream for one image."""

    root: Manifest
    manifests: Mapping[str, Manifest]
    """The root and, if that is an index, its children, by digest."""

    blobs: Mapping[str, Blob]


def fetch_image(
    source: Source, repository: str, reference: str, credentials: UpstreamCredentials | None
) -> FetchedImage:
    """Fetch an image; of an index, also the children that the upstream has.

    :param reference: a tag or digest
    :raises UpstreamError: the upstream does not have the image, or does not return it
    """
    fetched = source.get_manifest(repository, reference, credentials)
    manifests: dict[str, Manifest] = {}
    blobs: dict[str, Blob] = {}
    pending: list[Fetched] = [fetched]
    while pending:
        current = pending.pop()
        manifests[current.manifest.digest] = current.manifest
        blobs.update(current.blobs)
        for child in current.manifest.children:
            if child.digest not in manifests:
                try:
                    pending.append(source.get_manifest(repository, child.digest, credentials))
                except UpstreamNotFound:
                    continue  # an upstream may have only some of an index's platforms
    return FetchedImage(fetched.manifest, manifests, blobs)
