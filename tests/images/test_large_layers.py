"""A large layer on its way from a layout through a server to a client: the server never has it in memory."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from conftest import Aws, digest, pull
from moto_ecr_ptc.ecr.images.manifests import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, sha256

MEBIBYTE = 1024 * 1024
LAYER = 128 * MEBIBYTE
PEAK = 40 * MEBIBYTE
"""How much the server's peak of memory may rise."""

SERVER = """
from moto.server import ThreadedMotoServer
import moto_ecr_ptc
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print("http://%s:%d" % server.get_host_and_port(), flush=True)
input()
"""


class Server(Aws):
    def __init__(self, url: str, process: subprocess.Popen[str]) -> None:
        super().__init__(url)
        self._status = Path(f"/proc/{process.pid}/status")

    @property
    def peak(self) -> int:
        """The most memory that the process has used so far, in bytes."""
        (line,) = (line for line in self._status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024


@pytest.fixture
def process() -> Iterator[Server]:
    if not Path("/proc/self/status").exists():
        pytest.skip("the system does not show how much memory a process uses")
    with subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield Server(process.stdout.readline().strip(), process)
        process.kill()


@pytest.fixture
def archive(tmp_path: Path) -> tuple[Path, str]:
    """An OCI image layout with one large layer, and the layer's digest."""
    (tmp_path / "blobs" / "sha256").mkdir(parents=True)
    layer, hashed = tmp_path / "layer", hashlib.sha256()
    with layer.open("wb") as file:
        for number in range(LAYER // MEBIBYTE):
            piece = number.to_bytes(4, "big") * (MEBIBYTE // 4)
            file.write(piece)
            hashed.update(piece)
    layer_digest = f"sha256:{hashed.hexdigest()}"
    layer.rename(tmp_path / "blobs" / layer_digest.replace(":", "/"))

    def describe(content: bytes, media_type: str) -> dict[str, object]:
        (tmp_path / "blobs" / sha256(content).replace(":", "/")).write_bytes(content)
        return {"mediaType": media_type, "digest": sha256(content), "size": len(content)}

    layers = [{"mediaType": OCI_LAYER, "digest": layer_digest, "size": LAYER}]
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": describe(b"{}", OCI_CONFIG),
        "layers": layers,
    }
    entry = describe(json.dumps(manifest).encode(), OCI_MANIFEST)
    entry["annotations"] = {"org.opencontainers.image.ref.name": "1.0"}
    (tmp_path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    packed = tmp_path / "layout.tar"
    with tarfile.open(packed, "w") as tar:
        for name in ("index.json", "blobs"):
            tar.add(tmp_path / name, arcname=name)
    return packed, layer_digest


def test_large_layer_is_loaded_pulled_and_downloaded_in_bounded_memory(process, archive):
    path, layer = archive
    ecr = process.client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    pull(ecr, "quay/other/app")
    before = process.peak
    call = f"{process.endpoint_url}/moto-api/static/ecr/upstream-load?registry=quay&repository=team/app"
    with path.open("rb") as file:
        requests.post(call, data=file, timeout=60).raise_for_status()
    assert digest(pull(ecr, "quay/team/app", "1.0"))
    url = ecr.get_download_url_for_layer(repositoryName="quay/team/app", layerDigest=layer)["downloadUrl"]
    hashed = hashlib.sha256()
    with requests.get(url, stream=True, timeout=60) as answer:
        for piece in answer.iter_content(MEBIBYTE):
            hashed.update(piece)
    assert f"sha256:{hashed.hexdigest()}" == layer
    assert process.peak - before < PEAK
