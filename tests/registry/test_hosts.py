"""The hosts of registries: of each partition, with FIPS, with dual stack, with both, and as clients may spell them."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
import requests

from conftest import ACCOUNT, OTHER_ACCOUNT, Aws, repositories
from tests.registry.endpoint import Endpoint, sha256
from tests.registry.upload_calls import start
from tests.strict import STRICT

HOSTS = [
    ("us-east-1", f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"),
    ("cn-north-1", f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn"),
    ("us-gov-west-1", f"{ACCOUNT}.dkr.ecr.us-gov-west-1.amazonaws.com"),
    ("us-east-2", f"{ACCOUNT}.dkr.ecr-fips.us-east-2.amazonaws.com"),
    ("eu-west-1", f"{ACCOUNT}.dkr-ecr.eu-west-1.on.aws"),
    ("us-west-2", f"{ACCOUNT}.dkr-ecr-fips.us-west-2.on.aws"),
]
KINDS = ["commercial", "China", "GovCloud", "FIPS", "dual stack", "FIPS dual stack"]
NOWHERE = {"http": "http://127.0.0.1:9", "https": "http://127.0.0.1:9"}
"""Proxies that a request goes to only if it leaves the process: there is none."""

each_host = pytest.mark.parametrize(("region", "host"), HOSTS, ids=KINDS)


def endpoint_at(aws: Aws, host: str, region: str) -> Endpoint:
    """Return the endpoint at a host, with a repository and a client that is logged in with that Region's token."""
    ecr = aws.client("ecr", region)
    if "app" not in repositories(ecr):
        ecr.create_repository(repositoryName="app")
    endpoint = Endpoint(aws, region=region)
    endpoint.host = host
    endpoint.base_url = aws.endpoint_url or f"https://{host}"
    return endpoint


@each_host
def test_image_is_pushed_and_pulled_at_each_kind_of_host(aws: Aws, region, host):
    endpoint = endpoint_at(aws, host, region)
    content = endpoint.push_image("app", "v1")
    assert endpoint("GET", "/v2/app/manifests/v1").content == content
    assert endpoint("GET", f"/v2/app/blobs/{sha256(b'layer')}").content == b"layer"
    (image,) = aws.client("ecr", region).describe_images(repositoryName="app")["imageDetails"]
    assert image["imageDigest"] == sha256(content)


@each_host
def test_location_is_on_the_host_that_was_called(aws: Aws, region, host):
    location = endpoint_at(aws, host, region)("POST", "/v2/app/blobs/uploads/").headers["Location"]
    assert location.startswith(f"{'http' if aws.endpoint_url else 'https'}://{host}/v2/app/blobs/uploads/")


@each_host
def test_host_without_credentials_asks_for_them(aws: Aws, region, host):
    answer = endpoint_at(aws, host, region)("GET", "/v2/", auth=None)
    assert (answer.status_code, answer.text) == (401, "Not Authorized\n")
    scheme = "http" if aws.endpoint_url else "https"
    assert answer.headers["Www-Authenticate"] == f'Basic realm="{scheme}://{host}/",service="ecr.amazonaws.com"'


@each_host
def test_token_of_another_region_is_refused(aws: Aws, region, host):
    endpoint = endpoint_at(aws, host, region)
    stranger = Endpoint(aws, region="ap-south-1")
    answer = endpoint("GET", "/v2/", auth=stranger.auth)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "UNSUPPORTED")


@each_host
def test_download_url_works_at_each_kind_of_host(in_process: Aws, region, host):
    endpoint = endpoint_at(in_process, host, region)
    digest = endpoint.push_blob("app", b"layer")
    found = in_process.client("ecr", region).get_download_url_for_layer(repositoryName="app", layerDigest=digest)
    query = found["downloadUrl"].partition("?")[2]
    for port in ("", ":443"):
        url = f"https://{host}{port}/layers?{query}"
        assert requests.get(url, proxies=NOWHERE, timeout=60).content == b"layer"
        described = requests.head(url, proxies=NOWHERE, timeout=60)
        assert (described.headers["Content-Length"], described.content) == ("5", b"")


