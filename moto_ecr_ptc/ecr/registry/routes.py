"""Which request to the registry endpoint is answered how."""

from __future__ import annotations

from collections.abc import Callable

from moto.core.base_backend import backend_lock

from ..pulls.pull_log import PullOperation, Question, log
from ..pulls.refusals import DENIED, record_refusal
from . import blobs, discovery, manifests, uploads
from .auth import Access, authenticate
from .errors import REFUSALS, ActionNotAllowed, EndpointError, InvalidBody, PageNotFound, RepositoryNotCreated, refusal
from .messages import Answer, BodyCutOff, Request, json_answer
from .paths import Path, parse
from .repositories import check

_Handler = Callable[[Request, Path, Access], Answer]


def _version(request: Request, path: Path, access: Access) -> Answer:
    """Say that there is a registry, and that the credentials are good."""
    return json_answer({})


_HANDLERS: dict[str, dict[str, _Handler]] = {
    "base": {"GET": _version, "HEAD": _version},
    "catalog": {"GET": discovery.catalog},
    "tags": {"GET": discovery.tags},
    "referrers": {"GET": discovery.referrers},
    "manifest": {
        "GET": manifests.get,
        "HEAD": manifests.get,
        "PUT": manifests.put,
        "DELETE": manifests.delete,
    },
    "blob": {"GET": blobs.get, "HEAD": blobs.head, "DELETE": blobs.delete},
    "uploads": {"POST": uploads.start},
    "upload": {
        "GET": uploads.get,
        "PATCH": uploads.add,
        "PUT": uploads.finish,
        "DELETE": uploads.cancel,
    },
}
"""The handlers of each kind of path, by method."""

_PULLED: dict[str, PullOperation] = {
    "manifest": "BatchGetImage",
    "blob": "GetDownloadUrlForLayer",
    "referrers": "ListImageReferrers",
}
"""The operation of the API that a GET of each kind of path stands for."""


def answer(request: Request) -> Answer:
    """Answer a request to the endpoint, whatever it is."""
    try:
        found = _handle(request)
    except EndpointError as error:
        found = error.answer
    except REFUSALS as error:
        if isinstance(error, RepositoryNotCreated):
            log.warning("%s", error.explanation)
        found = refusal(error).answer
    except BodyCutOff:
        found = InvalidBody("The body is malformed, or cut off").answer
    headers = {"Docker-Distribution-Api-Version": "registry/2.0", **found.headers}
    if request.method == "HEAD" and found.status >= 400:
        headers.pop("Content-Type", None)
        return Answer(found.status, headers)
    if found.status != 204:
        headers.setdefault("Content-Length", str(found.size))
    return Answer(found.status, headers, b"" if request.method == "HEAD" else found.body)


def _handle(request: Request) -> Answer:
    with backend_lock:  # moto resets its backends under this lock
        access = authenticate(request)
    path = parse(request.path)
    handler = path and _HANDLERS[path.kind].get(request.method)
    if path is None or handler is None:
        raise PageNotFound
    if path.name:
        check("repositoryName", path.name, "RepositoryName")
    try:
        return handler(request, path, access)
    except ActionNotAllowed as error:
        if path.kind in _PULLED and request.method in ("GET", "HEAD"):
            _record_denial(path, access, error)
        raise


def _record_denial(path: Path, access: Access, error: ActionNotAllowed) -> None:
    question = Question(_PULLED[path.kind], access.backend.registry, access.arn, path.name)
    record_refusal(question, [path.reference], DENIED, error.message, access.backend.upstream_repositories)
