"""The host that a server names as a registry's: AWS's, or the one at which image clients reach the server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moto.core.responses import BaseResponse

REGISTRY_HOST_VARIABLE = "MOTO_ECR_REGISTRY_HOST"
CALLED = "called"
"""The value of the variable that stands for the host of each request."""


def registry_host(response: BaseResponse) -> str | None:
    """Return the host to name to the client whose request ``response`` answers; None for AWS's.

    moto reads variables like this one at each request too. In process there is no server to be found.
    """
    host = os.environ.get(REGISTRY_HOST_VARIABLE)
    if not host or not response.is_werkzeug_request:
        return None
    return response.headers.get("Host") if host == CALLED else host
