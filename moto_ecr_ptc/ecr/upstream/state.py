"""What an upstream registry tells of itself: what it holds, how it answers, what it was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypedDict, Union

from ..exceptions import UpstreamFailureCode
from .failures import Failure

PullOutcome = Union[Literal["ok"], UpstreamFailureCode]


class Credentials(TypedDict):
    """The credentials for an upstream registry, as in the secret of a rule."""

    username: str
    accessToken: str


@dataclass(frozen=True)
class Pull:
    """A request of ECR to an upstream registry."""

    repository: str
    """The repository's name at the upstream."""

    reference: str
    """A tag; or the digest of a layer, or of the image whose referrers were asked for."""

    account_id: str
    """The account whose registry asked."""

    region: str
    """The Region of that registry."""

    at: datetime
    """When, by moto's clock."""

    outcome: PullOutcome
    """``ok``, or the failure code."""


@dataclass(frozen=True)
class HeldTags:
    """What an upstream registry holds in one repository."""

    repository: str
    tags: dict[str, str]
    """The digests of some tags."""

    tags_total: int


@dataclass(frozen=True)
class UpstreamState:
    """What an upstream registry holds and how it answers. The credentials that it accepts are not in it."""

    url: str
    is_default: bool
    """Whether it has a small image under every name and tag."""

    proxied_url: str | None
    held: tuple[HeldTags, ...]
    """Some of its repositories."""

    held_total: int
    failures: dict[str | None, Failure]
    """How the requests for a repository, or for every one (None), fail."""

    demands_credentials: bool
    pulls: int


def check_credentials(credentials: object) -> None:
    """Check credentials that a user sets.

    :raises ValueError: they have another form
    """
    if (
        not isinstance(credentials, Mapping)
        or set(credentials) != {"username", "accessToken"}
        or not all(isinstance(value, str) and value for value in credentials.values())
    ):
        raise ValueError("credentials must be None or a mapping of 'username' and 'accessToken' to strings")
