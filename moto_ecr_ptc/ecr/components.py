"""The components of a backend: parts of its state, each with the operations on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar, cast

from moto.core.base_backend import backend_lock

Component = TypeVar("Component")

_MADE = "_pull_through_cache_components"


class component(Generic[Component]):  # noqa: N801 (it is used as a decorator)
    """A part of a backend's state, created at its first use and kept until moto resets the backend."""

    def __init__(self, make: Callable[[Any], Component]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    def __get__(self, backend: Any, owner: type) -> Component:
        found = made(backend).get(self._name)
        if found is None:
            with backend_lock:
                components = vars(backend).setdefault(_MADE, {})
                if self._name not in components:
                    components[self._name] = self._make(backend)
                found = components[self._name]
        return cast(Component, found)

    def __set__(self, backend: Any, value: object) -> None:
        """Pass over what a later moto keeps in an attribute of the same name: nothing here reads it."""


def made(backend: Any) -> Mapping[str, Any]:
    """Return the components that a backend has created so far, by name."""
    return cast("Mapping[str, Any]", vars(backend).get(_MADE, {}))
