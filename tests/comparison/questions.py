"""Asks an emulator of AWS what it does of ECR's pull through cache, and prints the answers, a line each.

``python -m tests.comparison.questions --endpoint-url http://127.0.0.1:5000``. The emulator should be freshly started:
the questions make rules, repositories, secrets, users and stacks, and delete few of them.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator

from tests.comparison.asked import Answer, answer
from tests.comparison.emulator import Emulator
from tests.comparison.endpoint import ENDPOINT
from tests.comparison.pulls import PULLS
from tests.comparison.rules import RULES

QUESTIONS = (*RULES, *PULLS, *ENDPOINT)


def answers(endpoint_url: str) -> Iterator[Answer]:
    """Ask all questions, one after another."""
    emulator = Emulator(endpoint_url)
    for question in QUESTIONS:
        yield answer(question, emulator)


def main() -> None:
    """Ask the emulator that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint-url", required=True, help="where the emulator answers")
    counts: Counter[str] = Counter()
    for found in answers(parser.parse_args().endpoint_url):
        counts[found.verdict] += 1
        print(f"{found.verdict:5}  {found.question.text}: {found.why}", flush=True)
    print(", ".join(f"{counts[verdict]} {verdict}" for verdict in ("yes", "no", "error")))


if __name__ == "__main__":
    main()
