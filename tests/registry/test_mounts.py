"""Mounts of blobs from another repository: each condition on its own, and the upload that takes a mount's place."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from conftest import OTHER_ACCOUNT, Aws
from moto_ecr_ptc import UpstreamRegistry
from tests.registry.endpoint import OCI_LAYER, OCI_MANIFEST, Endpoint, error, sha256
from tests.registry.upload_calls import close, is_held, no_repository

LAYER = b"a layer to mount"
DIGEST = sha256(LAYER)


def enable(ecr: Any, value: str = "ENABLED") -> None:
    ecr.put_account_setting(name="BLOB_MOUNTING", value=value)


def mount(endpoint: Endpoint, repository: str = "app", **query: str) -> requests.Response:
    return endpoint("POST", f"/v2/{repository}/blobs/uploads/", params={"mount": DIGEST, "from": "source", **query})


def assert_is_an_upload(endpoint: Endpoint, answer: requests.Response, repository: str = "app") -> None:
    """Check that an upload was started instead of a mount, and that it works as any other."""
    assert (answer.status_code, answer.headers["Range"]) == (202, "0-0")
    assert not is_held(endpoint, DIGEST, repository)
    assert close(endpoint, endpoint.local(answer.headers["Location"]), DIGEST, LAYER).status_code == 201


@pytest.fixture
def source(endpoint: Endpoint, ecr: Any) -> Endpoint:
    """The endpoint, where blobs are mounted: from an image in the repository ``source``."""
    enable(ecr)
    ecr.create_repository(repositoryName="source")
    endpoint.push_image("source", "v1", LAYER)
    return endpoint


def test_mounted_blob_is_in_the_repository(source: Endpoint):
    answer = mount(source)
    assert (answer.status_code, answer.content) == (201, b"")
    assert answer.headers["Docker-Content-Digest"] == DIGEST
    assert source.local(answer.headers["Location"]).endswith(f"/v2/app/blobs/{DIGEST}")
    assert source("GET", source.local(answer.headers["Location"])).content == LAYER


@pytest.mark.parametrize("content", [LAYER, b"{}"], ids=["layer", "configuration"])
def test_image_is_pushed_with_mounted_blobs(source: Endpoint, content):
    assert mount(source, mount=sha256(content)).status_code == 201
    source.push_image("app", "v1", LAYER)


def test_mounted_blob_stays_when_its_source_is_deleted(source: Endpoint, ecr):
    mount(source)
    ecr.delete_repository(repositoryName="source", force=True)
    assert source("GET", f"/v2/app/blobs/{DIGEST}").content == LAYER


def test_blob_is_mounted_from_the_repository_itself(source: Endpoint):
    assert mount(source, "source").status_code == 201


def test_setting_is_disabled_by_default(endpoint: Endpoint, ecr):
    ecr.create_repository(repositoryName="source")
    endpoint.push_image("source", "v1", LAYER)
    assert_is_an_upload(endpoint, mount(endpoint))


def test_setting_that_is_disabled_again_prevents_mounts(source: Endpoint, ecr):
    enable(ecr, "DISABLED")
    assert_is_an_upload(source, mount(source))


def test_mount_without_a_source_is_an_upload(source: Endpoint):
    answer = source("POST", "/v2/app/blobs/uploads/", params={"mount": DIGEST})
    assert_is_an_upload(source, answer)


def test_source_without_a_mount_is_an_upload(source: Endpoint):
    assert_is_an_upload(source, source("POST", "/v2/app/blobs/uploads/", params={"from": "source"}))


@pytest.mark.parametrize("name", ["absent", "", "SOURCE", "source/../source"])
def test_mount_from_a_repository_that_does_not_exist_is_an_upload(source: Endpoint, name):
    assert_is_an_upload(source, mount(source, **{"from": name}))


@pytest.mark.parametrize("digest", [sha256(b"other"), "sha256:xyz", ""])
def test_mount_of_a_blob_that_the_source_lacks_is_an_upload(source: Endpoint, digest):
    assert_is_an_upload(source, mount(source, mount=digest))


def test_mount_of_a_blob_that_no_manifest_refers_to_is_an_upload(source: Endpoint, ecr):
    ecr.create_repository(repositoryName="bare")
    source.push_blob("bare", LAYER)
    assert_is_an_upload(source, mount(source, **{"from": "bare"}))


def test_mount_of_a_blob_whose_image_was_deleted_is_an_upload(source: Endpoint):
    source("DELETE", "/v2/source/manifests/v1")
    assert_is_an_upload(source, mount(source))


def test_mount_of_a_blob_without_bytes_is_an_upload(source: Endpoint, ecr):
    described = {"mediaType": OCI_LAYER, "digest": DIGEST, "size": len(LAYER)}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described, "layers": [described]})
    ecr.create_repository(repositoryName="bare")
    ecr.put_image(repositoryName="bare", imageManifest=manifest, imageTag="1")
    assert_is_an_upload(source, mount(source, **{"from": "bare"}))


@pytest.mark.parametrize("encrypted", ["source", "target", "both, by different keys", "both, by one key"])
def test_mount_needs_the_same_encryption(aws: Aws, endpoint: Endpoint, ecr, encrypted):
    enable(ecr)
    kms = aws.client("kms")
    keys = [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
    source_key = None if encrypted == "target" else keys[0]
    target_key = {"source": None, "both, by different keys": keys[1]}.get(encrypted, keys[0])
    for name, key in (("one/source", source_key), ("one/target", target_key)):
        encryption = {"encryptionType": "KMS", "kmsKey": key} if key else {"encryptionType": "AES256"}
        ecr.create_repository(repositoryName=name, encryptionConfiguration=encryption)
    endpoint.push_image("one/source", "v1", LAYER)
    answer = mount(endpoint, "one/target", **{"from": "one/source"})
    assert answer.status_code == (201 if encrypted == "both, by one key" else 202)


def test_mount_from_a_repository_of_another_account_is_an_upload(aws: Aws, source: Endpoint, ecr):
    aws.client("ecr", account=OTHER_ACCOUNT).create_repository(repositoryName="theirs")
    Endpoint(aws, OTHER_ACCOUNT).push_image("theirs", "v1", LAYER)
    assert_is_an_upload(source, mount(source, **{"from": "theirs"}))


def test_mount_from_a_repository_of_another_region_is_an_upload(aws: Aws, source: Endpoint):
    aws.client("ecr", "eu-west-1").create_repository(repositoryName="there")
    Endpoint(aws, region="eu-west-1").push_image("there", "v1", LAYER)
    assert_is_an_upload(source, mount(source, **{"from": "there"}))


def test_mount_from_a_cached_repository_is_an_upload(source: Endpoint, quay: UpstreamRegistry):
    quay.push("team/app", layers=[LAYER])
    source("GET", "/v2/quay/team/app/manifests/latest")
    assert source("GET", f"/v2/quay/team/app/blobs/{DIGEST}").content == LAYER
    assert_is_an_upload(source, mount(source, **{"from": "quay/team/app"}))


def test_mount_into_a_cached_repository_is_an_upload(source: Endpoint, quay: UpstreamRegistry):
    quay.push("team/app", layers=[b"another"])
    source("GET", "/v2/quay/team/app/manifests/latest")
    assert_is_an_upload(source, mount(source, "quay/team/app"), "quay/team/app")


def test_mount_into_a_repository_that_does_not_exist_is_refused(source: Endpoint):
    assert error(mount(source, "absent")) == no_repository("absent")


def test_upload_in_place_of_a_mount_can_be_cancelled(source: Endpoint):
    answer = mount(source, mount=sha256(b"other"))
    assert source("DELETE", source.local(answer.headers["Location"])).status_code == 204
    assert source("GET", source.local(answer.headers["Location"])).status_code == 404
