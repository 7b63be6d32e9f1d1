"""What an image's configuration says of the program in it: its environment, its entrypoint, its labels.

Source: OCI image format specification 1.1, "OCI Image Configuration".
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _is_environment(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) and "=" in text for text in value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_labels(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


_CONFIG_MEMBERS: dict[str, tuple[Callable[[object], bool], str]] = {
    "Cmd": (_is_texts, "a list of strings"),
    "Entrypoint": (_is_texts, "a list of strings"),
    "Env": (_is_environment, "a list of strings such as 'NAME=value'"),
    "ExposedPorts": (_is_object, "a mapping such as {'80/tcp': {}}"),
    "Labels": (_is_labels, "a mapping of strings to strings"),
    "StopSignal": (_is_text, "a string"),
    "User": (_is_text, "a string"),
    "Volumes": (_is_object, "a mapping such as {'/data': {}}"),
    "WorkingDir": (_is_text, "a string"),
}
"""What image clients refuse to read in another form."""


def checked_config(config: object) -> dict[str, Any] | None:
    """Return a configuration as JSON has it, its members sorted.

    :raises ValueError: JSON cannot express it, or no image client could read it
    """
    if config is None:
        return None
    if not isinstance(config, Mapping):
        raise ValueError("config must be a mapping such as {'Env': ['NAME=value'], 'Entrypoint': ['/bin/app']}")
    try:
        plain = cast("dict[str, Any]", json.loads(json.dumps(_plain(config, "config"), sort_keys=True)))
    except RecursionError:
        raise ValueError("config is nested too deep") from None
    for member, (is_well_formed, form) in _CONFIG_MEMBERS.items():
        if plain.get(member) is not None and not is_well_formed(plain[member]):
            raise ValueError(f"config[{member!r}] must be {form}")
    return plain


def _plain(value: object, place: str) -> Any:
    """Return what JSON can express, with dicts for mappings and lists for sequences."""
    if value is None or isinstance(value, (str, bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, Mapping):
        return dict(_plain_members(value, place))
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [_plain(item, f"{place}[{position}]") for position, item in enumerate(value)]
    raise ValueError(f"{place} must be a value that JSON has, not {value!r}")


def _plain_members(value: Mapping[object, object], place: str) -> Iterator[tuple[str, Any]]:
    for name, member in value.items():
        if not isinstance(name, str):
            raise ValueError(f"{place} has the name {name!r}, which is no string")
        yield name, _plain(member, f"{place}[{name!r}]")
