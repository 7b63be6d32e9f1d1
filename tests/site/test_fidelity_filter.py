"""The filter above the tables of the fidelity page."""

from __future__ import annotations

import re

import pytest

PAGE = "fidelity.html"
COUNT = "#fidelity-filter output"


@pytest.fixture
def window(new_window):
    return new_window()


def choose(window, **choices):
    """Open the page, and type or check what is chosen."""
    window.open(PAGE)
    if "words" in choices:
        window.page.get_by_label("Rows with the words").fill(choices["words"])
    for mark in choices.get("marks", []):
        window.page.get_by_label(mark, exact=True).check()
    return window


def test_filter_is_on_no_other_page(window):
    assert window.open("debugging.html").page.locator("#fidelity-filter").count() == 0


def test_without_a_choice_all_rows_are_shown(window):
    rows = window.open(PAGE).rows()
    assert len(rows) > 300
    assert window.page.inner_text(COUNT) == f"{len(rows)} of {len(rows)} rows are shown, 0 are hidden."


def test_without_javascript_all_rows_are_shown(new_window, window):
    bare = new_window(java_script_enabled=False).open(PAGE)
    assert bare.page.locator("#fidelity-filter").count() == 0
    assert len(bare.rows()) == len(window.open(PAGE).rows())


def test_words_are_all_in_the_rows_that_are_shown(window):
    rows = choose(window, words="Secret kms").rows()
    assert rows
    assert [row for row in rows if not ("secret" in row.lower() and "kms" in row.lower())] == []


def test_count_tells_what_is_shown_and_hidden(window):
    total = len(window.open(PAGE).rows())
    shown = len(choose(window, words="secret").rows())
    assert 0 < shown < total
    assert window.page.inner_text(COUNT) == f"{shown} of {total} rows are shown, {total - shown} are hidden."


def test_count_is_announced(window):
    assert window.open(PAGE).page.get_attribute(COUNT, "aria-live") == "polite"


@pytest.mark.parametrize(
    ("mark", "pattern"), [("A", r"\bA\b(?!-frag)"), ("A-frag", "A-frag"), ("B", r"\bB\b"), ("D", r"\bD\b")]
)
def test_mark_chooses_the_rows_that_have_it_in_their_column(window, mark, pattern):
    window.open(PAGE)
    cells = window.page.locator("article td").evaluate_all(
        """(cells) => cells
          .filter((cell) => /^marks?$/.test(cell.closest("table").tHead.rows[0].cells[cell.cellIndex].innerText.trim()))
          .map((cell) => cell.textContent)"""
    )
    window.page.get_by_label(mark, exact=True).check()
    assert len(window.rows()) == sum(re.search(pattern, cell) is not None for cell in cells) > 0


def test_two_marks_choose_the_rows_that_have_either(window):
    first = set(choose(window, marks=["A-frag"]).rows())
    second = set(choose(window, marks=["B"]).rows())
    assert first - second
    assert second - first
    assert set(choose(window, marks=["A-frag", "B"]).rows()) == first | second


def test_table_without_a_row_is_hidden_with_its_heading(window):
    choose(window, words="of_an_upload_that_is_gone test_row_13")
    assert (window.rows(), window.headings()) == ([], [])
    window.page.get_by_label("Rows with the words").fill("test_row_13")
    assert len(window.rows()) == 1
    assert window.headings() == ["Refusals: the table of rows"]
    assert window.page.locator("article table:visible").count() == 1


def test_heading_stays_above_one_of_its_parts_that_has_rows(window):
    assert choose(window, words="presigned").headings()[:2] == ["Pulls", "Layers, and what other operations see"]


def test_hidden_section_is_not_listed_beside_the_page(new_window):
    window = choose(new_window(viewport={"width": 1600, "height": 1000}), words="test_row_13")
    assert window.page.locator(".toc-tree li li a:visible").all_inner_texts() == ["Refusals: the table of rows"]


def test_choices_are_in_the_address(window):
    choose(window, words="secret", marks=["B", "D"])
    assert window.address().endswith("/fidelity.html?mark=B&mark=D&words=secret")


def test_address_with_choices_shows_them(window):
    rows = choose(window, words="secret", marks=["B"]).rows()
    window.open(f"{PAGE}?mark=B&words=secret")
    assert window.rows() == rows
    assert window.page.get_by_label("Rows with the words").input_value() == "secret"
    assert window.page.get_by_label("B", exact=True).is_checked()


def test_heading_in_the_address_stays_in_it(window):
    window.open(f"{PAGE}#rules")
    window.page.get_by_label("Rows with the words").fill("secret")
    assert window.address().endswith("/fidelity.html?words=secret#rules")


def test_everything_is_shown_again_by_the_keyboard(window):
    total = len(window.open(PAGE).rows())
    window.page.get_by_label("Rows with the words").focus()
    keyboard = window.page.keyboard
    keyboard.type("secret")
    keyboard.press("Tab")
    keyboard.press("Space")  # checks A
    assert window.address().endswith("?mark=A&words=secret")
    for _ in range(4):  # A-frag, B, D, the button
        keyboard.press("Tab")
    keyboard.press("Enter")
    window.page.wait_for_function("!location.search")
    assert len(window.rows()) == total


def test_wide_table_scrolls_within_itself_in_a_narrow_window(new_window):
    window = new_window(viewport={"width": 390, "height": 800}).open(PAGE)
    scrolled = window.page.evaluate(
        """() => {
          const box = document.querySelector("article table").parentElement;
          box.scrollLeft = 100;
          return [box.scrollLeft, document.documentElement.scrollWidth];
        }"""
    )
    assert scrolled == [100, 390]
