"""With the plugin active, moto's own operations answer as without it: the same script, run with and without."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "moto_answers.py"


@pytest.fixture(scope="module")
def answers():
    def run(plugin):
        process = subprocess.run(
            [sys.executable, str(SCRIPT), plugin],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        times = r"20\d\d-\d\d-\d\d[T ][\d:.]+(\+00:00|Z)?|\b1[7-9]\d{8}(\.\d+)?\b"
        text = re.sub(times, "TIME", process.stdout)
        # A deliberate difference: PutImage's digest is the manifest's own.
        return re.sub('"imageDigest": "sha256:[0-9a-f]{64}"', '"imageDigest": "DIGEST"', text).splitlines()

    return run("without"), run("with")


def test_moto_answers_the_same_with_and_without_the_plugin(answers):
    without, with_plugin = answers
    assert without == with_plugin


def test_the_comparison_compares_answers_of_every_kind(answers):
    lines = [json.loads(line) for line in answers[0]]
    assert len(lines) > 45
    assert any("error" in line[2] for line in lines if isinstance(line[2:3], list) and len(line) == 3)
    assert any("not implemented" in str(line) for line in lines)
    assert any("from-cfn" in str(line) for line in lines)
