"""Pull through cache for moto's mocked Amazon ECR. Importing this package activates it.

PYTEST_DONT_REWRITE: nothing here asserts for pytest, and a process may have imported this before pytest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .activation import UnsupportedMotoError, activate
from .upstream_handle import UpstreamRegistry, pull_log, upstream_registry

if TYPE_CHECKING:
    from .declarations import load_upstreams
    from .ecr.pulls.pull_log import PullRecord
    from .ecr.upstream.built_images import UpstreamImage
    from .ecr.upstream.held_images import HeldImage
    from .ecr.upstream.state import Credentials, Pull

__all__ = [
    "Credentials",
    "HeldImage",
    "Pull",
    "PullRecord",
    "UnsupportedMotoError",
    "UpstreamImage",
    "UpstreamRegistry",
    "__version__",
    "load_upstreams",
    "pull_log",
    "upstream_registry",
]

__version__ = "0.1.0"

pytest_plugins = ("moto_ecr_ptc.pytest_plugin",)
"""For pytest where it takes this module for the plugin: where ``-p moto_ecr_ptc`` finds no installed package."""

_LOADED_AT_FIRST_USE = {
    "Credentials": "ecr.upstream.state",
    "HeldImage": "ecr.upstream.held_images",
    "Pull": "ecr.upstream.state",
    "PullRecord": "ecr.pulls.pull_log",
    "UpstreamImage": "ecr.upstream.built_images",
    "load_upstreams": "declarations",
}
"""The types that handles return, what few tests call, and the modules that define them: importing those takes long."""


def __getattr__(name: str) -> Any:
    if name not in _LOADED_AT_FIRST_USE:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f".{_LOADED_AT_FIRST_USE[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LOADED_AT_FIRST_USE})


activate()
