"""The failures that users set up: for which requests to an upstream registry, in which way, and how many times."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

from ..exceptions import UpstreamError, UpstreamUnreachable, upstream_error
from .names import check_repository

ErrorName = Literal["refused", "timeout"]

_ERRORS = {"refused": "connection refused", "timeout": "no answer in time"}
"""What ``fail`` takes for an error, and what it stands for."""


@dataclass(frozen=True)
class Failure:
    """How requests fail."""

    cause: int | ErrorName
    """An HTTP status, or an error of the connection."""

    times: int | None = None
    """How many more requests fail; None if all do until ``recover``."""

    def __str__(self) -> str:
        cause = f"HTTP {self.cause}" if isinstance(self.cause, int) else self.cause
        return cause if self.times is None else f"{cause}, {self.times} more time{'' if self.times == 1 else 's'}"

    def as_error(self) -> UpstreamError:
        """Return what ECR sees of it."""
        if isinstance(self.cause, int):
            return upstream_error(self.cause, f"it answered HTTP {self.cause}, as set up by 'fail'")
        return UpstreamUnreachable(f"{_ERRORS[self.cause]}, as set up by 'fail'")


class Failures:
    """The failures of one upstream registry. moto's lock must be held."""

    def __init__(self) -> None:
        self._failures: dict[str | None, Failure] = {}

    @property
    def current(self) -> dict[str | None, Failure]:
        """The failures of repositories, and of every one (None)."""
        return dict(self._failures)

    def set(self, repository: str | None, failure: Failure) -> None:
        """Make requests fail: for a repository, or for every one (None)."""
        self._failures[repository] = failure

    def end(self, repository: str | None) -> None:
        """End the failure of a repository, or all failures (None)."""
        if repository is None:
            self._failures.clear()
        else:
            self._failures.pop(repository, None)

    def raise_next(self, repository: str | None) -> None:
        """Count a request to a repository, or to none, which fails if it is to fail.

        :raises UpstreamError: it is; the failure of a repository goes before that of all
        """
        for failing in (repository, None):
            failure = self._failures.get(failing)
            if failure is None:
                continue
            if failure.times == 1:
                del self._failures[failing]
            elif failure.times is not None:
                self._failures[failing] = Failure(failure.cause, failure.times - 1)
            raise failure.as_error()


def describe_failure(
    repository: object, *, status: int | None = None, error: object = None, times: int | None = None
) -> Failure:
    """Return the failure that a user describes. The parameters are those of the public ``fail``.

    :raises ValueError: not exactly one of status and error, or one that is malformed
    """
    if type(repository) is int:
        raise ValueError(
            f"{repository} is not the name of a repository; a status is given as fail(status={repository})"
        )
    if repository is not None:
        check_repository(repository)
    if status is None and error is None and repository in _ERRORS:
        raise ValueError(f"fail takes a status or an error: did you mean fail(error={repository!r})?")
    if status is None and error is None and re.fullmatch("[45][0-9]{2}", str(repository)):
        raise ValueError(f"fail takes a status or an error: did you mean fail(status={repository})?")
    if times is not None and (type(times) is not int or times < 1):
        raise ValueError(f"times must be how many requests fail, 1 or more, not {times!r}")
    if (status is None) == (error is None):
        raise ValueError("fail takes exactly one of status and error")
    if status is not None:
        if not (type(status) is int and 400 <= status <= 599):
            raise ValueError(f"{status!r} is not the HTTP status of a failure (400 to 599)")
        return Failure(status, times)
    if not isinstance(error, str) or error not in _ERRORS:
        raise ValueError(f"{error!r} is not an error; choose one of {', '.join(map(repr, _ERRORS))}")
    return Failure(cast("ErrorName", error), times)
