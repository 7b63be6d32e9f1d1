"""The hosts and paths of the registry endpoint.

This module imports no other, so that a server finds out cheaply whose a request is.

Source: OCI distribution specification 1.1, "Endpoints".
"""

from __future__ import annotations

import re
from typing import NamedTuple

# A name may contain what looks like the end of a path, so that the last such end counts.
_PATHS = {
    "base": r"/v2/?",
    "catalog": r"/v2/_catalog",
    "manifest": r"/v2/(?P<name>.+)/manifests/(?P<reference>[^/]+)",
    "uploads": r"/v2/(?P<name>.+)/blobs/uploads/?",
    "upload": r"/v2/(?P<name>.+)/blobs/uploads/(?P<reference>[^/]+)",
    "blob": r"/v2/(?P<name>.+)/blobs/(?P<reference>[^/]+)",
    "tags": r"/v2/(?P<name>.+)/tags/list",
    "referrers": r"/v2/(?P<name>.+)/referrers/(?P<reference>[^/]+)",
}
_HOST = re.compile(r"(?P<account>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.")
_PATTERNS = {kind: re.compile(pattern, re.DOTALL) for kind, pattern in _PATHS.items()}


class Host(NamedTuple):
    """Which registry a host names."""

    account_id: str
    region: str


class Path(NamedTuple):
    """What a path names: a kind of resource, a repository, and a tag, digest or upload."""

    kind: str
    name: str = ""
    reference: str = ""


def parse_host(host: str) -> Host | None:
    """Return the registry that a host names; None if it is not the host of one.

    On a server its end may be any, such as ``localhost``, after ``<account>.dkr.ecr.<region>.``
    """
    match = _HOST.match(host.lower())
    return Host(*match.groups()) if match else None


def parse(path: str) -> Path | None:
    """Return what a path names; None if it is not one of the endpoint's."""
    for kind, pattern in _PATTERNS.items():
        match = pattern.fullmatch(path)
        if match:
            return Path(kind, **match.groupdict())
    return None
