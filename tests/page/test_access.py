"""The page by keyboard, on narrow and wide windows, in light and dark, and with a screen reader's eyes."""

from __future__ import annotations

import pytest
import requests

from conftest import pull
from moto_ecr_ptc import upstream_registry
from moto_ecr_ptc.ecr.pulls.pull_log import Route
from moto_ecr_ptc.ecr.registry_id import now
from tests.page.viewing import record

# Ratios of contrast as WCAG 2 defines them. Returns what is below the ratio that its kind needs.
LOW_CONTRAST = """() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b]
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const ratio = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const found = [];
  let checked = 0;
  const check = (what, one, other, least) => {
    checked += 1;
    if (ratio(one, other) < least) found.push(`${what}: ${ratio(one, other).toFixed(2)}`);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !element.getClientRects().length) continue;
    check(texts.currentNode.textContent.trim(), parse(getComputedStyle(element).color), ground(element), 4.5);
  }
  for (const control of document.querySelectorAll("select, input, button")) {
    const style = getComputedStyle(control);
    check(`border of ${control.id}`, parse(style.borderTopColor), ground(control.parentElement), 3);
    if (!control.placeholder) continue;
    check("placeholder", parse(getComputedStyle(control, "::placeholder").color), ground(control), 4.5);
  }
  return [found, checked];
}"""


@pytest.fixture
def full(server):
    """The URL of a server with something of every kind."""
    ecr = server.client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=server.secret()
    )
    ecr.create_repository_creation_template(
        prefix="quay", appliedFor=["PULL_THROUGH_CACHE", "REPLICATION"], description="a description " * 10
    )
    upstream_registry("quay").push("team/a-repository-with-a-long-name/and-another-part", tag="x" * 128)
    upstream_registry("quay").push("team/app", tag="1")
    upstream_registry("docker-hub").fail(status=429)
    upstream_registry("k8s").proxy(f"http://{'a' * 60}.example.com:5000")
    manifest = pull(ecr, "quay/team/app", "1")["images"][0]["imageManifest"]
    ecr.put_image(repositoryName="quay/team/app", imageManifest=manifest, imageTag="pushed")
    pull(ecr, "quay/team/a-repository-with-a-long-name/and-another-part", "x" * 128)
    requests.post(
        f"{server.endpoint_url}/moto-api/static/ecr/upstream-expire", json={"repository": "quay/team/app"}, timeout=60
    ).raise_for_status()
    route = Route("quay", "quay.io/team/a-repository-with-a-long-name/and-another-part", "quay")
    record("quay/" + "x" * 250, "y" * 128, reason="z" * 500, route=route, answered_by="upstream", fresh_until=now())
    record("quay/team/app", f"sha256:{'0' * 64}", "UnableToDecryptSecretValueException", "a reason", route=route)
    for number in range(210):
        record(reference=str(number))
    record("quay/team/app", "2", "UpstreamTooManyRequests", "the upstream answered HTTP 429", route=route)
    return server.endpoint_url


@pytest.mark.parametrize("width", [320, 400, 768, 1152, 1600, 2560])
def test_page_is_never_wider_than_the_window(new_view, full, width):
    view = new_view(full, viewport={"width": width, "height": 900}).open()
    assert view.evaluate("document.documentElement.scrollWidth") == width
    # Nor does anything stick out of its section.
    sticking_out = """() => [...document.querySelectorAll('section *')].filter((element) => {
      const inner = element.getBoundingClientRect(), outer = element.closest('section').getBoundingClientRect();
      return inner.width > 1 && (inner.right > outer.right + 1 || inner.left < outer.left - 1);
    }).map((element) => element.outerHTML.slice(0, 80))"""
    assert view.evaluate(sticking_out) == []


def test_wide_window_shows_the_state_beside_the_pulls(new_view, full):
    beside = """() => document.querySelector('.state').getBoundingClientRect().left
      >= document.querySelector('#pulls').getBoundingClientRect().right"""
    assert new_view(full, viewport={"width": 1600, "height": 900}).open().evaluate(beside) is True
    assert new_view(full, viewport={"width": 400, "height": 900}).open().evaluate(beside) is False


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1600])
def test_every_text_has_enough_contrast(new_view, full, scheme, width):
    view = new_view(full, color_scheme=scheme, viewport={"width": width, "height": 900}).open()
    found, checked = view.evaluate(LOW_CONTRAST)
    assert found == []
    assert checked > 300
    view.page.click("#pause")
    view.wait("paused")
    assert view.evaluate(LOW_CONTRAST)[0] == []


def test_dark_and_light_are_the_systems_choice(new_view, full):
    grounds = [
        new_view(full, color_scheme=scheme).open().evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]
    assert grounds == ["rgb(244, 246, 249)", "rgb(16, 20, 27)"]


