"""``upstream_registry`` under TEST_SERVER_MODE: the same surface, over HTTP."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from typing import Any

import pytest
import requests
from moto import settings

from conftest import REGION, Aws, digest, failure_codes, pull
from moto_ecr_ptc import UpstreamRegistry, upstream_registry
from moto_ecr_ptc.ecr.images.manifests import sha256
from tests.strict import STRICT
from tests.upstream.layouts import write_layout


@pytest.fixture
def remote(server: Aws, monkeypatch: pytest.MonkeyPatch) -> UpstreamRegistry:
    """Quay's handle, which calls the server, and a rule for it there."""
    monkeypatch.setattr(settings, "TEST_SERVER_MODE", True)
    monkeypatch.setenv("TEST_SERVER_MODE_ENDPOINT", server.endpoint_url)
    server.client("ecr").create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    return upstream_registry("quay")


@pytest.fixture
def ecr(server: Aws) -> Any:
    return server.client("ecr")


def local(call: Any) -> Any:
    """Use the handle without the server's HTTP calls: its state is this process's."""
    settings.TEST_SERVER_MODE = False
    try:
        return call()
    finally:
        settings.TEST_SERVER_MODE = True


def test_push_returns_the_image_that_the_server_holds(ecr, remote):
    image = remote.push("team/app", layers=[b"one", b"\x00\xff"])
    assert image.layers == (b"one", b"\x00\xff")
    assert image.digest == sha256(image.manifest) == digest(pull(ecr, "quay/team/app"))
    assert image.media_type == "application/vnd.oci.image.manifest.v1+json"


def test_push_makes_the_same_image_as_in_process(remote):
    for arguments in ({}, {"tag": None}, {"layers": []}, {"platforms": ("linux/amd64", "linux/arm/v7")}):
        pushed = remote.push("team/app", **arguments)
        assert pushed == local(lambda arguments=arguments: remote.push("team/app", **arguments))


def test_images_with_the_same_manifest_are_equal_wherever_they_were_made(remote):
    assert remote.push("a/b", layers=[b"x"]) == local(lambda: remote.push("a/b", layers=[b"x"]))
    assert remote.push("a/b", layers=[b"x"]) != remote.push("a/b", layers=[b"y"])


def test_push_with_a_subject_refers_to_it(remote):
    image = remote.push("team/app")
    assert image.digest.encode() in remote.push("team/app", tag=None, subject=image).manifest


def test_load_sends_a_directory_and_an_archive(ecr, remote, tmp_path):
    expected = write_layout(tmp_path / "layout")
    (loaded,) = remote.load(tmp_path / "layout", "team/app")
    assert (loaded.digest, loaded.layers) == (expected, (b"from a layout",))
    assert digest(pull(ecr, "quay/team/app", "1.0")) == expected
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(tmp_path / "layout", arcname=".")
    (tmp_path / "layout.tar").write_bytes(archive.getvalue())
    (loaded,) = remote.load(str(tmp_path / "layout.tar"), "team/other")
    assert loaded.digest == expected


def test_load_sends_an_archive_that_is_compressed(ecr, remote, tmp_path):
    digest = write_layout(tmp_path / "layout")
    with tarfile.open(tmp_path / "layout.tgz", "w:gz") as archive:
        archive.add(tmp_path / "layout", arcname=".")
    remote.load(tmp_path / "layout.tgz", "team/app")
    assert pull(ecr, "quay/team/app", "1.0")["images"][0]["imageId"]["imageDigest"] == digest


def test_push_under_a_name_of_ecr_is_warned_of_in_the_clients_log_too(remote, caplog):
    remote.push("quay/team/app")
    logged = [record.getMessage() for record in caplog.records if record.filename == "remote.py"]
    assert ["did you mean 'team/app'?" in message for message in logged] == [True]


def test_layers_do_not_come_back_from_the_server(remote, monkeypatch):
    received = []
    send = requests.request

    def observe(*arguments, **options):
        answer = send(*arguments, **options)
        received.append(len(answer.content))
        return answer

    monkeypatch.setattr(requests, "request", observe)
    image = remote.push("team/app", layers=[b"x" * 100_000])
    assert image.layers == (b"x" * 100_000,)
    assert received[0] < 2_000


def test_server_that_does_not_answer_is_named(monkeypatch):
    with pytest.raises(
        RuntimeError, match=r"^http://127\.0\.0\.1:1/.* cannot be reached: does a server with moto_ecr_ptc"
    ):
        upstream_registry("quay", endpoint_url="http://127.0.0.1:1").clear()


