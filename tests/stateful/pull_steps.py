"""The steps that pull, by each door."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.stateful import contents
from tests.stateful.calls import HAS_REFERRERS
from tests.stateful.comparison import ENDPOINT_ERRORS, outcome
from tests.stateful.configuration_steps import ConfigurationSteps
from tests.stateful.contents import ABROAD, HOME, HUB, NEIGHBOUR, QUAY, Registry
from tests.stateful.image_steps import ImageSteps
from tests.stateful.registry_model import Refused
from tests.stateful.strategies import (
    names,
    numbers,
    registries,
    tags,
)
from tests.stateful.upstream_steps import UpstreamSteps


class PullSteps(ConfigurationSteps, ImageSteps, UpstreamSteps):
    """What clients that pull do."""

    @rule(registry=registries, name=names, wanted=st.lists(tags, min_size=1, max_size=2, unique=True))
    def get_images(self, registry: Registry, name: str, wanted: list[str]) -> None:
        self.agree(
            lambda: self.reference.get_images(registry, name, wanted),
            lambda: self.calls.get_images(registry, name, wanted),
        )
        self.compare(registry)

    @rule(name=st.sampled_from(["quay/app", "hub/library/app", "ecr/app"]), tag=tags)
    def pull(self, name: str, tag: str) -> None:
        """Pull what most sequences have a rule for."""
        self.get_images(registry=HOME, name=name, wanted=[tag])

    @rule(name=st.sampled_from(["quay/app", "hub/library/app", "ecr/app"]), tag=tags)
    def pull_a_day_later(self, name: str, tag: str) -> None:
        self.wait(hours=24)
        self.get_images(registry=HOME, name=name, wanted=[tag])

    @rule(registry=st.sampled_from([ABROAD, NEIGHBOUR]), tag=tags)
    def pull_elsewhere(self, registry: Registry, tag: str) -> None:
        self.get_images(registry=registry, name="quay/app", wanted=[tag])

    @rule(
        place=st.sampled_from([(QUAY, "app"), (HUB, "library/app")]),
        tag=tags,
        image=st.sampled_from(contents.CATALOGUE),
    )
    def move_a_tag_at_the_upstream(self, place: tuple[str, str], tag: str, image: str) -> None:
        """Push upstream, and pull before and after it is time to."""
        self.push_to_upstream(place=place, tag=tag, image=image)
        repository = {QUAY: "quay/app", HUB: "hub/library/app"}[place[0]]
        self.get_images(registry=HOME, name=repository, wanted=[tag])
        self.expire(url=place[0])
        self.get_images(registry=HOME, name=repository, wanted=[tag])

    @rule(registry=registries, name=names, number=numbers, tag=tags)
    def get_images_by_digest_and_tag(self, registry: Registry, name: str, number: int, tag: str) -> None:
        wanted = [self._digest(registry, name, number), tag]
        self.agree(
            lambda: self.reference.get_images(registry, name, wanted),
            lambda: self.calls.get_images(registry, name, wanted),
        )
        self.compare(registry)

    @rule(name=names, tag=tags)
    def get_images_restricted(self, name: str, tag: str) -> None:
        self.agree(
            lambda: self.reference.get_images(HOME, name, [tag], is_restricted=True),
            lambda: self.calls.get_images_restricted(name, [tag]),
        )
        self.compare(HOME)

    @rule(registry=registries, name=names, tag=tags, method=st.sampled_from(["GET", "HEAD"]))
    def get_manifest(self, registry: Registry, name: str, tag: str, method: str) -> None:
        expected = self._manifest(registry, name, tag)
        if method == "HEAD":
            expected = expected if expected.startswith("sha256:") else expected.split()[0]
        assert self.calls.get_manifest(registry, method, name, tag) == expected
        self.compare(registry)

    @rule(name=names, tag=tags)
    def get_manifest_as_neighbour(self, name: str, tag: str) -> None:
        repository = self.reference.registries[HOME].repositories.get(name)
        expected = self._manifest(HOME, name, tag) if repository and repository.policy else "403 DENIED"
        assert self.calls.get_manifest_as_neighbour(name, tag) == expected
        self.compare(HOME)

    def _manifest(self, registry: Registry, name: str, tag: str) -> str:
        expected = outcome(lambda: self.reference.get_images(registry, name, [tag])[0])
        return ENDPOINT_ERRORS.get(expected, expected)

    @rule(registry=registries, name=names, number=numbers)
    def get_layer(self, registry: Registry, name: str, number: int) -> None:
        digest = self._blob(number)
        self.agree(
            lambda: self.reference.get_layer(registry, name, digest) or digest,
            lambda: self.calls.get_layer(registry, name, digest),
        )
        self.compare_upstreams()

    @rule(registry=registries, name=names, number=numbers)
    def get_blob(self, registry: Registry, name: str, number: int) -> None:
        digest = self._blob(number)
        try:
            self.reference.get_layer(registry, name, digest)
            expected = digest
        except Refused as refusal:
            upstream_failure = getattr(refusal.__cause__, "code", "UpstreamAccessDenied")
            codes = {"LayersNotFoundException": "404 BLOB_UNKNOWN", "RepositoryNotFoundException": "404 NAME_UNKNOWN"}
            expected = codes.get(refusal.code) or ENDPOINT_ERRORS[upstream_failure]
        assert self.calls.get_blob(registry, name, digest) == expected
        self.compare_upstreams()

    @precondition(lambda _: HAS_REFERRERS)
    @rule(registry=registries, name=names, number=numbers)
    def list_referrers(self, registry: Registry, name: str, number: int) -> None:
        digest = self._digest(registry, name, number)
        self.agree(
            lambda: self.reference.list_referrers(registry, name, digest),
            lambda: self.calls.list_referrers(registry, name, digest),
        )
        self.compare(registry)
