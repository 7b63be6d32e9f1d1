"""What type checkers and editors make of a module that uses the handle."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from moto import mock_aws

from tests.upstream.layouts import write_layout
from tests.ways_in import users_module

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

NEEDS_MYPY = pytest.mark.skipif(
    shutil.which("mypy", path=str(Path(sys.executable).parent)) is None, reason="mypy is of the extra 'dev' alone"
)


def check(path: Path, directory: Path) -> str:
    """Return what mypy says of a module, in strict mode."""
    process = subprocess.run(
        [
            sys.executable,
            *("-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context"),
            *("--config-file", "", "--cache-dir", str(directory / "cache"), "--python-version", "3.10"),
            str(path),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"MYPYPATH": str(ROOT)},
    )
    return process.stdout + process.stderr


@NEEDS_MYPY
def test_module_that_uses_all_of_the_handle_is_well_typed(tmp_path):
    assert check(HERE / "users_module.py", tmp_path) == ""


def test_module_that_uses_all_of_the_handle_runs(tmp_path):
    write_layout(tmp_path / "layout", None)
    with mock_aws():
        users_module.use(tmp_path / "layout")


MISTAKES = {
    "hub.push('a/b', media_type='zip')": "[arg-type]",
    "hub.push('a/b', compression='zstd')": "[arg-type]",
    "hub.push('a/b', files={'a': 1})": "[dict-item]",
    "hub.push('a/b', layers=['text'])": "[list-item]",
    "hub.fail(429)": "[arg-type]",
    "hub.fail(error='broken')": "[arg-type]",
    "hub.credential = None": "[attr-defined]",
    "hub.pulls[0].outcome == 'okay'": "[comparison-overlap]",
    "hub.images[0].name": "[attr-defined]",
    "hub.credentials = {'user': 'me'}": "",
    "upstream_registry(None)": "[arg-type]",
}


@NEEDS_MYPY
def test_mistakes_are_seen_before_anything_runs(tmp_path):
    lines = ["from moto_ecr_ptc import upstream_registry", "hub = upstream_registry('quay')", *MISTAKES]
    (tmp_path / "mistakes.py").write_text("\n".join(lines) + "\n")
    said = check(tmp_path / "mistakes.py", tmp_path).splitlines()
    found = {lines[int(line.split(":")[1]) - 1]: f"[{line.rpartition('[')[2]}" for line in said if ": error:" in line}
    assert found == {mistake: code for mistake, code in MISTAKES.items() if code}
