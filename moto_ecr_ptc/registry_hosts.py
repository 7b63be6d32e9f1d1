"""Answers requests to the hosts of registries, in process: moto intercepts ``requests`` while a mock is active.

moto's own registration of URLs, ``backend_index``, would slow down every call of every service.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import wraps
from http.client import responses as reasons
from typing import Any

import responses
from moto.core import models as moto_core
from requests import PreparedRequest
from urllib3.response import HTTPResponse


class _LayerResponse(responses.BaseResponse):
    """Answers downloads of layers, reading them piece by piece."""

    def __init__(self, method: str) -> None:
        from .ecr.registry_id import REGISTRY_HOST  # not at the top: it would load moto's ECR, which needs this module

        super().__init__(method, re.compile(rf"https?://{REGISTRY_HOST}/layers(?:\?|$)"))

    def get_response(self, request: PreparedRequest) -> HTTPResponse:
        from .ecr.downloads import find_download  # with the first layer

        download = find_download(str(request.method), str(request.url))
        return HTTPResponse(
            status=download.status,
            reason=reasons[download.status],
            headers=download.headers,
            body=io.BufferedReader(_Stream(iter(()) if request.method == "HEAD" else download.pieces())),
            preload_content=False,
            decode_content=False,
            request_method=request.method,
        )


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
    for method in ("GET", "HEAD"):
        moto_core.responses_mock.add(_LayerResponse(method))
