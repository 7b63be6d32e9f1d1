"""The tokens of GetAuthorizationToken, with which clients log in to the registry endpoint.

A token says whom it stands for, so a server need not remember it. Tokens are not protected against forgery.

Source: Amazon ECR user guide, "Private registry authentication".
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime, timedelta
from typing import NamedTuple

from ..registry_id import now

TOKEN_LIFETIME = timedelta(hours=12)
USER = "AWS"
"""The user name that goes with every token."""


class RegistryToken(NamedTuple):
    """Whom a token stands for, and until when."""

    account_id: str
    region: str
    access_key: str
    """The access key of the caller of GetAuthorizationToken."""

    expires: int
    """In seconds since 1970."""

    @property
    def is_expired(self) -> bool:
        return self.expires <= now().timestamp()

    @property
    def text(self) -> str:
        """The token as clients get it: the password that belongs to ``USER``."""
        document = json.dumps({**self._asdict(), "checksum": self.checksum})
        return base64.b64encode(document.encode()).decode()

    @property
    def checksum(self) -> str:
        """By it a damaged token is known."""
        return hashlib.sha256(json.dumps(self).encode()).hexdigest()[:16]


class NoToken(ValueError):
    """A password that GetAuthorizationToken never gave out."""


class MangledToken(ValueError):
    """A token that is damaged."""


def issue_token(account_id: str, region: str, access_key: str) -> tuple[RegistryToken, datetime]:
    """Return a new token, and when it expires."""
    expires_at = now() + TOKEN_LIFETIME
    return RegistryToken(account_id, region, access_key, int(expires_at.timestamp())), expires_at


def read_token(text: str) -> RegistryToken:
    """Return the token with this text.

    :raises NoToken: it is no token at all
    :raises MangledToken: it looks like a token, but is damaged
    """
    if not text.startswith(base64.b64encode(b'{"a').decode()):
        raise NoToken
    try:
        document = json.loads(base64.b64decode(text, validate=True))
        checksum = document.pop("checksum")
        token = RegistryToken(**document)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise MangledToken from None
    if checksum != token.checksum:
        raise MangledToken
    return token
