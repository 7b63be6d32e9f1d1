"""The AWS JSON 1.1 protocol: the operation of a request, its members, and the protocol's errors.

Source: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
"""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any, cast

from botocore.model import ListShape, ServiceModel, Shape, StructureShape
from moto.core.responses import BaseResponse

from .exceptions import ProtocolError, SerializationException, UnknownOperationException

CONTENT_TYPE = "application/x-amz-json-1.1"

_JSON_TYPES: dict[str, tuple[Any, str]] = {
    "string": (str, "a string"),
    "integer": (int, "an integer"),
    "long": (int, "an integer"),
    "blob": (str, "a string in base64"),
    "boolean": (bool, "a boolean"),
    "list": (list, "an array"),
    "structure": (dict, "an object"),
}


def read_operation(target: str, service_model: ServiceModel) -> str:
    """Return the operation that an ``X-Amz-Target`` header names.

    :raises UnknownOperationException: the service has no such operation
    """
    operation = target.rpartition(".")[2]
    if operation not in service_model.operation_names:
        raise UnknownOperationException(operation)
    return operation


def check_target(target: str, service_model: ServiceModel) -> None:
    """Check that the prefix of a target is the service's own.

    :raises UnknownOperationException: it names another service
    """
    if target.rpartition(".")[0] != service_model.metadata["targetPrefix"]:
        raise UnknownOperationException(target)


def is_decompressed(request: Any) -> bool:
    """Return whether moto's server has decompressed a request's body, as it does from moto 5.1.12 to 5.2.3.

    moto would then decompress it once more, and fail.
    """
    return "HTTP_CONTENT_ENCODING" in _environ(request) and isinstance(request.stream, gzip.GzipFile)


def set_up(response: BaseResponse, request: Any, full_url: str | None, headers: Any, **options: bool) -> None:
    """Have moto read a request whose body is JSON, whatever its content type says.

    moto would take a form apart, and curl declares every body a form.
    """
    environ = _environ(request)
    sent = environ.get("CONTENT_TYPE", "")
    environ["CONTENT_TYPE"] = CONTENT_TYPE
    try:
        response.setup_class(request, full_url, headers, **options)
    finally:
        environ["CONTENT_TYPE"] = sent  # the signature covers it


def read_members(body: bytes, shape: StructureShape) -> dict[str, Any]:
    """Return the members of a request that ``shape`` has, except those that are null.

    :raises SerializationException: the body is not a JSON object in UTF-8, or a member has the wrong JSON type
    """
    try:
        document = _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise SerializationException("The request body is not valid UTF-8") from None
    except RecursionError:
        raise SerializationException("The request body is nested too deeply") from None
    except ValueError:
        raise SerializationException("The request body is not valid JSON") from None
    return cast("dict[str, Any]", _read(document, shape, "The request body"))


def error_response(error: ProtocolError) -> tuple[dict[str, str], str]:
    """Return the headers and body of an error that the service's model does not list."""
    headers = {"Content-Type": CONTENT_TYPE, "X-Amzn-Errortype": error.code}
    return headers, json.dumps({"__type": error.code, "message": error.message})


def _environ(request: Any) -> dict[str, Any]:
    """Return the WSGI environment of a request. Before moto 5.2.4, one in process has none."""
    return getattr(request, "environ", None) or {}


def _read(value: Any, shape: Shape, where: str) -> Any:
    expected, description = _JSON_TYPES[shape.type_name]
    if type(value) is not expected:  # for isinstance a boolean is an integer
        raise SerializationException(f"{where} must be {description}")
    if isinstance(shape, StructureShape):
        return {
            name: _read(value[name], member, f"'{name}'")
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if shape.type_name == "blob":
        return _decode(value, where)
    if isinstance(shape, ListShape):
        return [_read(item, shape.member, f"Each item of {where}") for item in value]
    return value


def _decode(value: str, where: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        raise SerializationException(f"{where} must be a string in base64") from None


def _refuse_constant(constant: str) -> None:
    # Python's json module accepts NaN and Infinity, which are not JSON.
    raise ValueError(constant)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
"""``json.loads`` would make one for each body."""
