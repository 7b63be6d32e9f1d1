"""Decides which requests this package answers, and which moto does.

The former go to ``operations``, which is imported with the first of them, so that a process that only uses moto's own
ECR does not pay for it.
"""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any, cast

from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionResult
from moto.core.utils import get_service_model
from moto.ecr.responses import ECRResponse
from werkzeug.exceptions import HTTPException

from .models import is_pull_through_cache_used

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

_TRANSLATION = b"acceptedMediaTypes"
"""The member of BatchGetImage with which manifests are translated; moto ignores it."""


class PullThroughCacheResponse(ECRResponse):
    @classmethod
    def dispatch(cls, request: Any, full_url: str | None = None, headers: Any = None) -> Any:
        """Answer a request: moto calls this for every path of ECR's hosts."""
        target = request.headers.get("X-Amz-Target")
        if target is None or _is_motos(target.rpartition(".")[2], request):
            return super().dispatch(request, full_url, headers)
        from .operations import Operations

        return Operations().answer(request, full_url, headers)

    def get_authorization_token(self) -> ActionResult:
        from .access.tokens import USER, issue_token

        answer = super().get_authorization_token()
        token, expires_at = issue_token(self.current_account, self.region, self.access_key or "")
        for data in cast("dict[str, Any]", answer.result)["authorizationData"]:
            data["authorizationToken"] = base64.b64encode(f"{USER}:{token.text}".encode()).decode()
            data["expiresAt"] = expires_at
        return answer

    def call_action(self) -> TYPE_RESPONSE:
        if self._get_action() in OPERATIONS:
            # moto found the name in a query string, or in the body of a request for another operation.
            from .operations import Operations

            return Operations().refuse_unknown(self._get_action())
        return super().call_action()


def _is_motos(operation: str, request: Any) -> bool:
    if operation in SHARED_OPERATIONS:
        return not is_pull_through_cache_used() and not _may_translate(request)
    return operation not in OPERATIONS and operation in get_service_model("ecr").operation_names


def _may_translate(request: Any) -> bool:
    """Return whether a request may ask for a translation. Its body can be read again afterwards."""
    if request.headers.get("Content-Encoding"):
        return True
    if not hasattr(request, "get_data"):  # pragma: no cover (in process, before moto 5.2.4)
        body = request.body or b""
        return _TRANSLATION in (body.encode() if isinstance(body, str) else body)
    try:
        body = request.get_data(cache=False)
    except (OSError, HTTPException):  # malformed chunks, or a client that disconnects
        return True
    request.stream = BytesIO(body)
    return _TRANSLATION in body
