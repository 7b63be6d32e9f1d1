"""A reader's terminal: bash in a page's environment. Its variables and servers last from one block to the next."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.docs.environments import Environment

BLOCK_SECONDS = 300
START_SECONDS = 120

_NOT_INHERITED = re.compile(
    # What the tests run with would change what a reader sees …
    r"AWS_|MOTO_|TEST_SERVER_MODE|INITIAL_NO_AUTH_|PYTEST_|PYTHON|COV|VIRTUAL_ENV|"
    # … and what image clients write belongs below the page's own home.
    r"XDG_|REGISTRY_AUTH_FILE|DOCKER_"
)
_PORT = re.compile(r"(?:-p|--port)[ =]?(\d+)")

_DOCKER = """\
#!/usr/bin/env bash
# podman takes docker's commands, and needs no engine. It speaks plain HTTP to 127.0.0.1, as docker does.
here=$(dirname "$0")
export CONTAINERS_REGISTRIES_CONF=$here/registries.conf CONTAINERS_STORAGE_CONF=$here/storage.conf
export REGISTRY_AUTH_FILE=$here/auth.json
printf '[[registry]]\\nlocation = "127.0.0.1"\\ninsecure = true\\n' >"$CONTAINERS_REGISTRIES_CONF"
printf '[storage]\\ndriver = "vfs"\\ngraphroot = "%s/images"\\nrunroot = "%s/run"\\n' "$here" "$here" \\
    >"$CONTAINERS_STORAGE_CONF"
podman "$@"
"""


@dataclass(frozen=True)
class Printed:
    """What a command prints, to both its outputs, and its exit status: None while it runs."""

    log: Path
    status: int | None

    @property
    def output(self) -> str:
        """All that there is by now."""
        return self.log.read_text(errors="replace")


class Terminal:
    """Use it as a context manager: what was started ends with it."""

    def __init__(self, environment: Environment, directory: Path, default_port: int) -> None:
        """Prepare the environment and the directories.

        :param directory: an empty one; the commands run in ``work`` below it
        :param default_port: of servers that are not told one
        """
        self.work = directory / "work"
        self._state = directory / "state"
        self._variables = self._state / "variables"
        self._default_port = default_port
        for name in ("work", "state", "home", "tmp", "docker"):
            (directory / name).mkdir()
        docker = directory / "docker" / "docker"
        docker.write_text(_DOCKER)
        docker.chmod(0o755)
        self._inherited = {
            **{name: value for name, value in os.environ.items() if not _NOT_INHERITED.match(name)},
            **_npm_settings(),
            "PATH": os.pathsep.join([str(environment.programs), str(docker.parent), os.environ["PATH"]]),
            "HOME": str(directory / "home"),
            # pytest removes the directories of earlier runs there: not those of the run that runs this one.
            "TMPDIR": str(directory / "tmp"),
            "CLONE": str(environment.clone),
            # Where an example forgets credentials it has none, at once, on a machine of EC2 as elsewhere.
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self._background: list[subprocess.Popen[bytes]] = []
        self._servers: dict[int, subprocess.Popen[bytes]] = {}
        self._started = 0

    def __enter__(self) -> Terminal:
        """Return the terminal itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all that runs in the background."""
        for process in self._background:
            _end(process)

    def run(self, script: str) -> Printed:
        """Run a script to its end, or for ``BLOCK_SECONDS``."""
        process, log = self._start(f"trap 'declare -p >{self._variables}' EXIT\nset -eo pipefail\n{script}")
        try:
            status: int | None = process.wait(BLOCK_SECONDS)
        except subprocess.TimeoutExpired:
            status = None
        if _signal(process, 0):
            self._background.append(process)
        return Printed(log, status)

    def serve(self, command: str) -> Printed:
        """Start a server, and wait until it listens. It takes the place of one that listens on the same port.

        A command that only prints something, as with ``--help``, comes to its end.
        """
        named = _PORT.search(command)
        port = int(named[1]) if named else self._default_port
        if port in self._servers:
            _end(self._servers[port])
        process, log = self._start(f"export MOTO_PORT={self._default_port}\n{command}")
        self._background.append(process)
        self._servers[port] = process
        end = time.monotonic() + START_SECONDS
        while process.poll() is None and not _listens(port):
            if time.monotonic() > end:
                _end(process)
            time.sleep(0.05)
        return Printed(log, process.poll())

    def _start(self, script: str) -> tuple[subprocess.Popen[bytes], Path]:
        self._started += 1
        log = self._state / f"log-{self._started}"
        # Some of the variables cannot be set, which the shell says.
        prepare = f"[ ! -e {self._variables} ] || . {self._variables} 2>/dev/null\ncd {self.work}\n"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-c", prepare + script],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._inherited,
                start_new_session=True,
            )
        return process, log


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def _signal(process: subprocess.Popen[bytes], number: int) -> bool:
    """Send a signal to a process and all that it started; return whether any of it is there."""
    process.poll()
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        end = time.monotonic() + 5
        _signal(process, number)
        while _signal(process, 0) and time.monotonic() < end:
            time.sleep(0.02)


def _npm_settings() -> dict[str, str]:
    """Return where npm finds what is in the home of whoever runs the tests."""
    home = Path.home()
    return {"npm_config_userconfig": str(home / ".npmrc"), "npm_config_cache": str(home / ".npm")}
