"""Processes with the plugin beside processes without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from statistics import median

from measure import Comparison, Extra, Pair, Ratio

MOTO_CALL = Ratio(1.03)
PYTEST_SESSION = Extra(10)
FIRST_CALL = Extra(10)
MOCK = Ratio(1.03)
"""No measurable difference: below this, the same process differs from itself."""

_PLUGIN = "moto_ecr_ptc"
_PAIRS = 9
_BATCHES = 30
_SESSIONS = 31
_FIRST_CALLS = 15

_SESSION = """
import sys, time, pytest
start = time.process_time()
status = pytest.main(sys.argv[1:])
print()
print(time.process_time() - start)
sys.exit(status)
"""
"""A pytest session that prints the processor time it took. pytest loads no plugin before ``main``."""


def compare_moto_calls() -> Iterator[Comparison]:
    """Compare moto's own ECR operations, plugin on and off."""
    yield from _compare("moto_calls", MOTO_CALL, pairs=_PAIRS, batches=_BATCHES)


def compare_first_calls() -> Iterator[Comparison]:
    """Compare the first ECR call of a process, plugin on and off."""
    yield from _compare("first_call", FIRST_CALL, pairs=_FIRST_CALLS, batches=1)


def compare_mocks() -> Iterator[Comparison]:
    """Compare entering and leaving ``mock_aws``, plugin on and off."""
    for scenario in ("mock_without_ecr", "mock_with_ecr"):
        yield from _compare(scenario, MOCK, pairs=_PAIRS, batches=_BATCHES)


def compare_pytest_sessions() -> Iterator[Comparison]:
    """Compare pytest sessions of one test that never touches moto, the plugin found by pytest and turned off."""
    options = {"on": [], "off": ["-p", f"no:{_PLUGIN}"]}
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "pytest.ini").write_text("[pytest]\n")
        Path(directory, "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        command = [sys.executable, "-c", _SESSION, "-q", "-p", "no:cacheprovider", *_without_other_plugins()]
        rounds = []
        for number in range(_SESSIONS + 1):
            times = {}
            for plugin in _turns(number):
                output = subprocess.check_output(
                    [*command, *options[plugin]],
                    cwd=directory,
                    env=_environment(PYTHONHASHSEED=str(number)),
                    text=True,
                )
                times[plugin] = float(output.splitlines()[-1])
            rounds.append(Pair(times["on"], times["off"]))
    yield Comparison("session without moto", PYTEST_SESSION, rounds[1:])


def _without_other_plugins() -> list[str]:
    """Return the options that keep pytest from loading the other installed plugins, whose cost would be noise.

    Not ``PYTEST_DISABLE_PLUGIN_AUTOLOAD`` and ``-p`` for this one: for ``-p``, pytest searches all installed packages,
    which it otherwise does once anyway, so that the search would count as this plugin's cost.
    """
    names = {
        entry_point.name
        for distribution in distributions()
        for entry_point in distribution.entry_points
        if entry_point.group == "pytest11"
    }
    if _PLUGIN not in names:
        raise RuntimeError("moto_ecr_ptc is not installed: pytest would not find its plugin")
    return [option for name in sorted(names - {_PLUGIN}) for option in ("-p", f"no:{name}")]


def _compare(scenario: str, budget: Ratio, *, pairs: int, batches: int) -> Iterator[Comparison]:
    """Run pairs of processes, which take turns batch by batch: each pair is a round.

    Two processes of the same program differ for as long as they live, hence several. The first pair, which may have
    bytecode to compile, and the first batch of each process, if it has several, are a warm-up and not counted.
    """
    rounds: dict[str, list[Pair]] = {}
    for number in range(pairs + 1):
        times: dict[str, dict[str, list[float]]] = {"on": {}, "off": {}}
        workers = {plugin: _Worker(plugin, scenario, hash_seed=number) for plugin in _turns(number)}
        for batch in range(batches if number else 1):
            for plugin in _turns(number + batch):
                for name, seconds in workers[plugin].run_batch().items():
                    times[plugin].setdefault(name, []).append(seconds)
        for worker in workers.values():
            worker.close()
        if number == 0:
            continue
        warm_up = 1 if batches > 1 else 0
        for name, theirs in times["off"].items():
            ours = times["on"][name]
            rounds.setdefault(name, []).append(Pair(median(ours[warm_up:]), median(theirs[warm_up:])))
    for name, measured in rounds.items():
        yield Comparison(name, budget, measured)


def _turns(number: int) -> tuple[str, str]:
    return ("on", "off") if number % 2 else ("off", "on")


def _environment(**variables: str) -> dict[str, str]:
    """Return the environment without what changes how pytest starts, keeps bytecode from being written, or warns.

    An installed package has its bytecode: compiling this one's each time would count as a cost that users do not have.
    """
    unwanted = {"PYTEST_ADDOPTS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_PLUGINS", "PYTHONDONTWRITEBYTECODE"}
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "PYTHONWARNINGS": "ignore", **variables}


class _Worker:
    """A running ``worker``, ready for its first batch."""

    def __init__(self, plugin: str, scenario: str, *, hash_seed: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py")), plugin, scenario],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(PYTHONHASHSEED=str(hash_seed)),
            text=True,
        )
        self._read()

    def run_batch(self) -> dict[str, float]:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        batch: dict[str, float] = json.loads(self._read())
        return batch

    def close(self) -> None:
        self._process.communicate()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"A worker process ended with status {self._process.wait()}")
        return line
