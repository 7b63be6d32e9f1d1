"""Pulls by the registry endpoint through a rule whose upstream is a real registry: blobs, and requests at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from conftest import repositories
from moto_ecr_ptc import upstream_registry
from tests.registry import proxied
from tests.registry.endpoint import Endpoint, error
from tests.registry.manifests import ABSENT, repository_not_found
from tests.registry.proxied import CONFIG_DIGEST, IMAGE, LAYER, LAYER_DIGEST, ProxiedRegistry

REPOSITORY = "quay/team/app"
LATEST = f"/v2/{REPOSITORY}/manifests/latest"
BLOB = f"/v2/{REPOSITORY}/blobs/{LAYER_DIGEST}"


@pytest.fixture
def registry(ecr: Any) -> Iterator[ProxiedRegistry]:
    """A real registry behind a rule with the prefix quay."""
    with proxied.serve() as registry:
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        upstream_registry("quay").proxy(registry.url)
        yield registry


def test_manifest_is_pulled_without_its_blobs(endpoint: Endpoint, registry):
    assert endpoint("GET", LATEST).content == IMAGE.manifest.content
    assert registry.blobs_asked_for == []


def test_blob_is_pulled_when_it_is_asked_for_and_once(endpoint: Endpoint, registry):
    endpoint("GET", LATEST)
    assert [endpoint("GET", BLOB).content for _ in range(2)] == [LAYER, LAYER]
    assert registry.blobs_asked_for == [LAYER_DIGEST]


def test_configuration_is_pulled_as_a_blob(endpoint: Endpoint, registry):
    endpoint("GET", LATEST)
    answer = endpoint("GET", f"/v2/{REPOSITORY}/blobs/{CONFIG_DIGEST}")
    assert answer.content == IMAGE.blobs[CONFIG_DIGEST]


def test_head_of_a_blob_answers_from_its_descriptor(endpoint: Endpoint, registry):
    endpoint("GET", LATEST)
    answer = endpoint("HEAD", BLOB)
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, str(len(LAYER)))
    assert answer.headers["Docker-Content-Digest"] == LAYER_DIGEST
    assert registry.blobs_asked_for == []


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        ({"status": 403}, 403, "DENIED"),
        ({"status": 429}, 429, "TOOMANYREQUESTS"),
        ({"status": 500}, 503, "UNAVAILABLE"),
        ({"error": "refused"}, 503, "UNAVAILABLE"),
    ],
)
@pytest.mark.parametrize("path", [BLOB, f"/v2/{REPOSITORY}/referrers/{IMAGE.manifest.digest}"])
def test_upstream_that_fails_on_blobs_and_referrers_is_told(endpoint: Endpoint, registry, path, failure, status, code):
    endpoint("GET", LATEST)
    upstream_registry("quay").fail(**failure)
    assert error(endpoint("GET", path))[:2] == (status, code)


def test_range_of_a_blob_that_is_not_here_yet_is_returned(endpoint: Endpoint, registry):
    endpoint("GET", LATEST)
    answer = endpoint("GET", BLOB, headers={"Range": "bytes=1-4"})
    assert (answer.status_code, answer.content) == (206, LAYER[1:5])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_blob_of_a_repository_that_was_not_pulled_is_unknown_by_name(endpoint: Endpoint, ecr, registry, method):
    answer = endpoint(method, BLOB)
    assert answer.status_code == 404
    assert method == "HEAD" or error(answer) == repository_not_found(REPOSITORY)
    assert repositories(ecr) == ["app"]


def test_head_of_a_blob_that_neither_an_image_nor_the_upstream_has_is_unknown(endpoint: Endpoint, registry):
    endpoint("GET", LATEST)
    assert endpoint("HEAD", f"/v2/{REPOSITORY}/blobs/{ABSENT}").status_code == 404
    assert registry.blobs_asked_for == [ABSENT]


@pytest.mark.parametrize("methods", [["GET"] * 8, ["HEAD", "GET"] * 4])
def test_requests_for_one_tag_at_once_ask_the_upstream_once(endpoint: Endpoint, ecr, registry, methods):
    registry.open.clear()
    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(endpoint, method, LATEST) for method in methods]
        assert registry.asked.wait(60)
        registry.open.set()
        assert [one.result(60).status_code for one in asking] == [200] * 8
    assert len(registry.paths) == 1
    assert len(ecr.list_images(repositoryName=REPOSITORY)["imageIds"]) == 1


def test_requests_for_one_blob_at_once_ask_the_upstream_once(endpoint: Endpoint, registry):
    endpoint("GET", LATEST)
    registry.asked.clear()
    registry.open.clear()
    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(endpoint, "GET", BLOB) for _ in range(8)]
        assert registry.asked.wait(60)
        registry.open.set()
        assert [one.result(60).content for one in asking] == [LAYER] * 8
    assert registry.blobs_asked_for == [LAYER_DIGEST]


def test_upstream_that_takes_its_time_holds_nobody_else_up(endpoint: Endpoint, registry):
    content = endpoint.push_image("app", "v1")
    registry.open.clear()
    with ThreadPoolExecutor(1) as pool:
        pulling = pool.submit(endpoint, "GET", LATEST)
        assert registry.asked.wait(60)
        assert endpoint("GET", "/v2/app/manifests/v1").content == content
        endpoint.push_image("app", "v2", b"another layer")
        registry.open.set()
        assert pulling.result(60).status_code == 200
