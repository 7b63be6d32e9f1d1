"""What one ECR registry holds, told with dictionaries: images, tags, layers, and when the upstreams were asked.

It shares no code with the package, and is written to be read beside the specification of AWS's behaviour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.stateful.contents import HUB, QUAY, REGISTRIES, Image, Registry, all_blobs
from tests.stateful.upstream_model import UpstreamFailure

DAY = timedelta(hours=24)
LONG_AGO = datetime(1970, 1, 1)


class Refused(Exception):
    """ECR refuses a request with an exception of this code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Rule:
    url: str
    upstream_prefix: str | None
    secret: str | None


@dataclass
class Template:
    applied_for: tuple[str, ...]
    mutability: str
    policy: str | None
    has_tags: bool


@dataclass
class Repository:
    mutability: str = "MUTABLE"
    policy: str | None = None
    images: dict[str, Image] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    layers: set[str] = field(default_factory=set)
    """The blobs that are there."""

    unused: set[str] = field(default_factory=set)
    """The uploaded ones that no image was stored with since."""

    put: set[str] = field(default_factory=set)
    """The images that PutImage brought, which does not look for their blobs."""

    asked: dict[str, datetime] | None = None
    """When the upstream was asked for a tag, or for an image's referrers; None: pull through never filled it."""

    def is_due(self, tag: str, now: datetime) -> bool:
        """A tag that somebody pushed is never due."""
        return tag not in self.tags or (self.was_asked(tag) and not self.is_fresh(tag, now))

    def was_asked(self, reference: str) -> bool:
        return reference in (self.asked or {})

    def is_fresh(self, reference: str, now: datetime) -> bool:
        return self.was_asked(reference) and now - (self.asked or {})[reference] < DAY

    def mark_asked(self, reference: str, now: datetime) -> None:
        self.asked = {**(self.asked or {}), reference: now}

    def postpone(self, reference: str, now: datetime) -> None:
        """Serve what is cached for another day."""
        if self.was_asked(reference):
            self.mark_asked(reference, now)

    def forget_missing(self) -> None:
        """Nothing is known any more of the tags and images that are gone."""
        if self.asked is not None:
            here = self.tags.keys() | self.images.keys()
            self.asked = {reference: at for reference, at in self.asked.items() if reference in here}

    def store(self, image: Image) -> None:
        self.images[image.digest] = image
        self.unused -= image.blobs

    def tags_of(self, digest: str) -> list[str]:
        return sorted(tag for tag, tagged in self.tags.items() if tagged == digest)

    def delete(self, digests: Iterable[str]) -> None:
        """Delete images with their tags, and the blobs that only they had."""
        gone = {digest: self.images.pop(digest) for digest in digests}
        self.put -= gone.keys()
        self.tags = {tag: digest for tag, digest in self.tags.items() if digest not in gone}
        needed = {blob for image in self.images.values() for blob in image.blobs}
        self.layers -= {blob for image in gone.values() for blob in image.blobs} - needed - self.unused

    def untag(self, tag: str) -> None:
        """Remove a tag, and its image with the last one."""
        digest = self.tags.pop(tag)
        if not self.tags_of(digest):
            self.delete([digest])

    # --- what ECR answers --------------------------------------------------------------------------------------------

    def put_image(self, image: Image, tag: str) -> None:
        """PutImage: who had the tag before loses it, and goes with the last one."""
        if self.tags.get(tag) == image.digest:
            raise Refused("ImageAlreadyExistsException" if self.mutability == "MUTABLE" else TAG_EXISTS)
        if tag in self.tags and self.mutability == "IMMUTABLE":
            raise Refused(TAG_EXISTS)
        replaced = self.tags.pop(tag, None)
        if image.digest not in self.images:
            self.put.add(image.digest)
        self.store(image)
        if replaced and not self.tags_of(replaced):
            self.delete([replaced])
        self.tags[tag] = image.digest
        self._mark_pushed(tag)

    def push(self, image: Image, tag: str) -> str:
        """Return the endpoint's answer to a PUT of a manifest: who had the tag before stays without it."""
        if not image.blobs <= self.layers:
            return "404 BLOB_UPLOAD_UNKNOWN"
        if tag in self.tags and self.mutability == "IMMUTABLE":
            return "400 TAG_INVALID"
        self.store(image)
        self.tags[tag] = image.digest
        self._mark_pushed(tag)
        return "201"

    def _mark_pushed(self, tag: str) -> None:
        if self.asked is not None:
            self.asked.pop(tag, None)
            self.forget_missing()

    def add_uploaded(self, layer: str) -> None:
        self.layers.add(layer)
        self.unused.add(layer)

    def delete_tag(self, tag: str) -> str:
        if tag not in self.tags:
            return "ImageNotFound"
        self.untag(tag)
        self.forget_missing()
        return "deleted"

    def delete_digest(self, digest: str) -> str:
        if any(digest in image.children for image in self.images.values()) and digest in self.images:
            return "ImageReferencedByManifestList"
        if digest not in self.images:
            return "ImageNotFound"
        self.delete([digest])
        self.forget_missing()
        return "deleted"

    def described(self) -> Mapping[str, Any]:
        """Return what can be seen of it: the images with their tags, the blobs, and its settings.

        The blobs of pulled and pushed images count even before they are fetched.
        """
        counting = (image for digest, image in self.images.items() if digest not in self.put)
        return {
            "blobs": self.layers.union(*(image.blobs for image in counting)) & all_blobs(),
            "images": {digest: self.tags_of(digest) for digest in self.images},
            "mutability": self.mutability,
            "policy": self.policy,
        }


