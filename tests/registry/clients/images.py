"""Images that clients can unpack, and what lies in an OCI image layout.

Their layers are compressed: skopeo compresses others on the way to a registry or a layout, which changes the digests.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

from moto_ecr_ptc.ecr.images.manifests import Descriptor, sha256
from moto_ecr_ptc.ecr.upstream.built_images import BuiltImage, build_image, build_index


def make_layer(path: str, content: bytes) -> bytes:
    """Return a compressed layer with one file, the same bytes each time."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        member = tarfile.TarInfo(path)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return gzip.compress(archive.getvalue(), mtime=0)


AMD64 = build_image([make_layer("etc/platform", b"amd64"), make_layer("etc/second", b"layer")], "linux/amd64")
ARM64 = build_image([make_layer("etc/platform", b"arm64")], "linux/arm64")
INDEX = build_index({"linux/amd64": AMD64, "linux/arm64": ARM64})


def describe(image: BuiltImage) -> Descriptor:
    """Return the descriptor of an image, as another one names it as its subject."""
    return Descriptor(image.manifest.media_type, image.manifest.digest, len(image.manifest.content))


def stored_blobs(layout: Path) -> dict[str, bytes]:
    """Return the manifests, configurations and layers of a layout by their digests."""
    found = {f"sha256:{path.name}": path.read_bytes() for path in (layout / "blobs" / "sha256").iterdir()}
    assert {digest: sha256(content) for digest, content in found.items()} == {digest: digest for digest in found}
    return found


def tagged_digests(layout: Path) -> dict[str, str]:
    """Return the digest of each tag of a layout."""
    index = json.loads((layout / "index.json").read_text())
    return {
        manifest["annotations"]["org.opencontainers.image.ref.name"]: manifest["digest"]
        for manifest in index["manifests"]
    }
