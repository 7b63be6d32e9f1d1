"""The behaviours of docs/fidelity.md as scenarios, by what they are about."""

from __future__ import annotations

import re
from collections.abc import Callable

import botocore.session

from ..case import Case
from ..running import Scenario

SCENARIOS: dict[str, Scenario] = {}
"""All scenarios by name."""

MODEL = botocore.session.get_session().get_service_model("ecr")


def scenario(
    rows: str, needs: Callable[[], bool] = lambda: True, *, is_run_by_name_only: bool = False
) -> Callable[[Callable[[Case], None]], Scenario]:
    """Make a function a scenario.

    :param rows: the ids of the rows that it is about, with spaces between them
    :param needs: whether the installed botocore has what it calls
    :param is_run_by_name_only: whether it keeps others from the account's quotas while it runs
    """

    def register(body: Callable[[Case], None]) -> Scenario:
        name = body.__name__
        if name in SCENARIOS:
            raise ValueError(f"two scenarios are called '{name}'")
        SCENARIOS[name] = Scenario(name, tuple(rows.split()), body, needs, is_run_by_name_only)
        return SCENARIOS[name]

    return register


def has_member(shape: str, member: str) -> Callable[[], bool]:
    return lambda: member in MODEL.shape_for(shape).members


def has_operation(operation: str) -> Callable[[], bool]:
    return lambda: operation in MODEL.operation_names


def admits(shape: str, value: str) -> bool:
    """Return whether the installed botocore's model admits a value: older ones know fewer."""
    return re.fullmatch(MODEL.shape_for(shape).metadata["pattern"], value) is not None


# They register themselves.
from . import (  # noqa: E402  (what they import stands above)
    blobs,
    discovery,
    images,
    layers,
    manifests,
    policies,
    pulls,
    refusals,
    requests,
    rules,
    secrets,
    stack_secrets,
    stack_updates,
    stacks,
    templates,
    uploads,
)

__all__ = [
    "SCENARIOS",
    "blobs",
    "discovery",
    "images",
    "layers",
    "manifests",
    "policies",
    "pulls",
    "refusals",
    "requests",
    "rules",
    "secrets",
    "stack_secrets",
    "stack_updates",
    "stacks",
    "templates",
    "uploads",
]
