"""Answers requests to the hosts of registries, in process: moto intercepts ``requests`` while a mock is active.

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
from moto.core import models as moto_core
from requests import PreparedRequest
from urllib3.response import HTTPResponse

if TYPE_CHECKING:
    from .ecr.downloads import Download
    from .ecr.registry.messages import Answer, Request

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class _RegistryResponse(responses.BaseResponse):
    """Answers the requests to registries, reading and writing bodies piece by piece."""

    def __init__(self, method: str) -> None:
        from .ecr.registry_id import REGISTRY_HOST  # not at the top: it would load moto's ECR, which needs this module

        super().__init__(method, re.compile(rf"https?://{REGISTRY_HOST}(?::[0-9]+)?(?:[/?]|$)"))

    def get_response(self, request: PreparedRequest) -> HTTPResponse:
        url = urlsplit(str(request.url))
        found: Download | Answer
        if url.path == "/layers":
            from .ecr.downloads import find_download  # with the first layer

            found = find_download(str(request.method), str(request.url))
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
        base_url=f"{url.scheme}://{url.netloc}",
        path=unquote(url.path),
        query=dict(reversed(parse_qsl(url.query, keep_blank_values=True))),
        headers={name.lower(): _text(value) for name, value in request.headers.items()},
        body=_pieces(request.body),
    )


def _pieces(body: Any) -> Iterator[bytes]:
    """Yield the pieces of a body: ``requests`` sends bytes, text, and iterables; files have been read already."""
    for piece in [body] if isinstance(body, (bytes, bytearray, str)) else body or ():
        yield piece.encode() if isinstance(piece, str) else bytes(piece)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


class _Stream(io.RawIOBase):
    """A readable file made of pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or next(self._pieces, b"")
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


def register() -> None:
    """Make mocks answer for the hosts of registries, including one that is already active."""
    enable = moto_core.MockAWS._enable_patching  # noqa: SLF001 (moto has no public hook for the start of a mock)
    if getattr(enable, "__module__", None) != __name__:

        @wraps(enable, assigned=("__doc__", "__name__", "__qualname__"))
        def enable_and_answer(self: Any, *arguments: Any, **options: Any) -> None:
            enable(self, *arguments, **options)
            _answer()

        moto_core.MockAWS._enable_patching = enable_and_answer  # type: ignore[method-assign]  # noqa: SLF001 (the same)
    if moto_core.botocore_stubber.enabled:
        _answer()


def _answer() -> None:
    for method in _METHODS:
        moto_core.responses_mock.add(_RegistryResponse(method))
