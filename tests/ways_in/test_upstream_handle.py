"""``upstream_registry``: which registry a handle is about, and in whose state."""

from __future__ import annotations

import re
import subprocess
import sys

import boto3
import pytest
from moto import mock_aws

import moto_ecr_ptc
from conftest import ACCOUNT, REGION, Aws, digest, pull
from moto_ecr_ptc import pull_log, upstream_registry
from tests.registry.server_processes import WITH_PLUGIN, running

ENDPOINT = "http://127.0.0.1:1"
DIGEST = f"sha256:{'0' * 64}"

# --- which registry ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("docker-hub", "registry-1.docker.io"),
        ("ecr-public", "public.ecr.aws"),
        ("quay", "quay.io"),
        ("k8s", "registry.k8s.io"),
        ("github-container-registry", "ghcr.io"),
        ("gitlab-container-registry", "registry.gitlab.com"),
        ("chainguard", "cgr.dev"),
    ],
)
def test_name_and_url_are_one_registry(in_process, name, url):
    upstream_registry(name).fail(status=500)
    upstream_registry(url).recover()
    pushed = upstream_registry(name).push("a/b")
    assert upstream_registry(url).push("a/b") == pushed
    assert repr(upstream_registry(name)) == repr(upstream_registry(url)) == f"upstream_registry({url!r})"


def test_azure_registries_are_named_by_url_and_not_one(in_process):
    one, other = upstream_registry("one.azurecr.io"), upstream_registry("other.azurecr.io")
    one.credentials = {"username": "u", "accessToken": "t"}
    assert other.credentials is None


@pytest.mark.parametrize(
    "name",
    [
        "ecr",
        "azure-container-registry",
        "docker.io",
        "Quay",
        "",
        None,
        1,
        ["quay"],
        f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com",
        "https://quay.io",
    ],
)
def test_other_names_are_a_value_error_that_lists_the_choices(name):
    with pytest.raises(ValueError, match="is not an upstream registry") as error:
        upstream_registry(name)
    for choice in ("'docker-hub' ('registry-1.docker.io')", "'quay'", "<name>.azurecr.io", "private ECR registry"):
        assert choice in str(error.value)


def test_handles_of_one_registry_are_equal():
    assert upstream_registry("quay") == upstream_registry("quay.io")
    assert hash(upstream_registry("quay")) == hash(upstream_registry("quay.io"))
    assert upstream_registry("quay", endpoint_url=ENDPOINT) == upstream_registry("quay", endpoint_url=f"{ENDPOINT}/")


def test_handles_of_other_registries_or_servers_are_not_equal():
    handles = {
        upstream_registry("quay"),
        upstream_registry("k8s"),
        upstream_registry("quay", endpoint_url=ENDPOINT),
        upstream_registry("quay", endpoint_url="http://127.0.0.1:2"),
    }
    assert len(handles) == 4
    assert upstream_registry("quay") != "quay.io"


@pytest.mark.parametrize("name", ["credential", "image", "proxied"])
def test_attribute_that_does_not_exist_cannot_be_set(name):
    with pytest.raises(AttributeError, match=f"'UpstreamRegistry' object has no attribute '{name}'"):
        setattr(upstream_registry("quay"), name, None)


@pytest.mark.parametrize("name", ["images", "pulls"])
def test_what_is_only_read_cannot_be_set(in_process, name):
    with pytest.raises(AttributeError):
        setattr(upstream_registry("quay"), name, ())


# --- whose state ------------------------------------------------------------------------------------------------------


def test_handle_is_about_the_mock_of_the_moment():
    hub = upstream_registry("quay")
    with mock_aws():
        hub.push("a/b")
        hub.credentials = {"username": "u", "accessToken": "t"}
        hub.fail(status=500)
    with mock_aws():
        assert hub.credentials is None
        ecr = boto3.client("ecr", REGION)
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        assert digest(pull(ecr, "quay/anything/else"))


def test_handle_and_pull_log_with_an_endpoint_are_about_that_server_whatever_runs_here(tmp_path):
    with running(WITH_PLUGIN, tmp_path / "log") as url, mock_aws():
        elsewhere = upstream_registry("quay", endpoint_url=url)
        image = elsewhere.push("a/b")
        ecr = Aws(url).client("ecr")
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        pull(ecr, "quay/a/b")
        assert [held.digest for held in elsewhere.images] == [image.digest]
        assert [record.repository for record in pull_log(endpoint_url=url)] == ["quay/a/b"]
        assert (upstream_registry("quay").images, pull_log()) == ((), ())
        assert repr(elsewhere) == f"upstream_registry('quay.io', endpoint_url='{url}')"


@pytest.mark.parametrize(
    "endpoint_url",
    [
        "127.0.0.1:5000",
        "",
        5000,
        b"http://x",
        "http://",
        "http://x:port",
        "http://x:70000",
        "http://[::1",
        "http://x y",
    ],
)
def test_malformed_endpoint_is_a_value_error(endpoint_url):
    with pytest.raises(ValueError, match=r"endpoint_url must be a URL such as 'http://127\.0\.0\.1:5000', not "):
        upstream_registry("quay", endpoint_url=endpoint_url)
    with pytest.raises(ValueError, match="endpoint_url must be a URL"):
        pull_log(endpoint_url=endpoint_url)


def test_server_mode_that_is_set_after_the_import_of_moto_is_a_runtime_error(in_process, monkeypatch):
    monkeypatch.setenv("TEST_SERVER_MODE", "true")
    for use in (lambda: upstream_registry("quay").images, pull_log):
        with pytest.raises(RuntimeError, match="moto reads it only then: set it before anything imports moto"):
            use()
    monkeypatch.setenv("TEST_SERVER_MODE", "false")
    assert upstream_registry("quay").images == ()


