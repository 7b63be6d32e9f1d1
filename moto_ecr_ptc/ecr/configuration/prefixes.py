"""Repository prefixes, as pull through cache rules and repository creation templates have them."""

from __future__ import annotations

ROOT = "ROOT"
"""The prefix that covers every repository which no other prefix covers."""


def prefix_key(prefix: str) -> str:
    """Return the key of a prefix: without its final slash, which ECR assumes even if it is not given."""
    return prefix.rstrip("/")


def covers(prefix: str, repository_name: str) -> bool:
    """Return whether a repository lies under a prefix. ``prod`` covers ``prod/app``, not ``production/app``."""
    return prefix == ROOT or repository_name.startswith(f"{prefix_key(prefix)}/")


def specificity(prefix: str) -> int:
    """Return a number by which longer prefixes are greater, and ROOT is the smallest."""
    return -1 if prefix == ROOT else len(prefix_key(prefix))
