"""Which requests are this package's to answer, and which moto's.

The former go to ``operations``, which is loaded with the first of them: a process that uses moto's own ECR alone pays
for no more than this module.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionResult
from moto.core.utils import get_service_model
from moto.ecr.responses import ECRResponse

from .models import is_anything_served
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
"""Those that are this package's own. All others are moto's, some of them with more to answer."""

SERVED_OPERATIONS = frozenset({"BatchGetImage", "BatchCheckLayerAvailability"})
"""Those of moto's that are answered here for repositories that pull through cache has to do with."""

TOKEN_LIFETIME = timedelta(hours=12)


class PullThroughCacheResponse(ECRResponse):
    def _dispatch(self, request: Any, full_url: str | None = None, headers: Any = None) -> TYPE_RESPONSE:
        target = request.headers.get("X-Amz-Target")
        if target is None or _is_motos(target.rpartition(".")[2]):
            return super()._dispatch(request, full_url, headers)
        from .operations import Operations

        return Operations().answer(request, full_url, headers)

    def get_authorization_token(self) -> ActionResult:
        answer = super().get_authorization_token()
        for token in cast("dict[str, Any]", answer.result)["authorizationData"]:
            token["expiresAt"] = now() + TOKEN_LIFETIME
        return answer

    def call_action(self) -> TYPE_RESPONSE:
        if self._get_action() in OPERATIONS:
            # The name came from a query string or from text in the body of another operation.
            from .operations import Operations

            return Operations().refuse_unknown(self._get_action())
        return super().call_action()


def _is_motos(operation: str) -> bool:
    if operation in SERVED_OPERATIONS:
        return not is_anything_served()
    return operation not in OPERATIONS and operation in get_service_model("ecr").operation_names
