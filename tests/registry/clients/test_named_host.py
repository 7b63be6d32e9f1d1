"""Image clients take repositoryUri and proxyEndpoint as they are, from a server that names the host that was called."""

from __future__ import annotations

import base64
import json

import pytest

from tests.registry.clients.images import AMD64, stored_blobs


@pytest.fixture
def uri(endpoint, monkeypatch):
    """The repositoryUri of a new repository."""
    monkeypatch.setenv("MOTO_ECR_REGISTRY_HOST", "called")
    return endpoint.ecr.create_repository(repositoryName="team/app")["repository"]["repositoryUri"]


def log_in(program, endpoint, programs):
    """Log in as AWS's documentation says: with the token, at the proxyEndpoint."""
    (data,) = endpoint.ecr.get_authorization_token()["authorizationData"]
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    host = data["proxyEndpoint"].removeprefix("http://")
    options = "--tls-verify=false", "--username", user, "--password-stdin"
    assert "Login Succeeded" in programs.run(program, "login", *options, host, stdin=password)


def test_skopeo_logs_in_pushes_and_pulls_by_them(endpoint, strangers, uri, single, tmp_path):
    log_in("skopeo", endpoint, strangers)
    strangers.copy(f"oci:{single}:v1", f"docker://{uri}:v1")
    assert endpoint.images("team/app") == {AMD64.manifest.digest: ["v1"]}
    strangers.copy(f"docker://{uri}:v1", f"oci:{tmp_path}/pulled:v1")
    assert stored_blobs(tmp_path / "pulled") == stored_blobs(single)


def test_podman_logs_in_tags_and_pushes_by_them(endpoint, strangers, uri, single):
    log_in("podman", endpoint, strangers)
    strangers.run("podman", "pull", f"oci:{single}:v1")
    (image,) = json.loads(strangers.run("podman", "images", "--format", "json"))
    strangers.run("podman", "tag", image["Id"], f"{uri}:v2")
    strangers.run("podman", "push", "--tls-verify=false", f"{uri}:v2")
    assert list(endpoint.images("team/app").values()) == [["v2"]]
