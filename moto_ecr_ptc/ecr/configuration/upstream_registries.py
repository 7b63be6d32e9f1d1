"""The upstream registries that ECR supports: name, form of URL, and how ECR authenticates at them.

Source: the UpstreamRegistry enum of ECR's service model and the table of upstream registries in the Amazon ECR user
guide ("Creating a pull through cache rule").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from ..registry_id import RegistryId

DOCKER_HUB = "registry-1.docker.io"


class Authentication(Enum):
    NONE = "none"
    SECRET = "secret"
    ROLE = "role"


@dataclass(frozen=True)
class UpstreamRegistry:
    name: str
    """The ``upstreamRegistry`` of the API."""

    url: re.Pattern[str]
    """What the whole ``upstreamRegistryUrl`` must match. URLs are case-sensitive."""

    authentication: Authentication

    host: str | None = None
    """The URL, if the upstream has only one."""


_ECR_URL = re.compile(
    r"(?P<account>[0-9]{12})\.dkr\.ecr\."
    r"(?:(?P<cn_region>cn-[a-z0-9-]+)\.amazonaws\.com\.cn|(?P<region>(?!cn-)[a-z0-9-]+)\.amazonaws\.com)"
)


def _one_host(name: str, host: str, authentication: Authentication) -> UpstreamRegistry:
    return UpstreamRegistry(name, re.compile(re.escape(host)), authentication, host)


UPSTREAM_REGISTRIES = (
    UpstreamRegistry("ecr", _ECR_URL, Authentication.ROLE),
    _one_host("ecr-public", "public.ecr.aws", Authentication.NONE),
    _one_host("quay", "quay.io", Authentication.NONE),
    _one_host("k8s", "registry.k8s.io", Authentication.NONE),
    _one_host("docker-hub", DOCKER_HUB, Authentication.SECRET),
    _one_host("github-container-registry", "ghcr.io", Authentication.SECRET),
    UpstreamRegistry(
        "azure-container-registry",
        re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.azurecr\.io"),
        Authentication.SECRET,
    ),
    _one_host("gitlab-container-registry", "registry.gitlab.com", Authentication.SECRET),
    _one_host("chainguard", "cgr.dev", Authentication.SECRET),
)


def find_upstream_registry(url: str) -> UpstreamRegistry | None:
    """Return the registry that ``url`` names exactly, or None if ECR supports no such upstream."""
    return next((registry for registry in UPSTREAM_REGISTRIES if registry.url.fullmatch(url)), None)


def find_ecr_registry(url: str) -> RegistryId | None:
    """Return the account and Region in the URL of a private ECR registry, or None for another upstream's URL."""
    match = _ECR_URL.fullmatch(url)
    return match and RegistryId(match["account"], match["cn_region"] or match["region"])


def registry_url(name_or_url: str) -> str:
    """Return the URL of the upstream registry that a user names: by its ``upstreamRegistry``, or by the URL itself.

    :raises ValueError: no such registry, a name of several URLs, or a private ECR registry, which is moto's own ECR
    """
    for registry in UPSTREAM_REGISTRIES:
        if name_or_url == registry.name and registry.host:
            return registry.host
    found = find_upstream_registry(name_or_url) if isinstance(name_or_url, str) else None
    if found and found.name != "ecr":
        return name_or_url
    raise ValueError(f"{name_or_url!r} is not an upstream registry. {_choices()}")


def _choices() -> str:
    choices = ", ".join(f"'{registry.name}' ('{registry.host}')" for registry in UPSTREAM_REGISTRIES if registry.host)
    return (
        f"Choose one of {choices}, or the URL of an Azure container "
        "registry ('<name>.azurecr.io'). An upstream that is a private ECR registry is moto's own ECR of that account "
        "and Region: put images there."
    )
