"""The paths that are added to moto's own API, and which call or file answers at each."""

from __future__ import annotations

from ..downloads import SERVER_PATH, download_layer
from . import upstreams
from .calls import PREFIX, Call, handler_of
from .overview import overview
from .page import FILES, PAGE, handler_of_file, redirect_to_page
from .pulls import list_pulls

_CALLS: tuple[tuple[str, Call, str], ...] = (
    ("upstream-push", upstreams.push, "POST"),
    ("upstream-load", upstreams.load, "POST"),
    ("upstream-images", upstreams.images, "GET"),
    ("upstream-remove", upstreams.remove, "POST"),
    ("upstream-clear", upstreams.clear, "POST"),
    ("upstream-proxy", upstreams.proxy, "POST"),
    ("upstream-credentials", upstreams.credentials, "POST"),
    ("upstream-fail", upstreams.fail, "POST"),
    ("upstream-recover", upstreams.recover, "POST"),
    ("upstream-expire", upstreams.expire, "POST"),
    ("upstream-accepted-credentials", upstreams.accepted_credentials, "GET"),
    ("upstream-pulls", upstreams.pulls, "GET"),
    ("overview", overview, "GET"),
    ("pulls", list_pulls, "GET"),
)

url_paths = {
    **{f"{{0}}{PREFIX}{name}$": handler_of(call, method) for name, call, method in _CALLS},
    **{f"{{0}}{PAGE}{name}$": handler_of_file(file) for name, file in FILES.items()},
    f"{{0}}{PAGE.rstrip('/')}$": redirect_to_page,
    f"{{0}}{SERVER_PATH}$": download_layer,
}
