"""A call: how its parameters are read, and how it answers, in the manner of moto's own ``static`` calls."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any, cast
from urllib.parse import parse_qs, urlsplit

from moto.core.common_types import TYPE_RESPONSE
from moto.core.models import DEFAULT_ACCOUNT_ID

from ..configuration.upstream_registries import registry_url
from ..images.blobs import PIECE
from ..registry_id import RegistryId
from ..upstream.registry import Upstream, get_upstream

PREFIX = "/moto-api/static/ecr/"

Call = Callable[["Parameters"], Any]

Handler = Callable[[Any, str, Any], TYPE_RESPONSE]
"""What moto calls with a request, its URL and its headers."""

DEFAULT_REGION = "us-east-1"


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

    def take_number(self, name: str) -> int | None:
        """Return a number from the query, once.

        :raises ValueError: it is no whole number, or a negative one
        """
        value = self.take(name, str)
        if value is None:
            return None
        if not re.fullmatch("[0-9]{1,15}", value):
            raise ValueError(f"'{name}' must be a whole number")
        return int(value)

    def take_account(self) -> str | None:
        """Return the account's id.

        :raises ValueError: it is malformed
        """
        account_id: str | None = self.take("account_id", str)
        if account_id is not None and not re.fullmatch("[0-9]{12}", account_id):
            raise ValueError(f"'{account_id}' is not the id of an account")
        return account_id

    def take_registry(self) -> RegistryId:
        """Return the registry of an account and a Region, by default moto's account in us-east-1.

        :raises ValueError: one of them is malformed
        """
        return RegistryId(self.take_account() or default_account(), self.take_region() or DEFAULT_REGION)

    def take_region(self) -> str | None:
        """Return the name of a Region, which need not exist.

        :raises ValueError: it is malformed
        """
        region: str | None = self.take("region", str)
        if region is not None and not re.fullmatch("[a-z0-9-]{1,40}", region):
            raise ValueError(f"'{region}' is not the name of a Region")
        return region

    def take_names(self, name: str) -> Callable[[str], bool]:
        """Return a function that tells which names a parameter means: ``*`` stands for any characters, or none."""
        pattern = self.take(name, str)
        if pattern is None:
            return lambda _: True
        first, *others = pattern.split("*")
        if not others:
            return lambda candidate: bool(candidate == pattern)
        return lambda candidate: _matches(candidate, first, others)

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


def default_account() -> str:
    # moto reads MOTO_ACCOUNT_ID at each request too.
    return os.environ.get("MOTO_ACCOUNT_ID", DEFAULT_ACCOUNT_ID)


def handler_of(call: Call, method: str) -> Handler:
    """Return the handler that answers the requests to a call."""

    def handle(request: Any, full_url: str, headers: Any) -> TYPE_RESPONSE:
        try:
            if request.method != method:
                raise ValueError(f"Use {method} here")
            with _open_body(request) as body:
                answer = call(_read(body, full_url))
            return (201 if method == "POST" else 200), _JSON, json.dumps(answer)
        except ValueError as error:
            return refusal(str(error))

    # Flask tells handlers apart by their names.
    handle.__name__ = handle.__qualname__ = call.__name__
    return handle


def refusal(message: str) -> TYPE_RESPONSE:
    """Return the answer to a request that is wrong."""
    return 400, _JSON, json.dumps({"message": message})


def _matches(name: str, beginning: str, others: Sequence[str]) -> bool:
    """Return whether a name begins with a text, ends with the last of the others, and has the rest in between."""
    *inner, ending = others
    if not name.startswith(beginning):
        return False
    position = len(beginning)
    for part in inner:
        found = name.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return name.endswith(ending) and len(name) - len(ending) >= position


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
