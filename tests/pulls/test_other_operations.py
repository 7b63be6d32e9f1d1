"""What the other operations see of pulled images."""

from __future__ import annotations

import json

from freezegun import freeze_time
from moto.ecr.models import Image, ecr_backends

from conftest import ACCOUNT, REGION, digest, failure_codes, pull, refusal, repositories
from moto_ecr_ptc import upstream_registry
from tests.pulls.pull_calls import BWA, sha256, tags


def test_describe_images_has_sizes_types_and_times(in_process):
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr = in_process.client("ecr")
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        image = upstream_registry("quay").push("biocontainers/bwa", layers=[b"12345", b"678"])
        pull(ecr, BWA)
        clock.move_to("2026-03-02 13:00:00")
        pull(ecr, BWA)
        (detail,) = ecr.describe_images(repositoryName=BWA)["imageDetails"]
    assert (detail["imageDigest"], detail["imageTags"]) == (image.digest, ["latest"])
    assert detail["imageSizeInBytes"] == 8
    assert detail["imageManifestMediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert detail["artifactMediaType"] == "application/vnd.oci.image.config.v1+json"
    assert detail["imagePushedAt"].isoformat() == "2026-03-02T12:00:00+00:00"
    assert detail["lastRecordedPullTime"].isoformat() == "2026-03-02T13:00:00+00:00"


def test_describe_images_by_tag_finds_what_was_pulled(ecr, quay):
    pulled = digest(pull(ecr, BWA))
    (detail,) = ecr.describe_images(repositoryName=BWA, imageIds=[{"imageTag": "latest"}])["imageDetails"]
    assert detail["imageDigest"] == pulled


def test_repository_with_images_is_deleted_only_by_force(ecr, quay):
    pull(ecr, BWA)
    assert refusal(ecr.delete_repository, repositoryName=BWA).code == "RepositoryNotEmptyException"
    ecr.delete_repository(repositoryName=BWA, force=True)
    assert repositories(ecr) == []


def test_image_is_deleted_by_digest(ecr, quay):
    pulled = digest(pull(ecr, BWA))
    answer = ecr.batch_delete_image(repositoryName=BWA, imageIds=[{"imageDigest": pulled}])
    assert answer["imageIds"] == [{"imageDigest": pulled, "imageTag": "latest"}]
    assert ecr.list_images(repositoryName=BWA)["imageIds"] == []


def test_pushed_image_beside_cached_ones_is_served(ecr, quay):
    pull(ecr, BWA)
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []})
    ecr.put_image(repositoryName=BWA, imageManifest=manifest, imageTag="own")
    (image,) = pull(ecr, BWA, "own")["images"]
    assert image["imageManifest"] == manifest
    assert [asked.reference for asked in quay.pulls] == ["latest"]


def test_malformed_image_of_motos_own_is_served_and_harms_no_other(aws, ecr, quay):
    pulled = digest(pull(ecr, BWA))
    poison = {
        "repositoryName": BWA,
        "imageManifest": '{"layers": [{"digest": 1}], "subject": {}}',
        "imageManifestMediaType": "application/vnd.oci.image.manifest.v1+json",
        "imageTag": "poison",
    }
    assert aws.post("PutImage", json.dumps(poison).encode()).status_code == 200
    assert digest(pull(ecr, BWA, "poison")) == sha256(poison["imageManifest"].encode())
    answer = ecr.batch_get_image(repositoryName=BWA, imageIds=[{"imageDigest": pulled}])
    assert digest(answer) == pulled
    ecr.batch_delete_image(repositoryName=BWA, imageIds=[{"imageTag": "latest"}])


def test_malformed_image_of_before_the_activation_is_missing_and_harms_no_other(in_process):
    ecr = in_process.client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    pulled = digest(pull(ecr, BWA))
    repository = ecr_backends[ACCOUNT][REGION].repositories[BWA]
    # As moto alone stores what is no manifest: without a digest.
    malformed = '{"layers": [{"digest": 1}]}'
    repository.images.append(Image(ACCOUNT, "malformed", malformed, BWA, "application/x", None))
    assert failure_codes(pull(ecr, BWA, "malformed")) == ["ImageNotFound"]
    assert digest(ecr.batch_get_image(repositoryName=BWA, imageIds=[{"imageDigest": pulled}])) == pulled


def test_pulled_image_can_be_tagged_anew(ecr, quay):
    (image,) = pull(ecr, BWA)["images"]
    ecr.put_image(repositoryName=BWA, imageManifest=image["imageManifest"], imageTag="mine")
    assert set(tags(ecr, BWA)) == {"latest", "mine"}
    assert digest(pull(ecr, BWA, "mine")) == image["imageId"]["imageDigest"]
    assert len(quay.pulls) == 1


def test_authorization_token_expires_in_12_hours(in_process):
    with freeze_time("2026-03-02 12:00:00"):
        (data,) = in_process.client("ecr").get_authorization_token()["authorizationData"]
    assert data["expiresAt"].isoformat() == "2026-03-03T00:00:00+00:00"
    assert data["proxyEndpoint"] == f"https://{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
