"""The layers of pulled images: where they are downloaded, and from where they come."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from botocore.exceptions import ClientError
from freezegun import freeze_time

from conftest import ACCOUNT, OTHER_ACCOUNT, REGION, Aws, pull, refusal
from tests.pulls.pull_calls import ALPINE, BWA, download, put_secret, sha256


def test_download_url_gives_the_bytes_of_layers_and_configuration(ecr, quay):
    image = quay.push("biocontainers/bwa", layers=[b"one", b"\x1f\x8btwo\x00\xff"])
    pull(ecr, BWA)
    manifest = json.loads(image.manifest)
    contents = [download(ecr, BWA, layer["digest"]).content for layer in manifest["layers"]]
    assert contents == list(image.layers) == [b"one", b"\x1f\x8btwo\x00\xff"]
    configuration = download(ecr, BWA, manifest["config"]["digest"]).content
    assert sha256(configuration) == manifest["config"]["digest"]
    assert json.loads(configuration)["rootfs"]["diff_ids"] == [sha256(layer) for layer in image.layers]


def test_download_url_in_process_is_on_the_registrys_host(in_process):
    for region, suffix in (("us-east-1", ""), ("cn-north-1", ".cn"), ("us-gov-west-1", "")):
        ecr = in_process.client("ecr", region)
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        (image,) = pull(ecr, BWA)["images"]
        layer = json.loads(image["imageManifest"])["layers"][0]
        answer = ecr.get_download_url_for_layer(repositoryName=BWA, layerDigest=layer["digest"])
        assert answer["layerDigest"] == layer["digest"]
        assert answer["downloadUrl"].startswith(f"https://{ACCOUNT}.dkr.ecr.{region}.amazonaws.com{suffix}/layers?")
        assert len(requests.get(answer["downloadUrl"], timeout=60).content) == layer["size"]


def test_download_url_of_a_server_is_on_the_host_that_the_client_called(server):
    by_name = Aws(server.endpoint_url.replace("127.0.0.1", "localhost"))
    for aws in (server, by_name):
        ecr = aws.client("ecr")
        if not ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]:
            ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        (image,) = pull(ecr, BWA)["images"]
        layer = json.loads(image["imageManifest"])["layers"][0]
        url = ecr.get_download_url_for_layer(repositoryName=BWA, layerDigest=layer["digest"])["downloadUrl"]
        assert url.startswith(f"{aws.endpoint_url}/")
    assert sha256(requests.get(url.replace("localhost", "127.0.0.1"), timeout=60).content) == layer["digest"]


def test_download_of_a_layer_that_is_gone_is_not_found(ecr, quay):
    (image,) = pull(ecr, BWA)["images"]
    layer = json.loads(image["imageManifest"])["layers"][0]["digest"]
    url = ecr.get_download_url_for_layer(repositoryName=BWA, layerDigest=layer)["downloadUrl"]
    ecr.batch_delete_image(repositoryName=BWA, imageIds=[{"imageTag": "latest"}])
    answer = requests.get(url, timeout=60)
    assert (answer.status_code, "<Code>NoSuchKey</Code>" in answer.text) == (404, True)


def layer_urls(ecr) -> list[str]:
    """Return the URLs of the two blobs of an image that is pulled: its configuration and its layer."""
    (image,) = pull(ecr, BWA)["images"]
    manifest = json.loads(image["imageManifest"])
    return [
        ecr.get_download_url_for_layer(repositoryName=BWA, layerDigest=blob["digest"])["downloadUrl"]
        for blob in (manifest["config"], *manifest["layers"])
    ]


def test_download_url_expires_after_an_hour(in_process):
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr = in_process.client("ecr")
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        url, _ = layer_urls(ecr)
        clock.move_to("2026-03-02 13:00:00")
        assert requests.get(url, timeout=60).status_code == 200
        clock.move_to("2026-03-02 13:00:01")
        answer = requests.get(url, timeout=60)
    assert (answer.status_code, "Request has expired" in answer.text) == (403, True)


@pytest.mark.parametrize("parameter", ["repository", "digest", "expires", "signature"])
def test_download_url_with_another_parameter_is_denied(ecr, quay, parameter):
    given, other = map(urlsplit, layer_urls(ecr))
    query, others = dict(parse_qsl(given.query)), dict(parse_qsl(other.query))
    changed = {"repository": "quay/other", "expires": str(int(query["expires"]) + 1)}
    for value in (changed.get(parameter, others[parameter]), "", "é", None):
        made_up = {name: item for name, item in {**query, parameter: value}.items() if item is not None}
        answer = requests.get(given._replace(query=urlencode(made_up)).geturl(), timeout=60)
        assert (answer.status_code, "<Code>AccessDenied</Code>" in answer.text) == (403, True)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_download_url_is_good_for_downloads_only(server, method):
    ecr = server.client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    url, _ = layer_urls(ecr)
    assert requests.request(method, url, timeout=60).status_code == 403


def test_download_url_of_another_registry_is_denied(aws, ecr, quay):
    url, _ = layer_urls(ecr)
    for other in (aws.client("ecr", account=OTHER_ACCOUNT), aws.client("ecr", "eu-west-1")):
        other.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        pull(other, BWA)
    for elsewhere in (
        url.replace(ACCOUNT, OTHER_ACCOUNT),
        url.replace(REGION, "eu-west-1"),
        url.replace(REGION, "nowhere-1"),
        url.replace(ACCOUNT, "12"),
    ):
        # 400 is moto's, for a host of AWS that is no registry's.
        assert requests.get(elsewhere, timeout=60).status_code in (400, 403)
    assert requests.get(url, timeout=60).status_code == 200


def test_download_url_of_before_a_reset_is_denied(server):
    ecr = server.client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    url, _ = layer_urls(ecr)
    requests.post(f"{server.endpoint_url}/moto-api/reset", timeout=60)
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    layer_urls(ecr)
    assert requests.get(url, timeout=60).status_code == 403


def test_layers_of_a_pulled_image_are_available(ecr, quay):
    image = quay.push("biocontainers/bwa", platforms=["linux/amd64", "linux/arm64"])
    pull(ecr, BWA)
    child = json.loads(image.manifest)["manifests"][1]["digest"]
    (answer,) = ecr.batch_get_image(repositoryName=BWA, imageIds=[{"imageDigest": child}])["images"]
    layer = json.loads(answer["imageManifest"])["layers"][0]
    answer = ecr.batch_check_layer_availability(repositoryName=BWA, layerDigests=[layer["digest"], sha256(b"")])
    assert answer["layers"] == [
        {
            "layerDigest": layer["digest"],
            "layerAvailability": "AVAILABLE",
            "layerSize": layer["size"],
            "mediaType": layer["mediaType"],
        }
    ]
    assert [failure["failureCode"] for failure in answer["failures"]] == ["MissingLayerDigest"]


def test_configuration_of_a_pulled_image_is_available(ecr, quay):
    (image,) = pull(ecr, BWA)["images"]
    config = json.loads(image["imageManifest"])["config"]
    (found,) = ecr.batch_check_layer_availability(repositoryName=BWA, layerDigests=[config["digest"]])["layers"]
    assert found == {
        "layerDigest": config["digest"],
        "layerAvailability": "AVAILABLE",
        "layerSize": config["size"],
        "mediaType": config["mediaType"],
    }


def test_layer_of_no_image_is_asked_for_at_the_upstream(ecr, quay):
    quay.push("biocontainers/bwa", tag="1", layers=[b"one"])
    quay.push("biocontainers/bwa", tag="2", layers=[b"two"])
    pull(ecr, BWA, "1")
    assert download(ecr, BWA, sha256(b"two")).content == b"two"
    assert [asked.reference for asked in quay.pulls] == ["1", sha256(b"two")]


def test_layer_that_nobody_has_is_not_found(ecr, quay):
    quay.push("biocontainers/bwa")
    pull(ecr, BWA)
    for repository, layer in ((BWA, sha256(b"nothing")), (BWA, "sha512:" + "0" * 128)):
        found = refusal(ecr.get_download_url_for_layer, repositoryName=repository, layerDigest=layer)
        assert found.code == "LayersNotFoundException"
        assert found.message == (
            f"The layer with digest {layer} does not exist within the repository with name '{repository}' "
            f"in the registry with id '{ACCOUNT}'"
        )
    found = refusal(ecr.get_download_url_for_layer, repositoryName="quay/absent", layerDigest=sha256(b""))
    assert found.code == "RepositoryNotFoundException"
    found = refusal(ecr.get_download_url_for_layer, repositoryName=BWA, layerDigest="nothing")
    assert found.code == "InvalidParameterException"


@pytest.mark.parametrize("failure", [{"status": 401}, {"status": 429}, {"status": 500}, {"error": "timeout"}])
def test_upstream_that_fails_to_give_a_layer_is_unable_to_get_it(ecr, quay, failure):
    pull(ecr, BWA)
    quay.fail(**failure)
    found = refusal(ecr.get_download_url_for_layer, repositoryName=BWA, layerDigest=sha256(b"new"))
    assert found.code == "UnableToGetUpstreamLayerException"
    assert found.message == "There was an issue getting the upstream layer matching the pull through cache rule."


def test_broken_secret_is_unable_to_get_a_new_layer_and_gives_the_cached_ones(aws, ecr, hub):
    image = hub.push("library/alpine", layers=[b"cached"])
    pull(ecr, ALPINE)
    put_secret(aws, "broken")
    found = refusal(ecr.get_download_url_for_layer, repositoryName=ALPINE, layerDigest=sha256(b"new"))
    assert found.code == "UnableToGetUpstreamLayerException"
    assert download(ecr, ALPINE, sha256(b"cached")).content == image.layers[0]


def test_layer_whose_bytes_moto_has_forgotten_is_inaccessible(ecr):
    from moto.ecr.models import ecr_backends

    ecr.create_repository(repositoryName="app")
    # As an upload before the activation leaves it
    ecr_backends[ACCOUNT][REGION].repositories["app"].layers = {sha256(b"gone"): 4}
    found = refusal(ecr.get_download_url_for_layer, repositoryName="app", layerDigest=sha256(b"gone"))
    assert found.code == "LayerInaccessibleException"


def test_layers_of_a_repository_without_a_rule_are_motos_answer(ecr):
    ecr.create_repository(repositoryName="app")
    try:
        answer = ecr.batch_check_layer_availability(repositoryName="app", layerDigests=[sha256(b"")])
    except (NotImplementedError, ClientError) as error:
        pytest.skip(f"moto < 5.2.4 has no BatchCheckLayerAvailability: {error}")
    assert [failure["failureCode"] for failure in answer["failures"]] == ["MissingLayerDigest"]


def test_layers_that_were_uploaded_to_motos_own_repositories_are_downloaded(ecr):
    ecr.create_repository(repositoryName="app")
    upload = ecr.initiate_layer_upload(repositoryName="app")["uploadId"]
    ecr.upload_layer_part(
        repositoryName="app", uploadId=upload, partFirstByte=0, partLastByte=4, layerPartBlob=b"bytes"
    )
    ecr.complete_layer_upload(repositoryName="app", uploadId=upload, layerDigests=[sha256(b"bytes")])
    assert download(ecr, "app", sha256(b"bytes")).content == b"bytes"
