"""Requests that are made of ECR's service model, for each operation that this package answers."""

from __future__ import annotations

import pytest

from conftest import Aws
from tests.conformance.situations import Situation, situations
from tests.conformance.walk import Walker


@pytest.mark.parametrize("situation", situations(), ids=str)
def test_answers_to_requests_of_every_form_are_the_models_own_and_refusals_store_nothing(
    aws: Aws, situation: Situation
) -> None:
    walk = Walker(aws, situation).walk()
    assert walk.faults == []
