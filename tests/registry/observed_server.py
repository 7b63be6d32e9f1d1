"""A moto server in a process of its own, whose memory, files and limits the tests see, and whose end they may be.

``observed_server.LINUX`` skips a test on other systems.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from conftest import Aws

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what a process uses")

_PROGRAM = """
import gc
import sys
import tracemalloc
from moto.server import ThreadedMotoServer
import moto_ecr_ptc
gc.disable()  # what is not needed any more is to go at once
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print("http://%s:%d" % server.get_host_and_port(), flush=True)
for _ in sys.stdin:
    gc.collect()
    print(tracemalloc.get_traced_memory()[0], flush=True)
server.stop()
"""


class ObservedServer(Aws):
    """A running server, with a directory for its temporary files."""

    def __init__(self, url: str, process: subprocess.Popen[str], directory: Path) -> None:
        super().__init__(url)
        self.directory = directory
        self.allocated = 0
        """What Python objects took up, in bytes, when it last started over, if tracemalloc is on in it."""

        self._process = process
        self._limits: dict[str, int] = {}
        """What the limits were before they were set."""

        self._information = Path(f"/proc/{process.pid}")

    @property
    def process_id(self) -> int:
        return self._process.pid

    @property
    def peak(self) -> int:
        """The most memory that the process has used since it started over, in bytes."""
        lines = (self._information / "status").read_text().splitlines()
        (line,) = (line for line in lines if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    @property
    def open_files(self) -> list[str]:
        """The temporary files that are open: they have no names, and so are in no directory."""
        return [target for target in self._descriptors.values() if target.startswith(f"{self.directory}/")]

    @property
    def errors(self) -> str:
        """What the process has written to standard error."""
        return (self.directory.parent / "errors").read_text()

    def start_over(self) -> None:
        """Lift the limits, forget all state and the peak, and collect what other tests left."""
        for name, value in self._limits.items():
            self._set_limit(name, value)
        requests.post(f"{self.endpoint_url}/moto-api/reset", timeout=60).raise_for_status()
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self.allocated = int(self._process.stdout.readline())
        wait_until(lambda: not self.open_files)
        (self._information / "clear_refs").write_text("5")

    def allow_more_descriptors(self, count: int) -> None:
        """Let the process have so many open at once, besides those that it has now that it has nothing to do."""
        wait_until(lambda: sum(target.startswith("socket:") for target in self._descriptors.values()) == 1)
        used = set(self._descriptors)
        limit = next(number for number in range(len(used) + count + 1) if len(set(range(number)) - used) == count)
        self._set_limit("RLIMIT_NOFILE", limit)

    def limit_files(self, size: int) -> None:
        """Let the process write no file beyond this size, as if the disk were full."""
        self._set_limit("RLIMIT_FSIZE", size)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(60)

    def stop(self) -> None:
        """Let the process end by itself."""
        self._process.communicate(timeout=60)

    @property
    def _descriptors(self) -> dict[int, str]:
        found = {}
        for link in (self._information / "fd").iterdir():
            try:
                found[int(link.name)] = os.readlink(link)
            except FileNotFoundError:  # noqa: PERF203 (it was closed meanwhile)
                continue
        return found

    def _set_limit(self, name: str, value: int) -> None:
        import resource  # other systems do not have it

        limit = getattr(resource, name)
        soft, hard = resource.prlimit(self._process.pid, limit)
        self._limits.setdefault(name, soft)
        resource.prlimit(self._process.pid, limit, (value, hard))


@contextmanager
def serve(directory: Path) -> Iterator[ObservedServer]:
    """Run a server.

    :param directory: an empty one
    """
    temporary = directory / "temporary"
    temporary.mkdir()
    with (
        (directory / "errors").open("wb") as errors,
        subprocess.Popen(
            [sys.executable, "-W", "always::ResourceWarning", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "TMPDIR": str(temporary)},
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            yield ObservedServer(process.stdout.readline().strip(), process, temporary)
        finally:
            process.kill()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.01)
