"""The site, built once for all tests of a run, and served to Chromium.

Where Sphinx is not installed the tests skip; in CI, where ``.ci/run`` installs it, they fail. It is looked for beside
the tests' Python and on the PATH, since it needs an environment of its own.
"""

from __future__ import annotations

import fcntl
import functools
import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import SCRIPTS
from tests.browser import end_without
from tests.site.built_site import Build, Site
from tests.site.window import Window

DOCS = Path(__file__).parent.parent.parent / "docs"


def _find_sphinx() -> str:
    sphinx = shutil.which("sphinx-build", path=f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}")
    return sphinx or end_without("Sphinx is not installed (pip install '.[docs]' in an environment of its own)")


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """How the site was built: with warnings as errors, like ``tox -e site``."""
    sphinx = _find_sphinx()
    directory = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        directory = directory.parent  # the run's, which its workers share
    site, report = directory / "site", directory / "site-report"
    with (directory / "site-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not report.exists():
            command = [sphinx, "-W", "--keep-going", "-q", "-b", "html", str(DOCS), str(site)]
            process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
            report.write_text(process.stdout + process.stderr, encoding="utf-8")
    return Build(Site(site), report.read_text(encoding="utf-8"))


@pytest.fixture
def site(build: Build) -> Site:
    return build.site


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Keep quiet: what is missing is an error in the browser's console."""


@pytest.fixture(scope="session")
def site_url(build: Build) -> Iterator[str]:
    """The URL of the site, on this machine."""
    handler = functools.partial(_Handler, directory=str(build.site.directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def new_window(browser: Any, site_url: str) -> Iterator[Any]:
    """Return a window of the browser that shows the site, with the options of playwright's ``new_context``."""
    windows = []

    def make(**options: Any) -> Window:
        windows.append(Window(browser, site_url, **options))
        return windows[-1]

    yield make
    for window in windows:
        window.close()
    for window in windows:
        assert window.hosts_asked() == {window.host}
        assert window.faults == []
