"""Pushes of manifests to the registry endpoint: what is stored, and what the answer says."""

from __future__ import annotations

import json

import pytest

from tests.registry.endpoint import OCI_INDEX, OCI_MANIFEST, Endpoint, sha256
from tests.registry.manifests import (
    ABSENT,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    descriptor,
    docker_image,
    index_of,
    oci_image,
    push_blobs,
    put_manifest,
    signature_of,
    tags_of,
)

FOREIGN = [
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
]


def test_push_by_tag_stores_the_image_under_its_digest(endpoint: Endpoint, ecr):
    push_blobs(endpoint)
    content = json.dumps(oci_image()).encode()
    answer = put_manifest(endpoint, content, Content_Type=OCI_MANIFEST)
    assert (answer.status_code, answer.content) == (201, b"")
    assert answer.headers["Docker-Content-Digest"] == sha256(content)
    assert tags_of(ecr) == {sha256(content): ["v1"]}


def test_answer_to_a_push_has_neither_location_nor_subject(endpoint: Endpoint):
    push_blobs(endpoint)
    headers = put_manifest(endpoint, oci_image(), Content_Type=OCI_MANIFEST).headers
    assert {"Location", "OCI-Subject"}.isdisjoint(headers)


def test_push_by_digest_stores_an_untagged_image(endpoint: Endpoint, ecr):
    push_blobs(endpoint)
    content = json.dumps(oci_image()).encode()
    answer = put_manifest(endpoint, content, sha256(content), Content_Type=OCI_MANIFEST)
    assert (answer.status_code, answer.headers["Docker-Content-Digest"]) == (201, sha256(content))
    assert tags_of(ecr) == {sha256(content): []}


@pytest.mark.parametrize("subject", [ABSENT, "image"])
def test_artifact_with_a_subject_is_answered_with_the_subjects_digest(endpoint: Endpoint, subject):
    image = endpoint.push_image("app", "image", b"{}")
    artifact = signature_of(image)
    if subject == ABSENT:
        artifact["subject"]["digest"] = ABSENT
    answer = put_manifest(endpoint, artifact, "signature", Content_Type=OCI_MANIFEST)
    assert (answer.status_code, answer.headers["OCI-Subject"]) == (201, artifact["subject"]["digest"])


def test_index_with_a_subject_is_answered_with_the_subjects_digest(endpoint: Endpoint):
    image = endpoint.push_image("app", "image")
    answer = put_manifest(endpoint, index_of(image, subject=descriptor(image)), Content_Type=OCI_INDEX)
    assert (answer.status_code, answer.headers["OCI-Subject"]) == (201, sha256(image))


@pytest.mark.parametrize("kind", [OCI_INDEX, DOCKER_LIST])
def test_index_whose_children_are_there_is_stored(endpoint: Endpoint, ecr, kind):
    children = [endpoint.push_image("app", "child", layer) for layer in (b"one", b"two")]
    content = endpoint.push_manifest("app", "multi", index_of(*children, media_type=kind))
    assert tags_of(ecr)[sha256(content)] == ["multi"]


def test_index_of_indexes_is_stored(endpoint: Endpoint):
    inner = endpoint.push_manifest("app", "inner", index_of(endpoint.push_image("app", "image")))
    assert endpoint.push_manifest("app", "outer", index_of(inner))


def test_index_without_children_is_stored(endpoint: Endpoint):
    assert endpoint.push_manifest("app", "empty", index_of())


def test_docker_image_is_stored(endpoint: Endpoint, ecr):
    push_blobs(endpoint)
    content = endpoint.push_manifest("app", "v1", docker_image())
    (detail,) = ecr.describe_images(repositoryName="app")["imageDetails"]
    assert (detail["imageManifestMediaType"], detail["imageDigest"]) == (DOCKER_MANIFEST, sha256(content))


def test_tag_that_is_pushed_again_with_the_same_image_is_accepted(endpoint: Endpoint, ecr):
    content = endpoint.push_image("app", "v1")
    assert endpoint.push_image("app", "v1") == content
    assert tags_of(ecr) == {sha256(content): ["v1"]}


def test_image_that_is_pushed_by_digest_again_keeps_its_tags(endpoint: Endpoint, ecr):
    content = endpoint.push_image("app", "v1")
    assert put_manifest(endpoint, content, sha256(content), Content_Type=OCI_MANIFEST).status_code == 201
    assert tags_of(ecr) == {sha256(content): ["v1"]}


def test_image_that_is_pushed_with_a_second_tag_has_both(endpoint: Endpoint, ecr):
    content = endpoint.push_image("app", "v1")
    endpoint.push_image("app", "v2")
    assert tags_of(ecr) == {sha256(content): ["v1", "v2"]}


