"""Challenges of a proxied registry, Basic and Bearer, and the tokens that it wants."""

from __future__ import annotations

import pytest

from moto_ecr_ptc.ecr.access.credentials import UpstreamCredentials
from moto_ecr_ptc.ecr.exceptions import UpstreamAccessDenied, UpstreamTooManyRequests, UpstreamUnavailable
from moto_ecr_ptc.ecr.upstream.proxy import ProxiedRegistry
from tests.upstream.proxy.scripted_registry import (
    BASIC,
    CREDENTIALS,
    LAYER,
    MANIFEST,
    TAGGED,
    Answer,
    bearer,
    get_tagged,
    guarded,
    manifest,
    token,
)


def test_credentials_without_a_challenge_are_not_sent(serve):
    server = serve({TAGGED: manifest()})
    get_tagged(server, CREDENTIALS)
    assert [asked.authorization for asked in server.asked] == [None]


@pytest.mark.parametrize("challenge", ['Basic realm="x"', "basic", "BASIC realm=x", 'Negotiate, Basic realm="a, b"'])
def test_basic_challenge_with_credentials_is_answered(serve, challenge):
    server = serve({TAGGED: guarded(challenge, BASIC, manifest())})
    assert get_tagged(server, CREDENTIALS) == MANIFEST
    assert [asked.authorization for asked in server.asked] == [None, BASIC]


def test_basic_challenge_with_wrong_credentials_is_access_denied(serve):
    server = serve({TAGGED: guarded("Basic", "another", manifest())})
    with pytest.raises(UpstreamAccessDenied):
        get_tagged(server, CREDENTIALS)
    assert len(server.asked) == 2


def test_basic_challenge_without_credentials_is_access_denied(serve):
    server = serve({TAGGED: guarded("Basic", BASIC, manifest())})
    with pytest.raises(UpstreamAccessDenied):
        get_tagged(server)
    assert len(server.asked) == 1


@pytest.mark.parametrize("challenge", ["Digest realm=x", "", ",,=", '"', "Negotiate abc=="])
def test_challenge_of_no_known_scheme_is_access_denied(serve, challenge):
    server = serve({TAGGED: guarded(challenge, BASIC, manifest())})
    with pytest.raises(UpstreamAccessDenied):
        get_tagged(server, CREDENTIALS)


@pytest.mark.parametrize("member", ["token", "access_token"])
def test_bearer_challenge_with_credentials_gets_a_token_on_another_port(serve, member):
    tokens = serve({"/token": guarded("Basic", BASIC, token(member=member))})
    server = serve({TAGGED: guarded(bearer(tokens), "Bearer t0k3n", manifest())})
    assert get_tagged(server, CREDENTIALS) == MANIFEST
    (asked,) = tokens.asked
    assert asked.query == {"service": ["a service"], "scope": ["repository:app:pull,push"]}
    assert [asked.authorization for asked in server.asked] == [None, "Bearer t0k3n"]


def test_bearer_challenge_without_credentials_gets_a_token_anonymously(serve):
    tokens = serve({"/token": token()})
    server = serve({TAGGED: guarded(bearer(tokens), "Bearer t0k3n", manifest())})
    assert get_tagged(server) == MANIFEST
    assert [asked.authorization for asked in tokens.asked] == [None]


@pytest.mark.parametrize(
    "form",
    [
        'bearer realm="{realm}"',
        "Bearer realm={realm}",
        'BEARER  Realm = "{realm}"',
        'Basic realm="a, b", Bearer realm="{realm}"',
        'Bearer realm="{realm}",service="s",Basic realm="x"',
        'Basic realm="x"\nBearer realm="{realm}"',
        'Bearer realm="/token"',
    ],
)
def test_bearer_challenge_in_any_form_is_understood(serve, form):
    server = serve({"/token": token()})
    challenge = form.format(realm=f"{server.url}/token")
    server.scripts[TAGGED] = guarded(challenge, "Bearer t0k3n", manifest())
    assert get_tagged(server, CREDENTIALS) == MANIFEST


def test_bearer_realm_with_a_query_keeps_it(serve):
    tokens = serve({"/token": token()})
    challenge = f'Bearer realm="{tokens.url}/token?a=b",service=s'
    get_tagged(serve({TAGGED: guarded(challenge, "Bearer t0k3n", manifest())}))
    assert [asked.query for asked in tokens.asked] == [{"a": ["b"], "service": ["s"]}]


def test_bearer_realm_on_a_foreign_host_gets_no_request(serve):
    tokens = serve({"/token": token()})
    challenge = f'Bearer realm="{tokens.foreign_url}/token"'
    server = serve({TAGGED: guarded(challenge, "Bearer t0k3n", manifest())})
    with pytest.raises(UpstreamUnavailable, match="where moto_ecr_ptc does not go"):
        get_tagged(server, CREDENTIALS)
    assert tokens.asked == []


def test_bearer_challenge_without_a_realm_is_unavailable(serve):
    server = serve({TAGGED: guarded('Bearer service="s"', "Bearer t0k3n", manifest())})
    with pytest.raises(UpstreamUnavailable, match="a challenge without a realm"):
        get_tagged(server, CREDENTIALS)


@pytest.mark.parametrize(
    "content", [b"<html>", b"[" * 100_000, b"\xff", b"[]", b"{}", b'{"token": 1}', b'{"token": ""}']
)
def test_token_server_without_a_token_is_unavailable(serve, content):
    tokens = serve({"/token": Answer(200, content)})
    server = serve({TAGGED: guarded(bearer(tokens), "Bearer t0k3n", manifest())})
    with pytest.raises(UpstreamUnavailable, match="an answer without a token"):
        get_tagged(server, CREDENTIALS)


