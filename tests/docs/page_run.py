"""Runs the blocks of a page as a reader would: in order, in one terminal, and in the page's environment."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

from tests.docs import pages
from tests.docs.environments import Environment
from tests.docs.pages import Block, Page
from tests.docs.terminal import Printed, Terminal, free_port
from tests.strict import STRICT

_LOCAL_ADDRESS = re.compile(r"\b(127\.0\.0\.1|localhost):(500\d)\b")
_PORT_OPTION = re.compile(r"(-p|--port|\bport)([ =]?)(500\d)\b")
_SERVER = re.compile(r"(?:\w+=\S* )*(?:moto_ecr_ptc_server|python -m moto_ecr_ptc)(?: |$)")
_NOT_FOUND = re.compile(r"line \d+: (\S+): command not found")
_NOTHING_RAN = re.compile(r"^Ran 0 tests|^no tests ran", re.MULTILINE)
_LEFT_OUT = re.compile(
    r"^=+ .*\b\d+ (?:skipped|deselected|xfailed|xpassed)\b|^OK \(.*(?:skipped|expected failures)", re.MULTILINE
)
"""What pytest and unittest say of tests that ran in part or not at all, or were to fail."""
_PYTHON = f"python {shlex.join(STRICT)}"
_OUTPUT_SECONDS = 20

FROM_THE_MACHINE = {
    "cdk",
    "curl",
    "docker-registry",
    "node",
    "npm",
    "npx",
    "podman",
    "skopeo",
    "umoci",
}
"""Programs that a page may use without installing them: .ci/run or Debian does."""


class BlockFailed(Exception):
    """What a block did instead, after its file and line."""


class ProgramMissing(Exception):
    """A program that a page uses, and the machine lacks: see ``FROM_THE_MACHINE``."""


def run_page(page: Page, environment: Environment, directory: Path) -> None:
    """Run all blocks of a page, up to the first that fails.

    :param directory: an empty one, for what the page writes
    :raises BlockFailed: for this one
    """
    ports = _Ports()
    with Terminal(environment, directory, ports.taken_for("5000")) as terminal:
        run = _PageRun(terminal, ports)
        for block in page.blocks:
            run.run(block)


class _Ports:
    """The ports that take the place of 5000, 5001 … on a page, so that pages can run at the same time."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def taken_for(self, port: str) -> int:
        return self._taken.setdefault(port, free_port())

    def replace(self, text: str) -> str:
        text = _LOCAL_ADDRESS.sub(lambda found: f"{found[1]}:{self.taken_for(found[2])}", text)
        return _PORT_OPTION.sub(lambda found: f"{found[1]}{found[2]}{self.taken_for(found[3])}", text)


