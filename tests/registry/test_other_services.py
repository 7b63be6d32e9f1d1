"""Other services whose requests look like an image client's: on a server they answer as without this package."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from conftest import REGION, SESSION, Aws
from tests.registry.endpoint import Endpoint
from tests.registry.server_processes import WITHOUT_PLUGIN, running

KEYS = ["v2/", "v2/app/manifests/latest", "v2/app/blobs/sha256:0", "v2/_catalog", "v2/app/blobs/uploads/", "v2/other"]
EMAIL = "someone@example.com"
MESSAGE = {
    "Destination": {"ToAddresses": [EMAIL]},
    "Content": {"Simple": {"Subject": {"Data": "subject"}, "Body": {"Text": {"Data": "text"}}}},
}


@pytest.fixture(scope="module")
def plain_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A moto server in a process without this package."""
    log: Path = tmp_path_factory.mktemp("moto") / "log"
    with running(WITHOUT_PLUGIN, log) as url:
        assert requests.get(f"{url}/v2/", timeout=60).headers.get("Docker-Distribution-Api-Version") is None
        yield url


@pytest.fixture
def both(plain_url: str, server: Aws) -> Callable[[Callable[[Aws], Any]], Any]:
    """Do something on a server without this package and on one with it; return what both of them answered."""

    def call(act: Callable[[Aws], Any]) -> Any:
        requests.post(f"{plain_url}/moto-api/reset", timeout=60).raise_for_status()
        expected = act(Aws(plain_url))
        assert act(server) == expected
        return expected

    return call


def operation(aws: Aws, service: str, name: str, **arguments: Any) -> Any:
    """Return an operation's answer, without identifiers and times; or its error."""
    try:
        answer = getattr(aws.client(service), name)(**arguments)
    except ClientError as error:
        return error.response["Error"]
    del answer["ResponseMetadata"]
    text = json.dumps(answer, default=lambda _: "time", sort_keys=True)
    return json.loads(re.sub(r"127\.0\.0\.1:\d+|[0-9a-f]{8}-[0-9a-f-]{27}", "?", text))


def told(answer: requests.Response) -> tuple[int, str | None, bytes]:
    """Return what an answer says, without identifiers."""
    content = re.sub(rb"<(RequestId|HostId|RequestID)>.*?</|127\.0\.0\.1:\d+", b"", answer.content)
    assert "Docker-Distribution-Api-Version" not in answer.headers
    return answer.status_code, answer.headers.get("Content-Type"), content


# --- services with a version 2 ----------------------------------------------------------------------------------------


def test_ses_v2_answers(both):
    def act(aws: Aws) -> list[Any]:
        return [
            operation(aws, "sesv2", "create_email_identity", EmailIdentity=EMAIL),
            operation(aws, "sesv2", "list_email_identities"),
            operation(aws, "sesv2", "create_contact_list", ContactListName="manifests"),
            operation(aws, "sesv2", "create_contact", ContactListName="manifests", EmailAddress=EMAIL),
            operation(aws, "sesv2", "list_contacts", ContactListName="manifests"),
            operation(aws, "sesv2", "get_contact_list", ContactListName="absent"),
            sorted(operation(aws, "sesv2", "send_email", FromEmailAddress=EMAIL, **MESSAGE)),
        ]

    answers = both(act)
    assert [contact["EmailAddress"] for contact in answers[4]["Contacts"]] == [EMAIL]


def test_api_gateway_v2_answers(both):
    def act(aws: Aws) -> Any:
        gateway = aws.client("apigatewayv2")
        api = gateway.create_api(Name="blobs", ProtocolType="HTTP", Tags={"a": "b"})["ApiId"]
        arn = f"arn:aws:apigateway:{REGION}::/apis/{api}"
        gateway.create_route(ApiId=api, RouteKey="GET /v2/app/manifests/latest")
        gateway.create_stage(ApiId=api, StageName="tags")
        return [
            gateway.get_api(ApiId=api)["Name"],
            [item["Name"] for item in gateway.get_apis()["Items"]],
            [item["RouteKey"] for item in gateway.get_routes(ApiId=api)["Items"]],
            gateway.get_stage(ApiId=api, StageName="tags")["StageName"],
            gateway.get_tags(ResourceArn=arn)["Tags"],
            operation(aws, "apigatewayv2", "get_api", ApiId="absent"),
        ]

    assert both(act)[:3] == ["blobs", ["blobs"], ["GET /v2/app/manifests/latest"]]


def test_appsync_v2_answers(both):
    def act(aws: Aws) -> Any:
        providers = [{"authType": "API_KEY"}]
        modes = [{"authType": "API_KEY"}]
        events = {
            "authProviders": providers,
            "connectionAuthModes": modes,
            "defaultPublishAuthModes": modes,
            "defaultSubscribeAuthModes": modes,
        }
        url = f"{aws.endpoint_url}/v2/apis"
        signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential=x/20260101/{REGION}/appsync/aws4_request, x"}
        answer = requests.post(url, json={"name": "tags", "eventConfig": events}, headers=signed, timeout=60)
        listed = requests.get(url, headers=signed, timeout=60)
        return [
            (one.status_code, re.sub(r'"(apiId|apiArn|created|dns|HTTP|REALTIME)": ?[^,}]*', "", one.text))
            for one in (answer, listed)
        ]

    assert len(both(act)) == 2


@pytest.mark.parametrize(
    ("service", "name", "arguments"),
    [
        ("polly", "describe_voices", {"LanguageCode": "de-DE"}),
        ("apigateway", "get_rest_apis", {}),
        ("lambda", "list_functions", {}),
        ("cognito-idp", "list_user_pools", {"MaxResults": 1}),
        ("ecr", "describe_repositories", {}),
        ("batch", "describe_job_queues", {}),
        ("iot", "list_things", {}),
        ("opensearch", "list_domain_names", {}),
    ],
)
def test_service_with_paths_of_another_form_answers(both, service, name, arguments):
    assert "Code" not in both(lambda aws: operation(aws, service, name, **arguments))


