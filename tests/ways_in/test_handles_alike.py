"""One table of calls, run on a handle in process and on one that calls a server: both do and say the same."""

from __future__ import annotations

import gzip
import logging
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError
from moto import mock_aws

from conftest import Aws, pull
from moto_ecr_ptc import UpstreamRegistry, pull_log, upstream_registry
from tests.upstream.layouts import write_layout
from tests.upstream.test_docker_archives import ENTRY, write_archive

Call = Callable[[UpstreamRegistry, Any, Any], Any]


def call(name: str, *arguments: Any, **options: Any) -> Call:
    """Return a call of a method of the handle."""
    return lambda hub, ecr, path: getattr(hub, name)(*arguments, **options)


def push(*arguments: Any, **options: Any) -> Call:
    return call("push", *arguments, **options)


def load(name: str, *arguments: Any, **options: Any) -> Call:
    return lambda hub, ecr, path: hub.load(path / name, *arguments, **options)


def set_credentials(value: Any) -> Call:
    return lambda hub, ecr, path: setattr(hub, "credentials", value)


def pull_image(*arguments: Any) -> Call:
    return lambda hub, ecr, path: pull(ecr, *arguments)["failures"]


def read(name: str) -> Call:
    return lambda hub, ecr, path: getattr(hub, name)


CREDENTIALS = {"username": "u", "accessToken": "t"}
ADDRESS = "http://127.0.0.1:1"

CALLS: dict[str, list[Call]] = {
    "push": [push("a/b")],
    "push layers": [push("a/b", tag="1", layers=[b"one", b"\x00\xff"])],
    "push no layers": [push("a/b", layers=[])],
    "push files": [push("a/b", files={"etc/a": "text", "b": b"\xff"})],
    "push files of several layers": [push("a/b", files=[{"a": "1"}, {"a": "2"}], compression="none")],
    "push platforms": [push("a/b", platforms=("linux/amd64", "linux/arm/v7"))],
    "push contents of platforms": [
        push("a/b", platforms={"linux/amd64": [b"x"], "linux/arm64": {"a": "b"}, "linux/s390x": [{}, {}], "a/b": []}),
        read("images"),
    ],
    "push in Docker's format": [push("a/b", media_type="docker", files={"a": "b"}, config={"Env": ["A=b"]})],
    "push an artifact": [push("a/b", artifact_type="a/b"), push("a/b", artifact_type="a/b", layers=[b"x"])],
    "push with annotations": [push("a/b", annotations={"b": "1", "a": "\u00fc"}), push("a/b", annotations={})],
    "push compressed": [push("a/b", layers=[b"x"], compression="gzip"), push("a/b", compression="none")],
    "push with a subject": [
        lambda hub, ecr, path: hub.push("a/b", tag=None, subject=hub.push("a/b")),
        lambda hub, ecr, path: hub.push("a/b", tag=None, subject=hub.push("a/b").digest, platforms=["linux/amd64"]),
        read("images"),
    ],
    "push wrongly": [
        push("UPPER"),
        push(None),
        push({"a"}),
        push("a/b", tag="-"),
        push("a/b", tag=1),
        push("a/b", layers=["text"]),
        push("a/b", layers=b"x"),
        push("a/b", files={"/a": b""}),
        push("a/b", files={"a": 1}),
        push("a/b", files={"a" * 256: b""}),
        push("a/b", files=1),
        push("a/b", files={}, layers=[]),
        push("a/b", platforms=[]),
        push("a/b", platforms={"linux/amd64": 1}),
        push("a/b", layers=[b"x"], platforms=["linux/amd64"]),
        push("a/b", config={"Env": 1}),
        push("a/b", config={"X": b""}),
        push("a/b", config=1),
        push("a/b", media_type="zip"),
        push("a/b", compression=1),
        push("a/b", annotations={"a": 1}),
        push("a/b", artifact_type="x"),
        push("a/b", artifact_type="a/b", media_type="docker"),
        push("a/b", subject="x"),
        push("a/b", subject=1),
        push("a/b", subject=f"sha256:{'0' * 64}"),
        read("images"),
    ],
    "push without library": [push("alpine"), load("layout", "alpine")],
    "push under a name of ECR": [push("hub/library/alpine"), load("layout", "hub/library/busybox")],
    "load": [load("layout", "a/b"), load("layout.tar", "a/c"), load("image.tar", "a/d"), read("images")],
    "load what is compressed": [load("layout.tar.gz", "a/b"), read("images")],
    "load with a tag": [load("untagged", "a/b", tag="mine"), load("untagged.tar", "a/c", tag="mine"), read("images")],
    "load wrongly": [
        load("absent", "a/b"),
        load("layout", "UPPER"),
        load("layout", "a/b", tag="mine"),
        load("layout", "a/b", tag="-"),
        load("image.tar", "a/b", tag="mine"),
        call("load", None, "a/b"),
        call("load", "a\0b", "a/b"),
        call("load", "a\ud800", "a/b"),
        read("images"),
    ],
    "remove": [
        push("a/b", tag="1"),
        push("a/b", tag="2"),
        push("a/c"),
        call("remove", "a/b", "1"),
        call("remove", "a/c"),
        read("images"),
        call("remove", "a/c"),
        call("remove", "a/b", "1"),
        call("remove", "A"),
        call("remove", "a/b", 1),
        call("remove", 1),
    ],
    "clear": [push("a/b"), call("clear"), read("images"), pull_image("hub/a/b")],
    "expire": [
        pull_image("hub/a/b", "1", "2"),
        call("expire", "a/c"),
        call("expire", "a/b"),
        call("expire"),
        call("expire", "A"),
        call("expire", 1),
    ],
    "fail": [call("fail", status=429, times=2), *[pull_image("hub/a/b")] * 3],
    "fail and recover": [
        call("fail", "a/b", error="timeout"),
        pull_image("hub/a/b"),
        call("recover", "a/b"),
        pull_image("hub/a/b"),
        call("fail", error="refused"),
        call("recover"),
        pull_image("hub/a/c"),
    ],
    "fail wrongly": [
        call("fail"),
        call("fail", 429),
        call("fail", "429"),
        call("fail", "timeout"),
        call("fail", status=200),
        call("fail", status="500"),
        call("fail", status=500, error="refused"),
        call("fail", error="unknown"),
        call("fail", error=1),
        call("fail", status=500, times=0),
        call("fail", status=500, times="2"),
        call("fail", "A", status=500),
        call("fail", ["a"], status=500),
        call("recover", "A"),
        call("recover", 1),
    ],
    "credentials": [
        read("credentials"),
        set_credentials(CREDENTIALS),
        read("credentials"),
        pull_image("hub/a/b"),
        set_credentials({}),
        set_credentials("u:t"),
        set_credentials({"username": "u", "accessToken": 1}),
        read("credentials"),
        set_credentials(None),
        read("credentials"),
    ],
    "pulls": [
        pull_image("hub/a/b", "1"),
        lambda hub, ecr, path: [replace(pull, at=None) for pull in hub.pulls],
        call("assert_pulled", "a/b", reference="1", times=1),
        call("assert_pulled", "a/c"),
        call("assert_pulled", "a/b", times=0),
        call("assert_not_pulled", "a/b"),
        call("assert_pulled", "a/b", reference=1),
        call("assert_not_pulled", "A"),
    ],
    "proxy": [
        call("proxy", ADDRESS, timeout=1),
        push("a/b"),
        push("alpine"),
        load("layout", "a/b"),
        call("remove", "a/b"),
        call("clear"),
        read("images"),
        pull_image("hub/a/b"),
    ],
    "proxy wrongly": [
        call("proxy", "ftp://x"),
        call("proxy", None),
        call("proxy", ADDRESS, timeout=0),
        call("proxy", ADDRESS, timeout="1"),
        push("a/b"),
        call("proxy", ADDRESS),
    ],
    "log": [
        pull_image("hub/a/b"),
        lambda hub, ecr, path: [record.reason for record in pull_log(endpoint_url=hub._endpoint_url)],  # noqa: SLF001
    ],
}


