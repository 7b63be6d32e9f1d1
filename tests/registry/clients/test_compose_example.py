"""The example for docker compose without docker: its server, its program in JavaScript, and skopeo, on this machine."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from urllib.parse import urlsplit

import pytest
import yaml

from conftest import Aws
from tests.docs.pages import ROOT, read_page
from tests.registry.clients.programs import Programs, need
from tests.registry.server_processes import WITH_PLUGIN, running

EXAMPLE = ROOT / "examples" / "compose"
SERVICES = yaml.safe_load((EXAMPLE / "compose.yaml").read_text())["services"]
FILES = {
    platform: {
        "etc/os-release": b"ID=alpine\n",
        "bin/hello": f"#!/bin/sh\necho hello from {platform.partition('/')[2]}\n".encode(),
    }
    for platform in ("linux/amd64", "linux/arm64")
}


@pytest.fixture
def aws(tmp_path, monkeypatch):
    """The server of the example, in the environment that compose.yaml gives it."""
    service = SERVICES["aws"]
    assert service["volumes"] == [".:/upstreams:ro"]
    for name, value in service["environment"].items():
        monkeypatch.setenv(name, value.replace("/upstreams/", f"{EXAMPLE}/"))
    with running(WITH_PLUGIN, tmp_path / "log") as url:
        yield Aws(url)


@pytest.fixture
def programs(aws, tmp_path):
    (authorization,) = aws.client("ecr").get_authorization_token()["authorizationData"]
    host = urlsplit(authorization["proxyEndpoint"]).netloc
    programs = Programs(tmp_path / "programs", host)
    programs.log_in(host, authorization["authorizationToken"])
    programs.environment.update(SERVICES["app"]["environment"], AWS_ENDPOINT_URL=aws.endpoint_url)
    return programs


def unpack(layers):
    """Return the files in layers, by their names."""
    files = {}
    for layer in layers:
        with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
            files.update({member.name: archive.extractfile(member).read() for member in archive if member.isfile()})
    return files


def pull_with_javascript(programs):
    need("node", "@aws-sdk/client-ecr", "@aws-sdk/client-secrets-manager")
    layers = json.loads(programs.run("node", str(EXAMPLE / "pull.js")))
    return {platform: unpack(map(base64.b64decode, contents)) for platform, contents in layers.items()}


def pull_with_skopeo(programs, uri, platform, folder):
    """Return the files that skopeo pulls for a platform, and the image's configuration."""
    os, _, architecture = platform.partition("/")
    programs.run(
        *("skopeo", f"--override-os={os}", f"--override-arch={architecture}"),
        *("copy", "--src-tls-verify=false", f"docker://{uri}:3.20", f"dir:{folder}"),
    )
    manifest = json.loads((folder / "manifest.json").read_text())

    def read(descriptor):
        return (folder / descriptor["digest"].partition(":")[2]).read_bytes()

    return unpack(map(read, manifest["layers"])), json.loads(read(manifest["config"]))["config"]


def test_javascript_and_skopeo_pull_the_files_that_are_declared_for_each_platform(aws, programs, tmp_path):
    assert pull_with_javascript(programs) == FILES
    (repository,) = aws.client("ecr").describe_repositories()["repositories"]
    for platform, files in FILES.items():
        folder = tmp_path / platform.replace("/", "-")
        pulled, config = pull_with_skopeo(programs, repository["repositoryUri"], platform, folder)
        assert pulled == files
        assert config == {"Env": ["LANG=C.UTF-8"], "Entrypoint": ["/bin/hello"]}


def test_page_on_docker_compose_shows_the_files_of_the_example():
    shown = {block.file: block.text for block in read_page("docs/howto/compose.md").blocks if block.file}
    assert {"Dockerfile", "compose.yaml", "upstreams.toml"} < set(shown)
    assert shown.pop("Dockerfile") == (ROOT / "Dockerfile").read_text()
    assert shown == {name: (EXAMPLE / name).read_text() for name in shown}