def test_cognito_answers_to_requests_without_a_signature(both):
    def act(aws: Aws) -> Any:
        target = {"X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth"}
        body = {"ClientId": "absent", "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": {}}
        request = {"json": body, "headers": target, "timeout": 60}
        paths = ("/", "/v2/", "/v2/app/manifests/latest")
        return [told(requests.post(f"{aws.endpoint_url}{path}", **request)) for path in paths]

    assert both(act)[0][0] == 400


@pytest.mark.parametrize("credentials", [None, ("AWS", "a password")], ids=["without credentials", "with a password"])
@pytest.mark.parametrize("path", ["/moto-api/", "/v1/app", "/v2app", "/v20180820/tags/x", "/", "/v3/"])
def test_path_of_another_form_answers(both, path, credentials):
    both(lambda aws: told(requests.get(f"{aws.endpoint_url}{path}", auth=credentials, timeout=60)))


@pytest.mark.parametrize("path", ["/v2/apis", "/v2/email/identities", "/v2/app/other"])
def test_path_below_v2_of_another_form_answers_without_credentials(both, path):
    both(lambda aws: told(requests.get(f"{aws.endpoint_url}{path}", timeout=60)))


# --- Amazon S3 --------------------------------------------------------------------------------------------------------


def s3_of(aws: Aws, signature_version: str = "s3v4") -> Any:
    """Return a client that puts the name of the bucket into the path."""
    return SESSION.client(
        "s3",
        endpoint_url=aws.endpoint_url,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="secret",
        config=Config(signature_version=signature_version, s3={"addressing_style": "path"}),
    )


def fill(aws: Aws) -> Any:
    s3 = s3_of(aws)
    s3.create_bucket(Bucket="bucket")
    for key in KEYS:
        s3.put_object(Bucket="bucket", Key=key, Body=key.encode(), ACL="public-read")
    return s3


def test_object_is_returned_by_the_path_style(both):
    def act(aws: Aws) -> Any:
        s3 = fill(aws)
        objects = [s3.get_object(Bucket="bucket", Key=key)["Body"].read().decode() for key in KEYS]
        return objects, [one["Key"] for one in s3.list_objects_v2(Bucket="bucket", Prefix="v2/")["Contents"]]

    assert both(act) == (KEYS, sorted(KEYS))


@pytest.mark.parametrize(
    "host", ["bucket.s3.amazonaws.com", f"bucket.s3.{REGION}.amazonaws.com", "bucket.s3.localhost"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_object_is_returned_by_its_buckets_host_without_a_signature(both, method, host):
    def act(aws: Aws) -> Any:
        fill(aws)
        return [
            told(requests.request(method, f"{aws.endpoint_url}/{key}", headers={"Host": host}, timeout=60))
            for key in [*KEYS, "v2/absent/manifests/latest"]
        ]

    answers = both(act)
    assert [status for status, *_ in answers] == [200] * len(KEYS) + [404]


@pytest.mark.parametrize("version", ["s3v4", "s3"])
@pytest.mark.parametrize("host", ["bucket.s3.amazonaws.com", "bucket.localhost"])
@pytest.mark.parametrize("style", ["path", "virtual"])
def test_object_is_returned_by_a_presigned_url(both, style, version, host):
    def act(aws: Aws) -> Any:
        fill(aws)
        s3 = s3_of(aws, version)
        found = []
        for key in KEYS:
            parameters = {"Bucket": "bucket", "Key": key}
            url = s3.generate_presigned_url("get_object", Params=parameters)
            if style == "virtual":  # the name of the bucket is in the host, which does not resolve here
                url = url.replace("/bucket/", "/", 1)
            headers = {"Host": host} if style == "virtual" else {}
            found.append(told(requests.get(url, headers=headers, timeout=60)))
        return found

    assert [(status, content.decode()) for status, _, content in both(act)] == [(200, key) for key in KEYS]


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_object_is_stored_by_a_presigned_url(both, version):
    def act(aws: Aws) -> Any:
        s3 = fill(aws)
        parameters = {"Bucket": "bucket", "Key": "v2/app/manifests/new"}
        url = s3_of(aws, version).generate_presigned_url("put_object", Params=parameters).replace("/bucket/", "/", 1)
        stored = requests.put(url, data=b"new", headers={"Host": "bucket.s3.amazonaws.com"}, timeout=60)
        return stored.status_code, s3.get_object(Bucket="bucket", Key="v2/app/manifests/new")["Body"].read()

    assert both(act) == (200, b"new")


@pytest.mark.parametrize(
    "authorization", ["AWS AKIAIOSFODNN7EXAMPLE:signature", "AWS4-HMAC-SHA256 Credential=x/1/r/s3/a, x"]
)
def test_object_is_returned_to_a_request_with_a_signature(both, authorization):
    def act(aws: Aws) -> Any:
        fill(aws)
        headers = {"Host": "bucket.localhost", "Authorization": authorization}
        return [told(requests.get(f"{aws.endpoint_url}/{key}", headers=headers, timeout=60)) for key in KEYS]

    assert [content.decode() for _, _, content in both(act)] == KEYS


# --- and the endpoint beside them -------------------------------------------------------------------------------------


def test_endpoint_answers_beside_a_bucket_with_such_keys(server: Aws):
    fill(server)
    server.client("ecr").create_repository(repositoryName="app")
    content = Endpoint(server).push_image("app", "latest")
    assert Endpoint(server)("GET", "/v2/app/manifests/latest").content == content
