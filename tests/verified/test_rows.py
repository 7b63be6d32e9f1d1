"""The fidelity page, read row by row; and that no row is forgotten."""

from __future__ import annotations

import pytest

from tests.verified.recordings import RECORDINGS, read
from tests.verified.rows import FidelityPage, Unreadable, read_page
from tests.verified.scenarios import SCENARIOS
from tests.verified.unasked import PARTS, reasons

TABLE = """\
# A page

| # | trigger | exception | marks | test |
|---|---|---|---|---|
| 1 | a fault | SomeException | A, D | `a.py::test_a` |

| behaviour | mark | test | id |
|---|---|---|---|
| It does | A-frag | `a.py::test_b` | `it-does` |

| moto alone | with the plugin |
|---|---|
| no | yes |
"""


def asked():
    return {row for scenario in SCENARIOS.values() for row in scenario.rows}


def test_rows_are_read_from_the_tables_that_have_marks():
    rows = FidelityPage(TABLE).rows
    assert {row.id: (row.behaviour, row.mark) for row in rows.values()} == {
        "1": ("a fault", "A, D"),
        "it-does": ("It does", "A-frag"),
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [("`it-does`", " "), (" | `it-does` |", " |"), ("`it-does`", "1")],
    ids=["no id", "no cell", "an id that another row has"],
)
def test_row_without_an_id_of_its_own_is_an_error(old, new):
    with pytest.raises(Unreadable, match="id"):
        FidelityPage(TABLE.replace(old, new)).rows  # noqa: B018  (it is read when it is asked for)


def test_mark_is_replaced_and_nothing_else():
    page = FidelityPage(TABLE)
    assert page.with_mark(page.rows["1"], "A") == "| 1 | a fault | SomeException | A | `a.py::test_a` |"
    assert page.with_mark(page.rows["it-does"], "A") == "| It does | A | `a.py::test_b` | `it-does` |"


@pytest.mark.parametrize(
    ("mark", "weakest", "observed"),
    [
        ("A", "A", True),
        ("A, A", "A", True),
        ("A TF, B model", "B", False),
        ("A-frag, A", "A-frag", False),
        ("OCI", "OCI", False),
    ],
)
def test_mark_says_how_weak_the_evidence_is(mark, weakest, observed):
    row = FidelityPage(TABLE.replace("A, D", mark)).rows["1"]
    assert (row.weakest_mark, row.is_observed) == (weakest, observed)


def test_each_row_has_a_scenario_or_a_reason_why_not():
    unasked = set(reasons())
    assert sorted(set(read_page().rows) - asked() - unasked) == [], "in no scenario, and not in unasked.py"
    assert sorted(unasked & asked()) == [], "in unasked.py, and in a scenario"


def test_no_row_is_named_that_the_page_has_not():
    named = asked() | set(reasons()) | set(PARTS)
    assert sorted(named - set(read_page().rows)) == []


def test_parts_are_those_of_rows_with_a_scenario():
    assert sorted(set(PARTS) - asked()) == []


def test_recordings_that_are_kept_are_those_of_aws_and_of_scenarios_that_there_are():
    kept = read(RECORDINGS)
    assert {recording.source for recording in kept.values()} <= {"AWS"}
    assert set(kept) <= set(SCENARIOS)
