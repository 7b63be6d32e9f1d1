"""What users do with a moto server in another process: HTTP calls set up its upstream registries, and read its log."""

from __future__ import annotations

import base64
import json
import logging
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import requests

from .ecr.images.blobs import make_blob
from .ecr.pulls.pull_log import PullRecord
from .ecr.upstream.archives import packed
from .ecr.upstream.built_images import UpstreamImage
from .ecr.upstream.failures import Failure
from .ecr.upstream.held_images import HeldImage
from .ecr.upstream.proxy import check_proxy
from .ecr.upstream.pushed_images import PushedImage
from .ecr.upstream.state import Credentials, Pull, check_credentials
from .ecr.wording import without_user_info

_TIMEOUT = 60

log = logging.getLogger("moto_ecr_ptc")


class RemoteUpstream:
    """The same methods as ``ecr.upstream.registry.Upstream``."""

    def __init__(self, url: str, endpoint_url: str) -> None:
        self._registry = url
        self._endpoint_url = endpoint_url

    def push(self, image: PushedImage, subject: str | None) -> UpstreamImage:
        given: dict[str, Any] = {"subject": subject, **image.details._asdict()}
        if image.platforms is None:
            given["layers"] = _encoded(image.layers)
        else:
            given["platforms"] = {name: _encoded(layers) for name, layers in image.platforms.items()}
        answer = self._post(
            "push",
            repository=image.repository,
            tag=image.tag,
            **{name: value for name, value in given.items() if value is not None},
        )
        _log_warnings(answer)
        # The server has made the same layers of them.
        layers = tuple(map(make_blob, image.layers))
        return UpstreamImage(answer["manifest"].encode(), answer["mediaType"], layers)

    def load_path(self, path: str | os.PathLike[str], repository: str, tag: str | None) -> tuple[UpstreamImage, ...]:
        with packed(path) as (images, archive):
            loaded = images if tag is None else images.tagged(tag)
            answer = self._send(
                "POST",
                "load",
                params={"registry": self._registry, "repository": repository, **({"tag": tag} if tag else {})},
                data=archive,
                headers={"Content-Type": "application/x-tar"},
            )
        _log_warnings(answer)
        return loaded.tagged_images

    @property
    def images(self) -> tuple[HeldImage, ...]:
        held = self._send("GET", "images", params={"registry": self._registry})["images"]
        return tuple(
            HeldImage(image["repository"], image["tag"], image["digest"], image["mediaType"]) for image in held
        )

    def remove(self, repository: str, tag: str | None) -> None:
        self._post("remove", repository=repository, tag=tag)

    def clear(self) -> None:
        self._post("clear")

    def expire(self, repository: str | None) -> int:
        return cast(int, self._post("expire", repository=repository)["expired"])

    def proxy(self, url: str, timeout: float) -> None:
        check_proxy(url, timeout)
        self._post("proxy", url=url, timeout=timeout)

    @property
    def credentials(self) -> Credentials | None:
        answer = self._send("GET", "accepted-credentials", params={"registry": self._registry})
        return cast("Credentials | None", answer["credentials"])

    @credentials.setter
    def credentials(self, credentials: Credentials | Mapping[str, str] | None) -> None:
        if credentials is not None:
            check_credentials(credentials)
        self._post("credentials", credentials=None if credentials is None else dict(credentials))

    def fail(self, repository: str | None, failure: Failure) -> None:
        cause = {"status" if isinstance(failure.cause, int) else "error": failure.cause}
        self._post("fail", repository=repository, times=failure.times, **cause)

    def recover(self, repository: str | None) -> None:
        self._post("recover", repository=repository)

    @property
    def pulls(self) -> tuple[Pull, ...]:
        pulls = self._send("GET", "pulls", params={"registry": self._registry})["pulls"]
        return tuple(Pull(**{**pull, "at": datetime.fromisoformat(pull["at"])}) for pull in pulls)

    def _post(self, call: str, **parameters: Any) -> Any:
        body = json.dumps({"registry": self._registry, **parameters}, allow_nan=False)
        return self._send("POST", call, data=body, headers={"Content-Type": "application/json"})

    def _send(self, method: str, call: str, **arguments: Any) -> Any:
        return _send(self._endpoint_url, method, f"upstream-{call}", **arguments)


def read_pull_log(endpoint_url: str) -> tuple[PullRecord, ...]:
    """Return the pull log of a server."""
    return tuple(_record(pull) for pull in _send(endpoint_url, "GET", "pulls")["pulls"])


def _send(endpoint_url: str, method: str, call: str, **arguments: Any) -> Any:
    called = f"{endpoint_url}/moto-api/static/ecr/{call}"
    url = without_user_info(called)
    try:
        answer = requests.request(method, called, timeout=_TIMEOUT, **arguments)
    except requests.ConnectionError as error:
        raise RuntimeError(f"{url} cannot be reached: does a server with moto_ecr_ptc run there?") from error
    except requests.Timeout as error:
        raise RuntimeError(f"{url} did not answer within {_TIMEOUT} seconds") from error
    is_json = answer.headers.get("Content-Type", "").startswith("application/json")
    if not is_json or answer.status_code not in (200, 201, 400):
        raise RuntimeError(f"{url} answered {answer.status_code}: is it a server with moto_ecr_ptc?")
    if answer.status_code == 400:
        raise ValueError(answer.json()["message"])
    return answer.json()


def _record(pull: dict[str, Any]) -> PullRecord:
    members = {name: value for name, value in pull.items() if name != "text"}
    for name in ("at", "fresh_until"):
        members[name] = members[name] and datetime.fromisoformat(members[name])
    return PullRecord(**members)


def _encoded(layers: tuple[bytes, ...]) -> list[str]:
    return [base64.b64encode(layer).decode() for layer in layers]


def _log_warnings(answer: Any) -> None:
    for warning in answer.get("warnings", ()):
        log.warning("%s", warning)
