"""An environment is new, is made once, and has this clone as it is."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.docs.environments import InstallFailed, environment
from tests.docs.pages import ROOT


def test_environment_is_made_once_whoever_asks(tmp_path):
    with ThreadPoolExecutor(2) as workers:
        one, other = workers.map(environment, [tmp_path] * 2, ["echo made >>made; command -v pip >>made"] * 2)
    assert one == other
    assert (one.clone / "made").read_text() == f"made\n{one.programs / 'pip'}\n"


def test_environment_has_what_git_tracks_and_nothing_else(tmp_path):
    clone = environment(tmp_path, "true").clone
    assert (clone / "setup.cfg").read_bytes() == (ROOT / "setup.cfg").read_bytes()
    assert os.access(clone / ".ci" / "run", os.X_OK)
    assert not (clone / ".git").exists()
    assert not list(clone.rglob("__pycache__"))


def test_command_that_fails_is_told_each_time(tmp_path):
    for _ in range(2):
        with pytest.raises(InstallFailed, match="echo a fault; false\na fault") as failed:
            environment(tmp_path, "echo a fault; false")
        assert not failed.value.is_offline


def test_machine_without_a_connection_is_recognized(tmp_path):
    # Nobody listens on this port.
    nowhere = "PIP_CONFIG_FILE=/dev/null pip install --retries 1 --index-url http://127.0.0.1:9/simple a-package"
    with pytest.raises(InstallFailed) as failed:
        environment(tmp_path, nowhere)
    assert failed.value.is_offline
