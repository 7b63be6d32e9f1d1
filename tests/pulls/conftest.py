"""An upstream that wants credentials, registries that are scripts, and a way to see that pulls wait for each other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conftest import Aws
from moto_ecr_ptc import UpstreamRegistry, upstream_registry
from moto_ecr_ptc.ecr.pulls import upstream_locks
from tests.upstream.proxy import scripted_registry
from tests.upstream.proxy.scripted_registry import Server


@pytest.fixture
def hub(aws: Aws, ecr: Any) -> UpstreamRegistry:
    """The upstream of a rule with the prefix docker-hub and the secret ``hub``."""
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="docker-hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=aws.secret()
    )
    return upstream_registry("docker-hub")


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Released by each pull that has to wait for its turn at the upstream."""
    waiting = threading.Semaphore(0)

    class NoticedLock:
        def __init__(self) -> None:
            self._lock = threading.Lock()

        def __enter__(self) -> None:
            if not self._lock.acquire(blocking=False):
                waiting.release()
                assert self._lock.acquire(timeout=60)

        def __exit__(self, *_: object) -> None:
            self._lock.release()

    monkeypatch.setattr(upstream_locks, "Lock", NoticedLock)
    return waiting


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start registries that are scripts, which run until the test's end."""
    with scripted_registry.serving() as start:
        yield start
