"""Thousands of mixed operations with resets: ``python -m tests.soak``.

Eight threads share one mock in this process, and then a server in a process of its own, which skopeo calls at the same
time. After each batch of operations moto is reset, and what the process uses is measured. Prints a line for each
sample, and ends with an error if memory, descriptors or threads grow after the warm-up, or if a file is left.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import logging
import os
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from moto import mock_aws
from moto.core.models import responses_mock

from conftest import Aws
from tests.arguments import positive
from tests.registry import observed_server
from tests.soak import skopeo
from tests.soak.usage import HEADING, Usage, growth, measure
from tests.soak.workload import Client, Unexpected, reset

THREADS = 8
WARM_UP = 0.5
"""The share of the samples that do not count: caches fill, and the allocator finds its size."""

SILENCE = 300
"""After how many seconds without a new sample the stacks of all threads are printed, and the process ends."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--operations", type=positive, default=20_000, help="how many there are in all (20,000)")
    parser.add_argument("--batches", type=positive, default=20, help="after how many batches the sample is taken (20)")
    parser.add_argument("--seed", type=int, default=0, help="of the random choices (0)")
    parser.add_argument("--growth", type=float, default=2.0, help="KiB that each operation may leave behind (2.0)")
    options = parser.parse_args()
    size = options.operations // 2 // options.batches
    if not size:
        parser.error(
            f"{options.operations} operations, in process and on a server, do not make {options.batches} batches"
        )
    _trace_memory()
    faulthandler.dump_traceback_later(SILENCE, exit=True)  # it is a thread, and counts as one from the beginning
    logging.getLogger("moto_ecr_ptc").setLevel(logging.CRITICAL)  # most pulls are to fail
    faults = []
    for name, soak in (("in process", _soak_in_process), ("server", _soak_server)):
        print(f"{name}\n{HEADING}", flush=True)
        samples = soak(options.batches, size, options.seed)
        faults += [f"{name}: {fault}" for fault in _find_faults(samples, options.growth * 1024)]
        print()
    if faults:
        sys.exit("\n".join(faults))
    print("Nothing grew, and nothing was left.")


def _trace_memory() -> None:
    """Begin again in an environment where tracemalloc is on, here and in the server, and where glibc keeps two heaps.

    It would have one for each of many threads, and how much these keep for later would hide what is left behind.
    """
    if "PYTHONTRACEMALLOC" not in os.environ:
        command = [sys.executable, "-m", "tests.soak", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONTRACEMALLOC": "1", "MALLOC_ARENA_MAX": "2"})


def _soak_in_process(batches: int, size: int, seed: int) -> list[Usage]:
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        tempfile.tempdir = directory
        stack.callback(setattr, tempfile, "tempdir", None)
        stack.enter_context(mock_aws())
        aws = Aws(None)

        def sample(operations: int) -> Usage:
            reset(aws)
            # The library responses remembers all requests, with their bodies, until the mock ends: twice.
            responses_mock.calls.reset()
            for response in responses_mock.registered():
                response.calls.reset()
            gc.collect()
            return measure(os.getpid(), operations, tracemalloc.get_traced_memory()[0], Path(directory))

        clients = [Client(Aws(None), seed + number) for number in range(THREADS)]
        before = sample(0)
        return [before, *_run(clients, batches, size, sample)]


def _soak_server(batches: int, size: int, seed: int) -> list[Usage]:
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        server = stack.enter_context(observed_server.serve(Path(directory)))
        url = server.endpoint_url

        def sample(operations: int) -> Usage:
            server.start_over()
            return measure(server.process_id, operations, server.allocated, server.directory)

        clients = [Client(Aws(url), seed + number) for number in range(THREADS)]
        before = sample(0)
        try:
            with skopeo.copying(server, Path(directory, "skopeo")):
                samples = _run(clients, batches, size, sample)
        except Unexpected as fault:
            sys.exit(f"{fault}\n{server.errors}")
        samples = [before, *samples, _settle(before, lambda: sample(samples[-1].operations))]
        if "Traceback" in server.errors:
            sys.exit(f"The server reports a fault:\n{server.errors}")
        return samples


def _settle(before: Usage, sample: Callable[[], Usage]) -> Usage:
    """Take a sample when the last connections have ended; or after some seconds, since they never will."""
    deadline = time.monotonic() + 30
    last = sample()
    while (last.descriptors > before.descriptors or last.threads > before.threads) and time.monotonic() < deadline:
        time.sleep(0.1)
        last = sample()
    return last


def _run(clients: Sequence[Client], batches: int, size: int, sample: Callable[[int], Usage]) -> list[Usage]:
    """Let the clients share each batch of operations, and take a sample after it.

    The threads end with the batch, so that one that stays is one too many.
    """
    samples = []
    for number in range(1, batches + 1):
        faulthandler.dump_traceback_later(SILENCE, exit=True)
        with ThreadPoolExecutor(len(clients)) as pool:
            for done in [pool.submit(_do, client, size // len(clients)) for client in clients]:
                done.result()
        samples.append(sample(number * (size // len(clients)) * len(clients)))
        print(samples[-1], flush=True)
    outcomes: Counter[str] = sum((client.outcomes for client in clients), Counter())
    print("; ".join(f"{outcome} {count}" for outcome, count in sorted(outcomes.items())))
    return samples


def _do(client: Client, operations: int) -> None:
    for _ in range(operations):
        client.step()


def _find_faults(samples: Sequence[Usage], allowed: float) -> list[str]:
    """Return what grew, and what is left, as clauses.

    :param samples: the first and the last one are from when there were no clients
    :param allowed: how many bytes an operation may leave behind
    """
    first, last = samples[0], samples[-1]
    faults = []
    left = growth(samples[round(len(samples) * WARM_UP) :])
    print(f"memory grows by {left / 1024:.2f} KiB with each operation, {allowed / 1024:.2f} are allowed")
    if left > allowed:
        faults.append("the memory grows")
    if last.descriptors > first.descriptors:
        faults.append(f"there are {last.descriptors} descriptors after {first.descriptors}")
    if last.threads > first.threads:
        faults.append(f"there are {last.threads} threads after {first.threads}")
    if any(sample.files for sample in samples):
        faults.append("files of uploads are left after a reset")
    return faults


if __name__ == "__main__":
    main()
