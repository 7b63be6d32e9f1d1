"""Rules, templates and upstreams among the models that moto shows: in ``/moto-api/data.json`` and on its dashboard.

moto lists there the instances of its own models, which it tracks until a reset. These lists are made when they are
read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from moto.core.base_backend import backend_lock
from moto.core.model_instances import model_data

from ..upstream.registry import describe_upstreams
from .live_registries import backends_in_use
from .overview import (
    LISTED_UPSTREAM_REPOSITORIES,
    describe_upstream,
    members_of,
    rules_of,
    templates_of,
)


class ShownModel:
    """What moto takes for a model: its instances are those that exist when it asks for them."""

    def __init__(self, find: Callable[[], Iterator[dict[str, Any]]]) -> None:
        self._find = find

    @property
    def instances_tracked(self) -> list[SimpleNamespace]:
        """The instances. moto shows the attributes of each."""
        with backend_lock:
            return [SimpleNamespace(**attributes) for attributes in self._find()]

    @instances_tracked.setter
    def instances_tracked(self, instances: object) -> None:
        """Keep nothing. moto sets this on a reset."""

    instances = instances_tracked
    """The same for older versions of moto, 5.1.2 among them."""


def register() -> None:
    """Make moto show the models."""
    model_data["ecr"].update(
        PullThroughCacheRule=ShownModel(_rules),
        RepositoryCreationTemplate=ShownModel(_templates),
        UpstreamRegistry=ShownModel(_upstreams),
    )


def _rules() -> Iterator[dict[str, Any]]:
    for backend in backends_in_use():
        for rule in rules_of(backend):
            yield {"region": backend.region_name, **members_of(rule)}


def _templates() -> Iterator[dict[str, Any]]:
    for backend in backends_in_use():
        for template in templates_of(backend):
            yield {"registry_id": backend.account_id, "region": backend.region_name, **members_of(template)}


def _upstreams() -> Iterator[dict[str, Any]]:
    for upstream in describe_upstreams((), LISTED_UPSTREAM_REPOSITORIES):
        yield describe_upstream(upstream)
