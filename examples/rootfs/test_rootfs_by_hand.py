"""The same tests with layers alone, as they were written before ``push`` took files: archives and images by hand."""

import gzip
import io
import json
import tarfile
from hashlib import sha256

import pytest
import rootfs

from conftest import CREDENTIALS
from moto_ecr_ptc import upstream_registry

APP = "docker-hub/team/app"
FILES = {"etc/app.conf": b"level=1\n", "bin/app": b"#!/bin/sh\n"}
DOCKER = "application/vnd.docker.distribution.manifest"


@pytest.fixture
def hub(ecr):
    hub = upstream_registry("docker-hub")
    hub.push("unused/image")  # from now on it holds only what is pushed
    hub.credentials = CREDENTIALS
    return hub


def archive(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def layout(directory, media_type, platforms):
    """Write an image layout: layers alone make neither Docker's format nor platforms that differ."""
    blobs = directory / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def store(data, kind):
        data = data if isinstance(data, bytes) else json.dumps(data).encode()
        digest = sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}

    is_docker = media_type == "docker"
    manifest_type = f"{DOCKER}.v2+json" if is_docker else "application/vnd.oci.image.manifest.v1+json"
    index_type = f"{DOCKER}.list.v2+json" if is_docker else "application/vnd.oci.image.index.v1+json"
    config_type = (
        "application/vnd.docker.container.image.v1+json" if is_docker else "application/vnd.oci.image.config.v1+json"
    )
    children = []
    for platform, layer in platforms.items():
        os, architecture = platform.split("/")
        plain = gzip.decompress(layer) if layer.startswith(b"\x1f\x8b") else layer
        suffix = "" if plain is layer else "gzip"
        layer_type = "application/vnd.oci.image.layer.v1.tar" + (f"+{suffix}" if suffix else "")
        if is_docker:
            layer_type = "application/vnd.docker.image.rootfs.diff.tar" + (f".{suffix}" if suffix else "")
        diff_ids = [f"sha256:{sha256(plain).hexdigest()}"]
        config = {"os": os, "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
        manifest = {
            "schemaVersion": 2,
            "mediaType": manifest_type,
            "config": store(config, config_type),
            "layers": [store(layer, layer_type)],
        }
        children.append({**store(manifest, manifest_type), "platform": {"os": os, "architecture": architecture}})
    root = children[0]
    if len(children) > 1:
        root = store({"schemaVersion": 2, "mediaType": index_type, "manifests": children}, index_type)
    tagged = {**root, "annotations": {"org.opencontainers.image.ref.name": "1"}}
    (directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [tagged]}))
    (directory / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
    return directory


def content(directory):
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_set_up_twice_changes_nothing(session, ecr):
    rootfs.set_up(session, "docker-hub", "registry-1.docker.io", CREDENTIALS)
    assert len(ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]) == 1


@pytest.mark.parametrize("media_type", ["oci", "docker"])
@pytest.mark.parametrize("compress", [gzip.compress, bytes])
def test_files_of_each_kind_of_image_are_unpacked(ecr, hub, tmp_path, media_type, compress):
    hub.load(layout(tmp_path / "in", media_type, {"linux/amd64": compress(archive(FILES))}), "team/app")
    rootfs.build(ecr, APP, "1", "linux/amd64", tmp_path / "out")
    assert content(tmp_path / "out") == FILES


def test_later_layer_replaces_files_of_an_earlier_one(ecr, hub, tmp_path):
    hub.push("team/app", tag="1", layers=[archive(FILES), archive({"etc/app.conf": b"level=2\n"})])
    rootfs.build(ecr, APP, "1", "linux/amd64", tmp_path)
    assert content(tmp_path) == {**FILES, "etc/app.conf": b"level=2\n"}


@pytest.mark.parametrize("media_type", ["oci", "docker"])
@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_platform_has_its_own_files(ecr, hub, tmp_path, media_type, architecture):
    platforms = {f"linux/{name}": gzip.compress(archive({"etc/arch": name.encode()})) for name in ("amd64", "arm64")}
    hub.load(layout(tmp_path / "in", media_type, platforms), "team/app")
    rootfs.build(ecr, APP, "1", f"linux/{architecture}", tmp_path / "out")
    assert content(tmp_path / "out") == {"etc/arch": architecture.encode()}


def test_busy_upstream_is_asked_again(ecr, hub, tmp_path, monkeypatch):
    hub.push("team/app", tag="1", layers=[archive(FILES)])
    hub.fail("team/app", status=429)
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 2:
            hub.recover("team/app")

    monkeypatch.setattr(rootfs.time, "sleep", pause)
    rootfs.build(ecr, APP, "1", "linux/amd64", tmp_path)
    assert [(pull.repository, pull.reference) for pull in hub.pulls] == [("team/app", "1")] * 3


def test_upstream_that_stays_busy_is_told(ecr, hub, tmp_path):
    hub.fail(error="timeout")
    with pytest.raises(rootfs.ImageNotPulled, match="UpstreamUnavailable"):
        rootfs.build(ecr, APP, "1", "linux/amd64", tmp_path, patience=0)


def test_other_failure_is_told_at_once(ecr, hub, tmp_path):
    hub.credentials = {**CREDENTIALS, "accessToken": "another"}
    with pytest.raises(rootfs.ImageNotPulled, match="UpstreamAccessDenied"):
        rootfs.build(ecr, APP, "1", "linux/amd64", tmp_path, patience=60)
    assert len(hub.pulls) == 1
