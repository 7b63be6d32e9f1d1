"""Runs the steps of a GitHub workflow's job on this machine: ``python workflow_steps.py WORKFLOW``, in its checkout.

The page on GitHub Actions runs its workflow by it, in the page's own environment. What steps leave running goes on, as
at GitHub until the job ends: whoever runs this ends the group of processes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

CLONE = Path(__file__).parents[2]


class UnknownStep(Exception):
    """A step that this program has no way to run."""


def _check_out(repository: str | None = None, path: str = ".") -> None:
    if repository is None and path == ".":
        return  # the directory that this runs in
    if repository is None or Path(repository).name != "moto_ecr_ptc":
        raise UnknownStep(f"there is no clone of {repository} here")
    shutil.copytree(CLONE, path, ignore=shutil.ignore_patterns(".git", ".venv", "build", "*.egg-info"))


def _set_up_python(**_: object) -> None:
    """Do nothing: whoever runs this has chosen the Python."""


_ACTIONS = {"actions/checkout": _check_out, "actions/setup-python": _set_up_python}


def _use(action: str, **inputs: Any) -> None:
    name, _, _ = action.partition("@")
    if name not in _ACTIONS:
        raise UnknownStep(f"nobody knows here what {action} does")
    _ACTIONS[name](**inputs)


def run_job(job: dict[str, Any]) -> str | None:
    """Run the steps of a job in order, and after one that fails only those ``if: failure()``; return which failed.

    :raises UnknownStep: before anything of this step runs
    """
    environment = {**os.environ, **job.get("env", {})}
    failed = None
    for step in job["steps"]:
        _check_keys(step)
        if (step.get("if") == "failure()") != bool(failed):
            continue
        if "uses" in step:
            _use(step["uses"], **step.get("with", {}))
        # GitHub's own command for steps that name no shell.
        elif subprocess.run(["bash", "-e", "-c", step["run"]], env=environment, check=False).returncode:
            failed = step["name"]
    return failed


def _check_keys(step: dict[str, Any]) -> None:
    unknown = set(step) - {"name", "uses", "with", "run", "if"}
    if unknown or step.get("if", "failure()") != "failure()":
        raise UnknownStep(f"nobody knows here how to run {step}")


def main(workflow: str) -> None:
    """Run all jobs of a workflow. The program ends with what failed."""
    for name, job in yaml.safe_load(Path(workflow).read_text(encoding="utf-8"))["jobs"].items():
        failed = run_job(job)
        if failed:
            sys.exit(f"{name}: the step {failed!r} failed")


if __name__ == "__main__":
    main(sys.argv[1])
