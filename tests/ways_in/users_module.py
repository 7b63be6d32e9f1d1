"""A module of a user's that uses all of a handle. mypy reads it, and test_typing.py runs it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from moto_ecr_ptc import (
    Credentials,
    HeldImage,
    Pull,
    PullRecord,
    UpstreamImage,
    UpstreamRegistry,
    pull_log,
    upstream_registry,
)


def fill(hub: UpstreamRegistry) -> UpstreamImage:
    root: dict[str, bytes] = {"etc/app.conf": b"debug"}
    image = hub.push("library/app", tag="1", files=root)
    hub.push("library/app", tag="2", files={"etc/app.conf": "text", "bin/app": b"#!/bin/sh\n"}, compression="none")
    hub.push("library/app", tag="3", files=[root, {"etc/app.conf": b"other"}], media_type="docker")
    hub.push("library/app", tag="4", platforms=["linux/amd64", "linux/arm64"])
    hub.push("library/app", tag="5", platforms={"linux/amd64": root, "linux/arm64": [b"layer"]})
    hub.push("library/app", tag="6", platforms={"linux/amd64": [root, root]}, annotations={"made": "yes"})
    hub.push("library/app", tag="7", layers=[b"layer"], config={"Env": ["A=b"], "Labels": {"a": "b"}})
    hub.push("library/app", tag=None, artifact_type="application/spdx+json", subject=image)
    hub.push("library/app", tag=None, layers=(b"signature",), subject=image.digest)
    return image


def describe(image: UpstreamImage) -> tuple[str, str, bytes, tuple[bytes, ...]]:
    return image.digest, image.media_type, image.manifest, image.layers


def change(hub: UpstreamRegistry, layout: Path) -> int:
    loaded: tuple[UpstreamImage, ...] = hub.load(layout, "library/other", tag="1") + hub.load(str(layout), "library/b")
    hub.remove("library/other", "1")
    hub.remove("library/app")
    hub.clear()
    return hub.expire("library/app") + hub.expire() + len(loaded)


def break_down(hub: UpstreamRegistry, error: Literal["refused", "timeout"]) -> None:
    hub.fail(status=429, times=2)
    hub.fail("library/app", error=error)
    hub.fail("library/app", error="timeout")
    hub.recover("library/app")
    hub.recover()
    hub.credentials = {"username": "me", "accessToken": "right"}
    mine: dict[str, str] = {"username": "me", "accessToken": "right"}
    hub.credentials = mine
    accepted: Credentials | None = hub.credentials
    name: str = accepted["username"] if accepted else ""
    assert name == "me"
    hub.credentials = None


def look(hub: UpstreamRegistry) -> list[tuple[str, str | None, str, str]]:
    held: tuple[HeldImage, ...] = hub.images
    pulls: tuple[Pull, ...] = hub.pulls
    times: list[datetime] = [pull.at for pull in pulls]
    failed = [pull.reference for pull in pulls if pull.outcome == "UpstreamTooManyRequests"]
    hub.assert_not_pulled("library/app", reference="1")
    if times or failed:
        hub.assert_pulled("library/app", reference="1", times=1)
    return [(image.repository, image.tag, image.digest, image.media_type) for image in held]


def explain(records: tuple[PullRecord, ...]) -> list[str]:
    return [
        record.reason for record in records if record.answered_by == "upstream" and record.operation == "BatchGetImage"
    ]


def use(layout: Path) -> None:
    hub: UpstreamRegistry = upstream_registry("docker-hub")
    describe(fill(hub))
    look(hub)
    change(hub, layout)
    break_down(hub, "refused")
    explain(pull_log())
    assert hub == upstream_registry("registry-1.docker.io")
    assert hub != upstream_registry("docker-hub", endpoint_url="http://127.0.0.1:5000")
