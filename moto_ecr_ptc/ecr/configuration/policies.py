"""Checks of the policies in templates, and of the registry policy.

moto checks whether a policy is well-formed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from fnmatch import fnmatchcase
from types import SimpleNamespace
from typing import Any

from moto.core.utils import get_service_model
from moto.ecr.models import ECRBackend
from moto.iam.exceptions import MalformedPolicyDocument

from ..exceptions import InvalidLifecyclePolicy

REGISTRY_ACTIONS_V1 = frozenset({"ecr:BatchImportUpstreamImage", "ecr:CreateRepository", "ecr:ReplicateImage", "ecr:*"})
"""The actions of a registry policy under scope V1. Source: Amazon ECR user guide, "Private registry permissions"."""

_ACTIONS_WITHOUT_OPERATION = frozenset({"ecr:BatchImportUpstreamImage", "ecr:GetImageCopyStatus", "ecr:ReplicateImage"})
"""ECR's actions in the service authorization reference that are not operations of its API."""


class PolicyChecker(ECRBackend):
    """Checks policies with the code of moto's ECR, without a repository."""

    def _get_repository(self, name: str, registry_id: str | None = None) -> Any:
        return SimpleNamespace(registry_id=registry_id)

    def check_repository_policy(self, text: str) -> None:
        """Check a policy as SetRepositoryPolicy does.

        :raises InvalidParameterException: it is malformed
        """
        self.set_repository_policy(self.account_id, "", text)

    def check_lifecycle_policy(self, text: str) -> None:
        """Check a policy as PutLifecyclePolicy does.

        :raises InvalidParameterException: it is malformed
        """
        try:
            self.put_lifecycle_policy(self.account_id, "", text)
        except (AttributeError, KeyError, TypeError):  # moto's validator fails on some wrong types
            raise InvalidLifecyclePolicy from None


def check_registry_actions(text: str, scope: str) -> None:
    """Check the actions of a registry policy that is otherwise well-formed.

    :param scope: the account setting REGISTRY_POLICY_SCOPE: V1 or V2
    :raises MalformedPolicyDocument: an action that is not ECR's, or that the scope does not allow
    """
    is_admitted = REGISTRY_ACTIONS_V1.__contains__ if scope == "V1" else _is_ecr_action
    statements = json.loads(text)["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        if "Action" not in statement:
            raise MalformedPolicyDocument
        actions = statement["Action"]
        if not all(map(is_admitted, [actions] if isinstance(actions, str) else actions)):
            raise MalformedPolicyDocument


def _is_ecr_action(pattern: str) -> bool:
    return pattern.startswith("ecr:") and any(fnmatchcase(action, pattern) for action in _ecr_actions())


def _ecr_actions() -> Iterable[str]:
    yield from _ACTIONS_WITHOUT_OPERATION
    for operation in get_service_model("ecr").operation_names:
        yield f"ecr:{operation}"
