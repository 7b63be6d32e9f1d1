"""The commands of the tests and benchmarks: wrong arguments are named before anything is run."""

from __future__ import annotations

import importlib
import sys

import pytest

from tests.release.tools import ROOT


@pytest.fixture
def call(monkeypatch, capsys):
    """Call a command with arguments that it refuses, and return what it says of them."""

    def call(module, *arguments):
        monkeypatch.setattr(sys, "argv", [module, *arguments])
        with pytest.raises(SystemExit, match="2"):
            importlib.import_module(module).main()
        output, errors = capsys.readouterr()
        assert output == ""
        return errors.splitlines()[-1].partition("error: ")[2]

    return call


@pytest.mark.parametrize(
    ("command", "option"),
    [("stateful", "--examples"), ("stateful", "--steps"), ("soak", "--operations"), ("soak", "--batches")],
)
@pytest.mark.parametrize("value", ["0", "-3", "x"])
def test_number_of_what_is_run_is_one_or_more(call, command, option, value):
    said = call(f"tests.{command}.__main__", f"{option}={value}")
    assert said == f"argument {option}: '{value}' is not a number of 1 or more"


def test_batch_of_the_soak_has_operations(call):
    said = call("tests.soak.__main__", "--operations=9", "--batches=5")
    assert said == "9 operations, in process and on a server, do not make 5 batches"


def test_operation_that_conformance_asks_nothing_of_is_named(call):
    assert call("tests.conformance.__main__", "GetAuthorizationToken", "Nothing").endswith("Nothing")


def test_file_that_the_figures_cannot_be_written_to_is_named_before_they_are_taken(call, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    assert call("run", "rules", "--json", str(tmp_path / "none" / "figures.json")).endswith("is no directory")


@pytest.mark.parametrize("text", [None, "{", "{}", '{"groups": [{}]}'])
def test_file_that_has_no_figures_is_named_and_the_page_stays(call, monkeypatch, tmp_path, text):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    file = tmp_path / "figures.json"
    if text is not None:
        file.write_text(text)
    assert call("report", str(file)).startswith(f"{file} has no figures: ")


def test_scores_of_mutants_that_there_are_none_of_are_not_counted(monkeypatch, tmp_path):
    scores = importlib.import_module("tests.mutation.scores")
    monkeypatch.setattr(scores, "MUTMUT", str(tmp_path / "mutmut"))
    with pytest.raises(SystemExit, match="tox -e mutation"):
        scores.main()
