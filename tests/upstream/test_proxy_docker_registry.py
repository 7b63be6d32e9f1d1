"""A real registry as the upstream: CNCF distribution, open or with Basic or Bearer authentication."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from moto_ecr_ptc.ecr.access.credentials import UpstreamCredentials
from moto_ecr_ptc.ecr.exceptions import UpstreamAccessDenied, UpstreamNotFound
from moto_ecr_ptc.ecr.images.manifests import Descriptor, sha256
from moto_ecr_ptc.ecr.upstream.built_images import build_image, build_index
from moto_ecr_ptc.ecr.upstream.proxy import ProxiedRegistry
from tests.upstream import docker_registry
from tests.upstream.docker_registry import ACCEPTED, DockerRegistry

pytestmark = docker_registry.INSTALLED

REPOSITORY = "team/app"
AMD64 = build_image([b"layer of amd64"], "linux/amd64")
ARM64 = build_image([b"layer of arm64"], "linux/arm64")
INDEX = build_index({"linux/amd64": AMD64, "linux/arm64": ARM64})
SUBJECT = Descriptor(AMD64.manifest.media_type, AMD64.manifest.digest, len(AMD64.manifest.content))
SIGNATURE = build_image([b"signature"], "linux/amd64", SUBJECT)
ABSENT = sha256(b"absent")

WRONG = [UpstreamCredentials("a-user", "wrong"), UpstreamCredentials("another", "a-token"), None]


def fill(registry: DockerRegistry) -> DockerRegistry:
    registry.push(REPOSITORY, "single", AMD64)
    registry.push(REPOSITORY, "multi", INDEX)
    # As clients do for registries that have no list of referrers, such as this one
    signatures = build_index({"linux/amd64": SIGNATURE})
    registry.push(REPOSITORY, SUBJECT.digest.replace(":", "-"), signatures)
    return registry


@pytest.fixture(scope="module")
def open_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    with docker_registry.serve(tmp_path_factory.mktemp("open")) as registry:
        yield fill(registry)


@pytest.fixture(scope="module")
def basic_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    with docker_registry.serve_with_basic(tmp_path_factory.mktemp("basic")) as registry:
        yield fill(registry)


@pytest.fixture(scope="module")
def token_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    with docker_registry.serve_with_tokens(tmp_path_factory.mktemp("tokens")) as registry:
        yield fill(registry)


@pytest.fixture(params=["basic_registry", "token_registry"])
def closed(request: pytest.FixtureRequest) -> ProxiedRegistry:
    """A registry with Basic, then one with Bearer authentication."""
    return ProxiedRegistry(request.getfixturevalue(request.param).url)


@pytest.fixture(params=["open_registry", "basic_registry", "token_registry"])
def proxied(request: pytest.FixtureRequest) -> ProxiedRegistry:
    """A registry of each kind. They all let the accepted credentials in."""
    return ProxiedRegistry(request.getfixturevalue(request.param).url)


@pytest.mark.parametrize(("tag", "image"), [("single", AMD64), ("multi", INDEX)])
def test_manifest_by_tag_is_returned(proxied, tag, image):
    assert proxied.get_manifest(REPOSITORY, tag, ACCEPTED).manifest == image.manifest


@pytest.mark.parametrize("image", [AMD64, ARM64, INDEX])
def test_manifest_by_digest_is_returned(proxied, image):
    assert proxied.get_manifest(REPOSITORY, image.manifest.digest, ACCEPTED).manifest == image.manifest


def test_blobs_of_an_image_are_returned(proxied):
    found = {blob.digest: proxied.get_blob(REPOSITORY, blob.digest, ACCEPTED).read() for blob in AMD64.manifest.blobs}
    assert found == AMD64.blobs


def test_blob_of_several_megabytes_is_returned(open_registry):
    image = build_image([bytes(range(256)) * 4096 * 9], "linux/amd64")
    open_registry.push("large", "latest", image)
    digest = image.manifest.layers[0].digest
    assert ProxiedRegistry(open_registry.url).get_blob("large", digest, None).read() == image.layers[0]


@pytest.mark.parametrize(("repository", "reference"), [(REPOSITORY, "absent"), (REPOSITORY, ABSENT), ("absent", "1")])
def test_manifest_that_is_absent_is_not_found(proxied, repository, reference):
    with pytest.raises(UpstreamNotFound):
        proxied.get_manifest(repository, reference, ACCEPTED)


def test_blob_that_is_absent_is_not_found(proxied):
    with pytest.raises(UpstreamNotFound):
        proxied.get_blob(REPOSITORY, ABSENT, ACCEPTED)


def test_referrers_are_those_of_the_tag(proxied):
    found = proxied.get_referrers(REPOSITORY, SUBJECT.digest, ACCEPTED)
    assert [referrer.digest for referrer in found] == [SIGNATURE.manifest.digest]


def test_referrers_that_are_absent_are_empty(proxied):
    assert proxied.get_referrers(REPOSITORY, ARM64.manifest.digest, ACCEPTED) == []


def test_right_credentials_are_accepted(proxied):
    proxied.authenticate(ACCEPTED)


@pytest.mark.parametrize("credentials", WRONG)
def test_wrong_credentials_get_no_manifest(closed, credentials):
    with pytest.raises(UpstreamAccessDenied):
        closed.get_manifest(REPOSITORY, "single", credentials)


@pytest.mark.parametrize("credentials", WRONG)
def test_wrong_credentials_get_no_blob(closed, credentials):
    with pytest.raises(UpstreamAccessDenied):
        closed.get_blob(REPOSITORY, AMD64.manifest.layers[0].digest, credentials)


@pytest.mark.parametrize("credentials", WRONG[:2])
def test_wrong_credentials_are_refused(closed, credentials):
    with pytest.raises(UpstreamAccessDenied):
        closed.authenticate(credentials)


def test_one_token_serves_a_whole_image(token_registry):
    registry = ProxiedRegistry(token_registry.url)
    before = len(token_registry.tokens.asked)
    manifest = registry.get_manifest(REPOSITORY, "single", ACCEPTED).manifest
    for blob in manifest.blobs:
        registry.get_blob(REPOSITORY, blob.digest, ACCEPTED)
    assert token_registry.tokens.asked[before:] == [f"repository:{REPOSITORY}:pull"]
