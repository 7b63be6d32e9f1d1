"""The call that tells the state of one registry and of all upstreams: ``/moto-api/static/ecr/overview``.

It creates nothing: a registry that nobody has used yet is shown as an empty one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from heapq import nsmallest
from itertools import islice
from typing import Any

from moto.core.base_backend import backend_lock
from moto.ecr.models import Repository

from ..components import made
from ..configuration.rules import PullThroughCacheRule
from ..configuration.templates import RepositoryCreationTemplate
from ..configuration.upstream_registries import find_ecr_registry
from ..models import PullThroughCacheBackend
from ..pulls.cache import CachedTag
from ..pulls.freshness import FRESH_FOR
from ..pulls.pull_log import get_pull_log
from ..registry_id import RegistryId
from ..upstream.registry import describe_upstreams
from ..upstream.state import UpstreamState
from .calls import DEFAULT_REGION, Parameters, default_account
from .live_registries import backends_in_use, find_backend

LISTED = 200
"""How many repositories and templates an answer lists, since a server may have thousands."""

LISTED_TAGS = 50
"""How many tags of a repository it lists."""

LISTED_UPSTREAM_REPOSITORIES = 50
"""How many repositories of an upstream it lists, and how many tags of each."""


def overview(parameters: Parameters) -> Any:
    """Return the state of the registry and of the upstreams that the parameters select."""
    registry = parameters.take_registry()
    is_named = parameters.take_names("repository")
    parameters.finish()
    with backend_lock:
        backend = find_backend(registry)
        rules = rules_of(backend)
        templates = templates_of(backend)
        repositories, repositories_total = _repositories(backend, is_named)
        urls = {rule.upstream_registry_url for rule in rules if not find_ecr_registry(rule.upstream_registry_url)}
        return {
            "account_id": registry.account_id,
            "region": registry.region,
            "registries": [found._asdict() for found in _registries()],
            "rules": [members_of(rule) for rule in rules],
            "templates": [members_of(template) for template in templates[:LISTED]],
            "templates_total": len(templates),
            "repositories": repositories,
            "repositories_total": repositories_total,
            "upstreams": [
                describe_upstream(upstream) for upstream in describe_upstreams(urls, LISTED_UPSTREAM_REPOSITORIES)
            ],
        }


def rules_of(backend: PullThroughCacheBackend | None) -> list[PullThroughCacheRule]:
    if backend is None or "rules" not in made(backend):
        return []
    rules, _ = backend.rules.describe()
    return rules


def templates_of(backend: PullThroughCacheBackend | None) -> list[RepositoryCreationTemplate]:
    if backend is None or "templates" not in made(backend):
        return []
    templates, _ = backend.templates.describe(max_results=max(len(backend.templates), 1))
    return templates


def members_of(item: PullThroughCacheRule | RepositoryCreationTemplate) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in vars(item).items()
        if name != "sequence"
    }


def describe_upstream(upstream: UpstreamState) -> dict[str, Any]:
    return {
        "url": upstream.url,
        "holds": "default images" if upstream.is_default else "proxy" if upstream.proxied_url else "given images",
        "proxied_url": upstream.proxied_url,
        "repositories": [vars(held) for held in upstream.held],
        "repositories_total": upstream.held_total,
        "failures": [
            {"repository": repository, "failure": str(failure)} for repository, failure in upstream.failures.items()
        ],
        "demands_credentials": upstream.demands_credentials,
        "pulls": upstream.pulls,
    }


def _registries() -> Iterable[RegistryId]:
    """Return the registries to choose from: the default one, those in use, and those that somebody pulled from."""
    used = (backend.registry for backend in backends_in_use())
    pulled = (RegistryId(record.account_id, record.region) for record in get_pull_log().records)
    return sorted({RegistryId(default_account(), DEFAULT_REGION), *used, *pulled})


def _repositories(
    backend: PullThroughCacheBackend | None, is_named: Callable[[str], bool]
) -> tuple[list[dict[str, Any]], int]:
    """Return the first cached repositories by name, and how many there are."""
    if backend is None or "cache" not in made(backend):
        return [], 0
    held = backend.repositories
    names = [name for name in backend.cache.freshness.repositories if name in held and is_named(name)]
    return [_describe_repository(backend, held[name]) for name in nsmallest(LISTED, names)], len(names)


def _describe_repository(backend: PullThroughCacheBackend, repository: Repository) -> dict[str, Any]:
    rule = backend.rules.find(repository.name)
    tags = islice(backend.cache.tags(repository), LISTED_TAGS)
    return {
        "repository": repository.name,
        "rule": rule and rule.ecr_repository_prefix,
        "tags": [_describe_tag(tag) for tag in tags],
        "tags_total": sum(len(image.image_tags) for image in repository.images),
    }


def _describe_tag(tag: CachedTag) -> dict[str, Any]:
    asked_at = tag.asked_at
    return {
        "tag": tag.tag,
        "digest": tag.digest,
        "state": "pushed" if tag.is_pushed else "fresh" if tag.is_fresh else "stale",
        "asked_at": asked_at and asked_at.isoformat(),
        "fresh_until": asked_at and (asked_at + FRESH_FOR).isoformat(),
    }
