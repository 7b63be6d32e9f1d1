"""The whole way, with a server in AWS's place whose answers are altered: all is found, and nothing is left."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.strict import STRICT
from tests.verified import reporting
from tests.verified.altered_server import ALTERATIONS
from tests.verified.cleaning import bearing_a_prefix
from tests.verified.cloud import MOCKED_ACCOUNT, Cloud, mocked
from tests.verified.journal import journals
from tests.verified.recordings import read
from tests.verified.rows import ROOT
from tests.verified.scenarios import SCENARIOS
from tests.verified.upstreams import REPOSITORY

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
            [sys.executable, *STRICT, "-m", "tests.verified", command, *options, *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str, *arguments: str) -> tuple[int, str]:
        with self.start(command, *arguments) as process:
            output, errors = process.communicate(timeout=300)
        assert errors == ""
        return process.returncode, output

    def hold(self, operation: str) -> None:
        (self.directory / "hold").write_text(operation)

    def let_go(self) -> None:
        (self.directory / "hold").unlink()

    def refuse(self, operation: str, code: str) -> None:
        (self.directory / "refuse").write_text(f"{operation} {code}")

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
    by_name = [name for name, scenario in SCENARIOS.items() if scenario.is_run_by_name_only]
    status, output = stand_in.run("record")
    assert (status, output.splitlines()[-1]) == (0, "Nothing is left behind.")
    assert not {*by_name} & {*read(stand_in.recordings)}
    assert stand_in.run("record", *by_name)[0] == 0
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


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda how: how.name)
def test_run_that_is_stopped_in_the_middle_leaves_nothing_behind(stand_in, how):
    stand_in.hold("CreateRepository")
    with stand_in.start("record", "names_at_the_upstream") as process:
        stand_in.wait_until_held(process)
        process.send_signal(how)
        output, errors = process.communicate(timeout=300)
    assert (process.returncode, errors, output) == (130, "Interrupted.\n", "Nothing is left behind.\n")
    assert bearing_a_prefix(stand_in.cloud) == []
    assert list(journals(stand_in.journals)) == []


def test_interrupt_of_the_cleaning_is_put_off(stand_in):
    stand_in.hold("DeletePullThroughCacheRule")
    with stand_in.start("record", "names_at_the_upstream", "update_with_nothing") as process:
        stand_in.wait_until_held(process)
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline().startswith("Deleting what was made.")
        stand_in.let_go()
        output, errors = process.communicate(timeout=300)
    assert (process.returncode, errors, output) == (130, "Interrupted.\n", "Nothing is left behind.\n")
    assert bearing_a_prefix(stand_in.cloud) == []


def test_interrupt_ends_the_run_where_the_cleaning_fails_too(stand_in):
    stand_in.hold("CreateRepository")
    with stand_in.start("record", "names_at_the_upstream", "update_with_nothing") as process:
        stand_in.wait_until_held(process)
        stand_in.refuse("DeletePullThroughCacheRule", "ExpiredTokenException")
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=300)
    assert (process.returncode, errors) == (130, "Interrupted.\n")
    (name,) = bearing_a_prefix(stand_in.cloud)
    assert output.startswith(f"left behind: {name}\nnot cleaned yet: {name}; run:")


def test_nothing_more_is_made_where_nothing_can_be_deleted(stand_in):
    stand_in.refuse("DeletePullThroughCacheRule", "ThrottlingException")
    status, output = stand_in.run("record", "update_with_nothing", "prefix_that_has_a_rule")
    (name,) = bearing_a_prefix(stand_in.cloud)
    assert status == 1
    assert output.startswith(f"rule {name}: An error occurred (ThrottlingException)")
    assert not any(scenario in output for scenario in SCENARIOS)
    stand_in.refuse("NoOperation", "None")
    gone = [f"rule {name}: gone", f"repository {name}/{REPOSITORY}: gone", "Nothing is left behind."]
    status, output = stand_in.run("clean")
    assert (status, output.splitlines()) == (0, gone)


def test_refusal_of_the_caller_takes_the_place_of_no_recording(stand_in):
    stand_in.run("record", "update_with_nothing")
    recorded = read(stand_in.recordings)
    stand_in.refuse("UpdatePullThroughCacheRule", "ExpiredTokenException")
    status, output = stand_in.run("record", "update_with_nothing")
    assert status == 1
    assert output.startswith("update_with_nothing: not recorded: An error occurred (ExpiredTokenException)")
    assert output.endswith("\nNothing is left behind.\n")
    assert read(stand_in.recordings) == recorded


def test_what_a_run_has_that_goes_on_is_not_cleaned(stand_in):
    stand_in.hold("CreateRepository")
    with stand_in.start("record", "names_at_the_upstream") as process:
        stand_in.wait_until_held(process)
        (rule, _) = bearing_a_prefix(stand_in.cloud)
        assert stand_in.run("clean") == (0, f"still running: {rule}\nNothing is left behind.\n")
        stand_in.let_go()
        process.communicate(timeout=300)
    assert process.returncode == 0


def test_recordings_of_two_runs_are_the_same(stand_in):
    stand_in.run("record", "names_at_the_upstream")
    (path,) = stand_in.recordings.iterdir()
    recorded = path.read_bytes()
    stand_in.run("record", "names_at_the_upstream")
    assert path.read_bytes() == recorded


def test_what_a_killed_run_left_behind_is_deleted_by_the_command(stand_in):
    stand_in.hold("CreateRepository")
    with stand_in.start("record", "names_at_the_upstream") as process:
        stand_in.wait_until_held(process)
        process.kill()
        process.communicate(timeout=300)
    rule, repository = bearing_a_prefix(stand_in.cloud)
    assert repository == f"{rule}/busybox"
    stand_in.let_go()
    status, output = stand_in.run("clean")
    assert status == 0
    assert output.splitlines() == [f"rule {rule}: gone", f"repository {repository}: gone", "Nothing is left behind."]
    assert bearing_a_prefix(stand_in.cloud) == []
    assert list(journals(stand_in.journals)) == []
