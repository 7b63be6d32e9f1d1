"""The steps that change rules, templates, policies and secrets."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import requests
from hypothesis import strategies as st
from hypothesis.stateful import rule

from conftest import ACCOUNT
from tests.stateful import contents
from tests.stateful.calls import REPOSITORY_POLICY
from tests.stateful.comparison import Compared
from tests.stateful.contents import HOME, HUB, QUAY, Registry
from tests.stateful.registry_model import Refused, Rule, Template
from tests.stateful.strategies import (
    mutabilities,
    names,
    prefixes,
    purposes,
    registries,
    urls,
)

SECRETS = {
    "good": json.dumps({"username": "a-user", "accessToken": "a-token"}),
    "other": json.dumps({"username": "a-user", "accessToken": "another-token"}),
    "malformed": "a-token",
}
CREDENTIALS = {"username": "a-user", "accessToken": "a-token"}
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:ecr-pullthroughcache/hub"
"""Without the random characters at its end, which ECR does not need."""

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


class ConfigurationSteps(Compared):
    """What an administrator does."""

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
        self.create_rule(
            registry=registry, prefix=prefix, url=url, upstream_prefix=upstream_prefix, has_secret=url == HUB
        )

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
        known = self.reference.registries[registry].rules

        def delete() -> None:
            if known.pop(prefix, None) is None:
                raise Refused("PullThroughCacheRuleNotFoundException")

        self.agree(
            delete, lambda: self.calls.api(registry, "delete_pull_through_cache_rule", ecrRepositoryPrefix=prefix)
        )
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
        self.calls.log_in_anew()

    @rule(number=st.integers(0, 3))
    def reset(self, number: int) -> None:
        """Reset moto, one time in four: sequences are to have a history."""
        if number == 3:
            requests.post("http://motoapi.amazonaws.com/moto-api/reset", timeout=60).raise_for_status()
            self.reference.reset()
            self.calls.forget()
