"""docs/verify.md says which rights a run takes: those to what scenarios and their cleaning call, and no more."""

from __future__ import annotations

import json
import re

from tests.verified.consent import REGIONS
from tests.verified.guard import OPERATIONS
from tests.verified.rows import ROOT

PAGE = (ROOT / "docs" / "verify.md").read_text(encoding="utf-8")
OF_THE_COMMAND = {"DeleteRegistryPolicy", "DescribeRegistry", "ListSecrets"}
BESIDE_THE_OPERATION = {
    # What a pull, a template, a role, the first rule and a secret in a stack demand of their caller as well.
    "BatchImportUpstreamImage",
    "CreateServiceLinkedRole",
    "GetRandomPassword",
    "PassRole",
    "PutLifecyclePolicy",
    "TagResource",
    "UntagResource",
    "UpdateSecret",
}


def test_policy_has_the_rights_to_what_is_called_and_no_more():
    (text,) = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    actions = [action for statement in json.loads(text)["Statement"] for action in listed(statement["Action"])]
    assert {action.partition(":")[2] for action in actions} == OPERATIONS | OF_THE_COMMAND | BESIDE_THE_OPERATION
    assert len(set(actions)) == len(actions)


def listed(actions):
    return actions if isinstance(actions, list) else [actions]


def test_page_names_the_regions():
    *first, last = REGIONS
    assert f"{', '.join(first)} and {last}" in " ".join(PAGE.split())
