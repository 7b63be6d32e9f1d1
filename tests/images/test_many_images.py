"""What is read of a repository's images to answer a request: no more where there are many.

moto keeps the images in a list. How many are read of it one by one is counted, not how long it takes.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.ecr.models import Image, ecr_backends

from conftest import ACCOUNT, REGION, Aws, digest, pull

REPOSITORY = "quay/team/app"
FEW, MANY = 5, 60


class ImagesRead(list):
    """moto's list of a repository's images, which counts how many are read, and how often one is searched."""

    count = searches = 0

    def __iter__(self):
        for image in super().__iter__():
            self.count += 1
            yield image

    def __contains__(self, image: object) -> bool:
        self.searches += 1
        return super().__contains__(image)


def pull_images(ecr: Any, size: int) -> list[Any]:
    """Pull as many tags into the repository, and return the answers' images."""
    return [pull(ecr, REPOSITORY, f"{number}")["images"][0] for number in range(size)]


def count_reads() -> ImagesRead:
    """Let the repository count from now on."""
    repository = ecr_backends[ACCOUNT][REGION].repositories[REPOSITORY]
    repository.images = ImagesRead(repository.images)
    return repository.images


@pytest.fixture
def ecr(in_process: Aws) -> Any:
    return in_process.client("ecr")


@pytest.mark.usefixtures("quay")
def test_cached_pull_by_tag_reads_no_other_images(ecr):
    image = pull_images(ecr, MANY)[-1]
    images = count_reads()
    assert digest(pull(ecr, REPOSITORY, image["imageId"]["imageTag"])) == image["imageId"]["imageDigest"]
    assert images.count == 0


@pytest.mark.usefixtures("quay")
def test_second_pull_by_digest_reads_no_other_images(ecr):
    image_ids = [{"imageDigest": pull_images(ecr, MANY)[-1]["imageId"]["imageDigest"]}]
    ecr.batch_get_image(repositoryName=REPOSITORY, imageIds=image_ids)
    images = count_reads()
    assert ecr.batch_get_image(repositoryName=REPOSITORY, imageIds=image_ids)["images"]
    assert images.count == 0


@pytest.mark.usefixtures("quay")
@pytest.mark.parametrize("by", ["imageTag", "imageDigest"])
def test_pull_after_an_earlier_image_was_deleted_returns_the_same_image(ecr, by):
    first, *others = (image["imageId"] for image in pull_images(ecr, FEW))
    for _ in range(2):  # the second time each has been found before
        for image_id in others:
            (found,) = ecr.batch_get_image(repositoryName=REPOSITORY, imageIds=[{by: image_id[by]}])["images"]
            assert found["imageId"]["imageDigest"] == image_id["imageDigest"]
        ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": first["imageTag"]}])


@pytest.mark.usefixtures("quay")
def test_check_of_a_layer_reads_the_new_images_only(ecr):
    layer = json.loads(pull_images(ecr, MANY)[0]["imageManifest"])["layers"][0]["digest"]
    check = {"repositoryName": REPOSITORY, "layerDigests": [layer]}
    ecr.batch_check_layer_availability(**check)
    images = count_reads()
    assert ecr.batch_check_layer_availability(**check)["layers"]
    assert images.count == 0


def test_shared_layer_is_available_until_its_last_image_is_deleted(ecr, quay):
    contents = [b"base", b"app"]
    shared = quay.push("team/app", tag="1", layers=contents)
    quay.push("team/app", tag="2", layers=contents, annotations={"another": "image"})
    pull(ecr, REPOSITORY, "1")
    pull(ecr, REPOSITORY, "2")
    wanted = [layer["digest"] for layer in json.loads(shared.manifest)["layers"]]
    check = {"repositoryName": REPOSITORY, "layerDigests": wanted}
    left = [ecr.batch_check_layer_availability(**check)["layers"]]
    for tag in ("1", "2"):
        ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": tag}])
        left.append(ecr.batch_check_layer_availability(**check)["layers"])
    assert [[layer["layerDigest"] for layer in layers] for layers in left] == [wanted, wanted, []]


@pytest.mark.usefixtures("quay")
def test_first_pull_of_a_tag_computes_no_digests_of_other_images(ecr, monkeypatch):
    pull_images(ecr, MANY)
    asked: list[Image] = []
    compute = Image.get_image_digest
    monkeypatch.setattr(Image, "get_image_digest", lambda image: (asked.append(image), compute(image))[1])
    pull(ecr, REPOSITORY, "another")
    assert len(set(asked)) == 1


def test_deletion_of_a_tag_does_not_search_for_each_untagged_image(ecr, quay):
    for number in range(FEW):
        quay.push("team/app", tag=f"{number}", platforms=["linux/amd64", "linux/arm64"])  # whose images have no tag
    pull_images(ecr, FEW)
    images = count_reads()
    ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "0"}])
    assert images.searches == 0
