"""What is blanked in an answer before it is recorded or compared: whatever is another one in each run or account."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_DIGEST = re.compile(r"sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})(?![0-9a-f])")
_TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?")
_CALLER = re.compile(
    r"arn:aws[\w-]*:(?:iam|sts)::\d{12}:(?:user|assumed-role|federated-user)/[\w+=,.@/-]+|arn:aws[\w-]*:iam::\d{12}:root"
)
_ACCESS_KEY = re.compile(r"\b(?:AKIA|ASIA|AIDA|AROA)[A-Z0-9]{12,}\b")
_ACCOUNT = re.compile(r"(?<![0-9a-f])\d{12}(?![0-9a-f])")
_SECRET_SUFFIX = re.compile(r"(:secret:ecr-pullthroughcache/<prefix>[\w/+=.@-]*?)-[A-Za-z0-9]{6}(?![\w/+=.@-])")
_SIGNED_URL = re.compile(r"https?://[^\s\"']*[?&](?:X-Amz-Signature|Signature|signature)=[^\s\"']*")

_DOCUMENTS = frozenset({"policyText", "repositoryPolicy", "lifecyclePolicy", "lifecyclePolicyText"})
"""Texts in JSON. How they are laid out does not count."""

_TOKENS = frozenset({"nextToken", "authorizationToken"})
_DROPPED = frozenset({"ResponseMetadata"})


class Normalisation:
    """Blanks the answers of one run of a scenario. The same digest gets the same number throughout the run."""

    def __init__(self, account: str, region: str, prefix: str, endpoint: str) -> None:
        """Know what belongs to the run.

        :param prefix: what the names of all that the run makes begin with
        :param endpoint: the URL of the registry endpoint that the run calls
        """
        self._digests: dict[str, str] = {}
        host = rf"{account}\.dkr\.ecr\.{region}\.amazonaws\.com"
        self._steps: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
            (_SIGNED_URL, "<signed URL>"),
            (_CALLER, "<caller>"),
            (re.compile(rf"https?://{host}|{re.escape(endpoint)}"), "<endpoint>"),
            (re.compile(re.escape(prefix)), "<prefix>"),
            (re.compile(re.escape(prefix.replace("-", ""))), "<prefix>"),
            (re.compile(rf"(?<!\d){account}(?!\d)"), "<account>"),
            (re.compile(rf"(?<![\w-]){re.escape(region)}(?![\w-])"), "<region>"),
            (_DIGEST, self._number),
            (_UUID, "<uuid>"),
            (_TIME, "<time>"),
            (_SECRET_SUFFIX, r"\1-<suffix>"),
            (_ACCESS_KEY, "<access key>"),
            (_ACCOUNT, "<another account>"),
        ]

    def __call__(self, value: Any) -> Any:
        """Return a value as JSON has it, with everything blanked."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return {
                self._text(str(name)): self._member(str(name), item)
                for name, item in value.items()
                if name not in _DROPPED
            }
        if isinstance(value, (list, tuple)):
            return [self(item) for item in value]
        if isinstance(value, datetime):
            return "<time>"
        if value is None or isinstance(value, (bool, int, float)):
            return value
        raise TypeError(f"{type(value).__name__} cannot be recorded")

    def _member(self, name: str, value: Any) -> Any:
        if name in _TOKENS and isinstance(value, str):
            return "<token>"
        if name in _DOCUMENTS and isinstance(value, str):
            with suppress(ValueError):
                return self(json.loads(value))
        return self(value)

    def _text(self, text: str) -> str:
        for pattern, replacement in self._steps:
            text = pattern.sub(replacement, text)
        return text

    def _number(self, match: re.Match[str]) -> str:
        return self._digests.setdefault(match[0], f"<digest {len(self._digests) + 1}>")
