"""Pull through cache for moto's mocked Amazon ECR. Importing this package activates it.

PYTEST_DONT_REWRITE: nothing here asserts for pytest, and a process may have imported this before pytest.
"""

from .activation import UnsupportedMotoError, activate
from .declarations import load_upstreams
from .upstream_handle import UpstreamRegistry, pull_log, upstream_registry

__all__ = [
    "UnsupportedMotoError",
    "UpstreamRegistry",
    "__version__",
    "load_upstreams",
    "pull_log",
    "upstream_registry",
]

__version__ = "0.1.0"

pytest_plugins = ("moto_ecr_ptc.pytest_plugin",)
"""For pytest where it takes this module for the plugin: where ``-p moto_ecr_ptc`` finds no installed package."""

activate()
