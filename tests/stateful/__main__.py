"""Run more and other sequences than the suite: ``python -m tests.stateful --examples 500 --seed 7``.

A sequence that fails is printed as a Python program, which belongs into ``test_sequences.py``. Hypothesis first makes
it as short as it can, which takes up to five minutes.
"""

from __future__ import annotations

import argparse
import logging

from hypothesis import seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.arguments import positive
from tests.stateful.machine import Sequence


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.stateful", description=__doc__)
    parser.add_argument("--examples", type=positive, default=500, help="how many sequences (500)")
    parser.add_argument("--steps", type=positive, default=50, help="how many steps each has at most (50)")
    parser.add_argument("--seed", type=int, default=0, help="of the random choices (0)")
    options = parser.parse_args()
    logging.getLogger("moto_ecr_ptc").setLevel(logging.CRITICAL)  # half of the pulls are to fail
    chosen = settings(deadline=None, max_examples=options.examples, stateful_step_count=options.steps, database=None)
    # Hypothesis' decorator for tests sets it here, too.
    run_state_machine_as_test(seed(options.seed)(Sequence), settings=chosen)
    print(f"{options.examples} sequences of up to {options.steps} steps agree with the reference.")


if __name__ == "__main__":
    main()
