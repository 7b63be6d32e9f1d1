"""What the page shows, how it stays current, and what can be chosen on it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import requests
from moto.server import ThreadedMotoServer

from conftest import ACCOUNT, OTHER_ACCOUNT, REGION, pull
from moto_ecr_ptc import upstream_registry
from moto_ecr_ptc.ecr.pulls.pull_log import Route, get_pull_log
from moto_ecr_ptc.ecr.registry_id import now
from tests.page.viewing import record

QUAY_RULE = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_page_of_a_server_without_state_says_so(view):
    view.open()
    assert "Nothing was pulled from this registry yet" in view.text("#pulls")
    assert "Nothing is cached yet" in view.text("#repositories")
    assert "no rule" in view.text("#rules")
    assert "no template" in view.text("#templates")
    assert "No upstream" in view.text("#upstreams")
    assert view.texts("nav b") == ["0"] * 5


def test_page_shows_a_failed_pull_with_its_reason_in_words(view):
    record("quay/team/app", "1.0", "UpstreamTooManyRequests", "the upstream answered HTTP 429", route=Route("quay"))
    view.open()
    row = view.text(".pulls tbody tr.failed")
    assert "✕ Failed" in row
    assert "quay/team/app:1.0" in row
    assert "UpstreamTooManyRequests" in row
    assert "the upstream answered HTTP 429" in row
    assert view.text("#pulls-count") == "1 pull, 1 failed. The newest are first."


def test_page_shows_how_a_pull_succeeded(view):
    until = now() + timedelta(hours=24)
    record(route=Route("quay", "quay.io/team/app", "ROOT"), answered_by="upstream", fresh_until=until)
    view.open()
    row = " ".join(view.text(".pulls tbody tr").split())
    assert "✓ Succeeded from the upstream" in row
    assert "rule quay" in row
    assert "upstream quay.io/team/app" in row
    assert "template ROOT" in row
    assert f"fresh until {until:%Y-%m-%d %H:%M:%S}" in row
    assert f"BatchGetImage by arn:aws:iam::{ACCOUNT}:root" in row


def test_page_shows_the_newest_pull_first(view):
    for tag in "123":
        record(reference=tag)
    assert view.open().pulls() == ["quay/team/app:3", "quay/team/app:2", "quay/team/app:1"]


def test_page_shows_rules_templates_caches_and_upstreams(view, server):
    ecr = server.client("ecr")
    ecr.create_pull_through_cache_rule(**QUAY_RULE)
    ecr.create_repository_creation_template(prefix="quay", appliedFor=["PULL_THROUGH_CACHE"], description="from Quay")
    upstream_registry("quay").push("team/app", tag="1.0")
    upstream_registry("quay").push("team/app", tag="2.0")
    pull(ecr, "quay/team/app", "1.0")
    requests.post(f"{server.endpoint_url}/moto-api/static/ecr/upstream-expire", timeout=60).raise_for_status()
    pull(ecr, "quay/team/app", "2.0")
    upstream_registry("quay").fail("team/app", status=503)
    view.open()
    assert re.search(r"quay\s+quay\.io", view.text("#rules-list"))
    assert "from Quay" in view.text("#templates-list")
    stale, fresh = view.texts(".repositories .tag")
    assert re.search(r"^1\.0\s+sha256:[0-9a-f]{12}…\s+stale", stale)
    assert re.search(r"^2\.0\s+sha256:[0-9a-f]{12}…\s+fresh\s+until 20", fresh)
    upstream = view.text("#upstreams-list")
    assert "team/app: 1.0, 2.0" in upstream
    assert re.search(r"✕ HTTP 503\s+team/app", upstream)


def test_tag_that_was_pushed_is_shown_as_pushed(view, server):
    ecr = server.client("ecr")
    ecr.create_pull_through_cache_rule(**QUAY_RULE)
    manifest = pull(ecr, "quay/team/app", "1")["images"][0]["imageManifest"]
    ecr.put_image(repositoryName="quay/team/app", imageManifest=manifest, imageTag="own")
    (shown,) = (row for row in view.open().texts(".repositories .tag") if row.startswith("own"))
    assert "pushed" in shown


# --- live -------------------------------------------------------------------------------------------------------------


def test_new_pull_appears_and_is_announced(view):
    record(reference="old")
    view.open()
    record(reference="new", outcome="ImageNotFound")
    view.wait_for_pulls(2)
    assert view.pulls() == ["quay/team/app:new", "quay/team/app:old"]
    assert view.text("#announcement") == "1 new pull, 1 failed"
    assert view.text("#pulls-total") == "2"


def test_new_rule_appears(view, server):
    view.open()
    server.client("ecr").create_pull_through_cache_rule(**QUAY_RULE)
    view.page.wait_for_selector(".rules tbody tr")
    assert view.text("#rules-total") == "1"


def test_reset_clears_the_page(view, server):
    server.client("ecr").create_pull_through_cache_rule(**QUAY_RULE)
    record()
    view.open()
    requests.post(f"{server.endpoint_url}/moto-api/reset", timeout=60).raise_for_status()
    view.wait_for("document.querySelector('#pulls-total').textContent === '0'")
    view.wait_for("document.querySelector('#rules-total').textContent === '0'")
    assert "Nothing was pulled" in view.text("#pulls")
    assert view.text("#announcement") == "moto was reset."


def test_record_after_a_reset_stands_alone_even_if_the_log_was_as_long(view, server):
    record(reference="old")
    view.open()
    requests.post(f"{server.endpoint_url}/moto-api/reset", timeout=60).raise_for_status()
    record(reference="new")
    view.wait_for("document.querySelector('.pulls tbody .name').textContent.endsWith(':new')")
    assert view.pulls() == ["quay/team/app:new"]


def test_update_moves_neither_focus_nor_scroll_position(new_view, server):
    for number in range(60):
        record(reference=str(number))
    view = new_view(server.endpoint_url, viewport={"width": 1000, "height": 600}).open()
    view.page.focus("#repository")
    view.evaluate("document.documentElement.style.scrollBehavior = 'auto'; scrollTo(0, 1500)")
    middle = "document.elementFromPoint(500, 300).closest('tr').querySelector('.image .name').textContent"
    seen = view.evaluate(middle)
    record(reference="new")
    view.wait_for_pulls(61)
    assert view.evaluate(middle) == seen
    assert view.evaluate("document.activeElement.id") == "repository"


def test_part_that_did_not_change_is_not_drawn_again(view, server):
    server.client("ecr").create_pull_through_cache_rule(**QUAY_RULE)
    view.open()
    view.evaluate("document.querySelector('.rules').id = 'the-same'")
    record()
    view.wait_for_pulls(1)
    assert view.page.query_selector(".rules#the-same")


def test_server_that_stops_is_reported_and_found_again(new_view, server):
    own = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    own.start()
    host, port = own.get_host_and_port()
    view = new_view(f"http://{host}:{port}")
    record(reference="before")
    view.open()
    own.stop()
    view.wait("gone")
    assert "does not answer" in view.text("#connection")
    assert view.pulls() == ["quay/team/app:before"]
    record(reference="meanwhile")
    again = ThreadedMotoServer(host, port=port, verbose=False)
    again.start()
    try:
        view.wait("live")
        assert view.pulls() == ["quay/team/app:meanwhile", "quay/team/app:before"]
        # What the browser itself says about the requests that nobody answered.
        assert all("ERR_CONNECTION_REFUSED" in fault or "ERR_EMPTY_RESPONSE" in fault for fault in view.faults)
        view.faults.clear()
    finally:
        view.close()
        again.stop()


def test_another_server_on_the_same_port_is_not_taken_for_the_old_one(new_view, server):
    own = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    own.start()
    host, port = own.get_host_and_port()
    view = new_view(f"http://{host}:{port}")
    record(reference="old")
    number = get_pull_log().number
    view.open()
    own.stop()
    view.wait("gone")
    requests.post(f"{server.endpoint_url}/moto-api/reset", timeout=60).raise_for_status()
    get_pull_log().number = number  # as in another process, where it is the first log, too
    record(reference="new")
    record(reference="newer")
    again = ThreadedMotoServer(host, port=port, verbose=False)
    again.start()
    try:
        view.wait("live")
        assert view.pulls() == ["quay/team/app:newer", "quay/team/app:new"]
        view.faults.clear()  # what the browser itself says about the requests that nobody answered
    finally:
        view.close()
        again.stop()


def test_hidden_page_asks_nothing_and_catches_up_when_it_is_seen(view):
    view.open()
    view.evaluate("window.__hidden = true; document.dispatchEvent(new Event('visibilitychange'))")
    view.page.wait_for_timeout(1000)
    asked = len(view.requests)
    record()
    view.page.wait_for_timeout(2500)
    assert len(view.requests) == asked
    view.evaluate("window.__hidden = false; document.dispatchEvent(new Event('visibilitychange'))")
    view.wait_for_pulls(1)


def test_pause_stops_updates_until_it_is_ended(view):
    view.open()
    view.page.click("#pause")
    view.wait("paused")
    record()
    view.page.wait_for_timeout(2500)
    assert view.pulls() == []
    view.page.click("#pause")
    view.wait_for_pulls(1)
    view.wait("live")


# --- what can be chosen -----------------------------------------------------------------------------------------------


def test_account_and_region_are_chosen_and_kept_in_the_address(view, server):
    server.client("ecr", "eu-west-1").create_pull_through_cache_rule(**QUAY_RULE)
    server.client("ecr", account=OTHER_ACCOUNT).create_pull_through_cache_rule(
        ecrRepositoryPrefix="other", upstreamRegistryUrl="quay.io"
    )
    record(reference="west", region="eu-west-1")
    record(reference="other", account=OTHER_ACCOUNT)
    view.open()
    assert view.texts("#account option") == [ACCOUNT, OTHER_ACCOUNT]
    view.page.select_option("#region", "eu-west-1")
    view.page.wait_for_selector(".rules tbody tr")
    view.wait_for_pulls(1)
    assert view.pulls() == ["quay/team/app:west"]
    assert view.page.url.endswith(f"?account_id={ACCOUNT}&region=eu-west-1")
    view.page.select_option("#account", OTHER_ACCOUNT)
    view.wait_for("document.querySelector('.rules .name')?.textContent === 'other'")
    view.wait_for("document.querySelector('.pulls .name')?.textContent === 'quay/team/app:other'")
    assert view.texts("#region option") == [REGION]


def test_link_names_everything_that_is_chosen(view, server):
    record("quay/team/app", "1", region="eu-west-1")
    record("quay/team/app", "2", "ImageNotFound", region="eu-west-1")
    record("quay/other", "3", "ImageNotFound", region="eu-west-1")
    view.open(account_id=ACCOUNT, region="eu-west-1", repository="team", outcome="ImageNotFound")
    assert view.pulls() == ["quay/team/app:2"]
    chosen = [view.page.input_value(f"#{name}") for name in ("account", "region", "repository", "outcome")]
    assert chosen == [ACCOUNT, "eu-west-1", "team", "ImageNotFound"]


def test_filters_select_pulls_and_cached_repositories(view, server):
    ecr = server.client("ecr")
    ecr.create_pull_through_cache_rule(**QUAY_RULE)
    pull(ecr, "quay/team/app")
    pull(ecr, "quay/other/app")
    record("quay/team/app", "failed", "ImageNotFound")
    record("quay/other/app", "failed", "UpstreamUnavailable")
    view.open()
    view.page.fill("#repository", "team")
    view.wait_for("document.querySelector('#repositories-total').textContent === '1'")
    view.wait_for("[...document.querySelectorAll('.pulls .image .name')].every((n) => n.textContent.includes('team'))")
    view.page.fill("#repository", "")
    view.page.select_option("#outcome", "UpstreamUnavailable")
    view.wait_for("document.querySelector('.pulls .outcome .small')?.textContent === 'UpstreamUnavailable'")
    assert view.pulls() == ["quay/other/app:failed"]
    view.page.select_option("#outcome", "failed")
    view.wait_for_pulls(2)
    view.page.fill("#repository", "nothing")
    view.page.wait_for_selector("#pulls .empty")
    assert view.text("#pulls .empty") == "No pull is as chosen above."


def test_new_pull_that_the_filter_leaves_out_does_not_appear(view):
    view.open(outcome="failed")
    record(reference="good")
    record(reference="bad", outcome="ImageNotFound")
    view.wait_for_pulls(1)
    assert view.pulls() == ["quay/team/app:bad"]


def test_account_that_is_none_is_refused_and_another_can_be_chosen(view):
    view.page.goto(f"{view.url}?account_id=<b>")
    view.wait("gone")
    assert view.text("#connection") == "'<b>' is not the id of an account"
    assert all("400" in fault for fault in view.faults)
    view.faults.clear()


@pytest.mark.parametrize("count", [200, 201, 450])
def test_latest_200_pulls_are_drawn_and_more_on_demand(view, count):
    for number in range(count):
        record(reference=str(number))
    view.open()
    assert len(view.pulls()) == 200
    assert view.text("#pulls-total") == str(count)
    assert view.page.is_visible("#more") == (count > 200)
    drawn = 200
    while drawn < count:
        view.page.click("#more")
        drawn = min(2 * drawn, count)
        view.wait_for_pulls(drawn)
    assert not view.page.is_visible("#more")
    assert view.pulls()[-1] == "quay/team/app:0"


def test_new_pull_takes_the_place_of_the_oldest_that_is_drawn(view):
    for number in range(200):
        record(reference=str(number))
    view.open()
    record(reference="new")
    view.wait_for("document.querySelector('.pulls tbody .name').textContent.endsWith(':new')")
    assert (len(view.pulls()), view.pulls()[-1]) == (200, "quay/team/app:1")
    assert view.text("#more") == "Show 1 more"
