"""Nothing of the environment reaches a proxied registry, and no other host is contacted."""

from __future__ import annotations

import json
import socket

import pytest
from moto import mock_aws

from moto_ecr_ptc.ecr.exceptions import UpstreamAccessDenied, UpstreamNotFound
from moto_ecr_ptc.ecr.upstream.proxy import ProxiedRegistry
from tests.upstream.proxy.scripted_registry import BASIC, LAYER, MANIFEST, TAGGED, get_tagged, guarded, manifest


def test_guard_other_addresses_are_heard_of(foreign_hosts):
    with socket.socket() as client:
        client.settimeout(0)
        with pytest.raises(OSError):  # noqa: PT011 (which error it is depends on the machine)
            client.connect(("127.0.0.2", 9))
    with pytest.raises(OSError):  # noqa: PT011 (which error it is depends on the machine)
        socket.getaddrinfo("registry.invalid.", 9, flags=socket.AI_NUMERICHOST)
    assert foreign_hosts == ["127.0.0.2", "registry.invalid."]
    foreign_hosts.clear()


def test_proxies_of_the_environment_are_ignored(serve, monkeypatch):
    environment = serve({})
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, environment.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert get_tagged(serve({TAGGED: manifest()})) == MANIFEST
    assert environment.asked == []


def test_credentials_of_a_netrc_file_are_ignored(serve, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a-user password a-password\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server = serve({TAGGED: guarded("Basic", BASIC, manifest())})
    with pytest.raises(UpstreamAccessDenied):
        get_tagged(server)
    assert [asked.authorization for asked in server.asked] == [None]


@mock_aws
def test_registry_during_a_mock_is_reached(serve):
    assert get_tagged(serve({TAGGED: manifest()})) == MANIFEST


def test_cookies_are_not_sent_back(serve):
    server = serve({TAGGED: manifest(**{"Set-Cookie": "a=b"})})
    registry = ProxiedRegistry(server.url)
    for _ in range(2):
        registry.get_manifest("app", "latest", None)
    assert [asked.headers.get("Cookie") for asked in server.asked] == [None, None]


def test_urls_of_a_descriptor_are_not_looked_at(serve):
    other = serve({})
    document = json.loads(MANIFEST)
    document["layers"][0]["urls"] = [f"{other.foreign_url}/layer"]
    server = serve({TAGGED: manifest(json.dumps(document).encode())})
    registry = ProxiedRegistry(server.url)
    registry.get_manifest("app", "latest", None)
    with pytest.raises(UpstreamNotFound):
        registry.get_blob("app", LAYER, None)
    assert other.asked == []
