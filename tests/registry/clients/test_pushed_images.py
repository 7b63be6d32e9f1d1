"""Images that a handle made of files, as image clients read and unpack them; and archives that clients made, loaded."""

from __future__ import annotations

import json
import os

import pytest

from moto_ecr_ptc import upstream_registry
from tests.registry.clients.images import stored_blobs
from tests.registry.clients.programs import ECR_HOST

LONG_NAME = f"{'a-directory-with-a-long-name/' * 6}{'ü' * 70}.txt"
ROOT = {"bin/app": b"#!/bin/sh\n", "etc/app.conf": "grüße", LONG_NAME: "long"}
CONFIG = {"Entrypoint": ["/bin/app"], "Env": ["A=b"], "Labels": {"made": "yes"}, "User": "1000"}


@pytest.fixture
def quay(endpoint):
    endpoint.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    return upstream_registry("quay")


@pytest.mark.parametrize("media_type", ["oci", "docker"])
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_umoci_unpacks_the_root_file_system(endpoint, programs, quay, tmp_path, media_type, compression):
    quay.push("team/app", files=[ROOT, {"etc/app.conf": "upper"}], media_type=media_type, compression=compression)
    programs.copy(f"docker://{endpoint.host}/quay/team/app:latest", f"oci:{tmp_path}/pulled:v1")
    programs.run("umoci", "unpack", "--rootless", "--image", f"{tmp_path}/pulled:v1", str(tmp_path / "bundle"))
    root = tmp_path / "bundle" / "rootfs"
    files = {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}
    assert files == {"bin/app": "#!/bin/sh\n", "etc/app.conf": "upper", LONG_NAME: "long"}
    assert os.access(root / "bin" / "app", os.X_OK)


@pytest.mark.parametrize("media_type", ["oci", "docker"])
def test_skopeo_reads_the_configuration(endpoint, programs, quay, media_type):
    image = quay.push("team/app", files=ROOT, config=CONFIG, media_type=media_type)
    shown = json.loads(
        programs.run("skopeo", "inspect", "--tls-verify=false", f"docker://{endpoint.host}/quay/team/app")
    )
    assert (shown["Digest"], shown["Labels"], shown["Env"]) == (image.digest, {"made": "yes"}, ["A=b"])


@pytest.mark.parametrize("media_type", ["oci", "docker"])
def test_podman_pulls_and_keeps_the_digest(programs, quay, media_type):
    image = quay.push("team/app", files=ROOT, config=CONFIG, media_type=media_type)
    programs.run("podman", "pull", f"{ECR_HOST}/quay/team/app")
    shown = json.loads(programs.run("podman", "image", "inspect", f"{ECR_HOST}/quay/team/app"))[0]
    assert (shown["Digest"], shown["Config"]["Entrypoint"], shown["User"]) == (image.digest, ["/bin/app"], "1000")


@pytest.mark.parametrize("media_type", ["oci", "docker"])
def test_skopeo_finds_other_files_for_each_platform(endpoint, programs, quay, tmp_path, media_type):
    quay.push(
        "team/app",
        platforms={"linux/amd64": {"arch": "amd64"}, "linux/arm64": {"arch": "arm64"}},
        media_type=media_type,
    )
    for platform in ("amd64", "arm64"):
        programs.run(
            *("skopeo", "--override-os=linux", f"--override-arch={platform}", "copy", "--src-tls-verify=false"),
            *(f"docker://{endpoint.host}/quay/team/app", f"oci:{tmp_path}/{platform}:v1"),
        )
        bundle = tmp_path / f"bundle-{platform}"
        programs.run("umoci", "unpack", "--rootless", "--image", f"{tmp_path}/{platform}:v1", str(bundle))
        assert (bundle / "rootfs" / "arch").read_text() == platform


def test_skopeo_copies_an_artifact(endpoint, programs, quay, tmp_path):
    image = quay.push("team/app", tag="sbom", artifact_type="application/spdx+json", files={"sbom.json": "{}"})
    programs.copy(f"docker://{endpoint.host}/quay/team/app:sbom", f"oci:{tmp_path}/pulled:v1", "--preserve-digests")
    assert stored_blobs(tmp_path / "pulled")[image.digest] == image.manifest


def test_docker_archive_that_skopeo_made_is_loaded_and_pulled(endpoint, programs, quay, tmp_path):
    quay.push("team/app", files=ROOT, config=CONFIG)
    archive = tmp_path / "image.tar"
    programs.copy(f"docker://{endpoint.host}/quay/team/app", f"docker-archive:{archive}:example.com/team/app:1.0")
    (loaded,) = quay.load(archive, "team/loaded")
    assert loaded.media_type == "application/vnd.docker.distribution.manifest.v2+json"
    shown = json.loads(
        programs.run("skopeo", "inspect", "--tls-verify=false", f"docker://{endpoint.host}/quay/team/loaded:1.0")
    )
    assert (shown["Digest"], shown["Labels"]) == (loaded.digest, {"made": "yes"})
    programs.run("podman", "pull", f"{ECR_HOST}/quay/team/loaded:1.0")


def test_docker_archive_that_podman_made_is_loaded(programs, quay, tmp_path):
    quay.push("team/app", files=[{"a": "1"}, {"b": "2"}], config=CONFIG)
    programs.run("podman", "pull", f"{ECR_HOST}/quay/team/app")
    for form in ("docker-archive", "oci-archive"):
        archive = tmp_path / f"{form}.tar"
        programs.run("podman", "save", f"--format={form}", f"--output={archive}", f"{ECR_HOST}/quay/team/app")
        (loaded,) = quay.load(archive, f"team/{form}")
        assert len(loaded.layers) == 2
    assert {held.tag for held in quay.images} == {"latest"}
