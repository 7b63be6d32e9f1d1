"""Pages of the documentation, read into their blocks. What is not understood is a fault, with its file and line.

The comment on the line before a block says what cannot be seen from the block itself; ``_REMARKS`` has all that there
are. tests/README.md explains them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]

RUN_ELSEWHERE = {"docs/clients.md": "tests/registry/clients/test_documented_commands.py"}
"""Pages whose blocks another test runs: what they install are Debian packages."""

# What happens to a block.
INSTALLS = "makes the page's environment"
SCRIPT = "runs as a script"
TESTS = "runs by pytest"
SHELL = "runs in the shell"
TRANSCRIPT = "runs in the shell, which prints what follows"
COMMAND = "runs by the command of its comment"
WRITTEN = "becomes a file"
OUTPUT = "is what a program prints"
RUN_BY_CI = "is run by .ci/run"
NOT_RUN = "is not run, for a reason"
PICTURE = "is looked at"

NEED_AN_ENVIRONMENT = {SCRIPT, TESTS, SHELL, TRANSCRIPT, COMMAND, OUTPUT}

_RUNNABLE_LANGUAGES = {"python", "sh", "console"}
_OTHER_LANGUAGES = {"text", "json", "toml", "yaml", "js", "dockerfile", "ini"}
_DIRECTIVES = {"{toctree}", "{eval-rst}"}
"""Fences that the site's builder reads: they show no code."""

_REMARKS = [
    re.compile(r"<!-- file: (?P<file>[^\s,]+)(?:, run: (?P<command>\S.*))? -->"),
    re.compile(r"<!-- run: (?P<command>\S.*) -->"),
    re.compile(r"<!-- not run: (?P<reason>\S.*) -->"),
    re.compile(r"<!-- output of: (?P<program>\S+\.py) -->"),
    re.compile(r"<!-- (?P<by_ci>run by \.ci/run) -->"),
]
_FENCE = re.compile(r"(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<language>.*)")
_MISPLACED_FENCE = re.compile(r"[\s>*+.)\d-]+(?:```|~~~)[^`]*")
_INLINE_CODE = re.compile(r"(`+).*?\1")
_NAME_IN_COMMAND = re.compile(r"[\w./-]*\w\.\w+\b")


class PageFaults(Exception):
    """What the runner does not understand of a page: a line for each fault."""


@dataclass(frozen=True)
class Block:
    """A fenced block. ``line`` is that of its opening fence."""

    page: str
    line: int
    language: str
    text: str
    kind: str
    file: str | None = None
    command: str | None = None
    program: str | None = None

    def __str__(self) -> str:
        """Return where the block is, as editors take it."""
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Page:
    """A page, by its path in the repository."""

    name: str
    blocks: list[Block]

    @property
    def install(self) -> str | None:
        """The command that installs what the page needs. None if nothing of it is run."""
        return next((block.text.strip() for block in self.blocks if block.kind == INSTALLS), None)


def page_names(root: Path = ROOT) -> list[str]:
    """Return the README and every page of ``docs``, as paths in the repository."""
    return sorted(path.relative_to(root).as_posix() for path in [root / "README.md", *root.glob("docs/**/*.md")])


def read_page(name: str, root: Path = ROOT) -> Page:
    """Read a page.

    :raises PageFaults: for whatever is not understood
    """
    reader = _Reader(name)
    blocks = list(reader.blocks((root / name).read_text(encoding="utf-8").splitlines()))
    reader.check_environment(blocks)
    if reader.faults:
        raise PageFaults("\n".join(reader.faults))
    return Page(name, blocks)


def python_blocks(name: str, root: Path = ROOT) -> Iterator[tuple[int, str]]:
    """Yield line and text of each Python block of a page, whether it is run or not, on pages run elsewhere too."""
    for block in _Reader(name).blocks((root / name).read_text(encoding="utf-8").splitlines()):
        if block.language == "python":
            yield block.line, block.text


