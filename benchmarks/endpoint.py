"""The registry endpoint beside CNCF distribution: both are processes that take turns, for the same client.

Distribution asks nobody for credentials, ours does.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import measure
from measure import Comparison, Pair, Throughput
from registries import MEBIBYTE, Client, Content, Registry, manifest_of, serve_distribution, serve_ours

BLOB_GET = Throughput(0.8)
BLOB_PUT = Throughput(1.2)
MANIFEST_GET = Throughput(0.8)

_BLOB = 256 * MEBIBYTE
_BLOB_ROUNDS = 9
_MANIFESTS = 2_000
_MANIFEST_ROUNDS = 7
_BATCH = 100
"""After how many manifests it is the other's turn."""


@dataclass(frozen=True)
class _Side:
    registry: Registry
    client: Client
    storage: Path


def compare() -> Iterator[Comparison]:
    yield from _compare_blobs()
    yield from _compare_manifests()


def _compare_blobs() -> Iterator[Comparison]:
    """Compare pushes and pulls of a large blob."""
    numbers = count()
    pushes, pulls = [], []
    with _sides() as (ours, theirs):
        for number in range(_BLOB_ROUNDS + 1):  # the first is a warm-up
            repository = f"blobs/{number}"
            times = {}
            for side in _turns(number, ours, theirs):
                side.registry.create_repository(repository)
                content = Content(next(numbers), _BLOB)  # another one, for who has a blob need not store it
                path = f"/v2/{repository}/blobs/{content.digest}"
                push = measure.seconds(partial(side.client.push, repository, content))
                pull = measure.seconds(partial(_pull, side.client, path, _BLOB))
                times[side] = push, pull
                _check(side.client, path, content.digest)
                _delete(side, repository)
            if number:
                pushes.append(Pair(times[ours][0], times[theirs][0]))
                pulls.append(Pair(times[ours][1], times[theirs][1]))
    yield Comparison("256 MiB blob: PUT", BLOB_PUT, pushes)
    yield Comparison("256 MiB blob: GET", BLOB_GET, pulls)


def _compare_manifests() -> Iterator[Comparison]:
    """Compare pulls of manifests by their tags, one after the other."""
    manifests = {}
    with _sides() as (ours, theirs):
        for side in (ours, theirs):
            side.registry.create_repository("manifests")
            config, layer = (
                (side.client.push_bytes("manifests", content), len(content)) for content in (b"{}", b"a layer")
            )
            for number in range(_MANIFESTS):
                manifests[f"{number}"] = manifest_of(config, layer, number=f"{number}")
                side.client.put_manifest("manifests", f"{number}", manifests[f"{number}"])
        rounds = []
        for number in range(_MANIFEST_ROUNDS + 1):  # the first is a warm-up
            times = {ours: 0.0, theirs: 0.0}
            tags = list(manifests)
            for turn, start in enumerate(range(0, _MANIFESTS, _BATCH)):
                for side in _turns(number + turn, ours, theirs):
                    batch = tags[start : start + _BATCH]
                    found: list[bytes] = []
                    pull = map(partial(side.client.get_manifest, "manifests"), batch)
                    times[side] += measure.seconds(partial(found.extend, pull))
                    if found != [manifests[tag] for tag in batch]:
                        raise RuntimeError(f"{side.registry.url} returned other manifests than were pushed")
            rounds.append(Pair(times[ours], times[theirs]))
    yield Comparison("2,000 manifests: GET", MANIFEST_GET, rounds[1:])


@contextmanager
def _sides() -> Iterator[tuple[_Side, _Side]]:
    """Run ours and theirs, with what they store in one temporary directory, hence on the same disk."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        sides = []
        for name, serve in (("ours", serve_ours), ("theirs", serve_distribution)):
            storage = Path(directory, name)
            storage.mkdir()
            registry = stack.enter_context(serve(storage))
            client = Client(registry)
            stack.callback(client.close)
            sides.append(_Side(registry, client, storage))
        ours, theirs = sides
        yield ours, theirs


def _turns(number: int, ours: _Side, theirs: _Side) -> tuple[_Side, _Side]:
    return (ours, theirs) if number % 2 else (theirs, ours)


def _pull(client: Client, path: str, size: int) -> None:
    received = sum(map(len, client.receive(path)))
    if received != size:
        raise RuntimeError(f"{path} had {received} bytes")


def _check(client: Client, path: str, digest: str) -> None:
    hashed = hashlib.sha256()
    for piece in client.receive(path):
        hashed.update(piece)
    if f"sha256:{hashed.hexdigest()}" != digest:
        raise RuntimeError(f"{path} has another digest")


def _delete(side: _Side, repository: str) -> None:
    """Give the disk back what a blob takes. Distribution deletes links only, not what they point to."""
    if side.registry.authorization:
        side.registry.aws("ecr").delete_repository(repositoryName=repository, force=True)
    else:
        shutil.rmtree(side.storage / "storage")
