"""A moto server whose ECR has pull through cache: moto's own server, started after the activation."""

from __future__ import annotations

import importlib
import logging
import re
import sys
import warnings
from contextlib import suppress
from functools import partial, wraps
from types import SimpleNamespace
from typing import Any

from .activation import UnsupportedMotoError


def main(argv: list[str] | None = None, *, program: str = "moto_ecr_ptc_server") -> None:
    """Run a server until it is stopped, with the options of ``moto_server`` and some more.

    :param program: what the user typed to run it
    """
    try:
        with warnings.catch_warnings():
            # What is missing is said below.
            warnings.filterwarnings("ignore", "When using MotoServer")
            moto_server: Any = importlib.import_module("moto.server")
        serving = importlib.import_module("werkzeug.serving")
        # Imported now, so that an unsupported moto is reported here instead of to the first client.
        importlib.import_module("moto.ecr.models")
    except ImportError as error:
        missing = f"the package '{error.name}'" if isinstance(error, ModuleNotFoundError) else f"more ({error})"
        sys.exit(f"The server needs {missing}. Install it with: pip install 'moto-ecr-ptc[server]'")
    except UnsupportedMotoError as error:
        sys.exit(str(error))
    _raise_limit_of_files()
    _announce_page(serving.BaseWSGIServer)
    logging.getLogger("werkzeug").addFilter(_is_worth_a_line)
    options = importlib.import_module("moto_ecr_ptc.server_options").ServerOptions
    # moto makes its parser in the function that runs the server.
    argparse = moto_server.argparse
    moto_server.argparse = SimpleNamespace(ArgumentParser=partial(options, program))
    try:
        moto_server.main(argv)
    finally:
        moto_server.argparse = argparse


_QUESTION_OF_THE_PAGE = re.compile(r'"GET /moto-api/static/ecr/(overview|pulls)[? ][^"]*" 200 ')


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Leave out what the page asks every second: nobody would find anything else."""
    return not _QUESTION_OF_THE_PAGE.search(record.getMessage())


def _announce_page(server_class: Any) -> None:
    """Let a server tell where the page is, right after it has told its own URL.

    Only then is the port known, and whether a server listens there at all. A process that the reloader starts tells
    neither.
    """
    tell_own_url = getattr(server_class, "log_startup", None)
    if tell_own_url is None:  # pragma: no cover (Werkzeug < 2.2)
        return

    @wraps(tell_own_url)
    def tell_both(server: Any) -> None:
        tell_own_url(server)
        if not server.host.startswith("unix://"):
            logging.getLogger("werkzeug").info(" * Rules, caches and pulls are shown on %s", _page_url(server))

    server_class.log_startup = tell_both


def _page_url(server: Any) -> str:
    scheme = "http" if server.ssl_context is None else "https"
    # A server on all addresses is on this one too.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host)
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{server.port}/moto-api/ecr/"


def _raise_limit_of_files() -> None:
    """Let the process have as many open files as it may: each large blob is one."""
    try:
        resource = importlib.import_module("resource")
    except ImportError:  # pragma: no cover (Windows)
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS admits less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
