"""Answers requests to the hosts of registries, in process: moto intercepts ``requests`` while a mock is active.

Nothing of this package's ECR, or of moto's, is loaded before the first such request.
moto's own registration of URLs, ``backend_index``, would slow down every call of every service.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import wraps
from http.client import responses as reasons
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import responses
from requests import PreparedRequest
from urllib3.response import HTTPResponse

if TYPE_CHECKING:
    from .ecr.downloads import Download
    from .ecr.registry.messages import Answer, Request

_PIECE = 1024 * 1024


class _RegistryResponse(responses.BaseResponse):
    """Answers a request to a registry, reading and writing bodies piece by piece."""

    def __init__(self, request: PreparedRequest) -> None:
        super().__init__(str(request.method), re.compile(re.escape(str(request.url))))

    def get_response(self, request: PreparedRequest) -> HTTPResponse:
        url = urlsplit(str(request.url))
        found: Download | Answer
        if url.path == "/layers":
            from .ecr.downloads import find_download  # with the first layer

            found = find_download(str(request.method), f"{url.scheme}://{url.hostname}{url.path}?{url.query}")
        else:
            from .ecr.registry.routes import answer  # with the first image client

            found = answer(_read_request(request))
        return HTTPResponse(
            status=found.status,
            reason=reasons[found.status],
            headers=found.headers,
            body=io.BufferedReader(_Stream(iter(()) if request.method == "HEAD" else found.pieces())),
            preload_content=False,
            decode_content=False,
            request_method=request.method,
        )


def _read_request(request: PreparedRequest) -> Request:
    from .ecr.registry.messages import Request

    url = urlsplit(str(request.url))
    return Request(
        method=str(request.method),
        base_url=f"{url.scheme}://{url.netloc.rpartition('@')[2]}",
        path=unquote(url.path),
        query=dict(reversed(parse_qsl(url.query, keep_blank_values=True))),
        headers={name.lower(): _text(value) for name, value in request.headers.items()},
        body=_pieces(request.body),
    )


def _pieces(body: Any) -> Iterator[bytes]:
    """Yield the pieces of a body: text, a buffer, or an iterable of them, as ``urllib3`` tells them apart.

    Files have been read already.
    """
    for part in [body] if _is_whole(body) else body or ():
        buffer = memoryview(part.encode() if isinstance(part, str) else part).cast("B")
        for start in range(0, len(buffer), _PIECE):
            yield bytes(buffer[start : start + _PIECE])


def _is_whole(body: Any) -> bool:
    if isinstance(body, str):
        return True
    try:
        memoryview(body)
    except TypeError:
        return False
    return True


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


class _Stream(io.RawIOBase):
    """A readable file made of pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._pieces, self._rest = iter(()), b""  # responses keeps the answer, and with it the blob
        super().close()

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or next(self._pieces, b"")
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


def register(responses_mock: Any) -> None:
    """Make moto's mocks answer for the hosts of registries, including a mock that is already active.

    What the user, or moto, answers there goes first.
    """
    find = responses_mock._find_match  # noqa: SLF001 (it has no public hook; moto extends the same)
    if getattr(find, "__module__", None) == __name__:
        find = find.__wrapped__

    @wraps(find, assigned=("__doc__", "__name__", "__qualname__"))
    def find_or_answer(request: PreparedRequest) -> tuple[responses.BaseResponse | None, list[str]]:
        match, failures = find(request)
        if _is_unanswered(match) and _is_to_registry(str(request.url)):
            return _RegistryResponse(request), []
        return match, failures

    responses_mock._find_match = find_or_answer  # noqa: SLF001 (the same)


def _is_unanswered(match: responses.BaseResponse | None) -> bool:
    from moto.core.custom_responses_mock import not_implemented_callback  # moto has loaded it

    return match is None or getattr(match, "callback", None) is not_implemented_callback


def _is_to_registry(url: str) -> bool:
    """Return whether a URL is on the host of a registry, if need be with a user, a port, or the final dot of a name."""
    if ".dkr" not in url:
        return False
    from .ecr.registry_id import REGISTRY_HOST  # with the first such request

    return re.match(rf"https?://(?:[^/?#]*@)?{REGISTRY_HOST}\.?(?::[0-9]+)?(?:[/?#]|$)", url) is not None
