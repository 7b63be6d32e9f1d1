"""The page of a server with 10,000 records and 10,000 cached repositories."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import requests

from tests.registry.server_processes import running

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def full_server(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        with running("tests.page.filled_server", tmp_path_factory.mktemp("server") / "log") as url:
            yield url


def test_page_with_10000_records_and_repositories_is_drawn_soon(new_view, full_server):
    view = new_view(full_server)
    start = time.monotonic()
    view.open()
    assert time.monotonic() - start < 10
    assert len(view.pulls()) == 200
    assert view.text("#pulls-count") == "10,000 pulls, 1,000 failed. The latest 200 are shown."
    assert view.text("#repositories-total") == "10,000"
    assert "and 9,800 more" in view.text("#repositories")


def test_all_10000_records_can_be_drawn(new_view, full_server):
    view = new_view(full_server).open()
    while view.page.is_visible("#more"):
        drawn = len(view.pulls())
        view.page.click("#more")
        view.wait_for(f"document.querySelectorAll('.pulls tbody tr').length > {drawn}")
    assert len(view.pulls()) == 10_000


@pytest.mark.parametrize("call", ["overview", "pulls?limit=200", "pulls?after=10000&limit=200", "pulls?repository=*7*"])
def test_call_is_answered_while_a_reader_waits_for_the_next_second(full_server, call):
    def seconds():
        start = time.monotonic()
        requests.get(f"{full_server}/moto-api/static/ecr/{call}", timeout=60).raise_for_status()
        return time.monotonic() - start

    assert min(seconds() for _ in range(5)) < 1
