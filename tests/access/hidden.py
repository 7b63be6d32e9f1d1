"""Credentials that are easy to find again, and the search for them in whatever is stored or emitted.

``Hidden.check`` takes any text: what a new feature writes can be handed to it too, such as a recording.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus


class Hidden:
    """The credentials that a test has used."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def make(self, name: str) -> str:
        """Return a new credential. It has characters that encodings change."""
        return self.add(name, f'hidden-{name}/+"{name}~')

    def add(self, name: str, value: str) -> str:
        """Look for a credential that somebody else made, and return it."""
        self._values[name] = value
        return value

    def find(self, text: str) -> list[str]:
        """Return which credentials are in a text, each with the form that it has there."""
        return [
            f"{name} ({form})"
            for name, value in self._values.items()
            for form, encoded in _forms(value)
            if encoded in text
        ]

    def check(self, place: str, text: str) -> None:
        """Check that none of the credentials is in a text, in any form.

        :param place: where the text comes from
        """
        found = self.find(text)
        assert not found, f"{place} tells {', '.join(found)}:\n{text}"


def _forms(value: str) -> Iterator[tuple[str, str]]:
    yield "as it is", value
    plain = re.match(r"[\w.~-]{8,}", value)
    if plain:
        yield "its beginning, which no quoting changes", plain[0]
    yield "in JSON", json.dumps(value)[1:-1]
    yield "in JSON in JSON", json.dumps(json.dumps(value)[1:-1])[1:-1]
    yield "repr", repr(value)[1:-1]
    yield "in a URL", quote(value, safe="")
    yield "in a path", quote(value)
    yield "in a form", quote_plus(value)
    raw = value.encode()
    yield "in hexadecimal", raw.hex()
    for offset in range(3):
        # What is encoded may begin with something else, such as a user name: the characters in between stay the same.
        whole = len(raw) - (3 - offset) % 3
        core = raw[(3 - offset) % 3 :][: whole // 3 * 3]
        yield "in base64", base64.b64encode(core).decode()
        yield "in base64 for URLs", base64.urlsafe_b64encode(core).decode()
