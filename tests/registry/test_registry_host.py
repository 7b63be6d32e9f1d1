"""Which host a server names in repositoryUri and proxyEndpoint: AWS's, the one that was called, or a given one."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from conftest import ACCOUNT, REGION, Aws
from tests.registry.server_processes import WITH_PLUGIN, running

AWS_HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
VARIABLE = "MOTO_ECR_REGISTRY_HOST"


def uris(ecr):
    """Return the repositoryUri in each answer that has one."""
    created = ecr.create_repository(repositoryName="team/app")["repository"]
    (described,) = ecr.describe_repositories()["repositories"]
    deleted = ecr.delete_repository(repositoryName="team/app")["repository"]
    return [repository["repositoryUri"] for repository in (created, described, deleted)]


def endpoint(ecr):
    (data,) = ecr.get_authorization_token()["authorizationData"]
    return data["proxyEndpoint"]


def test_host_is_awss_unless_told_otherwise(ecr):
    assert uris(ecr) == [f"{AWS_HOST}/team/app"] * 3
    assert endpoint(ecr) == f"https://{AWS_HOST}"


def test_host_that_was_called_is_named(server, monkeypatch):
    monkeypatch.setenv(VARIABLE, "called")
    host = urlsplit(server.endpoint_url).netloc
    assert uris(server.client("ecr")) == [f"{host}/team/app"] * 3
    assert endpoint(server.client("ecr")) == f"http://{host}"


def test_given_host_is_named(server, monkeypatch):
    monkeypatch.setenv(VARIABLE, "registry.test:5000")
    assert uris(server.client("ecr")) == ["registry.test:5000/team/app"] * 3
    assert endpoint(server.client("ecr")) == "http://registry.test:5000"


@pytest.mark.parametrize("value", ["called", "registry.test:5000"])
def test_host_in_process_is_awss(in_process, monkeypatch, value):
    monkeypatch.setenv(VARIABLE, value)
    assert uris(in_process.client("ecr")) == [f"{AWS_HOST}/team/app"] * 3
    assert endpoint(in_process.client("ecr")) == f"https://{AWS_HOST}"


def test_answers_differ_in_nothing_but_the_host(server, monkeypatch):
    ecr = server.client("ecr")
    created = ecr.create_repository(
        repositoryName="team/app",
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
        encryptionConfiguration={"encryptionType": "KMS"},
    )["repository"]
    monkeypatch.setenv(VARIABLE, "registry.test:5000")
    (described,) = ecr.describe_repositories()["repositories"]
    assert created["repositoryUri"] != described["repositoryUri"]
    assert {**created, "repositoryUri": ""} == {**described, "repositoryUri": ""}


def test_option_of_the_server_names_the_host(tmp_path):
    with running(WITH_PLUGIN, tmp_path / "log", "--registry-host", "registry.test:5000") as url:
        assert endpoint(Aws(url).client("ecr")) == "http://registry.test:5000"


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request:urllib3.exceptions.InsecureRequestWarning")
def test_endpoint_of_a_server_with_tls_has_its_scheme(tmp_path):
    with running(WITH_PLUGIN, tmp_path / "log", "--ssl", "--registry-host", "called", scheme="https") as url:
        assert endpoint(Aws(url).client("ecr", verify=False)) == url
