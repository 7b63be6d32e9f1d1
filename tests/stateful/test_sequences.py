"""Random sequences agree with the reference; and those that once did not, one by one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.contents import HOME, OWN_IMAGES, SHARED_LAYER
from tests.stateful.machine import Sequence


def test_random_sequences_agree_with_the_reference():
    # The same examples each time; `python -m tests.stateful` looks at others. No deadline: machines are busy.
    of_the_suite = settings(derandomize=True, deadline=None, max_examples=50, stateful_step_count=40, database=None)
    run_state_machine_as_test(Sequence, settings=of_the_suite)


@pytest.fixture
def sequence() -> Iterator[Sequence]:
    """A sequence, written as Hypothesis prints one that fails. What is there at its end is compared, too."""
    sequence = Sequence()
    sequence.set_up(is_demanding=False, is_held=True)
    yield sequence
    sequence.teardown()


def test_layer_that_was_uploaded_and_then_pulled_goes_with_the_image(sequence):
    (own,) = (own for own in OWN_IMAGES if own.layer == SHARED_LAYER)
    sequence.create_repository(registry=HOME, name="quay/app", mutability="MUTABLE")
    sequence.upload_layer(registry=HOME, name="quay/app", own=own)
    sequence.get_images(registry=HOME, name="quay/app", wanted=["v1"])
    sequence.delete_tag(registry=HOME, name="quay/app", tag="v1", by_endpoint=False)
