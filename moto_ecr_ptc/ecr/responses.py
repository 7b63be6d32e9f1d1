"""Decides which requests this package answers, and which moto does.

The former go to ``operations``, which is imported with the first of them, so that a process that only uses moto's own
ECR does not pay for it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionResult
from moto.core.utils import get_service_model
from moto.ecr.responses import ECRResponse

from .models import is_pull_through_cache_used
from .registry_id import now

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
        "CompleteLayerUpload",
        "GetDownloadUrlForLayer",
        "InitiateLayerUpload",
        "ListImageReferrers",
        "UploadLayerPart",
    }
)
"""The operations that this package adds. All others are moto's, and some of them are extended."""

SHARED_OPERATIONS = frozenset({"BatchGetImage", "BatchCheckLayerAvailability"})
"""moto's operations that this package answers for repositories that use pull through cache."""

TOKEN_LIFETIME = timedelta(hours=12)


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
        answer = super().get_authorization_token()
        for token in cast("dict[str, Any]", answer.result)["authorizationData"]:
            token["expiresAt"] = now() + TOKEN_LIFETIME
        return answer

    def call_action(self) -> TYPE_RESPONSE:
        if self._get_action() in OPERATIONS:
            # moto found the name in a query string, or in the body of a request for another operation.
            from .operations import Operations

            return Operations().refuse_unknown(self._get_action())
        return super().call_action()


def _is_motos(operation: str) -> bool:
    if operation in SHARED_OPERATIONS:
        return not is_pull_through_cache_used()
    return operation not in OPERATIONS and operation in get_service_model("ecr").operation_names
