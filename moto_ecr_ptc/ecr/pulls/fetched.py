"""What came from an upstream: an image with all that it consists of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..access.credentials import UpstreamCredentials
from ..exceptions import UpstreamNotFound
from ..images.blobs import Blob
from ..images.manifests import Manifest
from ..upstream.source import Fetched, Source


class FetchedImage(NamedTuple):
    """All that was fetched from an upstream for one image."""

    root: Manifest
    manifests: Mapping[str, Manifest]
    """The root and, below an index, its children."""

    blobs: Mapping[str, Blob]


def fetch_image(
    source: Source, repository: str, reference: str, credentials: UpstreamCredentials | None
) -> FetchedImage:
    """Fetch an image, with the children of an index.

    :raises UpstreamError: the upstream lacks the image, or does not give it
    """
    fetched = source.get_manifest(repository, reference, credentials)
    manifests: dict[str, Manifest] = {}
    blobs: dict[str, Blob] = {}
    waiting: list[Fetched] = [fetched]
    while waiting:
        current = waiting.pop()
        manifests[current.manifest.digest] = current.manifest
        blobs.update(current.blobs)
        for child in current.manifest.children:
            if child.digest not in manifests:
                try:
                    waiting.append(source.get_manifest(repository, child.digest, credentials))
                except UpstreamNotFound:
                    continue  # an upstream may hold some of an index's platforms only
    return FetchedImage(fetched.manifest, manifests, blobs)
