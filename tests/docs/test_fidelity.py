"""docs/fidelity.md names tests that exist, and for each way in which a pull fails one of the reason that is told."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

FIDELITY = (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8")


def test_fidelity_names_tests_that_exist_and_all_rows():
    named = re.findall(r"`((?:\w+/)*test_\w+\.py)::(test_\w+)`", FIDELITY)
    assert len(named) > 80
    for file, test in named:
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(encoding="utf-8"), (file, test)
    assert [int(row) for row in re.findall(r"^\| (\d+) \|", FIDELITY, re.MULTILINE)] == list(range(1, 18))
    rows = [line for line in FIDELITY.splitlines() if line.startswith("|") and "---" not in line]
    assert len(rows) > 70


PULL_FAILURE = re.compile(
    r"not found|is missing|[Mm]issing right|InvalidImageTag|\b(?:Repository|Image|Layers)NotFound|LayerInaccessible|"
    r"\bUpstream(?:AccessDenied|TooManyRequests|Unavailable)\b|UnableTo\w+|"
    r"\b(?:NAME_UNKNOWN|MANIFEST_UNKNOWN|BLOB_UNKNOWN|DENIED|TOOMANYREQUESTS|UNAVAILABLE)\b"
)
"""How a pull may end that brings nothing."""

NO_PULL = re.compile(
    r"push|POST|`_catalog`|path or method"
    # Whoever is not known yet, or no longer, has not pulled.
    r"|token is good|is deleted during|was deleted after it logged in"
)
"""What rows tell that are not about pulls."""


def test_fidelity_names_a_test_of_the_reason_for_each_way_in_which_a_pull_fails():
    chapters = re.findall(r"^## (?:Pulls|The registry endpoint)\n(.*?)(?=^## )", FIDELITY, re.MULTILINE | re.DOTALL)
    rows = [line for line in "".join(chapters).splitlines() if line.startswith("| ")]
    failures = [row for row in rows if PULL_FAILURE.search(row.split("|")[1]) and not NO_PULL.search(row.split("|")[1])]
    assert len(failures) > 25
    assert [row for row in failures if "`pulls/test_reasons" not in row] == []
