"""The upstream registries that ECR supports: name, form of URL, and how ECR authenticates at them.

Source: the UpstreamRegistry enum of ECR's service model and the table of upstream registries in the Amazon ECR user
guide ("Creating a pull through cache rule").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


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


@dataclass(frozen=True)
class EcrRegistry:
    """A private ECR registry: one account in one Region."""

    account_id: str
    region: str


_ECR_URL = re.compile(
    r"(?P<account>[0-9]{12})\.dkr\.ecr\."
    r"(?:(?P<cn_region>cn-[a-z0-9-]+)\.amazonaws\.com\.cn|(?P<region>(?!cn-)[a-z0-9-]+)\.amazonaws\.com)"
)

UPSTREAM_REGISTRIES = (
    UpstreamRegistry("ecr", _ECR_URL, Authentication.ROLE),
    UpstreamRegistry("ecr-public", re.compile(r"public\.ecr\.aws"), Authentication.NONE),
    UpstreamRegistry("quay", re.compile(r"quay\.io"), Authentication.NONE),
    UpstreamRegistry("k8s", re.compile(r"registry\.k8s\.io"), Authentication.NONE),
    UpstreamRegistry("docker-hub", re.compile(r"registry-1\.docker\.io"), Authentication.SECRET),
    UpstreamRegistry("github-container-registry", re.compile(r"ghcr\.io"), Authentication.SECRET),
    UpstreamRegistry(
        "azure-container-registry",
        re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.azurecr\.io"),
        Authentication.SECRET,
    ),
    UpstreamRegistry("gitlab-container-registry", re.compile(r"registry\.gitlab\.com"), Authentication.SECRET),
    UpstreamRegistry("chainguard", re.compile(r"cgr\.dev"), Authentication.SECRET),
)


def find_upstream_registry(url: str) -> UpstreamRegistry | None:
    """Return the registry that ``url`` names exactly, or None if ECR supports no such upstream."""
    return next((registry for registry in UPSTREAM_REGISTRIES if registry.url.fullmatch(url)), None)


def find_ecr_registry(url: str) -> EcrRegistry | None:
    """Return the account and Region in the URL of a private ECR registry, or None for another upstream's URL."""
    match = _ECR_URL.fullmatch(url)
    return match and EcrRegistry(match["account"], match["cn_region"] or match["region"])
