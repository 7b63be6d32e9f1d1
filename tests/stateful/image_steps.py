"""The steps that push and delete images, layers and repositories."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.stateful import contents
from tests.stateful.comparison import ENDPOINT_ERRORS, Compared, outcome
from tests.stateful.contents import Registry
from tests.stateful.reference import PUSH
from tests.stateful.registry_model import Refused, Repository
from tests.stateful.strategies import (
    mutabilities,
    names,
    numbers,
    own_images,
    registries,
    tags,
)


class ImageSteps(Compared):
    """What clients that own the images do."""

    @rule(registry=registries, name=names, mutability=mutabilities)
    def create_repository(self, registry: Registry, name: str, mutability: str) -> None:
        known = self.reference.registries[registry].repositories

        def create() -> None:
            if name in known:
                raise Refused("RepositoryAlreadyExistsException")
            known[name] = Repository(mutability)

        self.agree(
            create,
            lambda: self.calls.api(registry, "create_repository", repositoryName=name, imageTagMutability=mutability),
        )
        self.compare(registry)

    @rule(registry=registries, name=names, force=st.booleans())
    def delete_repository(self, registry: Registry, name: str, force: bool) -> None:
        state = self.reference.registries[registry]

        def delete() -> None:
            if state.repository(name).images and not force:
                raise Refused("RepositoryNotEmptyException")
            del state.repositories[name]

        self.agree(delete, lambda: self.calls.api(registry, "delete_repository", repositoryName=name, force=force))
        self.compare(registry)

    @rule(registry=registries, name=names, tag=tags, own=own_images)
    def put_image(self, registry: Registry, name: str, tag: str, own: contents.OwnImage) -> None:
        self.agree(
            lambda: self.reference.registries[registry].repository(name).put_image(own.image, tag),
            lambda: self.calls.put_image(registry, name, tag, own.image),
        )
        self.compare(registry)

    @rule(registry=registries, name=names, own=own_images)
    def upload_layer(self, registry: Registry, name: str, own: contents.OwnImage) -> None:
        state = self.reference.registries[registry]
        digest = contents.sha256(own.layer)
        self.agree(
            lambda: state.repository(name).add_uploaded(digest),
            lambda: self.calls.upload_layer(registry, name, own.layer),
        )

    @rule(registry=registries, name=names, tag=tags, own=own_images)
    def push_manifest(self, registry: Registry, name: str, tag: str, own: contents.OwnImage) -> None:
        """Push by the endpoint without the layers: they may be there."""
        state = self.reference.registries[registry]
        expected = self._push_target(registry, name)
        if expected == "201":
            was_there = name in state.repositories
            expected = state.get_or_create(name, PUSH).push(own.image, tag)
            if expected != "201" and not was_there:
                del state.repositories[name]
        assert self.calls.push_manifest(registry, name, tag, own.image) == expected
        self.compare(registry)

    @rule(registry=registries, name=names, tag=tags, own=own_images)
    def push_image(self, registry: Registry, name: str, tag: str, own: contents.OwnImage) -> None:
        expected = self._push_target(registry, name)
        assert self.calls.push_blobs(registry, name, own) == expected
        if expected == "201":
            repository = self.reference.registries[registry].get_or_create(name, PUSH)
            for content in (own.config, own.layer):
                repository.add_uploaded(contents.sha256(content))
            self.push_manifest(registry=registry, name=name, tag=tag, own=own)

    def _push_target(self, registry: Registry, name: str) -> str:
        """Return whether the endpoint takes a push into a repository: one that is there, or that a template creates."""
        state = self.reference.registries[registry]
        is_there = name in state.repositories
        can_be = state.template_for(name, PUSH) is not None and state.can_be_created(name, PUSH)
        return "201" if is_there or can_be else "404 NAME_UNKNOWN"

    @rule(registry=registries, name=names, tag=tags, by_endpoint=st.booleans())
    def delete_tag(self, registry: Registry, name: str, tag: str, by_endpoint: bool) -> None:
        state = self.reference.registries[registry]
        self._delete(registry, name, tag, lambda: state.repository(name).delete_tag(tag), by_endpoint)

    @rule(registry=registries, name=names, number=numbers, by_endpoint=st.booleans())
    def delete_digest(self, registry: Registry, name: str, number: int, by_endpoint: bool) -> None:
        state = self.reference.registries[registry]
        digest = self._digest(registry, name, number)
        self._delete(registry, name, digest, lambda: state.repository(name).delete_digest(digest), by_endpoint)

    def _delete(self, registry: Registry, name: str, reference: str, expected: Any, by_endpoint: bool) -> None:
        if by_endpoint:
            wanted = outcome(expected)
            answer = self.calls.delete_by_endpoint(registry, name, reference)
            assert answer == ENDPOINT_ERRORS.get(wanted, wanted)
        else:
            self.agree(expected, lambda: self.calls.delete(registry, name, reference))
        self.compare(registry)

    def _digest(self, registry: Registry, name: str, number: int) -> str:
        """Return the digest of an image of a repository, or of one that it may not have."""
        repository = self.reference.registries[registry].repositories.get(name, Repository())
        roots = [image.root.digest for image in contents.catalogue().values()]
        digests = [*repository.images, *roots]
        return digests[number % len(digests)]

    def _blob(self, number: int) -> str:
        blobs = sorted(contents.all_blobs())
        return blobs[number % len(blobs)]
