"""The pull log: what was asked for, what was decided about it, and why.

On the wire a pull fails with AWS's words, by which many failures look alike. Each is told here with its reason: as a
record, and as a line of the logger ``moto_ecr_ptc``.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import count, islice
from threading import Lock
from typing import Final, Literal, NamedTuple

from moto.core.base_backend import BackendDict, BaseBackend, backend_lock
from moto.core.exceptions import ServiceException

from ..exceptions import UpstreamError
from ..registry_id import RegistryId, now
from ..wording import one_line

OK: Final = "ok"
"""The outcome of a pull that succeeded."""

CACHE: Final = "cache"
UPSTREAM: Final = "upstream"
"""What a pull was answered by."""

Answerer = Literal["cache", "upstream"]
PullOperation = Literal["BatchGetImage", "GetDownloadUrlForLayer", "ListImageReferrers"]

FOREIGN_REGISTRY = "the registryId {} belongs to another account, whose registry the mocked API does not read"
"""Why nothing is found in a registry that a request names."""

REMEMBERED_RECORDS = 10_000
"""How many records are kept, since a server may run for a long time."""

_MAX_NAME = 512
_MAX_REASON = 2048
"""How many characters are kept of texts whose length nobody limits."""

log = logging.getLogger("moto_ecr_ptc")


@dataclass(frozen=True)
class PullRecord:
    """What was decided about one image, layer or list of referrers that somebody asked a registry for."""

    at: datetime
    """When, by moto's clock."""

    operation: PullOperation
    """``BatchGetImage``, ``GetDownloadUrlForLayer`` or ``ListImageReferrers``, also for the registry endpoint."""

    account_id: str
    """The account whose registry was asked."""

    region: str
    """The Region of that registry."""

    caller: str
    """The ARN of who asked; of the account's root user while moto does not enforce IAM."""

    repository: str
    """The repository's name in that registry."""

    reference: str
    """A tag; or the digest of an image or layer."""

    rule: str | None
    """The ``ecrRepositoryPrefix`` of the rule that covers the repository; None if none does."""

    upstream: str | None
    """The repository at the upstream, as ``registry-1.docker.io/library/alpine``."""

    template: str | None
    """The prefix of the template that a new repository is created by."""

    answered_by: Answerer | None
    """``cache`` or ``upstream``; None if the pull failed."""

    fresh_until: datetime | None
    """Until when the cache answers without asking the upstream."""

    outcome: str
    """``ok``, or the code of the failure or exception."""

    reason: str
    """Why, as a clause."""

    def __str__(self) -> str:
        separator = "@" if ":" in self.reference.partition("@")[0] else ":"
        ending = "succeeded" if self.outcome == OK else f"failed with {self.outcome}"
        sentence = (
            f"{self.operation} of '{self.repository}{separator if self.reference else ''}{self.reference}' "
            f"in {self.account_id}/{self.region} by {self.caller} {ending}: {self.reason}"
        )
        details = [
            f"{name} '{value}'"
            for name, value in (("rule", self.rule), ("upstream", self.upstream), ("template", self.template))
            if value is not None
        ]
        if self.fresh_until:
            details.append(f"fresh until {self.fresh_until:%Y-%m-%d %H:%M:%S} UTC")
        return one_line(f"{sentence} ({', '.join(details)})." if details else f"{sentence}.")


class Question(NamedTuple):
    """Who asks for what."""

    operation: PullOperation
    registry: RegistryId
    caller: str
    """An ARN."""

    repository_name: str


class Route(NamedTuple):
    """Where a repository is pulled from. The members are those of ``PullRecord``."""

    rule: str | None = None
    upstream: str | None = None
    template: str | None = None


NO_ROUTE = Route()
"""That of a repository that no rule covers."""


class Decision(NamedTuple):
    """What was decided about a pull, and why."""

    reason: str
    """As a clause."""

    route: Route = NO_ROUTE
    answered_by: Answerer | None = None
    error: UpstreamError | None = None
    """What the upstream failed with, also if the cache answers."""

    refusal: Callable[[], ServiceException] | None = None
    """Makes the exception with which the request fails. One that was raised would keep all of moto's state alive."""

    @property
    def reason_of_failure(self) -> str:
        """Why nothing is returned in the end, as a clause."""
        if self.answered_by:
            return "it was there, but was deleted before the request was answered"
        return self.reason


class PullLog:
    """The records since moto's last reset, oldest first."""

    _sequence = count(1)

    def __init__(self) -> None:
        self._lock = Lock()
        self.number = next(self._sequence)
        """Another one after each reset."""

        self._records: deque[PullRecord] = deque(maxlen=REMEMBERED_RECORDS)
        self._total = 0

    @property
    def records(self) -> tuple[PullRecord, ...]:
        with self._lock:
            return tuple(self._records)

    def since(self, position: int) -> tuple[int, list[PullRecord]]:
        """Return the number of records so far, and those that are kept of the ones after the first ``position``."""
        with self._lock:
            forgotten = self._total - len(self._records)
            return self._total, list(islice(self._records, max(position - forgotten, 0), None))

    def record(
        self,
        question: Question,
        reference: str,
        outcome: str,
        reason: str,
        route: Route = NO_ROUTE,
        *,
        answered_by: Answerer | None = None,
        fresh_until: datetime | None = None,
    ) -> None:
        """Keep and log what was decided. moto's lock must not be held: what receives the log may be slow.

        :param outcome: ``ok``, or the code of the failure
        """
        record = PullRecord(
            at=now(),
            operation=question.operation,
            account_id=question.registry.account_id,
            region=question.registry.region,
            caller=question.caller,
            repository=question.repository_name[:_MAX_NAME],
            reference=reference[:_MAX_NAME],
            rule=route.rule,
            upstream=route.upstream,
            template=route.template,
            answered_by=answered_by,
            fresh_until=fresh_until,
            outcome=outcome,
            reason=one_line(reason)[:_MAX_REASON],
        )
        with self._lock:
            self._records.append(record)
            self._total += 1
        log.log(logging.INFO if outcome == OK else logging.WARNING, "%s", record)


class PullLogBackend(BaseBackend):
    """Keeps the pull log of all registries. moto resets this with its other backends."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.pull_log = PullLog()


_backends = BackendDict(PullLogBackend, "ecr", use_boto3_regions=False, additional_regions=["aws"])


def get_pull_log() -> PullLog:
    """Return the pull log, in moto's current state."""
    with backend_lock:  # a reset of moto would take it away in the middle of the look-up
        return _backends["pull log"]["aws"].pull_log
