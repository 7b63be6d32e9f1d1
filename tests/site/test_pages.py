"""The pages in Chromium: they fit the window, ask nobody else, and are found by the search.

``new_window`` checks of each window that it asked no other host and that its console shows no fault.
"""

from __future__ import annotations

import pytest

# In a narrow window the theme gives the page's content a scroll bar of its own.
OVERFLOWS = "['html', '.content'].some((part) => document.querySelector(part).scrollWidth > innerWidth)"

WIDTHS = pytest.mark.parametrize("width", [1280, 390])


@WIDTHS
def test_no_page_scrolls_sideways(new_window, site, width):
    window = new_window(viewport={"width": width, "height": 800})
    wider = []
    for name in site.names():
        window.open(name)
        if window.page.evaluate(OVERFLOWS):
            wider.append(name)
    assert wider == []


@pytest.mark.parametrize(
    ("query", "answers"),
    [
        ("not found", {"debugging.html"}),
        ("library/", {"debugging.html", "howto/credentials.html", "upstream-registries.html"}),
        ("24 hours", {"upstream-registries.html"}),
        ("docker pull", {"registry-endpoint.html"}),
    ],
)
def test_search_finds_the_page_that_answers_among_the_first_three(new_window, query, answers):
    found = new_window().search(query)
    assert answers & {address.partition("#")[0] for address in found[:3]}


def luminance(colour):
    """Return the relative luminance of a colour. Source: WCAG 2.1."""
    parts = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("selector", ["article p", "#fidelity-filter label", "article a[href]:not(.headerlink)"])
def test_text_stands_out_from_its_background(new_window, scheme, selector):
    window = new_window(color_scheme=scheme).open("fidelity.html")
    text, ground = window.page.evaluate(
        """(selector) => {
          let element = document.querySelector(selector);
          const text = getComputedStyle(element).color;
          while (getComputedStyle(element).backgroundColor === "rgba(0, 0, 0, 0)") element = element.parentElement;
          return [text, getComputedStyle(element).backgroundColor];
        }""",
        selector,
    )
    dark, light = sorted([luminance(text), luminance(ground)])
    assert (light + 0.05) / (dark + 0.05) >= 4.5