def test_tab_reaches_every_control_in_the_order_of_the_page_with_a_visible_focus(new_view, full):
    view = new_view(full).open()
    reached = []
    for _ in range(16):
        view.page.keyboard.press("Tab")
        name, outline = view.evaluate(
            """() => [document.activeElement.id || document.activeElement.getAttribute('href'),
                      getComputedStyle(document.activeElement).outlineStyle]"""
        )
        assert outline == "solid", name
        reached.append(name)
        if name == "pulls-link":
            break
    assert reached == [
        "#pulls",
        "pause",
        "account",
        "region",
        "repository",
        "outcome",
        "#pulls",
        "#repositories",
        "#rules",
        "#templates",
        "#upstreams",
        "more",
        "overview-link",
        "pulls-link",
    ]


def test_skip_link_is_seen_when_it_has_the_focus_and_leads_to_the_pulls(new_view, full):
    view = new_view(full).open()
    view.page.keyboard.press("Tab")
    assert view.evaluate("document.activeElement.getBoundingClientRect().top >= 0")
    view.page.keyboard.press("Enter")
    view.wait_for("document.activeElement.id === 'pulls'")


def test_keys_choose_filters_pause_and_show_more(new_view, full):
    view = new_view(full).open()
    view.page.focus("#pause")
    view.page.keyboard.press("Space")
    view.wait("paused")
    assert view.page.get_attribute("#pause", "aria-pressed") == "true"
    view.page.focus("#more")
    view.page.keyboard.press("Enter")
    view.wait_for_pulls(215)
    # The button is gone: the focus is where the number of pulls is told.
    assert view.evaluate("document.activeElement.id") == "pulls-count"
    view.page.focus("#outcome")
    view.page.keyboard.press("ArrowDown")
    view.page.keyboard.press("ArrowDown")
    view.wait_for_pulls(2)
    assert view.evaluate("document.activeElement.id") == "outcome"
    view.page.focus("#repository")
    view.page.keyboard.type("nothing")
    view.page.wait_for_selector("#pulls .empty")


@pytest.mark.parametrize("width", [400, 1600])
def test_page_has_headings_landmarks_and_tables_with_names(new_view, full, width):
    view = new_view(full, viewport={"width": width, "height": 900}).open()
    page = view.page
    assert page.get_by_role("heading", level=1).all_inner_texts() == ["Pull through cache"]
    assert page.get_by_role("heading", level=2).all_inner_texts() == [
        "Pulls",
        "Cached repositories",
        "Rules",
        "Repository creation templates",
        "Upstream registries",
    ]
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        assert page.get_by_role(landmark).count() == 1
    for region in ("Pulls", "Cached repositories", "Rules", "Repository creation templates", "Upstream registries"):
        assert page.get_by_role("region", name=region, exact=True).count() == 1
    tables = (
        "Pulls, the newest first",
        "Cached repositories with their tags",
        "Pull through cache rules",
        "Repository creation templates",
        "Upstream registries",
    )
    for table in tables:
        assert page.get_by_role("table", name=table, exact=True).count() == 1
    for control in ("Account", "Region", "Outcome of pulls"):
        assert page.get_by_role("combobox", name=control).count() == 1
    assert page.get_by_role("searchbox", name="Repository").count() == 1
    assert page.evaluate("document.documentElement.lang") == "en"


def test_tables_that_are_laid_out_as_stacks_are_still_tables_to_a_screen_reader(new_view, full):
    view = new_view(full, viewport={"width": 400, "height": 900}).open()
    assert view.evaluate("getComputedStyle(document.querySelector('.pulls tr')).display") == "grid"
    nodes = view.page.context.new_cdp_session(view.page).send("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in nodes if not node["ignored"]]
    assert roles.count("table") == 5
    assert roles.count("row") == view.evaluate("document.querySelectorAll('tr').length")
    assert roles.count("cell") == view.evaluate("document.querySelectorAll('td').length")
    assert roles.count("columnheader") == view.evaluate("document.querySelectorAll('thead th').length")
    # Chromium finds out by itself; other browsers go by the layout unless the role is spelled out.
    assert view.evaluate("document.querySelectorAll(':is(table, thead, tbody, tr, th, td):not([role])').length") == 0


def test_failure_is_told_by_more_than_its_colour(new_view, full):
    view = new_view(full, forced_colors="active").open()
    assert "✕ Failed" in view.text(".pulls tbody tr.failed")
    assert "✓ Succeeded" in view.text(".pulls tbody tr:not(.failed)")


@pytest.mark.parametrize(("motion", "animation"), [("reduce", "none"), ("no-preference", "arrive")])
def test_new_rows_move_unless_less_motion_is_preferred(new_view, full, motion, animation):
    view = new_view(full, reduced_motion=motion).open()
    record(reference="new")
    view.page.wait_for_selector(".pulls tr.new")
    assert view.evaluate("getComputedStyle(document.querySelector('.pulls tr.new td')).animationName") == animation
