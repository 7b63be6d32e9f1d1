"""Prints how many requests each operation is sent, and what comes of them: ``python -m tests.conformance``.

The exit status is 1 if an answer has a fault.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter

from moto import mock_aws
from moto.server import ThreadedMotoServer

from conftest import Aws
from tests.conformance.situations import Situation, situations
from tests.conformance.walk import Walk, Walker


def main() -> int:
    known = situations()
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("operations", nargs="*", metavar="OPERATION", help="an operation of ECR; all, if none is named")
    operations = parser.parse_args().operations
    unknown = set(operations) - {found.operation for found in known}
    if unknown:
        parser.error(f"nothing is sent to {', '.join(sorted(unknown))}")
    logging.disable()  # an answer of HTTP 500 counts; its traceback is moto's
    chosen = [found for found in known if not operations or found.operation in operations]
    start = time.monotonic()
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    served = Aws("http://{}:{}".format(*server.get_host_and_port()))
    outcomes: Counter[str] = Counter()
    faults = 0
    try:
        for situation in chosen:
            with mock_aws():
                walk = _print("in process", situation, Walker(Aws(None), situation).walk())
            walks = [walk, _print("server", situation, Walker(served, situation).walk())]
            for walk in walks:
                outcomes += walk.outcomes
                faults += len(walk.faults)
    finally:
        server.stop()
    print(f"in all: {outcomes.total() if hasattr(outcomes, 'total') else sum(outcomes.values())} requests")
    for name, number in outcomes.most_common():
        print(f"{number:8} {name}")
    print(f"{faults} faults; {time.monotonic() - start:.0f} s")
    return 1 if faults else 0


def _print(door: str, situation: Situation, walk: Walk) -> Walk:
    counts = ", ".join(f"{name} {number}" for name, number in walk.outcomes.most_common())
    print(f"{situation} ({door}): {sum(walk.outcomes.values())} requests: {counts}")
    for fault in walk.faults:
        print(f"    {fault}")
    return walk


if __name__ == "__main__":
    sys.exit(main())