# --- the names that the package exports -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Credentials", "HeldImage", "Pull", "PullRecord", "UpstreamImage"])
def test_types_of_what_handles_return_are_exported(name):
    assert getattr(moto_ecr_ptc, name).__name__ == name
    assert name in dir(moto_ecr_ptc)
    assert name in moto_ecr_ptc.__all__


def test_exported_types_are_those_of_what_handles_return(aws, ecr, quay):
    assert isinstance(quay.push("a/b"), moto_ecr_ptc.UpstreamImage)
    pull(ecr, "quay/a/b")
    assert isinstance(quay.images[0], moto_ecr_ptc.HeldImage)
    assert isinstance(quay.pulls[0], moto_ecr_ptc.Pull)
    assert isinstance(pull_log()[0], moto_ecr_ptc.PullRecord)


def test_name_that_is_not_exported_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'moto_ecr_ptc' has no attribute 'Image'"):
        _ = moto_ecr_ptc.Image


def test_import_of_the_package_alone_does_not_load_moto():
    program = "import moto_ecr_ptc, sys; dir(moto_ecr_ptc); sys.exit('moto' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("use", ["hub.pulls", "hub.push('a/b')", "hub.fail(status=500)", "hub.proxy('http://x')"])
def test_use_without_a_mock_or_a_server_is_a_runtime_error_that_says_what_to_do(use):
    program = f"from moto_ecr_ptc import upstream_registry; hub = upstream_registry('quay'); {use}"
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    error = process.stderr.strip().splitlines()[-1]
    assert error.startswith("RuntimeError: upstream_registry('quay.io') has no AWS to be an upstream of")
    for hint in ("mock_aws", "ThreadedMotoServer", "TEST_SERVER_MODE"):
        assert hint in error


# --- assertions -------------------------------------------------------------------------------------------------------


def test_what_was_pulled_is_asserted(aws, ecr, quay):
    pull(ecr, "quay/a/b", "1", "2")
    quay.assert_pulled("a/b")
    quay.assert_pulled("a/b", times=2)
    quay.assert_pulled("a/b", reference="1")
    quay.assert_pulled("a/b", reference="1", times=1)
    quay.assert_not_pulled("a/b", reference="3")
    quay.assert_not_pulled("a/c")
    upstream_registry("k8s").assert_not_pulled()


def test_failed_request_counts_as_a_pull(aws, ecr, quay):
    quay.fail(status=429)
    pull(ecr, "quay/a/b")
    quay.assert_pulled("a/b", reference="latest", times=1)


@pytest.mark.parametrize(
    ("repository", "arguments", "problem"),
    [
        ("a/c", {}, "was not asked for 'a/c'"),
        ("a/b", {"reference": "3"}, "was not asked for 'a/b:3'"),
        ("a/b", {"times": 1}, "was not asked for 'a/b' 1 times, but 2 times"),
        ("a/b", {"reference": DIGEST, "times": 3}, f"was not asked for 'a/b@{DIGEST}' 3 times, but 0 times"),
    ],
)
def test_assertion_that_fails_lists_what_was_asked(aws, ecr, quay, repository, arguments, problem):
    quay.push("a/b", tag="1")
    pull(ecr, "quay/a/b", "1", "2")
    with pytest.raises(AssertionError) as caught:
        quay.assert_pulled(repository, **arguments)
    assert str(caught.value) == f"quay.io {problem}. It was asked for:\n  'a/b:1': ok\n  'a/b:2': ImageNotFound"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "something"),
        ({"repository": "a/b"}, "'a/b'"),
        ({"repository": "a/b", "reference": "latest"}, "'a/b:latest'"),
    ],
)
def test_assertion_that_nothing_was_pulled_lists_what_was(aws, ecr, quay, arguments, problem):
    pull(ecr, "quay/a/b")
    with pytest.raises(AssertionError) as caught:
        quay.assert_not_pulled(**arguments)
    assert str(caught.value) == f"quay.io was asked for {problem}. It was asked for:\n  'a/b:latest': ok"


def test_assertion_without_any_pull_says_so(in_process):
    with pytest.raises(AssertionError, match=r"quay\.io was not asked for 'a/b'\. It was asked for nothing\.$"):
        upstream_registry("quay").assert_pulled("a/b")


def test_assertion_lists_the_latest_fifty(in_process):
    ecr = in_process.client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    pull(ecr, "quay/a/b", *(str(number) for number in range(52)))
    with pytest.raises(AssertionError) as caught:
        upstream_registry("quay").assert_not_pulled()
    lines = str(caught.value).splitlines()
    assert lines[1:3] == ["  2 earlier requests", "  'a/b:2': ok"]
    assert len(lines) == 52


@pytest.mark.parametrize("times", [0, -1, True, "1", 1.0])
def test_number_of_pulls_is_one_or_more(in_process, times):
    with pytest.raises(ValueError, match="is not a number of requests; for none at all there is assert_not_pulled"):
        upstream_registry("quay").assert_pulled("a/b", times=times)


@pytest.mark.parametrize("method", ["assert_pulled", "assert_not_pulled"])
@pytest.mark.parametrize(
    ("repository", "reference", "problem"),
    [("Team/app", None, "'Team/app' is not the name of a repository"), (429, None, "429 is not the name of a re")]
    + [("a/b", reference, f"{reference!r} is not a tag") for reference in ("sha256:0", 1, b"1")],
)
def test_assertion_about_what_can_never_be_pulled_is_a_value_error(in_process, method, repository, reference, problem):
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}"):
        getattr(upstream_registry("quay"), method)(repository, reference=reference)


def test_reference_needs_its_repository(in_process):
    with pytest.raises(ValueError, match="A reference needs its repository"):
        upstream_registry("quay").assert_not_pulled(reference="1")
