"""Who asks which registry, and whether they may: Basic authentication, repository policies, and moto's IAM.

Source: Amazon ECR user guide, "Private registry authentication" and "Private repository policies".
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from moto.core.base_backend import backend_lock
from moto.ecr.models import ecr_backends
from moto.iam.access_control import PermissionResult

from ..access.iam import Caller, arn_of, decide_for_account, find_caller, is_enforced
from ..access.tokens import USER, MangledToken, NoToken, RegistryToken, read_token
from ..models import PullThroughCacheBackend
from ..registry_id import RegistryId
from .errors import ActionNotAllowed, Denied, NotAuthorized, Unsupported
from .messages import Request
from .paths import parse_host


@dataclass(frozen=True)
class Access:
    """Who asks a registry."""

    backend: PullThroughCacheBackend
    """Of the registry."""

    account_id: str
    """The caller's account."""

    caller: Caller | None
    """None while moto does not enforce IAM."""

    @property
    def arn(self) -> str:
        """Of the caller; of the account's root user while moto does not enforce IAM."""
        return arn_of(self.caller, RegistryId(self.account_id, self.backend.registry.region))

    def require(self, action: str, repository_name: str) -> None:
        """Check that the caller may take an action of the API on a repository.

        Within an account, IAM decides, by identity policies and the repository's policy. The repository of another
        account must allow it by its policy, also while moto does not enforce IAM.

        :raises ActionNotAllowed: the caller may not
        """
        registry = self.backend.registry
        resource = registry.repository_arn(repository_name)
        repository = self.backend.repositories.get(repository_name)
        policy = repository.policy if repository else None
        is_foreign = self.account_id != registry.account_id
        if is_foreign and self._decide_by(policy, action, resource) is not PermissionResult.PERMITTED:
            raise self._refusal(policy, action, resource, "resource-based")
        if self.caller and not self.caller.may(action, resource, policy):
            raise self._refusal(policy, action, resource, "identity-based")

    def may(self, action: str, repository_name: str) -> bool:
        """Return whether ``require`` raises nothing."""
        try:
            self.require(action, repository_name)
        except ActionNotAllowed:
            return False
        return True

    def require_registry(self, action: str) -> None:
        """Check that the caller may take an action on all repositories of the registry.

        :raises ActionNotAllowed: the caller may not, or belongs to another account
        """
        registry = self.backend.registry
        resource = registry.repository_arn("*")
        if self.account_id != registry.account_id:
            raise self._refusal(None, action, resource, "resource-based")
        if self.caller and not self.caller.may(action, resource, None):
            raise self._refusal(None, action, resource, "identity-based")

    def _refusal(self, policy: str | None, action: str, resource: str, missing: str) -> ActionNotAllowed:
        """Return the refusal of an action.

        :param missing: the kind of policy that does not allow it, unless one denies it
        """
        reason = f"because no {missing} policy allows the {action} action"
        if self.caller and self.caller.decide(action, resource) is PermissionResult.DENIED:
            reason = "with an explicit deny in an identity-based policy"
        elif self._decide_by(policy, action, resource) is PermissionResult.DENIED:
            reason = "with an explicit deny in a resource-based policy"
        return ActionNotAllowed(self.arn, action, resource, reason)

    def _decide_by(self, policy: str | None, action: str, resource: str) -> PermissionResult:
        if self.caller:
            return self.caller.decide_by(policy, action, resource)
        partition = self.backend.registry.partition
        return decide_for_account(policy, self.account_id, partition, action=action, resource=resource)


def authenticate(request: Request) -> Access:
    """Return who sends a request. The registry is the host's, or else the token's.

    :raises NotAuthorized: no credentials, or wrong ones
    :raises Unsupported: a token of another Region, or a damaged one
    :raises Denied: an expired token, or one whose access key is gone
    """
    try:
        token = read_token(_password(request))
    except NoToken:
        raise NotAuthorized(request.base_url) from None
    except MangledToken:
        raise _invalid_token() from None
    if token.is_expired:
        raise Denied("Your authorization token has expired. Reauthenticate and try again.")
    host = parse_host(urlsplit(request.base_url).netloc)
    account_id, region = host or (token.account_id, token.region)
    if region != token.region:
        raise _invalid_token()
    try:
        with backend_lock:  # a reset of moto would take it away in the middle of the look-up
            backend = cast(PullThroughCacheBackend, ecr_backends[account_id][region])
    except KeyError:  # there is no such Region
        raise _invalid_token() from None
    return Access(backend, token.account_id, _find_caller(token))


def _find_caller(token: RegistryToken) -> Caller | None:
    if not is_enforced():
        return None
    caller = find_caller(RegistryId(token.account_id, token.region), token.access_key)
    if caller is None:
        raise Denied("The security token included in the request is invalid.")
    return caller


def _password(request: Request) -> str:
    """Return the password of Basic authentication; the empty string if there is none, or another user name."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:
        return ""
    return password if (scheme.lower(), user) == ("basic", USER) else ""


def _invalid_token() -> Unsupported:
    return Unsupported("The authorization token is invalid for this registry.", 400)
