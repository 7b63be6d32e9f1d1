"""Values for the members of a request: what a shape of ECR's service model admits, and what it does not."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import ListShape, Shape, StructureShape
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import from_regex

from conftest import ACCOUNT, REGION

LONGEST = 100_000
"""Texts and lists beyond this size are not generated: they take long, and are no other case."""

EXAMPLES: dict[str, Any] = {
    "ArtifactType": "application/vnd.example",
    "BatchedOperationLayerDigest": "sha256:" + "0" * 64,
    "CredentialArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache/absent",
    "CustomRoleArn": f"arn:aws:iam::{ACCOUNT}:role/importer",
    "ImageDigest": "sha256:" + "0" * 64,
    "KmsKeyForRepositoryCreationTemplate": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/a-key",
    "LayerDigest": "sha256:" + "0" * 64,
    "MediaType": "application/vnd.oci.image.manifest.v1+json",
    "RegistryId": ACCOUNT,
    "Url": "quay.io",
}
"""Values of shapes whose constraints in the model say less than their meaning does."""

JSON_VALUES = {
    "a string": "text",
    "an integer": 7,
    "a fraction": 1.5,
    "a boolean": True,
    "an array": [],
    "an object": {},
    "NaN": float("nan"),
    "Infinity": float("inf"),
}

_ADMITTED = {
    "string": "a string",
    "blob": "a string",
    "integer": "an integer",
    "long": "an integer",
    "boolean": "a boolean",
    "list": "an array",
    "structure": "an object",
}


def of_other_types(shape: Shape) -> Iterator[tuple[str, Any]]:
    """Yield values of the JSON types that a shape is not of, each with its description."""
    for description, value in JSON_VALUES.items():
        if description != _ADMITTED[shape.type_name]:
            yield description, value
    if shape.type_name == "blob":
        yield "a string that is not base64", "?"


def of_its_type(shape: Shape) -> Iterator[tuple[str, Any]]:
    """Yield values of a shape's JSON type, within its constraints and on both sides of them."""
    if shape.type_name == "string":
        yield from _texts(shape)
    elif shape.type_name in ("integer", "long"):
        bounds = [shape.metadata[bound] for bound in ("min", "max") if bound in shape.metadata]
        for number in {-1, 0, 1, 2**31, 2**63, 10**400, *(bound + step for bound in bounds for step in (-1, 0, 1))}:
            yield f"the number {number if number < 2**64 else '10^400'}", number
    elif isinstance(shape, ListShape):
        sizes = {0, 1, *(shape.metadata[bound] for bound in ("min", "max") if bound in shape.metadata)}
        sizes |= {size + 1 for size in sizes} | {101}
        for size in sizes:
            yield f"{size} items", [example(shape.member)] * size
    elif isinstance(shape, StructureShape):
        yield "all members", {name: example(member) for name, member in shape.members.items()}
        yield "the required members", example(shape)
    elif shape.type_name == "blob":
        yield from ((f"{size} bytes", base64.b64encode(b"x" * size).decode()) for size in (0, 1, 10_000))
    else:
        yield from (("true", True), ("false", False))


def example(shape: Shape) -> Any:
    """Return a value that a shape admits: of a structure the required members alone."""
    if shape.name in EXAMPLES:
        return EXAMPLES[shape.name]
    if isinstance(shape, StructureShape):
        return {name: example(shape.members[name]) for name in shape.required_members}
    if isinstance(shape, ListShape):
        return [example(shape.member)]
    return next(value for _, value in of_its_type(shape) if value and conforms(value, shape))


def conforms(value: Any, shape: Shape) -> bool:
    """Return whether a value of a shape's JSON type satisfies the shape's constraints."""
    metadata = shape.metadata
    if isinstance(shape, StructureShape):
        return all(
            conforms(value[name], member) if name in value else name not in shape.required_members
            for name, member in shape.members.items()
        )
    if isinstance(shape, ListShape) and not all(conforms(item, shape.member) for item in value):
        return False
    size = value if shape.type_name in ("integer", "long") else len(_decoded(value, shape))
    return (
        metadata.get("min", size) <= size <= metadata.get("max", size)
        and value in metadata.get("enum", [value])
        and ("pattern" not in metadata or bool(re.fullmatch(metadata["pattern"], value, re.ASCII)))
    )


def _decoded(value: Any, shape: Shape) -> Any:
    if shape.type_name == "blob":
        return base64.b64decode(value)
    return value if isinstance(value, (str, list)) else ""


def _texts(shape: Shape) -> Iterator[tuple[str, str]]:
    metadata = shape.metadata
    for value in metadata.get("enum", ()):
        yield f"the value {value}", value
        yield f"the value {value} in the wrong case", value.swapcase()
    samples = [EXAMPLES[shape.name]] if shape.name in EXAMPLES else []
    if "pattern" in metadata:
        samples += _samples(metadata["pattern"], metadata.get("min", 0), min(metadata.get("max", 80), 80))
    for sample in samples:
        yield f"the text {sample!r}", sample
    good = samples[0] if samples else "text"
    yield from (
        ("an end of line", good + "\n"),
        ("a space", " " + good),
        ("capitals", good.upper()),
        ("a letter that is not ASCII", good + "\u00e9"),
        ("digits that are not ASCII", "\u0661" * 12),
        ("NUL", good + "\0"),
        ("half of a surrogate pair", "\ud800"),
        ("half of a surrogate pair at the end", good + "\udfff"),
        ("a character outside of the basic plane", "\U0001f433"),
        ("markup", "<script>&amp;{}%s%00"),
        ("parts of a path", "../../etc/passwd"),
        ("a very long text", "a" * LONGEST),
    )
    for bound in ("min", "max"):
        if bound in metadata:
            for length in (metadata[bound] - 1, metadata[bound], metadata[bound] + 1):
                if 0 <= length <= LONGEST:
                    yield f"{length} characters", "a" * length
    yield "no character", ""


@cache
def _samples(pattern: str, shortest: int, longest: int) -> list[str]:
    """Return texts that a pattern matches: the same each time."""
    found: list[str] = []

    @settings(
        max_examples=5,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(from_regex(re.compile(pattern, re.ASCII), fullmatch=True))
    def collect(text: str) -> None:
        if shortest <= len(text) <= longest:
            found.append(text)

    collect()
    return list(dict.fromkeys(found))
