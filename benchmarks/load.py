"""What a server process with the registry endpoint bears: large blobs in little memory, and many clients at once."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Callable

import requests
from measure import Amount
from registries import (
    FORM,
    MEBIBYTE,
    STREAM,
    Client,
    Content,
    RefusedError,
    Registry,
    manifest_of,
    serve_distribution,
    serve_ours,
)

PEAK = 200
"""How much memory the server's process may have used at its peak, in megabytes."""

_BLOB = 1024 * MEBIBYTE
_CHUNK = 64 * MEBIBYTE
_REPOSITORY = "memory"
_CLIENTS = 32
_IMAGES = 20
_LAYER = 256 * 1024
_CACHED = "quay"
"""The prefix of what is pulled through the cache."""
_PULL = re.compile(r'"(?:GET|HEAD) /v2/\S+/(manifests|blobs)/\S+ HTTP/')
"""In a line of distribution's access log."""


def measure_memory() -> Iterator[Amount]:
    """Push and pull large blobs, and look at the peak after each: it never falls. Every digest is checked."""
    with _upstream_and_cache() as (distribution, _, ours):
        client = Client(ours)
        ours.create_repository(_REPOSITORY)
        pushes: dict[str, Callable[[Content], None]] = {
            "PUT": lambda content: client.push(_REPOSITORY, content, STREAM),
            "PUT, with curl's form type": lambda content: client.push(_REPOSITORY, content, FORM),
            "PATCH, 16 chunks": lambda content: _push_in_chunks(client, content),
            "PATCH, streamed": lambda content: _push_as_a_stream(client, content),
        }
        yield _peak("at the start", ours)
        for number, (name, push) in enumerate(pushes.items()):
            push(Content(number, _BLOB))
            yield _peak(f"1 GiB: {name}", ours)
        _check(client, _REPOSITORY, Content(0, _BLOB).digest)
        yield _peak("1 GiB: GET", ours)
        content = Content(len(pushes), _BLOB)
        _push_image(Client(distribution), "app", content)
        client.get_manifest(f"{_CACHED}/app", "latest")
        _check(client, f"{_CACHED}/app", content.digest)
        yield _peak("1 GiB: GET through the cache", ours)


def measure_crowd() -> Iterator[Amount]:
    """Let many clients pull the same images through the cache, all in the same order."""
    with _upstream_and_cache() as (distribution, log, ours):
        for number in range(_IMAGES):
            _push_image(Client(distribution), f"app/{number}", Content(number, _LAYER))
        start = threading.Barrier(_CLIENTS + 1)
        with ThreadPoolExecutor(_CLIENTS) as pool:
            crowd = [pool.submit(_pull_images, ours, start) for _ in range(_CLIENTS)]
            start.wait()
            began = time.monotonic()
            outcomes = sum((one.result() for one in crowd), Counter())
            seconds = time.monotonic() - began
        asked = Counter(_PULL.findall(log.read_text()))
    yield Amount("answers", outcomes["answers"], "", None)
    yield Amount("answers that are refusals", outcomes["refusals"], "", 0)
    yield Amount("answers with another digest", outcomes["wrong"], "", 0)
    yield Amount("requests upstream: manifests", asked["manifests"], "", _IMAGES)
    yield Amount("requests upstream: blobs", asked["blobs"], "", 2 * _IMAGES)
    yield Amount("time", seconds, "s", None)


@contextmanager
def _upstream_and_cache() -> Iterator[tuple[Registry, Path, Registry]]:
    """Run CNCF distribution, and ours with a rule whose upstream it is; return it, its access log, and ours."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        theirs, mine = Path(directory, "theirs"), Path(directory, "ours")
        theirs.mkdir()
        mine.mkdir()
        distribution = stack.enter_context(serve_distribution(theirs, access_log=True))
        ours = stack.enter_context(serve_ours(mine))
        ours.aws("ecr").create_pull_through_cache_rule(ecrRepositoryPrefix=_CACHED, upstreamRegistryUrl="quay.io")
        requests.post(
            f"{ours.url}/moto-api/static/ecr/upstream-proxy",
            json={"registry": "quay", "url": distribution.url},
            timeout=60,
        ).raise_for_status()
        yield distribution, theirs / "log", ours


def _push_in_chunks(client: Client, content: Content) -> None:
    upload = client.start_upload(_REPOSITORY)
    for start in range(0, content.size, _CHUNK):
        client.send(
            "PATCH",
            upload,
            content.pieces(start, start + _CHUNK),
            Content_Length=str(_CHUNK),
            Content_Range=f"{start}-{start + _CHUNK - 1}",
            Content_Type=STREAM,
        )
    client.finish_upload(upload, content.digest)


def _push_as_a_stream(client: Client, content: Content) -> None:
    """Push as docker does: in one request that does not say how long it is."""
    upload = client.start_upload(_REPOSITORY)
    client.send("PATCH", upload, content.pieces(), Content_Type=STREAM)
    client.finish_upload(upload, content.digest)


def _push_image(client: Client, repository: str, layer: Content) -> None:
    client.push(repository, layer)
    config = json.dumps({"for": repository}).encode()
    manifest = manifest_of((client.push_bytes(repository, config), len(config)), (layer.digest, layer.size))
    client.put_manifest(repository, "latest", manifest)


def _pull_images(registry: Registry, start: threading.Barrier) -> Counter[str]:
    """Pull all images, each with its configuration and its layer, and return how it went."""
    outcomes: Counter[str] = Counter()
    client = Client(registry)
    start.wait()
    for number in range(_IMAGES):
        repository = f"{_CACHED}/app/{number}"
        try:
            manifest = json.loads(client.get_manifest(repository, "latest"))
            outcomes["answers"] += 1
            for blob in (manifest["config"], *manifest["layers"]):
                found = _digest(client, repository, blob["digest"])
                outcomes["answers"] += 1
                outcomes["wrong"] += found != blob["digest"]
        except RefusedError:
            outcomes["refusals"] += 1
    client.close()
    return outcomes


def _check(client: Client, repository: str, digest: str) -> None:
    if _digest(client, repository, digest) != digest:
        raise RuntimeError(f"The blob {digest} of {repository} came back as another")


def _digest(client: Client, repository: str, digest: str) -> str:
    """Pull a blob and return the digest of what came."""
    hashed = hashlib.sha256()
    for piece in client.receive(f"/v2/{repository}/blobs/{digest}"):
        hashed.update(piece)
    return f"sha256:{hashed.hexdigest()}"


def _peak(name: str, ours: Registry) -> Amount:
    return Amount(name, ours.peak / 1_000_000, "MB", PEAK)
