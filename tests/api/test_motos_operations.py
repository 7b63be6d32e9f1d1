"""moto's operations that a rule can concern, where there is none, and operations of ECR that moto does not have."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from botocore import xform_name
from moto.ecr.responses import ECRResponse

from conftest import MODEL, REGION, Aws, pull, repositories
from moto_ecr_ptc.ecr.responses import OPERATIONS

MANIFEST = json.dumps({"mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []})
GOOD = {
    "BatchDeleteImage": {"repositoryName": "app", "imageIds": [{"imageTag": "old"}]},
    "BatchGetImage": {"repositoryName": "app", "imageIds": [{"imageTag": "latest"}]},
    "DescribeImages": {"repositoryName": "app", "imageIds": [{"imageTag": "latest"}]},
    "ListImages": {"repositoryName": "app"},
    "PutImage": {"repositoryName": "app", "imageManifest": MANIFEST, "imageTag": "new"},
}
FIRST_MEMBER = {
    "BatchDeleteImage": "imageIds",
    "BatchGetImage": "images",
    "DescribeImages": "imageDetails",
    "ListImages": "imageIds",
    "PutImage": "image",
}
"""Of the answers."""

MISSING = sorted(
    name for name in MODEL.operation_names if name not in OPERATIONS and not hasattr(ECRResponse, xform_name(name))
)
CREDENTIAL = f"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/{REGION}/ecr/aws4_request"


@pytest.fixture
def app(ecr):
    """A repository with an image, in a registry without rules."""
    ecr.create_repository(repositoryName="app")
    ecr.put_image(repositoryName="app", imageManifest=MANIFEST, imageTag="latest")


def tags(ecr):
    return [image.get("imageTag") for image in ecr.list_images(repositoryName="app")["imageIds"]]


def code(answer):
    return answer.json()["__type"].rpartition("#")[2]


# --- malformed requests -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", GOOD)
@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"\xff", "{}".encode("utf-16"), b'{"repositoryName": 1}', b"[" * 100_000, b"Action=Nothing"],
)
@pytest.mark.usefixtures("app")
def test_malformed_body_is_refused_without_any_rule(aws: Aws, ecr, operation, body):
    answer = aws.post(operation, body)
    assert (answer.status_code, code(answer)) == (400, "SerializationException")
    assert tags(ecr) == ["latest"]


@pytest.mark.parametrize("image_ids", [[5], [{"imageTag": "latest"}, {"imageDigest": 5}], [{"imageTag": ["latest"]}]])
@pytest.mark.usefixtures("app")
def test_malformed_identifier_refuses_a_deletion_before_anything_is_deleted(aws: Aws, ecr, image_ids):
    body = json.dumps({"repositoryName": "app", "imageIds": image_ids}).encode()
    answer = aws.post("BatchDeleteImage", body)
    assert (answer.status_code, code(answer)) == (400, "SerializationException")
    assert tags(ecr) == ["latest"]


def test_query_that_moto_fails_on_is_refused_and_others_are_motos_to_answer(server: Aws):
    server.client("ecr").create_repository(repositoryName="app")
    url, headers = f"{server.endpoint_url}/?repositoryName=app&Action=", {"Authorization": CREDENTIAL}
    answer = requests.get(f"{url}PutImage", headers=headers, timeout=60)
    assert (answer.status_code, code(answer)) == (400, "SerializationException")
    assert requests.get(f"{url}ListImages", headers=headers, timeout=60).json() == {"imageIds": []}


@pytest.mark.usefixtures("app")
def test_deletion_without_any_identifier_is_invalid(aws: Aws):
    answer = aws.post("BatchDeleteImage", b'{"repositoryName": "app", "imageIds": []}')
    assert (answer.status_code, code(answer)) == (400, "InvalidParameterException")
    assert "'Member must have length greater than or equal to 1'" in answer.json()["message"]


@pytest.mark.usefixtures("app")
def test_member_that_is_null_counts_as_absent(aws: Aws, ecr):
    answer = aws.post("ListImages", b'{"repositoryName": "app", "filter": null}')
    assert [image["imageTag"] for image in answer.json()["imageIds"]] == ["latest"]
    identifier = {"imageTag": "latest", "imageDigest": None}
    answer = aws.post("BatchDeleteImage", json.dumps({"repositoryName": "app", "imageIds": [identifier]}).encode())
    assert [image["imageTag"] for image in answer.json()["imageIds"]] == ["latest"]
    assert tags(ecr) == []


@pytest.mark.parametrize("operation", GOOD)
def test_broken_chunks_are_refused_without_any_rule(server: Aws, operation):
    url = urlsplit(server.endpoint_url)
    head = (
        f"POST / HTTP/1.1\r\nHost: {url.netloc}\r\nX-Amz-Target: {MODEL.metadata['targetPrefix']}.{operation}\r\n"
        f"Authorization: {CREDENTIAL}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection((url.hostname, url.port), timeout=60) as connection:
        connection.sendall(head.encode() + b"zz\r\n")
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"__type": "SerializationException"' in answer


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("BatchGetImage", {"imageIds": [{"imageTag": 1}]}),
        ("BatchGetImage", {"imageIds": {"imageTag": "latest"}}),
        ("DescribeImages", {"imageIds": ["latest"]}),
        ("ListImages", {"filter": "TAGGED"}),
        ("PutImage", {"imageTag": 1}),
        ("PutImage", {"imageTag": []}),
        ("PutImage", {"imageDigest": {}}),
        ("PutImage", {"imageManifest": {}}),
    ],
)
@pytest.mark.usefixtures("app")
def test_member_of_the_wrong_type_is_refused_and_stores_nothing(aws: Aws, ecr, operation, members):
    answer = aws.post(operation, json.dumps({**GOOD[operation], **members}).encode())
    assert (answer.status_code, code(answer)) == (400, "SerializationException")
    assert tags(ecr) == ["latest"]


@pytest.mark.parametrize("missing", ["repositoryName", "imageManifest"])
@pytest.mark.usefixtures("app")
def test_put_image_without_a_required_member_is_invalid(aws: Aws, missing):
    members = {name: value for name, value in GOOD["PutImage"].items() if name != missing}
    answer = aws.post("PutImage", json.dumps(members).encode())
    assert (answer.status_code, code(answer)) == (400, "InvalidParameterException")
    assert answer.json()["message"] == (
        f"Invalid parameter at '{missing}' failed to satisfy constraint: 'Member must not be null'"
    )


@pytest.mark.usefixtures("app")
def test_identifiers_that_are_no_array_are_refused_while_a_rule_stands_for_others(aws: Aws, ecr):
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    answer = aws.post("BatchGetImage", b'{"repositoryName": "app", "imageIds": 5}')
    assert (answer.status_code, code(answer)) == (400, "SerializationException")


@pytest.mark.parametrize("operation", GOOD)
@pytest.mark.usefixtures("app")
def test_text_in_the_body_names_no_operation_without_any_rule(aws: Aws, ecr, operation):
    members = {**GOOD[operation], "more": "x&Action=DeleteRepository&repositoryName=app&force=true&y="}
    assert aws.post(operation, json.dumps(members).encode()).status_code == 200
    assert repositories(ecr) == ["app"]


CONTENT_TYPES = pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x", "text/plain"],
)


@pytest.fixture(params=["us-east-1", "eu-west-1", None], ids=["a rule", "a rule elsewhere", "no rule"])
def any_rule(request, aws: Aws):
    """A rule that does not cover the repository, or none: moto answers in each case."""
    if request.param:
        rule = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
        aws.client("ecr", request.param).create_pull_through_cache_rule(**rule)


@CONTENT_TYPES
@pytest.mark.parametrize("operation", GOOD)
@pytest.mark.usefixtures("app", "any_rule")
def test_content_type_does_not_matter(aws: Aws, operation, content_type):
    answer = aws.post(operation, json.dumps(GOOD[operation]).encode(), Content_Type=content_type)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/x-amz-json-1.1"


@CONTENT_TYPES
def test_operation_of_motos_alone_is_not_said_to_be_missing(server: Aws, content_type):
    answer = server.post("DescribeRepositories", b"{}", Content_Type=content_type)
    assert "Neither moto nor" not in answer.text


DELETION = {"Action": "DeleteRepository", "repositoryName": "app", "force": "true"}


@pytest.mark.parametrize("operation", GOOD)
@pytest.mark.parametrize(
    "query", [DELETION, {"Action": "ListTagsForResource"}, {"Action": "Nothing"}, {"repositoryName": "other"}]
)
@pytest.mark.usefixtures("app", "any_rule")
def test_query_names_neither_operation_nor_members(aws: Aws, ecr, operation, query):
    answer = requests.post(
        f"{aws.endpoint_url or f'https://api.ecr.{REGION}.amazonaws.com'}/?{urlencode(query)}",
        data=json.dumps(GOOD[operation]),
        headers={"X-Amz-Target": f"{MODEL.metadata['targetPrefix']}.{operation}", "Authorization": CREDENTIAL},
        timeout=60,
    )
    assert (answer.status_code, next(iter(answer.json()))) == (200, FIRST_MEMBER[operation])
    assert repositories(ecr) == ["app"]


@pytest.mark.parametrize("operation", GOOD)
@pytest.mark.usefixtures("app", "any_rule")
def test_headers_name_no_operation(aws: Aws, ecr, operation):
    answer = aws.post(operation, json.dumps({**GOOD[operation], "force": True}).encode(), **DELETION)
    assert answer.status_code == 200
    assert "repository" not in answer.json()
    assert repositories(ecr) == ["app"]


@pytest.mark.parametrize("operation", GOOD)
@pytest.mark.parametrize("region", ["mars-1", "aws-global"])
@pytest.mark.usefixtures("any_rule")
def test_region_that_does_not_exist_is_refused(aws: Aws, operation, region):
    answer = aws.post(operation, json.dumps(GOOD[operation]).encode(), region=region)
    assert (answer.status_code, code(answer)) == (400, "InvalidSignatureException")


@pytest.mark.parametrize("operation", GOOD)
@pytest.mark.usefixtures("any_rule")
def test_account_that_is_no_number_is_refused(aws: Aws, operation):
    answer = aws.post(operation, json.dumps(GOOD[operation]).encode(), x_moto_account_id="abc")
    assert (answer.status_code, code(answer)) == (400, "UnrecognizedClientException")


@pytest.mark.parametrize("operation", GOOD)
@pytest.mark.parametrize("prefix", ["DynamoDB_20120810.", "amazonec2containerregistry_v20150921.", "."])
@pytest.mark.usefixtures("app", "any_rule")
def test_target_of_another_service_is_an_unknown_operation(aws: Aws, ecr, operation, prefix):
    members = json.dumps({**GOOD[operation], "imageIds": [{"imageTag": "latest"}]}).encode()
    answer = aws.post(operation, members, X_Amz_Target=prefix + operation)
    assert (answer.status_code, code(answer)) == (400, "UnknownOperationException")
    assert tags(ecr) == ["latest"]


@pytest.mark.usefixtures("app")
def test_well_formed_request_is_motos_to_answer(aws: Aws, ecr):
    assert pull(ecr, "app")["images"][0]["imageManifest"] == MANIFEST
    assert aws.post("PutImage", json.dumps(GOOD["PutImage"]).encode()).ok
    assert sorted(tags(ecr)) == ["latest", "new"]


# --- operations that nobody implements --------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"{}", b"", b"{", b"Action=CreateRepository&repositoryName=app"])
@pytest.mark.parametrize("operation", MISSING)
def test_operation_that_nobody_implements_is_named_on_a_server(server: Aws, operation, body):
    answer = server.post(operation, body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (501, "application/x-amz-json-1.1")
    assert answer.headers["X-Amzn-Errortype"] == code(answer) == "NotImplementedException"
    assert answer.json()["message"] == f"Neither moto nor moto_ecr_ptc implements Amazon ECR's operation '{operation}'"


@pytest.mark.parametrize("operation", MISSING)
def test_operation_that_nobody_implements_is_an_error_of_python_in_process(in_process: Aws, operation):
    with pytest.raises(NotImplementedError, match=xform_name(operation)):
        in_process.post(operation, b"{}")


def test_operation_that_does_not_exist_in_a_query_is_unknown_on_a_server(server: Aws):
    answer = requests.get(f"{server.endpoint_url}/?Action=Nothing", headers={"Authorization": CREDENTIAL}, timeout=60)
    assert (answer.status_code, code(answer)) == (400, "UnknownOperationException")