@pytest.mark.parametrize("path", ["/v2/", "/v2/app/manifests/v1", "/v2/nothing", "/", "", "/layers", "/v1/", "?x=/v2/"])
@each_host
def test_nothing_at_a_host_goes_to_the_network(in_process: Aws, region, host, path):
    assert requests.get(f"https://{host}{path}", proxies=NOWHERE, timeout=60).status_code in (401, 403)


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "CONNECT", "QUERY"])
def test_no_method_goes_to_the_network(in_process: Aws, method):
    _, host = HOSTS[0]
    endpoint = endpoint_at(in_process, host, "us-east-1")
    answer = endpoint(method, "/v2/", proxies=NOWHERE)
    assert (answer.status_code, answer.text) == (404, "404 page not found\n")


FIRST_REQUEST = """
    import {modules}
    from moto import mock_aws
    with mock_aws():
        nowhere = {{"https": "http://127.0.0.1:9"}}
        answer = requests.get("https://{host}/v2/", proxies=nowhere)
        assert (answer.status_code, answer.text) == (401, "Not Authorized\\n"), answer.text
"""


@pytest.mark.parametrize("modules", ["moto_ecr_ptc, requests", "requests, moto, moto_ecr_ptc"])
@pytest.mark.parametrize(("region", "host"), HOSTS[::4], ids=KINDS[::4])
def test_request_that_is_the_first_thing_that_a_process_does_is_answered(region, host, modules):
    code = textwrap.dedent(FIRST_REQUEST.format(host=host, modules=modules))
    process = subprocess.run(
        [sys.executable, *STRICT, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert (process.returncode, process.stderr) == (0, "")


# --- spellings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["{}.", "{}:443", "{}.:443"])
@pytest.mark.parametrize("kind", [0, 4], ids=["commercial", "dual stack"])
def test_host_may_have_a_port_and_a_final_dot(in_process: Aws, kind, host):
    region, name = HOSTS[kind]
    spelt = host.format(name)
    upload = start(endpoint_at(in_process, spelt, region))
    assert upload.startswith(f"https://{spelt}/v2/app/blobs/uploads/")


def test_host_may_be_in_upper_case(aws: Aws):
    region, host = HOSTS[0]
    endpoint = endpoint_at(aws, host.upper(), region)
    assert endpoint("GET", "/v2/").status_code == 200
    assert endpoint("GET", "/v2/", auth=Endpoint(aws, region="ap-south-1").auth).status_code == 400


def test_url_may_have_a_user_who_is_not_in_the_location(in_process: Aws):
    region, host = HOSTS[0]
    endpoint = endpoint_at(in_process, host, region)
    user, password = (requests.utils.quote(one, safe="") for one in endpoint.auth)
    answer = requests.post(f"https://{user}:{password}@{host}/v2/app/blobs/uploads/", proxies=NOWHERE, timeout=60)
    assert answer.status_code == 202
    assert answer.headers["Location"].startswith(f"https://{host}/v2/app/blobs/uploads/")


def test_host_names_the_account(aws: Aws):
    aws.client("ecr", account=OTHER_ACCOUNT).create_repository(repositoryName="theirs")
    theirs = Endpoint(aws, OTHER_ACCOUNT)
    assert theirs("GET", "/v2/theirs/tags/list").status_code == 200
    assert Endpoint(aws)("GET", "/v2/theirs/tags/list").status_code == 404


@pytest.mark.parametrize("domain", ["localhost", "localhost:5000", "registry.example"])
def test_host_of_a_registry_may_end_in_any_domain_on_a_server(server: Aws, domain):
    endpoint = endpoint_at(server, f"{ACCOUNT}.dkr.ecr.us-east-1.{domain}", "us-east-1")
    assert endpoint.push_blob("app", b"blob") == sha256(b"blob")
    assert endpoint("GET", "/v2/", auth=Endpoint(server, region="eu-west-1").auth).status_code == 400


def test_other_host_on_a_server_is_the_registry_of_the_token(server: Aws):
    endpoint = endpoint_at(server, "registry.example", "eu-west-1")
    assert endpoint.push_blob("app", b"blob") == sha256(b"blob")
    layers = server.client("ecr", "eu-west-1").batch_check_layer_availability(
        repositoryName="app", layerDigests=[sha256(b"blob")]
    )["layers"]
    assert len(layers) == 1
