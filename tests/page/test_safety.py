"""The page shows what others wrote as text, asks nobody but its server, and tells no credentials."""

from __future__ import annotations

import json

import pytest
import requests

from conftest import pull
from moto_ecr_ptc import upstream_registry
from moto_ecr_ptc.ecr.pulls.pull_log import Route
from tests.page.viewing import record

HOSTILE = [
    "<img src=x onerror=window.__pwned=1>",
    "</script><script>window.__pwned=1</script>",
    "\"'><svg onload=window.__pwned=1>",
    "javascript:alert(1)",
    "<!--",
    "&lt;b&gt;",
    "${window.__pwned=1}{{7*7}}",
    "__proto__",
]

INVISIBLE = {
    "right to left \u202egnp.exe": "right to left \\u202egnp.exe",
    "escape \x1b[31m, bell \x07": "escape \\u001b[31m, bell \\u0007",
    "zero\u200bwidth\ufeff": "zero\\u200bwidth\\ufeff",
    "two\r\nlines\u2028three": "two\\u000d\\u000alines\\u2028three",
    "surrogate \ud800": "surrogate \\ud800",
    "tag \U000e0041": "tag \\u{e0041}",
}

# What the page's own elements are: nothing else may appear, whatever is shown.
COUNT_OF_OTHERS = "document.querySelectorAll('img, svg, iframe, object, embed, form, math, body script, style').length"


def assert_harmless(view):
    assert view.evaluate("[window.__pwned, Object.prototype.__pwned]") == [None, None]
    assert view.evaluate(COUNT_OF_OTHERS) == 0
    assert view.evaluate("document.querySelectorAll('main a, [onerror], [onload]').length") == 0


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_of_a_record_is_shown_as_it_is(view, text):
    route = Route(f"rule {text}", f"upstream {text}", f"template {text}")
    record(
        f"repository {text}",
        f"tag {text}",
        f"outcome {text}",
        f"reason {text}",
        operation=f"operation {text}",
        caller=f"caller {text}",
        route=route,
        answered_by=f"by {text}",
    )
    view.open()
    shown = view.evaluate("document.querySelector('.pulls tbody tr').textContent")
    for part in ("repository", "tag", "outcome", "reason", "operation", "caller", "rule", "upstream", "template"):
        assert f"{part} {text}" in shown
    # The filter lists the outcome, too.
    assert f"outcome {text}" in view.texts("#outcome option")
    assert_harmless(view)


@pytest.mark.parametrize(("text", "escaped"), INVISIBLE.items())
def test_character_that_cannot_be_seen_is_shown_as_an_escape(view, text, escaped):
    record(text, "1")
    view.open()
    assert view.pulls() == [f"{escaped}:1"]


def test_name_that_is_written_from_right_to_left_leaves_the_text_around_it_alone(view):
    record("quay/\u05d0\u05d1\u05d2", "1.0")
    view.open()
    isolated = "getComputedStyle(document.querySelector('.pulls .image bdi')).unicodeBidi"
    assert view.evaluate(isolated) == "isolate"


def test_hostile_description_of_a_template_is_shown_as_it_is(view, server):
    server.client("ecr").create_repository_creation_template(
        prefix="quay", appliedFor=["REPLICATION"], description=HOSTILE[0]
    )
    view.open()
    assert HOSTILE[0] in view.text("#templates-list")
    assert_harmless(view)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_anywhere_in_the_state_is_shown_as_it_is(view, server, text):
    """What the server's checks let through or not: here each text that it answers with is a hostile one."""
    ecr = server.client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    ecr.create_repository_creation_template(prefix="quay", appliedFor=["REPLICATION"], description="what for")
    upstream_registry("quay").push("team/app", tag="1.0")
    upstream_registry("quay").fail("other/app", error="timeout")
    pull(ecr, "quay/team/app", "1.0")

    state = f"{server.endpoint_url}/moto-api/static/ecr/overview"
    hostile = altered(requests.get(state, timeout=60).json(), text)
    view.page.route(f"{state}*", lambda route: route.fulfill(json=hostile))
    view.open()
    for part in ("rules", "templates", "repositories", "upstreams"):
        assert f"1 {text}" in view.evaluate(f"document.querySelector('#{part}-list').textContent")
    assert_harmless(view)
    view.page.unroute(f"{state}*")


def altered(value, text):
    """Return an answer in which a hostile text stands behind each text that the page does not tell apart."""
    if isinstance(value, dict):
        kept = ("account_id", "region", "registries", "state", "holds", "fresh_until", "asked_at")
        return {
            (f"1 {text}" if name == "1.0" else name): found if name in kept else altered(found, text)
            for name, found in value.items()
        }
    if isinstance(value, list):
        return [altered(found, text) for found in value]
    return f"1 {text}" if isinstance(value, str) else value


def test_hostile_choices_in_a_link_are_shown_as_they_are(view):
    view.open(repository=HOSTILE[0], outcome=HOSTILE[1])
    assert view.page.input_value("#repository") == HOSTILE[0]
    assert view.page.input_value("#outcome") == HOSTILE[1]
    assert_harmless(view)


def test_policy_keeps_markup_from_running_even_if_it_became_an_element(view):
    view.open()
    view.evaluate("document.querySelector('main').innerHTML = '<img src=x onerror=window.__pwned=1>'")
    view.page.wait_for_timeout(300)
    assert view.evaluate("window.__pwned") is None
    blocked = [fault for fault in view.faults if "Content Security Policy" in fault]
    assert blocked
    view.faults.clear()
    view.evaluate("window.__violations = []")


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("", "text/html; charset=utf-8"),
        ("page.css", "text/css; charset=utf-8"),
        ("elements.js", "text/javascript; charset=utf-8"),
        ("page.js", "text/javascript; charset=utf-8"),
    ],
)
def test_files_have_their_types_and_a_strict_policy(server, path, content_type):
    answer = requests.get(f"{server.endpoint_url}/moto-api/ecr/{path}", timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, content_type)
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert policy == [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    assert (answer.headers["X-Content-Type-Options"], answer.headers["Cache-Control"]) == ("nosniff", "no-store")


def test_credentials_are_nowhere_on_the_page_and_in_no_answer_to_it(view, server):
    secret = json.dumps({"username": "sesame-user", "accessToken": "sesame-token"})
    arn = server.secret(value=secret)
    ecr = server.client("ecr")
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=arn
    )
    upstream_registry("docker-hub").credentials = {"username": "sesame-user", "accessToken": "sesame-token"}
    bodies = []
    view.page.on("response", lambda response: bodies.append(response))
    pull(ecr, "hub/library/alpine")
    view.open()
    upstream_registry("docker-hub").credentials = {"username": "sesame-user", "accessToken": "sesame-other"}
    pull(ecr, "hub/library/alpine", "edge")
    record()
    view.wait_for("document.querySelector('#announcement').textContent !== ''")
    texts = [response.text() for response in bodies]
    assert len(texts) >= 5
    assert "demands credentials" in view.text("#upstreams")
    assert not any("sesame" in text for text in [*texts, view.page.content(), *view.requests])
