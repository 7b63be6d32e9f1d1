"""Random sequences of what users, clients and upstreams do, each step compared with the reference."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import freezegun
import requests
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from moto import mock_aws

from conftest import ACCOUNT, Aws
from moto_ecr_ptc import upstream_registry
from tests.stateful import contents
from tests.stateful.calls import HAS_REFERRERS, PURPOSES, REPOSITORY_POLICY, Calls
from tests.stateful.contents import HOME, HUB, QUAY, REGISTRIES, Image, Registry
from tests.stateful.reference import PULL, PUSH, Reference
from tests.stateful.registry_model import Refused, Repository, Rule, Template
from tests.stateful.upstream_model import CAUSES

START = datetime(2026, 1, 1)
SECRETS = {
    "good": json.dumps({"username": "a-user", "accessToken": "a-token"}),
    "other": json.dumps({"username": "a-user", "accessToken": "another-token"}),
    "malformed": "a-token",
}
CREDENTIALS = {"username": "a-user", "accessToken": "a-token"}
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:ecr-pullthroughcache/hub"
"""Without the random characters at its end, which ECR does not need."""

ENDPOINT_ERRORS = {
    "RepositoryNotFoundException": "404 NAME_UNKNOWN",
    "ImageNotFound": "404 MANIFEST_UNKNOWN",
    "UpstreamAccessDenied": "403 DENIED",
    "UpstreamTooManyRequests": "429 TOOMANYREQUESTS",
    "UpstreamUnavailable": "503 UNAVAILABLE",
    "UnableToGetUpstreamImageException": "403 DENIED",
    "ImageReferencedByManifestList": "405 UNSUPPORTED",
}
IMPORT_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Import",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/someone"},
                "Action": ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"],
                "Resource": f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/*",
            }
        ],
    }
)

registries = st.sampled_from(REGISTRIES)
names = st.sampled_from(contents.REPOSITORIES)
tags = st.sampled_from(contents.TAGS)
prefixes = st.sampled_from(contents.PREFIXES)
urls = st.sampled_from([QUAY, HUB])
numbers = st.integers(0, 30)
"""Chooses among what is there, so that a shorter sequence still has a meaning."""

mutabilities = st.sampled_from(["MUTABLE", "IMMUTABLE"])
at_upstream = st.sampled_from([(url, name) for url, held in contents.AT_UPSTREAM.items() for name in held])
_purposes = [(PULL,), (PULL, PUSH), (PUSH,)] if PUSH in PURPOSES else [(PULL,)]
purposes = st.sampled_from(_purposes)
own_images = st.sampled_from(contents.OWN_IMAGES)


class Sequence(RuleBasedStateMachine):
    """One mocked AWS, and the reference beside it."""

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

    # --- rules, templates, policies ----------------------------------------------------------------------------------

    @rule(
        registry=registries,
        prefix=prefixes,
        url=st.sampled_from(contents.UPSTREAM_URLS),
        upstream_prefix=st.sampled_from([None, "up"]),
        has_secret=st.booleans(),
    )
    def create_rule(
        self, registry: Registry, prefix: str, url: str, upstream_prefix: str | None, has_secret: bool
    ) -> None:
        new = Rule(url, upstream_prefix, SECRET if has_secret else None)
        members = {"upstreamRepositoryPrefix": upstream_prefix, "credentialArn": new.secret}
        given = {name: value for name, value in members.items() if value is not None}
        self.agree(
            lambda: self.reference.create_rule(registry, prefix, new),
            lambda: self.calls.api(
                registry,
                "create_pull_through_cache_rule",
                ecrRepositoryPrefix=prefix,
                upstreamRegistryUrl=url,
                **given,
            ),
        )
        self.compare(registry)

    @rule(registry=registries, url=urls, upstream_prefix=st.sampled_from([None, "up"]))
    def create_fitting_rule(self, registry: Registry, url: str, upstream_prefix: str | None) -> None:
        prefix = "quay" if url == QUAY else "hub"
        self.create_rule(registry=registry, prefix=prefix, url=url, upstream_prefix=upstream_prefix, has_secret=url == HUB)

    @rule(registry=registries, prefix=prefixes)
    def update_rule(self, registry: Registry, prefix: str) -> None:
        self.agree(
            lambda: self.reference.update_rule(registry, prefix, SECRET),
            lambda: self.calls.api(
                registry, "update_pull_through_cache_rule", ecrRepositoryPrefix=prefix, credentialArn=SECRET
            ),
        )
        self.compare(registry)

    @rule(registry=registries, prefix=prefixes)
    def delete_rule(self, registry: Registry, prefix: str) -> None:
        state = self.reference.registries[registry]
        self.agree(
            lambda: state.rule(prefix),
            lambda: self.calls.api(registry, "delete_pull_through_cache_rule", ecrRepositoryPrefix=prefix),
        )
        state.rules.pop(prefix, None)
        self.compare(registry)

    @rule(registry=registries, prefix=prefixes)
    def validate_rule(self, registry: Registry, prefix: str) -> None:
        self.agree(
            lambda: self.reference.is_valid(registry, prefix),
            lambda: self.calls.api(registry, "validate_pull_through_cache_rule", ecrRepositoryPrefix=prefix)["isValid"],
        )

    @rule(
        registry=registries,
        prefix=st.sampled_from(["quay", "quay/team", "ROOT"]),
        applied_for=purposes,
        mutability=mutabilities,
        policy=st.sampled_from([None, REPOSITORY_POLICY]),
        has_tags=st.sampled_from([False, False, True]),
    )
    def create_template(
        self,
        registry: Registry,
        prefix: str,
        applied_for: tuple[str, ...],
        mutability: str,
        policy: str | None,
        has_tags: bool,
    ) -> None:
        known = self.reference.registries[registry].templates
        settings: dict[str, Any] = {"appliedFor": list(applied_for), "imageTagMutability": mutability}
        if policy:
            settings["repositoryPolicy"] = policy
        if has_tags:
            settings["resourceTags"] = [{"Key": "team", "Value": "a"}]

        def create() -> None:
            if prefix in known:
                raise Refused("TemplateAlreadyExistsException")
            known[prefix] = Template(applied_for, mutability, policy, has_tags)

        self.agree(
            create,
            lambda: self.calls.api(registry, "create_repository_creation_template", prefix=prefix, **settings),
        )
        self.compare(registry)

    @rule(registry=registries, prefix=st.sampled_from(["quay", "ROOT"]), mutability=mutabilities)
    def update_template(self, registry: Registry, prefix: str, mutability: str) -> None:
        known = self.reference.registries[registry].templates

        def update() -> None:
            if prefix not in known:
                raise Refused("TemplateNotFoundException")
            known[prefix].mutability = mutability

        self.agree(
            update,
            lambda: self.calls.api(
                registry, "update_repository_creation_template", prefix=prefix, imageTagMutability=mutability
            ),
        )
        self.compare(registry)

    @rule(registry=registries, prefix=st.sampled_from(["quay", "quay/team", "ROOT"]))
    def delete_template(self, registry: Registry, prefix: str) -> None:
        known = self.reference.registries[registry].templates

        def delete() -> None:
            if known.pop(prefix, None) is None:
                raise Refused("TemplateNotFoundException")

        self.agree(delete, lambda: self.calls.api(registry, "delete_repository_creation_template", prefix=prefix))
        self.compare(registry)

    @rule(is_granted=st.booleans())
    def change_registry_policy(self, is_granted: bool) -> None:
        state = self.reference.registries[HOME]
        if is_granted:
            self.calls.api(HOME, "put_registry_policy", policyText=IMPORT_POLICY)
        elif state.policy_grants_import:
            self.calls.api(HOME, "delete_registry_policy")
        state.policy_grants_import = is_granted

    @rule(name=names, is_open=st.booleans())
    def change_repository_policy(self, name: str, is_open: bool) -> None:
        repository = self.reference.registries[HOME].repositories.get(name)
        if repository is None or is_open == bool(repository.policy):
            return
        if is_open:
            self.calls.api(HOME, "set_repository_policy", repositoryName=name, policyText=REPOSITORY_POLICY)
        else:
            self.calls.api(HOME, "delete_repository_policy", repositoryName=name)
        repository.policy = REPOSITORY_POLICY if is_open else None
        self.compare(HOME)

    # --- repositories, pushes and deletions --------------------------------------------------------------------------

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

        self.agree(
            delete, lambda: self.calls.api(registry, "delete_repository", repositoryName=name, force=force)
        )
        self.compare(registry)

    @rule(registry=registries, name=names, tag=tags, own=own_images)
    def put_image(self, registry: Registry, name: str, tag: str, own: contents.OwnImage) -> None:
        self.agree(
            lambda: self.reference.registries[registry].repository(name).put(own.image, tag),
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
            wanted = _outcome(expected)
            answer = self.calls.delete_by_endpoint(registry, name, reference)
            assert answer == ENDPOINT_ERRORS.get(wanted, wanted)
        else:
            self.agree(expected, lambda: self.calls.delete(registry, name, reference))
        self.compare(registry)

    # --- pulls -------------------------------------------------------------------------------------------------------

    @rule(registry=registries, name=names, wanted=st.lists(tags, min_size=1, max_size=2, unique=True))
    def get_images(self, registry: Registry, name: str, wanted: list[str]) -> None:
        self.agree(
            lambda: self.reference.get_images(registry, name, wanted),
            lambda: self.calls.get_images(registry, name, wanted),
        )
        self.compare(registry)

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
        expected = _outcome(lambda: self.reference.get_images(registry, name, [tag])[0])
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

    # --- upstreams ---------------------------------------------------------------------------------------------------

    @rule(place=at_upstream, tag=tags, image=st.sampled_from(contents.CATALOGUE))
    def push_to_upstream(self, place: tuple[str, str], tag: str, image: str) -> None:
        url, name = place
        learned = contents.catalogue()[image]
        self.reference.upstreams[url].held(name).add(learned, tag)
        assert contents.push(_handle(url), name, image, tag).digest == learned.root.digest

    @rule(place=at_upstream, tag=tags)
    def push_signature_to_upstream(self, place: tuple[str, str], tag: str) -> None:
        url, name = place
        held = (self.reference.upstreams[url].repositories or {}).get(name)
        if held is None or tag not in held.tags:
            return
        signature = contents.push_signature(_handle(url), name, held.tags[tag])
        held.add(contents.Catalogued(Image(signature.manifest.decode(), signature.media_type)), None)

    @rule(place=at_upstream, tag=tags)
    def remove_from_upstream(self, place: tuple[str, str], tag: str) -> None:
        url, name = place
        try:
            _handle(url).remove(name, tag)
            is_removed = True
        except ValueError:
            is_removed = False
        assert is_removed == self.reference.upstreams[url].remove(name, tag)

    @rule(url=urls)
    def clear_upstream(self, url: str) -> None:
        _handle(url).clear()
        self.reference.upstreams[url].repositories = {}

    @rule(url=urls, is_one=st.booleans(), cause=st.sampled_from(CAUSES), times=st.sampled_from([None, 1, 2]))
    def fail_upstream(self, url: str, is_one: bool, cause: Any, times: int | None) -> None:
        name = contents.AT_UPSTREAM[url][0] if is_one else None
        _handle(url).fail(name, **{"error" if isinstance(cause, str) else "status": cause}, times=times)
        self.reference.upstreams[url].failures[name] = (cause, times)

    @rule(url=urls)
    def recover_upstream(self, url: str) -> None:
        _handle(url).recover()
        self.reference.upstreams[url].failures.clear()

    @rule(url=urls, is_demanded=st.booleans())
    def change_upstream_credentials(self, url: str, is_demanded: bool) -> None:
        _handle(url).credentials = CREDENTIALS if is_demanded else None
        wanted = (CREDENTIALS["username"], CREDENTIALS["accessToken"])
        self.reference.upstreams[url].credentials = wanted if is_demanded else None

    @rule(url=urls)
    def expire(self, url: str) -> None:
        assert _handle(url).expire() == self.reference.expire(url)

    # --- secrets, time, resets ---------------------------------------------------------------------------------------

    @rule(value=st.sampled_from(sorted(SECRETS)))
    def put_secret(self, value: str) -> None:
        secrets = self.calls.secrets(HOME)
        if SECRET in self.reference.deleted_secrets:
            return
        if SECRET in self.reference.secrets:
            secrets.put_secret_value(SecretId="ecr-pullthroughcache/hub", SecretString=SECRETS[value])
        else:
            secrets.create_secret(Name="ecr-pullthroughcache/hub", SecretString=SECRETS[value])
        self.reference.secrets[SECRET] = SECRETS[value]

    @rule(is_deleted=st.booleans())
    def delete_or_restore_secret(self, is_deleted: bool) -> None:
        if SECRET not in self.reference.secrets or is_deleted == (SECRET in self.reference.deleted_secrets):
            return
        secrets = self.calls.secrets(HOME)
        if is_deleted:
            secrets.delete_secret(SecretId="ecr-pullthroughcache/hub")
            self.reference.deleted_secrets.add(SECRET)
        else:
            secrets.restore_secret(SecretId="ecr-pullthroughcache/hub")
            self.reference.deleted_secrets.discard(SECRET)

    @rule(hours=st.sampled_from([1, 23, 24]))
    def wait(self, hours: int) -> None:
        self.clock.tick(timedelta(hours=hours))
        self.reference.now += timedelta(hours=hours)
        self.calls.forget_logins()

    @rule(number=st.integers(0, 3))
    def reset(self, number: int) -> None:
        """Reset moto, one time in four: sequences are to have a history."""
        if number == 3:
            requests.post("http://motoapi.amazonaws.com/moto-api/reset", timeout=60).raise_for_status()
            self.reference.reset()
            self.calls.forget_logins()

    # --- comparing ---------------------------------------------------------------------------------------------------

    def agree(self, expected: Any, call: Any) -> None:
        """Compare the answer of a call with what the reference expects, if that is more than no refusal."""
        wanted = _outcome(expected)
        answer = _outcome(call)
        if wanted is None or not isinstance(answer, (bool, str, list)):
            assert not isinstance(answer, str) or answer == wanted
            assert not isinstance(wanted, str)
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
                for pull in _handle(url).pulls
            ]
            assert pulls == upstream.asked

    def _digest(self, registry: Registry, name: str, number: int) -> str:
        """Return the digest of an image of a repository, or of one that it may not have."""
        repository = self.reference.registries[registry].repositories.get(name, Repository())
        roots = [image.root.digest for image in contents.catalogue().values()]
        digests = [*repository.images, *roots]
        return digests[number % len(digests)]

    def _blob(self, number: int) -> str:
        blobs = {blob for one in contents.catalogue().values() for image in one.images.values() for blob in image.blobs}
        blobs |= {blob for own in contents.OWN_IMAGES for blob in own.image.blobs}
        return sorted(blobs)[number % len(blobs)]


def _handle(url: str) -> Any:
    return upstream_registry({QUAY: "quay", HUB: "docker-hub"}[url])


def _outcome(call: Any) -> Any:
    """Return what a call returns, or the code of the refusal."""
    try:
        return call()
    except Refused as refusal:
        return refusal.code
