"""Layers that are uploaded by the API: InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload."""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from moto.moto_api._internal import mock_random

from conftest import ACCOUNT, OTHER_ACCOUNT, Aws, refusal
from moto_ecr_ptc.ecr.images.blobs import BlobWriter
from moto_ecr_ptc.ecr.images.manifests import sha256

ABSENT = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(autouse=True)
def repository(ecr: Any) -> None:
    ecr.create_repository(repositoryName="app")


def send(ecr: Any, upload: str, first: int, part: bytes, **more: Any) -> Any:
    return ecr.upload_layer_part(
        **{
            "repositoryName": "app",
            "uploadId": upload,
            "partFirstByte": first,
            "partLastByte": first + len(part) - 1,
            "layerPartBlob": part,
            **more,
        }
    )


def initiate(ecr: Any) -> str:
    return ecr.initiate_layer_upload(repositoryName="app")["uploadId"]


def complete(ecr: Any, upload: str, *digests: str) -> Any:
    return ecr.complete_layer_upload(repositoryName="app", uploadId=upload, layerDigests=list(digests))


def download(ecr: Any, digest: str) -> bytes:
    url = ecr.get_download_url_for_layer(repositoryName="app", layerDigest=digest)["downloadUrl"]
    return requests.get(url, timeout=60).content


def test_layer_that_is_uploaded_in_parts_is_downloaded(ecr):
    layer = os.urandom(3_000_000)
    begun = ecr.initiate_layer_upload(repositoryName="app")
    assert begun["partSize"] == 20_971_520
    upload = begun["uploadId"]
    for first in range(0, len(layer), 1_000_000):
        part = send(ecr, upload, first, layer[first : first + 1_000_000])
    assert {name: part[name] for name in ("registryId", "repositoryName", "uploadId", "lastByteReceived")} == {
        "registryId": ACCOUNT,
        "repositoryName": "app",
        "uploadId": upload,
        "lastByteReceived": 2_999_999,
    }
    assert complete(ecr, upload, sha256(b"another"), sha256(layer))["layerDigest"] == sha256(layer)
    assert download(ecr, sha256(layer)) == layer


def test_part_that_does_not_follow_is_invalid_and_changes_nothing(ecr):
    upload = initiate(ecr)
    send(ecr, upload, 0, b"1234")
    for first in (3, 5):
        found = refusal(send, ecr=ecr, upload=upload, first=first, part=b"x")
        assert (found.code, found.message) == (
            "InvalidLayerPartException",
            f"First byte of the layer part is {first} instead of 4",
        )
    send(ecr, upload, 4, b"5678")
    assert complete(ecr, upload, sha256(b"12345678"))["layerDigest"] == sha256(b"12345678")


def test_digest_that_is_not_the_layers_is_invalid_and_the_upload_goes_on(ecr):
    upload = initiate(ecr)
    send(ecr, upload, 0, b"1234")
    found = refusal(ecr.complete_layer_upload, repositoryName="app", uploadId=upload, layerDigests=[sha256(b"x")])
    assert (found.code, found.message) == (
        "InvalidLayerException",
        "None of the provided layer digests match the calculated layer digest",
    )
    assert complete(ecr, upload, sha256(b"1234"))["layerDigest"] == sha256(b"1234")


def test_upload_without_parts_cannot_be_completed(ecr):
    upload = initiate(ecr)
    found = refusal(ecr.complete_layer_upload, repositoryName="app", uploadId=upload, layerDigests=[sha256(b"")])
    assert (found.code, found.message) == (
        "EmptyUploadException",
        (
            f"The upload with id '{upload}' in the repository with name 'app' in registry with id '{ACCOUNT}' "
            "cannot be completed because it does not have any parts"
        ),
    )


def test_upload_is_known_in_its_repository_only_and_until_it_is_completed(aws: Aws, ecr):
    ecr.create_repository(repositoryName="other")
    upload = initiate(ecr)
    send(ecr, upload, 0, b"1234")
    other = aws.client("ecr", account=OTHER_ACCOUNT)
    other.create_repository(repositoryName="app")
    for client, repository in ((ecr, "other"), (other, "app")):
        found = refusal(send, ecr=client, upload=upload, first=4, part=b"x", repositoryName=repository)
        assert found.code == "UploadNotFoundException"
    complete(ecr, upload, sha256(b"1234"))
    found = refusal(send, ecr=ecr, upload=upload, first=4, part=b"x")
    assert (found.code, found.message) == (
        "UploadNotFoundException",
        (
            f"The upload with id '{upload}' in the repository with name 'app' in the registry with id '{ACCOUNT}' "
            "does not exist"
        ),
    )


def test_upload_goes_with_its_repository(ecr):
    upload = initiate(ecr)
    send(ecr, upload, 0, b"1234")
    ecr.delete_repository(repositoryName="app", force=True)
    ecr.create_repository(repositoryName="app")
    assert refusal(send, ecr=ecr, upload=upload, first=4, part=b"x").code == "UploadNotFoundException"


