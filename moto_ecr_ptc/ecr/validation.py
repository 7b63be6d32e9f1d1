"""The constraints that ECR's service model puts on a request's members: length, value, pattern, enum, presence.

They are read from the model that the caller passes in (the installed botocore's), so that they follow its
version. botocore itself checks only some of them on the client, and other clients none.

The wording is ECR's: ``Invalid parameter at 'x' failed to satisfy constraint: 'Member must …'``. Some members of the
API's first operations have an older wording.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.model import ListShape, Shape, StructureShape
from moto.ecr.exceptions import InvalidParameterException

_PATTERN = "Member must satisfy regular expression pattern: "

_UNCHECKED_SHAPES = frozenset({"UploadId"})
"""The shapes that are not checked: a malformed upload id is looked up and not found, as moto's own tests expect."""

_OLDER_REQUESTS = frozenset(
    {"BatchGetImageRequest", "BatchCheckLayerAvailabilityRequest", "GetDownloadUrlForLayerRequest"}
)
_OLDER_PATTERNS = {
    "registryId": "must satisfy regular expression {}",
    "repositoryName": "must satisfy regular expression '{}'",
}
"""The members whose violations have ECR's older wording, with that for a pattern."""


def check_members(members: Mapping[str, Any], shape: StructureShape) -> None:
    """Check the members of a request as ``find_violation`` does.

    :raises InvalidParameterException: a member violates its constraints
    """
    violation = find_violation(members, shape)
    if violation:
        raise InvalidParameterException(violation)


def find_violation(members: Mapping[str, Any], shape: StructureShape) -> str | None:
    """Return ECR's message about the first member that violates its constraints, or None if there is none.

    :param members: a request's members; each value has the JSON type that ``shape`` asks for, absent ones are left out
    :param shape: the operation's input shape; its order of members is the order of the checks
    """
    violation = _find_in_structure(members, shape, "")
    return violation and "Invalid parameter at '{}' failed to satisfy constraint: '{}'".format(*violation)


def find_violation_of(value: Any, shape: Shape, name: str) -> str | None:
    """Return ECR's message about the value of one member, or None if it violates no constraint."""
    violation = _find_in_value(value, shape, name)
    return violation and "Invalid parameter at '{}' failed to satisfy constraint: '{}'".format(*violation)


def _find_in_structure(members: Mapping[str, Any], shape: StructureShape, path: str) -> tuple[str, str] | None:
    """Return the first violation in a structure: the path of the member, and the constraint."""
    for name, member in shape.members.items():
        if name in members:
            violation = _find_in_value(members[name], member, path + name)
            if violation and shape.name in _OLDER_REQUESTS and name in _OLDER_PATTERNS:
                violation = (name, _in_older_words(violation[1], member, _OLDER_PATTERNS[name]))
        else:
            violation = (path + name, "Member must not be null") if name in shape.required_members else None
        if violation:
            return violation
    return None


def _find_in_value(value: Any, shape: Shape, path: str) -> tuple[str, str] | None:
    if isinstance(shape, StructureShape):
        return _find_in_structure(value, shape, f"{path}.")
    constraint = _violated_constraint(value, shape)
    if constraint:
        return path, constraint
    if isinstance(shape, ListShape):
        for number, item in enumerate(value, 1):
            if isinstance(shape.member, StructureShape):
                violation = _find_in_structure(item, shape.member, f"{path}.{number}.member.")
                if violation:
                    return violation
                continue
            constraint = _violated_constraint(item, shape.member)
            if constraint:
                return path, f"Member must satisfy constraint: [{constraint}]"
    return None


def _violated_constraint(value: Any, shape: Shape) -> str | None:
    if shape.name in _UNCHECKED_SHAPES:
        return None
    metadata = shape.metadata
    size, quality = (len(value), "length") if isinstance(value, (str, bytes, list)) else (value, "value")
    if "min" in metadata and size < metadata["min"]:
        return f"Member must have {quality} greater than or equal to {metadata['min']}"
    if "max" in metadata and size > metadata["max"]:
        return f"Member must have {quality} less than or equal to {metadata['max']}"
    if "pattern" in metadata and not _compiled(metadata["pattern"]).fullmatch(value):
        return f"{_PATTERN}{metadata['pattern']}"
    if "enum" in metadata and value not in metadata["enum"]:
        return f"Member must satisfy enum value set: [{', '.join(metadata['enum'])}]"
    return None


def _in_older_words(constraint: str, shape: Shape, pattern: str) -> str:
    if constraint.startswith(_PATTERN):
        return pattern.format(shape.metadata["pattern"])
    return constraint.removeprefix("Member ")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # The model's patterns are Java's, where \w and \d mean ASCII.
    return re.compile(pattern, re.ASCII)
