"""The EventBridge events of pulls, delivered to the targets of moto's EventBridge rules.

Source: Amazon ECR user guide, "Amazon ECR events and EventBridge", pull through cache actions.
"""

from __future__ import annotations

import logging
from typing import Any

from moto.core.utils import unix_time
from moto.events.models import events_backends
from moto.moto_api._internal import mock_random

from ..configuration.rules import PullThroughCacheRule
from ..exceptions import UpstreamError

log = logging.getLogger(__name__)

_ENABLED = frozenset({"ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"})
"""The values of EventBridge's ``RuleState`` with which a rule receives events."""


def send_pull_event(
    rule: PullThroughCacheRule,
    *,
    repository_arn: str,
    tag: str,
    outcome: str | UpstreamError,
) -> None:
    """Send an ``ECR Pull Through Cache Action`` to the default event bus of the rule's account.

    :param outcome: the digest of the image, or the error of the pull
    """
    region = repository_arn.split(":")[3]
    detail = {
        "rule-version": "1",
        "sync-status": "SUCCESS",
        "ecr-repository-prefix": rule.ecr_repository_prefix,
        "repository-name": repository_arn.partition("/")[2],
        "upstream-registry-url": rule.upstream_registry_url,
        "image-tag": tag,
    }
    if isinstance(outcome, UpstreamError):
        detail.update({"sync-status": "FAILED", "failure-code": outcome.code, "failure-reason": outcome.reason})
    else:
        detail["image-digest"] = outcome
    bus = events_backends[rule.registry_id][region].event_buses["default"]
    listening = [event_rule for event_rule in list(bus.rules.values()) if _listens(event_rule)]
    if not listening:
        return
    event: dict[str, Any] = {
        "version": "0",
        "id": str(mock_random.uuid4()),
        "detail-type": "ECR Pull Through Cache Action",
        "source": "aws.ecr",
        "account": rule.registry_id,
        "time": unix_time(),
        "region": region,
        "resources": [repository_arn],
        "detail": detail,
        "ingestion-time": unix_time(),  # moto's input transformers need it
    }
    for event_rule in listening:
        _deliver(event_rule, event)


def _listens(event_rule: Any) -> bool:
    """Return whether an EventBridge rule is enabled and has an event pattern, rather than a schedule alone."""
    return event_rule.state in _ENABLED and bool(event_rule.event_pattern.get_pattern())


def _deliver(event_rule: Any, event: dict[str, Any]) -> None:
    for target in list(event_rule.targets):
        # One target at a time: moto stops at the first that fails; on a copy of the rule that moto does not track.
        copy = object.__new__(type(event_rule))
        vars(copy).update({**vars(event_rule), "targets": [target]})
        try:
            copy.send_to_targets(event)
        # A missing target, or one of a kind that moto does not support, must not fail the pull.
        except Exception as error:
            log.warning(
                "The EventBridge rule '%s' could not deliver the event of a pull to '%s': %r",
                event_rule.name,
                target.get("Arn"),
                error,
            )
