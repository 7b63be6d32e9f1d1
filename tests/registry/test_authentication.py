"""Who is let in at the registry endpoint, and which registry they are let into."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from freezegun import freeze_time

from conftest import ACCOUNT, OTHER_ACCOUNT, REGION, Aws
from tests.registry.endpoint import Endpoint, error, password, registry_host
from tests.registry.manifests import ABSENT, oci_image

UPLOAD = "00000000-0000-0000-0000-000000000000"
INVALID_TOKEN = (400, "UNSUPPORTED", "The authorization token is invalid for this registry.")
EXPIRED = (403, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")
REQUESTS = [
    ("GET", "/v2/"),
    ("GET", "/v2"),
    ("HEAD", "/v2/"),
    ("GET", "/v2/_catalog"),
    ("GET", "/v2/app/tags/list"),
    ("GET", f"/v2/app/referrers/{ABSENT}"),
    ("GET", "/v2/app/manifests/v1"),
    ("HEAD", "/v2/app/manifests/v1"),
    ("PUT", "/v2/app/manifests/v1"),
    ("DELETE", "/v2/app/manifests/v1"),
    ("GET", f"/v2/app/blobs/{ABSENT}"),
    ("HEAD", f"/v2/app/blobs/{ABSENT}"),
    ("DELETE", f"/v2/app/blobs/{ABSENT}"),
    ("POST", "/v2/app/blobs/uploads/"),
    ("GET", f"/v2/app/blobs/uploads/{UPLOAD}"),
    ("PATCH", f"/v2/app/blobs/uploads/{UPLOAD}"),
    ("PUT", f"/v2/app/blobs/uploads/{UPLOAD}"),
    ("DELETE", f"/v2/app/blobs/uploads/{UPLOAD}"),
]
ELSEWHERE = [("GET", "/v2/absent/app/manifests/v1"), ("GET", "/v2/no/such/path"), ("POST", "/v2/"), ("PATCH", "/v2/_x")]


def base_url(endpoint: Endpoint) -> str:
    return f"{'http' if endpoint.aws.endpoint_url else 'https'}://{endpoint.host}"


def challenge(base_url: str) -> str:
    return f'Basic realm="{base_url}/",service="ecr.amazonaws.com"'


def basic(text: str | bytes) -> dict[str, str]:
    content = text if isinstance(text, bytes) else text.encode()
    return {"Authorization": f"Basic {base64.b64encode(content).decode()}"}


# --- without a token --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), [*REQUESTS, *ELSEWHERE])
def test_request_without_credentials_is_challenged_by_the_host_that_was_called(endpoint: Endpoint, method, path):
    answer = endpoint(method, path, auth=None)
    assert answer.status_code == 401
    assert answer.headers["Www-Authenticate"] == challenge(base_url(endpoint))
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert answer.text == ("" if method == "HEAD" else "Not Authorized\n")


def test_challenge_is_plain_text(endpoint: Endpoint):
    assert endpoint("GET", "/v2/", auth=None).headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "headers",
    [
        basic("AWS:wrong"),
        basic("AWS:"),
        basic("AWS"),
        basic(":"),
        basic(f"AWS:{ACCOUNT}-auth-token"),
        basic("AWS:größer"),
        basic(b"\xff\xfe"),
        {"Authorization": "Basic"},
        {"Authorization": "Basic not-base64!"},
        {"Authorization": "Digest x"},
        {"Authorization": "x"},
    ],
)
def test_wrong_credentials_are_not_authorized(endpoint: Endpoint, headers):
    answer = endpoint("GET", "/v2/", auth=None, headers=headers)
    assert (answer.status_code, answer.text) == (401, "Not Authorized\n")


@pytest.mark.parametrize("user", ["aws", "", "someone"])
def test_token_with_another_user_is_not_authorized(endpoint: Endpoint, user):
    assert endpoint("GET", "/v2/", auth=(user, endpoint.auth[1])).status_code == 401


@pytest.mark.parametrize("whole", [False, True])
def test_token_as_a_bearers_is_not_authorized(endpoint: Endpoint, whole):
    token = base64.b64encode(":".join(endpoint.auth).encode()).decode() if whole else endpoint.auth[1]
    assert endpoint("GET", "/v2/", auth=None, headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_push_without_credentials_stores_nothing(endpoint: Endpoint, ecr):
    endpoint.push_image("app", "v1")
    assert endpoint("PUT", "/v2/app/manifests/v2", str(oci_image()), auth=None).status_code == 401
    assert endpoint("DELETE", "/v2/app/manifests/v1", auth=None).status_code == 401
    assert endpoint("GET", "/v2/app/tags/list").json()["tags"] == ["v1"]


# --- with a token -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v2/", "/v2"])
def test_token_opens_the_endpoint(endpoint: Endpoint, path):
    answer = endpoint("GET", path)
    assert (answer.status_code, answer.json()) == (200, {})
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert endpoint("HEAD", path).status_code == 200


@pytest.mark.parametrize("scheme", ["basic", "BASIC"])
def test_scheme_of_basic_authentication_is_written_in_any_case(endpoint: Endpoint, scheme):
    credentials = base64.b64encode(":".join(endpoint.auth).encode()).decode()
    headers = {"Authorization": f"{scheme} {credentials}"}
    assert endpoint("GET", "/v2/", auth=None, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "mangle",
    [
        lambda token: token[:-4],
        lambda token: token[: len(token) // 2],
        lambda token: token[:8],
        lambda token: token + "AAAA",
        lambda token: token[:20] + ("A" if token[20] != "A" else "B") + token[21:],
        lambda token: base64.b64encode(base64.b64decode(token).replace(ACCOUNT.encode(), OTHER_ACCOUNT.encode())),
        lambda token: base64.b64encode(b'{"a": 1}'),
        lambda token: base64.b64encode(b'{"a": ' + b"[" * 9_999),
        lambda token: token + "ä",
    ],
)
def test_mangled_token_is_refused(endpoint: Endpoint, mangle):
    token = mangle(endpoint.auth[1])
    text = token if isinstance(token, bytes) else token.encode()
    assert error(endpoint("GET", "/v2/", auth=None, headers=basic(b"AWS:" + text))) == INVALID_TOKEN


@pytest.mark.parametrize("region", ["eu-west-1", "us-west-2"])
def test_token_of_another_region_is_refused(aws, endpoint: Endpoint, region):
    assert error(endpoint("GET", "/v2/", auth=("AWS", password(aws, region=region)))) == INVALID_TOKEN


def test_token_of_a_region_that_does_not_exist_is_refused(server: Aws):
    endpoint = Endpoint(server, region="moon-1")
    assert error(endpoint("GET", "/v2/")) == INVALID_TOKEN


def test_token_is_good_for_12_hours(in_process: Aws):
    with freeze_time("2026-03-02 12:00:00") as clock:
        endpoint = Endpoint(in_process)
        in_process.client("ecr").create_repository(repositoryName="app")
        clock.move_to("2026-03-02 23:59:59")
        assert endpoint("GET", "/v2/app/tags/list").status_code == 200
        clock.move_to("2026-03-03 00:00:00")
        assert error(endpoint("GET", "/v2/app/tags/list")) == EXPIRED
        assert error(endpoint("GET", "/v2/")) == EXPIRED
        assert Endpoint(in_process)("GET", "/v2/").status_code == 200


def test_token_says_when_it_expires(in_process: Aws):
    with freeze_time("2026-03-02 12:00:00"):
        (data,) = in_process.client("ecr").get_authorization_token()["authorizationData"]
    assert data["expiresAt"].isoformat() == "2026-03-03T00:00:00+00:00"


# --- which registry ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("account", "region"), [(ACCOUNT, "eu-west-1"), (OTHER_ACCOUNT, REGION)])
def test_registry_is_that_of_the_host(aws: Aws, endpoint: Endpoint, account, region):
    other = Endpoint(aws, account, region)
    aws.client("ecr", region, account=account).create_repository(repositoryName="app")
    theirs = other.push_image("app", "v1", b"theirs")
    ours = endpoint.push_image("app", "v1", b"ours")
    assert other("GET", "/v2/app/manifests/v1").content == theirs
    assert endpoint("GET", "/v2/app/manifests/v1").content == ours


@pytest.mark.parametrize(
    "host",
    [
        "{account}.dkr.ecr.{region}.amazonaws.com",
        "{account}.dkr.ecr-fips.{region}.amazonaws.com",
        "{account}.dkr-ecr.{region}.on.aws",
        "{account}.dkr-ecr-fips.{region}.on.aws",
    ],
)
def test_registry_has_hosts_of_each_kind(endpoint: Endpoint, host):
    content = endpoint.push_image("app", "v1")
    name = host.format(account=ACCOUNT, region=REGION)
    answer = call(endpoint, name, "/v2/app/manifests/v1")
    assert (answer.status_code, answer.content) == (200, content)


def test_registry_in_china_has_a_host_of_its_own(aws: Aws):
    region = "cn-north-1"
    aws.client("ecr", region).create_repository(repositoryName="app")
    endpoint = Endpoint(aws, region=region)
    answer = call(endpoint, f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com.cn", "/v2/app/tags/list")
    assert answer.json() == {"name": "app", "tags": []}


def call(endpoint: Endpoint, host: str, path: str, **options: Any) -> Any:
    """Call the registry by another host."""
    if endpoint.aws.endpoint_url:
        return endpoint("GET", path, headers={"Host": host}, **options)
    return endpoint("GET", f"https://{host}{path}", **options)


@pytest.fixture
def on_server(server: Aws) -> Endpoint:
    """The endpoint of a registry on a server that has the repository ``app``."""
    server.client("ecr").create_repository(repositoryName="app")
    return Endpoint(server)


@pytest.mark.parametrize("port", ["", ":5000"])
@pytest.mark.parametrize("domain", ["localhost", "localhost.localstack.cloud", "internal"])
def test_host_on_a_server_may_end_in_any_way(on_server: Endpoint, server: Aws, domain, port):
    server.client("ecr", "eu-west-1", account=OTHER_ACCOUNT).create_repository(repositoryName="theirs")
    host = f"{OTHER_ACCOUNT}.dkr.ecr.eu-west-1.{domain}{port}"
    auth = ("AWS", password(server, OTHER_ACCOUNT, "eu-west-1"))
    assert call(on_server, host, "/v2/_catalog", auth=auth).json() == {"repositories": ["theirs"]}
    assert call(on_server, host, "/v2/", auth=None).headers["Www-Authenticate"] == challenge(f"http://{host}")


@pytest.mark.parametrize(("account", "region"), [(ACCOUNT, REGION), (ACCOUNT, "eu-west-1"), (OTHER_ACCOUNT, REGION)])
def test_registry_is_that_of_the_token_if_the_host_names_none(server: Aws, account, region):
    server.client("ecr", region, account=account).create_repository(repositoryName="theirs")
    url = server.endpoint_url or ""
    endpoint = Endpoint(server, account, region)
    answer = endpoint("GET", "/v2/_catalog", headers={"Host": url.partition("://")[2]})
    assert answer.json() == {"repositories": ["theirs"]}


@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_server_challenges_by_its_own_host(on_server: Endpoint, method, path):
    netloc = on_server.base_url.partition("://")[2]
    answer = on_server(method, path, auth=None, headers={"Host": netloc})
    assert (answer.status_code, answer.headers["Www-Authenticate"]) == (401, challenge(on_server.base_url))


def test_token_for_other_registries_stands_for_the_account_that_asked(aws: Aws, endpoint: Endpoint):
    data = aws.client("ecr").get_authorization_token(registryIds=[OTHER_ACCOUNT, ACCOUNT])["authorizationData"]
    assert [one["proxyEndpoint"] for one in data] == [
        f"https://{registry_host(account)}" for account in (OTHER_ACCOUNT, ACCOUNT)
    ]
    for one in data:
        headers = {"Authorization": f"Basic {one['authorizationToken']}"}
        assert endpoint("GET", "/v2/app/tags/list", auth=None, headers=headers).status_code == 200
        answer = Endpoint(aws, OTHER_ACCOUNT)("GET", "/v2/app/tags/list", auth=None, headers=headers)
        assert answer.status_code == 403
