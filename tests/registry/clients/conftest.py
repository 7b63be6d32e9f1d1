"""The registry endpoint of a server, and the programs that call it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from conftest import Aws
from tests.registry.clients.images import AMD64, INDEX
from tests.registry.clients.programs import Programs
from tests.upstream.layouts import write_layout


class Endpoint:
    """The registry endpoint of a server without TLS."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.ecr: Any = aws.client("ecr")
        self.host = urlsplit(aws.endpoint_url or "").netloc
        (authorization,) = self.ecr.get_authorization_token()["authorizationData"]
        self.token: str = authorization["authorizationToken"]
        self.password = base64.b64decode(self.token).decode().removeprefix("AWS:")

    def create(self, repository: str, **arguments: Any) -> str:
        """Create a repository and return its name as image clients write it."""
        self.ecr.create_repository(repositoryName=repository, **arguments)
        return f"{self.host}/{repository}"

    def images(self, repository: str) -> dict[str, list[str]]:
        """Return the tags of each image that DescribeImages shows, by its digest."""
        details = self.ecr.describe_images(repositoryName=repository)["imageDetails"]
        return {detail["imageDigest"]: detail.get("imageTags", []) for detail in details}

    def get(self, path: str, **parameters: str) -> requests.Response:
        """Send a request to a path below ``/v2/``."""
        url = f"http://{self.host}/v2/{path}"
        answer = requests.get(url, params=parameters, auth=("AWS", self.password), timeout=60)
        answer.raise_for_status()
        return answer


@pytest.fixture
def endpoint(server: Aws) -> Endpoint:
    return Endpoint(server)


@pytest.fixture
def strangers(endpoint: Endpoint, tmp_path: Path) -> Programs:
    """Programs without credentials."""
    return Programs(tmp_path / "programs", endpoint.host)


@pytest.fixture
def programs(endpoint: Endpoint, strangers: Programs) -> Programs:
    """Programs that are logged in."""
    strangers.log_in(endpoint.host, endpoint.token)
    return strangers


@pytest.fixture
def single(tmp_path: Path) -> Path:
    """An OCI image layout with the image ``v1``."""
    write_layout(tmp_path / "single", "v1", AMD64)
    return tmp_path / "single"


@pytest.fixture
def multi(tmp_path: Path) -> Path:
    """An OCI image layout with the image ``v1`` for two platforms."""
    write_layout(tmp_path / "multi", "v1", INDEX)
    return tmp_path / "multi"
