"""What skopeo pushes is what ECR's API shows, and what the API stores is what skopeo pulls."""

from __future__ import annotations

import pytest
import requests

from tests.registry.clients.images import AMD64, INDEX, stored_blobs, tagged_digests

NAME = "team/app"
LAYERS = {layer.digest: AMD64.blobs[layer.digest] for layer in AMD64.manifest.layers}


@pytest.fixture
def pushed(endpoint, programs, single):
    """The client of ECR's API, after skopeo pushed the image ``v1``."""
    programs.copy(f"oci:{single}:v1", f"docker://{endpoint.create(NAME)}:v1")
    return endpoint.ecr


def upload(ecr, content, digest):
    """Upload a blob by ECR's API."""
    upload_id = ecr.initiate_layer_upload(repositoryName=NAME)["uploadId"]
    ecr.upload_layer_part(
        repositoryName=NAME,
        uploadId=upload_id,
        partFirstByte=0,
        partLastByte=len(content) - 1,
        layerPartBlob=content,
    )
    ecr.complete_layer_upload(repositoryName=NAME, uploadId=upload_id, layerDigests=[digest])


def test_image_put_by_the_api_is_pulled(endpoint, programs, single, tmp_path):
    app = endpoint.create(NAME)
    for digest, content in AMD64.blobs.items():
        upload(endpoint.ecr, content, digest)
    endpoint.ecr.put_image(repositoryName=NAME, imageManifest=AMD64.manifest.content.decode(), imageTag="v1")
    programs.copy(f"docker://{app}:v1", f"oci:{tmp_path}/pulled:v1")
    assert stored_blobs(tmp_path / "pulled") == stored_blobs(single)


def test_pushed_image_is_described(pushed):
    (detail,) = pushed.describe_images(repositoryName=NAME)["imageDetails"]
    assert (detail["imageDigest"], detail["imageTags"]) == (AMD64.manifest.digest, ["v1"])
    assert detail["imageManifestMediaType"] == AMD64.manifest.media_type


def test_pushed_index_is_described_with_its_children(endpoint, programs, multi):
    programs.copy(f"oci:{multi}:v1", f"docker://{endpoint.create(NAME)}:v1", "--all")
    children = {child.manifest.digest: [] for child in INDEX.children}
    assert endpoint.images(NAME) == {INDEX.manifest.digest: ["v1"], **children}


def test_pushed_manifest_is_got_as_it_was(pushed):
    (image,) = pushed.batch_get_image(repositoryName=NAME, imageIds=[{"imageTag": "v1"}])["images"]
    assert image["imageManifest"].encode() == AMD64.manifest.content


def test_pushed_layers_are_downloaded(pushed):
    urls = {
        digest: pushed.get_download_url_for_layer(repositoryName=NAME, layerDigest=digest)["downloadUrl"]
        for digest in LAYERS
    }
    assert {digest: requests.get(url, timeout=60).content for digest, url in urls.items()} == LAYERS


def test_pushed_layers_are_available(pushed):
    answer = pushed.batch_check_layer_availability(repositoryName=NAME, layerDigests=list(LAYERS))
    found = {layer["layerDigest"]: layer["layerAvailability"] for layer in answer["layers"]}
    assert found == dict.fromkeys(LAYERS, "AVAILABLE")


def test_pushed_image_that_the_api_deletes_is_not_pulled(endpoint, pushed, programs, tmp_path):
    pushed.batch_delete_image(repositoryName=NAME, imageIds=[{"imageTag": "v1"}])
    error = programs.fail_to_copy(f"docker://{endpoint.host}/{NAME}:v1", f"oci:{tmp_path}/pulled:v1")
    assert "manifest unknown: Requested image not found" in error


def test_tag_that_is_pushed_again_moves(endpoint, pushed, programs, multi, tmp_path):
    app = f"docker://{endpoint.host}/{NAME}:v1"
    programs.copy(f"oci:{multi}:v1", app, "--all")
    (image,) = pushed.batch_get_image(repositoryName=NAME, imageIds=[{"imageTag": "v1"}])["images"]
    assert image["imageId"]["imageDigest"] == INDEX.manifest.digest
    programs.copy(app, f"oci:{tmp_path}/pulled:v1", "--all")
    assert tagged_digests(tmp_path / "pulled") == {"v1": INDEX.manifest.digest}
