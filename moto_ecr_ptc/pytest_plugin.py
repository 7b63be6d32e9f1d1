"""The pytest plugin, with the fixtures. pytest loads it wherever this package is installed.

Loading it imports and so activates ``moto_ecr_ptc``. ``-p no:moto_ecr_ptc`` keeps pytest from loading it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import pytest

from .upstream_handle import UpstreamRegistry
from .upstream_handle import upstream_registry as make_handle


@pytest.fixture(name="upstream_registry")
def _upstream_registry() -> Iterator[Callable[[str], UpstreamRegistry]]:
    """Give the function ``upstream_registry``, with AWS mocked in this process while the test runs.

    ``hub = upstream_registry("docker-hub")`` is the registry that rules for Docker Hub pull from.
    """
    from moto import mock_aws

    with mock_aws():
        yield make_handle


@pytest.fixture(scope="session", name="_ecr_server_url")
def _start_ecr_server() -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            # What is missing is said below.
            warnings.filterwarnings("ignore", "When using MotoServer")
            from moto.server import ThreadedMotoServer
    except ImportError as error:
        pytest.fail(f"ecr_server_url needs a moto server: pip install 'moto-ecr-ptc[server]' ({error})", pytrace=False)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(name="ecr_server_url")
def _ecr_server(_ecr_server_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the URL of a moto server with this ECR on 127.0.0.1, empty at the start of each test.

    Clients of any language and in any process can use it as their endpoint. ``moto_ecr_ptc.upstream_registry`` sets up
    its upstream registries. Where boto3 would find no credentials or no Region, the environment has some for tests
    while the test runs. It needs ``pip install 'moto-ecr-ptc[server]'``.
    """
    import requests

    from .client_environment import missing_variables

    for name, value in missing_variables().items():
        monkeypatch.setenv(name, value)
    requests.post(f"{_ecr_server_url}/moto-api/reset", timeout=60).raise_for_status()
    return _ecr_server_url
