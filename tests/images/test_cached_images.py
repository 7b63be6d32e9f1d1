"""What people do to cached images: they push over them, tag them, delete them."""

from __future__ import annotations

import gc
import json
import tracemalloc
from typing import Any

from freezegun import freeze_time

from conftest import Aws, digest, pull, refusal
from moto_ecr_ptc import upstream_registry
from moto_ecr_ptc.ecr.images.manifests import sha256

REPOSITORY = "quay/team/app"


def available(ecr: Any, *layers: str) -> list[str]:
    answer = ecr.batch_check_layer_availability(repositoryName=REPOSITORY, layerDigests=list(layers))
    return [layer["layerDigest"] for layer in answer["layers"]]


def layers(manifest: str) -> list[str]:
    return [layer["digest"] for layer in json.loads(manifest)["layers"]]


def test_image_that_is_pushed_over_a_tag_keeps_the_layers_that_it_shares(aws, ecr, quay):
    quay.push("team/app", layers=[b"base", b"app"])
    (pulled,) = pull(ecr, REPOSITORY)["images"]
    base, app = layers(pulled["imageManifest"])
    document = json.loads(pulled["imageManifest"])
    del document["layers"][1]
    ecr.put_image(repositoryName=REPOSITORY, imageManifest=json.dumps(document), imageTag="latest")
    assert available(ecr, base, app) == [base]
    assert ecr.get_download_url_for_layer(repositoryName=REPOSITORY, layerDigest=base)["layerDigest"] == base
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")
    gone = refusal(ecr.get_download_url_for_layer, repositoryName=REPOSITORY, layerDigest=app)
    assert gone.code == "LayersNotFoundException"


def test_tag_that_somebody_moves_to_a_cached_image_is_theirs(in_process: Aws):
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr = in_process.client("ecr")
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        old = pull(ecr, REPOSITORY, "1")["images"][0]
        pull(ecr, REPOSITORY, "latest")
        ecr.put_image(repositoryName=REPOSITORY, imageManifest=old["imageManifest"], imageTag="latest")
        clock.move_to("2026-03-09 12:00:00")
        assert digest(pull(ecr, REPOSITORY, "latest")) == old["imageId"]["imageDigest"]
    assert len(upstream_registry("quay").pulls) == 2


def test_tag_that_somebody_put_after_a_deletion_is_theirs(in_process: Aws):
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr = in_process.client("ecr")
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        kept = pull(ecr, REPOSITORY, "1")["images"][0]
        pull(ecr, REPOSITORY, "2")
        ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "2"}])
        ecr.put_image(repositoryName=REPOSITORY, imageManifest=kept["imageManifest"], imageTag="2")
        clock.move_to("2026-03-09 12:00:00")
        assert digest(pull(ecr, REPOSITORY, "2")) == kept["imageId"]["imageDigest"]
    assert len(upstream_registry("quay").pulls) == 2


def test_deletion_of_a_cached_image_without_a_tag_answers_with_its_digest(ecr, quay):
    index = quay.push("team/app", platforms=["linux/amd64", "linux/arm64"])
    child = json.loads(index.manifest)["manifests"][0]["digest"]
    pull(ecr, REPOSITORY)
    ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "latest"}])
    answer = ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageDigest": child}])
    assert (answer["imageIds"], answer["failures"]) == ([{"imageDigest": child}], [])
    assert len(ecr.list_images(repositoryName=REPOSITORY)["imageIds"]) == 1


def test_digest_that_two_images_were_put_under_names_the_first_also_after_a_deletion(ecr, quay):
    pull(ecr, REPOSITORY)
    shared = {"imageDigest": f"sha256:{'d' * 64}"}
    manifests = [json.dumps({"mediaType": "application/vnd.oci.image.manifest.v1+json", "number": i}) for i in (1, 2)]
    for tag, manifest in zip(["first", "second"], manifests):
        ecr.put_image(repositoryName=REPOSITORY, imageManifest=manifest, imageTag=tag, **shared)

    def found():
        return ecr.batch_get_image(repositoryName=REPOSITORY, imageIds=[shared])["images"][0]["imageManifest"]

    assert found() == manifests[0]
    ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "latest"}])
    assert found() == manifests[0]


