"""The pull through cache rules that lead to an upstream registry, in all accounts and Regions.

moto's lock must be held. Registries without rules, or without anything cached, stay without.
"""

from __future__ import annotations

from ..components import made
from ..configuration.rules import PullThroughCacheRule, Rules, upstream_repository_name
from ..images.registries import used_registries


def explain_misplacement(url: str, repository: str) -> str | None:
    """Return what is wrong with a name at an upstream that looks like a name in ECR, as a sentence; None if nothing is.

    :param repository: where the user puts an image, such as ``docker-hub/library/alpine`` instead of ``library/alpine``
    """
    for _, contents in used_registries():
        rules: Rules | None = made(contents).get("rules")
        rule = rules and rules.find(repository)
        if not rule or rule.upstream_registry_url != url:
            continue
        name = upstream_repository_name(rule, repository)
        if name != repository:
            return (
                f"The image is in '{repository}' of {url}, but by the rule '{rule.ecr_repository_prefix}' "
                f"a pull of '{repository}' from ECR asks there for '{name}': did you mean '{name}'?"
            )
    return None


def expire_tags(url: str, repository: str | None) -> int:
    """Make stale the tags that were cached from an upstream, and return how many there are.

    :param repository: the only repository at the upstream to do so for; None means all
    """
    expired = 0
    for _, contents in used_registries():
        rules: Rules | None = made(contents).get("rules")
        if rules is None or "cache" not in made(contents):
            continue
        freshness = made(contents)["cache"].freshness
        for name in freshness.repositories:
            if _leads(rules.find(name), name, url, repository):
                expired += freshness.expire(name)
    return expired


def _leads(rule: PullThroughCacheRule | None, name: str, url: str, repository: str | None) -> bool:
    """Return whether a repository of ECR is pulled from an upstream, and there from a repository if one is given."""
    if rule is None or rule.upstream_registry_url != url:
        return False
    return repository is None or upstream_repository_name(rule, name) == repository
