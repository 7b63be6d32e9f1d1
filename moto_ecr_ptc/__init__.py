"""Pull through cache for moto's mocked Amazon ECR. Importing this package activates it.

PYTEST_DONT_REWRITE: nothing here asserts for pytest, and a process may have imported this before pytest.
"""

from .activation import UnsupportedMotoError, activate
from .upstream_handle import UpstreamRegistry, pull_log, upstream_registry

__all__ = ["UnsupportedMotoError", "UpstreamRegistry", "__version__", "pull_log", "upstream_registry"]

__version__ = "0.1.0"

activate()
