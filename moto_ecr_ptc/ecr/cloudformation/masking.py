"""What of a stack is never shown: the values of parameters with NoEcho, and of secrets.

Source: CloudFormation user guide, "Parameters" (NoEcho).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

MASK = "****"


def no_echo_parameters(template: Mapping[str, Any]) -> list[str]:
    """Return the names of the parameters whose values are not shown."""
    slots = template.get("Parameters", {}).items()
    return [name for name, slot in slots if str(slot.get("NoEcho", False)).lower() == "true"]


def mask_parameters(template: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as they are shown."""
    hidden = no_echo_parameters(template)
    return {name: MASK if name in hidden else value for name, value in parameters.items()}


class Mask:
    """What hides the secret values of a template with its parameters in texts and properties.

    :param parameters: the values of the parameters, defaults among them
    """

    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
        self._parameters = no_echo_parameters(template)
        self._values: set[str] = set()
        for name in self._parameters:
            self._learn(parameters.get(name))

    def text(self, text: str) -> str:
        """Return a text without secret values."""
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, MASK)
        return text

    def learn(self, written: Any, resolved: Any, secrets: Iterable[Any] = ()) -> None:
        """Take note of the secret values among a resource's properties.

        :param written: the properties as the template has them
        :param resolved: what they came to
        :param secrets: values that are secret whatever they are made of
        """
        for value in (*secrets, *self._made_of_parameters(written, resolved)):
            self._learn(value)

    def properties(self, resolved: Mapping[str, Any], hidden: Collection[str] = ()) -> dict[str, Any]:
        """Return a resource's properties as they are shown, when their secret values are known."""
        return {name: MASK if name in hidden else self._shown(value) for name, value in resolved.items()}

    def _shown(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._shown(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._shown(item) for item in value]
        return MASK if any(secret in str(value) for secret in self._values) else value

    def _made_of_parameters(self, written: Any, resolved: Any) -> Iterator[Any]:
        """Return what a function made of a hidden parameter: it may have encoded or taken it apart."""
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

    def _learn(self, value: Any) -> None:
        """Take note of a secret value, and of what it consists of."""
        if isinstance(value, dict):
            for item in value.values():
                self._learn(item)
        elif isinstance(value, list):
            for item in value:
                self._learn(item)
        elif not isinstance(value, bool) and str(value):
            self._values |= {str(value), json.dumps(str(value))[1:-1]}