@pytest.mark.parametrize("operation", ["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload"])
def test_repository_that_does_not_exist_is_not_found(aws: Aws, operation):
    part = {"partFirstByte": 0, "partLastByte": 0, "layerPartBlob": "eA=="}
    members = {"uploadId": ABSENT, **part, "layerDigests": ["x:0"]}
    answer = aws.post(operation, json.dumps({"repositoryName": "absent", **members}).encode())
    assert answer.json()["__type"].rpartition("#")[2] == "RepositoryNotFoundException"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"layerPartBlob": "no base64!"}, "SerializationException"),
        ({"layerPartBlob": 1}, "SerializationException"),
        ({"partFirstByte": "0"}, "SerializationException"),
        ({"partFirstByte": -1}, "InvalidParameterException"),
        ({"layerPartBlob": None}, "InvalidParameterException"),
        ({"uploadId": "odd"}, "UploadNotFoundException"),
    ],
)
def test_malformed_part_is_refused(aws: Aws, ecr, members, code):
    part = {"repositoryName": "app", "uploadId": initiate(ecr), "partFirstByte": 0, "partLastByte": 0}
    answer = aws.post("UploadLayerPart", json.dumps({**part, "layerPartBlob": "eA==", **members}).encode())
    assert (answer.status_code, answer.json()["__type"].rpartition("#")[2]) == (400, code)


def test_image_that_is_put_has_the_digest_of_its_manifest(ecr):
    for text in ('{"schemaVersion": 2, "layers": []}', '{"schemaVersion":2,"layers":[]}'):
        media_type = "application/vnd.oci.image.manifest.v1+json"
        put = ecr.put_image(repositoryName="app", imageManifest=text, imageManifestMediaType=media_type, imageTag="1")
        assert put["image"]["imageId"] == {"imageTag": "1", "imageDigest": sha256(text.encode())}


def test_image_whose_manifest_has_half_of_a_character_is_put(aws: Aws):
    manifest = '{"mediaType": "x", "layers": [], "a": "\ud800"}'
    body = json.dumps({"repositoryName": "app", "imageTag": "1", "imageManifest": manifest})
    assert aws.post("PutImage", body.encode()).status_code == 200


def test_layer_of_a_deleted_image_goes_unless_another_needs_it(ecr):
    for layer in (b"shared", b"own"):
        upload = initiate(ecr)
        send(ecr, upload, 0, layer)
        complete(ecr, upload, sha256(layer))
    for tag, layers in (("1", (b"shared", b"own")), ("2", (b"shared",))):
        described = [{"mediaType": "x", "digest": sha256(layer), "size": len(layer)} for layer in layers]
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": described}
        ecr.put_image(repositoryName="app", imageManifest=json.dumps(manifest), imageTag=tag)
    ecr.batch_delete_image(repositoryName="app", imageIds=[{"imageTag": "1"}])
    assert download(ecr, sha256(b"shared")) == b"shared"
    gone = refusal(ecr.get_download_url_for_layer, repositoryName="app", layerDigest=sha256(b"own"))
    assert gone.code in ("LayerInaccessibleException", "LayersNotFoundException")  # moto < 5.2.4 forgets it whole


@pytest.mark.parametrize(("first", "last"), [(0, 99), (0, 2), (4, 2)])
def test_part_that_does_not_reach_to_its_last_byte_is_invalid_and_changes_nothing(ecr, first, last):
    upload = initiate(ecr)
    found = refusal(
        ecr.upload_layer_part,
        repositoryName="app",
        uploadId=upload,
        partFirstByte=first,
        partLastByte=last,
        layerPartBlob=b"part",
    )
    assert found.code == "InvalidParameterException"
    assert send(ecr, upload, 0, b"part")["lastByteReceived"] == 3


def test_part_that_takes_long_to_add_holds_nobody_else_up(ecr, monkeypatch):
    adding, go_on = threading.Event(), threading.Event()
    write_all = BlobWriter.write_all

    def write_slowly(self: BlobWriter, other: BlobWriter) -> None:
        adding.set()
        assert go_on.wait(60)
        write_all(self, other)

    monkeypatch.setattr(BlobWriter, "write_all", write_slowly)
    upload = initiate(ecr)
    send(ecr, upload, 0, b"first")
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(send, ecr, upload, 5, b"second")
        assert adding.wait(60)
        ecr.create_repository(repositoryName="other")
        go_on.set()
        assert second.result(60)["lastByteReceived"] == 10


def test_upload_is_not_lost_when_motos_random_numbers_begin_anew(ecr):
    mock_random.seed(42)
    first = initiate(ecr)
    send(ecr, first, 0, b"part")
    mock_random.seed(42)
    assert initiate(ecr) != first
    assert complete(ecr, first, sha256(b"part"))["layerDigest"] == sha256(b"part")


@pytest.mark.parametrize("manifest", ["no JSON", "5", "[]", '"text"'])
def test_manifest_that_is_no_object_is_refused_at_put_image(ecr, manifest):
    found = refusal(ecr.put_image, repositoryName="app", imageManifest=manifest, imageTag="v1")
    assert found.code == "InvalidParameterException"
    assert ecr.list_images(repositoryName="app")["imageIds"] == []


def test_put_image_into_a_repository_that_does_not_exist_is_refused(ecr):
    found = refusal(ecr.put_image, repositoryName="absent", imageManifest="{}", imageTag="v1")
    assert found.code == "RepositoryNotFoundException"
