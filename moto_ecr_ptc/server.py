"""A moto server whose ECR has pull through cache: moto's own server, started after the activation."""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress

from .activation import UnsupportedMotoError


def main(argv: list[str] | None = None) -> None:
    """Run a server until it is stopped, with the options of ``moto_server``. It listens on 127.0.0.1 by default."""
    try:
        moto_server = importlib.import_module("moto.server")
        # Imported now, so that an unsupported moto is reported here instead of to the first client.
        importlib.import_module("moto.ecr.models")
    except ModuleNotFoundError as error:
        sys.exit(f"The server needs the package '{error.name}'. Install it with: pip install 'moto-ecr-ptc[server]'")
    except UnsupportedMotoError as error:
        sys.exit(str(error))
    _raise_limit_of_files()
    moto_server.main(argv)


def _raise_limit_of_files() -> None:
    """Let the process have as many open files as it may: each large blob is one."""
    try:
        resource = importlib.import_module("resource")
    except ImportError:  # pragma: no cover (Windows)
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS admits less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
