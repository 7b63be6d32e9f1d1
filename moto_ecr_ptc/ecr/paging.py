"""Pages of a Describe operation, and the tokens that lead from one to the next.

A token contains the sequence number of the last item returned, so that pages stay complete and free of repetitions even
if items are deleted between them. It is signed with a key of the registry's current state: a token of another registry,
of another operation or from before a reset is refused.
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
    """An item with a number by which the pages are ordered."""

    @property
    def sequence(self) -> int: ...


Item = TypeVar("Item", bound=Sequenced)


class Pages(Generic[Item]):
    """Splits one operation's answers into pages."""

    def __init__(self) -> None:
        # Drawing from moto's seeded random numbers would change the ids that moto itself generates.
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
        :param default_size: the page size if ``max_results`` is None
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
