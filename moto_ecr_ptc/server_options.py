"""The command line of the server: moto's own options, and those of this package."""

from __future__ import annotations

import argparse
import os
import platform
import re
import socket
import ssl
from typing import Any

import moto
from werkzeug.serving import get_sockaddr, is_running_from_reloader, select_address_family

from . import __version__
from .declarations import declare_at_each_reset
from .ecr.registry_host import CALLED, REGISTRY_HOST_VARIABLE

UPSTREAMS_VARIABLE = "MOTO_ECR_UPSTREAMS"

_DESCRIPTION = """\
A server that mocks AWS for clients in any language: moto's own, whose Amazon ECR has pull through cache, and answers
docker and other image clients too.
"""
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?")


class ServerOptions(argparse.ArgumentParser):
    """moto's parser of options: moto adds its own to it, and then has it parse."""

    def __init__(self, program: str) -> None:
        super().__init__(prog=program, description=_DESCRIPTION)
        versions = f"moto_ecr_ptc {__version__}, moto {moto.__version__}, Python {platform.python_version()}"
        ours = self.add_argument_group("options of moto_ecr_ptc")
        ours.add_argument("--version", action="version", version=versions)
        ours.add_argument(
            "--upstreams",
            action="append",
            metavar="FILE",
            help="TOML or JSON file that declares what upstream registries hold, from the start and after each reset; "
            f"several add up (default: those that {UPSTREAMS_VARIABLE} names, separated by '{os.pathsep}')",
        )
        ours.add_argument(
            "--registry-host",
            type=_registry_host,
            metavar=f"{CALLED}|HOST[:PORT]",
            help="name this host in repositoryUri and proxyEndpoint instead of AWS's, so that image clients find this "
            f"server by them; '{CALLED}' is the one that each client calls (default: {REGISTRY_HOST_VARIABLE}, or "
            "AWS's)",
        )

    def add_argument(self, *names: Any, **arguments: Any) -> argparse.Action:
        if arguments.get("default", argparse.SUPPRESS) not in (None, False, argparse.SUPPRESS):
            arguments["help"] += " (default: %(default)s)"
        return super().add_argument(*names, **arguments)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return the options after doing what those of this package say.

        The program ends, with one line on standard error, where that or listening is impossible.
        """
        options = super().parse_args(args, namespace)
        self._set_registry_host(options.registry_host)
        named = os.environ.get(UPSTREAMS_VARIABLE, "").split(os.pathsep)
        try:
            declare_at_each_reset(options.upstreams or filter(None, named))
        except ValueError as error:
            self.exit(2, f"{error}\n")
        if options.ssl_cert and options.ssl_key:
            self._check_certificate(options.ssl_cert, options.ssl_key)
        self._check_address(options.host, options.port)
        return options

    def _set_registry_host(self, host: str | None) -> None:
        if host is not None:
            os.environ[REGISTRY_HOST_VARIABLE] = host
        elif os.environ.get(REGISTRY_HOST_VARIABLE):
            try:
                _registry_host(os.environ[REGISTRY_HOST_VARIABLE])
            except argparse.ArgumentTypeError as error:
                self.error(f"{REGISTRY_HOST_VARIABLE}: {error}")

    def _check_certificate(self, certificate: str, key: str) -> None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
        except OSError as error:
            self.exit(1, f"{self.prog}: cannot use the certificate {certificate} with the key {key}: {error}\n")

    def _check_address(self, host: str, port: int) -> None:
        if is_running_from_reloader():  # the process that started this one listens already
            return
        if not 0 <= port <= 65535:  # the resolver takes the number without its higher bits
            self.exit(1, f"{self.prog}: {port} is not a port\n")
        family = select_address_family(host, port)
        if family == getattr(socket, "AF_UNIX", None):
            return
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                # As the server does: a port whose last connections are still closing is free.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(get_sockaddr(host, port, family))
        except OSError as error:
            self.exit(1, f"{self.prog}: cannot listen on {host}, port {port}: {error.strerror}\n")


def _registry_host(text: str) -> str:
    """Return the value of ``--registry-host``.

    :raises ArgumentTypeError: image clients do not take it for a host
    """
    if text == CALLED:
        return text
    host = _HOST.fullmatch(text)
    if not host or (host["port"] and not 0 < int(host["port"]) <= 65535):
        raise argparse.ArgumentTypeError(f"'{text}' is neither '{CALLED}' nor a host with or without a port")
    if not re.search("[.:]", text) and text != "localhost":
        raise argparse.ArgumentTypeError(
            f"'{text}' has neither a dot nor a port: image clients would take it for a part of a repository's name"
        )
    return text
