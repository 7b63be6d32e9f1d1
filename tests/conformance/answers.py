"""Holds an answer of ECR's API against the service model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import requests
from botocore.model import ListShape, OperationModel, Shape, StructureShape
from botocore.parsers import create_parser

from tests.conformance.cases import Fault

PROTOCOL_ERRORS = frozenset({"AccessDeniedException", "SerializationException", "UnknownOperationException"})
"""The errors of the JSON protocol that a body can meet with. The model does not list them."""

_OF_EVERY_ERROR = ("__type", "message", "Message")
"""What every error has. The third is moto's, which says the message twice."""

_CONSTRAINT = re.compile(
    "Invalid parameter at '.*' failed to satisfy constraint: "
    "'(Member )?must (have|not be null|satisfy (regular|constraint: .Member must (have|satisfy regular)))"
)
_TYPES = {
    "string": (str,),
    "blob": (str,),
    "integer": (int,),
    "long": (int,),
    "boolean": (bool,),
    "timestamp": (int, float),
    "list": (list,),
    "structure": (dict,),
}


def outcome(answer: requests.Response) -> str:
    """Return the class of an answer: an exception's name, or the status."""
    return answer.headers.get("X-Amzn-Errortype") or code_of(answer) or str(answer.status_code)


def code_of(answer: requests.Response) -> str:
    if answer.status_code == 200:
        return ""
    try:
        return str(answer.json()["__type"]).rpartition("#")[2]
    except (ValueError, LookupError, TypeError):
        return ""


def complaints(answer: requests.Response, operation: OperationModel) -> Iterator[str]:
    """Yield what the model, or the JSON protocol, does not admit in an answer."""
    if answer.status_code not in (200, 400):
        yield f"HTTP {answer.status_code}"
        return
    try:
        document = answer.json()
    except ValueError:
        yield f"HTTP {answer.status_code} without JSON: {answer.text[:60]!r}"
        return
    headers = {name.lower(): value for name, value in answer.headers.items()}
    response = {"status_code": answer.status_code, "headers": headers, "body": answer.content}
    parsed = create_parser("json").parse(response, operation.output_shape)
    if answer.status_code == 200:
        yield from _of_other_form(document, operation.output_shape, "")
        return
    code = code_of(answer)
    shapes = {shape.name: shape for shape in operation.error_shapes}
    if code not in shapes and code not in PROTOCOL_ERRORS:
        yield f"an exception that the operation does not have: {code!r}"
    if not isinstance(document.get("message"), str) or not document["message"]:
        yield "an exception without a message"
    if parsed["Error"]["Code"] != code:
        yield f"botocore reads {parsed['Error']['Code']!r}"
    members = {name: value for name, value in document.items() if name not in _OF_EVERY_ERROR}
    if members and code in shapes:
        yield from _of_other_form(members, shapes[code], "")


def contradictions(answer: requests.Response, fault: Fault) -> Iterator[str]:
    """Yield what is wrong about the answer to a request that has a fault."""
    code = code_of(answer)
    if fault is Fault.NOTHING and answer.status_code != 200:
        yield f"refused with {code}: {answer.text}"
    elif fault is Fault.MEANING and code == "SerializationException":
        yield f"not of the JSON type that it is of: {answer.text}"
    elif fault is Fault.MEANING and answer.status_code == 400 and _CONSTRAINT.match(answer.json()["message"]):
        yield f"a constraint that the model does not have: {answer.text[:300]}"
    elif fault is Fault.CONSTRAINT and answer.status_code != 400:
        yield "accepted, although it violates a constraint"
    elif fault is Fault.CONSTRAINT and code == "SerializationException":
        yield f"not of the JSON type that it is of: {answer.text}"
    elif fault is Fault.FORM and code != "SerializationException":
        yield f"no SerializationException, but {code or answer.status_code}"


def _of_other_form(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if type(value) not in _TYPES[shape.type_name]:
        yield f"{path or 'the answer'} is a {type(value).__name__}, not a {shape.type_name}"
    elif isinstance(shape, StructureShape):
        for name, member in value.items():
            if name in shape.members:
                yield from _of_other_form(member, shape.members[name], f"{path}.{name}")
            else:
                yield f"{path}.{name} is no member of {shape.name}"
        yield from (f"{path}.{name} is missing" for name in shape.required_members if name not in value)
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value):
            yield from _of_other_form(item, shape.member, f"{path}[{number}]")
    elif value not in shape.metadata.get("enum", [value]):
        yield f"{path} is {value!r}, which {shape.name} does not have"
