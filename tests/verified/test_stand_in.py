"""The whole way, with a server in AWS's place whose answers are altered: all is found, and nothing is left."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.verified import reporting
from tests.verified.altered_server import ALTERATIONS
from tests.verified.cleaning import bearing_a_prefix
from tests.verified.cloud import MOCKED_ACCOUNT, Cloud, mocked
from tests.verified.journal import journals
from tests.verified.recordings import read
from tests.verified.rows import ROOT
from tests.verified.scenarios import SCENARIOS

REGION = "eu-west-1"


class StandIn:
    """A running server with altered answers, and the command that is run against it."""

    def __init__(self, url: str, directory: Path) -> None:
        self.directory = directory
        self.recordings, self.journals = directory / "recordings", directory / "journals"
        self.cloud: Cloud = mocked(url)
        self.cloud.region = REGION
        self._url = url

    def start(self, command: str, *arguments: str) -> subprocess.Popen[str]:
        options = ["--aws", "--i-accept-costs", "--account", MOCKED_ACCOUNT, "--region", REGION]
        options += ["--stand-in", self._url, "--journals", str(self.journals)]
        if command == "record":
            options += ["--recordings", str(self.recordings)]
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.verified", command, *options, *arguments],
            cwd=ROOT,
            env={"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "a-secret-access-key"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str, *arguments: str) -> tuple[int, str]:
        with self.start(command, *arguments) as process:
            output, errors = process.communicate(timeout=300)
        assert errors == ""
        return process.returncode, output

    def wait_until_held(self, process: subprocess.Popen[str]) -> None:
        """Wait until the operation in the file ``hold`` is done, and its answer is held back."""
        while not (self.directory / "held").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)


@pytest.fixture
def stand_in(tmp_path) -> Iterator[StandIn]:
    command = [sys.executable, "-m", "tests.verified.altered_server", str(tmp_path)]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            yield StandIn(process.stdout.readline().strip(), tmp_path)
        finally:
            process.kill()


def test_answers_that_were_altered_are_found_by_row_and_nothing_is_left_behind(stand_in):
    status, output = stand_in.run("record")
    assert (status, output.splitlines()[-1]) == (0, "Nothing is left behind.")
    found = read(stand_in.recordings)
    assert set(found) == {name for name, scenario in SCENARIOS.items() if scenario.is_in_the_model}
    planted = {row for _, _, rows, _ in ALTERATIONS for row in rows}
    text, count = reporting.differences(found)
    named = {line.partition(":")[0] for line in text.splitlines()[:-1] if not line.startswith(" ")}
    assert named == planted, text
    assert count == len(planted)
    assert bearing_a_prefix(stand_in.cloud) == []
    assert list(journals(stand_in.journals)) == []
    recorded = "".join(path.read_text(encoding="utf-8") for path in stand_in.recordings.iterdir())
    assert [part for part in (MOCKED_ACCOUNT, "AKIAIOSFODNN7EXAMPLE", "mep-") if part in recorded] == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["interrupted", "terminated"])
def test_run_that_is_stopped_in_the_middle_leaves_nothing_behind(stand_in, how):
    (stand_in.directory / "hold").write_text("CreateRepository")
    with stand_in.start("record", "names_at_the_upstream") as process:
        stand_in.wait_until_held(process)
        process.send_signal(how)
        _, errors = process.communicate(timeout=300)
    assert (process.returncode, errors.partition(".")[0]) == (130, "Interrupted")
    assert bearing_a_prefix(stand_in.cloud) == []
    assert list(journals(stand_in.journals)) == []


def test_what_a_killed_run_left_behind_is_deleted_by_the_command(stand_in):
    (stand_in.directory / "hold").write_text("CreateRepository")
    with stand_in.start("record", "names_at_the_upstream") as process:
        stand_in.wait_until_held(process)
        process.kill()
        process.communicate(timeout=300)
    rule, repository = bearing_a_prefix(stand_in.cloud)
    assert repository == f"{rule}/busybox"
    (stand_in.directory / "hold").unlink()
    status, output = stand_in.run("clean")
    assert status == 0
    assert output.splitlines() == [f"rule {rule}: gone", f"repository {repository}: gone", "Nothing is left behind."]
    assert bearing_a_prefix(stand_in.cloud) == []
    assert list(journals(stand_in.journals)) == []
