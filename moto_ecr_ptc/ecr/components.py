"""The components of a backend: parts of its state, each with the operations on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from moto.core.base_backend import backend_lock

Component = TypeVar("Component")


class component(Generic[Component]):  # noqa: N801 (it is used as a decorator)
    """A part of a backend's state, created at its first use and kept until moto resets the backend."""

    def __init__(self, make: Callable[[Any], Component]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    def __get__(self, backend: Any, owner: type) -> Component:
        with backend_lock:
            if self._name not in vars(backend):
                vars(backend)[self._name] = self._make(backend)
            return cast(Component, vars(backend)[self._name])
