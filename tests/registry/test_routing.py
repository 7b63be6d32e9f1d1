"""Paths and methods at the registry endpoint: names that look like paths, and what there is nothing at."""

from __future__ import annotations

import pytest

from tests.registry.endpoint import Endpoint, error, sha256
from tests.registry.upload_calls import add, close, start

NOT_FOUND = (404, "404 page not found\n", "text/plain; charset=utf-8")
DIGEST = sha256(b"blob")
NAMES = [
    "manifests",
    "blobs",
    "tags",
    "referrers",
    "v2",
    "manifests/manifests",
    "blobs/uploads",
    "blobs/uploads/blobs",
    "tags/list",
    "a/tags/list",
    "a/manifests/b",
    "a/blobs/uploads/b",
    "referrers/manifests/tags/blobs/uploads",
]


@pytest.mark.parametrize("path", ["/v2/", "/v2"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_root_says_that_there_is_a_registry(endpoint: Endpoint, method, path):
    answer = endpoint(method, path)
    assert answer.status_code == 200
    assert answer.content == (b"{}" if method == "GET" else b"")
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert (answer.headers["Content-Length"], answer.headers["Content-Type"]) == (
        "2",
        "application/json; charset=utf-8",
    )


@pytest.mark.parametrize("name", NAMES)
def test_name_may_contain_what_looks_like_a_path(endpoint: Endpoint, ecr, name):
    ecr.create_repository(repositoryName=name)
    upload = start(endpoint, name)
    assert upload.rpartition("/")[0].endswith(f"/v2/{name}/blobs/uploads")
    assert add(endpoint, upload, b"la").status_code == 201
    assert endpoint("GET", upload).headers["Range"] == "0-1"
    assert close(endpoint, upload, sha256(b"layer"), b"yer").status_code == 201
    assert endpoint("GET", f"/v2/{name}/blobs/{sha256(b'layer')}").content == b"layer"
    content = endpoint.push_image(name, "list")
    assert endpoint("GET", f"/v2/{name}/manifests/list").content == content
    assert endpoint("GET", f"/v2/{name}/tags/list").json() == {"name": name, "tags": ["list"]}
    assert endpoint("GET", f"/v2/{name}/referrers/{sha256(content)}").json()["manifests"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/v2/team%2Fapp/manifests/v1",
        "/v2/team/%61pp/manifests/v1",
        "/v2/team/app/%6Danifests/v1",
        "/v2/team/app%2Fmanifests%2Fv1",
        "/%76%32/team/app/manifests/%76%31",
    ],
)
def test_path_may_be_percent_encoded(endpoint: Endpoint, ecr, path):
    ecr.create_repository(repositoryName="team/app")
    content = endpoint.push_image("team/app", "v1")
    assert endpoint("GET", path).content == content


@pytest.mark.parametrize(
    "path",
    [
        "/v2/app",
        "/v2/app/",
        "/v2/app/manifests",
        "/v2/app/manifests/",
        "/v2/app/manifests/v1/",
        "/v2/manifests/v1",
        "/v2//manifests/v1",
        "/v2/app/blobs/",
        f"/v2/app/blobs/{DIGEST}/",
        "/v2/app/blobs/uploads/x/y",
        "/v2/app/tags",
        "/v2/app/tags/",
        "/v2/app/tags/list/",
        "/v2/tags/list",
        "/v2/app/referrers/",
        "/v2/_catalog/",
        "/v2/_catalogue",
        "/v2/search",
        "/v2/%FF",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_path_that_there_is_none_of_is_not_found(endpoint: Endpoint, method, path):
    answer = endpoint(method, path)
    assert (answer.status_code, answer.text, answer.headers["Content-Type"]) == NOT_FOUND
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v2/", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
        ("/v2/_catalog", ["POST", "DELETE"]),
        ("/v2/app/tags/list", ["POST", "DELETE"]),
        ("/v2/app/manifests/v1", ["POST", "PATCH", "OPTIONS"]),
        (f"/v2/app/blobs/{DIGEST}", ["POST", "PUT", "PATCH"]),
        ("/v2/app/blobs/uploads/", ["GET", "PUT", "PATCH", "DELETE"]),
        ("/v2/app/blobs/uploads/x", ["POST", "OPTIONS"]),
        (f"/v2/app/referrers/{DIGEST}", ["POST", "PUT"]),
        ("/v2/app/manifests/v1", ["TRACE", "PROPFIND", "LOCK"]),
    ],
)
def test_method_that_there_is_none_of_is_not_found(endpoint: Endpoint, path, methods):
    for method in methods:
        answer = endpoint(method, path, b"body")
        assert (answer.status_code, answer.text, answer.headers["Content-Type"]) == NOT_FOUND


@pytest.mark.parametrize("path", ["/v2/", "/v2/app/tags/list", "/v2/app/blobs/uploads/", "/v2/absent/manifests/v1"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "LOCK"])
def test_nothing_is_answered_without_credentials(endpoint: Endpoint, method, path):
    answer = endpoint(method, path, auth=None)
    assert (answer.status_code, answer.text) == (401, "Not Authorized\n")
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


@pytest.mark.parametrize("name", ["App", "app%0A", "a%20b", "-app", "app_", "a//b", "a/%2E%2E/b", "%C3%A4", "a" * 257])
def test_impossible_name_is_refused(endpoint: Endpoint, name):
    status, code, message = error(endpoint("GET", f"/v2/{name}/manifests/v1"))
    assert (status, code) == (405, "UNSUPPORTED")
    assert message.startswith("Invalid parameter at 'repositoryName' failed to satisfy constraint: ")


def test_first_of_several_values_of_a_parameter_counts(endpoint: Endpoint):
    query = f"?digest={DIGEST}&digest={sha256(b'other')}"
    assert endpoint("POST", f"/v2/app/blobs/uploads/{query}", b"blob").status_code == 201


def test_unknown_parameters_are_ignored(endpoint: Endpoint):
    assert endpoint("POST", f"/v2/app/blobs/uploads/?digest={DIGEST}&x&=&a=%FF;", b"blob").status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "auth", "status"),
    [
        ("GET", "/v2/", None, 401),
        ("GET", "/v2/app/manifests/absent", (), 404),
        ("GET", "/v2/app/nothing/list", (), 404),
        ("GET", "/v2/app/manifests/-", (), 400),
        ("DELETE", f"/v2/app/blobs/sha256:{'0' * 64}", (), 405),
        ("POST", "/v2/app/blobs/uploads/", (), 202),
    ],
)
def test_every_answer_names_the_version_of_the_registry(endpoint: Endpoint, method, path, auth, status):
    answer = endpoint(method, path, auth=auth)
    assert (answer.status_code, answer.headers["Docker-Distribution-Api-Version"]) == (status, "registry/2.0")
