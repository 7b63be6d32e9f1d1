"""CreatePullThroughCacheRule: what is accepted, and what comes back."""

from __future__ import annotations

import time

import pytest

from conftest import ACCOUNT, OTHER_ACCOUNT, REGION, model_accepts, prefixes, refusal, rules

ROLE = f"arn:aws:iam::{ACCOUNT}:role/path/ecr-upstream"


LONG_SEPARATORS = pytest.mark.skipif(
    not model_accepts("PullThroughCacheRuleRepositoryPrefix", "a__b"),
    reason="the model of botocore < 1.42.57 knows single separators only",
)


def without_metadata(response):
    return {key: value for key, value in response.items() if key != "ResponseMetadata"}


def test_create_open_upstream_returns_only_what_is_set(ecr):
    before = time.time()
    rule = without_metadata(
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="ecr-public", upstreamRegistryUrl="public.ecr.aws")
    )
    created = rule.pop("createdAt").timestamp()
    assert before - 1 < created < time.time() + 1
    assert rule == {
        "ecrRepositoryPrefix": "ecr-public",
        "upstreamRegistryUrl": "public.ecr.aws",
        "upstreamRegistry": "ecr-public",
        "registryId": ACCOUNT,
    }


def test_create_returns_everything_that_is_set(aws, ecr):
    secret = aws.secret()
    rule = ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="hub",
        upstreamRegistryUrl="registry-1.docker.io",
        registryId=ACCOUNT,
        upstreamRegistry="docker-hub",
        credentialArn=secret,
        upstreamRepositoryPrefix="library",
    )
    assert {key: rule[key] for key in rule if key not in ("createdAt", "ResponseMetadata")} == {
        "ecrRepositoryPrefix": "hub",
        "upstreamRegistryUrl": "registry-1.docker.io",
        "upstreamRegistry": "docker-hub",
        "registryId": ACCOUNT,
        "credentialArn": secret,
        "upstreamRepositoryPrefix": "library",
    }


@pytest.mark.parametrize(
    ("registry", "url"),
    [
        ("docker-hub", "registry-1.docker.io"),
        ("github-container-registry", "ghcr.io"),
        ("azure-container-registry", "my-1st.azurecr.io"),
        ("gitlab-container-registry", "registry.gitlab.com"),
        ("chainguard", "cgr.dev"),
    ],
)
def test_create_infers_the_upstream_registry_from_the_url(aws, ecr, registry, url):
    rule = ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="up", upstreamRegistryUrl=url, credentialArn=aws.secret()
    )
    assert rule["upstreamRegistry"] == registry


@pytest.mark.parametrize(
    ("region", "url"),
    [
        (REGION, f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"),
        ("cn-north-1", f"{ACCOUNT}.dkr.ecr.cn-northwest-1.amazonaws.com.cn"),
    ],
)
def test_create_with_the_accounts_registry_in_another_region_needs_no_role(aws, region, url):
    rule = aws.client("ecr", region).create_pull_through_cache_rule(ecrRepositoryPrefix="up", upstreamRegistryUrl=url)
    assert rule["upstreamRegistry"] == "ecr"
    assert "customRoleArn" not in rule


def test_create_with_another_accounts_registry_and_a_role_returns_the_role(ecr):
    rule = ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="up",
        upstreamRegistryUrl=f"{OTHER_ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com",
        customRoleArn=ROLE,
    )
    assert rule["customRoleArn"] == ROLE


def test_create_with_an_empty_role_returns_no_role(ecr):
    rule = ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io", customRoleArn=""
    )
    assert "customRoleArn" not in rule


@pytest.mark.parametrize(
    "prefix",
    [
        "aa",
        "a/",
        pytest.param("a__b", marks=LONG_SEPARATORS),
        pytest.param("a---b", marks=LONG_SEPARATORS),
        "a.b",
        "a/b/c",
        "root",
        "ROOT",
        "123456789/123456789/1234567890",
        "team/",
    ],
)
def test_create_echoes_every_legal_prefix_as_it_was_given(ecr, prefix):
    assert (
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl="quay.io")[
            "ecrRepositoryPrefix"
        ]
        == prefix
    )
    assert prefixes(ecr) == [prefix]


@pytest.mark.parametrize(
    ("prefix", "upstream"), [("ROOT", "ROOT"), ("team", "ROOT"), ("team", "team"), ("team", "other/")]
)
def test_create_returns_the_upstream_prefix_that_was_given(ecr, prefix, upstream):
    rule = ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix=prefix, upstreamRegistryUrl="quay.io", upstreamRepositoryPrefix=upstream
    )
    assert rule["upstreamRepositoryPrefix"] == upstream
    assert rules(ecr)[0]["upstreamRepositoryPrefix"] == upstream


def test_create_allows_overlapping_prefixes(ecr):
    for prefix in ("docker", "docker/library", "docker-hub"):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl="quay.io")
    assert prefixes(ecr) == ["docker", "docker/library", "docker-hub"]


def test_create_does_not_look_at_what_the_secret_holds(aws, ecr):
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=aws.secret(value="test")
    )
    assert prefixes(ecr) == ["hub"]


def test_create_makes_the_service_linked_role_with_the_first_rule_only(aws, ecr):
    iam = aws.client("iam")
    assert iam.list_roles()["Roles"] == []
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    role = iam.get_role(RoleName="AWSServiceRoleForECRPullThroughCache")["Role"]
    assert role["Arn"] == (
        f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/pullthroughcache.ecr.amazonaws.com/"
        "AWSServiceRoleForECRPullThroughCache"
    )
    assert role["Path"] == "/aws-service-role/pullthroughcache.ecr.amazonaws.com/"
    assert (role["Description"], role["MaxSessionDuration"]) == ("", 3600)
    trusted = {"Service": "pullthroughcache.ecr.amazonaws.com"}
    assert role["AssumeRolePolicyDocument"] == {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}],
    }
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="k8s", upstreamRegistryUrl="registry.k8s.io")
    assert [listed["RoleId"] for listed in iam.list_roles()["Roles"]] == [role["RoleId"]]


def test_create_makes_the_service_linked_role_again_after_its_deletion(aws, ecr):
    iam = aws.client("iam")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    iam.delete_role(RoleName="AWSServiceRoleForECRPullThroughCache")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="k8s", upstreamRegistryUrl="registry.k8s.io")
    assert iam.get_role(RoleName="AWSServiceRoleForECRPullThroughCache")


def test_create_that_is_refused_makes_no_service_linked_role(aws, ecr):
    missing = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache/missing-AbCdEf"
    for faulty in (
        {"upstreamRegistryUrl": "example.com"},
        {"upstreamRegistryUrl": "ghcr.io", "credentialArn": missing},
    ):
        refusal(ecr.create_pull_through_cache_rule, ecrRepositoryPrefix="up", **faulty)
    assert aws.client("iam").list_roles()["Roles"] == []


def test_create_attaches_the_roles_policy_where_moto_knows_aws_policies(monkeypatch, in_process):
    monkeypatch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    in_process.client("iam")
    in_process.client("ecr").create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    attached = in_process.client("iam").list_attached_role_policies(RoleName="AWSServiceRoleForECRPullThroughCache")
    assert [policy["PolicyName"] for policy in attached["AttachedPolicies"]] == [
        "AWSECRPullThroughCache_ServiceRolePolicy"
    ]
