"""What a real registry behind an upstream said, or why it could not be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from conftest import failure_codes, pull, refusal
from moto_ecr_ptc import UpstreamRegistry
from tests.pulls.pull_calls import REFERRERS
from tests.pulls.reason_calls import last_record, only_record, route, told
from tests.upstream.proxy.scripted_registry import (
    BASIC,
    LAYER,
    SUBJECT,
    Answer,
    Raw,
    Script,
    Server,
    guarded,
    manifest,
)

REPOSITORY = "quay/app"
TAGGED = "/v2/app/manifests/latest"
BLOB = f"/v2/app/blobs/{LAYER}"
UNAVAILABLE = "UpstreamUnavailable"
Start = Callable[[Mapping[str, Script]], Server]


@pytest.fixture
def proxy(quay: UpstreamRegistry, serve: Start) -> Start:
    """Start a scripted registry, which the upstream of the rule quay then is a proxy of."""

    def start(scripts: Mapping[str, Script]) -> Server:
        server = serve(scripts)
        quay.proxy(server.url)
        return server

    return start


def failure(code: str, detail: str) -> tuple[str, str]:
    return code, f"quay.io did not return it ({code}): {detail}"


def test_reason_of_a_proxys_first_pull_is_that_the_upstream_returned_it(ecr, proxy):
    proxy({TAGGED: manifest()})
    pull(ecr, REPOSITORY)
    assert told(only_record()) == ("ok", "quay.io returned it")
    assert route(only_record()) == ("quay", "quay.io/app", None)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "UpstreamAccessDenied"),
        (429, "UpstreamTooManyRequests"),
        (500, UNAVAILABLE),
        (418, UNAVAILABLE),
    ],
)
def test_reason_of_a_proxy_that_fails_is_its_host_and_status(ecr, proxy, status, code):
    server = proxy({TAGGED: Answer(status)})
    assert failure_codes(pull(ecr, REPOSITORY)) == [code]
    assert told(only_record()) == failure(code, f"{server.url} answered HTTP {status}")


@pytest.mark.parametrize("headers", [{}, {"WWW-Authenticate": 'Digest realm="r", nonce="n"'}])
def test_reason_of_a_proxy_that_cannot_be_logged_in_to_is_that_no_credentials_were_sent(ecr, proxy, headers):
    server = proxy({TAGGED: Answer(401, b"", headers)})
    assert failure_codes(pull(ecr, REPOSITORY)) == ["UpstreamAccessDenied"]
    fault = "answered HTTP 401 and asked for neither Basic nor Bearer authentication, so that no credentials were sent"
    assert told(only_record()) == failure("UpstreamAccessDenied", f"{server.url} {fault}")


@pytest.mark.parametrize("status", [403, 404])
def test_reason_of_an_official_image_without_library_in_docker_hubs_place_tells_of_it(ecr, hub, proxy, status):
    server = proxy({"/v2/alpine/manifests/latest": Answer(status)})
    hub.proxy(server.url)
    with suppress(ClientError):
        pull(ecr, "docker-hub/alpine")
    told_by_server = f"{server.url} answered HTTP {status}"
    advice = "Docker Hub's official images are in repositories like 'library/alpine'"
    assert only_record().reason.endswith(f": {told_by_server}; {advice}")


def test_reason_of_an_image_that_a_proxy_lacks_is_its_status(ecr, proxy):
    server = proxy({})
    refusal(pull, ecr=ecr, repository=REPOSITORY)
    reason = f"quay.io does not have it: {server.url} answered HTTP 404"
    assert told(only_record()) == ("RepositoryNotFoundException", reason)


def test_reason_of_a_proxy_that_refuses_connections_is_the_systems(ecr, quay):
    with Server({}) as server:
        url = server.url  # which nobody listens at any more
    quay.proxy(url)
    pull(ecr, REPOSITORY)
    assert told(only_record()) == failure(UNAVAILABLE, f"{url}: connection refused")


def test_reason_of_a_proxy_that_is_silent_is_for_how_long(ecr, quay, proxy):
    server = proxy({TAGGED: Raw(b"")})
    quay.proxy(server.url, timeout=0.2)
    pull(ecr, REPOSITORY)
    assert told(only_record()) == failure(UNAVAILABLE, f"{server.url}: no answer within 0.2 seconds")


def test_reason_of_a_proxy_whose_answer_does_not_end_is_for_how_long(ecr, quay, proxy):
    server = proxy({TAGGED: Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")})
    quay.proxy(server.url, timeout=2)
    pull(ecr, REPOSITORY)
    assert told(only_record()) == failure(UNAVAILABLE, f"{server.url}: no end of the answer within 2 seconds")


def test_reason_of_a_proxy_that_hangs_up_is_that(ecr, proxy):
    server = proxy({TAGGED: HangUp()})
    pull(ecr, REPOSITORY)
    reason = f"{server.url}: remote end closed connection without response"
    assert told(only_record()) == failure(UNAVAILABLE, reason)


class HangUp(Raw):
    """No answer at all."""

    def __init__(self) -> None:
        super().__init__(b"")

    def write(self, handler: Any) -> None:
        handler.close_connection = True


def test_reason_of_a_proxy_that_does_not_speak_http_is_that_it_cannot_be_read(ecr, proxy):
    server = proxy({TAGGED: Raw(b"220 mail ready\r\n")})
    pull(ecr, REPOSITORY)
    reason = f"{server.url}: a request that cannot be sent, or an answer that cannot be read (BadStatusLine)"
    assert told(only_record()) == failure(UNAVAILABLE, reason)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (manifest(b"<html>"), "a manifest that is not JSON"),
        (manifest(b"[]"), "a manifest that is not a JSON object"),
        (manifest(b"{}"), "an image manifest without layers"),
        (manifest(b"{}", "text/html"), "a manifest of a media type that Amazon ECR does not store"),
        (manifest(b'{"layers": [1]}'), "a manifest with a malformed descriptor"),
        (
            manifest(**{"Docker-Content-Digest": "sha256:" + "0" * 64}),
            "content that does not have the digest in its Docker-Content-Digest header",
        ),
        (Answer(200, b"x" * (4 * 1024 * 1024 + 1)), "an answer of more than 4194304 bytes"),
    ],
    ids=["no JSON", "no object", "no layers", "another type", "descriptor", "another digest", "too large"],
)
def test_reason_of_a_proxys_invalid_manifest_is_its_fault(ecr, proxy, answer, fault):
    server = proxy({TAGGED: answer})
    assert failure_codes(pull(ecr, REPOSITORY)) == [UNAVAILABLE]
    assert told(only_record()) == failure(UNAVAILABLE, f"{server.url}: {fault}")


@pytest.mark.parametrize(
    ("location", "fault"),
    [
        ("http://registry.invalid/x", "pointed to another host than the one that was given to 'proxy', where"),
        ("ftp://127.0.0.1/x", "pointed to a URL that is not http or https, where"),
        ("http://user:password@127.0.0.1/x", "pointed to a URL with credentials, where"),
    ],
)
def test_reason_of_a_proxys_redirect_that_is_not_followed_is_where_it_points(ecr, proxy, location, fault):
    server = proxy({TAGGED: Answer(302, b"", {"Location": location})})
    pull(ecr, REPOSITORY)
    assert told(only_record()) == failure(UNAVAILABLE, f"{server.url}: {fault} moto_ecr_ptc does not go")


def test_reason_of_a_proxys_redirect_to_a_malformed_url_is_that(ecr, proxy):
    server = proxy({TAGGED: Answer(302, b"", {"Location": "http://["})})
    pull(ecr, REPOSITORY)
    assert told(only_record()) == failure(UNAVAILABLE, f"{server.url}: pointed to a malformed URL")


def test_reason_of_a_proxys_redirect_without_a_location_is_that(ecr, proxy):
    server = proxy({TAGGED: Answer(302)})
    pull(ecr, REPOSITORY)
    assert told(only_record()) == failure(UNAVAILABLE, f"{server.url} answered HTTP 302 without a Location")


def test_reason_of_a_proxys_endless_redirects_is_that(ecr, proxy):
    server = proxy({TAGGED: Answer(302, b"", {"Location": TAGGED})})
    pull(ecr, REPOSITORY)
    assert told(only_record()) == failure(UNAVAILABLE, f"{server.url}: too many redirects")


@pytest.mark.parametrize(
    ("script", "code", "fault"),
    [
        (Answer(401), "UpstreamAccessDenied", " answered HTTP 401"),
        (Answer(404), UNAVAILABLE, ": no token server"),
        (Answer(200, b"{}"), UNAVAILABLE, ": an answer without a token"),
    ],
)
def test_reason_of_a_token_server_that_fails_is_its_answer(ecr, proxy, script, code, fault):
    server = proxy({"/token": script})
    server.scripts[TAGGED] = guarded(f'Bearer realm="{server.url}/token"', "Bearer t0k3n", manifest())
    pull(ecr, REPOSITORY)
    assert told(only_record()) == failure(code, f"{server.url}{fault}")


def test_reason_of_a_challenge_without_a_realm_is_that(ecr, proxy):
    server = proxy({TAGGED: guarded('Bearer service="s"', "Bearer t0k3n", manifest())})
    pull(ecr, REPOSITORY)
    assert told(only_record()) == failure(UNAVAILABLE, f"{server.url}: a challenge without a realm")


def test_reason_of_credentials_that_a_proxy_refuses_names_the_secret(aws, ecr, hub, proxy):
    server = proxy({"/v2/library/alpine/manifests/latest": guarded("Basic", BASIC.lower(), manifest())})
    hub.proxy(server.url)
    assert failure_codes(pull(ecr, "docker-hub/library/alpine")) == ["UpstreamAccessDenied"]
    arn = aws.client("secretsmanager").describe_secret(SecretId="ecr-pullthroughcache/hub")["ARN"]
    assert len(server.asked) == 2
    assert told(only_record()) == (
        "UpstreamAccessDenied",
        (
            f"registry-1.docker.io, asked with the secret '{arn}', did not return it (UpstreamAccessDenied): "
            f"{server.url} answered HTTP 401"
        ),
    )


# --- layers and referrers --------------------------------------------------------------------------------------------


def refused_layer(ecr: Any, layer: str = LAYER) -> str:
    return refusal(ecr.get_download_url_for_layer, repositoryName=REPOSITORY, layerDigest=layer).code


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(503), " answered HTTP 503"),
        (Answer(200, b"lay3r"), ": content that does not have the digest that was asked for"),
        (Answer(200, b"layer and more"), ": an answer of more than 5 bytes"),
    ],
    ids=["status", "other bytes", "too many"],
)
def test_reason_of_a_layer_that_a_proxy_fails_to_give_is_its_answer(ecr, proxy, answer, fault):
    server = proxy({TAGGED: manifest(), BLOB: answer})
    pull(ecr, REPOSITORY)
    assert refused_layer(ecr) == "UnableToGetUpstreamLayerException"
    record = last_record()
    reason = f"quay.io did not return it (UpstreamUnavailable): {server.url}{fault}"
    assert told(record) == ("UnableToGetUpstreamLayerException", reason)
    assert record.operation == "GetDownloadUrlForLayer"


def test_reason_of_a_layer_that_a_proxy_pauses_in_is_for_how_long(ecr, quay, proxy):
    server = proxy({TAGGED: manifest(), BLOB: Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nla")})
    quay.proxy(server.url, timeout=0.5)
    pull(ecr, REPOSITORY)
    assert refused_layer(ecr) == "UnableToGetUpstreamLayerException"
    why = last_record().reason.partition(f"quay.io did not return it (UpstreamUnavailable): {server.url}: ")[2]
    assert why in ("a pause of more than 0.5 seconds", "no end of the answer within 0.5 seconds"), why


def test_reason_of_a_layer_that_a_proxy_lacks_is_its_status(ecr, proxy):
    server = proxy({TAGGED: manifest()})
    pull(ecr, REPOSITORY)
    assert refused_layer(ecr) == "LayersNotFoundException"
    reason = f"quay.io does not have it: {server.url} answered HTTP 404"
    assert told(last_record()) == ("LayersNotFoundException", reason)


@REFERRERS
@pytest.mark.parametrize(
    ("answer", "fault"),
    [(Answer(500), " answered HTTP 500"), (Answer(200, b"[]"), ": a manifest that is not a JSON object")],
)
def test_reason_of_referrers_that_a_proxy_fails_to_list_is_its_answer(ecr, proxy, answer, fault):
    server = proxy({TAGGED: manifest(), f"/v2/app/referrers/{SUBJECT}": answer})
    pull(ecr, REPOSITORY)
    subject = {"repositoryName": REPOSITORY, "subjectId": {"imageDigest": SUBJECT}}
    code = "UnableToListUpstreamImageReferrersException"
    assert refusal(ecr.list_image_referrers, **subject).code == code
    reason = f"quay.io did not return it (UpstreamUnavailable): {server.url}{fault}"
    assert told(last_record()) == (code, reason)


def test_reason_of_a_token_that_fits_in_no_header_does_not_tell_it(ecr, proxy):
    server = proxy({"/token": Answer(200, b'{"token": "a\\r\\nX-Injected: b"}')})
    server.scripts[TAGGED] = guarded(f'Bearer realm="{server.url}/token"', "Bearer t0k3n", manifest())
    pull(ecr, REPOSITORY)
    reason = f"{server.url}: a request that cannot be sent, or an answer that cannot be read (InvalidHeader)"
    assert told(only_record()) == failure(UNAVAILABLE, reason)


def test_reason_of_a_redirect_that_fails_is_its_host_and_status_alone(ecr, proxy):
    redirect = Answer(302, b"", {"Location": "/elsewhere?signature=x"})
    server = proxy({TAGGED: redirect, "/elsewhere": Answer(500)})
    pull(ecr, REPOSITORY)
    assert told(only_record()) == failure(UNAVAILABLE, f"{server.url} answered HTTP 500")
