"""What comes in by the API and what comes in by the registry endpoint: both show the same."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest
import requests

from conftest import ACCOUNT, Aws, failure_codes, pull, refusal
from moto_ecr_ptc.ecr.images.stored_images import StoredImage
from tests.registry.endpoint import OCI_MANIFEST, Endpoint, error, sha256
from tests.registry.manifests import (
    ABSENT,
    DOCKER_LIST,
    IMAGE_NOT_FOUND,
    docker_image,
    index_of,
    oci_image,
    push_blobs,
    repository_not_found,
    signature_of,
    tags_of,
)

LAYER = sha256(b"layer")
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


def upload(ecr: Any, *layers: bytes) -> None:
    """Upload layers by the API, each in two parts."""
    for layer in layers:
        upload_id = ecr.initiate_layer_upload(repositoryName="app")["uploadId"]
        for first, part in ((0, layer[:1]), (1, layer[1:])):
            ecr.upload_layer_part(
                repositoryName="app",
                uploadId=upload_id,
                partFirstByte=first,
                partLastByte=first + len(part) - 1,
                layerPartBlob=part,
            )
        ecr.complete_layer_upload(repositoryName="app", uploadId=upload_id, layerDigests=[sha256(layer)])


def put(ecr: Any, document: dict[str, Any], tag: str = "v1") -> bytes:
    """Put an image by the API, and return its manifest."""
    text = json.dumps(document)
    ecr.put_image(repositoryName="app", imageManifest=text, imageTag=tag)
    return text.encode()


def get(ecr: Any, **image_id: str) -> Any:
    return ecr.batch_get_image(repositoryName="app", imageIds=[image_id])


# --- in by the API, out by the endpoint -------------------------------------------------------------------------------


@pytest.mark.parametrize("document", [oci_image(), docker_image()])
@pytest.mark.parametrize("by_digest", [False, True])
def test_image_that_is_put_is_pulled(endpoint: Endpoint, ecr, document, by_digest):
    upload(ecr, b"{}", b"layer")
    content = put(ecr, document)
    answer = endpoint("GET", f"/v2/app/manifests/{sha256(content) if by_digest else 'v1'}")
    assert (answer.content, answer.headers["Content-Type"]) == (content, document["mediaType"])
    assert endpoint("GET", f"/v2/app/blobs/{LAYER}").content == b"layer"


@pytest.mark.parametrize(
    "media_type",
    [
        "ä→/x",
        "a/b\r\nX-Injected: c",
        "a/b\nc",
        "a/b\x00",
        "application/",
        "no media type",
        f"a/{'b' * 99_999}",
        5,
        ["a/b"],
        None,
    ],
)
def test_image_that_is_put_with_what_is_no_media_type_is_pulled_as_json(aws: Aws, endpoint: Endpoint, media_type):
    text = json.dumps({**oci_image(), "mediaType": media_type})
    members = {"repositoryName": "app", "imageManifest": text, "imageTag": "v1"}
    assert aws.post("PutImage", json.dumps(members).encode()).status_code == 200
    answer = endpoint("GET", "/v2/app/manifests/v1")
    assert (answer.status_code, answer.content) == (200, text.encode())
    assert answer.headers["Content-Type"] == "application/json"
    assert "X-Injected" not in answer.headers


def test_layer_that_is_uploaded_by_the_api_counts_for_a_push(endpoint: Endpoint, ecr):
    upload(ecr, b"{}", b"layer")
    assert endpoint("HEAD", f"/v2/app/blobs/{LAYER}").headers["Content-Length"] == "5"
    assert endpoint.push_manifest("app", "v1", oci_image())


def test_upload_that_the_api_began_is_finished_by_the_endpoint(endpoint: Endpoint, ecr):
    upload_id = ecr.initiate_layer_upload(repositoryName="app")["uploadId"]
    ecr.upload_layer_part(
        repositoryName="app", uploadId=upload_id, partFirstByte=0, partLastByte=2, layerPartBlob=b"lay"
    )
    answer = endpoint("PUT", f"/v2/app/blobs/uploads/{upload_id}", b"er", params={"digest": LAYER})
    assert answer.status_code == 201
    assert endpoint("GET", f"/v2/app/blobs/{LAYER}").content == b"layer"


def test_index_of_images_that_were_put_is_pushed(endpoint: Endpoint, ecr):
    children = [put(ecr, oci_image(layer), f"child-{layer.decode()}") for layer in (b"one", b"two")]
    assert endpoint.push_manifest("app", "multi", index_of(*children))


def test_tags_that_are_put_are_listed(endpoint: Endpoint, ecr):
    for tag in ("b", "a"):
        put(ecr, oci_image(), tag)
    assert endpoint("GET", "/v2/app/tags/list").json()["tags"] == ["b", "a"]


def test_artifact_that_is_put_is_a_referrer(endpoint: Endpoint, ecr):
    image = put(ecr, oci_image())
    artifact = put(ecr, signature_of(image), "signature")
    (found,) = endpoint("GET", f"/v2/app/referrers/{sha256(image)}").json()["manifests"]
    assert found["digest"] == sha256(artifact)


def test_image_that_the_api_deletes_is_unknown(endpoint: Endpoint, ecr):
    content = endpoint.push_image("app", "v1")
    ecr.batch_delete_image(repositoryName="app", imageIds=[{"imageTag": "v1"}])
    for reference in ("v1", sha256(content)):
        assert error(endpoint("GET", f"/v2/app/manifests/{reference}")) == IMAGE_NOT_FOUND
    assert endpoint("GET", f"/v2/app/blobs/{LAYER}").status_code == 404


def test_repository_that_the_api_deletes_is_unknown(endpoint: Endpoint, ecr):
    endpoint.push_image("app", "v1")
    assert refusal(ecr.delete_repository, repositoryName="app").code == "RepositoryNotEmptyException"
    ecr.delete_repository(repositoryName="app", force=True)
    for path in ("manifests/v1", f"blobs/{LAYER}", "tags/list"):
        assert error(endpoint("GET", f"/v2/app/{path}")) == repository_not_found("app")
    ecr.create_repository(repositoryName="app")
    assert error(endpoint("GET", "/v2/app/manifests/v1")) == IMAGE_NOT_FOUND
    assert endpoint("GET", f"/v2/app/blobs/{LAYER}").status_code == 404


def test_immutability_that_the_api_sets_holds_for_the_next_push(endpoint: Endpoint, ecr):
    content = endpoint.push_image("app", "v1")
    ecr.put_image_tag_mutability(repositoryName="app", imageTagMutability="IMMUTABLE")
    answer = endpoint("PUT", "/v2/app/manifests/v1", content, headers={"Content-Type": OCI_MANIFEST})
    assert error(answer)[:2] == (400, "TAG_INVALID")


# --- in by the endpoint, out by the API -------------------------------------------------------------------------------


def test_image_that_is_pushed_is_described(endpoint: Endpoint, ecr):
    content = endpoint.push_image("app", "v1")
    (detail,) = ecr.describe_images(repositoryName="app")["imageDetails"]
    assert detail["imageDigest"] == sha256(content)
    assert (detail["registryId"], detail["repositoryName"], detail["imageTags"]) == (ACCOUNT, "app", ["v1"])
    assert detail["imageSizeInBytes"] == len(b"layer")
    assert detail["imageManifestMediaType"] == OCI_MANIFEST
    assert detail["artifactMediaType"] == "application/vnd.oci.image.config.v1+json"
    assert "imagePushedAt" in detail


@pytest.mark.parametrize("by_digest", [False, True])
def test_image_that_is_pushed_is_described_by_its_identifier(endpoint: Endpoint, ecr, by_digest):
    content = endpoint.push_image("app", "v1")
    endpoint.push_image("app", "other", b"another layer")
    image_id = {"imageDigest": sha256(content)} if by_digest else {"imageTag": "v1"}
    (detail,) = ecr.describe_images(repositoryName="app", imageIds=[image_id])["imageDetails"]
    assert detail["imageDigest"] == sha256(content)


def test_untagged_image_is_described_without_tags(endpoint: Endpoint, ecr):
    push_blobs(endpoint)
    content = json.dumps(oci_image()).encode()
    endpoint.push_manifest("app", sha256(content), oci_image())
    (detail,) = ecr.describe_images(repositoryName="app")["imageDetails"]
    assert detail["imageDigest"] == sha256(content)
    assert "imageTags" not in detail
    assert ecr.list_images(repositoryName="app")["imageIds"] == [{"imageDigest": sha256(content)}]


@pytest.mark.parametrize("by_digest", [False, True])
def test_image_that_is_pushed_is_got(endpoint: Endpoint, ecr, by_digest):
    content = endpoint.push_image("app", "v1")
    image_id = {"imageDigest": sha256(content)} if by_digest else {"imageTag": "v1"}
    (image,) = get(ecr, **image_id)["images"]
    assert image["imageManifest"].encode() == content
    assert image["imageManifestMediaType"] == OCI_MANIFEST
    assert image["imageId"]["imageDigest"] == sha256(content)


def test_index_that_is_pushed_has_the_size_of_its_largest_image(endpoint: Endpoint, ecr):
    children = [endpoint.push_image("app", "child", layer) for layer in (b"x", b"xxx", b"xx")]
    content = endpoint.push_manifest("app", "multi", index_of(*children, media_type=DOCKER_LIST))
    (detail,) = ecr.describe_images(repositoryName="app", imageIds=[{"imageTag": "multi"}])["imageDetails"]
    assert (detail["imageDigest"], detail["imageSizeInBytes"]) == (sha256(content), 3)
    assert detail["imageManifestMediaType"] == DOCKER_LIST


def test_layer_that_is_pushed_is_downloaded(endpoint: Endpoint, ecr):
    endpoint.push_image("app", "v1")
    url = ecr.get_download_url_for_layer(repositoryName="app", layerDigest=LAYER)["downloadUrl"]
    assert requests.get(url, timeout=60).content == b"layer"


def test_layer_that_is_pushed_is_available_with_its_media_type(endpoint: Endpoint, ecr):
    endpoint.push_image("app", "v1")
    answer = ecr.batch_check_layer_availability(repositoryName="app", layerDigests=[LAYER, ABSENT])
    assert answer["layers"] == [
        {"layerDigest": LAYER, "layerAvailability": "AVAILABLE", "layerSize": 5, "mediaType": LAYER_TYPE}
    ]
    assert [failure["layerDigest"] for failure in answer["failures"]] == [ABSENT]


def test_image_that_is_pushed_is_deleted_by_its_tag(endpoint: Endpoint, ecr):
    content = endpoint.push_image("app", "v1")
    answer = ecr.batch_delete_image(repositoryName="app", imageIds=[{"imageTag": "v1"}])
    assert answer["imageIds"] == [{"imageDigest": sha256(content), "imageTag": "v1"}]
    assert tags_of(ecr) == {}


@pytest.mark.parametrize("tags", [[], ["v1"], ["v1", "v2"]])
def test_image_that_is_pushed_is_deleted_by_its_digest(endpoint: Endpoint, ecr, tags):
    push_blobs(endpoint)
    digest = sha256(json.dumps(oci_image()).encode())
    for reference in tags or [digest]:
        endpoint.push_manifest("app", reference, oci_image())
    answer = ecr.batch_delete_image(repositoryName="app", imageIds=[{"imageDigest": digest}])
    assert (answer["failures"], tags_of(ecr)) == ([], {})
    found = sorted(answer["imageIds"], key=lambda one: one.get("imageTag", ""))
    assert found == ([{"imageDigest": digest, "imageTag": tag} for tag in tags] or [{"imageDigest": digest}])


def test_image_that_the_endpoint_deletes_is_not_found(endpoint: Endpoint, ecr):
    endpoint.push_image("app", "v1")
    endpoint("DELETE", "/v2/app/manifests/v1")
    assert failure_codes(get(ecr, imageTag="v1")) == ["ImageNotFound"]


def test_artifact_that_is_pushed_is_listed_as_a_referrer(endpoint: Endpoint, ecr):
    if not hasattr(ecr, "list_image_referrers"):
        pytest.skip("the model of an older botocore has no ListImageReferrers")
    image = endpoint.push_image("app", "v1", b"{}")
    artifact = endpoint.push_manifest("app", "signature", signature_of(image, "application/x"))
    answer = ecr.list_image_referrers(repositoryName="app", subjectId={"imageDigest": sha256(image)})
    assert [(one["digest"], one["artifactType"]) for one in answer["referrers"]] == [
        (sha256(artifact), "application/x")
    ]


def test_tag_that_both_move_names_the_last_image(endpoint: Endpoint, ecr):
    first = put(ecr, oci_image(annotations={"n": "1"}))
    second = endpoint.push_image("app", "v1")
    assert get(ecr, imageTag="v1")["images"][0]["imageManifest"].encode() == second
    third = put(ecr, oci_image(annotations={"n": "3"}))
    assert endpoint("GET", "/v2/app/manifests/v1").content == third
    assert tags_of(ecr)[sha256(third)] == ["v1"]
    assert tags_of(ecr)[sha256(first)] == []


def test_image_that_the_api_pulls_through_is_pulled_by_the_endpoint_without_asking_again(endpoint: Endpoint, ecr, quay):
    pushed = quay.push("team/app")
    pull(ecr, "quay/team/app")
    assert endpoint("GET", "/v2/quay/team/app/manifests/latest").content == pushed.manifest
    assert len(quay.pulls) == 1


def test_layers_of_an_image_that_the_endpoint_pulls_through_are_downloaded_by_the_api(endpoint: Endpoint, ecr, quay):
    pushed = quay.push("team/app", layers=[b"layer"])
    endpoint("GET", "/v2/quay/team/app/manifests/latest")
    url = ecr.get_download_url_for_layer(repositoryName="quay/team/app", layerDigest=LAYER)["downloadUrl"]
    assert requests.get(url, timeout=60).content == pushed.layers[0]


def test_pull_by_the_endpoint_is_the_images_last_recorded_one(endpoint: Endpoint, ecr):
    endpoint.push_image("app", "v1")
    (before,) = ecr.describe_images(repositoryName="app")["imageDetails"]
    endpoint("GET", "/v2/app/manifests/v1")
    (after,) = ecr.describe_images(repositoryName="app")["imageDetails"]
    assert "lastRecordedPullTime" not in before
    assert "lastRecordedPullTime" in after


def test_images_of_a_deleted_repository_do_not_wait_for_a_reset(endpoint: Endpoint, ecr):
    name = "of-this-test-only"
    ecr.create_repository(repositoryName=name)
    endpoint.push_image(name, "v1")
    ecr.delete_repository(repositoryName=name, force=True)
    gc.collect()
    assert [one for one in gc.get_objects() if type(one) is StoredImage and one.repository_name == name] == []
