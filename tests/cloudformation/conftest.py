"""Stacks, made in both ways or in one."""

from __future__ import annotations

import pytest

from conftest import Aws
from tests.cloudformation.stack_calls import Stacks


@pytest.fixture(params=["at once", "by change set"])
def stacks(request: pytest.FixtureRequest, aws: Aws) -> Stacks:
    return Stacks(aws, request.param == "by change set")


@pytest.fixture
def stack(aws: Aws) -> Stacks:
    return Stacks(aws, by_change_set=False)
