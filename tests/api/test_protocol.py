"""The AWS JSON protocol: what is no request at all, and what other clients send."""

from __future__ import annotations

import json

import pytest
import requests

from conftest import REGION, prefixes, refusal

CREATE = b'{"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}'
OPERATIONS = [
    "CreatePullThroughCacheRule",
    "DescribePullThroughCacheRules",
    "UpdatePullThroughCacheRule",
    "DeletePullThroughCacheRule",
    "ValidatePullThroughCacheRule",
    "CreateRepositoryCreationTemplate",
    "DescribeRepositoryCreationTemplates",
    "UpdateRepositoryCreationTemplate",
    "DeleteRepositoryCreationTemplate",
    "PutAccountSetting",
    "GetAccountSetting",
]


def refused(response, code, message):
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/x-amz-json-1.1"
    assert response.headers["X-Amzn-Errortype"] == code
    assert response.headers["x-amzn-requestid"]
    body = response.json()
    assert (body["__type"], body["message"]) == (code, message)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The request body is not valid JSON"),
        (b"{", "The request body is not valid JSON"),
        (b"{'a': 1}", "The request body is not valid JSON"),
        (b'{"maxResults": NaN}', "The request body is not valid JSON"),
        (b'{"maxResults": ' + b"1" * 5000 + b"}", "The request body is not valid JSON"),
        (b"x&=" * 1_000_000, "The request body is not valid JSON"),
        (b"[]", "The request body must be an object"),
        (b"null", "The request body must be an object"),
        (b'"text"', "The request body must be an object"),
        (b"\xff\xfe{}", "The request body is not valid UTF-8"),
        ("{}".encode("utf-16"), "The request body is not valid UTF-8"),
        (b"[" * 200_000, "The request body is nested too deeply"),
        (b'{"a":' * 200_000, "The request body is nested too deeply"),
    ],
    ids=[
        "empty",
        "cut off",
        "single quotes",
        "NaN",
        "huge integer",
        "megabytes",
        "array",
        "null",
        "string",
        "no UTF-8",
        "UTF-16",
        "nested arrays",
        "nested objects",
    ],
)
def test_body_that_is_no_json_object_is_a_serialization_exception(aws, operation, body, message):
    refused(aws.post(operation, body), "SerializationException", message)


@pytest.mark.parametrize(
    ("operation", "members", "message"),
    [
        ("CreatePullThroughCacheRule", {"ecrRepositoryPrefix": 1}, "'ecrRepositoryPrefix' must be a string"),
        ("CreatePullThroughCacheRule", {"upstreamRegistry": ["quay"]}, "'upstreamRegistry' must be a string"),
        ("DeletePullThroughCacheRule", {"registryId": 123456789012}, "'registryId' must be a string"),
        ("DescribePullThroughCacheRules", {"maxResults": "1"}, "'maxResults' must be an integer"),
        ("DescribePullThroughCacheRules", {"maxResults": 1.5}, "'maxResults' must be an integer"),
        ("DescribePullThroughCacheRules", {"maxResults": True}, "'maxResults' must be an integer"),
        (
            "DescribePullThroughCacheRules",
            {"ecrRepositoryPrefixes": "quay"},
            "'ecrRepositoryPrefixes' must be an array",
        ),
        (
            "DescribePullThroughCacheRules",
            {"ecrRepositoryPrefixes": ["quay", None]},
            "Each item of 'ecrRepositoryPrefixes' must be a string",
        ),
    ],
)
def test_member_of_the_wrong_type_is_a_serialization_exception(aws, operation, members, message):
    refused(aws.post(operation, json.dumps(members).encode()), "SerializationException", message)


def test_null_members_count_as_absent(aws, ecr):
    members = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io", "credentialArn": None}
    response = aws.post("CreatePullThroughCacheRule", json.dumps(members).encode())
    assert response.status_code == 200
    assert "credentialArn" not in response.json()
    assert prefixes(ecr) == ["quay"]


def test_unknown_members_are_ignored(aws, ecr):
    members = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io", "Colour": {"a": [None]}}
    assert aws.post("CreatePullThroughCacheRule", json.dumps(members).encode()).status_code == 200
    assert prefixes(ecr) == ["quay"]


