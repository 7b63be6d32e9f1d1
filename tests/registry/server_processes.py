"""moto's servers in processes of their own, with this package and without it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

WITH_PLUGIN = "moto_ecr_ptc"
WITHOUT_PLUGIN = "moto.server"


@contextmanager
def running(module: str, log: Path, *options: str, scheme: str = "http") -> Iterator[str]:
    """Run a server, and yield its URL. What it prints goes to ``log``."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"{scheme}://127.0.0.1:{port}"
    command = [sys.executable, "-m", module, "-H", "127.0.0.1", "-p", str(port), *options]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process:
        try:
            _wait_for(url, process, log)
            yield url
        finally:
            process.terminate()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 120
    while not _answers(url):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/moto-api/", timeout=60, verify=False).ok
    except requests.ConnectionError:
        return False
