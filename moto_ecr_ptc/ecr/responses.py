"""Decides which requests this package answers, and which moto does.

The former go to ``operations``, which is imported with the first of them, so that a process that only uses moto's own
ECR does not pay for it.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any, cast

from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import camelcase_to_underscores, get_service_model
from moto.ecr.exceptions import InvalidParameterException, RepositoryNotFoundException
from moto.ecr.models import Repository, ecr_backends
from moto.ecr.responses import ECRResponse
from werkzeug.exceptions import HTTPException

from .exceptions import NotImplementedException, ProtocolError, SerializationException, UnknownOperationException
from .models import PullThroughCacheBackend, is_pull_through_cache_used
from .registry_host import registry_host

OPERATIONS = frozenset(
    {
        "CreatePullThroughCacheRule",
        "DeletePullThroughCacheRule",
        "DescribePullThroughCacheRules",
        "UpdatePullThroughCacheRule",
        "ValidatePullThroughCacheRule",
        "CreateRepositoryCreationTemplate",
        "DeleteRepositoryCreationTemplate",
        "DescribeRepositoryCreationTemplates",
        "UpdateRepositoryCreationTemplate",
        "GetAccountSetting",
        "PutAccountSetting",
        "BatchCheckLayerAvailability",
        "CompleteLayerUpload",
        "GetDownloadUrlForLayer",
        "InitiateLayerUpload",
        "ListImageReferrers",
        "UploadLayerPart",
    }
)
"""The operations that this package answers. All others are moto's, and some of them are extended."""

SHARED_OPERATIONS = frozenset({"BatchGetImage"})
"""moto's operations that this package answers for repositories that use pull through cache, and where it translates."""

EXTENDED_OPERATIONS = frozenset({"BatchDeleteImage", "DescribeImages", "ListImages", "PutImage"})
"""moto's operations on images, those that rules bring among them, whose malformed requests this package refuses."""

_FAILURES_OF_MOTO = (AttributeError, LookupError, RecursionError, TypeError)
"""What moto meets in a malformed request."""

_CHECKED_OPERATIONS = SHARED_OPERATIONS | EXTENDED_OPERATIONS


class PullThroughCacheResponse(ECRResponse):
    is_on_server = False
    target_operation: str | None = None
    """What the target of a request names that has one, and that moto is not left to read alone."""

    @classmethod
    def dispatch(cls, request: Any, full_url: str | None = None, headers: Any = None) -> Any:
        """Answer a request: moto calls this for every path of ECR's hosts."""
        target = request.headers.get("X-Amz-Target")
        operation = target and target.rpartition(".")[2]
        if target is None or _is_motos_alone(operation):
            return super().dispatch(request, full_url, headers)
        if _is_motos(operation):
            return _answer_any_body(cls(), target, request, full_url, headers)
        from .operations import Operations

        return Operations().answer(request, full_url, headers)

    def setup_class(self, request: Any, *arguments: Any, **more: Any) -> None:
        super().setup_class(request, *arguments, **more)
        # moto's own is_werkzeug_request is true of some requests in process, too, before moto 5.2.4.
        self.is_on_server = "SERVER_SOFTWARE" in getattr(request, "environ", ())

    def _get_action(self) -> str:
        # moto asks for it several times, and would look for it anew in the query, the body and the headers.
        return self.target_operation or super()._get_action()

    def determine_response_protocol(self, service_model: Any) -> str:
        # moto would decide by the request's content type.
        return "json" if self.target_operation else super().determine_response_protocol(service_model)

    def get_authorization_token(self) -> ActionResult:
        from .access.tokens import USER, issue_token

        answer = super().get_authorization_token()
        token, expires_at = issue_token(self.current_account, self.region, self.access_key or "")
        host = registry_host(self)
        for data in cast("dict[str, Any]", answer.result)["authorizationData"]:
            data["authorizationToken"] = base64.b64encode(f"{USER}:{token.text}".encode()).decode()
            data["expiresAt"] = expires_at
            if host:
                data["proxyEndpoint"] = f"{self.parsed_url.scheme}://{host}"
        return answer

    def create_repository(self) -> ActionResult:
        return _name_host(self, super().create_repository())

    def describe_repositories(self) -> ActionResult:
        return _name_host(self, super().describe_repositories())

    def delete_repository(self) -> ActionResult:
        return _name_host(self, super().delete_repository())

    def batch_get_image(self) -> ActionResult:
        try:
            translates = self._get_param("acceptedMediaTypes") is not None  # moto ignores the member
            answer = None if translates else super().batch_get_image()
        except RepositoryNotFoundException as error:
            _explain_missing_images(self, error.code)
            raise
        except _FAILURES_OF_MOTO:
            answer = None
        if answer is None:
            from .operations import Operations

            return Operations().translate(self)
        failures = cast("dict[str, Any]", answer.result)["failures"]
        if failures:
            _explain_missing_images(self, failures[0]["failureCode"])
        return answer

    def batch_delete_image(self) -> ActionResult:
        return _answer_well_formed(self, super().batch_delete_image)

    def describe_images(self) -> ActionResult:
        return _answer_well_formed(self, super().describe_images)

    def list_images(self) -> ActionResult:
        return _answer_well_formed(self, super().list_images)

    def put_image(self) -> ActionResult:
        return _answer_well_formed(self, super().put_image)

    def call_action(self) -> TYPE_RESPONSE:
        if self._get_action() in OPERATIONS:
            # moto found the name in a query string, or in the body of a request for another operation.
            from .operations import Operations

            return Operations().refuse(UnknownOperationException(self._get_action()))
        try:
            return super().call_action()
        except ProtocolError as error:
            refusal = error
        except NotImplementedError:
            # In process it reaches whoever made the call. moto raises it of content types that it does not know, too.
            if not self.is_on_server or _is_implemented(self._get_action()):
                raise
            refusal = _refusal_of_missing(self._get_action())
        from .operations import Operations

        return Operations().refuse(refusal)


