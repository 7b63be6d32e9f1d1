"""moto's operations that are answered here: only for repositories that pull through cache has to do with."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import pytest
from moto.ecr.models import ecr_backends

from conftest import ACCOUNT, OTHER_ACCOUNT, Aws, allow, digest, enforced, pull, refusal, user
from moto_ecr_ptc import upstream_registry

REPOSITORY = "quay/team/app"
OPERATIONS = {
    "BatchGetImage": {"imageIds": [{"imageTag": "latest"}]},
    "BatchCheckLayerAvailability": {"layerDigests": ["sha256:" + "0" * 64]},
}


@pytest.fixture(autouse=True)
def cached(ecr) -> str:
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    return digest(pull(ecr, REPOSITORY))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_text_in_a_body_names_no_other_operation(aws: Aws, ecr, operation):
    tag = "x&Action=DeletePullThroughCacheRule&ecrRepositoryPrefix=quay&y="
    body = {"repositoryName": REPOSITORY, **OPERATIONS[operation], "more": tag}
    assert aws.post(operation, json.dumps(body).encode()).status_code == 200
    assert ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", "text/plain"])
def test_content_type_does_not_matter(aws: Aws, operation, content_type):
    body = json.dumps({"repositoryName": REPOSITORY, **OPERATIONS[operation]}).encode()
    answer = aws.post(operation, body, Content_Type=content_type)
    assert (answer.status_code, "failures" in answer.json()) == (200, True)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[]", "SerializationException"),
        (b"{", "SerializationException"),
        (b"\xff", "SerializationException"),
        ("{}".encode("utf-16"), "SerializationException"),
        (b'{"repositoryName": 1}', "SerializationException"),
        (b"[" * 100_000, "SerializationException"),
        (b"{}", "InvalidParameterException"),
    ],
)
def test_malformed_body_is_refused_where_a_rule_stands_anywhere(aws: Aws, operation, region, body, code):
    answer = aws.post(operation, body, region=region)
    assert (answer.status_code, answer.json()["__type"].rpartition("#")[2]) == (400, code)
    assert len(upstream_registry("quay").pulls) == 1


@pytest.mark.parametrize("body", [b"zz\r\n", b"5\r\nab", b"5\r\nabcdeX"])
@pytest.mark.parametrize("operation", [*OPERATIONS, "GetDownloadUrlForLayer", "DescribePullThroughCacheRules"])
def test_broken_chunks_of_a_body_are_a_serialization_exception(server: Aws, operation, body):
    ecr = server.client("ecr")
    if not ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]:
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    url = urlsplit(server.endpoint_url)
    head = (
        f"POST / HTTP/1.1\r\nHost: {url.netloc}\r\nX-Amz-Target: AmazonEC2ContainerRegistry_V20150921.{operation}\r\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/ecr/aws4_request\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection((url.hostname, url.port), timeout=60) as connection:
        connection.sendall(head.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"__type": "SerializationException"' in answer


def test_denied_caller_gets_ecrs_error(aws: Aws, ecr):
    caller = aws.client("ecr", **user(aws, allow("ecr:DescribeRepositories")))
    found = enforced(refusal, pull, ecr=caller, repository=REPOSITORY)
    assert found.code == "AccessDeniedException"
    assert "is not authorized to perform: ecr:BatchGetImage" in found.message


def test_repository_of_this_name_elsewhere_is_left_to_moto(aws: Aws):
    for account, region in ((OTHER_ACCOUNT, "us-east-1"), (ACCOUNT, "eu-west-1")):
        elsewhere = aws.client("ecr", region, account=account)
        assert refusal(pull, ecr=elsewhere, repository=REPOSITORY).code == "RepositoryNotFoundException"
        elsewhere.create_repository(repositoryName=REPOSITORY)
        manifest = json.dumps({"mediaType": "x", "layers": []})
        elsewhere.put_image(repositoryName=REPOSITORY, imageManifest=manifest, imageTag="latest")
        assert pull(elsewhere, REPOSITORY)["images"][0]["imageManifest"] == manifest
        if not hasattr(ecr_backends[ACCOUNT]["us-east-1"], "batch_check_layer_availability"):
            continue  # moto < 5.2.4
        failures = elsewhere.batch_check_layer_availability(
            repositoryName=REPOSITORY, layerDigests=["sha256:" + "0" * 64]
        )["failures"]
        assert len(failures) == 1
    assert len(upstream_registry("quay").pulls) == 1


def test_region_that_does_not_exist_is_refused(aws: Aws):
    nowhere = aws.client("ecr", "nowhere-1")
    assert refusal(pull, ecr=nowhere, repository=REPOSITORY).code == "InvalidSignatureException"
