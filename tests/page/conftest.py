"""The page in a real browser, without a network but for moto's server.

Where Chromium is not installed the tests skip; in CI, where ``.ci/run`` installs it, they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import Aws
from tests.page.viewing import View

# A profile of its own comes with each start.
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str | None:
    return shutil.which("chromium")


# Not for the session: as long as it runs, no other test of the process could start an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = find_chromium()
    if chromium is None:
        _end("Chromium is not installed (Debian package chromium)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _end("playwright is not installed (PyPI package playwright)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        yield browser
        browser.close()


def _end(reason: str) -> Any:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def new_view(browser: Any) -> Iterator[Any]:
    """Return a view of the page of a server, with the options of the browser's window."""
    views = []

    def make(server_url: str, **options: Any) -> View:
        views.append(View(browser, server_url, **options))
        return views[-1]

    yield make
    for view in views:
        view.close()
    for view in views:
        assert view.hosts_asked() <= {view.host}
        assert view.faults == []


@pytest.fixture
def view(new_view: Any, server: Aws) -> View:
    """A view of the page of a server without any state."""
    return new_view(server.endpoint_url)
