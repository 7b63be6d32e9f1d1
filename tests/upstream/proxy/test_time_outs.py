"""Proxied registries that take their time, or fail."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from moto_ecr_ptc.ecr.exceptions import UpstreamUnavailable, UpstreamUnreachable
from moto_ecr_ptc.ecr.images.manifests import sha256
from moto_ecr_ptc.ecr.upstream.fetch import THREAD_NAME
from moto_ecr_ptc.ecr.upstream.proxy import ProxiedRegistry
from tests.upstream.proxy.scripted_registry import (
    CREDENTIALS,
    LAYER,
    MANIFEST,
    REFERRERS,
    SUBJECT,
    TAGGED,
    Answer,
    Asked,
    Raw,
    assert_gives_up,
    bearer,
    get_tagged,
    guarded,
    manifest,
    token,
)


def test_connection_that_is_refused_is_unavailable():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(UpstreamUnavailable):
            ProxiedRegistry(url).get_manifest("app", "latest", None)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a" * 100_000 + b"\r\n\r\n",
    ],
)
def test_answer_that_is_not_http_or_cut_off_is_unavailable(serve, head):
    server = serve({TAGGED: Raw(head)})
    server.closing.set()
    with pytest.raises(UpstreamUnavailable):
        get_tagged(server)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
SILENT = Raw(b"")
TRICKLING_HEAD = Raw(b"HTTP/1.1 200 OK\r\nA: ", b"a", 0.1, 600)
TRICKLING_BODY = Raw(HEAD, b" ", 0.1, 600)


@pytest.mark.parametrize("script", [SILENT, TRICKLING_HEAD, TRICKLING_BODY])
def test_manifest_that_is_not_complete_in_time_is_unavailable(serve, script):
    assert_gives_up(ProxiedRegistry(serve({TAGGED: script}).url, 0.3).get_manifest, "latest")


@pytest.mark.parametrize("script", [SILENT, TRICKLING_HEAD, TRICKLING_BODY])
def test_token_that_is_not_complete_in_time_is_unavailable(serve, script):
    tokens = serve({"/token": script})
    server = serve({TAGGED: guarded(bearer(tokens), "Bearer t0k3n", manifest())})
    assert_gives_up(ProxiedRegistry(server.url, 0.3).get_manifest, "latest")


@pytest.mark.parametrize("script", [SILENT, TRICKLING_HEAD, TRICKLING_BODY])
def test_referrers_that_are_not_complete_in_time_are_unavailable(serve, script):
    assert_gives_up(ProxiedRegistry(serve({REFERRERS: script}).url, 0.3).get_referrers, SUBJECT)


def test_server_that_accepts_no_connection_is_unavailable():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        assert_gives_up(ProxiedRegistry(url, 0.3).get_blob, LAYER)


@pytest.mark.parametrize("script", [SILENT, Raw(HEAD, b"a", 0, 1)])
def test_blob_that_stalls_is_unavailable(serve, script):
    server = serve({f"/v2/app/blobs/{LAYER}": script})
    assert_gives_up(ProxiedRegistry(server.url, 0.3).get_blob, LAYER)


def test_blob_that_takes_long_is_returned(serve):
    content = b"a" * 15
    script = Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n", b"a", 0.1, 15)
    server = serve({f"/v2/app/blobs/{sha256(content)}": script})
    assert ProxiedRegistry(server.url, 1).get_blob("app", sha256(content), None).read() == content


def test_blob_is_read_no_further_than_its_descriptor_says(serve):
    server = serve({f"/v2/app/blobs/{LAYER}": Raw(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 1024, 0, 100_000)})
    with pytest.raises(UpstreamUnavailable, match="an answer of more than 11 bytes"):
        ProxiedRegistry(server.url).get_blob("app", LAYER, None, 11)


def test_blob_without_a_descriptor_is_read_up_to_a_maximum(serve, monkeypatch):
    monkeypatch.setattr("moto_ecr_ptc.ecr.upstream.proxy.MAX_UNDESCRIBED_BLOB", 100_000)
    server = serve({f"/v2/app/blobs/{LAYER}": Raw(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 1024, 0, 100_000)})
    with pytest.raises(UpstreamUnavailable, match="an answer of more than 100000 bytes"):
        ProxiedRegistry(server.url).get_blob("app", LAYER, None)


DRIPPING = {
    "in the headers": Raw(b"HTTP/1.1 200 OK\r\nX: ", b"a", 0.05, 200),
    "in the body": Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"a", 0.05, 200),
    "in a chunk's size": Raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", b"a", 0.05, 200),
}


@pytest.mark.parametrize("script", DRIPPING.values(), ids=DRIPPING)
def test_registry_that_drips_keeps_no_thread_beyond_the_time_out(serve, script):
    server = serve({"/v2/app/manifests/latest": script})
    before = set(threading.enumerate())
    with pytest.raises(UpstreamUnavailable):
        get_tagged(server, timeout=0.2)
    asking = [one for one in threading.enumerate() if one not in before and one.name == THREAD_NAME]
    for thread in asking:
        thread.join(1)
    assert not any(thread.is_alive() for thread in asking)


def test_blob_that_drips_before_it_begins_is_given_up(serve):
    server = serve({f"/v2/app/blobs/{LAYER}": DRIPPING["in the headers"]})
    assert_gives_up(ProxiedRegistry(server.url, 0.3).get_blob, LAYER)


def test_blob_that_drips_is_given_up_in_proportion_to_its_size(serve):
    server = serve({f"/v2/app/blobs/{LAYER}": DRIPPING["in the body"]})
    with pytest.raises(UpstreamUnavailable, match=r"no end of the answer within 0\.4"):
        ProxiedRegistry(server.url, 0.2).get_blob("app", LAYER, None, 1000)


def test_blob_whose_trailers_never_end_is_given_up(serve):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nlayer\r\n0\r\n"
    server = serve({f"/v2/app/blobs/{LAYER}": Raw(head, b"X-a: b\r\n", 0.05, 200)})
    with pytest.raises(UpstreamUnavailable):
        ProxiedRegistry(server.url, 0.2).get_blob("app", LAYER, None, 5)


def test_blob_is_never_read_further_than_ecr_stores_layers(serve, monkeypatch):
    monkeypatch.setattr("moto_ecr_ptc.ecr.upstream.proxy.MAX_LAYER_SIZE", 100_000)
    server = serve({f"/v2/app/blobs/{LAYER}": Raw(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 1024, 0, 100_000)})
    with pytest.raises(UpstreamUnavailable, match="an answer of more than 100000 bytes"):
        ProxiedRegistry(server.url).get_blob("app", LAYER, None, 10**12)


def test_registry_that_drips_an_answer_is_not_taken_for_one_that_gives_none(serve):
    server = serve({"/v2/app/manifests/latest": DRIPPING["in the body"]})
    with pytest.raises(UpstreamUnavailable) as caught:
        get_tagged(server, timeout=0.2)
    assert not isinstance(caught.value, UpstreamUnreachable)


def test_redirects_share_one_time_out(serve):
    def slowly(target: str) -> Callable[[Asked], Answer]:
        def script(_: Asked) -> Answer:
            time.sleep(0.15)
            return Answer(302, b"", {"Location": target})

        return script

    server = serve({f"/v2/app/manifests/{n}": slowly(f"/v2/app/manifests/{n + 1}") for n in range(5)})
    with pytest.raises(UpstreamUnavailable, match="no end of the redirects"):
        ProxiedRegistry(server.url, 0.2).get_manifest("app", "0", None)


def test_time_to_connect_is_shared_by_the_addresses_of_a_host(monkeypatch):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        filling = [socket.socket() for _ in range(3)]
        for one in filling:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [address] * 4)
        before = set(threading.enumerate())
        with pytest.raises(UpstreamUnavailable):
            ProxiedRegistry(f"http://127.0.0.1:{port}", 0.6).get_manifest("app", "latest", None)
        asking = [one for one in threading.enumerate() if one not in before and one.name == THREAD_NAME]
        for thread in asking:
            thread.join(1)
        assert not any(thread.is_alive() for thread in asking)
        for one in filling:
            one.close()


def test_registry_in_use_by_several_threads_answers_each(serve):
    tokens = serve({"/token": token()})
    script = guarded(bearer(tokens), "Bearer t0k3n", manifest())
    server = serve({f"/v2/app-{number}/manifests/latest": script for number in range(5)})
    registry = ProxiedRegistry(server.url)

    def get(number: int) -> bytes:
        return registry.get_manifest(f"app-{number % 5}", "latest", CREDENTIALS).manifest.content

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(get, range(40))) == [MANIFEST] * 40
