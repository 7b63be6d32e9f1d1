"""How names and texts of others are put into the sentences of this package."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import islice

_LISTED = 10
"""How many names a sentence lists."""


def listed(names: Collection[str]) -> str:
    """Return names as in ``'a', 'b' and 3 more``, or ``none``."""
    shown = ", ".join(f"'{name}'" for name in islice(names, _LISTED))
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{shown}{more}" or "none"


def one_line(text: str) -> str:
    """Return a text in one line, with an escape for each character that cannot be printed."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def without_user_info(url: str) -> str:
    """Return a URL without the user and the password in it."""
    return re.sub(r"(?<=//)[^/?#]*@", "", url)
