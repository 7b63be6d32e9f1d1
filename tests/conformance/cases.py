"""The cases of an operation: bodies of requests, each with what is wrong with it according to ECR's service model."""

from __future__ import annotations

import copy
import enum
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.model import ListShape, Shape, StructureShape

from tests.conformance.values import conforms, example, of_its_type, of_other_types

ITEM = "[]"
_RAW = "a text that is replaced"
_DEEP = "[" * 200_000
_BEYOND_PYTHON = {
    "a number of 5,000 digits": ("1" * 5000, ("integer", "long")),
    "a number with an exponent": ("1e400", ()),
    "nested arrays": ("[" * 90 + "]" * 90, ()),
    "nested objects": ('{"a":' * 90 + "1" + "}" * 90, ("structure",)),
}
"""JSON that is written as it stands, with the types of members that it may be a value of."""

Path = tuple[str, ...]
"""The names that lead to a member; ITEM stands for the items of a list."""


class Fault(enum.Enum):
    """What is wrong with a request."""

    NOTHING = enum.auto()
    """It differs in nothing that counts from the request that succeeds."""
    MEANING = enum.auto()
    """The model admits it. Whether it makes sense is the operation's to say."""
    CONSTRAINT = enum.auto()
    """It violates a constraint of the model."""
    FORM = enum.auto()
    """It is no JSON object, or a member is of the wrong JSON type."""


@dataclass(frozen=True)
class Case:
    member: str
    """The path of the member that is varied; '' where it is the body itself."""
    description: str
    fault: Fault
    body: bytes


def cases(good: dict[str, Any], shape: StructureShape) -> Iterator[Case]:
    """Yield the cases of an operation, those of one member together.

    :param good: a request that succeeds
    """
    yield from _bodies(good)
    for path, member in _members(shape, ()):
        yield from _values(good, shape, path, member)
    for path, structure in [((), shape), *_members(shape, ())]:
        if isinstance(structure, StructureShape):
            yield from _absences(good, shape, path, structure)


def _bodies(good: dict[str, Any]) -> Iterator[Case]:
    text = json.dumps(good)
    first = json.dumps(next(iter(good)))
    padded = json.dumps({"Colour": {"a": [None, 1.5, _RAW]}, **good})
    for description, fault, body in (
        ("as it succeeds", Fault.NOTHING, text),
        ("spaces around it", Fault.NOTHING, f"\r\n\t {text} \n"),
        ("an unknown member", Fault.NOTHING, padded),
        ("an unknown member that is nested 90 deep", Fault.NOTHING, _raw(padded, "[" * 90 + "]" * 90)),
        ("an unknown member that is nested too deep", Fault.FORM, _raw(padded, _DEEP + "]" * 200_000)),
        ("members' names in capitals", Fault.NOTHING, json.dumps({**{name.upper(): 1 for name in good}, **good})),
        ("a member twice, first null", Fault.NOTHING, f"{{{first}: null, {text[1:]}"),
        ("a member twice, last of a wrong type", Fault.FORM, f"{text[:-1]}, {first}: true}}"),
        ("NaN in an unknown member", Fault.FORM, _raw(padded, "NaN")),
        ("no byte", Fault.FORM, ""),
        ("spaces", Fault.FORM, "  "),
        ("cut off", Fault.FORM, text[:-1]),
        ("two objects", Fault.FORM, text + text),
        ("a comma at the end", Fault.FORM, f"{text[:-1]},}}"),
        ("single quotes", Fault.FORM, "{'a': 1}"),
        ("null", Fault.FORM, "null"),
        ("an array", Fault.FORM, "[]"),
        ("an array with the request", Fault.FORM, f"[{text}]"),
        ("a number", Fault.FORM, "7"),
        ("a fraction", Fault.FORM, "1.5e400"),
        ("a boolean", Fault.FORM, "true"),
        ("a string", Fault.FORM, json.dumps(text)),
        ("a query", Fault.FORM, "Action=Nothing&a=b"),
        ("nested arrays", Fault.FORM, _DEEP),
        ("nested objects", Fault.FORM, '{"a":' * 200_000),
        ("markup", Fault.FORM, "<a/>"),
    ):
        yield Case("", description, fault, body.encode())
    for description, body in (
        ("bytes that are not UTF-8", b"\xff\xfe{}"),
        ("a text that is not UTF-8", text[:-1].encode() + b', "a": "\xe9"}'),
        ("a surrogate in bytes", text[:-1].encode() + b', "a": "\xed\xa0\x80"}'),
        ("UTF-16", text.encode("utf-16")),
        ("UTF-32", text.encode("utf-32-le")),
        ("a byte order mark", text.encode("utf-8-sig")),
    ):
        yield Case("", description, Fault.FORM, body)


def _members(shape: Shape, path: Path) -> Iterator[tuple[Path, Shape]]:
    """Yield the path and shape of each member, of the members' members, and of the items of lists."""
    inner = shape.members if isinstance(shape, StructureShape) else {}
    if isinstance(shape, ListShape):
        inner = {ITEM: shape.member}
    for name, member in inner.items():
        yield (*path, name), member
        yield from _members(member, (*path, name))


def _values(good: dict[str, Any], shape: StructureShape, path: Path, member: Shape) -> Iterator[Case]:
    values = [
        *((description, Fault.FORM, value) for description, value in of_other_types(member)),
        *(
            (description, Fault.MEANING if conforms(value, member) else Fault.CONSTRAINT, value)
            for description, value in of_its_type(member)
        ),
    ]
    if path[-1] == ITEM:
        values.append(("null", Fault.FORM, None))
    for description, fault, value in values:
        yield Case(".".join(path), description, fault, json.dumps(_with(good, shape, path, value)).encode())
    whole = json.dumps(_with(good, shape, path, _RAW))
    for description, (text, admitted) in _BEYOND_PYTHON.items():
        if member.type_name not in admitted:
            yield Case(".".join(path), description, Fault.FORM, _raw(whole, text).encode())


def _absences(good: dict[str, Any], shape: StructureShape, path: Path, structure: StructureShape) -> Iterator[Case]:
    """Yield a case without each member that is required, and cases in which members are null."""
    for name in structure.members:
        request = _with(good, shape, (*path, name), None)
        required = name in structure.required_members
        fault = Fault.CONSTRAINT if required else Fault.MEANING
        yield Case(".".join((*path, name)), "null", fault, json.dumps(request).encode())
        if required:
            place: Any = request
            for step in path:
                place = place[0 if step == ITEM else step]
            del place[name]
            yield Case(".".join((*path, name)), "left out", fault, json.dumps(request).encode())


def _with(good: dict[str, Any], shape: StructureShape, path: Path, value: Any) -> dict[str, Any]:
    """Return a request whose member at a path has a value. What leads there is made where it is not."""
    request = copy.deepcopy(good)
    place: Any = request
    for step in path[:-1]:
        if step == ITEM:
            shape = shape.member
            place[:] = place or [example(shape)]
            place = place[0]
        else:
            shape = shape.members[step]
            place = place.setdefault(step, example(shape))
    if path[-1] == ITEM:
        place[:] = [value]
    else:
        place[path[-1]] = value
    return request


def _raw(text: str, value: str) -> str:
    return text.replace(json.dumps(_RAW), value)
