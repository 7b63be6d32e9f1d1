"""The image of the server: built by buildah from a base that is made of this machine's Python, and started.

No registry is asked for anything. The base has what the Dockerfile takes from Docker Hub's ``python``: a Python in
``/usr/local``, a shell, and the libraries of both. pip finds the packages in a folder that is mounted while it builds.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import requests
import yaml

from tests.registry.clients.programs import Programs, need
from tests.release.tools import ROOT, run

DOCKERFILE = (ROOT / "Dockerfile").read_text()
BASE = "localhost/python:of-this-machine"
IMAGE = "localhost/moto_ecr_ptc:built"
LIBRARIES_OF_EVERY_LINUX = (
    *("libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0", "libresolv.so.2"),
    *("librt.so.1", "libstdc++.so.6", "libutil.so.1"),
)
"""What wheels may be linked with (PEP 600), and the standard library here need not be."""

ISOLATION = "--isolation=chroot"  # the only one that needs no namespaces, which sandboxes and CI often refuse


def copy_with_libraries(program: Path, target: Path, root: Path) -> None:
    """Copy a program to a place below ``root``, and the libraries that it is linked with to where it looks for them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(program, target)
    copy_libraries(program, root)


def copy_libraries(program: Path, root: Path) -> None:
    for library in re.findall(r"(?:=> |^\s)(/\S+)", run("ldd", program), re.MULTILINE):
        copy = root / library.lstrip("/")
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, copy)


def make_root(root: Path) -> None:
    """Write the file system of the base."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    standard_library = Path(os.__file__).parent
    copy_with_libraries(Path("/bin/sh"), root / "bin/sh", root)
    copy_with_libraries(Path(sys.executable).resolve(), root / "usr/local/bin" / version, root)
    for name in ("python", "python3"):
        (root / "usr/local/bin" / name).symlink_to(version)
    unneeded = shutil.ignore_patterns("__pycache__", "site-packages", "test", "tests", "idlelib", "config-*", "*.a")
    shutil.copytree(standard_library, root / "usr/local/lib" / version, ignore=unneeded)
    for module in (standard_library / "lib-dynload").glob("*.so"):
        copy_libraries(module, root)
    for library in LIBRARIES_OF_EVERY_LINUX:
        (found, *_) = re.findall(rf"{re.escape(library)} .* => (\S+)", run("/sbin/ldconfig", "-p"))
        copy = root / found.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(found, copy)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)


def make_wheels(wheels: Path) -> None:
    """Fetch what the package depends upon, and what builds it."""
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", wheels, f"{ROOT}[server]", "setuptools")
    for built in wheels.glob("moto_ecr_ptc-*"):
        built.unlink()  # the Dockerfile builds it from the sources


@pytest.fixture(scope="module")
def buildah(tmp_path_factory):
    """buildah, with the base and the built image in a storage of its own."""
    need("buildah")
    programs = Programs(tmp_path_factory.mktemp("buildah"), "127.0.0.1:9")
    root = tmp_path_factory.mktemp("root")
    wheels = tmp_path_factory.mktemp("wheels")
    make_root(root)
    make_wheels(wheels)
    container = programs.run("buildah", "from", "scratch").strip()
    programs.run("buildah", "add", "--quiet", container, str(root), "/")
    # Not to compile saves minutes.
    for setting in ("PATH=/usr/local/bin:/bin", "PIP_NO_INDEX=1", "PIP_FIND_LINKS=/wheels", "PIP_NO_COMPILE=1"):
        programs.run("buildah", "config", "--env", setting, container)
    programs.run("buildah", "commit", "--quiet", "--rm", container, BASE)
    build = ("build", ISOLATION, "--format=docker", f"--build-arg=BASE={BASE}", "--pull-never", f"--tag={IMAGE}")
    run("buildah", *build, f"--volume={wheels}:/wheels:ro", ROOT, environment=programs.environment, timeout=900)
    yield programs
    programs.run("buildah", "rmi", "--all", "--force")


@pytest.fixture(scope="module")
def config(buildah):
    """The image's configuration."""
    return json.loads(buildah.run("buildah", "inspect", "--type=image", IMAGE))["Docker"]["config"]


@pytest.fixture(scope="module")
def container(buildah):
    """A container of the image."""
    name = buildah.run("buildah", "from", "--pull-never", IMAGE).strip()
    yield name
    buildah.run("buildah", "rm", name)


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def server(buildah, container, config, port, tmp_path):
    """The URL of the server that a container's entry point starts."""
    command = ("buildah", "run", ISOLATION, f"--env=MOTO_PORT={port}", container, "--", *config["Entrypoint"])
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(command, env=buildah.environment, stdout=log, stderr=log, start_new_session=True) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(url, process, tmp_path / "log")
            yield url
        finally:
            with suppress(ProcessLookupError):  # it has ended by itself
                os.killpg(process.pid, signal.SIGTERM)


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            requests.get(url, timeout=10)
        except requests.ConnectionError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the server does not answer\n{log.read_text()}")


def test_image_starts_a_server_with_pull_through_cache(server):
    assert requests.get(f"{server}/moto-api/static/ecr/overview", timeout=60).status_code == 200


def test_health_check_passes_while_the_server_runs(buildah, container, config, server, port):
    kind, *check = config["Healthcheck"]["Test"]
    assert kind == "CMD"
    buildah.run("buildah", "run", ISOLATION, f"--env=MOTO_PORT={port}", container, "--", *check)


def test_health_check_fails_where_no_server_answers(buildah, container, config, port):
    check = config["Healthcheck"]["Test"][1:]
    refused = buildah.fail("buildah", "run", ISOLATION, f"--env=MOTO_PORT={port}", container, "--", *check)
    assert "Connection refused" in refused


def test_server_runs_as_a_user_without_rights(buildah, container):
    print_user = "import os; print(os.getuid(), os.getgid())"
    assert buildah.run("buildah", "run", ISOLATION, container, "--", "python", "-c", print_user) == "10001 10001\n"


def test_image_has_the_package_but_not_the_sources(buildah, container):
    list_root = "import os; print(sorted(os.listdir('/')))"
    assert "'source'" not in buildah.run("buildah", "run", ISOLATION, container, "--", "python", "-c", list_root)


def test_base_is_pinned_to_a_minor_version_that_the_package_supports():
    (version,) = re.findall(r"^ARG BASE=docker\.io/library/python:(3\.\d+)-slim$", DOCKERFILE, re.MULTILINE)
    assert f"Programming Language :: Python :: {version}\n" in (ROOT / "setup.cfg").read_text()
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${BASE}", "${BASE}"]


def test_compose_example_builds_this_image_and_waits_until_it_is_healthy():
    example = ROOT / "examples" / "compose"
    services = yaml.safe_load((example / "compose.yaml").read_text())["services"]
    assert (example / services["aws"]["build"]).resolve() == ROOT
    assert services["app"]["depends_on"] == {"aws": {"condition": "service_healthy"}}
