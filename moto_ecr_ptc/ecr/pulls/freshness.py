"""When the upstream was last asked: for a tag, or for the referrers of an image.

Source: Amazon ECR user guide, "Using pull through cache rules": ECR checks the upstream at most once in 24 hours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from ..images.manifests import is_tag
from ..registry_id import now

FRESH_FOR = timedelta(hours=24)
"""How long a cached tag is served without asking the upstream."""


class Freshness:
    """When the upstreams were last asked for the tags and referrers of one registry's repositories.

    A tag that a repository has and this does not know was pushed with PutImage: the upstream is never asked for it.
    """

    def __init__(self) -> None:
        # None: asked, but at a time that does not count any more.
        self._asked: dict[str, dict[str, datetime | None]] = {}

    def __bool__(self) -> bool:
        return bool(self._asked)

    def is_cached(self, repository_name: str) -> bool:
        """Return whether a repository was filled by pull through cache."""
        return repository_name in self._asked

    def was_asked(self, repository_name: str, reference: str) -> bool:
        return reference in self._asked.get(repository_name, {})

    def is_fresh(self, repository_name: str, reference: str) -> bool:
        return self.fresh_until(repository_name, reference) is not None

    def fresh_until(self, repository_name: str, reference: str) -> datetime | None:
        """Return until when the upstream is not asked again; None if it never was, or may be asked now."""
        asked = self.asked_at(repository_name, reference)
        return asked + FRESH_FOR if asked and now() - asked < FRESH_FOR else None

    @property
    def repositories(self) -> Collection[str]:
        """The names of the repositories that were filled by pull through cache."""
        return self._asked.keys()

    def asked_at(self, repository_name: str, reference: str) -> datetime | None:
        """Return when the upstream was last asked; None if it was not, or if that does not count any more."""
        return self._asked.get(repository_name, {}).get(reference)

    def mark_cached(self, repository_name: str) -> None:
        """Record that a repository is filled by pull through cache."""
        self._asked.setdefault(repository_name, {})

    def mark_asked(self, repository_name: str, reference: str) -> None:
        """Record that the upstream was asked just now for something that a cached repository has.

        :param reference: a tag; or the digest of an image, for its referrers
        """
        self._asked[repository_name][reference] = now()

    def postpone(self, repository_name: str, reference: str) -> None:
        """Keep what is cached for another 24 hours after a failed pull."""
        if self.was_asked(repository_name, reference):
            self.mark_asked(repository_name, reference)

    def mark_pushed(self, repository_name: str, tag: str) -> None:
        """Record that a tag was pushed to a cached repository: the upstream is never asked for it again."""
        self._asked[repository_name].pop(tag, None)

    def forget_all_but(self, repository_name: str, references: Iterable[str | None]) -> None:
        """Forget the references of a cached repository, except these."""
        kept = set(references)
        asked = self._asked[repository_name]
        self._asked[repository_name] = {reference: at for reference, at in asked.items() if reference in kept}

    def forget(self, repository_name: str) -> bool:
        """Forget a repository, and return whether it was filled by pull through cache."""
        return self._asked.pop(repository_name, None) is not None

    def expire(self, repository_name: str | None = None) -> int:
        """Make cached tags stale, so that the next pull of each asks the upstream; return how many there are.

        :param repository_name: the only repository to do so in; None means all
        """
        expired = 0
        for name in list(self._asked) if repository_name is None else {repository_name} & self._asked.keys():
            expired += sum(map(is_tag, self._asked[name]))
            self._asked[name] = dict.fromkeys(self._asked[name])
        return expired
