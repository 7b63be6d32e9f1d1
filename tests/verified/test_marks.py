"""From recordings to marks: what was observed is marked so, and what differs is listed by row."""

from __future__ import annotations

import pytest

from tests.verified import reporting
from tests.verified.__main__ import main
from tests.verified.case import Observation
from tests.verified.marks import mark, weigh
from tests.verified.recordings import Kept, Recording, differences, read, write
from tests.verified.rows import FIDELITY, FidelityPage, read_page
from tests.verified.running import Outcome

PAGE = """\
| behaviour | mark | test | id |
|---|---|---|---|
| One | D | `a.py::test_a` | `one` |
| Two | A, D | `a.py::test_a` | `two` |
| Three | A | `a.py::test_a` | `three` |
"""
SCENARIOS = {"asks": ["one", "two", "three"]}
MOCK = [
    Observation("first", ("one", "three"), {"message": "yes", "list": [1, 2]}),
    Observation("second", ("two",), True),
    Observation("third", ("two",), 3),
]


def recorded(*observations, date="2026-11-26"):
    return Recording("asks", "AWS", date, "eu-west-1", list(observations))


def marks_after(recording, parts=None):
    page = FidelityPage(PAGE)
    evidence = weigh({"asks": recording} if recording else {}, {"asks": MOCK}, SCENARIOS)
    mark(page, evidence, parts or {})
    return {row.id: row.mark for row in FidelityPage("\n".join(page.lines)).rows.values()}


@pytest.fixture
def as_aws(cloud_of_moto):
    """moto's account, whose answers are written as if they were AWS's: in a directory of the test, and nowhere else."""
    cloud_of_moto.is_real = True
    return cloud_of_moto


def test_rows_that_aws_and_the_mock_agree_on_are_observed():
    assert marks_after(recorded(*MOCK)) == {
        "one": "A verified 2026-11-26",
        "two": "A verified 2026-11-26",
        "three": "A",
    }


def test_row_that_is_asked_in_part_keeps_its_mark_for_the_rest():
    found = marks_after(recorded(*MOCK), {"two": "a deletion"})
    assert found["two"] == "A verified 2026-11-26 for a deletion; else A, D"


def test_row_in_which_the_mock_differs_keeps_its_mark():
    other = Observation("second", ("two",), False)
    assert marks_after(recorded(MOCK[0], other, MOCK[2])) == {
        "one": "A verified 2026-11-26",
        "two": "A, D",
        "three": "A",
    }


def test_row_that_was_recorded_in_part_keeps_its_mark():
    assert marks_after(recorded(*MOCK[:2]))["two"] == "A, D"


def test_rows_without_a_recording_keep_their_marks():
    assert marks_after(None) == {"one": "D", "two": "A, D", "three": "A"}


def test_marks_do_not_change_twice():
    page = FidelityPage(PAGE)
    evidence = weigh({"asks": recorded(*MOCK)}, {"asks": MOCK}, SCENARIOS)
    mark(page, evidence, {"two": "a deletion"})
    assert mark(FidelityPage("\n".join(page.lines)), evidence, {"two": "a deletion"}) == {}


@pytest.mark.parametrize(
    ("seen", "places"),
    [
        ({"message": "yes", "list": [1, 2]}, []),
        ({"message": "no", "list": [1, 2]}, [("message", "yes", "no")]),
        ({"list": [1, 2]}, [("message", "yes", "<absent>")]),
        ({"message": "yes", "list": [1, 3]}, [("list[1]", 2, 3)]),
        ({"message": "yes", "list": [1]}, [("list", [1, 2], [1])]),
        ("text", [("", {"message": "yes", "list": [1, 2]}, "text")]),
        ({"message": "yes", "list": [True, 2]}, [("list[0]", 1, True)]),
    ],
)
def test_differences_name_the_rows_and_the_places(seen, places):
    found = differences(recorded(Observation("first", ("one",), seen)), MOCK)
    assert [(each.place, each.mock, each.recorded) for each in found] == places
    assert {each.rows for each in found} <= {("one", "three")}


def test_recording_that_is_written_is_read_as_it_was(tmp_path, as_aws):
    path = write(tmp_path, "asks", Outcome(MOCK, stopped="it stopped"), as_aws)
    (found,) = read(tmp_path).values()
    assert (found.scenario, found.observations, found.stopped) == ("asks", MOCK, "it stopped")
    assert (path.name, found.source, found.region) == ("asks.json", "AWS", "us-east-1")


def test_run_that_is_stopped_takes_the_place_of_no_whole_recording(tmp_path, as_aws):
    write(tmp_path, "asks", Outcome(MOCK[:1], stopped="it stopped"), as_aws)
    write(tmp_path, "asks", Outcome(MOCK, stopped="it stopped later"), as_aws)
    path = write(tmp_path, "asks", Outcome(MOCK), as_aws)
    whole = path.read_bytes()
    with pytest.raises(Kept, match="it stopped again"):
        write(tmp_path, "asks", Outcome(MOCK[:1], stopped="it stopped again"), as_aws)
    assert path.read_bytes() == whole


def test_command_writes_the_marks_into_a_page(tmp_path, capsys, as_aws):
    recordings, page = tmp_path / "recordings", tmp_path / "fidelity.md"
    page.write_text(FIDELITY.read_text(encoding="utf-8"), encoding="utf-8")
    name = "update_with_nothing", "secret_for_an_open_upstream"
    for each in name:
        write(recordings, each, Outcome(reporting.in_process(each)), as_aws)
    assert main(["marks", "--recordings", str(recordings), "--page", str(page), "--write"]) == 0
    assert "1 marks changed." in capsys.readouterr().out
    old, new = read_page().rows, read_page(page).rows
    assert [row for row in old if old[row].mark != new[row].mark] == ["3"]
    assert (old["3"].mark, new["3"].mark[:11]) == ("D, A-frag", "A verified ")


@pytest.mark.parametrize(("is_real", "source"), [(True, "stand-in"), (False, "moto")])
def test_recordings_of_anything_but_aws_change_no_marks(tmp_path, capsys, as_aws, is_real, source):
    as_aws.is_real, as_aws.endpoint_url = is_real, "http://127.0.0.1:1"
    write(tmp_path, "update_with_nothing", Outcome(reporting.in_process("update_with_nothing")), as_aws)
    assert read(tmp_path)["update_with_nothing"].source == source
    assert main(["marks", "--recordings", str(tmp_path)]) == 2
    assert "nothing about AWS" in capsys.readouterr().err


def test_status_counts_each_row_once(tmp_path, capsys):
    assert main(["status", "--all", "--recordings", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = read_page().rows
    assert [line.partition(": ")[0] for line in lines[: len(rows)]] == list(rows)
    counted = [int(line.split()[-1]) for line in lines[len(rows) + 1 :] if line and line.split()[-1].isdigit()]
    assert sum(counted) == len(rows)
