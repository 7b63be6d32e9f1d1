"""Random sequences agree with the reference; and those that once did not, one by one."""

from __future__ import annotations

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.machine import Sequence


def test_random_sequences_agree_with_the_reference():
    # The same examples each time; `python -m tests.stateful` looks at others. No deadline: machines are busy.
    settings_of_the_suite = settings(
        derandomize=True, deadline=None, max_examples=60, stateful_step_count=40, database=None
    )
    run_state_machine_as_test(Sequence, settings=settings_of_the_suite)
