"""A stand-in for AWS: the project's own server, some of whose answers are altered on purpose.

``python -m tests.verified.altered_server DIRECTORY`` serves until it is killed, and prints its URL. The operation whose
name is in the file ``hold`` of the directory is done, and not answered while that file is there; once it is done there
is a file ``held``. The operation that is named in the file ``refuse`` is refused with the code that stands behind it.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request, Response

_TARGET = "HTTP_X_AMZ_TARGET"

Alteration = Callable[[Request, Response], None]
ALTERATIONS: list[tuple[str, str, frozenset[str], Alteration]] = []
"""The operation, or the method and the end of the path; what is altered; the rows that it is about; how."""


def altered(where: str, what: str, *rows: str) -> Callable[[Alteration], Alteration]:
    def register(alteration: Alteration) -> Alteration:
        ALTERATIONS.append((where, what, frozenset(rows), alteration))
        return alteration

    return register


@altered("CreatePullThroughCacheRule", "the text of a refusal", "13")
def _other_text(_: Request, response: Response) -> None:
    body = _body(response)
    if body.get("__type") == "LimitExceededException":
        _write(response, {**body, "message": "Enough."})


@altered("DescribePullThroughCacheRules", "the order of a list", "rule-describe-order", "rule-describe-prefix-twice")
def _other_order(request: Request, response: Response) -> None:
    rules = _body(response).get("pullThroughCacheRules", [])
    # Rules that overlap: one scenario alone has them.
    if b"maxResults" not in request.get_data() and any("/z/" in rule["ecrRepositoryPrefix"] for rule in rules):
        _write(response, {"pullThroughCacheRules": rules[::-1]})


@altered("ValidatePullThroughCacheRule", "a member that is dropped", "rule-validate-good")
def _dropped_member(_: Request, response: Response) -> None:
    body = _body(response)
    if body.get("isValid"):
        _write(response, {name: value for name, value in body.items() if name != "failure"})


@altered("DeleteRepositoryCreationTemplate", "another exception", "template-not-found")
def _other_exception(_: Request, response: Response) -> None:
    body = _body(response)
    if body.get("__type") == "TemplateNotFoundException":
        response.headers["X-Amzn-Errortype"] = "ValidationException"
        _write(response, {**body, "__type": "ValidationException"})


@altered("GetAccountSetting", "a success in place of a refusal", "setting-unknown")
def _success(_: Request, response: Response) -> None:
    if "__type" in _body(response):
        response.status_code = 200
        del response.headers["X-Amzn-Errortype"]
        _write(response, {"name": "NOTHING", "value": "V1"})


@altered("DELETE /blobs/sha256:", "another status", "blob-delete")
def _other_status(_: Request, response: Response) -> None:
    response.status_code = 404


@altered("HEAD /manifests/", "a header that is missing", "manifest-head")
def _missing_header(_: Request, response: Response) -> None:
    response.headers.remove("Docker-Content-Digest")


class AlteredApplication:
    """moto's application, with the alterations."""

    def __init__(self, application: Any, directory: Path) -> None:
        self._application = application
        self._directory = directory

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        operation = environ.get(_TARGET, "").rpartition(".")[2]
        path = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        if operation and self._refused.get("operation") == operation:
            return _refusal(self._refused["code"])(environ, start_response)
        chosen = [alter for where, _, _, alter in ALTERATIONS if where == operation or _matches(where, path)]
        held = self._directory / "hold"
        if not chosen and not held.exists():
            return self._application(environ, start_response)
        request = Request(environ)
        request.get_data()  # kept for the alteration, and read once more by moto
        environ["wsgi.input"] = io.BytesIO(request.get_data())
        body, status, headers = run_wsgi_app(self._application, environ)
        response = Response(b"".join(body), status, headers)
        response.automatically_set_content_length = False  # a HEAD has the length of what a GET returns
        if held.exists() and operation and operation == held.read_text(encoding="utf-8"):
            (self._directory / "held").touch()
            while held.exists():
                time.sleep(0.02)
        for alter in chosen:
            alter(request, response)
        return response(environ, start_response)

    @property
    def _refused(self) -> dict[str, str]:
        refused = self._directory / "refuse"
        names = refused.read_text(encoding="utf-8").split() if refused.exists() else []
        return dict(zip(("operation", "code"), names))


def _refusal(code: str) -> Response:
    body = json.dumps({"__type": code, "message": "The stand-in was told to say so."})
    return Response(body, 400, {"Content-Type": "application/x-amz-json-1.1"})


def _matches(where: str, path: str) -> bool:
    method, _, part = where.partition(" ")
    return bool(part) and path.startswith(f"{method} ") and part in path and not path.startswith("POST")


def _body(response: Response) -> dict[str, Any]:
    return dict(json.loads(response.get_data()))


def _write(response: Response, body: dict[str, Any]) -> None:
    response.set_data(json.dumps(body))


def main() -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    import moto_ecr_ptc  # noqa: F401  (activates the plugin)

    application = AlteredApplication(DomainDispatcherApplication(create_backend_app), Path(sys.argv[1]))
    server = make_server("127.0.0.1", 0, application, threaded=True)
    print(f"http://127.0.0.1:{server.port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