def test_credentials_are_the_servers(ecr, remote):
    assert remote.credentials is None
    remote.credentials = {"username": "u", "accessToken": "t"}
    assert remote.credentials == {"username": "u", "accessToken": "t"}
    assert failure_codes(pull(ecr, "quay/team/app")) == ["UpstreamAccessDenied"]
    remote.credentials = None
    assert digest(pull(ecr, "quay/team/app"))


def test_fail_and_recover_reach_the_server(ecr, remote):
    remote.fail("team/app", status=429)
    assert failure_codes(pull(ecr, "quay/team/app")) == ["UpstreamTooManyRequests"]
    remote.recover("team/app")
    remote.fail(error="timeout")
    assert failure_codes(pull(ecr, "quay/team/app")) == ["UpstreamUnavailable"]
    remote.recover()
    assert digest(pull(ecr, "quay/team/app"))


def test_pulls_are_those_of_the_server(ecr, remote):
    pull(ecr, "quay/team/app", "1")
    (asked,) = remote.pulls
    assert (asked.repository, asked.reference, asked.region, asked.outcome) == ("team/app", "1", REGION, "ok")
    assert local(lambda: remote.pulls) == (asked,)


def test_proxy_reaches_the_server(ecr, remote):
    remote.proxy("http://127.0.0.1:1")
    assert failure_codes(pull(ecr, "quay/team/app")) == ["UpstreamUnavailable"]


@pytest.mark.parametrize(
    ("method", "positional", "arguments"),
    [
        ("push", ["UPPER"], {}),
        ("push", ["a/b"], {"tag": "-"}),
        ("push", ["a/b"], {"tag": 1}),
        ("push", [{"a"}], {}),
        ("push", ["a/b"], {"layers": ["text"]}),
        ("push", ["a/b"], {"layers": [b"x"], "platforms": ["linux/amd64"]}),
        ("push", ["a/b"], {"platforms": []}),
        ("load", ["/nowhere", "a/b"], {}),
        ("proxy", ["ftp://x"], {}),
        ("proxy", ["http://127.0.0.1"], {"timeout": 0}),
        ("fail", [], {}),
        ("fail", [], {"status": 200}),
        ("fail", [], {"status": 500, "error": "refused"}),
        ("fail", [], {"error": "unknown"}),
        ("fail", [7], {"status": 500}),
    ],
)
def test_bad_input_is_a_value_error_as_in_process(remote, method, positional, arguments):
    with pytest.raises(ValueError):  # noqa: PT011 (the texts are tested in process)
        getattr(remote, method)(*positional, **arguments)
    with pytest.raises(ValueError):  # noqa: PT011 (the texts are tested in process)
        local(lambda: getattr(remote, method)(*positional, **arguments))


@pytest.mark.parametrize("credentials", [{}, {"username": "u"}, "u:t", {"username": "u", "accessToken": 1}])
def test_bad_credentials_are_a_value_error(remote, credentials):
    with pytest.raises(ValueError):  # noqa: PT011 (the texts are tested in process)
        remote.credentials = credentials


def test_server_that_answers_with_a_page_is_named(server):
    handle = upstream_registry("quay", endpoint_url=f"{server.endpoint_url}/moto-api/ecr/?")
    with pytest.raises(RuntimeError, match="is it a server with moto_ecr_ptc"):
        _ = handle.images


def test_server_without_the_plugin_is_named(remote, monkeypatch):
    monkeypatch.setenv("TEST_SERVER_MODE_ENDPOINT", f"{settings.test_server_mode_endpoint()}/elsewhere")
    with pytest.raises(RuntimeError, match="is it a server with moto_ecr_ptc"):
        remote.recover()


def test_client_in_another_process_has_the_whole_surface(server, tmp_path):
    program = tmp_path / "client.py"
    program.write_text(
        "import boto3\n"
        "from moto import mock_aws\n"
        "from moto_ecr_ptc import upstream_registry\n"
        "with mock_aws():\n"
        "    ecr = boto3.client('ecr', 'us-east-1')\n"
        "    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix='quay', upstreamRegistryUrl='quay.io')\n"
        "    quay = upstream_registry('quay')\n"
        "    image = quay.push('team/app', platforms=['linux/amd64', 'linux/arm64'])\n"
        "    answer = ecr.batch_get_image(repositoryName='quay/team/app', imageIds=[{'imageTag': 'latest'}])\n"
        "    assert answer['images'][0]['imageId']['imageDigest'] == image.digest, answer\n"
        "    assert [pull.outcome for pull in quay.pulls] == ['ok']\n"
    )
    environment = {
        "TEST_SERVER_MODE": "true",
        "TEST_SERVER_MODE_ENDPOINT": server.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
    }
    process = subprocess.run(
        [sys.executable, *STRICT, str(program)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (process.returncode, process.stderr) == (0, "")
