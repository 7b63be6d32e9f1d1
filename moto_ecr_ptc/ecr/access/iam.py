"""ECR's use of IAM: service-linked roles, the custom roles of rules and templates, and the caller's permissions.

The caller's permissions apply only while moto enforces IAM (``set_initial_no_auth_action_count``). moto's own access
control evaluates the policies, so elements that it ignores are ignored here too.

Source: Amazon ECR user guide, "Using service-linked roles for Amazon ECR"; service authorization reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from inspect import signature
from typing import TYPE_CHECKING, Any, NamedTuple

from moto import settings
from moto.backends import get_backend
from moto.core.responses import BaseResponse
from moto.iam.access_control import (
    AssumedRoleAccessKey,
    CreateAccessKeyFailure,
    IAMPolicy,
    IAMPolicyStatement,
    IAMUserAccessKey,
    PermissionResult,
    create_access_key,
)

from ..exceptions import ActionDenied, InvalidCustomRoleArn
from ..registry_id import RegistryId

if TYPE_CHECKING:
    from moto.iam.models import IAMBackend

MOTO_EVALUATES_CONDITIONS = "incoming_condition_values" in signature(IAMPolicy.is_action_permitted).parameters

_ROLE_ARN = re.compile(
    r"arn:(?P<partition>aws(?:-[a-z]+)*):iam::(?P<account>[0-9]{12}):role/(?:[!-~]+/)?[A-Za-z0-9_+=,.@-]{1,64}"
)


@dataclass(frozen=True)
class ServiceLinkedRole:
    name: str
    service: str
    policy: str

    def arn(self, registry: RegistryId) -> str:
        return f"arn:{registry.partition}:iam::{registry.account_id}:role/aws-service-role/{self.service}/{self.name}"


PULL_THROUGH_CACHE_ROLE = ServiceLinkedRole(
    name="AWSServiceRoleForECRPullThroughCache",
    service="pullthroughcache.ecr.amazonaws.com",
    policy="AWSECRPullThroughCache_ServiceRolePolicy",
)

TEMPLATE_ROLE = ServiceLinkedRole(
    name="AWSServiceRoleForECRTemplate",
    service="ecr.amazonaws.com",
    policy="ECRTemplateServiceRolePolicy",
)


def arn_of(caller: Caller | None, registry: RegistryId) -> str:
    """Return the ARN of who asks a registry: of the account's root user while moto does not enforce IAM."""
    return caller.arn if caller else registry.root_arn


