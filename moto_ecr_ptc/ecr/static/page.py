"""The page that shows the state and the pull log, ``/moto-api/ecr/``: its files, and how they are served.

Its script asks the calls ``overview`` and ``pulls``. It is on its own: no file of another host takes part.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from moto.core.common_types import TYPE_RESPONSE

from .calls import Handler, refusal

PAGE = "/moto-api/ecr/"

FILES = {"": "index.html", **{name: name for name in ("page.css", "elements.js", "page.js")}}
"""The files, by the paths below that of the page."""

_CONTENT_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}

_WRONG_METHOD = "Use GET here"

_HEADERS = {
    # What a text on the page could do if it ever became an element: nothing.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def handler_of_file(name: str) -> Handler:
    """Return the handler that answers with a file."""

    def handle(request: Any, full_url: str, headers: Any) -> TYPE_RESPONSE:
        if request.method not in ("GET", "HEAD"):
            return refusal(_WRONG_METHOD)
        content_type = f"{_CONTENT_TYPES[name.rpartition('.')[2]]}; charset=utf-8"
        body = (files(__package__) / "page_files" / name).read_text(encoding="utf-8")
        return 200, {**_HEADERS, "Content-Type": content_type}, body

    # Flask tells handlers apart by their names.
    handle.__name__ = handle.__qualname__ = name.replace(".", "_")
    return handle


def redirect_to_page(request: Any, full_url: str, headers: Any) -> TYPE_RESPONSE:
    """Lead to the page from its path without the slash at the end."""
    if request.method not in ("GET", "HEAD"):
        return refusal(_WRONG_METHOD)
    # A relative one, for servers behind a prefix.
    return 302, {**_HEADERS, "Location": "ecr/"}, ""
