"""The registry's policy, where it has none of its own, and the account settings, which are only read."""

from __future__ import annotations

import json

from ..case import Case
from ..guard import policy_statement_id
from . import scenario
from .refusals import INVALID


def policy(case: Case, *actions: str, member: str = "Action") -> str:
    """Return a registry policy that allows the account what it may do anyway."""
    statement = {
        "Sid": policy_statement_id(case.prefix),
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{case.account}:root"},
        member: list(actions),
        "Resource": f"arn:aws:ecr:{case.region}:{case.account}:repository/{case.prefix}/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@scenario("policy-actions policy-wildcards policy-not-action")
def registry_policies(case: Case) -> None:
    put = case.ecr.put_registry_policy
    for label, actions in (
        ("import", ["ecr:BatchImportUpstreamImage"]),
        ("creation and import", ["ecr:CreateRepository", "ecr:BatchImportUpstreamImage"]),
        ("replication", ["ecr:ReplicateImage"]),
        ("pull", ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]),
    ):
        case.answered("policy-actions", label, put, policyText=policy(case, *actions))
    case.refused("policy-actions", "another service", INVALID, put, policyText=policy(case, "s3:GetObject"))
    case.refused("policy-actions", "no such action", INVALID, put, policyText=policy(case, "ecr:Nothing"))
    case.answered("policy-wildcards", "ecr:*", put, policyText=policy(case, "ecr:*"))
    case.answered("policy-wildcards", "ecr:Batch*", put, policyText=policy(case, "ecr:Batch*"))
    case.refused("policy-wildcards", "*", INVALID, put, policyText=policy(case, "*"))
    case.refused("policy-wildcards", "ecr:Nothing*", INVALID, put, policyText=policy(case, "ecr:Nothing*"))
    replication = policy(case, "ecr:ReplicateImage", member="NotAction")
    case.refused("policy-not-action", "NotAction", INVALID, put, policyText=replication)


@scenario("setting-unknown")
def account_setting_that_there_is_none_of(case: Case) -> None:
    case.refused("setting-unknown", "get", INVALID, case.unchecked_ecr.get_account_setting, name="NOTHING")
