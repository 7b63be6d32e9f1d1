"""Leads the requests of image clients to the registry endpoint, on moto's servers.

moto would take them for requests to Amazon S3: it infers the service from an AWS signature, and image clients send
none.
"""

from __future__ import annotations

import re
from functools import wraps
from typing import Any

from .ecr.registry.paths import parse, parse_host

_AWS_AUTHORIZATION = ("AWS4-", "AWS ")
_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".on.aws", ".api.aws")
_PRESIGNED = re.compile(r"(?:^|&)(?:X-Amz-Algorithm|X-Amz-Signature|AWSAccessKeyId)=", re.IGNORECASE)


def register(application: Any) -> None:
    """Make a class of WSGI applications lead the endpoint's requests there."""
    call = application.__call__
    if getattr(call, "__module__", None) == __name__:
        call = call.__wrapped__

    @wraps(call, assigned=("__doc__", "__name__", "__qualname__"))
    def lead(self: Any, environ: dict[str, Any], start_response: Any) -> Any:
        path = environ.get("PATH_INFO", "")
        if (path == "/v2" or path.startswith("/v2/")) and _is_for_registry(environ):
            from .ecr.registry.wsgi import application  # with the first such request, since it loads moto's ECR

            return application(environ, start_response)
        return call(self, environ, start_response)

    application.__call__ = lead


def _is_for_registry(environ: dict[str, Any]) -> bool:
    """Return whether a request is one of an image client.

    Other services of AWS have paths and keys of objects that begin with ``/v2`` too. Their requests are signed, or
    are sent to hosts of their own.
    """
    if parse_host(environ.get("HTTP_HOST", "")):
        return True
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    if authorization.startswith(_AWS_AUTHORIZATION) or "HTTP_X_AMZ_TARGET" in environ:
        return False
    if _PRESIGNED.search(environ.get("QUERY_STRING", "")) or _is_host_of_aws(environ.get("HTTP_HOST", "")):
        return False
    return authorization.lower().startswith("basic ") or parse(environ["PATH_INFO"]) is not None


def _is_host_of_aws(host: str) -> bool:
    name = host.partition(":")[0].lower()
    return ".s3" in name or name.startswith("s3.") or name.endswith(_AWS_DOMAINS)
