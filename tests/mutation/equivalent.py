"""The mutants that no test can notice, since what they change makes no difference: by function, with the reason."""

from __future__ import annotations

from typing import NamedTuple


class Change(NamedTuple):
    """What a mutant changes."""

    function: str
    removed: str
    added: str


EQUIVALENT: dict[Change, str] = {}
"""The reason why each is equivalent."""
