"""The registries that exist at the moment, looked at without creating any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from moto.ecr.models import ecr_backends

from ..components import made
from ..images.registries import used_registries
from ..models import PullThroughCacheBackend
from ..registry_id import RegistryId


def find_backend(registry: RegistryId) -> PullThroughCacheBackend | None:
    """Return the backend of a registry; None if nobody has used it yet."""
    # Not ecr_backends[account][region], which creates what is not there.
    account = ecr_backends.get(registry.account_id)
    return None if account is None else cast("PullThroughCacheBackend | None", account.get(registry.region))


def backends_in_use() -> Iterator[PullThroughCacheBackend]:
    """Yield the backends that have a rule, a template or a cached repository. moto's lock must be held."""
    for _, contents in used_registries():
        backend = cast(PullThroughCacheBackend, contents)
        has_template = "templates" in made(backend) and len(backend.templates) > 0
        if has_template or backend.has_rule_or_cached_image:
            yield backend