def outcome(one: Call, hub: UpstreamRegistry, ecr: Any, path: Any) -> Any:
    """Return what a call returns, or the exception that it raises."""
    try:
        return one(hub, ecr, path)
    except (ValueError, AssertionError, ClientError) as error:
        return f"{type(error).__name__}: {error}"


@contextmanager
def in_process() -> Iterator[tuple[UpstreamRegistry, Any]]:
    with mock_aws():
        yield upstream_registry("docker-hub"), Aws(None).client("ecr")


@contextmanager
def on_server(server: Aws) -> Iterator[tuple[UpstreamRegistry, Any]]:
    requests.post(f"{server.endpoint_url}/moto-api/reset", timeout=60).raise_for_status()
    yield upstream_registry("docker-hub", endpoint_url=server.endpoint_url), server.client("ecr")


@pytest.mark.parametrize("calls", CALLS.values(), ids=CALLS)
def test_handle_of_a_server_does_and_says_what_one_in_process_does(server, tmp_path, caplog, calls):
    for name, tag in (("layout", "1.0"), ("untagged", None)):
        write_layout(tmp_path / name, tag)
        with tarfile.open(tmp_path / f"{name}.tar", "w") as archive:
            archive.add(tmp_path / name, arcname=".")
    (tmp_path / "layout.tar.gz").write_bytes(gzip.compress((tmp_path / "layout.tar").read_bytes()))
    write_archive(tmp_path / "image.tar", ENTRY)
    found = []
    for way in (in_process(), on_server(server)):
        caplog.clear()
        with way as (hub, ecr), caplog.at_level(logging.WARNING, "moto_ecr_ptc"):
            arn = Aws(ecr.meta.endpoint_url if hub._endpoint_url else None).secret()  # noqa: SLF001
            ecr.create_pull_through_cache_rule(
                ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=arn
            )
            outcomes = [outcome(one, hub, ecr, tmp_path) for one in calls]
        warnings = {record.getMessage() for record in caplog.records if "did you mean" in record.getMessage()}
        found.append((outcomes, warnings))
    assert found[0] == found[1]
