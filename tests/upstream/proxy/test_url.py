"""Which URLs a registry that is proxied may have."""

from __future__ import annotations

import pytest

from moto_ecr_ptc.ecr.upstream.proxy import ProxiedRegistry


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1",
        "https://registry.test",
        "http://localhost:5000",
        "https://[::1]:5000",
        "http://a_b-c.d:65535",
    ],
)
def test_url_of_a_registry_is_kept(url):
    assert ProxiedRegistry(url).url == url


def test_url_with_a_slash_at_its_end_is_kept_without_it():
    assert ProxiedRegistry("http://localhost:5000/").url == "http://localhost:5000"


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("localhost:5000", "another scheme, or none"),
        ("registry.test", "another scheme, or none"),
        ("ftp://registry.test", "another scheme, or none"),
        ("file:///etc/passwd", "another scheme, or none"),
        ("http://", "a malformed host"),
        ("http://:5000", "a malformed host"),
        ("http://a b", "a malformed host"),
        ("http://a\\b", "a malformed host"),
        ("http://registry.test ", "a malformed host"),
        ("http://registry.test\n", "whitespace"),
        ("http://registry.test:0", "the port 0"),
        ("http://registry.test:65536", "a malformed host or port"),
        ("http://registry.test:http", "a malformed host or port"),
        ("http://[::1", "a malformed host or port"),
        ("http://user:secret@registry.test", "credentials; they come from the secret of a pull through cache rule"),
        ("http://registry.test/v2/", "a path"),
        ("http://registry.test//", "a path"),
        ("http://registry.test?", "a query"),
        ("http://registry.test#", "a fragment"),
        (None, "None"),
        (b"http://registry.test", "b'http://registry.test'"),
    ],
)
def test_url_of_no_registry_is_refused_with_the_reason(url, fault):
    with pytest.raises(ValueError, match=r"must be http://host\[:port\] or https://host\[:port\]") as caught:
        ProxiedRegistry(url)
    assert str(caught.value).endswith(fault)
    assert "secret@" not in str(caught.value)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), True, "1", None])
def test_timeout_that_is_no_positive_number_is_refused(timeout):
    with pytest.raises(ValueError, match="is not a positive number of seconds"):
        ProxiedRegistry("http://127.0.0.1", timeout)