def test_tag_that_moves_leaves_the_old_image_untagged(endpoint: Endpoint, ecr):
    old, new = (endpoint.push_image("app", "v1", layer) for layer in (b"old", b"new"))
    assert tags_of(ecr) == {sha256(old): [], sha256(new): ["v1"]}
    assert ecr.list_images(repositoryName="app")["imageIds"] == [
        {"imageDigest": sha256(old)},
        {"imageDigest": sha256(new), "imageTag": "v1"},
    ]
    assert endpoint("GET", f"/v2/app/manifests/{sha256(old)}").content == old


def test_tag_that_moves_away_from_an_image_of_the_api_leaves_it_untagged(endpoint: Endpoint, ecr):
    push_blobs(endpoint)
    old = json.dumps(oci_image(annotations={"by": "the API"}))
    ecr.put_image(repositoryName="app", imageManifest=old, imageTag="v1")
    new = endpoint.push_image("app", "v1", b"new")
    assert tags_of(ecr) == {sha256(old.encode()): [], sha256(new): ["v1"]}
    assert {"imageDigest": sha256(old.encode())} in ecr.list_images(repositoryName="app")["imageIds"]


def test_image_of_the_api_whose_tag_moved_away_is_got_by_its_digest_without_it(endpoint: Endpoint, ecr):
    push_blobs(endpoint)
    old = json.dumps(oci_image(annotations={"by": "the API"}))
    ecr.put_image(repositoryName="app", imageManifest=old, imageTag="v1")
    endpoint.push_image("app", "v1", b"new")
    image_id = {"imageDigest": sha256(old.encode())}
    (image,) = ecr.batch_get_image(repositoryName="app", imageIds=[image_id])["images"]
    assert image["imageId"] == image_id


def test_tag_that_moves_back_names_the_old_image(endpoint: Endpoint, ecr):
    old, new = (endpoint.push_image("app", "v1", layer) for layer in (b"old", b"new"))
    endpoint.push_image("app", "v1", b"old")
    assert tags_of(ecr) == {sha256(old): ["v1"], sha256(new): []}


def test_image_of_the_api_that_is_pushed_again_gets_the_new_tag_too(endpoint: Endpoint, ecr):
    push_blobs(endpoint)
    text = json.dumps(oci_image())
    ecr.put_image(repositoryName="app", imageManifest=text, imageTag="api")
    put_manifest(endpoint, text.encode(), "pushed", Content_Type=OCI_MANIFEST)
    assert tags_of(ecr) == {sha256(text.encode()): ["api", "pushed"]}


@pytest.mark.parametrize("layer_type", FOREIGN)
def test_layer_that_must_not_be_distributed_need_not_be_there(endpoint: Endpoint, layer_type):
    push_blobs(endpoint)
    document = oci_image(b"layer", b"elsewhere")
    document["layers"][1] |= {"mediaType": layer_type, "urls": ["https://example.com/layer"]}
    assert endpoint.push_manifest("app", "v1", document)


@pytest.mark.parametrize("content_type", [{}, {"Content_Type": ""}])
def test_push_without_a_content_type_has_the_media_type_of_the_manifest(endpoint: Endpoint, content_type):
    push_blobs(endpoint)
    assert put_manifest(endpoint, docker_image(), **content_type).status_code == 201
    assert endpoint("HEAD", "/v2/app/manifests/v1").headers["Content-Type"] == DOCKER_MANIFEST


def test_manifest_without_a_media_type_has_that_of_the_request(endpoint: Endpoint):
    push_blobs(endpoint)
    document = oci_image()
    del document["mediaType"]
    assert put_manifest(endpoint, document, Content_Type=OCI_MANIFEST).status_code == 201
    assert endpoint("HEAD", "/v2/app/manifests/v1").headers["Content-Type"] == OCI_MANIFEST


def test_manifest_with_text_beyond_ascii_keeps_its_bytes(endpoint: Endpoint):
    push_blobs(endpoint)
    content = json.dumps(oci_image(annotations={"title": "größer 🐳"}), ensure_ascii=False, indent=3).encode()
    assert put_manifest(endpoint, content, Content_Type=OCI_MANIFEST).status_code == 201
    assert endpoint("GET", "/v2/app/manifests/v1").content == content


@pytest.mark.parametrize("tag", ["a", "_a", "A.b-c_d", "0", "t" * 128])
def test_tag_of_each_admitted_form_is_stored(endpoint: Endpoint, tag):
    content = endpoint.push_image("app", tag)
    assert endpoint("GET", f"/v2/app/manifests/{tag}").content == content
