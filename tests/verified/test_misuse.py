"""Files that are not what the command takes them for: a line that says so, no traceback, and nothing is changed."""

from __future__ import annotations

import json

import pytest

from tests.verified.__main__ import main
from tests.verified.rows import FIDELITY, FidelityPage, read_page

GOOD = {
    "scenario": "update_with_nothing",
    "recorded": {"source": "AWS", "date": "2026-11-26", "region": "eu-west-1", "botocore": "1.40.0", "format": 1},
    "observations": [],
}


def recording(**changes):
    return json.dumps({**GOOD, "recorded": {**GOOD["recorded"], **changes}})


@pytest.mark.parametrize("command", ["differences", "marks", "status"])
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "JSONDecodeError"),
        ("[]", "TypeError"),
        ("{}", "KeyError"),
        (recording(date="2026-02-30"), "ValueError"),
        (recording(date="2026-11-26 | A"), "ValueError"),
        (recording(format=7), "record it again"),
        (json.dumps({**GOOD, "scenario": "another"}), "of another scenario: another"),
    ],
)
def test_file_that_is_no_recording_is_named(tmp_path, capsys, command, text, says):
    (tmp_path / "update_with_nothing.json").write_text(text)
    assert main([command, "--recordings", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(str(tmp_path / "update_with_nothing.json"))
    assert says in line


@pytest.mark.parametrize("command", ["differences", "marks", "status"])
def test_directory_of_recordings_that_there_is_none_of_is_named(tmp_path, capsys, command):
    assert main([command, "--recordings", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'none'} is no directory\n"


@pytest.mark.parametrize(
    "text", [None, "| behaviour | mark |\n|---|---|\n| It does | A |\n", "| x | mark | id |\n| y | so | `z` |\n"]
)
def test_page_that_is_none_is_named(tmp_path, capsys, text):
    page = tmp_path / "page.md"
    if text is not None:
        page.write_text(text)
    assert main(["marks", "--recordings", str(tmp_path), "--page", str(page), "--write"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert text is None or page.read_text() == text


def test_page_keeps_the_ends_of_its_lines(tmp_path):
    page = tmp_path / "page.md"
    page.write_bytes(FIDELITY.read_bytes().replace(b"\n", b"\r\n"))
    before = page.read_bytes()
    assert main(["marks", "--recordings", str(tmp_path), "--page", str(page), "--write"]) == 0
    assert page.read_bytes() == before
    assert read_page(page).rows.keys() == FidelityPage(FIDELITY.read_text(encoding="utf-8")).rows.keys()


def test_journal_that_cannot_be_read_is_named(tmp_path, capsys, server):
    journal = tmp_path / "mep-0a1b2c3d.jsonl"
    journal.write_text('{"account": 1}\n')
    options = ["--aws", "--i-accept-costs", "--account", "123456789012", "--region", "eu-west-1"]
    assert main(["clean", *options, "--stand-in", server.endpoint_url, "--journals", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"{journal} is no journal: KeyError")
    assert journal.exists()
