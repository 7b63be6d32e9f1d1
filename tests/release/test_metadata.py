"""What the package says of itself, and what has to be true of it at a tag."""

from __future__ import annotations

import os
import re
import zipfile
from email.parser import HeaderParser

import pytest

import moto_ecr_ptc
from tests.release.tools import ROOT, need_module

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]


@pytest.fixture(scope="session")
def metadata(wheel):
    """The metadata of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return HeaderParser().parsestr(archive.read(name).decode())


@pytest.fixture
def tag():
    """The tag that a release is made for."""
    if os.environ.get("GITHUB_REF_TYPE") != "tag":
        pytest.skip("no tag is being released")
    return os.environ["GITHUB_REF_NAME"]


def test_version_is_written_in_one_place():
    version = re.escape(moto_ecr_ptc.__version__)
    configuration = ["setup.cfg", "setup.py", "pyproject.toml", "tox.ini", "Dockerfile", ".ci/run"]
    sources = [path.relative_to(ROOT).as_posix() for path in (ROOT / "moto_ecr_ptc").rglob("*.py")]
    written = [
        name
        for name in configuration + sources
        for _ in re.findall(rf"(?<![\d.]){version}(?![\d.])", (ROOT / name).read_text(encoding="utf-8"))
    ]
    assert written == ["moto_ecr_ptc/__init__.py"]


def test_metadata_has_the_version_of_the_package(metadata):
    assert metadata["Version"] == moto_ecr_ptc.__version__


def test_classifiers_exist(metadata):
    need_module("trove_classifiers")
    from trove_classifiers import classifiers

    assert set(metadata.get_all("Classifier")) <= classifiers


def test_classifiers_name_the_pythons_that_tox_runs(metadata):
    named = re.findall(r":: (3\.\d+)$", "\n".join(metadata.get_all("Classifier")), re.MULTILINE)
    # py39-…, py310-…, py{311,312,313}-…
    environments = re.findall(r"^    py(.*)-", (ROOT / "tox.ini").read_text(), re.MULTILINE)
    run_by_tox = [f"3.{minor}" for names in environments for minor in re.findall(r"3(\d+)", names)]
    assert named == run_by_tox
    assert metadata["Requires-Python"] == f">={named[0]}"


def test_changelog_has_the_sections_of_keep_a_changelog():
    versions = re.findall(r"^## (.*)$", CHANGELOG, re.MULTILINE)
    assert versions[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - 20\d\d-\d\d-\d\d", version) for version in versions[1:])
    assert set(re.findall(r"^### (.*)$", CHANGELOG, re.MULTILINE)) <= set(KINDS)


def test_tag_is_the_version_and_has_its_section_in_the_changelog(tag):
    assert tag == f"v{moto_ecr_ptc.__version__}"
    assert f"\n## [{moto_ecr_ptc.__version__}] - " in CHANGELOG


def test_tag_is_published_from_the_address_that_the_metadata_names(tag, metadata):
    urls = dict(url.split(", ", 1) for url in metadata.get_all("Project-URL") or [])
    assert urls.get("Source") == f"{os.environ['GITHUB_SERVER_URL']}/{os.environ['GITHUB_REPOSITORY']}", (
        "setup.cfg has to say under project_urls where the project lives"
    )
