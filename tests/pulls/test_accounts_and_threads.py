"""Pulls in several accounts, Regions and threads, and what remains of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import requests
from moto.core.model_instances import model_data

from conftest import ACCOUNT, digest, pull, repositories
from moto_ecr_ptc import upstream_registry
from tests.pulls.pull_calls import BWA


def test_pulls_and_deletions_leave_nothing_in_motos_tracker(ecr, quay):
    def tracked() -> int:
        models = map(vars, model_data["ecr"].values())  # the list's name depends on moto's version
        return sum(len(model.get("instances_tracked") or model.get("instances", [])) for model in models)

    before = tracked()
    for _ in range(3):
        pull(ecr, BWA)
        ecr.batch_delete_image(repositoryName=BWA, imageIds=[{"imageTag": "latest"}])
        pull(ecr, BWA)
        ecr.delete_repository(repositoryName=BWA, force=True)
    assert tracked() == before


def test_accounts_and_regions_cache_for_themselves(aws):
    for account, region in ((ACCOUNT, "us-east-1"), (ACCOUNT, "eu-west-1"), ("210987654321", "us-east-1")):
        ecr = aws.client("ecr", region, account=account)
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        (image,) = pull(ecr, BWA)["images"]
        assert image["registryId"] == account
    asked = upstream_registry("quay").pulls
    assert [(one.account_id, one.region) for one in asked] == [
        (ACCOUNT, "us-east-1"),
        (ACCOUNT, "eu-west-1"),
        ("210987654321", "us-east-1"),
    ]


def test_concurrent_pulls_of_one_image_make_one_repository_and_one_image(aws, ecr, quay):
    quay.push("biocontainers/bwa", platforms=["linux/amd64", "linux/arm64"])
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: pull(aws.client("ecr"), BWA), range(64)))
    assert len({digest(answer) for answer in answers}) == 1
    assert repositories(ecr) == [BWA]
    assert len(ecr.list_images(repositoryName=BWA)["imageIds"]) == 3
    assert len(quay.pulls) == 1


def test_reset_forgets_images_and_upstreams(server):
    ecr = server.client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    upstream_registry("quay").push("only/this")
    requests.post(f"{server.endpoint_url}/moto-api/reset", timeout=60)
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    assert digest(pull(ecr, BWA))
    assert len(upstream_registry("quay").pulls) == 1
