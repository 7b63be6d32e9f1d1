"""Requests whose body is compressed: moto reads them for every service."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
import requests
from moto.moto_server import utilities as moto_server

from conftest import MODEL, Aws, digest, prefixes, pull
from moto_ecr_ptc.ecr.responses import EXTENDED_OPERATIONS, OPERATIONS, SHARED_OPERATIONS

ANSWERED = sorted((OPERATIONS | SHARED_OPERATIONS | EXTENDED_OPERATIONS) & set(MODEL.operation_names))
MANIFEST = json.dumps({"mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []})
LATEST = {"imageIds": [{"imageTag": "latest"}]}


def post(aws: Aws, operation: str, members: dict[str, Any], **headers: str) -> requests.Response:
    body = gzip.compress(json.dumps(members).encode())
    return aws.post(operation, body, Content_Encoding="gzip", **headers)


@pytest.mark.parametrize("content_type", ["application/x-amz-json-1.1", "application/json"])
def test_request_for_a_rule_is_read(aws: Aws, ecr, content_type):
    members = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
    assert post(aws, "CreatePullThroughCacheRule", members, Content_Type=content_type).status_code == 200
    assert prefixes(ecr) == ["quay"]


@pytest.mark.usefixtures("quay")
def test_pull_is_read(aws: Aws, ecr):
    cached = digest(pull(ecr, "quay/team/app"))
    answer = post(aws, "BatchGetImage", {"repositoryName": "quay/team/app", **LATEST}).json()
    assert answer["images"][0]["imageId"]["imageDigest"] == cached


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
@pytest.mark.usefixtures("quay")
def test_requests_for_motos_repository_are_read_whether_a_rule_stands_here_or_elsewhere(aws: Aws, region):
    aws.client("ecr", region).create_repository(repositoryName="app")
    image = {"repositoryName": "app", "imageManifest": MANIFEST, "imageTag": "latest"}
    assert post(aws, "PutImage", image, region=region).status_code == 200
    assert post(aws, "BatchGetImage", {"repositoryName": "app", **LATEST}, region=region).json()["images"]
    assert post(aws, "ListImages", {"repositoryName": "app"}, region=region).json()["imageIds"]
    assert post(aws, "DescribeImages", {"repositoryName": "app"}, region=region).json()["imageDetails"]
    assert post(aws, "BatchDeleteImage", {"repositoryName": "app", **LATEST}, region=region).json()["imageIds"]
    availability = {"repositoryName": "app", "layerDigests": ["sha256:" + "0" * 64]}
    assert post(aws, "BatchCheckLayerAvailability", availability, region=region).json()["failures"]


@pytest.mark.parametrize("operation", ANSWERED)
@pytest.mark.parametrize("rule", [True, False], ids=["a rule", "no rule"])
@pytest.mark.parametrize(
    "body",
    [b"{}", gzip.compress(b"{}" * 50)[:-5], gzip.compress(b"x" * 999)[:10] + b"\xff" * 20],
    ids=["not compressed", "cut off", "broken"],
)
def test_body_that_cannot_be_decompressed_is_a_serialization_exception(aws: Aws, ecr, operation, rule, body):
    if aws.endpoint_url and hasattr(moto_server, "decompress_request_body"):
        pytest.skip("the server of moto 5.1.12 to 5.2.3 decompresses the body itself, and answers HTTP 500")
    if rule:
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    answer = aws.post(operation, body, Content_Encoding="gzip")
    assert (answer.status_code, answer.headers["X-Amzn-Errortype"]) == (400, "SerializationException")