class Caller:
    """Who made a request, while moto enforces IAM."""

    def __init__(self, access_key: IAMUserAccessKey | AssumedRoleAccessKey) -> None:
        self._access_key = access_key

    @property
    def arn(self) -> str:
        return self._access_key.arn

    def require(self, action: str, resource: str, context: dict[str, str] | None = None) -> None:
        """Check that the caller's identity policies allow ``action`` on ``resource``.

        :param context: condition keys and their values; a moto that does not evaluate conditions ignores them
        :raises AccessDeniedException: they do not
        """
        if _decide(self._evaluate(action, resource, context)) is not PermissionResult.PERMITTED:
            raise ActionDenied(self._access_key.arn, action, resource)

    def may(self, action: str, resource: str, policy: str | None) -> bool:
        """Return whether the caller's identity policies or a resource policy allow ``action``, and none denies it.

        On a resource of another account both must allow it.

        Source: Amazon ECR user guide, "Private registry permissions"; IAM user guide, "Policy evaluation logic". Within
        an account, an Allow to the whole account is ignored: it leaves the decision to the identity policies.

        :param resource: the ARN of a repository
        :param policy: of the registry or the repository
        """
        results = self._evaluate(action, resource, None)
        if resource.split(":")[4] != self.arn.split(":")[4]:
            allowed_there = self.decide_by(policy, action, resource) is PermissionResult.PERMITTED
            return allowed_there and _decide(results) is PermissionResult.PERMITTED
        results.add(_evaluate_policy(policy, self._principal(), action, resource))
        return _decide(results) is PermissionResult.PERMITTED

    def explain_denial(self, action: str, resource: str, policy: str | None) -> str:
        """Return which policy keeps the caller from an action on a repository of the own account, as a clause.

        :param policy: of the registry
        """
        if self.decide(action, resource) is PermissionResult.DENIED:
            return "an identity-based policy denies it"
        if self.decide_by(policy, action, resource) is PermissionResult.DENIED:
            return "the registry's policy denies it"
        return "neither an identity-based policy nor the registry's policy allows it"

    def decide(self, action: str, resource: str) -> PermissionResult:
        """Return the decision of the caller's identity policies on ``action`` on ``resource``."""
        return _decide(self._evaluate(action, resource, None))

    def decide_by(self, policy: str | None, action: str, resource: str) -> PermissionResult:
        """Return the decision of another account's resource policy on ``action`` on ``resource`` by the caller."""
        principal = self._principal()
        principal = principal._replace(granted_as=frozenset().union(*principal.chain))
        return _evaluate_policy(policy, principal, action, resource)

    def _principal(self) -> _Principal:
        arn = self._access_key.arn
        partition, account_id = _owner(arn)
        itself = [frozenset({arn}), *(frozenset({role}) for role in _assumed_role(arn))]
        return _Principal(chain=(*itself, _account_names(account_id, partition)), granted_as=frozenset().union(*itself))

    def _evaluate(self, action: str, resource: str, context: dict[str, str] | None) -> set[PermissionResult]:
        if not _is_there(self._access_key):
            return {PermissionResult.DENIED}
        conditions: dict[str, Any] = {"incoming_condition_values": context} if MOTO_EVALUATES_CONDITIONS else {}
        return {
            IAMPolicy(policy).is_action_permitted(action, resource, **conditions)
            for policy in self._access_key.collect_policies()
        }


def _is_there(access_key: IAMUserAccessKey | AssumedRoleAccessKey) -> bool:
    """Return whether the user or the role of an access key still exists: it may be deleted while a request goes on."""
    if isinstance(access_key, AssumedRoleAccessKey):
        return bool(list(_assumed_role(access_key.arn)))
    return access_key.arn.partition(":user/")[2] in access_key.backend.users


def check_custom_role(arn: str, registry: RegistryId, caller: Caller | None) -> None:
    """Check that a rule or template can use a custom role.

    :param caller: None while moto does not enforce IAM; then the role need not exist
    :raises InvalidParameterException: not the ARN of a role, a role of another account, or no such role
    :raises AccessDeniedException: the caller has no ``iam:PassRole`` on it
    """
    match = _ROLE_ARN.fullmatch(arn)
    if not match:
        raise InvalidCustomRoleArn("Member must be the ARN of an IAM role")
    if (match["account"], match["partition"]) != (registry.account_id, registry.partition):
        raise InvalidCustomRoleArn("Member must be the ARN of an IAM role of the account that owns the registry")
    if caller:
        caller.require("iam:PassRole", arn, {"iam:PassedToService": "ecr.amazonaws.com"})
        if not any(role.arn == arn for role in _iam(registry).get_roles()):
            raise InvalidCustomRoleArn("Member must be the ARN of an IAM role that exists")


