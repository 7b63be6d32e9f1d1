"""TOML and JSON files, read so that each fault is told with the file, the line and the key."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from .ecr.upstream.archives import can_name_a_file
from .key_lines import KeyPath, RepeatedKey, json_key_lines, toml_key_lines, written

# Python 3.11 is the first with a parser of TOML.
_toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

_KINDS = {
    bool: ("a boolean", "a boolean"),
    dict: ("a table", "an object"),
    float: ("a float", "a number"),
    int: ("an integer", "an integer"),
    list: ("an array", "an array"),
    str: ("a string", "a string"),
    type(None): ("null", "null"),
}
"""What values are called in TOML and in JSON."""


@dataclass(frozen=True)
class _Format:
    parse: Callable[[str], Any]
    key_lines: Callable[[str], dict[KeyPath, int]]
    names: Mapping[type, str]


@dataclass(frozen=True)
class Document:
    """A file that was read."""

    path: Path
    text: str = field(repr=False)
    """It may declare credentials."""

    form: _Format


@dataclass(frozen=True)
class Value:
    """A value in a file, and where it stands."""

    document: Document
    path: KeyPath
    content: Any = field(repr=False)

    def fault(self, message: str) -> ValueError:
        """Return the error that tells of a fault here, with the line of the key."""
        lines = self.document.form.key_lines(self.document.text)
        known = self.path
        while known not in lines:  # the value in it that was declared
            known = known[:-1]
        return ValueError(f"{self.document.path}:{lines[known]}: {written(self.path)}: {message}")

    def check(self, *kinds: type) -> Any:
        """Return the content.

        :raises ValueError: it is none of these kinds
        """
        # By the exact type: booleans are integers.
        if type(self.content) not in kinds:
            expected = " or ".join(map(self._name_of, kinds))
            raise self.fault(f"it must be {expected}, not {self._name_of(type(self.content))}")
        return self.content

    def members(self, names: Sequence[str] | None = None, *, required: Sequence[str] = ()) -> dict[str, Value]:
        """Return the values in a table.

        :param names: the keys that it may have; None allows all
        :raises ValueError: it is no table, has other keys, or lacks a required one
        """
        found = {name: self.part(name) for name in self.check(dict)}
        for name, value in found.items():
            if names is not None and name not in names:
                similar = get_close_matches(name, names, 1)
                hint = f"did you mean '{similar[0]}'?" if similar else f"the keys are {', '.join(names)}"
                raise value.fault(f"there is no such key; {hint}")
        for name in required:
            if name not in found:
                raise self.fault(f"'{name}' is missing")
        return found

    def elements(self) -> list[Value]:
        """Return the values in an array.

        :raises ValueError: it is no array
        """
        return [self.part(index) for index in range(len(self.check(list)))]

    def part(self, step: str | int) -> Value:
        """Return the value under a key of this table, or at a position of this array."""
        return Value(self.document, (*self.path, step), self.content[step])

    def read_file(self) -> bytes:
        """Return the bytes of the file that this names, relative to the file that it is in.

        :raises ValueError: it is no string, or there is no such file
        """
        path = self.path_of_file()
        if not can_name_a_file(path):
            raise self.fault("no file can have this name")
        try:
            return path.read_bytes()
        except OSError as error:
            raise self.fault(f"'{self.content}' cannot be read: {error.strerror}") from None

    def path_of_file(self) -> Path:
        """Return the path that this names, relative to the file that it is in."""
        return self.document.path.parent / str(self.check(str))

    def _name_of(self, kind: type) -> str:
        return self.document.form.names.get(kind, "a date or time")


def read_document(path: Path) -> Value:
    """Read a TOML or JSON file.

    :raises ValueError: it is missing, or malformed
    """
    if not can_name_a_file(path):
        raise ValueError(f"{str(path)!r}: no file can have this name")
    form = _FORMATS.get(path.suffix)
    if form is None:
        raise ValueError(f"{path}: the name of the file must end in {' or '.join(_FORMATS)}")
    try:
        text = path.read_bytes().decode("utf-8-sig")  # some editors begin a file with a byte order mark
        members = form.parse(text)
    except OSError as error:
        raise ValueError(f"{path}: it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}:{line}: it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}:{error.lineno}: column {error.colno}: {error.msg}") from None
    except _toml.TOMLDecodeError as error:
        raise ValueError(f"{path}:{_toml_message(str(error), text)}") from None
    except RepeatedKey as error:
        raise ValueError(f"{path}:{error.line}: {written(error.path)}: {error}") from None
    except ValueError:  # Python's limit on the length of numbers
        raise ValueError(f"{path}: it has a number with too many digits") from None
    except RecursionError:
        raise ValueError(f"{path}: it is nested too deeply") from None
    if not isinstance(members, dict):
        raise ValueError(f"{path}:1: it must be {form.names[dict]}, not {form.names[type(members)]}")
    return Value(Document(path, text, form), (), members)


def _toml_message(message: str, text: str) -> str:
    """Return a message of the parser with the line before it instead of behind it."""
    problem, _, place = message.rstrip(")").rpartition(" (at ")
    if place == "end of document":
        last_line = text.rstrip().count("\n") + 1
        return f"{last_line}: {problem}"
    line, column = place.replace("line ", "").split(", ")
    return f"{line}: {column}: {problem}"


def _parse_json(text: str) -> Any:
    value = json.loads(text)
    json_key_lines(text)  # a parser takes the last of two keys
    return value


_FORMATS = {
    ".toml": _Format(_toml.loads, toml_key_lines, {kind: names[0] for kind, names in _KINDS.items()}),
    ".json": _Format(_parse_json, json_key_lines, {kind: names[1] for kind, names in _KINDS.items()}),
}
