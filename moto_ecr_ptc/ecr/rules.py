"""A pull through cache rule, and what ECR demands of one before it looks at the registry's state or at secrets.

The numbers in the comments are the rows of the table of refusals in ``docs/fidelity.md``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from .exceptions import (
    AuthenticationNotRequired,
    CredentialTypeMismatch,
    InvalidUpstreamRegistryUrl,
    RoleRequired,
    RootPrefixMismatch,
    SecretRequired,
    UpstreamIsCacheRegistry,
    UpstreamRegistryMismatch,
)
from .prefixes import ROOT, covers, prefix_key, specificity
from .upstreams import Authentication, EcrRegistry, UpstreamRegistry, find_ecr_registry, find_upstream_registry


@dataclass(frozen=True)
class PullThroughCacheRule:
    """One rule of one registry. The members are those of ECR's shape ``PullThroughCacheRule``; None means not set."""

    sequence: int
    registry_id: str
    ecr_repository_prefix: str
    upstream_registry_url: str
    upstream_registry: str
    upstream_repository_prefix: str | None
    credential_arn: str | None
    custom_role_arn: str | None
    created_at: datetime
    updated_at: datetime


def check_new_rule(
    *,
    registry: EcrRegistry,
    ecr_repository_prefix: str,
    upstream_registry_url: str,
    upstream_registry: str | None,
    credential_arn: str | None,
    custom_role_arn: str | None,
    upstream_repository_prefix: str | None,
) -> UpstreamRegistry:
    """Check that the parameters of a new rule in ``registry`` fit together, and return the upstream they name.

    :raises UnsupportedUpstreamRegistryException: no such upstream, or it needs credentials that are not given
    :raises InvalidParameterException: parameters that contradict one another
    """
    upstream = find_upstream_registry(upstream_registry_url)
    if upstream is None:
        raise InvalidUpstreamRegistryUrl(upstream_registry_url)  # 1
    needs_secret = upstream.authentication is Authentication.SECRET
    if needs_secret and upstream_registry not in (None, upstream.name):
        raise UpstreamRegistryMismatch  # 5; 6: other upstreams accept any upstreamRegistry
    if needs_secret and credential_arn is None:
        raise SecretRequired  # 2
    check_credential_types(upstream, credential_arn, custom_role_arn)
    ecr_upstream = find_ecr_registry(upstream_registry_url)
    if ecr_upstream == registry:
        raise UpstreamIsCacheRegistry  # 10
    if ecr_repository_prefix == ROOT and upstream_repository_prefix not in (None, ROOT):
        raise RootPrefixMismatch  # 16
    if ecr_upstream and ecr_upstream.account_id != registry.account_id and custom_role_arn is None:
        raise RoleRequired  # 17
    return upstream


def check_credential_types(upstream: UpstreamRegistry, credential_arn: str | None, custom_role_arn: str | None) -> None:
    """Check that the credentials are of the kind that ``upstream`` takes.

    :raises InvalidParameterException: a secret or a role for an upstream that takes none or the other
    """
    if credential_arn and upstream.authentication is Authentication.NONE:
        raise AuthenticationNotRequired  # 3
    if credential_arn and upstream.authentication is not Authentication.SECRET:
        raise CredentialTypeMismatch  # 4
    if custom_role_arn and upstream.authentication is not Authentication.ROLE:
        raise CredentialTypeMismatch  # 4


def find_rule(rules: Iterable[PullThroughCacheRule], repository_name: str) -> PullThroughCacheRule | None:
    """Return the rule that serves a repository: the longest prefix that covers it, ROOT last."""
    return max(
        (rule for rule in rules if covers(rule.ecr_repository_prefix, repository_name)),
        key=lambda rule: specificity(rule.ecr_repository_prefix),
        default=None,
    )


def upstream_repository_name(rule: PullThroughCacheRule, repository_name: str) -> str:
    """Return the name that a repository which the rule serves has at the upstream."""
    if rule.ecr_repository_prefix == ROOT:
        return repository_name
    path = repository_name[len(prefix_key(rule.ecr_repository_prefix)) + 1 :]
    if rule.upstream_repository_prefix in (None, ROOT):
        return path
    assert rule.upstream_repository_prefix is not None
    return f"{prefix_key(rule.upstream_repository_prefix)}/{path}"
