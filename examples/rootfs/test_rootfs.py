"""The module's tests: the upstream gets images of files, demands credentials, and is busy for a while."""

import pytest
import rootfs

from conftest import CREDENTIALS
from moto_ecr_ptc import upstream_registry

APP = "docker-hub/team/app"
FILES = {"etc/app.conf": b"level=1\n", "bin/app": b"#!/bin/sh\n"}


@pytest.fixture
def hub(ecr):
    hub = upstream_registry("docker-hub")
    hub.clear()
    hub.credentials = CREDENTIALS
    return hub


def content(directory):
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_set_up_twice_changes_nothing(session, ecr):
    rootfs.set_up(session, "docker-hub", "registry-1.docker.io", CREDENTIALS)
    assert len(ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]) == 1


@pytest.mark.parametrize("media_type", ["oci", "docker"])
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_files_of_each_kind_of_image_are_unpacked(ecr, hub, tmp_path, media_type, compression):
    hub.push("team/app", tag="1", files=FILES, media_type=media_type, compression=compression)
    rootfs.build(ecr, APP, "1", "linux/amd64", tmp_path)
    assert content(tmp_path) == FILES


def test_later_layer_replaces_files_of_an_earlier_one(ecr, hub, tmp_path):
    hub.push("team/app", tag="1", files=[FILES, {"etc/app.conf": b"level=2\n"}])
    rootfs.build(ecr, APP, "1", "linux/amd64", tmp_path)
    assert content(tmp_path) == {**FILES, "etc/app.conf": b"level=2\n"}


@pytest.mark.parametrize("media_type", ["oci", "docker"])
@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_platform_has_its_own_files(ecr, hub, tmp_path, media_type, architecture):
    platforms = {f"linux/{name}": {"etc/arch": name.encode()} for name in ("amd64", "arm64")}
    hub.push("team/app", tag="1", platforms=platforms, media_type=media_type)
    rootfs.build(ecr, APP, "1", f"linux/{architecture}", tmp_path)
    assert content(tmp_path) == {"etc/arch": architecture.encode()}


def test_busy_upstream_is_asked_again(ecr, hub, tmp_path):
    hub.push("team/app", tag="1", files=FILES)
    hub.fail("team/app", status=429, times=2)
    rootfs.build(ecr, APP, "1", "linux/amd64", tmp_path, patience=0)
    hub.assert_pulled("team/app", reference="1", times=3)


def test_upstream_that_stays_busy_is_told(ecr, hub, tmp_path):
    hub.fail(error="timeout")
    with pytest.raises(rootfs.ImageNotPulled, match="UpstreamUnavailable"):
        rootfs.build(ecr, APP, "1", "linux/amd64", tmp_path, patience=0)


def test_other_failure_is_told_at_once(ecr, hub, tmp_path):
    hub.credentials = {**CREDENTIALS, "accessToken": "another"}
    with pytest.raises(rootfs.ImageNotPulled, match="UpstreamAccessDenied"):
        rootfs.build(ecr, APP, "1", "linux/amd64", tmp_path, patience=60)
    hub.assert_pulled("team/app", times=1)
