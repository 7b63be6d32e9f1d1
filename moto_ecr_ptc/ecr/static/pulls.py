"""The call that reads the pull log: ``/moto-api/static/ecr/pulls``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..pulls.pull_log import OK, PullRecord, get_pull_log
from .calls import Parameters

FAILED = "failed"
"""The parameter ``outcome`` that means every failure. The codes of failures begin with a capital letter."""


def list_pulls(parameters: Parameters) -> Any:
    """Return the records of the pull log that the parameters select, oldest first."""
    is_selected = _selection(parameters)
    after = parameters.take_number("after") or 0
    limit = parameters.take_number("limit")
    parameters.finish()
    log = get_pull_log()
    total, records = log.since(0)
    forgotten = total - len(records)
    selected = [(number, record) for number, record in enumerate(records, forgotten + 1) if is_selected(record)]
    later = [record for number, record in selected if number > after]
    return {
        "log": log.number,
        "total": total,
        "selected": len(selected),
        "failed": sum(record.outcome != OK for _, record in selected),
        "pulls": [describe(record) for record in (later if limit is None else later[max(len(later) - limit, 0) :])],
    }


def describe(record: PullRecord) -> dict[str, Any]:
    fresh_until = record.fresh_until and record.fresh_until.isoformat()
    return {**vars(record), "at": record.at.isoformat(), "fresh_until": fresh_until, "text": str(record)}


def _selection(parameters: Parameters) -> Callable[[PullRecord], bool]:
    is_named = parameters.take_names("repository")
    outcome = parameters.take("outcome", str)
    account_id = parameters.take_account()
    region = parameters.take_region()

    def is_selected(record: PullRecord) -> bool:
        return (
            (outcome is None or outcome == record.outcome or (outcome == FAILED and record.outcome != OK))
            and account_id in (None, record.account_id)
            and region in (None, record.region)
            and is_named(record.repository)
        )

    return is_selected
