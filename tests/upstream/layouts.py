"""OCI image layouts on disk."""

from __future__ import annotations

import json
from pathlib import Path

from moto_ecr_ptc.ecr.upstream.built_images import BuiltImage, build_image


def write_layout(path: Path, tag: str | None = "1.0", image: BuiltImage | None = None) -> str:
    """Write an OCI image layout with one image and return its digest."""
    image = image or build_image([b"from a layout"], "linux/amd64")
    blobs: dict[str, bytes] = {}
    for held in (image, *image.children):
        blobs.update({**held.blobs, held.manifest.digest: held.manifest.content})
    (path / "blobs" / "sha256").mkdir(parents=True)
    for name, content in blobs.items():
        (path / "blobs" / name.replace(":", "/")).write_bytes(content)
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    entry = {
        "mediaType": image.manifest.media_type,
        "digest": image.manifest.digest,
        "size": len(image.manifest.content),
    }
    if tag is not None:
        entry["annotations"] = {"org.opencontainers.image.ref.name": tag}
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    return image.manifest.digest
