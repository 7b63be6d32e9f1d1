"""docs/benchmarks.md says what benchmarks/figures.json has, and shows all that can be measured."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import report
import results
import run
from measure import Comparison, Curve, Extra, Figure, Pair, Ratio, Throughput

RUN = results.read(report.FIGURES)
PAGE = report.PAGE.read_text(encoding="utf-8")


def test_page_has_the_figures_of_the_json_and_no_others():
    assert report.with_figures(PAGE, RUN) == PAGE


def test_table_of_the_page_has_every_row_of_the_json():
    rows = [(f"`{group.name}`", *results.cells(row)) for group in RUN.groups for row in group.rows]
    lines = re.findall(r"^\| (.*) \|$", PAGE.partition(report.HEADING)[2], re.MULTILINE)
    assert [tuple(line.split(" | ")) for line in lines[2:]] == rows


def test_every_group_was_measured():
    assert [group.name for group in RUN.groups] == list(run.GROUPS)


@pytest.mark.parametrize("group", run.GROUPS)
def test_page_says_what_is_measured_in_a_group(group):
    assert f"\n| `{group}` |" in PAGE.partition(report.HEADING)[0]


@pytest.mark.parametrize("axis", report.curves(RUN))
def test_page_shows_the_plot_of_an_axis(axis):
    assert f"](images/{report.plot(axis).name})" in PAGE


@pytest.mark.parametrize("axis", report.curves(RUN))
def test_plot_is_drawn_from_the_json(axis, plots):
    plots = pytest.importorskip(
        "plots", reason="matplotlib, of the extra bench, is not installed", exc_type=ImportError
    )
    description = plots.describe(axis, report.curves(RUN)[axis])
    assert f"<desc>{description}</desc>" in report.plot(axis).read_text(encoding="utf-8")


@pytest.mark.parametrize("axis", report.curves(RUN))
def test_plot_of_the_same_figures_has_the_same_bytes(axis, plots):
    plots = pytest.importorskip(
        "plots", reason="matplotlib, of the extra bench, is not installed", exc_type=ImportError
    )
    rows = report.curves(RUN)[axis]
    assert plots.draw(axis, rows) == plots.draw(axis, rows)


def test_figures_that_are_written_are_read_again(tmp_path):
    RUN.write(tmp_path / "figures.json")
    assert results.read(tmp_path / "figures.json") == RUN


def test_row_that_misses_its_budget_is_named():
    (group, *_), (row, *_) = RUN.groups, RUN.groups[0].rows
    slow = replace(RUN, groups=[replace(group, rows=[replace(row, measured=row.limit + 0.001)])])
    assert slow.missed == [f"{group.name}: {row.what}"]
    assert results.cells(slow.groups[0].rows[0])[-1] == "NO"


@pytest.mark.parametrize(
    ("budget", "is_kept"),
    [
        (Ratio(1.9), False),
        (Ratio(2.0), True),
        (Throughput(0.5), True),
        (Throughput(0.6), False),
        (Extra(999), False),
        (Extra(1000), True),
        (Figure(), True),
    ],
    ids=str,
)
def test_side_that_takes_two_seconds_beside_one_keeps_a_budget_or_not(budget, is_kept):
    assert Comparison("a call", budget, [Pair(2.0, 1.0)] * 3).row().holds is is_kept


def test_curve_is_held_to_the_largest_size_beside_the_smallest():
    row = Curve("a call", "images", Ratio(2.0), (10, 100), [(0.001, 0.003)] * 3).row()
    assert (row.measured, row.holds) == (pytest.approx(3.0), False)
    assert row.points == [(10, 1.0), (100, 3.0)]
