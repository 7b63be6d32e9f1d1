"""Each page is run in a fresh environment with exactly what it says to install."""

from __future__ import annotations

import os

import pytest

from tests.docs.environments import InstallFailed, environment
from tests.docs.page_run import BlockFailed, ProgramMissing, run_page
from tests.docs.pages import RUN_ELSEWHERE, page_names, read_page

PAGES = [name for name in page_names() if name not in RUN_ELSEWHERE]


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A directory of this session, for the workers of pytest-xdist together."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "environments"


def cannot_run(reason):
    """End a test for which this machine lacks something; .ci/run installs it, so that there it is a failure."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


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
