"""Chromium, as the tests of the page and of the site drive it, and what it must not do: fail, or ask another host.

Where Chromium is not installed the tests skip; in CI, where ``.ci/run`` installs it, they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

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
        end_without("Chromium is not installed (Debian package chromium)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        end_without("playwright is not installed (PyPI package playwright)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        yield browser
        browser.close()


def end_without(reason: str) -> NoReturn:
    """End the test that lacks a program."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
