"""What is published: the same at each build, complete, and working where nothing else is."""

from __future__ import annotations

import hashlib
import os
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import moto_ecr_ptc
from tests.release.conftest import build, tracked_files
from tests.release.tools import ROOT, need, need_clone, run
from tests.strict import STRICT

MADE_BY_SETUPTOOLS = {"PKG-INFO"}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def names_in_sdist(sdist: Path) -> set[str]:
    """Return the files of a source distribution, without those that setuptools made."""
    with tarfile.open(sdist) as archive:
        files = [member.name.partition("/")[2] for member in archive if member.isfile()]
    return {name for name in files if ".egg-info/" not in name} - MADE_BY_SETUPTOOLS


def names_in_wheel(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_build_by_somebody_with_another_umask_gives_the_same_bytes(dist, tmp_path):
    former = os.umask(0o077)
    try:
        again = build(tmp_path)
    finally:
        os.umask(former)
    assert {path.name: sha256(path) for path in again.iterdir()} == {path.name: sha256(path) for path in dist.iterdir()}


def test_distributions_have_the_version_of_the_package(dist):
    version = moto_ecr_ptc.__version__
    assert {path.name for path in dist.iterdir()} == {
        f"moto_ecr_ptc-{version}.tar.gz",
        f"moto_ecr_ptc-{version}-py3-none-any.whl",
    }


def test_twine_finds_nothing_wrong(dist):
    assert "PASSED" in run(need("twine", "extra release"), "check", "--strict", *dist.iterdir())


def test_check_wheel_contents_finds_nothing_wrong(wheel):
    assert "OK" in run(need("check-wheel-contents", "extra release"), "--toplevel", "moto_ecr_ptc", wheel)


def test_sdist_has_all_that_is_under_version_control(sdist):
    assert names_in_sdist(sdist) == set(tracked_files())


def test_wheel_has_the_package_its_data_and_its_licence(wheel):
    need_clone()
    metadata = f"moto_ecr_ptc-{moto_ecr_ptc.__version__}.dist-info"
    package = {name for name in tracked_files() if name.startswith("moto_ecr_ptc/")}
    described = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "top_level.txt"}
    assert names_in_wheel(wheel) == package | {f"{metadata}/{name}" for name in described}
    assert {"moto_ecr_ptc/py.typed", "moto_ecr_ptc/ecr/static/page_files/page.js"} <= package


def test_wheel_alone_runs_the_quickstart(environment, tmp_path):
    (tmp_path / "quickstart.py").write_bytes((ROOT / "examples" / "quickstart.py").read_bytes())
    assert run(environment / "python", *STRICT, "quickstart.py", folder=tmp_path)


def test_wheel_alone_is_a_pytest_plugin(environment, tmp_path):
    (tmp_path / "test_wheel.py").write_text(
        f"""
import sys

import boto3
import moto_ecr_ptc


def test_rule_that_pulls(upstream_registry):
    assert moto_ecr_ptc.__file__.startswith({str(environment.parent)!r})
    ecr = boto3.client("ecr", region_name="us-east-1")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    image = upstream_registry("quay").push("team/app")
    (pulled,) = ecr.batch_get_image(repositoryName="quay/team/app", imageIds=[{{"imageTag": "latest"}}])["images"]
    assert pulled["imageId"]["imageDigest"] == image.digest
"""
    )
    assert "1 passed" in run(environment / "python", *STRICT, "-m", "pytest", folder=tmp_path)


@pytest.fixture
def unpacked(sdist, tmp_path):
    """The source distribution, unpacked."""
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (folder,) = tmp_path.iterdir()
    return folder


def test_readmes_test_command_works_in_the_unpacked_sdist(unpacked):
    # With this environment, which has what the extra `test` installs; python -m puts the unpacked package first. All
    # tests are collected, and a few run: all of them would take minutes.
    assert ".venv/bin/python -m pytest -n auto" in (unpacked / "README.md").read_text(encoding="utf-8")
    command = (sys.executable, "-m", "pytest")
    assert "tests collected" in run(*command, "--collect-only", "-q", folder=unpacked)
    done = run(*command, "tests/test_architecture.py", "tests/access/test_secrets.py", folder=unpacked)
    assert " passed" in done
    assert " failed" not in done
