"""docs/comparison.md says what this project and plain moto answer to the questions: asked again, of both."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.comparison.asked import Answer
from tests.comparison.questions import QUESTIONS, answers
from tests.registry.server_processes import WITH_PLUGIN, WITHOUT_PLUGIN, running

PAGE = (Path(__file__).parents[2] / "docs" / "comparison.md").read_text(encoding="utf-8")
ROW = r"^\| (?P<question>[^|]+) \| (?P<mark>A|B|A, B) \| (?P<verdicts>[^\n]+) \|$"
ROWS = [match.groupdict() for match in re.finditer(ROW, PAGE, re.MULTILINE)]
COLUMNS = list(zip(*(row["verdicts"].split(" | ") for row in ROWS)))
THIS_PROJECT, PLAIN_MOTO = 0, 1


def ask(module: str, tmp_path: Path) -> list[Answer]:
    """Ask a server in a process of its own all questions."""
    with running(module, tmp_path / "log") as url:
        return list(answers(url))


def test_this_projects_server_answers_every_question_with_yes(tmp_path):
    assert [(found.question.text, found.why) for found in ask(WITH_PLUGIN, tmp_path) if found.verdict != "yes"] == []


def test_plain_moto_answers_as_its_column_of_the_page_says(tmp_path):
    found = [(answer.question.text, answer.verdict) for answer in ask(WITHOUT_PLUGIN, tmp_path)]
    assert found == [(question.text, said) for question, said in zip(QUESTIONS, COLUMNS[PLAIN_MOTO])]


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