def test_image_of_an_index_is_not_deleted_by_its_digest(ecr, quay):
    index = quay.push("team/app", platforms=["linux/amd64"])
    child = {"imageDigest": json.loads(index.manifest)["manifests"][0]["digest"]}
    pull(ecr, REPOSITORY)
    answer = ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[child])
    failure = {
        "imageId": child,
        "failureCode": "ImageReferencedByManifestList",
        "failureReason": f"Requested image referenced by manifest list: [{index.digest}]",
    }
    assert (answer["imageIds"], answer["failures"]) == ([], [failure])
    assert child in ecr.list_images(repositoryName=REPOSITORY)["imageIds"]


def test_image_of_an_index_is_deleted_together_with_it(ecr, quay):
    index = quay.push("team/app", platforms=["linux/amd64"])
    child = {"imageDigest": json.loads(index.manifest)["manifests"][0]["digest"]}
    pull(ecr, REPOSITORY)
    ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[child, {"imageDigest": index.digest}])
    assert ecr.list_images(repositoryName=REPOSITORY)["imageIds"] == []


def test_deleted_repository_frees_its_uploaded_layers(in_process: Aws):
    ecr = in_process.client("ecr")
    size = 1_000_000  # which lies in memory
    ecr.create_repository(repositoryName="first")  # so that no import counts
    upload(ecr, b"layer", "first")
    ecr.delete_repository(repositoryName="first")
    tracemalloc.start()
    try:
        ecr.create_repository(repositoryName=REPOSITORY)
        upload(ecr, bytes(size))
        before, _ = tracemalloc.get_traced_memory()
        ecr.delete_repository(repositoryName=REPOSITORY)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size < before
    assert after < size


def upload(ecr: Any, layer: bytes, repository: str = REPOSITORY) -> None:
    upload_id = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    ecr.upload_layer_part(
        repositoryName=repository,
        uploadId=upload_id,
        partFirstByte=0,
        partLastByte=len(layer) - 1,
        layerPartBlob=layer,
    )
    ecr.complete_layer_upload(repositoryName=repository, uploadId=upload_id, layerDigests=[sha256(layer)])


def test_layer_that_an_untouched_upstream_never_gave_is_not_found(ecr, quay):
    pull(ecr, REPOSITORY)
    found = refusal(ecr.get_download_url_for_layer, repositoryName=REPOSITORY, layerDigest="sha256:" + "0" * 64)
    assert found.code == "LayersNotFoundException"
    assert [asked.outcome for asked in quay.pulls] == ["ok", "ImageNotFound"]


def test_repository_that_is_made_again_knows_nothing_of_the_first(ecr, quay):
    image = quay.push("team/app")
    (layer,) = layers(image.manifest.decode())
    pull(ecr, REPOSITORY)
    ecr.delete_repository(repositoryName=REPOSITORY, force=True)
    ecr.create_repository(repositoryName=REPOSITORY)
    assert available(ecr, layer) == []
    assert digest(pull(ecr, REPOSITORY)) == image.digest
    assert len(quay.pulls) == 2


def test_repository_that_is_made_again_holds_no_layer_of_the_first(ecr, quay):
    image = quay.push("team/app")
    (layer,) = layers(image.manifest.decode())
    pull(ecr, REPOSITORY)
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")  # or the upstream would give the layer anew
    ecr.delete_repository(repositoryName=REPOSITORY, force=True)
    ecr.create_repository(repositoryName=REPOSITORY)
    found = refusal(ecr.get_download_url_for_layer, repositoryName=REPOSITORY, layerDigest=layer)
    assert found.code == "LayersNotFoundException"


def test_layers_of_a_cached_image_are_available_after_the_rule_is_gone(ecr, quay):
    (layer,) = layers(pull(ecr, REPOSITORY)["images"][0]["imageManifest"])
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")
    assert available(ecr, layer) == [layer]
