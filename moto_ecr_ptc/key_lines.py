"""On which line each key of a TOML or JSON document stands: the parsers of both tell values only.

The documents have to be well-formed. What is scanned here was parsed before, so this only has to find where a key, a
string or a bracket ends.
"""

from __future__ import annotations

import json
import re
from typing import Union

KeyPath = tuple[Union[str, int], ...]
"""Where a value is: the keys of tables, and the positions in arrays, that lead to it."""

_IGNORED = re.compile(r"(?:[\s,]|#[^\n]*)*")
_KEY = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|[A-Za-z0-9_-]+')
_BETWEEN_KEYS = re.compile(r"[ \t]*\.[ \t]*")
_BEFORE_VALUE = re.compile(r"\s*[=:]\s*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'  # a multi-line string may end with two quotes of its own
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:[^"\\]|\\.)*"'
    r"|'[^']*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class RepeatedKey(ValueError):
    """A key that stands twice in one object of a JSON document."""

    def __init__(self, path: KeyPath, line: int) -> None:
        super().__init__("the key stands twice in its object")
        self.path = path
        self.line = line


def toml_key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line of each key and of each element of an array in a TOML document."""
    scanner = _Scanner(text)
    scanner.scan_document()
    return scanner.lines


def json_key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line of each key and of each element of an array in a JSON document.

    :raises RepeatedKey: an object has a key twice
    """
    scanner = _Scanner(text)
    scanner.scan_value(())
    return scanner.lines


def written(path: KeyPath) -> str:
    """Return a path as in ``docker-hub.images[0].platforms."linux/amd64"``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f"{'.' if text else ''}{step if _BARE_KEY.fullmatch(step) else json.dumps(step)}"
    return text


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._text = text
        self._position = 0
        self._lengths: dict[KeyPath, int] = {}
        """Of the arrays of tables whose headers were seen."""

    def scan_document(self) -> None:
        """Scan the statements of a TOML document."""
        table: KeyPath = ()
        while self._peek():
            if self._peek() == "[":
                table = self._scan_header()
            else:
                self._scan_pair(table)

    def scan_value(self, path: KeyPath) -> None:
        opening = self._peek()
        if opening == "{":
            self._position += 1
            while self._peek() != "}":
                self._scan_pair(path)
            self._position += 1
        elif opening == "[":
            self._position += 1
            index = 0
            while self._peek() != "]":
                self._note((*path, index))
                self.scan_value((*path, index))
                index += 1
            self._position += 1
        elif not self._skip(_STRING):
            self._skip(_SCALAR)

    def _scan_header(self) -> KeyPath:
        """Scan the header of a table, or of a table in an array, and return the path of the table."""
        is_element = self._text.startswith("[[", self._position)
        self._position += 2 if is_element else 1
        *parents, last = self._scan_keys()
        self._position = self._text.index("]", self._position) + (2 if is_element else 1)
        path: KeyPath = ()
        for key in parents:
            path = self._inside((*path, key))
        path = (*path, last)
        if is_element:
            self._lengths[path] = self._lengths.get(path, 0) + 1
        return self._inside(path)

    def _inside(self, path: KeyPath) -> KeyPath:
        """Return the path that a header means: of an array of tables it is the latest one."""
        self._note(path)
        if path in self._lengths:
            path = (*path, self._lengths[path] - 1)
            self._note(path)
        return path

    def _scan_pair(self, path: KeyPath) -> None:
        """Scan a key, which may have dots, and its value."""
        line = self._line()
        for key in self._scan_keys():
            path = (*path, key)
            is_repeated = path in self.lines
            self.lines.setdefault(path, line)
        if is_repeated:  # TOML's parser has refused it
            raise RepeatedKey(path, line)
        self._skip(_BEFORE_VALUE)
        self.scan_value(path)

    def _scan_keys(self) -> list[str]:
        keys = [self._scan_key()]
        while self._skip(_BETWEEN_KEYS):
            keys.append(self._scan_key())
        return keys

    def _scan_key(self) -> str:
        self._peek()
        key = self._skip(_KEY)
        if key.startswith("'"):
            return key[1:-1]
        return str(json.loads(key, strict=False)) if key.startswith('"') else key

    def _note(self, path: KeyPath) -> None:
        self.lines.setdefault(path, self._line())

    def _line(self) -> int:
        return self._text.count("\n", 0, self._position) + 1

    def _peek(self) -> str:
        """Return the next character after white space, commas and comments; nothing at the end."""
        self._skip(_IGNORED)
        return self._text[self._position : self._position + 1]

    def _skip(self, pattern: re.Pattern[str]) -> str:
        """Go on after what matches a pattern here, and return it; nothing if nothing does."""
        match = pattern.match(self._text, self._position)
        if match is None:
            return ""
        self._position = match.end()
        return match[0]
