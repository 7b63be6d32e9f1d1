"""The registry endpoint of the tests' account and Region, with a repository."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from conftest import Aws
from tests.registry import observed_server
from tests.registry.endpoint import Endpoint
from tests.registry.observed_server import ObservedServer


@pytest.fixture
def endpoint(aws: Aws, ecr: Any) -> Endpoint:
    """The endpoint of a registry that has the repository ``app``."""
    ecr.create_repository(repositoryName="app")
    return Endpoint(aws)


@pytest.fixture(scope="session")
def shared_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObservedServer]:
    with observed_server.serve(tmp_path_factory.mktemp("server")) as process:
        yield process


@pytest.fixture
def process(shared_process: ObservedServer) -> ObservedServer:
    """A server in a process of its own, with no limits and no state but the repository ``app``."""
    shared_process.start_over()
    shared_process.client("ecr").create_repository(repositoryName="app")
    return shared_process