TAG_EXISTS = "ImageTagAlreadyExistsException"


@dataclass
class RegistryState:
    """The registry of an account in a Region."""

    registry: Registry
    rules: dict[str, Rule] = field(default_factory=dict)
    templates: dict[str, Template] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    policy_grants_import: bool = False
    """Whether the registry's policy allows the user of the sequences to import images."""

    def repository(self, name: str) -> Repository:
        if name not in self.repositories:
            raise Refused("RepositoryNotFoundException")
        return self.repositories[name]

    def rule(self, prefix: str) -> Rule:
        if prefix not in self.rules:
            raise Refused("PullThroughCacheRuleNotFoundException")
        return self.rules[prefix]

    def rule_for(self, name: str) -> tuple[str, Rule] | None:
        prefix = longest(self.rules, name)
        return None if prefix is None else (prefix, self.rules[prefix])

    def template_for(self, name: str, purpose: str) -> Template | None:
        prefix = longest((key for key, one in self.templates.items() if purpose in one.applied_for), name)
        return None if prefix is None else self.templates[prefix]

    def can_be_created(self, name: str, purpose: str) -> bool:
        """A template with tags but without a role makes the creation of a repository fail."""
        template = self.template_for(name, purpose)
        return template is None or not template.has_tags

    def get_or_create(self, name: str, purpose: str) -> Repository:
        if name not in self.repositories:
            template = self.template_for(name, purpose)
            settings = {} if template is None else {"mutability": template.mutability, "policy": template.policy}
            self.repositories[name] = Repository(**settings)  # type: ignore[arg-type]  # two keys, each with its type
        return self.repositories[name]

    def check_new_rule(self, prefix: str, url: str, upstream_prefix: str | None, *, has_secret: bool) -> None:
        """Make the checks of a new rule that do not concern what is in the secret, in ECR's order."""
        if url == HUB and not has_secret:
            raise Refused("UnsupportedUpstreamRegistryException")
        if url != HUB and has_secret:
            raise Refused("InvalidParameterException")
        if url == self.registry.host:
            raise Refused("InvalidParameterException")
        if prefix == "ROOT" and upstream_prefix is not None:
            raise Refused("InvalidParameterException")
        if url not in (HUB, QUAY) and registry_at(url).account != self.registry.account:
            raise Refused("UnsupportedUpstreamRegistryException")
        if prefix in self.rules:
            raise Refused("PullThroughCacheRuleAlreadyExistsException")

    # --- as an upstream of others ------------------------------------------------------------------------------------

    def upstream_images(self, name: str, tag: str) -> tuple[dict[str, Image], set[str]]:
        """Return the image that a tag names, first of all, the children that are here, and the blobs that are."""
        held = self.repositories.get(name, Repository())
        if tag not in held.tags:
            raise UpstreamFailure("ImageNotFound")
        root = held.images[held.tags[tag]]
        family = {root.digest: root, **{child: held.images[child] for child in root.children if child in held.images}}
        return family, {blob for image in family.values() for blob in image.blobs} & held.layers

    def upstream_referrers(self, name: str, subject: str) -> tuple[dict[str, Image], set[str]]:
        if name not in self.repositories:
            raise UpstreamFailure("ImageNotFound")
        held = self.repositories[name]
        referrers = {digest: image for digest, image in held.images.items() if image.subject == subject}
        return referrers, {blob for image in referrers.values() for blob in image.blobs} & held.layers

    def check_upstream_blob(self, name: str, digest: str) -> None:
        if digest not in self.repositories.get(name, Repository()).layers:
            raise UpstreamFailure("ImageNotFound")


def registry_at(host: str) -> Registry:
    return next(registry for registry in REGISTRIES if registry.host == host)


def longest(prefixes: Iterable[str], name: str) -> str | None:
    """Return the longest prefix that covers a name; ROOT covers what no other does."""
    covering = [prefix for prefix in prefixes if prefix == "ROOT" or name.startswith(f"{prefix}/")]
    return max(covering, key=lambda prefix: 0 if prefix == "ROOT" else len(prefix), default=None)


def upstream_name(prefix: str, rule: Rule, name: str) -> str:
    """Return how a repository is called at the rule's upstream."""
    if prefix == "ROOT":
        return name
    path = name[len(prefix) + 1 :]
    return path if rule.upstream_prefix is None else f"{rule.upstream_prefix}/{path}"
