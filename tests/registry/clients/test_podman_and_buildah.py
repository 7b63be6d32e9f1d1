"""podman and buildah, which unpack what they pull: each with storage of its own, for which no privilege is needed."""

from __future__ import annotations

import json

import pytest

from tests.registry.clients.images import AMD64, INDEX
from tests.registry.clients.programs import ECR_HOST

CONFIG = AMD64.manifest.document["config"]["digest"]
DIFF_IDS = json.loads(AMD64.blobs[CONFIG])["rootfs"]["diff_ids"]


@pytest.fixture
def app(endpoint, programs, multi):
    """A repository with an index that skopeo pushed as ``v1``."""
    repository = endpoint.create("team/app")
    programs.copy(f"oci:{multi}:v1", f"docker://{repository}:v1", "--all")
    return repository


def inspect(programs, image):
    (found,) = json.loads(programs.run("podman", "image", "inspect", image))
    return found


def test_podman_pulls_the_platform_of_an_index(programs, app):
    programs.run("podman", "pull", "--tls-verify=false", "--platform=linux/amd64", f"{app}:v1")
    found = inspect(programs, f"{app}:v1")
    assert f"sha256:{found['Id']}" == CONFIG
    assert set(found["RepoDigests"]) == {f"{app}@{image.manifest.digest}" for image in (INDEX, AMD64)}
    assert found["RootFS"]["Layers"] == DIFF_IDS


def test_podman_pulls_by_digest(programs, app):
    image = f"{app}@{AMD64.manifest.digest}"
    programs.run("podman", "pull", "--tls-verify=false", image)
    assert inspect(programs, image)["Digest"] == AMD64.manifest.digest


def test_podman_pulls_by_the_registrys_own_name(programs, app):
    image = f"{ECR_HOST}/team/app@{AMD64.manifest.digest}"
    programs.run("podman", "pull", image)
    assert inspect(programs, image)["Digest"] == AMD64.manifest.digest


def test_podman_pushes_what_it_tagged(endpoint, programs, app):
    programs.run("podman", "pull", "--tls-verify=false", f"{app}@{AMD64.manifest.digest}")
    copy = endpoint.create("team/copy")
    programs.run("podman", "tag", f"{app}@{AMD64.manifest.digest}", f"{copy}:v2")
    programs.run("podman", "push", "--tls-verify=false", f"{copy}:v2")
    shown = json.loads(programs.run("skopeo", "inspect", "--tls-verify=false", "--config", f"docker://{copy}:v2"))
    assert shown["rootfs"]["diff_ids"] == DIFF_IDS
    assert list(endpoint.images("team/copy").values()) == [["v2"]]


def test_podman_is_told_that_a_repository_is_absent(endpoint, programs, app):
    programs.run("podman", "pull", "--tls-verify=false", f"{app}@{AMD64.manifest.digest}")
    programs.run("podman", "tag", f"{app}@{AMD64.manifest.digest}", f"{endpoint.host}/absent:v1")
    error = programs.fail("podman", "push", "--tls-verify=false", f"{endpoint.host}/absent:v1")
    assert (
        "name unknown: The repository with name 'absent' does not exist in the registry with id '123456789012'" in error
    )


def test_podman_logs_in_with_the_password(endpoint, strangers):
    login = ("podman", "login", "--tls-verify=false", "--username=AWS", "--password-stdin", endpoint.host)
    assert "Login Succeeded!" in strangers.run(*login, stdin=endpoint.password)


def test_buildah_pushes_what_it_built_upon_a_pulled_image(endpoint, programs, app, tmp_path):
    (tmp_path / "added").write_text("by buildah")
    container = programs.run("buildah", "from", "--tls-verify=false", f"{app}@{AMD64.manifest.digest}").strip()
    programs.run("buildah", "copy", container, str(tmp_path / "added"), "/added")
    programs.run("buildah", "config", "--label", "built=yes", container)
    programs.run("buildah", "commit", container, f"{app}:built")
    programs.run("buildah", "push", "--tls-verify=false", f"{app}:built")
    shown = json.loads(programs.run("skopeo", "inspect", "--tls-verify=false", "--config", f"docker://{app}:built"))
    assert shown["config"]["Labels"]["built"] == "yes"
    assert shown["rootfs"]["diff_ids"][:-1] == DIFF_IDS
    assert ["built"] in endpoint.images("team/app").values()
