"""What GitHub reads in ``.github``: well-formed, without needless rights, and naming only what exists."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.release.tools import ROOT, need, run

GITHUB = ROOT / ".github"
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((GITHUB / "workflows").glob("*.yml"))}
ISSUE_FORMS = [path for path in sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")) if path.stem != "config"]
SCHEMAS = {
    "vendor.github-workflows": sorted((GITHUB / "workflows").glob("*.yml")),
    "vendor.dependabot": [GITHUB / "dependabot.yml"],
    "vendor.github-issue-forms": ISSUE_FORMS,
    "vendor.github-issue-config": [GITHUB / "ISSUE_TEMPLATE" / "config.yml"],
}
TOX = (ROOT / "tox.ini").read_text()


def jobs(workflow):
    return workflow["jobs"].values()


def steps():
    return [step for workflow in WORKFLOWS.values() for job in jobs(workflow) for step in job.get("steps", [])]


def tox_environments():
    """Return the environments that workflows run, with those that a matrix gives."""
    named = set()
    for workflow in WORKFLOWS.values():
        for job in jobs(workflow):
            matrix = job.get("strategy", {}).get("matrix", {})
            named.update(matrix.get("tox", []), (cell["tox"] for cell in matrix.get("include", [])))
    for step in steps():
        named.update(re.findall(r"tox run -e (\w+)", step.get("run", "")))
    return named


@pytest.mark.parametrize("schema", SCHEMAS)
def test_file_follows_its_schema(schema):
    assert SCHEMAS[schema]
    run(need("check-jsonschema", "extra release"), "--builtin-schema", schema, *SCHEMAS[schema])


def test_auditor_of_workflows_finds_nothing():
    assert "No findings to report" in run(
        need("zizmor", "extra release"), "--offline", "--no-progress", "--min-severity=medium", GITHUB
    )


def test_environment_of_tox_that_a_workflow_runs_exists():
    defined = set(re.findall(r"^\[testenv:(\w+)\]", TOX, re.MULTILINE))
    factors = set(re.findall(r"^    (moto\w+): ", TOX, re.MULTILINE)) | {"motonewest"}  # which needs no line
    wanted = {name for name in tox_environments() if not re.fullmatch(r"py3\d+-moto\w+", name)}
    assert wanted
    assert wanted <= defined
    assert {name.partition("-")[2] for name in tox_environments() - wanted} <= factors


def test_pull_request_is_tested_with_all_versions_that_tox_lists():
    listed = run(need("tox", "PyPI package tox"), "list", "--no-desc", "-d", "-q", folder=ROOT).split()
    cells = WORKFLOWS["tests"]["jobs"]["versions"]["strategy"]["matrix"]["include"]
    assert {cell["tox"] for cell in cells} == set(listed) - {"lint"}
    assert all(cell["tox"].startswith(f"py{cell['python'].replace('.', '')}-") for cell in cells)


def test_script_that_a_workflow_runs_is_a_program():
    scripts = [ROOT / step["run"] for step in steps() if step.get("run", "").startswith(".")]
    assert scripts == [ROOT / ".ci" / "run"]
    assert all(script.stat().st_mode & 0o100 for script in scripts)


def test_git_in_a_container_takes_the_clone_of_another_user():
    contained = {
        name: [step["run"] for step in job["steps"] if "run" in step]
        for workflow in WORKFLOWS.values()
        for name, job in workflow["jobs"].items()
        if "container" in job
    }
    assert set(contained) == {"all", "check"}
    trusts = 'git config --global --add safe.directory "$GITHUB_WORKSPACE"'
    assert {name for name, commands in contained.items() if commands[0] != trusts} == set()


def test_workflow_may_only_read_and_publishing_may_only_get_an_identity():
    assert {name: workflow["permissions"] for name, workflow in WORKFLOWS.items()} == {
        name: {"contents": "read"} for name in WORKFLOWS
    }
    wider = {
        name: job["permissions"] for w in WORKFLOWS.values() for name, job in w["jobs"].items() if "permissions" in job
    }
    assert wider == {"publish": {"id-token": "write"}}


def test_release_publishes_the_files_that_were_checked_and_only_for_a_tag():
    workflow = WORKFLOWS["release"]
    assert workflow[True] == {"push": {"tags": ["v*"]}}  # YAML 1.1 reads "on" as true
    assert workflow["jobs"]["publish"]["needs"] == ["tests", "check"]
    built = [
        job for job in jobs(workflow) if any("python -m build" in step.get("run", "") for step in job.get("steps", []))
    ]
    assert built == [workflow["jobs"]["build"]]
    assert workflow["jobs"]["check"]["steps"][-1]["env"] == {"RELEASE_DIST": "dist"}
    publishing = [step["uses"] for step in workflow["jobs"]["publish"]["steps"]]
    assert publishing == ["actions/download-artifact@v4", "pypa/gh-action-pypi-publish@release/v1"]


def test_report_of_a_difference_asks_for_what_settles_it():
    form = yaml.safe_load((GITHUB / "ISSUE_TEMPLATE" / "differs_from_aws.yml").read_text())
    required = {part["id"] for part in form["body"] if part.get("validations", {}).get("required")}
    assert required == {"request", "aws", "ours", "region", "date", "versions"}
