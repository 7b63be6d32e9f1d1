"""BatchGetImage's acceptedMediaTypes: images in the format that a client takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import digest, failure_codes, pull, repositories
from moto_ecr_ptc.ecr.images.manifests import sha256

OCI = "application/vnd.oci.image.manifest.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_TYPES = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
)
DOCKER_TYPES = (
    "application/vnd.docker.container.image.v1+json",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
)
REPOSITORY = "quay/team/app"


def document(media_type: str, config: str, *layers: str, **more: Any) -> dict[str, Any]:
    blobs = [{"mediaType": name, "digest": sha256(name.encode()), "size": len(name)} for name in (config, *layers)]
    return {"schemaVersion": 2, "mediaType": media_type, "config": blobs[0], "layers": blobs[1:], **more}


def put(ecr: Any, document: dict[str, Any]) -> dict[str, Any]:
    """Push a manifest into a repository that the rule covers, and return its digest's identifier."""
    if REPOSITORY not in repositories(ecr):
        ecr.create_repository(repositoryName=REPOSITORY)
    pushed = ecr.put_image(repositoryName=REPOSITORY, imageManifest=json.dumps(document), imageTag="latest")
    return {"imageDigest": pushed["image"]["imageId"]["imageDigest"]}


@pytest.mark.parametrize(
    ("stored", "stored_types", "wanted", "wanted_types"),
    [(OCI, OCI_TYPES, DOCKER, DOCKER_TYPES), (DOCKER, DOCKER_TYPES, OCI, OCI_TYPES)],
)
def test_image_asked_for_by_tag_is_translated_into_the_accepted_format(
    ecr, quay, stored, stored_types, wanted, wanted_types
):
    manifest = document(stored, *stored_types, annotations={"a": "b"})
    put(ecr, manifest)
    (image,) = pull(ecr, REPOSITORY, acceptedMediaTypes=[wanted])["images"]
    assert image["imageManifestMediaType"] == wanted
    translated = json.loads(image["imageManifest"])
    renamed = [translated["config"], *translated["layers"]]
    assert [blob["mediaType"] for blob in renamed] == list(wanted_types)
    original = [manifest["config"], *manifest["layers"]]
    assert [(blob["digest"], blob["size"]) for blob in renamed] == [(blob["digest"], blob["size"]) for blob in original]
    assert (translated["mediaType"], translated["annotations"]) == (wanted, {"a": "b"})
    assert image["imageId"] == {"imageTag": "latest", "imageDigest": sha256(image["imageManifest"].encode())}


def test_image_without_a_configuration_is_translated(ecr, quay):
    manifest = document(DOCKER, *DOCKER_TYPES)
    del manifest["config"]
    put(ecr, manifest)
    (image,) = pull(ecr, REPOSITORY, acceptedMediaTypes=[OCI])["images"]
    assert [layer["mediaType"] for layer in json.loads(image["imageManifest"])["layers"]] == list(OCI_TYPES[1:])


def test_translated_image_is_not_stored(ecr, quay):
    pushed = quay.push("team/app")
    translated = digest(pull(ecr, REPOSITORY, acceptedMediaTypes=[DOCKER]))
    assert translated != pushed.digest
    (stored,) = ecr.list_images(repositoryName=REPOSITORY)["imageIds"]
    assert stored == {"imageTag": "latest", "imageDigest": pushed.digest}
    missing = ecr.batch_get_image(repositoryName=REPOSITORY, imageIds=[{"imageDigest": translated}])
    assert failure_codes(missing) == ["ImageNotFound"]


def test_stored_format_goes_before_a_translation(ecr, quay):
    pushed = quay.push("team/app")
    assert digest(pull(ecr, REPOSITORY, acceptedMediaTypes=[DOCKER, OCI])) == pushed.digest


@pytest.mark.parametrize("with_tag", [False, True])
def test_image_asked_for_by_digest_is_never_translated(ecr, quay, with_tag):
    pushed = quay.push("team/app")
    pull(ecr, REPOSITORY)
    image_id = {"imageDigest": pushed.digest, **({"imageTag": "latest"} if with_tag else {})}
    answer = ecr.batch_get_image(repositoryName=REPOSITORY, imageIds=[image_id], acceptedMediaTypes=[DOCKER])
    (failure,) = answer["failures"]
    assert (failure["failureCode"], failure["imageId"]) == ("ImageNotFound", image_id)
    assert digest(ecr.batch_get_image(repositoryName=REPOSITORY, imageIds=[image_id])) == pushed.digest


def test_index_is_translated_and_keeps_its_children(ecr, quay):
    pushed = quay.push("team/app", platforms=["linux/amd64", "linux/arm64"])
    (image,) = pull(ecr, REPOSITORY, acceptedMediaTypes=[DOCKER_LIST])["images"]
    translated = json.loads(image["imageManifest"])
    assert (image["imageManifestMediaType"], translated["mediaType"]) == (DOCKER_LIST, DOCKER_LIST)
    assert translated["manifests"] == json.loads(pushed.manifest)["manifests"]


@pytest.mark.parametrize(
    "manifest",
    [
        document(OCI, OCI_TYPES[0], "application/vnd.oci.image.layer.v1.tar+zstd"),
        document(OCI, "application/vnd.cncf.helm.config.v1+json", OCI_TYPES[1]),
        document(OCI, *OCI_TYPES, artifactType="application/x"),
        document(OCI, *OCI_TYPES, subject={"mediaType": OCI, "digest": sha256(b""), "size": 1}),
        {"schemaVersion": 2, "mediaType": OCI},
    ],
)
def test_image_that_docker_has_no_format_for_is_missing(ecr, quay, manifest):
    put(ecr, manifest)
    assert failure_codes(pull(ecr, REPOSITORY, acceptedMediaTypes=[DOCKER])) == ["ImageNotFound"]


@pytest.mark.parametrize("accepted", ["application/x", DOCKER_LIST, OCI_INDEX])
def test_image_of_no_accepted_format_is_missing(ecr, quay, accepted):
    assert failure_codes(pull(ecr, REPOSITORY, acceptedMediaTypes=[accepted])) == ["ImageNotFound"]
