"""Requests to the registry endpoint and its answers, independent of how they are transported."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..images.blobs import Blob


class BodyCutOff(Exception):
    """The client sent less than it announced, or went away."""


@dataclass(frozen=True)
class Request:
    method: str
    base_url: str
    """Scheme and host, as the client called them."""

    path: str
    """Decoded."""

    query: Mapping[str, str]
    """The first value of each parameter."""

    headers: Mapping[str, str] = field(repr=False)
    """Their names in lower case. They have the client's credentials."""

    body: Iterator[bytes]
    """The pieces, as they arrive. Raises ``BodyCutOff`` if the rest does not."""

    def read_body(self, limit: int) -> bytes | None:
        """Return the whole body; None if it has more than ``limit`` bytes."""
        content = bytearray()
        for piece in self.body:
            content += piece
            if len(content) > limit:
                return None
        return bytes(content)


class BlobRange(NamedTuple):
    """A part of a blob: from ``start`` to before ``end``."""

    blob: Blob
    start: int
    end: int


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | BlobRange = b""

    @property
    def size(self) -> int:
        return self.body.end - self.body.start if isinstance(self.body, BlobRange) else len(self.body)

    def pieces(self) -> Iterator[bytes]:
        if isinstance(self.body, BlobRange):
            return self.body.blob.pieces_between(self.body.start, self.body.end)
        return iter([self.body] if self.body else [])


def json_answer(document: Any, content_type: str = "application/json; charset=utf-8", **headers: str) -> Answer:
    return Answer(200, {"Content-Type": content_type, **headers}, json.dumps(document).encode())
