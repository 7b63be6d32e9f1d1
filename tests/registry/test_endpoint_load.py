"""Large blobs that a server never has in memory, and many clients that pull the same at once.

``benchmarks/load.py`` does both on a larger scale.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from moto_ecr_ptc.ecr.upstream.built_images import BuiltImage, build_image
from tests.registry import observed_server
from tests.registry.endpoint import OCI_MANIFEST, image_manifest, sha256
from tests.registry.registry_client import (
    MEBIBYTE,
    Body,
    Client,
    Sending,
    digest_of,
    pieces,
    pull_through,
    with_digest,
)
from tests.upstream import docker_registry
from tests.upstream.docker_registry import DockerRegistry
from tests.upstream.proxy.scripted_registry import Answer, Server, manifest

SIZE = 128 * MEBIBYTE
DIGEST = digest_of(pieces(SIZE))
CONFIG = b"{}"
CHUNK = 16 * MEBIBYTE
PEAK = 200_000_000
"""How much memory the server may have used at most: less than its own and the blob's."""

CURL = {"Content_Type": "application/x-www-form-urlencoded"}
"""What curl says of every body that it is not told about."""

CLIENTS = 8
IMAGES = {f"app/{number}": build_image([b"layer %d" % number], "linux/amd64") for number in range(5)}


# --- memory -----------------------------------------------------------------------------------------------------------


@observed_server.LINUX
def test_large_blob_that_is_pushed_by_one_put_stays_out_of_memory(process):
    client = Client(process)
    sending = Sending(client, "PUT", with_digest(client.start(), DIGEST), SIZE, **CURL)
    for piece in pieces(SIZE):
        sending.send(piece)
    assert sending.answer().status == 201
    assert process.peak < PEAK


@observed_server.LINUX
def test_large_blob_that_is_pushed_as_a_stream_stays_out_of_memory(process):
    client = Client(process)
    upload = client.start()
    client.add(upload, pieces(SIZE))  # requests sends what an iterator yields in chunks of HTTP, and tells no length
    client.finish(upload, DIGEST)
    assert process.peak < PEAK


@observed_server.LINUX
def test_large_blob_that_is_pushed_in_chunks_and_pulled_stays_out_of_memory(process):
    client = Client(process)
    upload = client.start()
    content = pieces(SIZE)
    for start in range(0, SIZE, CHUNK):
        chunk = b"".join(next(content) for _ in range(CHUNK // MEBIBYTE))
        answer = client("PATCH", upload, chunk, headers={"Content-Range": f"{start}-{start + CHUNK - 1}"})
        assert answer.status_code == 201
    client.finish(upload, DIGEST)
    assert client.digest_of_pulled(DIGEST) == DIGEST
    assert process.peak < PEAK


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[DockerRegistry]:
    """A real registry that has an image with the large blob."""
    directory = tmp_path / "upstream"
    directory.mkdir()
    with docker_registry.serve(directory) as registry:
        upload_to(registry, DIGEST, pieces(SIZE))
        upload_to(registry, sha256(CONFIG), CONFIG)
        requests.put(
            f"{registry.url}/v2/app/manifests/latest",
            json=image_manifest([sha256(CONFIG), DIGEST], [len(CONFIG), SIZE]),
            headers={"Content-Type": OCI_MANIFEST},
            timeout=60,
        ).raise_for_status()
        yield registry


def upload_to(registry: DockerRegistry, digest: str, content: Body) -> None:
    upload = requests.post(f"{registry.url}/v2/app/blobs/uploads/", timeout=60).headers["Location"]
    requests.put(with_digest(upload, digest), data=content, timeout=60).raise_for_status()


@observed_server.LINUX
@docker_registry.INSTALLED
def test_large_blob_that_is_pulled_through_a_proxy_stays_out_of_memory(process, upstream):
    pull_through(process, upstream.url)
    client = Client(process)
    assert client("GET", "/v2/quay/app/manifests/latest").status_code == 200
    assert client.digest_of_pulled(DIGEST, "quay/app") == DIGEST
    assert process.peak < PEAK


# --- a crowd ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def registry() -> Iterator[Server]:
    """A registry that has the images and knows what it was asked."""
    scripts = {}
    for name, built in IMAGES.items():
        scripts[f"/v2/{name}/manifests/latest"] = manifest(built.manifest.content)
        for digest, content in built.blobs.items():
            scripts[f"/v2/{name}/blobs/{digest}"] = Answer(200, content)
    with Server(scripts) as registry:
        threading.Thread(target=registry.serve_forever, args=(0.01,)).start()
        yield registry
        registry.shutdown()


def test_many_clients_that_pull_the_same_images_at_once_ask_upstream_once_for_each(server, registry):
    pull_through(server, registry.url)
    barrier = threading.Barrier(CLIENTS)
    with ThreadPoolExecutor(CLIENTS) as pool:
        found = list(pool.map(lambda _: pull_all(Client(server), barrier), range(CLIENTS)))
    assert found == [pushed()] * CLIENTS
    asked = Counter(asked.path for asked in registry.asked)
    assert {path: count for path, count in asked.items() if count > 1} == {}
    assert set(asked) == set(registry.scripts)


def pull_all(client: Client, barrier: threading.Barrier) -> dict[str, list[str]]:
    """Pull all images; return the digests of each one's manifest and blobs, as they came."""
    found = {}
    barrier.wait()
    for name in IMAGES:
        content = client("GET", f"/v2/quay/{name}/manifests/latest").content
        described = json.loads(content)
        blobs = [client.pull(blob["digest"], f"quay/{name}") for blob in (described["config"], *described["layers"])]
        found[name] = [sha256(content), *map(sha256, blobs)]
    return found


def pushed() -> dict[str, list[str]]:
    """Return the digests that the images have at the upstream."""
    return {name: [built.manifest.digest, *digests(built)] for name, built in IMAGES.items()}


def digests(built: BuiltImage) -> list[str]:
    return [blob.digest for blob in built.manifest.blobs]
