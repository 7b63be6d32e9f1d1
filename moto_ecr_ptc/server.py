"""A moto server whose ECR has pull through cache: moto's own server, started after the activation."""

from __future__ import annotations

import importlib
import sys

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
    moto_server.main(argv)
