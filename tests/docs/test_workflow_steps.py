"""The steps of a workflow run as GitHub would run them, so that the page on GitHub Actions cannot be wrong unseen."""

from __future__ import annotations

import pytest

from tests.docs.workflow_steps import UnknownStep, run_job


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def append(text):
    return {"name": f"append {text}", "run": f"echo {text} >>steps"}


def test_steps_run_in_order_with_the_jobs_variables(directory):
    steps = [append("first"), append("$SECOND")]
    assert run_job({"env": {"SECOND": "second"}, "steps": steps}) is None
    assert (directory / "steps").read_text() == "first\nsecond\n"


def test_failing_command_ends_its_step_and_the_job_but_for_steps_on_failure(directory):
    steps = [
        {"name": "fail", "run": "false\necho not reached >>steps"},
        append("skipped"),
        {**append("on failure"), "if": "failure()"},
    ]
    assert run_job({"steps": steps}) == "fail"
    assert (directory / "steps").read_text() == "on failure\n"


def test_step_on_failure_does_not_run_where_nothing_failed(directory):
    assert run_job({"steps": [append("first"), {**append("on failure"), "if": "failure()"}]}) is None
    assert (directory / "steps").read_text() == "first\n"


def test_checkout_of_this_repository_is_a_copy_of_the_clone(directory):
    checkout = {
        "uses": "actions/checkout@v4",
        "with": {"repository": "your-organisation/moto_ecr_ptc", "path": "moto_ecr_ptc"},
    }
    assert run_job({"steps": [{"uses": "actions/checkout@v4"}, checkout]}) is None
    assert (directory / "moto_ecr_ptc" / "setup.cfg").is_file()


@pytest.mark.parametrize(
    "step",
    [
        {"uses": "actions/unheard-of@v1"},
        {"uses": "actions/checkout@v4", "with": {"repository": "somebody/else", "path": "else"}},
        {**append("first"), "shell": "pwsh"},
        {**append("first"), "if": "always()"},
    ],
    ids=["an action", "another repository", "a key", "a condition"],
)
def test_step_that_is_not_understood_is_refused(directory, step):
    with pytest.raises(UnknownStep):
        run_job({"steps": [step]})
    assert not (directory / "steps").exists()
