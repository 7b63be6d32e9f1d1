"""Says after the tests how much of the fidelity page is verified against AWS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.verified import recordings, reporting
from tests.verified.cloud import Cloud, mocked
from tests.verified.journal import Journal


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(reporting.summary(recordings.read(recordings.RECORDINGS)))


@pytest.fixture
def cloud_of_moto() -> Cloud:
    """The account that moto mocks, of which nothing is asked."""
    return mocked()


@pytest.fixture
def journal(tmp_path: Path, cloud_of_moto: Cloud) -> Iterator[Journal]:
    """The journal of a new run, in the test's directory."""
    with Journal.begin(tmp_path, cloud_of_moto.account, cloud_of_moto.region) as journal:
        yield journal
