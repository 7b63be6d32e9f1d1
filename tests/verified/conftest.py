"""Says after the tests how much of the fidelity page is verified against AWS."""

from __future__ import annotations

import pytest

from tests.verified import recordings, reporting
from tests.verified.cloud import Cloud, mocked


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(reporting.summary(recordings.read(recordings.RECORDINGS)))


@pytest.fixture
def cloud_of_moto() -> Cloud:
    """The account that moto mocks, of which nothing is asked."""
    return mocked()
