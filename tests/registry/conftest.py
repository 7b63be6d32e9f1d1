"""The registry endpoint of the tests' account and Region, with a repository."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import Aws
from tests.registry.endpoint import Endpoint


@pytest.fixture
def endpoint(aws: Aws, ecr: Any) -> Endpoint:
    """The endpoint of a registry that has the repository ``app``."""
    ecr.create_repository(repositoryName="app")
    return Endpoint(aws)
