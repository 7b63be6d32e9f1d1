"""Thousands of operations leave nothing behind; threads that pull crosswise come to an end.

Each runs in a process of its own, where nothing else takes memory, and that a deadlock cannot outlive.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from moto.core.base_backend import BackendDict
from moto.ecr.models import ecr_backends

from conftest import refusal, repositories
from moto_ecr_ptc.ecr.pulls.pull_log import get_pull_log
from moto_ecr_ptc.ecr.upstream.registry import get_upstream
from tests.registry.endpoint import Endpoint
from tests.registry.observed_server import LINUX
from tests.soak.mutual_pulls import PAIRS, client_of, make_rules

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> str:
    """Run a module of this folder, which must succeed, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments], capture_output=True, text=True, check=False, cwd=ROOT, timeout=600
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return done.stdout


@LINUX
def test_mixed_operations_leave_nothing_behind():
    # So few do not outlast the warm-up: what this finds are contents that stay, not records.
    output = run("tests.soak", "--operations", "2000", "--batches", "10", "--growth", "8")
    assert "Nothing grew, and nothing was left." in output


@pytest.mark.parametrize("pair", PAIRS)
def test_registries_that_pull_from_each_other_come_to_an_end(pair):
    output = run("tests.soak.mutual_pulls", pair)
    assert output.count("'pulled'") == 2


@pytest.mark.parametrize("pair", PAIRS)
def test_rules_that_pull_one_name_from_each_other_find_nothing(aws, pair):
    clients = [client_of(aws, registry) for registry in PAIRS[pair]]
    make_rules(clients, PAIRS[pair])
    found = refusal(clients[0].batch_get_image, repositoryName="ring/app", imageIds=[{"imageTag": "latest"}])
    assert found.code == "RepositoryNotFoundException"
    assert [repositories(client) for client in clients] == [[], []]


def test_endpoint_of_rules_that_pull_one_name_from_each_other_finds_nothing(aws):
    clients = [client_of(aws, registry) for registry in PAIRS["regions"]]
    make_rules(clients, PAIRS["regions"])
    assert Endpoint(aws)("GET", "/v2/ring/app/manifests/latest").status_code == 404


@pytest.fixture
def impatient_threads() -> Iterator[None]:
    """Have threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("in_process", "impatient_threads")
def test_upstreams_and_pull_log_are_there_while_moto_is_reset():
    def look() -> None:
        for _ in range(20_000):
            get_pull_log()
            get_upstream("quay.io")

    with ThreadPoolExecutor(2) as pool:
        looking = [pool.submit(look) for _ in range(2)]
        while not all(one.done() for one in looking):
            BackendDict.reset()
        for one in looking:
            one.result()


@pytest.mark.usefixtures("in_process", "impatient_threads")
def test_backend_has_all_its_attributes_while_moto_is_reset():
    backend = ecr_backends["123456789012"]["us-east-1"]

    def look() -> None:
        for _ in range(20_000):
            assert backend.registry.account_id == "123456789012"
            assert not backend.repositories

    with ThreadPoolExecutor(2) as pool:
        looking = [pool.submit(look) for _ in range(2)]
        while not all(one.done() for one in looking):
            backend.reset()
        for one in looking:
            one.result()
