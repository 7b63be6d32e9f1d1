"""Decides which requests this package answers, and which moto does.

The former go to ``operations``, which is imported with the first of them, so that a process that only uses moto's own
ECR does not pay for it.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from typing import Any, cast

from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.core.utils import get_service_model
from moto.ecr.exceptions import InvalidParameterException, RepositoryNotFoundException
from moto.ecr.models import Repository
from moto.ecr.responses import ECRResponse

from .exceptions import ProtocolError, UnknownOperationException
from .models import is_pull_through_cache_used
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

EXTENDED_OPERATIONS = frozenset({"PutImage"})
"""TODO"""


class PullThroughCacheResponse(ECRResponse):
    @classmethod
    def dispatch(cls, request: Any, full_url: str | None = None, headers: Any = None) -> Any:
        """Answer a request: moto calls this for every path of ECR's hosts."""
        target = request.headers.get("X-Amz-Target")
        if target is None or _is_motos(target.rpartition(".")[2]):
            return super().dispatch(request, full_url, headers)
        from .operations import Operations

        return Operations().answer(request, full_url, headers)

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
        if self._get_param("acceptedMediaTypes") is not None:
            from .operations import Operations  # moto ignores the member

            return Operations().translate(self)
        try:
            answer = super().batch_get_image()
        except RepositoryNotFoundException as error:
            _explain_missing_images(self, error.code)
            raise
        failures = cast("dict[str, Any]", answer.result)["failures"]
        if failures:
            _explain_missing_images(self, failures[0]["failureCode"])
        return answer

    def call_action(self) -> TYPE_RESPONSE:
        if self._get_action() in OPERATIONS:
            # moto found the name in a query string, or in the body of a request for another operation.
            from .operations import Operations

            return Operations().refuse(UnknownOperationException(self._get_action()))
        try:
            return super().call_action()
        except ProtocolError as error:
            from .operations import Operations

            return Operations().refuse(error)


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


def _explain_missing_images(response: PullThroughCacheResponse, code: str) -> None:
    """Tell the pull log why a request that moto has answered finds no images: no rule covers the repository.

    :param code: what moto has answered for a request that ECR would refuse, as for a malformed name
    """
    from .operations import Operations

    operations = Operations()
    with suppress(ServiceException, ProtocolError):
        try:
            operations.translate(response)
        except InvalidParameterException as error:
            operations.record_malformed(code, error.message)


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
