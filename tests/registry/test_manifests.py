"""Manifests at the registry endpoint: pulled, pushed and deleted."""

from __future__ import annotations

from tests.registry.endpoint import OCI_MANIFEST, Endpoint, sha256


def test_manifest_that_was_pushed_is_returned_as_it_was(endpoint: Endpoint):
    content = endpoint.push_image("app", "v1")
    answer = endpoint("GET", "/v2/app/manifests/v1")
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (200, content, OCI_MANIFEST)
    assert "Docker-Content-Digest" not in answer.headers


def test_head_of_a_manifest_tells_its_digest_and_size(endpoint: Endpoint):
    content = endpoint.push_image("app", "v1")
    answer = endpoint("HEAD", "/v2/app/manifests/v1")
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", str(len(content)))
    assert (answer.headers["Docker-Content-Digest"], answer.headers["Sizes"]) == (sha256(content), "")
