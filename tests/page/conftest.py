"""The page in a real browser, without a network but for moto's server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from conftest import Aws
from tests.page.viewing import View


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
