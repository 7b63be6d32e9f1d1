"""UpdatePullThroughCacheRule and DeletePullThroughCacheRule."""

from __future__ import annotations

from datetime import datetime

import freezegun
import pytest

from conftest import ACCOUNT, OTHER_ACCOUNT, REGION, prefixes, refusal, rules

ROLE = f"arn:aws:iam::{ACCOUNT}:role/"


@pytest.fixture
def hub(aws, ecr):
    """A rule with a secret."""
    return ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="hub",
        upstreamRegistryUrl="registry-1.docker.io",
        credentialArn=aws.secret("old"),
        upstreamRepositoryPrefix="library",
    )


def test_update_replaces_the_secret_and_nothing_else(aws, ecr, hub):
    new = aws.secret("new")
    response = ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="hub", credentialArn=new)
    assert set(response) == {
        "ecrRepositoryPrefix",
        "registryId",
        "updatedAt",
        "credentialArn",
        "upstreamRepositoryPrefix",
        "ResponseMetadata",
    }
    assert response["credentialArn"] == new
    (rule,) = rules(ecr)
    assert rule.pop("updatedAt") == response["updatedAt"] >= hub["createdAt"]
    del hub["ResponseMetadata"]
    assert rule == {**hub, "credentialArn": new}


def test_update_does_not_look_at_what_the_secret_holds(aws, ecr, hub):
    new = aws.secret("new", value="test")
    assert ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="hub", credentialArn=new)["credentialArn"] == new


def test_update_moves_only_updated_at(in_process):
    ecr = in_process.client("ecr")
    with freezegun.freeze_time("2026-01-01 10:00:00") as clock:
        ecr.create_pull_through_cache_rule(
            ecrRepositoryPrefix="hub", upstreamRegistryUrl="ghcr.io", credentialArn=in_process.secret()
        )
        clock.move_to("2026-01-02 10:00:00")
        ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="hub", credentialArn=in_process.secret("new"))
        (rule,) = rules(ecr)
    assert rule["createdAt"] == datetime.fromisoformat("2026-01-01T10:00:00+00:00")
    assert rule["updatedAt"] == datetime.fromisoformat("2026-01-02T10:00:00+00:00")


def test_update_replaces_the_role(ecr):
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="up",
        upstreamRegistryUrl=f"{OTHER_ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com",
        customRoleArn=ROLE + "old",
    )
    response = ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="up", customRoleArn=ROLE + "new")
    assert response["customRoleArn"] == ROLE + "new"
    assert rules(ecr)[0]["customRoleArn"] == ROLE + "new"


def test_update_gives_a_role_to_a_rule_that_had_none(ecr):
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="up", upstreamRegistryUrl=f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
    )
    ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="up", customRoleArn=ROLE + "new")
    assert rules(ecr)[0]["customRoleArn"] == ROLE + "new"


def test_update_finds_the_rule_with_or_without_a_slash_and_echoes_it_as_created(aws, ecr, hub):
    response = ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="hub/", credentialArn=aws.secret("new"))
    assert response["ecrRepositoryPrefix"] == "hub"
    assert prefixes(ecr) == ["hub"]


def test_update_that_is_refused_changes_nothing(aws, ecr, hub):
    before = rules(ecr)
    missing = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache/missing-AbCdEf"
    found = refusal(ecr.update_pull_through_cache_rule, ecrRepositoryPrefix="hub", credentialArn=missing)
    assert found.code == "SecretNotFoundException"
    assert rules(ecr) == before


def test_delete_returns_the_rule_and_removes_it(ecr, hub):
    response = ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="hub/")
    for volatile in (hub, response):
        del volatile["ResponseMetadata"]
    assert response == {key: value for key, value in hub.items() if key != "upstreamRegistry"}
    assert prefixes(ecr) == []


def test_delete_frees_the_prefix(ecr, hub):
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="hub")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="hub", upstreamRegistryUrl="quay.io")
    assert rules(ecr)[0]["upstreamRegistry"] == "quay"


def test_delete_leaves_repositories_under_the_prefix(ecr, hub):
    ecr.create_repository(repositoryName="hub/library/alpine")
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="hub")
    found = ecr.describe_repositories()["repositories"]
    assert [repository["repositoryName"] for repository in found] == ["hub/library/alpine"]
