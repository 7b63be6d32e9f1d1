"""Redirects of a proxied registry: which are followed, and with which authorization."""

from __future__ import annotations

import pytest
import responses

from moto_ecr_ptc.ecr.exceptions import UpstreamNotFound, UpstreamUnavailable
from moto_ecr_ptc.ecr.images.manifests import OCI_MANIFEST
from moto_ecr_ptc.ecr.upstream.proxy import ProxiedRegistry
from tests.upstream.proxy.scripted_registry import (
    BASIC,
    CREDENTIALS,
    IMAGE,
    LAYER,
    MANIFEST,
    TAGGED,
    Answer,
    Raw,
    get_tagged,
    guarded,
    manifest,
)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_on_the_same_server_keeps_the_authorization(serve, status):
    redirect = Answer(status, b"", {"Location": "/elsewhere"})
    server = serve({TAGGED: guarded("Basic", BASIC, redirect), "/elsewhere": guarded("Basic", BASIC, manifest())})
    assert get_tagged(server, CREDENTIALS) == MANIFEST
    assert [asked.path for asked in server.asked] == [TAGGED, TAGGED, "/elsewhere"]


def test_redirect_to_another_port_drops_the_authorization(serve):
    storage = serve({"/blob": Answer(200, b"layer")})
    redirect = Answer(307, b"", {"Location": f"{storage.url}/blob?signature=x"})
    server = serve({f"/v2/app/blobs/{LAYER}": guarded("Basic", BASIC, redirect)})
    assert ProxiedRegistry(server.url).get_blob("app", LAYER, CREDENTIALS).read() == b"layer"
    (asked,) = storage.asked
    assert (asked.authorization, asked.query) == (None, {"signature": ["x"]})


def test_redirect_to_another_port_and_back_does_not_regain_the_authorization(serve):
    other = serve({})
    redirect = Answer(307, b"", {"Location": f"{other.url}/"})
    server = serve({TAGGED: guarded("Basic", BASIC, redirect), "/back": manifest()})
    other.scripts["/"] = Answer(307, b"", {"Location": f"{server.url}/back"})
    get_tagged(server, CREDENTIALS)
    assert [asked.authorization for asked in server.asked] == [None, BASIC, None]


def test_redirect_to_a_foreign_host_is_unavailable(serve):
    storage = serve({"/blob": Answer(200, b"layer")})
    server = serve({f"/v2/app/blobs/{LAYER}": Answer(307, b"", {"Location": f"{storage.foreign_url}/blob"})})
    with pytest.raises(UpstreamUnavailable, match="where moto_ecr_ptc does not go"):
        ProxiedRegistry(server.url).get_blob("app", LAYER, None)
    assert storage.asked == []


@pytest.mark.parametrize(
    "location",
    [
        "http://registry.invalid/",
        "http://127.0.0.1.registry.invalid/",
        "http://127.0.0.1@registry.invalid/",
        "http://registry.invalid\\@127.0.0.1/",
        "http://user:password@127.0.0.1/",
        "//registry.invalid/",
        "http://[::1]/",
        "http://2130706433/",
        "http://[",
        "http://127.0.0.1:99999/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "data:,x",
    ],
)
def test_redirect_to_no_url_of_the_host_is_unavailable(serve, location):
    server = serve({TAGGED: Answer(302, b"", {"Location": location})})
    with pytest.raises(UpstreamUnavailable, match="pointed to"):
        get_tagged(server)
    assert len(server.asked) == 1


def test_redirect_that_urls_are_read_differently_in_stays_on_the_host(serve):
    server = serve({})
    server.scripts[TAGGED] = Answer(302, b"", {"Location": f"{server.url}\\@registry.invalid/"})
    with pytest.raises(UpstreamNotFound):
        get_tagged(server)
    assert [asked.path for asked in server.asked] == [TAGGED, "/%5C@registry.invalid/"]


@responses.activate
def test_redirect_from_https_to_http_is_unavailable():
    url = f"https://registry.test{TAGGED}"
    responses.get(url, status=302, headers={"Location": f"http://registry.test{TAGGED}"})
    with pytest.raises(UpstreamUnavailable, match="where moto_ecr_ptc does not go"):
        ProxiedRegistry("https://registry.test").get_manifest("app", "latest", None)


@responses.activate
def test_redirect_from_http_to_https_is_followed():
    responses.get(f"http://registry.test{TAGGED}", status=302, headers={"Location": f"https://registry.test{TAGGED}"})
    responses.get(f"https://registry.test{TAGGED}", body=MANIFEST, content_type=OCI_MANIFEST)
    assert ProxiedRegistry("http://registry.test").get_manifest("app", "latest", None).manifest == IMAGE.manifest


def test_redirect_without_a_location_is_unavailable(serve):
    server = serve({TAGGED: Answer(302)})
    with pytest.raises(UpstreamUnavailable, match="answered HTTP 302 without a Location"):
        get_tagged(server)
    assert len(server.asked) == 1


def test_redirects_without_an_end_are_unavailable(serve):
    server = serve({TAGGED: Answer(302, b"", {"Location": TAGGED})})
    with pytest.raises(UpstreamUnavailable, match="too many redirects"):
        get_tagged(server)
    assert len(server.asked) == 6


def test_redirect_with_a_body_without_an_end_is_followed(serve):
    endless = Raw(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n", b"x" * 65536, 0, 1000)
    server = serve({f"/v2/app/blobs/{LAYER}": endless, "/elsewhere": Answer(200, b"layer")})
    assert ProxiedRegistry(server.url).get_blob("app", LAYER, None).read() == b"layer"