@dataclass
class _Reader:
    page: str
    faults: list[str] = field(default_factory=list)

    def _fault(self, line: int, what: str) -> None:
        self.faults.append(f"{self.page}:{line}: {what}")

    def blocks(self, lines: list[str]) -> Iterator[Block]:
        at = 0
        remark: dict[str, str] = {}
        while at < len(lines):
            opening = _FENCE.fullmatch(lines[at])
            if not opening:
                self._check_for_hidden_code(lines, at)
                remark = self._remark(lines, at)
                at += 1
                continue
            end = self._closing(lines, at, opening["indent"] + opening["fence"])
            indent = len(opening["indent"])
            text = "".join(f"{line[indent:]}\n" for line in lines[at + 1 : end])
            language = opening["language"].strip()
            if self._language_is_known(at + 1, opening["fence"], language):
                yield self._block(at + 1, language, text, remark)
            remark = {}
            at = end + 1

    def _remark(self, lines: list[str], at: int) -> dict[str, str]:
        """Return what the comment on a line says, if it has one."""
        if "<!--" not in _INLINE_CODE.sub("", lines[at]):
            return {}
        found = next(filter(None, (remark.fullmatch(lines[at].strip()) for remark in _REMARKS)), None)
        if not found:
            self._fault(at + 1, f"a comment that the runner of examples does not know: {lines[at].strip()}")
        elif at + 1 == len(lines) or not _FENCE.fullmatch(lines[at + 1]):
            self._fault(at + 1, "the comment is about the block on the next line, but there is none")
        return {name: value for name, value in found.groupdict().items() if value} if found else {}

    def _check_for_hidden_code(self, lines: list[str], at: int) -> None:
        """Note what a reader sees as a block of code although it has no fence on a line of its own."""
        line = lines[at]
        if _MISPLACED_FENCE.fullmatch(line):
            self._fault(at + 1, f"a fence that is not on a line of its own: {line.strip()}")
        elif re.match(r" *\t| {4}", line) and (at == 0 or not lines[at - 1].strip()):
            self._fault(at + 1, f"a block that is indented instead of fenced: {line.strip()}")
        elif "<pre" in _INLINE_CODE.sub("", line):
            self._fault(at + 1, "a block of HTML")

    def _closing(self, lines: list[str], at: int, fence: str) -> int:
        for end in range(at + 1, len(lines)):
            if lines[end].rstrip() == fence:
                return end
        self._fault(at + 1, "a block without an end")
        return len(lines)

    def _language_is_known(self, line: int, fence: str, language: str) -> bool:
        if fence != "```":
            self._fault(line, "a fence other than three backticks")
        elif not language:
            self._fault(line, "a block without a language")
        elif language not in _RUNNABLE_LANGUAGES | _OTHER_LANGUAGES | _DIRECTIVES:
            self._fault(line, f"a language that the runner of examples does not know: {language}")
        else:
            return language not in _DIRECTIVES
        return False

    def _block(self, line: int, language: str, text: str, remark: dict[str, str]) -> Block:
        file, command = remark.get("file"), remark.get("command")
        if command and not file:
            named = _NAME_IN_COMMAND.search(command)
            file = named[0] if named else None
            if not named:
                self._fault(line, f"the command names no file: {command}")
        if file and (".." in PurePosixPath(file).parts or PurePosixPath(file).is_absolute()):
            self._fault(line, f"the file is not below the page's directory: {file}")
        kind = self._kind(line, language, text, remark)
        return Block(self.page, line, language, text, kind, file, command, remark.get("program"))

    def _kind(self, line: int, language: str, text: str, remark: dict[str, str]) -> str:
        by_remark = {"reason": NOT_RUN, "by_ci": RUN_BY_CI, "program": OUTPUT, "command": COMMAND}
        for name, kind in by_remark.items():
            if name in remark:
                return kind
        if language == "python":
            return self._kind_of_python(line, text, "file" in remark)
        if "file" in remark:
            return WRITTEN
        if language == "console":
            if not text.startswith("$ "):
                self._fault(line, "a transcript that does not begin with a command, on a line with '$ '")
            return TRANSCRIPT
        if language == "sh":
            return INSTALLS if text.startswith("pip install ") else SHELL
        return PICTURE

    def _kind_of_python(self, line: int, text: str, is_file: bool) -> str:
        try:
            statements = ast.parse(text).body
        except SyntaxError as error:
            self._fault(line + (error.lineno or 0), f"this is no Python: {error.msg}")
            return NOT_RUN
        if any(_is_test(statement) for statement in statements):
            return TESTS
        if is_file:
            return WRITTEN
        if re.search(r"^ *(async )?def test_", text, re.MULTILINE):
            self._fault(line, "a test that pytest does not find: it is neither a function nor a method of a test class")
        elif _only_defines(statements):
            self._fault(line, "a script that only defines something: give it a name ('file:'), or use what it defines")
        return SCRIPT

    def check_environment(self, blocks: list[Block]) -> None:
        installs = [block for block in blocks if block.kind == INSTALLS]
        runs = [block for block in blocks if block.kind in NEED_AN_ENVIRONMENT]
        for block in installs:
            if "\n" in block.text.strip().replace("\\\n", ""):
                self._fault(
                    block.line, "the block with 'pip install' has other commands: they need a block of their own"
                )
        for block in installs[1:]:
            self._fault(block.line, f"a second 'pip install'; the one at line {installs[0].line} says all")
        if runs and not installs:
            self._fault(runs[0].line, "the page does not say what to install: it has no 'sh' block with 'pip install'")
        elif installs:
            for block in runs:
                if block.line < installs[0].line and block.kind != OUTPUT:
                    self._fault(block.line, f"the block stands before 'pip install' at line {installs[0].line}")


def _is_test(statement: ast.stmt) -> bool:
    """Return whether pytest finds a test in a statement of a module."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return statement.name.startswith("test_")
    if not isinstance(statement, ast.ClassDef):
        return False
    is_test_class = statement.name.startswith("Test") or any(
        ast.unparse(base).endswith("TestCase") for base in statement.bases
    )
    return is_test_class and any(map(_is_test, statement.body))


def _only_defines(statements: list[ast.stmt]) -> bool:
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    quiet = (*definitions, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
    return all(isinstance(statement, quiet) for statement in statements) and any(
        isinstance(statement, definitions) for statement in statements
    )