def ensure_service_linked_role(role: ServiceLinkedRole, registry: RegistryId, caller: Caller | None) -> None:
    """Create the service-linked role in moto's IAM, unless it exists.

    :param caller: None while moto does not enforce IAM
    :raises AccessDeniedException: it does not exist, and the caller has no ``iam:CreateServiceLinkedRole``
    """
    backend = _iam(registry)
    if any(existing.name == role.name for existing in backend.get_roles()):
        return
    arn = role.arn(registry)
    if caller:
        caller.require("iam:CreateServiceLinkedRole", arn, {"iam:AWSServiceName": role.service})
    # moto's create_service_linked_role would derive another name from the service's.
    backend.create_role(
        role_name=role.name,
        assume_role_policy_document=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Principal": {"Service": role.service}, "Action": "sts:AssumeRole"}],
            }
        ),
        path=f"/aws-service-role/{role.service}/",
        permissions_boundary=None,
        description="",
        tags=[],
        max_session_duration="3600",
    )
    policy_arn = f"arn:{registry.partition}:iam::aws:policy/aws-service-role/{role.policy}"
    # moto has AWS's managed policies only if it is told to load them (MOTO_IAM_LOAD_MANAGED_POLICIES).
    if policy_arn in backend.managed_policies:
        backend.attach_role_policy(policy_arn, role.name)


def policy_denies_role(
    policy: str | None, role: ServiceLinkedRole, *, registry: RegistryId, action: str, resource: str
) -> bool:
    """Return whether a resource policy explicitly denies a service-linked role ``action`` on ``resource``.

    Statements with a Condition are ignored, since the values that AWS would compare are unknown here; so are malformed
    statements.
    """
    role_names = frozenset({role.arn(registry), role.service})
    account = _account_names(registry.account_id, registry.partition)
    principal = _Principal(chain=(role_names, account), granted_as=role_names)
    return _evaluate_policy(policy, principal, action, resource) is PermissionResult.DENIED


def policy_allows_role(policy: str | None, role_arn: str, *, action: str, resource: str) -> bool:
    """Return whether a resource policy allows a role of another account ``action`` on ``resource``.

    The same statements are ignored as by ``policy_denies_role``.
    """
    partition, account_id = _owner(role_arn)
    account = _account_names(account_id, partition)
    principal = _Principal(chain=(frozenset({role_arn}), account), granted_as=account | {role_arn})
    return _evaluate_policy(policy, principal, action, resource) is PermissionResult.PERMITTED


def decide_for_account(
    policy: str | None, account_id: str, partition: str, *, action: str, resource: str
) -> PermissionResult:
    """Return the decision of a resource policy on ``action`` on ``resource`` by anyone of another account.

    The same statements are ignored as by ``policy_denies_role``.
    """
    account = _account_names(account_id, partition)
    named = {
        name
        for statement in _statements(policy)
        for name in _principals(statement.get("Principal"))
        if name.split(":")[4:5] == [account_id]
    }
    principal = _Principal(chain=(account,), granted_as=account | named)
    return _evaluate_policy(policy, principal, action, resource)


def is_enforced() -> bool:
    """Return whether moto enforces IAM just now."""
    return BaseResponse.request_count >= settings.INITIAL_NO_AUTH_ACTION_COUNT


def find_caller(registry: RegistryId, access_key: str) -> Caller | None:
    """Return who has an access key; None if nobody has it, or if its role was deleted.

    :param registry: one of the account that the key belongs to
    """
    sessions = get_backend("sts")[registry.account_id][registry.partition].assumed_roles
    tokens = [session.session_token for session in sessions if session.access_key_id == access_key]
    headers = {"X-Amz-Security-Token": tokens[0]} if tokens else {}
    try:
        key = create_access_key(registry.account_id, registry.partition, access_key, headers)
    except CreateAccessKeyFailure:
        return None
    return Caller(key) if _is_there(key) else None


def role_trusts(arn: str, services: Iterable[str], registry: RegistryId) -> bool | None:
    """Return whether a role's trust policy lets one of the services assume it; None if there is no such role."""
    role = next((role for role in _iam(registry).get_roles() if role.arn == arn), None)
    if role is None:
        return None
    principal = _Principal(chain=(frozenset(services),), granted_as=frozenset(services))
    trust = _evaluate_policy(role.assume_role_policy_document, principal, "sts:AssumeRole", "*")
    return trust is PermissionResult.PERMITTED


def _iam(registry: RegistryId) -> IAMBackend:
    return get_backend("iam")[registry.account_id][registry.partition]


