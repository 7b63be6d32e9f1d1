"""Manifests in the format that a client accepts: by the Accept header, and by BatchGetImage's acceptedMediaTypes."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from conftest import Aws, failure_codes
from tests.registry.endpoint import (
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    Endpoint,
    error,
    sha256,
)
from tests.registry.manifests import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_LIST,
    IMAGE_NOT_FOUND,
    docker_image,
    index_of,
    oci_image,
    push_blobs,
    signature_of,
)

STORED = {OCI_MANIFEST: oci_image(), DOCKER_MANIFEST: docker_image()}
TYPES = {OCI_MANIFEST: (OCI_CONFIG, OCI_LAYER), DOCKER_MANIFEST: (DOCKER_CONFIG, DOCKER_LAYER)}
BOTH_WAYS = pytest.mark.parametrize(
    ("stored", "wanted"), [(OCI_MANIFEST, DOCKER_MANIFEST), (DOCKER_MANIFEST, OCI_MANIFEST)]
)


def get(endpoint: Endpoint, reference: str, accept: str | None, method: str = "GET") -> Any:
    # requests would send */* by itself
    return endpoint(method, f"/v2/app/manifests/{reference}", headers={"Accept": accept})


def push(endpoint: Endpoint, document: dict[str, Any], tag: str = "v1") -> bytes:
    push_blobs(endpoint)
    return endpoint.push_manifest("app", tag, document)


# --- which format -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "application/*",
        "*/*;q=0.1",
        f"{DOCKER_MANIFEST}, */*",
        OCI_MANIFEST,
        OCI_MANIFEST.upper(),
        f"{OCI_MANIFEST};q=0.5",
        f"{DOCKER_MANIFEST},{OCI_MANIFEST}",
        f"{DOCKER_MANIFEST}, {OCI_MANIFEST};q=0.1",
        f"application/json, {DOCKER_LIST}, {OCI_INDEX}, {OCI_MANIFEST}",
    ],
)
def test_stored_format_that_a_client_accepts_is_returned(endpoint: Endpoint, accept):
    content = push(endpoint, oci_image())
    answer = get(endpoint, "v1", accept)
    assert (answer.content, answer.headers["Content-Type"]) == (content, OCI_MANIFEST)


@pytest.mark.parametrize(
    "accept",
    [
        DOCKER_MANIFEST,
        DOCKER_MANIFEST.upper(),
        f"{DOCKER_MANIFEST};q=0.1",
        f"{DOCKER_LIST}, {DOCKER_MANIFEST}, text/plain",
        f"{OCI_MANIFEST};q=0, {DOCKER_MANIFEST}",
        f"{OCI_MANIFEST}; q=0.000 , {DOCKER_MANIFEST};q=1",
        f"{OCI_MANIFEST};q=0, */*",
    ],
)
def test_other_format_that_a_client_accepts_is_translated_into(endpoint: Endpoint, accept):
    push(endpoint, oci_image())
    answer = get(endpoint, "v1", accept)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, DOCKER_MANIFEST)


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "text/*",
        OCI_INDEX,
        f"{OCI_MANIFEST};q=0",
        f"{OCI_MANIFEST}; q=0.0",
        f"{OCI_MANIFEST};q=0, {DOCKER_MANIFEST};q=0",
        "*/*;q=0",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_format_that_ecr_cannot_give_is_unknown(endpoint: Endpoint, method, accept):
    push(endpoint, oci_image())
    answer = get(endpoint, "v1", accept, method)
    assert answer.status_code == 404
    assert method == "HEAD" or error(answer) == IMAGE_NOT_FOUND


@pytest.mark.parametrize(
    "document",
    [
        signature_of(b"subject"),
        {**oci_image(), "artifactType": "application/x"},
        {**oci_image(), "layers": [{**oci_image()["layers"][0], "mediaType": f"{OCI_LAYER[:-5]}+zstd"}]},
    ],
)
def test_image_that_docker_has_no_format_for_is_unknown_to_a_client_of_docker(endpoint: Endpoint, document):
    endpoint.push_blob("app", b"{}")
    push(endpoint, document)
    assert error(get(endpoint, "v1", DOCKER_MANIFEST)) == IMAGE_NOT_FOUND


@pytest.mark.parametrize("accept", [DOCKER_MANIFEST, "application/json", f"{OCI_MANIFEST};q=0"])
def test_image_asked_for_by_digest_is_never_translated(endpoint: Endpoint, accept):
    content = push(endpoint, oci_image())
    assert error(get(endpoint, sha256(content), accept)) == IMAGE_NOT_FOUND


# --- what a translation is --------------------------------------------------------------------------------------------


@BOTH_WAYS
def test_translated_image_has_the_other_formats_media_types_and_the_same_blobs(endpoint: Endpoint, stored, wanted):
    push(endpoint, {**STORED[stored], "annotations": {"a": "b"}})
    answer = get(endpoint, "v1", wanted)
    translated = answer.json()
    assert (answer.headers["Content-Type"], translated["mediaType"]) == (wanted, wanted)
    assert translated == {**STORED[wanted], "annotations": {"a": "b"}}
    assert tuple(one["mediaType"] for one in (translated["config"], *translated["layers"])) == TYPES[wanted]


@BOTH_WAYS
def test_head_of_a_translated_image_tells_its_own_digest_and_size(endpoint: Endpoint, stored, wanted):
    push(endpoint, STORED[stored])
    content = get(endpoint, "v1", wanted).content
    headers = get(endpoint, "v1", wanted, "HEAD").headers
    assert (headers["Docker-Content-Digest"], headers["Content-Length"]) == (sha256(content), str(len(content)))
    assert headers["Content-Type"] == wanted


@BOTH_WAYS
def test_translated_image_is_not_stored(endpoint: Endpoint, ecr, stored, wanted):
    content = push(endpoint, STORED[stored])
    translated = get(endpoint, "v1", wanted).content
    assert ecr.list_images(repositoryName="app")["imageIds"] == [{"imageTag": "v1", "imageDigest": sha256(content)}]
    assert error(get(endpoint, sha256(translated), None)) == IMAGE_NOT_FOUND


def test_translated_image_that_is_pushed_back_gives_the_original_when_it_is_translated_again(endpoint: Endpoint):
    document = oci_image()
    push(endpoint, document)
    endpoint.push_manifest("app", "docker", get(endpoint, "v1", DOCKER_MANIFEST).json())
    assert get(endpoint, "docker", OCI_MANIFEST).json() == document


@pytest.mark.parametrize(("stored", "wanted"), [(OCI_INDEX, DOCKER_LIST), (DOCKER_LIST, OCI_INDEX)])
def test_translated_index_has_the_same_children(endpoint: Endpoint, stored, wanted):
    children = [endpoint.push_image("app", "child", layer) for layer in (b"one", b"two")]
    document = index_of(*children, media_type=stored)
    endpoint.push_manifest("app", "multi", document)
    answer = get(endpoint, "multi", wanted)
    assert (answer.headers["Content-Type"], answer.json()) == (wanted, {**document, "mediaType": wanted})


@BOTH_WAYS
def test_layers_of_each_compression_are_translated(endpoint: Endpoint, stored, wanted):
    pairs = {
        OCI_MANIFEST: (
            "application/vnd.oci.image.layer.v1.tar",
            "application/vnd.oci.image.layer.nondistributable.v1.tar",
            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        ),
        DOCKER_MANIFEST: (
            "application/vnd.docker.image.rootfs.diff.tar",
            "application/vnd.docker.image.rootfs.foreign.diff.tar",
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        ),
    }
    (layer,) = STORED[stored]["layers"]
    document = {**STORED[stored], "layers": [{**layer, "mediaType": name} for name in pairs[stored]]}
    push(endpoint, document)
    assert tuple(one["mediaType"] for one in get(endpoint, "v1", wanted).json()["layers"]) == pairs[wanted]


# --- BatchGetImage, in a repository that no rule covers ---------------------------------------------------------------


def batch_get(ecr: Any, image_id: dict[str, str], *accepted: str) -> Any:
    return ecr.batch_get_image(repositoryName="app", imageIds=[image_id], acceptedMediaTypes=list(accepted))


@BOTH_WAYS
def test_batch_get_image_translates_an_image_asked_for_by_tag(endpoint: Endpoint, ecr, stored, wanted):
    push(endpoint, STORED[stored])
    (image,) = batch_get(ecr, {"imageTag": "v1"}, wanted)["images"]
    assert (image["imageManifestMediaType"], json.loads(image["imageManifest"])) == (wanted, STORED[wanted])
    assert image["imageId"] == {"imageTag": "v1", "imageDigest": sha256(image["imageManifest"].encode())}


@BOTH_WAYS
def test_batch_get_image_translates_what_put_image_stored(endpoint: Endpoint, ecr, stored, wanted):
    ecr.put_image(repositoryName="app", imageManifest=json.dumps(STORED[stored]), imageTag="v1")
    (image,) = batch_get(ecr, {"imageTag": "v1"}, wanted)["images"]
    assert json.loads(image["imageManifest"]) == STORED[wanted]


@pytest.mark.parametrize("accepted", [[OCI_MANIFEST], [DOCKER_MANIFEST, OCI_MANIFEST]])
def test_batch_get_image_returns_the_stored_format_if_it_is_accepted(endpoint: Endpoint, ecr, accepted):
    content = push(endpoint, oci_image())
    (image,) = batch_get(ecr, {"imageTag": "v1"}, *accepted)["images"]
    assert image["imageManifest"].encode() == content


@pytest.mark.parametrize("accepted", [DOCKER_MANIFEST, "application/json"])
def test_batch_get_image_translates_nothing_by_digest(endpoint: Endpoint, ecr, accepted):
    content = push(endpoint, oci_image())
    assert failure_codes(batch_get(ecr, {"imageDigest": sha256(content)}, accepted)) == ["ImageNotFound"]


def test_batch_get_image_answers_each_identifier_for_itself(endpoint: Endpoint, ecr):
    content = push(endpoint, oci_image())
    image_ids = [{"imageTag": "v1"}, {"imageDigest": sha256(content)}, {"imageTag": "absent"}]
    answer = ecr.batch_get_image(repositoryName="app", imageIds=image_ids, acceptedMediaTypes=[DOCKER_MANIFEST])
    assert [image["imageManifestMediaType"] for image in answer["images"]] == [DOCKER_MANIFEST]
    assert [failure["imageId"] for failure in answer["failures"]] == image_ids[1:]


def test_batch_get_image_admits_no_empty_list_of_media_types(aws: Aws, endpoint: Endpoint):
    push(endpoint, oci_image())
    members = {"repositoryName": "app", "imageIds": [{"imageTag": "v1"}], "acceptedMediaTypes": []}
    answer = aws.post("BatchGetImage", json.dumps(members).encode())
    assert answer.status_code == 400
    assert answer.json()["__type"].rpartition("#")[2] == "InvalidParameterException"


def test_batch_get_image_translates_for_a_compressed_request(aws: Aws, endpoint: Endpoint):
    push(endpoint, oci_image())
    members = {"repositoryName": "app", "imageIds": [{"imageTag": "v1"}], "acceptedMediaTypes": [DOCKER_MANIFEST]}
    answer = aws.post("BatchGetImage", gzip.compress(json.dumps(members).encode()), Content_Encoding="gzip")
    (image,) = answer.json()["images"]
    assert image["imageManifestMediaType"] == DOCKER_MANIFEST
