"""Referrers of a proxied registry: by the API, in pages, and by the tag of older registries."""

from __future__ import annotations

import hashlib
import json
import time

import pytest

from moto_ecr_ptc import upstream_registry
from moto_ecr_ptc.ecr.exceptions import UpstreamAccessDenied, UpstreamUnavailable
from moto_ecr_ptc.ecr.images.manifests import OCI_INDEX, OCI_MANIFEST, Descriptor, sha256
from moto_ecr_ptc.ecr.upstream.built_images import build_image, build_index
from moto_ecr_ptc.ecr.upstream.proxy import ProxiedRegistry
from tests.upstream.proxy.scripted_registry import (
    BASIC,
    CREDENTIALS,
    FALLBACK,
    INDEX,
    MANIFEST,
    REFERRERS,
    SUBJECT,
    Answer,
    Asked,
    guarded,
    manifest,
)


def test_referrers_are_returned(serve):
    server = serve({REFERRERS: Answer(200, INDEX)})
    assert ProxiedRegistry(server.url).get_referrers("app", SUBJECT, None) == [
        Descriptor(OCI_MANIFEST, SUBJECT, len(MANIFEST))
    ]


def test_referrer_that_is_listed_but_lacking_is_passed_over(in_process, serve):
    ecr = in_process.client("ecr")
    if not hasattr(ecr, "list_image_referrers"):
        pytest.skip("the model of an older botocore has no ListImageReferrers")
    subject = Descriptor(OCI_MANIFEST, SUBJECT, len(MANIFEST))
    left, gone = (build_image([layer], "linux/amd64", subject) for layer in (b"left", b"gone"))
    listing = build_index({"linux/amd64": gone, "linux/arm64": left}).manifest.content
    held = Answer(200, left.manifest.content, {"Content-Type": OCI_MANIFEST})
    server = serve({REFERRERS: Answer(200, listing), f"/v2/app/manifests/{left.manifest.digest}": held})
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    upstream_registry("quay").proxy(server.url)
    answer = ecr.list_image_referrers(repositoryName="quay/app", subjectId={"imageDigest": SUBJECT})
    assert [referrer["digest"] for referrer in answer["referrers"]] == [left.manifest.digest]


def test_referrers_in_pages_are_returned_together(serve):
    def page(asked: Asked) -> Answer:
        number = int(asked.query.get("page", ["1"])[0])
        descriptor = {"mediaType": OCI_MANIFEST, "digest": sha256(bytes(number)), "size": number}
        links = {"Link": f'<{REFERRERS}?page={number + 1}>; rel="next"'} if number < 3 else {}
        return Answer(200, json.dumps({"manifests": [descriptor]}).encode(), links)

    server = serve({REFERRERS: page})
    found = ProxiedRegistry(server.url).get_referrers("app", SUBJECT, None)
    assert [referrer.size for referrer in found] == [1, 2, 3]


def test_referrers_with_a_link_to_something_else_have_one_page(serve):
    server = serve({REFERRERS: Answer(200, INDEX, {"Link": f'<{REFERRERS}?page=2>; rel="first", nonsense'})})
    assert len(ProxiedRegistry(server.url).get_referrers("app", SUBJECT, None)) == 1


def test_referrers_without_an_end_are_unavailable(serve):
    server = serve({REFERRERS: Answer(200, INDEX, {"Link": f'<{REFERRERS}>; rel="next"'})})
    with pytest.raises(UpstreamUnavailable, match="too many referrers"):
        ProxiedRegistry(server.url, 60).get_referrers("app", SUBJECT, None)
    assert len(server.asked) <= 101


def test_referrers_that_take_too_long_altogether_are_unavailable(serve):
    def page(asked: Asked) -> Answer:
        time.sleep(0.2)
        return Answer(200, INDEX, {"Link": f'<{REFERRERS}>; rel="next"'})

    server = serve({REFERRERS: page})
    with pytest.raises(UpstreamUnavailable):
        ProxiedRegistry(server.url, 0.5).get_referrers("app", SUBJECT, None)
    assert len(server.asked) < 10


def test_referrers_on_another_port_are_asked_without_the_authorization(serve):
    other = serve({"/more": Answer(200, INDEX)})
    page = Answer(200, INDEX, {"Link": f'<{other.url}/more>; rel="next"'})
    server = serve({REFERRERS: guarded("Basic", BASIC, page)})
    assert len(ProxiedRegistry(server.url).get_referrers("app", SUBJECT, CREDENTIALS)) == 2
    assert [asked.authorization for asked in other.asked] == [None]


def test_referrers_on_a_foreign_host_are_unavailable(serve):
    other = serve({"/more": Answer(200, INDEX)})
    server = serve({REFERRERS: Answer(200, INDEX, {"Link": f'<{other.foreign_url}/more>; rel="next"'})})
    with pytest.raises(UpstreamUnavailable, match="where moto_ecr_ptc does not go"):
        ProxiedRegistry(server.url).get_referrers("app", SUBJECT, None)
    assert other.asked == []


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"{}", b'{"manifests": [1]}'])
def test_referrers_that_are_no_index_are_unavailable(serve, content):
    server = serve({REFERRERS: Answer(200, content)})
    with pytest.raises(UpstreamUnavailable, match="a manifest"):
        ProxiedRegistry(server.url).get_referrers("app", SUBJECT, None)


def test_referrers_of_an_older_registry_come_from_the_tag(serve):
    server = serve({FALLBACK: manifest(INDEX, OCI_INDEX)})
    assert [found.digest for found in ProxiedRegistry(server.url).get_referrers("app", SUBJECT, None)] == [SUBJECT]


def test_referrers_of_an_older_registry_by_sha512_come_from_a_shortened_tag(serve):
    digest = f"sha512:{hashlib.sha512(MANIFEST).hexdigest()}"
    server = serve({f"/v2/app/manifests/sha512-{digest[7:71]}": manifest(INDEX, OCI_INDEX)})
    assert len(ProxiedRegistry(server.url).get_referrers("app", digest, None)) == 1


def test_referrers_that_an_older_registry_has_none_of_are_empty(serve):
    server = serve({})
    assert ProxiedRegistry(server.url).get_referrers("app", SUBJECT, None) == []
    assert [asked.path for asked in server.asked] == [REFERRERS, FALLBACK]


def test_referrers_that_the_registry_refuses_are_refused(serve):
    server = serve({REFERRERS: Answer(403)})
    with pytest.raises(UpstreamAccessDenied):
        ProxiedRegistry(server.url).get_referrers("app", SUBJECT, None)
