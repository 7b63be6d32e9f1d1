"""What users do with a moto server in another process: HTTP calls set up its upstream registries, and read its log."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import requests
from moto import settings

from .ecr.images.blobs import make_blob
from .ecr.pulls.pull_log import PullRecord
from .ecr.upstream.built_images import UpstreamImage, check_layers, check_platforms
from .ecr.upstream.oci_layout import packed_layout
from .ecr.upstream.registry import Pull

_TIMEOUT = 60


class RemoteUpstream:
    """The same methods as ``ecr.upstream.registry.Upstream``."""

    def __init__(self, url: str) -> None:
        self._registry = url

    def push(
        self,
        repository: str,
        tag: str | None,
        layers: Sequence[bytes] | None,
        platforms: Sequence[str] | None,
        subject: str | None,
    ) -> UpstreamImage:
        if layers is not None:
            check_layers(layers)
        if platforms is not None:
            check_platforms(platforms)
        answer = self._post(
            "push",
            repository=repository,
            tag=tag,
            layers=None if layers is None else [base64.b64encode(layer).decode() for layer in layers],
            platforms=None if platforms is None else list(platforms),
            subject=subject,
        )
        return _image(answer)

    def load_path(self, path: str | os.PathLike[str], repository: str) -> tuple[UpstreamImage, ...]:
        with packed_layout(path) as (layout, archive):
            self._send(
                "POST",
                "load",
                params={"registry": self._registry, "repository": repository},
                data=archive,
                headers={"Content-Type": "application/x-tar"},
            )
        return layout.tagged_images

    def proxy(self, url: str, timeout: float) -> None:
        self._post("proxy", url=url, timeout=timeout)

    @property
    def credentials(self) -> dict[str, str] | None:
        accepted: dict[str, str] | None = self._describe()["credentials"]
        return accepted

    @credentials.setter
    def credentials(self, credentials: Mapping[str, str] | None) -> None:
        self._post("credentials", credentials=dict(credentials) if isinstance(credentials, Mapping) else credentials)

    def fail(self, repository: str | None, status: int | None, error: str | None) -> None:
        self._post("fail", repository=repository, status=status, error=error)

    def recover(self, repository: str | None) -> None:
        self._post("recover", repository=repository)

    @property
    def pulls(self) -> tuple[Pull, ...]:
        return tuple(Pull(**{**pull, "at": datetime.fromisoformat(pull["at"])}) for pull in self._describe()["pulls"])

    def _describe(self) -> Any:
        return self._send("GET", "pulls", params={"registry": self._registry})

    def _post(self, call: str, **parameters: Any) -> Any:
        try:
            body = json.dumps({"registry": self._registry, **parameters}, allow_nan=False)
        except TypeError as error:
            raise ValueError(str(error)) from None
        return self._send("POST", call, data=body, headers={"Content-Type": "application/json"})

    def _send(self, method: str, call: str, **arguments: Any) -> Any:
        return _send(method, f"upstream-{call}", **arguments)


def read_pull_log() -> tuple[PullRecord, ...]:
    """Return the pull log of the server."""
    return tuple(_record(pull) for pull in _send("GET", "pulls")["pulls"])


def _send(method: str, call: str, **arguments: Any) -> Any:
    url = f"{settings.test_server_mode_endpoint()}/moto-api/static/ecr/{call}"
    answer = requests.request(method, url, timeout=_TIMEOUT, **arguments)
    if answer.status_code == 400:
        raise ValueError(answer.json()["message"])
    if answer.status_code not in (200, 201):
        raise RuntimeError(f"{url} answered {answer.status_code}: is it a server with moto_ecr_ptc?")
    return answer.json()


def _record(pull: dict[str, Any]) -> PullRecord:
    members = {name: value for name, value in pull.items() if name != "text"}
    for name in ("at", "fresh_until"):
        members[name] = members[name] and datetime.fromisoformat(members[name])
    return PullRecord(**members)


def _image(answer: Any) -> UpstreamImage:
    return UpstreamImage(
        answer["manifest"].encode(),
        answer["mediaType"],
        tuple(make_blob(base64.b64decode(layer)) for layer in answer["layers"]),
    )