# Functions instead of methods: moto looks through a response class's members at each call.


def _name_host(response: PullThroughCacheResponse, answer: ActionResult) -> ActionResult:
    """Return an answer with the host that the server is to name in the URIs of its repositories."""
    host = registry_host(response)
    if host is None:
        return answer
    result = cast("dict[str, Any]", answer.result)
    if "repository" in result:
        return ActionResult({**result, "repository": _at(host, result["repository"])})
    return ActionResult({**result, "repositories": [_at(host, found) for found in result["repositories"]]})


def _answer_well_formed(response: PullThroughCacheResponse, answer: Callable[[], ActionResult]) -> ActionResult:
    """Have moto answer a request that has all required members, and each with the type of the service model.

    :raises SerializationException: the body is malformed
    :raises InvalidParameterException: a required member is missing, or moto fails on one that violates its constraints
    :raises ProtocolError: there is no such Region
    """
    from .protocol import read_members
    from .validation import check_members

    shape = get_service_model("ecr").operation_model(response._get_action()).input_shape  # noqa: SLF001 (moto's name of it)
    body = response.body.encode()
    if response.target_operation:  # otherwise moto reads the members in a query
        members = read_members(body, shape)
        if not members.keys() >= set(shape.required_members):
            check_members(members, shape)
        # moto looks for a member here first; in a body it parses all of it for each, and finds those that are null.
        response.querystring = {name: [value] for name, value in members.items()}
        response.body = "{}"
    try:
        return answer()
    except _FAILURES_OF_MOTO:
        backend_of(response)  # moto looks for it by a Region that there may be none of
        check_members(read_members(body, shape), shape)
        raise


def _explain_missing_images(response: PullThroughCacheResponse, code: str) -> None:
    """Tell the pull log why a request that moto has answered finds no images: no rule covers the repository.

    :param code: what moto has answered for a request that ECR would refuse, as for a malformed name
    """
    from .operations import Operations

    operations = Operations()
    try:
        operations.translate(response)
    except SerializationException:
        raise  # moto repeats the identifiers of images that it does not find, whatever they are
    except InvalidParameterException as error:
        operations.record_malformed(code, error.message)
    except (ServiceException, ProtocolError):
        pass


def _at(host: str, repository: Repository) -> dict[str, Any]:
    # By the names in the service model, where moto has others: old versions of it find those in objects only.
    return {
        **vars(repository),
        "repositoryArn": repository.arn,
        "repositoryName": repository.name,
        "repositoryUri": f"{host}/{repository.name}",
    }


def _is_motos(operation: str) -> bool:
    if operation in SHARED_OPERATIONS:
        return not is_pull_through_cache_used()
    return operation not in OPERATIONS and operation in get_service_model("ecr").operation_names


def _is_motos_alone(operation: str) -> bool:
    return operation not in _CHECKED_OPERATIONS and _is_motos(operation) and _is_implemented(operation)


@cache
def _is_implemented(operation: str) -> bool:
    return hasattr(ECRResponse, camelcase_to_underscores(operation))


def _answer_any_body(
    response: PullThroughCacheResponse, target: str, request: Any, full_url: str | None, headers: Any
) -> Any:
    """Have moto answer a request, but for one that moto cannot read, or that is of no registry."""
    from .protocol import check_target, is_decompressed, set_up

    response.allow_request_decompression = not is_decompressed(request)
    try:
        check_target(target, get_service_model("ecr"))
        set_up(response, request, full_url, headers)
        check_account(response)
    except ProtocolError as error:
        refusal = error
    except UnicodeDecodeError:
        refusal = SerializationException("The request body is not valid UTF-8")
    except (OSError, EOFError, zlib.error, HTTPException):
        refusal = SerializationException("The request body is malformed, or cut off")
    else:
        return answer_by_target(response, target.rpartition(".")[2])
    from .operations import Operations

    return Operations().refuse(refusal)


def answer_by_target(response: PullThroughCacheResponse, operation: str) -> TYPE_RESPONSE:
    """Have moto answer a request with the operation that its target names, and with the members in its body."""
    response.target_operation = operation
    response.querystring = {}  # moto looks for members there first
    return response.call_action()


def backend_of(response: BaseResponse) -> PullThroughCacheBackend:
    """Return the backend of the account and the Region that a request is for.

    :raises ProtocolError: there is no such account or Region
    """
    check_account(response)
    try:
        return cast(PullThroughCacheBackend, ecr_backends[response.current_account][response.region])
    except KeyError:
        raise ProtocolError("InvalidSignatureException", "Credential should be scoped to a valid region.") from None


def check_account(response: BaseResponse) -> None:
    """Check that a request is for an account that there can be.

    :raises ProtocolError: it is not
    """
    account = response.current_account
    if not (account.isascii() and account.isdigit()):
        raise ProtocolError("UnrecognizedClientException", f"'{account}' is not the id of an account")


def _refusal_of_missing(operation: str) -> ProtocolError:
    if operation in get_service_model("ecr").operation_names:
        return NotImplementedException(operation)
    return UnknownOperationException(operation)
