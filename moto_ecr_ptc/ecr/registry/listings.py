"""Lists of names in pages: the tags of a repository, or the repositories of a registry.

Names have no numbers by which pages could be ordered, so a list numbers them when it first sees them. Pages stay
complete if names are removed between them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

from ..paging import Pages


class _Name(NamedTuple):
    sequence: int
    name: str


class Listing:
    """The names in one list."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._next_number = itertools.count()
        self._pages: Pages[_Name] = Pages()

    def page(self, names: Sequence[str], size: int | None, token: str | None) -> tuple[list[str], str | None]:
        """Return a page of the names that there are now, and the token of the next page.

        :raises InvalidNextToken: another list issued the token, or none
        """
        self._numbers = {
            name: self._numbers[name] if name in self._numbers else next(self._next_number) for name in names
        }
        ordered = sorted(_Name(number, name) for name, number in self._numbers.items())
        page, next_token = self._pages.page(ordered, size, token)
        return [item.name for item in page], next_token


_listings: WeakKeyDictionary[object, Listing] = WeakKeyDictionary()


def listing_of(owner: object) -> Listing:
    """Return the list of what a repository or registry has: the same for as long as that exists.

    moto's lock must be held.
    """
    return _listings.setdefault(owner, Listing())
