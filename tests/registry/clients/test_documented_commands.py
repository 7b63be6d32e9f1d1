"""docs/clients.md is run as it stands, block by block, with the port of the tests' server."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from conftest import aws_environment
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


def test_all_sections_but_dockers_are_run():
    assert [title(section) for section in SECTIONS if section not in RUNNABLE] == ["docker"]


@pytest.mark.parametrize("section", RUNNABLE, ids=title)
def test_section_runs(endpoint, strangers, section):
    need(*NEEDED[title(section)])
    home = Path(strangers.environment["HOME"])
    strangers.environment.update(
        {name: value for name, value in aws_environment(endpoint.aws, home).items() if name.startswith("AWS_")}
    )
    (home / "notes.txt").write_text("notes")
    for language, text in BLOCK.findall(INTRODUCTION) + BLOCK.findall(section):
        block = text.replace("127.0.0.1:5000", endpoint.host)
        if language == "toml":
            (home / "registries.conf").write_text(block)
        elif language in INTERPRETERS:
            strangers.run(*INTERPRETERS[language], block)
