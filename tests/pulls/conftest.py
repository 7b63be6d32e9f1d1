"""An upstream that wants credentials."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import Aws
from moto_ecr_ptc import UpstreamRegistry, upstream_registry


@pytest.fixture
def hub(aws: Aws, ecr: Any) -> UpstreamRegistry:
    """The upstream of a rule with the prefix docker-hub and the secret ``hub``."""
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="docker-hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=aws.secret()
    )
    return upstream_registry("docker-hub")
