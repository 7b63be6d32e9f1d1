"""The registry endpoint on a moto server, as a WSGI application."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from http.client import responses as reasons
from ipaddress import IPv6Address
from typing import Any
from urllib.parse import parse_qsl

from werkzeug.exceptions import HTTPException
from werkzeug.serving import DechunkedInput
from werkzeug.wsgi import get_input_stream

from ..images.blobs import PIECE
from . import routes
from .messages import BodyCutOff, Request

_HOST = re.compile(r"(?:[\w.-]+|\[(?P<address>[^]]+)\])(?::[0-9]*)?", re.ASCII)
"""The name or address of a host, with its port."""


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a request to the registry endpoint."""
    found = routes.answer(_read_request(environ))
    status = f"{found.status} {reasons[found.status]}"
    start_response(status, list(found.headers.items()))
    return found.pieces()


def _read_request(environ: dict[str, Any]) -> Request:
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
    }
    return Request(
        method=environ["REQUEST_METHOD"],
        base_url=f"{environ['wsgi.url_scheme']}://{_find_host(environ)}",
        path=_decode(environ["PATH_INFO"]),
        query=dict(reversed(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))),
        headers=headers,
        body=_pieces(environ),
    )


def _find_host(environ: dict[str, Any]) -> str:
    """Return the host that a client called: the server's own address, if the client names none in the right form."""
    host: str = environ.get("HTTP_HOST", "")
    return host if _is_host(host) else f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"


def _is_host(text: str) -> bool:
    match = _HOST.fullmatch(text)
    try:
        return match is not None and (match["address"] is None or IPv6Address(match["address"]) is not None)
    except ValueError:
        return False


def _pieces(environ: dict[str, Any]) -> Iterator[bytes]:
    try:
        stream = get_input_stream(environ)
        while True:
            piece = _read_dechunked(stream) if isinstance(stream, DechunkedInput) else stream.read(PIECE)
            if not piece:
                return
            yield piece
    except (OSError, ValueError, HTTPException):
        raise BodyCutOff from None


def _read_dechunked(stream: DechunkedInput) -> bytes:
    """Return the next piece of a body that arrives in chunks.

    werkzeug shrinks a ``bytearray`` by what a chunk lacks that is cut off, and Python then reads behind its end. The
    size of a view cannot change.

    :raises ValueError: a chunk is cut off
    """
    buffer = memoryview(bytearray(PIECE))
    size = stream.readinto(buffer)  # type: ignore[arg-type]  # werkzeug only assigns to slices
    return bytes(buffer[:size])


def _decode(text: str) -> str:
    # WSGI's strings hold one byte in each character.
    return text.encode("latin-1").decode(errors="replace")
