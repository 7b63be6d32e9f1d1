"""Lists at the registry endpoint: the tags of a repository, and the repositories of a registry, page by page."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from conftest import OTHER_ACCOUNT
from tests.registry.endpoint import Endpoint, error
from tests.registry.manifests import oci_image, push_blobs, repository_not_found

TAGS = "/v2/app/tags/list"
CATALOG = "/v2/_catalog"
INVALID_TOKEN = (
    405,
    "UNSUPPORTED",
    "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid nextToken'",
)


def put_tags(ecr: Any, *tags: str, repository: str = "app") -> None:
    for tag in tags:
        ecr.put_image(repositoryName=repository, imageManifest=json.dumps(oci_image()), imageTag=tag)


def put_repositories(ecr: Any, *names: str) -> None:
    for name in names:
        ecr.create_repository(repositoryName=name)


def next_url(answer: requests.Response) -> str | None:
    """Return the URL of the next page, if there is one."""
    match = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("Link", ""))
    return match[1] if match else None


def pages(endpoint: Endpoint, path: str, member: str) -> list[list[str]]:
    """Return what is listed on each page."""
    found: list[list[str]] = []
    url: str | None = path
    while url:
        answer = endpoint("GET", endpoint.local(url))
        assert answer.status_code == 200, answer.text
        found.append(answer.json()[member])
        url = next_url(answer)
    return found


# --- tags -------------------------------------------------------------------------------------------------------------


def test_tags_are_listed_as_they_are_stored(endpoint: Endpoint, ecr):
    put_tags(ecr, "v2", "latest", "v10", "a")
    answer = endpoint("GET", TAGS)
    assert (answer.status_code, answer.json()) == (200, {"name": "app", "tags": ["v2", "latest", "v10", "a"]})
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert "Link" not in answer.headers


def test_repository_without_images_has_an_empty_list_of_tags(endpoint: Endpoint):
    assert endpoint("GET", TAGS).json() == {"name": "app", "tags": []}


def test_untagged_images_are_not_listed(endpoint: Endpoint):
    for layer in (b"old", b"new"):
        endpoint.push_image("app", "v1", layer)
    assert endpoint("GET", TAGS).json()["tags"] == ["v1"]


def test_tags_of_a_repository_that_does_not_exist_are_unknown(endpoint: Endpoint):
    assert error(endpoint("GET", "/v2/absent/tags/list")) == repository_not_found("absent")


def test_page_has_100_tags_unless_the_client_says_otherwise(endpoint: Endpoint, ecr):
    tags = [f"v{number}" for number in range(201)]
    put_tags(ecr, *tags)
    assert pages(endpoint, TAGS, "tags") == [tags[:100], tags[100:200], tags[200:]]
    assert pages(endpoint, f"{TAGS}?n=1000", "tags") == [tags]


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_pages_of_tags_have_the_size_that_the_client_asks_for(endpoint: Endpoint, ecr, size):
    tags = ["d", "c", "b", "a"]
    put_tags(ecr, *tags)
    assert pages(endpoint, f"{TAGS}?n={size}", "tags") == [tags[at : at + size] for at in range(0, 4, size)]


@pytest.mark.parametrize("path", [TAGS, CATALOG])
def test_link_to_the_next_page_is_absolute_and_keeps_the_size(endpoint: Endpoint, ecr, path):
    put_repositories(ecr, "other", "third")
    put_tags(ecr, "a", "b", "c")
    url = urlsplit(next_url(endpoint("GET", f"{path}?n=2")) or "")
    scheme = "http" if endpoint.aws.endpoint_url else "https"
    assert (url.scheme, url.netloc, url.path) == (scheme, endpoint.host, path)
    assert sorted(parse_qs(url.query)) == ["last", "n"]
    assert parse_qs(url.query)["n"] == ["2"]


def test_link_names_no_size_that_the_client_did_not(endpoint: Endpoint, ecr):
    put_tags(ecr, *[f"v{number}" for number in range(101)])
    url = urlsplit(next_url(endpoint("GET", TAGS)) or "")
    assert list(parse_qs(url.query)) == ["last"]


def test_next_page_stays_complete_when_tags_are_deleted_in_between(endpoint: Endpoint, ecr):
    put_tags(ecr, "a", "b", "c", "d", "e")
    url = next_url(endpoint("GET", f"{TAGS}?n=3"))
    for tag in ("a", "c", "d"):
        endpoint("DELETE", f"/v2/app/manifests/{tag}")
    assert endpoint("GET", endpoint.local(url or "")).json()["tags"] == ["e"]


def test_next_page_has_the_tags_that_are_pushed_in_between(endpoint: Endpoint, ecr):
    put_tags(ecr, "b", "c", "d")
    url = next_url(endpoint("GET", f"{TAGS}?n=2"))
    put_tags(ecr, "a")
    assert endpoint("GET", endpoint.local(url or "")).json()["tags"] == ["d", "a"]


def test_tag_that_moves_in_between_is_listed_once(endpoint: Endpoint):
    push_blobs(endpoint)
    for tag in ("a", "b", "c"):
        endpoint.push_image("app", tag, tag.encode())
    first = endpoint("GET", f"{TAGS}?n=2")
    endpoint.push_image("app", "a", b"c")
    assert first.json()["tags"] == ["a", "b"]
    assert endpoint("GET", endpoint.local(next_url(first) or "")).json()["tags"] == ["c"]


@pytest.mark.parametrize("last", ["b", "", "bm9uZQ=="])
def test_last_that_is_no_token_of_tags_is_refused(endpoint: Endpoint, ecr, last):
    put_tags(ecr, "a", "b", "c")
    assert error(endpoint("GET", f"{TAGS}?last={last}")) == INVALID_TOKEN


def test_token_of_another_repository_is_refused(endpoint: Endpoint, ecr):
    put_repositories(ecr, "other")
    for repository in ("app", "other"):
        put_tags(ecr, "a", "b", repository=repository)
    token = parse_qs(urlsplit(next_url(endpoint("GET", f"{TAGS}?n=1")) or "").query)["last"][0]
    assert error(endpoint("GET", "/v2/other/tags/list", params={"last": token})) == INVALID_TOKEN
    assert endpoint("GET", TAGS, params={"last": token}).json()["tags"] == ["b"]


def test_token_of_a_repository_that_was_made_anew_is_refused(endpoint: Endpoint, ecr):
    put_tags(ecr, "a", "b")
    url = next_url(endpoint("GET", f"{TAGS}?n=1"))
    ecr.delete_repository(repositoryName="app", force=True)
    put_repositories(ecr, "app")
    put_tags(ecr, "a", "b")
    assert error(endpoint("GET", endpoint.local(url or ""))) == INVALID_TOKEN


# --- page sizes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [TAGS, CATALOG])
@pytest.mark.parametrize(
    ("size", "constraint"),
    [
        ("1001", "Member must have value less than or equal to 1000"),
        ("0", "Member must have value greater than or equal to 1"),
        ("-1", "Member must have value greater than or equal to 1"),
        ("x", "Member must be an integer"),
        ("", "Member must be an integer"),
        ("1.5", "Member must be an integer"),
        ("1_0", "Member must be an integer"),
        ("9" * 5000, "Member must be an integer"),
    ],
)
def test_size_that_no_page_has_is_refused(endpoint: Endpoint, path, size, constraint):
    message = f"Invalid parameter at 'maxResults' failed to satisfy constraint: '{constraint}'"
    assert error(endpoint("GET", f"{path}?n={size}")) == (405, "UNSUPPORTED", message)


@pytest.mark.parametrize("path", [TAGS, CATALOG])
def test_page_may_have_1000_entries(endpoint: Endpoint, path):
    assert endpoint("GET", f"{path}?n=1000").status_code == 200


# --- repositories -----------------------------------------------------------------------------------------------------


def test_repositories_are_listed_as_they_were_created(endpoint: Endpoint, ecr):
    put_repositories(ecr, "team/web", "another")
    answer = endpoint("GET", CATALOG)
    assert (answer.status_code, answer.json()) == (200, {"repositories": ["app", "team/web", "another"]})
    assert answer.headers["Content-Type"].startswith("application/json")
    assert "Link" not in answer.headers


def test_registry_without_repositories_has_an_empty_catalog(aws):
    assert Endpoint(aws)("GET", CATALOG).json() == {"repositories": []}


def test_catalog_has_the_repositories_of_its_registry_only(aws, endpoint: Endpoint):
    put_repositories(aws.client("ecr", "eu-west-1"), "in-europe")
    put_repositories(aws.client("ecr", account=OTHER_ACCOUNT), "of-another")
    assert endpoint("GET", CATALOG).json() == {"repositories": ["app"]}
    assert Endpoint(aws, region="eu-west-1")("GET", CATALOG).json() == {"repositories": ["in-europe"]}
    assert Endpoint(aws, OTHER_ACCOUNT)("GET", CATALOG).json() == {"repositories": ["of-another"]}


def test_page_has_100_repositories_unless_the_client_says_otherwise(endpoint: Endpoint, ecr):
    names = [f"r{number}" for number in range(100)]
    put_repositories(ecr, *names)
    assert pages(endpoint, CATALOG, "repositories") == [["app", *names[:99]], names[99:]]


def test_pages_of_repositories_stay_complete_when_some_are_deleted_in_between(endpoint: Endpoint, ecr):
    put_repositories(ecr, "first", "second", "third")
    url = next_url(endpoint("GET", f"{CATALOG}?n=3"))
    for name in ("app", "second"):
        ecr.delete_repository(repositoryName=name)
    assert endpoint("GET", endpoint.local(url or "")).json() == {"repositories": ["third"]}


@pytest.mark.parametrize("last", ["app", "other", "", "bm9uZQ=="])
def test_last_that_is_no_token_of_the_catalog_begins_it_anew(endpoint: Endpoint, ecr, last):
    put_repositories(ecr, "other", "third")
    answer = endpoint("GET", f"{CATALOG}?n=2&last={last}")
    assert answer.json() == {"repositories": ["app", "other"]}
    assert endpoint("GET", endpoint.local(next_url(answer) or "")).json() == {"repositories": ["third"]}
