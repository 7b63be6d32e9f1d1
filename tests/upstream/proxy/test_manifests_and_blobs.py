"""What is asked of a proxied registry for manifests and blobs, and how its answers are understood."""

from __future__ import annotations

import hashlib

import pytest

from moto_ecr_ptc.ecr.exceptions import (
    UpstreamAccessDenied,
    UpstreamNotFound,
    UpstreamTooManyRequests,
    UpstreamUnavailable,
)
from moto_ecr_ptc.ecr.images.manifests import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    MAX_MANIFEST_SIZE,
    OCI_INDEX,
    OCI_MANIFEST,
    sha256,
)
from moto_ecr_ptc.ecr.upstream.proxy import ProxiedRegistry
from tests.upstream.proxy.scripted_registry import (
    IMAGE,
    INDEX,
    LAYER,
    MANIFEST,
    SUBJECT,
    TAGGED,
    Answer,
    get_tagged,
    manifest,
)

# --- manifests --------------------------------------------------------------------------------------------------------


def test_manifest_by_tag_is_returned_as_it_is(serve):
    server = serve({TAGGED: manifest()})
    fetched = ProxiedRegistry(server.url).get_manifest("app", "latest", None)
    assert (fetched.manifest, fetched.blobs) == (IMAGE.manifest, {})


def test_manifest_of_a_repository_with_slashes_is_found(serve):
    server = serve({"/v2/a/b/c/manifests/1.0": manifest()})
    assert ProxiedRegistry(server.url).get_manifest("a/b/c", "1.0", None).manifest == IMAGE.manifest


def test_manifest_is_asked_for_by_all_types_that_ecr_stores(serve):
    server = serve({TAGGED: manifest()})
    get_tagged(server)
    (asked,) = server.asked
    assert asked.headers["Accept"] == ", ".join([OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST])
    assert asked.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_manifest_by_digest_keeps_that_digest(serve, algorithm):
    digest = f"{algorithm}:{hashlib.new(algorithm, MANIFEST).hexdigest()}"
    server = serve({f"/v2/app/manifests/{digest}": manifest()})
    assert ProxiedRegistry(server.url).get_manifest("app", digest, None).manifest.digest == digest


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_manifest_with_another_digest_than_asked_for_is_unavailable(serve, algorithm):
    digest = f"{algorithm}:{hashlib.new(algorithm, b'another').hexdigest()}"
    server = serve({f"/v2/app/manifests/{digest}": manifest()})
    with pytest.raises(UpstreamUnavailable, match="content that does not have the digest"):
        ProxiedRegistry(server.url).get_manifest("app", digest, None)


def test_manifest_with_the_digest_of_its_header_is_returned(serve):
    server = serve({TAGGED: manifest(**{"Docker-Content-Digest": sha256(MANIFEST)})})
    assert get_tagged(server) == MANIFEST


@pytest.mark.parametrize("digest", [sha256(b"another"), "md5:x", "nonsense"])
def test_manifest_with_another_digest_than_its_header_is_unavailable(serve, digest):
    server = serve({TAGGED: manifest(**{"Docker-Content-Digest": digest})})
    with pytest.raises(UpstreamUnavailable, match="content that does not have the digest"):
        get_tagged(server)


@pytest.mark.parametrize("media_type", [f"{OCI_MANIFEST};charset=utf-8", f"{OCI_MANIFEST} ; a=b"])
def test_media_type_with_parameters_is_returned_without_them(serve, media_type):
    server = serve({TAGGED: manifest(media_type=media_type)})
    assert ProxiedRegistry(server.url).get_manifest("app", "latest", None).manifest.media_type == OCI_MANIFEST


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/octet-stream"}])
def test_media_type_that_the_header_does_not_tell_is_the_manifests_own(serve, headers):
    server = serve({TAGGED: Answer(200, INDEX, headers)})
    assert ProxiedRegistry(server.url).get_manifest("app", "latest", None).manifest.media_type == OCI_INDEX


