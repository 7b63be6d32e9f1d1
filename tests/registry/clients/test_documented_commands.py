"""docs/clients.md is run as it stands, block by block, with the port of the tests' server."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from conftest import aws_environment, prefixes, repositories
from tests.registry.clients.programs import need

DOCUMENT = (Path(__file__).parents[3] / "docs" / "clients.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INTERPRETERS = {"sh": ("bash", "-euo", "pipefail", "-c"), "python": (sys.executable, "-c"), "js": ("node", "--eval")}
INTRODUCTION, *SECTIONS = re.split(r"^## ", DOCUMENT, flags=re.MULTILINE)
NEEDED = {
    "skopeo": ["skopeo"],
    "podman": ["podman"],
    "buildah": ["buildah"],
    "ECR's own host names": ["podman", "skopeo"],
    "umoci": ["umoci", "skopeo"],
    "oras": ["oras"],
    "syft": ["syft", "skopeo"],
    "helm": ["helm_python"],
    "Node.js": ["node", "oci-registry-client"],
}


def title(section):
    return section.partition("\n")[0]


RUNNABLE = [section for section in SECTIONS if any(language in INTERPRETERS for language, _ in BLOCK.findall(section))]


@pytest.fixture
def shell(endpoint, strangers):
    """Programs in the environment that the introduction exports."""
    exported = aws_environment(endpoint.aws, Path(strangers.environment["HOME"]))
    strangers.environment.update({name: value for name, value in exported.items() if name.startswith("AWS_")})
    return strangers


def run(shell, host, section):
    home = Path(shell.environment["HOME"])
    for language, text in BLOCK.findall(section):
        block = text.replace("127.0.0.1:5000", host)
        if language == "toml":
            (home / "registries.conf").write_text(block)
        elif language in INTERPRETERS:
            # What runs inside mock_aws is for those who have no server.
            endpoint_url = "" if "mock_aws" in block else f"http://{host}"
            shell.environment["AWS_ENDPOINT_URL"] = endpoint_url
            shell.run(*INTERPRETERS[language], block)


def test_all_sections_but_dockers_are_run():
    assert [title(section) for section in SECTIONS if section not in RUNNABLE] == ["docker"]


def test_introduction_makes_a_repository_and_a_rule(endpoint, shell):
    run(shell, endpoint.host, INTRODUCTION)
    assert repositories(endpoint.ecr) == ["team/app"]
    assert prefixes(endpoint.ecr) == ["ecr-public"]


@pytest.mark.parametrize("section", RUNNABLE, ids=title)
def test_section_runs(endpoint, shell, section):
    need(*NEEDED[title(section)])
    endpoint.create("team/app")
    endpoint.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="ecr-public", upstreamRegistryUrl="public.ecr.aws")
    (Path(shell.environment["HOME"]) / "notes.txt").write_text("notes")
    run(shell, endpoint.host, section)
