"""Pages of a Describe operation, and the tokens that lead from one to the next.

A token names the last item that was handed out by its sequence number, not by its place, so that an item deleted
between two pages neither breaks nor repeats anything. It is signed with a key of the registry's current state: a token
of another registry, of another operation or from before a reset is refused.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

from .exceptions import InvalidNextToken

DEFAULT_PAGE_SIZE = 100
_SIGNATURE_SIZE = 16


class Sequenced(Protocol):
    """An item that knows its place in the order of creation."""

    @property
    def sequence(self) -> int: ...


Item = TypeVar("Item", bound=Sequenced)


class Pages(Generic[Item]):
    """Splits one operation's answers into pages."""

    def __init__(self) -> None:
        # Not moto's seeded random numbers: drawing from those would change the ids that moto itself gives out.
        self._key = secrets.token_bytes(16)

    def page(
        self,
        items: Iterable[Item],
        max_results: int | None,
        next_token: str | None,
        default_size: int = DEFAULT_PAGE_SIZE,
    ) -> tuple[list[Item], str | None]:
        """Return one page of ``items``, and the token of the next page if there is one.

        :param items: all items that the request selects, in ascending order of their sequence numbers
        :param default_size: of a page, when ``max_results`` is None
        :raises InvalidNextToken: this object did not issue ``next_token``
        """
        after = -1 if next_token is None else self._read_token(next_token)
        size = max_results or default_size
        remaining = [item for item in items if item.sequence > after]
        page = remaining[:size]
        return page, self._issue_token(page[-1].sequence) if len(remaining) > size else None

    def _issue_token(self, sequence: int) -> str:
        number = str(sequence).encode()
        signature = hmac.digest(self._key, number, "sha256")[:_SIGNATURE_SIZE]
        return base64.urlsafe_b64encode(signature + number).decode()

    def _read_token(self, token: str) -> int:
        try:
            sequence = int(base64.urlsafe_b64decode(token)[_SIGNATURE_SIZE:])
        except ValueError:
            raise InvalidNextToken from None
        if token != self._issue_token(sequence):
            raise InvalidNextToken
        return sequence