@pytest.mark.parametrize(
    ("content", "media_type", "fault"),
    [
        (b"<html>", OCI_MANIFEST, "a manifest that is not JSON"),
        (b"\xff", OCI_MANIFEST, "a manifest that is not JSON"),
        (b"[" * 100_000, OCI_MANIFEST, "a manifest that is not JSON"),
        (b"[]", OCI_MANIFEST, "a manifest that is not a JSON object"),
        (b"", OCI_MANIFEST, "a manifest that is not JSON"),
        (b"{}", OCI_MANIFEST, "an image manifest without layers"),
        (b'{"manifests": [{}]}', OCI_INDEX, "a manifest with a malformed descriptor"),
        (b"{}", "text/html", "a manifest of a media type that Amazon ECR does not store"),
        (b'{"mediaType": ["x"]}', "text/html", "a manifest of a media type that Amazon ECR does not store"),
    ],
)
def test_manifest_that_ecr_cannot_store_is_unavailable(serve, content, media_type, fault):
    server = serve({TAGGED: manifest(content, media_type)})
    with pytest.raises(UpstreamUnavailable, match=fault):
        get_tagged(server)


def test_manifest_of_the_greatest_size_is_returned(serve):
    content = MANIFEST + b" " * (MAX_MANIFEST_SIZE - len(MANIFEST))
    assert get_tagged(serve({TAGGED: manifest(content)})) == content


def test_manifest_that_is_too_large_is_unavailable(serve):
    server = serve({TAGGED: manifest(b" " * (MAX_MANIFEST_SIZE + 1))})
    with pytest.raises(UpstreamUnavailable, match="an answer of more than 4194304 bytes"):
        get_tagged(server)


@pytest.mark.parametrize(("repository", "reference"), [("..", "latest"), ("App", "1"), ("app", "../x"), ("app", "a?b")])
def test_malformed_name_is_not_found_without_a_request(serve, repository, reference):
    server = serve({})
    with pytest.raises(UpstreamNotFound):
        ProxiedRegistry(server.url).get_manifest(repository, reference, None)
    assert server.asked == []


@pytest.mark.parametrize("method", ["get_blob", "get_referrers"])
@pytest.mark.parametrize(("repository", "digest"), [("..", SUBJECT), ("app", "latest"), ("app", "sha256:../x")])
def test_malformed_digest_is_not_found_without_a_request(serve, method, repository, digest):
    server = serve({})
    with pytest.raises(UpstreamNotFound):
        getattr(ProxiedRegistry(server.url), method)(repository, digest, None)
    assert server.asked == []


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, UpstreamAccessDenied),
        (403, UpstreamAccessDenied),
        (404, UpstreamNotFound),
        (429, UpstreamTooManyRequests),
        (204, UpstreamUnavailable),
        (300, UpstreamUnavailable),
        (304, UpstreamUnavailable),
        (418, UpstreamUnavailable),
        (500, UpstreamUnavailable),
        (503, UpstreamUnavailable),
    ],
)
def test_status_other_than_200_is_its_error(serve, status, error):
    server = serve({TAGGED: Answer(status)})
    with pytest.raises(error, match=f"{server.url} answered HTTP {status}"):
        get_tagged(server)


# --- blobs ------------------------------------------------------------------------------------------------------------


def test_blob_is_returned(serve):
    server = serve({f"/v2/app/blobs/{LAYER}": Answer(200, b"layer")})
    assert ProxiedRegistry(server.url).get_blob("app", LAYER, None).read() == b"layer"


def test_blob_that_is_said_to_be_encoded_is_returned_as_it_is(serve):
    server = serve({f"/v2/app/blobs/{LAYER}": Answer(200, b"layer", {"Content-Encoding": "gzip"})})
    assert ProxiedRegistry(server.url).get_blob("app", LAYER, None).read() == b"layer"


def test_blob_with_another_digest_is_unavailable(serve):
    server = serve({f"/v2/app/blobs/{LAYER}": Answer(200, b"another")})
    with pytest.raises(UpstreamUnavailable, match="content that does not have the digest"):
        ProxiedRegistry(server.url).get_blob("app", LAYER, None)


def test_blob_that_the_registry_lacks_is_not_found(serve):
    with pytest.raises(UpstreamNotFound):
        ProxiedRegistry(serve({}).url).get_blob("app", LAYER, None)


def test_blob_larger_than_any_manifest_is_returned(serve):
    content = bytes(MAX_MANIFEST_SIZE + 1)
    server = serve({f"/v2/app/blobs/{sha256(content)}": Answer(200, content)})
    assert ProxiedRegistry(server.url).get_blob("app", sha256(content), None).read() == content