def test_body_of_megabytes_is_read_like_any_other(aws, ecr):
    members = {"padding": "x&" * 2_000_000, **json.loads(CREATE)}
    assert aws.post("CreatePullThroughCacheRule", json.dumps(members).encode()).status_code == 200
    members["ecrRepositoryPrefix"] = "a" * 5_000_000
    response = aws.post("CreatePullThroughCacheRule", json.dumps(members).encode())
    assert (response.status_code, response.json()["__type"]) == (400, "InvalidParameterException")
    assert prefixes(ecr) == ["quay"]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "application/json",
        "text/plain",
        "application/x-amz-json-1.1; charset=utf-8",
    ],
)
def test_content_type_makes_no_difference(aws, content_type):
    response = aws.post("CreatePullThroughCacheRule", CREATE, Content_Type=content_type)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/x-amz-json-1.1"
    response = aws.post("CreatePullThroughCacheRule", CREATE, Content_Type=content_type)
    assert response.json()["__type"] == "PullThroughCacheRuleAlreadyExistsException"


@pytest.mark.parametrize("operation", ["DescribeRepositories", "DeletePullThroughCacheRule"])
def test_text_in_the_body_names_no_operation(aws, ecr, operation):
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    found = refusal(ecr.describe_pull_through_cache_rules, nextToken=f"&Action={operation}&ecrRepositoryPrefix=quay&")
    assert found.code == "InvalidParameterException"
    assert prefixes(ecr) == ["quay"]


def test_text_in_the_body_of_another_operation_does_not_reach_the_pull_through_cache(aws, ecr):
    body = b'{"repositoryNames": ["&Action=DeletePullThroughCacheRule&"], "ecrRepositoryPrefix": "quay"}'
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    refused(
        aws.post("DescribeRepositories", body),
        "UnknownOperationException",
        "Amazon ECR has no operation 'DeletePullThroughCacheRule'",
    )
    assert prefixes(ecr) == ["quay"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_operation_in_a_query_is_an_unknown_operation(aws, ecr, method):
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    url = aws.endpoint_url or f"https://api.ecr.{REGION}.amazonaws.com"
    scope = f"AKIAIOSFODNN7EXAMPLE/20260101/{REGION}/ecr/aws4_request"
    response = requests.request(
        method,
        f"{url}/?Action=DeletePullThroughCacheRule&ecrRepositoryPrefix=quay",
        headers={"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"},
        timeout=60,
    )
    refused(response, "UnknownOperationException", "Amazon ECR has no operation 'DeletePullThroughCacheRule'")
    assert prefixes(ecr) == ["quay"]


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ("AmazonEC2ContainerRegistry_V20150921.Nothing", "Nothing"),
        ("AmazonEC2ContainerRegistry_V20150921.", ""),
        ("Nothing", "Nothing"),
        ("Other.DescribePullThroughCacheRules", "Other.DescribePullThroughCacheRules"),
        ("DescribePullThroughCacheRules", "DescribePullThroughCacheRules"),
    ],
)
def test_target_that_ecr_does_not_know_is_an_unknown_operation(aws, target, named):
    response = aws.post("", b"{}", X_Amz_Target=target)
    refused(response, "UnknownOperationException", f"Amazon ECR has no operation '{named}'")


@pytest.mark.parametrize("region", ["mars-1", "us-east-9"])
def test_region_that_does_not_exist_is_refused(aws, region):
    found = refusal(aws.client("ecr", region).describe_pull_through_cache_rules)
    assert (found.code, found.message) == (
        "InvalidSignatureException",
        "Credential should be scoped to a valid region.",
    )


def test_timestamps_are_numbers_of_seconds(aws):
    body = aws.post("CreatePullThroughCacheRule", CREATE).json()
    assert isinstance(body["createdAt"], (int, float))
    assert 1_700_000_000 < body["createdAt"] < 10_000_000_000


@pytest.mark.parametrize("account", ["abc", "12345678901x", " "])
def test_account_that_is_no_number_is_refused(aws, account):
    found = refusal(
        aws.client("ecr", account=account).create_pull_through_cache_rule,
        ecrRepositoryPrefix="quay",
        upstreamRegistryUrl="quay.io",
    )
    assert found.code == "UnrecognizedClientException"
