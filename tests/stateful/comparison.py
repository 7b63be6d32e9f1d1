"""One mocked AWS with the reference beside it, and how the two are compared."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import freezegun
from hypothesis.stateful import RuleBasedStateMachine
from moto import mock_aws

from conftest import Aws
from moto_ecr_ptc import upstream_registry
from tests.stateful import contents
from tests.stateful.calls import Calls
from tests.stateful.contents import HUB, QUAY, REGISTRIES, Registry
from tests.stateful.reference import Reference
from tests.stateful.registry_model import Refused

START = datetime(2026, 1, 1)

ENDPOINT_ERRORS = {
    "RepositoryNotFoundException": "404 NAME_UNKNOWN",
    "ImageNotFound": "404 MANIFEST_UNKNOWN",
    "UpstreamAccessDenied": "403 DENIED",
    "UpstreamTooManyRequests": "429 TOOMANYREQUESTS",
    "UpstreamUnavailable": "503 UNAVAILABLE",
    "UnableToGetUpstreamImageException": "403 DENIED",
    "ImageReferencedByManifestList": "405 UNSUPPORTED",
}


class Compared(RuleBasedStateMachine):
    """A mocked AWS without any state, and the reference. Nothing outlives it."""

    def __init__(self) -> None:
        super().__init__()
        contents.catalogue()
        contents.default_image("app", "v1")
        self.mock = mock_aws()
        self.mock.start()
        # Hypothesis measures real time.
        self.freezer = freezegun.freeze_time(START, ignore=["hypothesis"])
        self.clock = self.freezer.start()
        self.calls = Calls(Aws(None))
        self.reference = Reference(START)

    def teardown(self) -> None:
        try:
            for registry in REGISTRIES:
                self.compare(registry)
        finally:
            self.freezer.stop()
            self.mock.stop()

    def agree(self, expected: Any, call: Any) -> None:
        """Compare the answer of a call with what the reference expects; None expects that it is not refused."""
        wanted = outcome(expected)
        answer = outcome(call)
        if wanted is None:
            assert not isinstance(answer, str), answer
        else:
            assert answer == wanted

    def compare(self, registry: Registry) -> None:
        """Compare what a registry holds, and what the upstreams were asked."""
        state = self.reference.registries[registry]
        expected_rules = {key: (one.url, one.upstream_prefix, one.secret) for key, one in state.rules.items()}
        assert self.calls.rules(registry) == expected_rules
        assert self.calls.templates(registry) == {
            key: (one.applied_for, one.mutability, one.policy, one.has_tags) for key, one in state.templates.items()
        }
        expected = {name: repository.described() for name, repository in state.repositories.items()}
        assert self.calls.repositories(registry) == expected
        self.compare_upstreams()

    def compare_upstreams(self) -> None:
        for url, upstream in self.reference.upstreams.items():
            pulls = [
                (pull.repository, pull.reference, pull.account_id, pull.region, pull.outcome)
                for pull in handle(url).pulls
            ]
            assert pulls == upstream.asked


def handle(url: str) -> Any:
    return upstream_registry({QUAY: "quay", HUB: "docker-hub"}[url])


def outcome(call: Any) -> Any:
    """Return what a call returns, or the code of the refusal."""
    try:
        return call()
    except Refused as refusal:
        return refusal.code
