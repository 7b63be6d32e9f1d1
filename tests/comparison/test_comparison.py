"""docs/comparison.md says what this project and plain moto answer to the questions: asked again, of both."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import moto
import pytest

from tests.comparison.questions import QUESTIONS
from tests.registry.server_processes import WITH_PLUGIN, WITHOUT_PLUGIN, running
from tests.strict import STRICT

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
HEADER = r"^\| question \| mark \| this project \| moto (?P<moto>[\d.]+) \|"
ROW = r"^\| (?P<question>[^|]+) \| (?P<mark>A|B|A, B) \| (?P<verdicts>[^\n]+) \|$"
ROWS = [match.groupdict() for match in re.finditer(ROW, PAGE, re.MULTILINE)]
COLUMNS = list(zip(*(row["verdicts"].split(" | ") for row in ROWS)))
THIS_PROJECT, PLAIN_MOTO = 0, 1
# PutImage is moto's own, with the plugin too; older versions let the tag move.
MOTOS_OWN = "PutImage does not move a tag of an immutable repository"


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def installed_is_older_than_the_pages() -> bool:
    (on_page,) = re.findall(HEADER, PAGE, re.MULTILINE)
    return version(moto.__version__) < version(on_page)


def ask(module: str, tmp_path: Path) -> list[str]:
    """Ask a server in a process of its own all questions; return the lines that the command prints."""
    with running(module, tmp_path / "log") as url:
        command = [sys.executable, *STRICT, "-m", "tests.comparison.questions", "--endpoint-url", url]
        asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert asked.returncode == 0, asked.stderr
    return asked.stdout.splitlines()


def verdicts(lines: list[str]) -> list[tuple[str, str]]:
    """Return what was answered to which question; the last line has the counts."""
    answers = [(line[:5].strip(), question.text) for line, question in zip(lines, QUESTIONS) if question.text in line]
    counts = Counter(verdict for verdict, _ in answers)
    assert lines[-1] == ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("yes", "no", "error"))
    return answers


def test_this_projects_server_answers_every_question_with_yes(tmp_path):
    answers = verdicts(ask(WITH_PLUGIN, tmp_path))
    if installed_is_older_than_the_pages():
        answers = [("yes" if question == MOTOS_OWN else verdict, question) for verdict, question in answers]
    assert answers == [("yes", question.text) for question in QUESTIONS]


def test_plain_moto_answers_as_its_column_of_the_page_says(tmp_path):
    if installed_is_older_than_the_pages():
        pytest.skip(f"the page is about a newer moto than {moto.__version__}")
    found = verdicts(ask(WITHOUT_PLUGIN, tmp_path))
    assert found == list(zip(COLUMNS[PLAIN_MOTO], [question.text for question in QUESTIONS]))


def test_page_has_the_questions_in_their_order_with_their_marks():
    assert [(row["question"], row["mark"]) for row in ROWS] == [
        (question.text, question.mark) for question in QUESTIONS
    ]


def test_page_says_of_this_project_that_it_answers_every_question_with_yes():
    assert set(COLUMNS[THIS_PROJECT]) == {"yes"}


@pytest.mark.parametrize("verdict", ["yes", "no", "error"])
def test_page_counts_its_columns(verdict):
    (counts,) = re.findall(rf"^\| \*\*{verdict}\*\*, of {len(QUESTIONS)} \|  \| ([^\n]+) \|$", PAGE, re.MULTILINE)
    assert counts.split(" | ") == [str(Counter(column)[verdict]) for column in COLUMNS]