@pytest.mark.parametrize("value", ["a\r\nX-Injected: b", "\u20ac"])
def test_token_that_fits_in_no_header_is_unavailable(serve, value):
    tokens = serve({"/token": token(value)})
    server = serve({TAGGED: guarded(bearer(tokens), "Bearer t0k3n", manifest())})
    with pytest.raises(UpstreamUnavailable):
        get_tagged(server, CREDENTIALS)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, UpstreamAccessDenied),
        (403, UpstreamAccessDenied),
        (404, UpstreamUnavailable),
        (429, UpstreamTooManyRequests),
        (500, UpstreamUnavailable),
    ],
)
def test_token_servers_refusal_is_its_error(serve, status, error):
    tokens = serve({"/token": Answer(status)})
    server = serve({TAGGED: guarded(bearer(tokens), "Bearer t0k3n", manifest())})
    with pytest.raises(error):
        get_tagged(server, CREDENTIALS)


def test_token_that_is_not_accepted_is_access_denied(serve):
    tokens = serve({"/token": token("another")})
    server = serve({TAGGED: guarded(bearer(tokens), "Bearer t0k3n", manifest())})
    with pytest.raises(UpstreamAccessDenied):
        get_tagged(server, CREDENTIALS)
    assert len(tokens.asked) == 1


def test_token_is_used_again_for_the_same_repository(serve):
    tokens = serve({"/token": token()})
    challenge = bearer(tokens)
    server = serve(
        {
            TAGGED: guarded(challenge, "Bearer t0k3n", manifest()),
            f"/v2/app/blobs/{LAYER}": guarded(challenge, "Bearer t0k3n", Answer(200, b"layer")),
        }
    )
    registry = ProxiedRegistry(server.url)
    registry.get_manifest("app", "latest", CREDENTIALS)
    registry.get_blob("app", LAYER, CREDENTIALS)
    assert len(tokens.asked) == 1
    assert [asked.authorization for asked in server.asked] == [None, "Bearer t0k3n", "Bearer t0k3n"]


@pytest.mark.parametrize(("repository", "credentials"), [("app", None), ("other", CREDENTIALS)])
def test_token_is_not_used_for_other_credentials_or_another_repository(serve, repository, credentials):
    tokens = serve({"/token": token()})
    script = guarded(bearer(tokens), "Bearer t0k3n", manifest())
    server = serve({TAGGED: script, f"/v2/{repository}/manifests/latest": script})
    registry = ProxiedRegistry(server.url)
    registry.get_manifest("app", "latest", CREDENTIALS)
    registry.get_manifest(repository, "latest", credentials)
    assert len(tokens.asked) == 2


def test_token_that_has_expired_is_replaced_once(serve):
    tokens = serve({"/token": token("first")})
    server = serve({TAGGED: guarded(bearer(tokens), "Bearer first", manifest())})
    registry = ProxiedRegistry(server.url)
    registry.get_manifest("app", "latest", CREDENTIALS)
    tokens.scripts["/token"] = token("second")
    server.scripts[TAGGED] = guarded(bearer(tokens), "Bearer second", manifest())
    registry.get_manifest("app", "latest", CREDENTIALS)
    assert [asked.authorization for asked in server.asked[2:]] == ["Bearer first", "Bearer second"]


def test_tokens_of_very_many_repositories_are_forgotten_in_time(serve, monkeypatch):
    monkeypatch.setattr("moto_ecr_ptc.ecr.upstream.proxy._MAX_AUTHORIZATIONS", 1)
    tokens = serve({"/token": token()})
    script = guarded(bearer(tokens), "Bearer t0k3n", manifest())
    server = serve({TAGGED: script, "/v2/other/manifests/latest": script})
    registry = ProxiedRegistry(server.url)
    for repository in ("app", "other", "app"):
        registry.get_manifest(repository, "latest", CREDENTIALS)
    assert len(tokens.asked) == 3


def test_authenticate_with_an_open_registry_succeeds(serve):
    server = serve({"/v2/": Answer()})
    ProxiedRegistry(server.url).authenticate(CREDENTIALS)
    assert [asked.path for asked in server.asked] == ["/v2/"]


def test_authenticate_with_right_credentials_succeeds(serve):
    server = serve({"/v2/": guarded("Basic", BASIC, Answer())})
    ProxiedRegistry(server.url).authenticate(CREDENTIALS)
    assert len(server.asked) == 2


def test_authenticate_with_wrong_credentials_is_access_denied(serve):
    server = serve({"/v2/": guarded("Basic", BASIC, Answer())})
    with pytest.raises(UpstreamAccessDenied):
        ProxiedRegistry(server.url).authenticate(UpstreamCredentials("a-user", "wrong"))


def test_authenticate_with_credentials_revoked_since_is_access_denied(serve):
    tokens = serve({"/token": token()})
    server = serve({"/v2/": guarded(bearer(tokens), "Bearer t0k3n", Answer())})
    registry = ProxiedRegistry(server.url)
    registry.authenticate(CREDENTIALS)
    tokens.scripts["/token"] = Answer(401)
    with pytest.raises(UpstreamAccessDenied):
        registry.authenticate(CREDENTIALS)


def test_authenticate_with_no_registry_is_unavailable(serve):
    with pytest.raises(UpstreamUnavailable, match="no registry"):
        ProxiedRegistry(serve({}).url).authenticate(CREDENTIALS)
