"""Placeholder."""

from __future__ import annotations

from typing import Any

DEFAULT_TIMEOUT = 10


class ProxiedRegistry:
    def __init__(self, url: str, timeout: float) -> None:
        self.url = url

    def __getattr__(self, n: str) -> Any: ...
