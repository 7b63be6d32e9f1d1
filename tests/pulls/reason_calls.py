"""What the tests of reasons share: the records of the pull log, and what they tell."""

from __future__ import annotations

import json
from typing import Any

from conftest import ACCOUNT, REGION
from moto_ecr_ptc import pull_log
from moto_ecr_ptc.ecr.pulls.pull_log import PullRecord
from tests.pulls.pull_calls import BWA

REGISTRY = f"{ACCOUNT}/{REGION}"
ROOT_USER = f"arn:aws:iam::{ACCOUNT}:root"
SOMEONE = f"arn:aws:iam::{ACCOUNT}:user/someone"
BWA_ARN = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{BWA}"
HUB_SECRET = "ecr-pullthroughcache/hub"
ABSENT = "sha256:" + "0" * 64
NO_RULES = f"no pull through cache rule of {REGISTRY} covers the repository; there are no rules"
BY_TAG = "Amazon ECR pulls an image by its tag alone, never by a digest"
CHANGED_RULE = "the rule 'quay' was deleted or replaced while the upstream was asked"


def last_record() -> PullRecord:
    return pull_log()[-1]


def only_record() -> PullRecord:
    (record,) = pull_log()
    return record


def told(record: PullRecord) -> tuple[str, str]:
    """Return how a pull ended, and why."""
    return record.outcome, record.reason


def route(record: PullRecord) -> tuple[str | None, str | None, str | None]:
    return record.rule, record.upstream, record.template


def policy(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(service: str) -> str:
    return policy({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})


def get_by_digest(ecr: Any, repository: str, digest: str, **more: Any) -> Any:
    return ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageDigest": digest}], **more)
