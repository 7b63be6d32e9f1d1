"""When the upstream was last asked: for a tag, or for the referrers of an image.

Source: Amazon ECR user guide, "Using pull through cache rules": it is asked at most once in 24 hours.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from ..images.manifests import is_tag
from ..registry_id import now

FRESH_FOR = timedelta(hours=24)
"""How long a cached tag is served without a look at the upstream."""


class Freshness:
    """What was asked of the upstreams for the repositories of one registry.

    A tag that is in a repository and not here was put there by somebody: it is theirs, and never asked for.
    """

    def __init__(self) -> None:
        self._asked: dict[str, dict[str, datetime]] = {}

    def __bool__(self) -> bool:
        return bool(self._asked)

    def is_cached(self, repository_name: str) -> bool:
        """Return whether anything was pulled into a repository."""
        return repository_name in self._asked

    def was_asked(self, repository_name: str, reference: str) -> bool:
        return reference in self._asked.get(repository_name, {})

    def is_fresh(self, repository_name: str, reference: str) -> bool:
        asked = self._asked.get(repository_name, {})
        return reference in asked and now() - asked[reference] < FRESH_FOR

    def note(self, repository_name: str, reference: str | None = None) -> None:
        """Remember that a repository is a cached one, and that the upstream was asked for a reference just now."""
        asked = self._asked.setdefault(repository_name, {})
        if reference is not None:
            asked[reference] = now()

    def postpone(self, repository_name: str, reference: str) -> None:
        """Have a failure count as an answer for what is cached: it is asked for again in 24 hours."""
        if self.was_asked(repository_name, reference):
            self.note(repository_name, reference)

    def give_away(self, repository_name: str, tag: str) -> None:
        """Have a tag be its pusher's."""
        self._asked.get(repository_name, {}).pop(tag, None)

    def keep(self, repository_name: str, references: Iterable[str | None]) -> None:
        """Forget all references of a cached repository but these."""
        held = set(references)
        asked = self._asked[repository_name]
        self._asked[repository_name] = {reference: at for reference, at in asked.items() if reference in held}

    def forget(self, repository_name: str) -> bool:
        """Forget a repository, and return whether it was known."""
        return self._asked.pop(repository_name, None) is not None

    def expire(self, repository_name: str | None = None) -> int:
        """Have the upstream asked at the next pull of every cached tag, and return how many there are.

        :param repository_name: of one repository only
        """
        expired = 0
        long_ago = datetime.min.replace(tzinfo=now().tzinfo)
        for name, asked in self._asked.items():
            if repository_name in (None, name):
                expired += sum(map(is_tag, asked))
                self._asked[name] = dict.fromkeys(asked, long_ago)
        return expired
