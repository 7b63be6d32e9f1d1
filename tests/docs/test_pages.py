"""Each page is run, in a fresh environment with exactly what it says to install; and a reader's linter is quiet."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.docs.environments import InstallFailed, environment
from tests.docs.page_run import BlockFailed, ProgramMissing, run_page
from tests.docs.pages import ROOT, RUN_BY_CI, RUN_ELSEWHERE, page_names, python_blocks, read_page

PAGES = [name for name in page_names() if name not in RUN_ELSEWHERE]


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A directory of this session, for the workers of pytest-xdist together."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "environments"


def cannot_run(reason):
    """End a test for which this machine lacks something; .ci/run installs it, so that there it is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.mark.parametrize("name", PAGES)
def test_page_does_what_it_says(name, shared, tmp_path):
    page = read_page(name)
    if page.install is None:
        return
    try:
        run_page(page, environment(shared, page.install), tmp_path)
    except BlockFailed as failed:
        pytest.fail(str(failed), pytrace=False)
    except ProgramMissing as missing:
        cannot_run(str(missing))
    except InstallFailed as failed:
        if not failed.is_offline:
            pytest.fail(f"{name}: {failed}", pytrace=False)
        cannot_run(f"no connection for: {failed}")


@pytest.mark.parametrize("name", PAGES)
def test_page_tells_its_reader_the_name_of_each_file(name):
    # Comments, which name files for the runner, are invisible.
    shown = re.sub(r"<!--.*?-->", "", (ROOT / name).read_text(encoding="utf-8"))
    files = {block.file for block in read_page(name).blocks if block.file}
    assert [file for file in sorted(files) if file not in shown] == []


@pytest.mark.parametrize(("name", "test"), RUN_ELSEWHERE.items())
def test_page_that_another_test_runs_is_named_there(name, test):
    assert name in page_names()
    assert f'"""{name} is run as it stands' in (ROOT / test).read_text(encoding="utf-8")


def test_commands_that_are_left_to_ci_are_in_its_script():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    left = [block for name in PAGES for block in read_page(name).blocks if block.kind == RUN_BY_CI]
    assert left
    assert [str(block) for block in left if block.text.strip() not in script] == []


def test_python_of_all_pages_leaves_a_linter_nothing_to_say(tmp_path):
    for name in page_names():
        for line, text in python_blocks(name):
            (tmp_path / f"{name.replace('/', '_')}:{line}.py").write_text(text, encoding="utf-8")
    assert list(tmp_path.iterdir())
    ruff = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--select",
        "E4,E7,E9,F",
        "--output-format",
        "concise",
        ".",
    ]
    done = subprocess.run(ruff, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