class _Principal(NamedTuple):
    """The principal for which a resource policy is evaluated."""

    chain: tuple[frozenset[str], ...]
    """The principals that IAM takes into account together, such as a session, its role and their account; each under
    all its names."""

    granted_as: frozenset[str]
    """The names by which an Allow grants something."""


def _evaluate_policy(policy: str | None, principal: _Principal, action: str, resource: str) -> PermissionResult:
    """Return the decision of a resource policy on ``action`` on ``resource`` by a principal."""
    return _decide(
        {
            _evaluate_statement(statement, action, resource)
            for statement in _statements(policy)
            if "Condition" not in statement and _applies_to(statement, principal)
        }
    )


def _owner(arn: str) -> tuple[str, str]:
    """Return the partition and the account in an ARN."""
    parts = arn.split(":")
    return parts[1], parts[4]


def _account_names(account_id: str, partition: str) -> frozenset[str]:
    return frozenset({account_id, f"arn:{partition}:iam::{account_id}:root"})


def _assumed_role(caller_arn: str) -> Iterable[str]:
    """Yield the ARN of the role of a session, whose own ARN has the role's name without the path."""
    if caller_arn.split(":")[2] == "sts":
        partition, account_id = _owner(caller_arn)
        name = caller_arn.split("/")[1]
        yield from (role.arn for role in get_backend("iam")[account_id][partition].get_roles() if role.name == name)


def _decide(results: set[PermissionResult]) -> PermissionResult:
    for decisive in (PermissionResult.DENIED, PermissionResult.PERMITTED):
        if decisive in results:
            return decisive
    return PermissionResult.NEUTRAL


def _statements(policy: str | None) -> list[dict[str, Any]]:
    """Return a policy's statements; none if it is malformed, since moto stores policies unchecked."""
    try:
        document = json.loads(policy or "{}")
    except (ValueError, RecursionError):
        return []
    statements = document.get("Statement") if isinstance(document, dict) else None
    return [
        statement
        for statement in (statements if isinstance(statements, list) else [statements])
        if isinstance(statement, dict)
    ]


def _evaluate_statement(statement: dict[str, Any], action: str, resource: str) -> PermissionResult:
    try:
        if _excludes(statement, resource):
            return PermissionResult.NEUTRAL
        return IAMPolicyStatement({"Resource": "*", **statement}).is_action_permitted(action, resource)
    except (AttributeError, KeyError, TypeError, re.error):  # a missing element, or one of the wrong type
        return PermissionResult.NEUTRAL


def _excludes(statement: dict[str, Any], resource: str) -> bool:
    """Return whether the NotResource of a statement, which moto does not evaluate, matches a resource."""
    excluded = statement.get("NotResource", [])
    return any(fnmatchcase(resource, pattern) for pattern in (excluded if isinstance(excluded, list) else [excluded]))


def _applies_to(statement: dict[str, Any], principal: _Principal) -> bool:
    """Return whether a statement applies to a principal.

    Source: IAM user guide, "AWS JSON policy elements: NotPrincipal". A Deny with it exempts a principal only if it
    lists the principal's session, role and account alike; an Allow with it grants nothing if it lists any of them.
    """
    denies = statement.get("Effect") == "Deny"
    if "NotPrincipal" in statement:
        listed = set(_principals(statement["NotPrincipal"]))
        exempt = ["*" in listed or not names.isdisjoint(listed) for names in principal.chain]
        return not (all(exempt) if denies else any(exempt))
    names = frozenset().union(*principal.chain) if denies else principal.granted_as
    return not (names | {"*"}).isdisjoint(_principals(statement.get("Principal")))


def _principals(element: Any) -> Iterable[str]:
    """Yield the AWS principals and the services in an element. No other kinds of principals occur here."""
    if not isinstance(element, dict):
        element = {"AWS": "*"} if element == "*" else {}
    for kind in ("AWS", "Service"):
        value = element.get(kind)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str) and not (kind == "Service" and item == "*"):
                yield item