class _PageRun:
    def __init__(self, terminal: Terminal, ports: _Ports) -> None:
        self._terminal = terminal
        self._ports = ports
        self._ways = {
            pages.SCRIPT: self._run_script,
            pages.TESTS: self._run_tests,
            pages.SHELL: self._run_shell,
            pages.TRANSCRIPT: self._run_transcript,
            pages.COMMAND: self._run_command,
            pages.WRITTEN: self._write,
            pages.OUTPUT: self._compare_output,
        }

    def run(self, block: Block) -> None:
        if block.kind in self._ways:
            self._ways[block.kind](block, self._ports.replace(block.text))

    def _run_script(self, block: Block, text: str) -> None:
        name = self._write(block, text, f"example_{block.line}.py")
        self._must_succeed(block, self._terminal.run(f"{_PYTHON} {name}"))

    def _run_tests(self, block: Block, text: str) -> None:
        name = self._write(block, text, f"test_example_{block.line}.py")
        printed = self._terminal.run(f"{_PYTHON} -m pytest {name}")
        self._must_succeed(block, printed)
        self._must_run_all(block, printed)

    def _run_command(self, block: Block, text: str) -> None:
        self._write(block, text)
        command = self._ports.replace(block.command or "")
        if block.language == "python":
            command = f"export PYTHONWARNINGS=error\n{command}\nunset PYTHONWARNINGS"
        printed = self._terminal.run(command)
        self._must_succeed(block, printed)
        if _NOTHING_RAN.search(printed.output):
            raise BlockFailed(f"{block}: the command finds no test\n{printed.output}")
        self._must_run_all(block, printed)

    def _write(self, block: Block, text: str, name: str = "") -> str:
        """Write a block into a file of its name, or of the one that is given, and return which."""
        name = block.file or name
        path = self._terminal.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return shlex.quote(name)

    def _run_shell(self, block: Block, text: str) -> None:
        for is_server, command in _commands(text):
            if is_server:
                self._must_start(block, self._serve(command))
            else:
                self._must_succeed(block, self._terminal.run(command))

    def _run_transcript(self, block: Block, text: str) -> None:
        for line, command, expected in _steps(text):
            at = f"{block.page}:{block.line + line}: $ {command}"
            if _SERVER.match(command):
                printed = self._serve(command)
                # What it prints comes when it already listens, and what it logs may follow.
                expected = f"{expected.rstrip()}..."
                end = time.monotonic() + _OUTPUT_SECONDS
                while not _is_printed(expected, printed.output) and time.monotonic() < end:
                    time.sleep(0.05)
            else:
                printed = self._terminal.run(f"set +e\n{command}")
                if printed.status is None:
                    raise BlockFailed(f"{at}\n--- it does not end, and printed\n{printed.output}")
            self._skip_what_is_missing(block, printed)
            if not _is_printed(expected, printed.output):
                raise BlockFailed(f"{at}\n--- the page says\n{expected}--- it printed\n{printed.output}")

    def _serve(self, command: str) -> Printed:
        return self._terminal.serve(command.rstrip().rstrip("&"))

    def _compare_output(self, block: Block, text: str) -> None:
        printed = self._terminal.run(f'{_PYTHON} "$CLONE"/{block.program}')
        self._must_succeed(block, printed)
        # Pages break long lines where they can be read.
        if not _is_printed(f"...{_one_line(text)}...", _one_line(printed.output)):
            raise BlockFailed(f"{block}: {block.program} prints something else\n{printed.output}")

    def _must_start(self, block: Block, printed: Printed) -> None:
        if printed.status:
            raise BlockFailed(f"{block}: the server does not start\n{printed.output}")

    def _must_succeed(self, block: Block, printed: Printed) -> None:
        self._skip_what_is_missing(block, printed)
        if printed.status is None:
            raise BlockFailed(f"{block}: it does not end\n{printed.output}")
        if printed.status != 0:
            raise BlockFailed(f"{block}: it ends with status {printed.status}\n{printed.output}")

    def _must_run_all(self, block: Block, printed: Printed) -> None:
        if _LEFT_OUT.search(printed.output):
            raise BlockFailed(f"{block}: not all of its tests ran and passed\n{printed.output}")

    def _skip_what_is_missing(self, block: Block, printed: Printed) -> None:
        missing = FROM_THE_MACHINE.intersection(_NOT_FOUND.findall(printed.output))
        if missing:
            raise ProgramMissing(f"{block}: the machine has no {' and no '.join(sorted(missing))}")


def _commands(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the parts of a block: each command that starts a server, and what is between them."""
    lines: list[str] = []
    for line in text.replace("\\\n", " ").splitlines():
        if _SERVER.match(line):
            if lines:
                yield False, "\n".join(lines)
            lines = []
            yield True, line
        else:
            lines.append(line)
    if lines:
        yield False, "\n".join(lines)


def _steps(transcript: str) -> Iterator[tuple[int, str, str]]:
    """Yield each command of a transcript: its line in the block, the command, and what it must print."""
    lines = transcript.splitlines()
    at = 0
    while at < len(lines):
        begin = at
        command = lines[at][len("$ ") :]
        while command.endswith("\\"):
            at += 1
            command = command[:-1] + lines[at]
        at += 1
        expected = ""
        while at < len(lines) and not lines[at].startswith("$ "):
            expected += f"{lines[at]}\n"
            at += 1
        yield begin + 1, command, expected


def _is_printed(expected: str, output: str) -> bool:
    pattern = re.escape(expected.strip()).replace(r"\.\.\.", ".*?")
    return bool(re.fullmatch(pattern, output.strip(), re.DOTALL))


def _one_line(text: str) -> str:
    return " ".join(text.split())
