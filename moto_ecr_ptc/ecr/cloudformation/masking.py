"""Masks what a stack never shows: the values of secrets and of parameters with NoEcho.

Source: CloudFormation user guide, "Parameters" (NoEcho).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

MASK = "****"


def no_echo_parameters(template: Mapping[str, Any]) -> list[str]:
    """Return the names of the parameters with NoEcho."""
    slots = template.get("Parameters", {}).items()
    return [name for name, slot in slots if str(slot.get("NoEcho", False)).lower() == "true"]


def mask_parameters(template: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters, with the values of those with NoEcho masked."""
    hidden = no_echo_parameters(template)
    return {name: MASK if name in hidden else value for name, value in parameters.items()}


class Mask:
    """Masks the secret values of a stack in texts and properties.

    :param parameters: the values of the parameters, including defaults
    """

    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
        self._parameters = no_echo_parameters(template)
        self._values: set[str] = set()
        for name in self._parameters:
            self._add(parameters.get(name))

    def text(self, text: str) -> str:
        """Return a text with its secret values masked."""
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, MASK)
        return text

    def add(self, written: Any, resolved: Any, secrets: Iterable[Any] = ()) -> None:
        """Add the secret values among a resource's properties.

        :param written: the properties in the template
        :param resolved: the same with their functions resolved
        :param secrets: values that are always secret
        """
        for value in (*secrets, *self._made_of_parameters(written, resolved)):
            self._add(value)

    def properties(self, resolved: Mapping[str, Any], hidden: Collection[str] = ()) -> dict[str, Any]:
        """Return a resource's properties with their secret values masked.

        :param hidden: the properties to mask as a whole
        """
        return {name: MASK if name in hidden else self._shown(value) for name, value in resolved.items()}

    def _shown(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._shown(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._shown(item) for item in value]
        return MASK if any(secret in str(value) for secret in self._values) else value

    def _made_of_parameters(self, written: Any, resolved: Any) -> Iterator[Any]:
        """Yield what functions returned for a hidden parameter: they may have encoded or split its value."""
        if isinstance(written, dict):
            if any(name == "Ref" or name.startswith("Fn::") for name in written):
                if self._mentions_parameter(written):
                    yield resolved
            elif isinstance(resolved, dict):
                for name in written.keys() & resolved.keys():
                    yield from self._made_of_parameters(written[name], resolved[name])
        elif isinstance(written, list) and isinstance(resolved, list):
            for item, value in zip(written, resolved):
                yield from self._made_of_parameters(item, value)

    def _mentions_parameter(self, written: Any) -> bool:
        text = json.dumps(written, default=str)
        return any(f'"{name}"' in text or f"${{{name}}}" in text for name in self._parameters)

    def _add(self, value: Any) -> None:
        """Add a secret value, or each value in a list or object."""
        if isinstance(value, dict):
            for item in value.values():
                self._add(item)
        elif isinstance(value, list):
            for item in value:
                self._add(item)
        elif not isinstance(value, bool) and str(value):
            self._values |= {str(value), json.dumps(str(value))[1:-1]}
