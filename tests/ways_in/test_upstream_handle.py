"""``upstream_registry``: which registry a handle is about, and in whose state."""

from __future__ import annotations

import subprocess
import sys

import boto3
import pytest
from moto import mock_aws

from conftest import ACCOUNT, REGION, digest, pull
from moto_ecr_ptc import upstream_registry

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
        f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com",
        "https://quay.io",
    ],
)
def test_other_names_are_a_value_error_that_lists_the_choices(name):
    with pytest.raises(ValueError, match="is not an upstream registry") as error:
        upstream_registry(name)
    for choice in ("'docker-hub' ('registry-1.docker.io')", "'quay'", "<name>.azurecr.io", "private ECR registry"):
        assert choice in str(error.value)


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


@pytest.mark.parametrize("use", ["hub.pulls", "hub.push('a/b')", "hub.fail(status=500)", "hub.proxy('http://x')"])
def test_use_without_a_mock_or_a_server_is_a_runtime_error_that_says_what_to_do(use):
    program = f"from moto_ecr_ptc import upstream_registry; hub = upstream_registry('quay'); {use}"
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    error = process.stderr.strip().splitlines()[-1]
    assert error.startswith("RuntimeError: upstream_registry('quay.io') has no AWS to be an upstream of")
    for hint in ("mock_aws", "ThreadedMotoServer", "TEST_SERVER_MODE"):
        assert hint in error
