"""The errors of the registry endpoint: which code and status each refusal of the API has there.

Source: observed answers of Amazon ECR; OCI distribution specification 1.1, "Error codes". ``docs/fidelity.md`` says
which of them were observed.
"""

from __future__ import annotations

import json

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import InvalidParameterException, RepositoryNotFoundException

from ..exceptions import (
    LayerInaccessibleException,
    LayersNotFoundException,
    UnableToGetUpstreamImageException,
    UnableToGetUpstreamLayerException,
    UnableToListUpstreamImageReferrersException,
    UpstreamAccessDenied,
    UpstreamError,
    UpstreamTooManyRequests,
    UpstreamUnavailable,
)
from ..images.deletions import REFERENCED
from ..images.exceptions import (
    EmptyUploadException,
    ImageDigestDoesNotMatchException,
    ImageTagAlreadyExistsException,
    InvalidLayerException,
    InvalidLayerPartException,
    LayerNotStored,
    LayerPartTooSmallException,
    LayerTooLarge,
    ReferencedImagesNotFoundException,
    RequiredLayersNotFound,
    UploadNotFoundException,
)
from ..images.image_ids import INVALID_DIGEST, INVALID_TAG, MISSING, Failure
from ..registry_id import RegistryId
from .messages import Answer


class EndpointError(Exception):
    """A refusal that only the endpoint has."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


class JsonError(EndpointError):
    """A refusal with a code of the OCI distribution specification."""

    def __init__(self, code: str, status: int, message: str) -> None:
        document = {"errors": [{"code": code, "message": message}]}
        body = json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n"
        headers = {"Content-Type": "application/json; charset=utf-8"}
        super().__init__(Answer(status, headers, body.encode(errors="backslashreplace")))
        self.message = message


class RepositoryNotCreated(RepositoryNotFoundException):
    """A push to a repository that does not exist, and that its template cannot create.

    :param obstacle: why, as a clause that no client is told
    """

    def __init__(self, name: str, registry: RegistryId, obstacle: str) -> None:
        super().__init__(name, registry.account_id)
        self.explanation = f"The push did not create the repository '{name}' in {'/'.join(registry)}: {obstacle}."


class NotAuthorized(EndpointError):
    """No credentials, or wrong ones."""

    def __init__(self, base_url: str) -> None:
        # Some clients send the credentials to the realm, so it is the host that they called.
        challenge = f'Basic realm="{base_url}/",service="ecr.amazonaws.com"'
        headers = {"Content-Type": "text/plain; charset=utf-8", "Www-Authenticate": challenge}
        super().__init__(Answer(401, headers, b"Not Authorized\n"))


class PageNotFound(EndpointError):
    """A path or method that the endpoint does not have."""

    def __init__(self) -> None:
        super().__init__(Answer(404, {"Content-Type": "text/plain; charset=utf-8"}, b"404 page not found\n"))


class RangeNotSatisfiable(EndpointError):
    """A range that begins beyond a blob's end."""

    def __init__(self, size: int) -> None:
        super().__init__(Answer(416, {"Content-Range": f"bytes */{size}"}))


class Denied(JsonError):
    def __init__(self, message: str) -> None:
        super().__init__("DENIED", 403, message)


class ActionNotAllowed(Denied):
    def __init__(self, arn: str, action: str, resource: str, reason: str) -> None:
        super().__init__(f"User: {arn} is not authorized to perform: {action} on resource: {resource} {reason}")


class Unsupported(JsonError):
    def __init__(self, message: str, status: int = 405) -> None:
        super().__init__("UNSUPPORTED", status, message)


class InvalidBody(JsonError):
    def __init__(self, message: str) -> None:
        super().__init__("SIZE_INVALID", 400, message)


_CODES: dict[type[Exception], tuple[str, int]] = {
    InvalidParameterException: ("UNSUPPORTED", 405),
    RepositoryNotFoundException: ("NAME_UNKNOWN", 404),
    # manifests
    ImageTagAlreadyExistsException: ("TAG_INVALID", 400),
    ImageDigestDoesNotMatchException: ("MANIFEST_INVALID", 400),
    RequiredLayersNotFound: ("BLOB_UPLOAD_UNKNOWN", 404),
    ReferencedImagesNotFoundException: ("MANIFEST_BLOB_UNKNOWN", 404),
    # blobs and uploads
    LayersNotFoundException: ("BLOB_UNKNOWN", 404),
    LayerInaccessibleException: ("BLOB_UNKNOWN", 404),
    UploadNotFoundException: ("BLOB_UPLOAD_UNKNOWN", 404),
    InvalidLayerException: ("BLOB_UPLOAD_INVALID", 400),
    InvalidLayerPartException: ("BLOB_UPLOAD_INVALID", 416),
    LayerPartTooSmallException: ("BLOB_UPLOAD_INVALID", 400),
    LayerTooLarge: ("BLOB_UPLOAD_INVALID", 400),
    LayerNotStored: ("BLOB_UPLOAD_INVALID", 400),
    EmptyUploadException: ("BLOB_UPLOAD_INVALID", 400),
    # upstreams
    UpstreamAccessDenied: ("DENIED", 403),
    UpstreamTooManyRequests: ("TOOMANYREQUESTS", 429),
    UpstreamUnavailable: ("UNAVAILABLE", 503),
    UnableToGetUpstreamImageException: ("DENIED", 403),
    UnableToGetUpstreamLayerException: ("DENIED", 403),
    UnableToListUpstreamImageReferrersException: ("DENIED", 403),
}
"""Code and status of what the components of the backend raise; a subclass has those of its nearest base."""

_UPSTREAM_ERRORS = {error.code: error for error in (UpstreamAccessDenied, UpstreamTooManyRequests, UpstreamUnavailable)}

REFUSALS = (ServiceException, UpstreamError)
"""What the components of the backend raise."""


def refusal(error: Exception) -> JsonError:
    """Return the endpoint's error for one of ``REFUSALS``.

    An upstream's failure tells more than that a layer or referrers could not be got, which is how the API puts it.
    """
    cause: Exception = getattr(error, "upstream_error", None) or error
    code, status = next((_CODES[kind] for kind in type(cause).__mro__ if kind in _CODES), ("UNSUPPORTED", 405))
    message = cause.reason if isinstance(cause, UpstreamError) else str(getattr(cause, "message", cause))
    return JsonError(code, status, message)


def image_refusal(failure: Failure) -> JsonError:
    """Return the endpoint's error for a failure of BatchGetImage or BatchDeleteImage."""
    if failure in (INVALID_TAG, INVALID_DIGEST):
        return Unsupported(failure.reason, 400)
    if failure.code == REFERENCED:
        return Unsupported(failure.reason)
    if failure.code in _UPSTREAM_ERRORS:
        code, status = _CODES[_UPSTREAM_ERRORS[failure.code]]
        return JsonError(code, status, failure.reason)
    return JsonError("MANIFEST_UNKNOWN", 404, MISSING.reason)
