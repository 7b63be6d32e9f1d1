"""The HTTP calls that set up upstream registries, in the manner of moto's own ``static`` calls.

Each takes and returns JSON, except for ``upstream-load``, which takes the archive of an OCI image layout.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, cast
from urllib.parse import parse_qs, urlsplit

from moto.core.common_types import TYPE_RESPONSE
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ecr.models import ecr_backends

from .configuration.upstream_registries import registry_url
from .downloads import SERVER_PATH, download_layer
from .images.blobs import PIECE
from .models import PullThroughCacheBackend
from .upstream.built_images import UpstreamImage
from .upstream.oci_layout import read_archive
from .upstream.proxy import DEFAULT_TIMEOUT
from .upstream.registry import Upstream, get_upstream

PREFIX = "/moto-api/static/ecr/upstream-"

Call = Callable[["Parameters"], Any]


class Parameters:
    """The parameters of a call, from its JSON body or its query string."""

    def __init__(self, members: Mapping[str, Any], body: IO[bytes] | None = None) -> None:
        self._members = dict(members)
        self._body = body

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def take(self, name: str, kind: type | tuple[type, ...], default: Any = None, *, required: bool = False) -> Any:
        """Return a parameter, once; ``default`` if it is missing or null.

        :raises ValueError: it is required and missing, or has the wrong type
        """
        value = self._members.pop(name, None)
        if value is None:
            if required:
                raise ValueError(f"'{name}' is missing")
            return default
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f"'{name}' has the wrong type")
        return value

    def take_body(self) -> IO[bytes]:
        """Return the body of a call whose parameters are in the query."""
        body, self._body = self._body, None
        return body or io.BytesIO()

    def upstream(self) -> Upstream:
        return get_upstream(registry_url(self.take("registry", str, required=True)))

    def finish(self) -> None:
        """Check that all parameters and the body were taken.

        :raises ValueError: there are others
        """
        if self._members:
            raise ValueError(f"There is no parameter {', '.join(map(repr, self._members))}")
        if self._body and self._body.read(1):
            raise ValueError("Parameters go into the query or into the body, not into both")


def push(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    repository = parameters.take("repository", str, required=True)
    tag = parameters.take("tag", str) if "tag" in parameters else "latest"
    layers = parameters.take("layers", list)
    platforms = parameters.take("platforms", list)
    subject = parameters.take("subject", str)
    parameters.finish()
    return _image(upstream.push(repository, tag, layers and [_decode(layer) for layer in layers], platforms, subject))


def load(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    repository = parameters.take("repository", str, required=True)
    archive = parameters.take_body()
    parameters.finish()
    return {"images": [_describe(image) for image in upstream.load(read_archive(archive), repository)]}


def proxy(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    url = parameters.take("url", str, required=True)
    timeout = parameters.take("timeout", (int, float), DEFAULT_TIMEOUT)
    parameters.finish()
    upstream.proxy(url, timeout)
    return {}


def credentials(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    accepted = parameters.take("credentials", dict)
    parameters.finish()
    upstream.credentials = accepted
    return {}


def fail(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    repository = parameters.take("repository", str)
    status = parameters.take("status", int)
    error = parameters.take("error", str)
    parameters.finish()
    upstream.fail(repository, status, error)
    return {}


def recover(parameters: Parameters) -> Any:
    upstream = parameters.upstream()
    repository = parameters.take("repository", str)
    parameters.finish()
    upstream.recover(repository)
    return {}


def describe(parameters: Parameters) -> Any:
    """Return the pulls from an upstream registry, and the credentials that it accepts."""
    upstream = parameters.upstream()
    parameters.finish()
    return {
        "credentials": upstream.credentials,
        "pulls": [{**vars(pull), "at": pull.at.isoformat()} for pull in upstream.pulls],
    }


def expire(parameters: Parameters) -> Any:
    """Make cached tags stale, since a client cannot move a server's clock."""
    # moto reads MOTO_ACCOUNT_ID at each request too.
    account_id = parameters.take("account_id", str, os.environ.get("MOTO_ACCOUNT_ID", DEFAULT_ACCOUNT_ID))
    region = parameters.take("region", str, "us-east-1")
    repository = parameters.take("repository", str)
    parameters.finish()
    if not re.fullmatch("[0-9]{12}", account_id):
        raise ValueError(f"'{account_id}' is not the id of an account")
    try:
        backend = ecr_backends[account_id][region]
    except KeyError:
        raise ValueError(f"There is no Region '{region}'") from None
    return {"expired": cast(PullThroughCacheBackend, backend).expire_cached_tags(repository)}


def _describe(image: UpstreamImage) -> dict[str, Any]:
    return {"digest": image.digest, "mediaType": image.media_type, "manifest": image.manifest.decode()}


def _image(image: UpstreamImage) -> dict[str, Any]:
    return {**_describe(image), "layers": [base64.b64encode(layer).decode() for layer in image.layers]}


def _decode(layer: Any) -> bytes:
    try:
        return base64.b64decode(layer, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise ValueError("Each of 'layers' must be bytes in base64") from None


def _answer(call: Call, method: str) -> Callable[[Any, str, Any], TYPE_RESPONSE]:
    def handle(request: Any, full_url: str, headers: Any) -> TYPE_RESPONSE:
        try:
            if request.method != method:
                raise ValueError(f"Use {method} here")
            with _open_body(request) as body:
                answer = call(_read(body, full_url))
            return (201 if method == "POST" else 200), _JSON, json.dumps(answer)
        except ValueError as error:
            return 400, _JSON, json.dumps({"message": str(error)})

    # Flask tells handlers apart by their names.
    handle.__name__ = handle.__qualname__ = call.__name__
    return handle


_JSON = {"Content-Type": "application/json"}

_IN_MEMORY = 1024 * 1024
"""The size in bytes up to which a body is kept in memory: archives may be large."""


@contextmanager
def _open_body(request: Any) -> Iterator[IO[bytes]]:
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as body:
        if hasattr(request, "environ"):
            # curl declares every body a form, for which request.data is empty.
            shutil.copyfileobj(request.stream, body, PIECE)
        else:  # pragma: no cover (only moto < 5.2.4 hands such requests on)
            # In process the body is what the client passed: bytes, text, a file or an iterable.
            given = request.body or b""
            given = given.encode() if isinstance(given, str) else given
            body.writelines([given] if isinstance(given, bytes) else given)
        body.seek(0)
        yield cast("IO[bytes]", body)


def _read(body: IO[bytes], full_url: str) -> Parameters:
    query = {name: values[-1] for name, values in parse_qs(urlsplit(full_url).query).items()}
    if query:
        return Parameters(query, body)
    text = body.read()
    if not text:
        return Parameters({})
    try:
        members = json.loads(text.decode())
    except (ValueError, RecursionError):
        raise ValueError("The body must be a JSON object") from None
    if not isinstance(members, dict):
        raise ValueError("The body must be a JSON object")
    return Parameters(members)


_CALLS: tuple[tuple[str, Call, str], ...] = (
    ("push", push, "POST"),
    ("load", load, "POST"),
    ("proxy", proxy, "POST"),
    ("credentials", credentials, "POST"),
    ("fail", fail, "POST"),
    ("recover", recover, "POST"),
    ("expire", expire, "POST"),
    ("pulls", describe, "GET"),
)

url_paths = {
    **{f"{{0}}{PREFIX}{name}$": _answer(call, method) for name, call, method in _CALLS},
    f"{{0}}{SERVER_PATH}$": download_layer,
}
"""The paths that are added to moto's own API."""
