"""What changed while an upstream was asked, so that its answer counted no longer; and what pulls tell each other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError
from moto.backends import get_backend
from moto.ecr.models import ecr_backends

from conftest import ACCOUNT, REGION, Aws, allow, enforced, failure_codes, pull, refusal, user
from moto_ecr_ptc import UpstreamRegistry, pull_log
from tests.pulls.pull_calls import REFERRERS
from tests.pulls.reason_calls import SOMEONE, last_record, only_record, route, told, trust
from tests.registry import proxied
from tests.registry.proxied import IMAGE, LAYER_DIGEST, ProxiedRegistry

REPOSITORY = "quay/team/app"
ARN = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{REPOSITORY}"
NOT_FOUND = "RepositoryNotFoundException"
OTHER_RULE = "the rule 'quay' was deleted or replaced while the upstream was asked"
PUSHED = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []})


@pytest.fixture
def registry(quay: UpstreamRegistry) -> Iterator[ProxiedRegistry]:
    """The real registry behind the upstream of the rule quay."""
    with proxied.serve() as registry:
        quay.proxy(registry.url)
        yield registry


def meanwhile(
    registry: ProxiedRegistry, change: Callable[[], object], call: Callable[..., Any], *arguments: Any
) -> None:
    """Make a call, and a change while the upstream is asked. The call may be refused."""
    registry.asked.clear()
    registry.open.clear()
    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(call, *arguments)
        assert registry.asked.wait(60)
        change()
        registry.open.set()
        error = calling.exception(60)
    assert error is None or isinstance(error, ClientError)


def get_layer(ecr: Any) -> Any:
    return ecr.get_download_url_for_layer(repositoryName=REPOSITORY, layerDigest=LAYER_DIGEST)


def list_referrers(ecr: Any) -> Any:
    return ecr.list_image_referrers(repositoryName=REPOSITORY, subjectId={"imageDigest": IMAGE.manifest.digest})


# --- images ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", [False, True])
def test_reason_of_a_pull_whose_rule_is_gone_or_another_is_that(aws, ecr, registry, again):
    def change() -> None:
        ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")
        if again:
            ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="registry.k8s.io")

    meanwhile(registry, change, pull, aws.client("ecr"), REPOSITORY)
    record = only_record()
    assert told(record) == (NOT_FOUND, OTHER_RULE)
    assert (record.rule, record.upstream) == ("quay", "quay.io/team/app")


def test_reason_of_a_pull_that_fails_and_whose_rule_is_gone_is_the_rule(aws, ecr, quay, registry):
    quay.proxy(registry.url, timeout=1)
    registry.open.clear()
    with ThreadPoolExecutor(1) as pool:
        pulling = pool.submit(pull, aws.client("ecr"), REPOSITORY)
        assert registry.asked.wait(60)
        ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")
        assert failure_codes(pulling.result(60)) == ["UpstreamUnavailable"]
    record = only_record()
    assert told(record) == ("UpstreamUnavailable", OTHER_RULE)
    assert route(record) == ("quay", "quay.io/team/app", None)


def test_reason_of_a_pull_during_which_moto_is_reset_is_not_told_to_the_new_state(server, registry):
    def reset() -> None:
        requests.post(f"{server.endpoint_url}/moto-api/reset", timeout=60).raise_for_status()

    meanwhile(registry, reset, pull, server.client("ecr"), REPOSITORY)
    assert pull_log() == ()


def test_reason_of_a_pull_whose_template_stops_it_meanwhile_is_the_template(aws, ecr, registry):
    def change() -> None:
        ecr.create_repository_creation_template(
            prefix="quay", appliedFor=["PULL_THROUGH_CACHE"], resourceTags=[{"Key": "a", "Value": "b"}]
        )

    meanwhile(registry, change, pull, aws.client("ecr"), REPOSITORY)
    reason = "the repository creation template 'quay' has tags but no customRoleArn, which ECR needs to apply them"
    assert told(only_record()) == (NOT_FOUND, reason)


def test_reason_of_a_pull_whose_repository_must_be_made_again_is_the_right_to(aws, ecr, registry):
    ecr.create_repository(repositoryName=REPOSITORY)
    caller = aws.client("ecr", **user(aws, allow(["ecr:BatchGetImage", "ecr:BatchImportUpstreamImage"])))

    def change() -> None:
        ecr_backends[ACCOUNT][REGION].delete_repository(REPOSITORY)

    meanwhile(registry, change, enforced, pull, caller, REPOSITORY)
    reason = (
        f"{SOMEONE} lacks the right ecr:CreateRepository on {ARN}, which is needed to create the repository: "
        "neither an identity-based policy nor the registry's policy allows it"
    )
    assert told(only_record()) == (NOT_FOUND, reason)


def test_reason_of_a_pull_whose_templates_role_is_deleted_is_the_role(aws, ecr, registry):
    document = trust("ecr.amazonaws.com")
    role = aws.client("iam").create_role(RoleName="templates", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    ecr.create_repository_creation_template(
        prefix="ROOT",
        appliedFor=["PULL_THROUGH_CACHE"],
        resourceTags=[{"Key": "a", "Value": "b"}],
        customRoleArn=role,
    )
    caller = aws.client("ecr", **user(aws, allow("ecr:*")))

    def change() -> None:
        get_backend("iam")[ACCOUNT]["aws"].delete_role("templates")

    meanwhile(registry, change, enforced, pull, caller, REPOSITORY)
    reason = f"the custom role '{role}' of the repository creation template 'ROOT' does not exist"
    assert told(only_record()) == (NOT_FOUND, reason)


@pytest.mark.parametrize("cached", [False, True])
def test_reason_of_a_tag_that_is_pushed_while_it_is_pulled_is_that(aws, ecr, registry, cached):
    ecr.create_repository(repositoryName=REPOSITORY)
    if cached:
        pull(ecr, REPOSITORY)
        ecr_backends[ACCOUNT][REGION].expire_cached_tags()

    def change() -> None:
        ecr.put_image(repositoryName=REPOSITORY, imageManifest=PUSHED, imageTag="latest")

    meanwhile(registry, change, pull, aws.client("ecr"), REPOSITORY)
    record = last_record()
    assert told(record) == ("ok", "the tag was pushed while the upstream was asked")
    assert (record.answered_by, record.fresh_until) == ("cache", None)


@pytest.mark.parametrize(
    ("rule_goes_too", "outcome"), [(False, "ImageNotFound"), (True, NOT_FOUND)], ids=["repository", "and rule"]
)
def test_reason_of_a_cached_tag_that_is_deleted_while_another_is_pulled_is_that(
    aws, ecr, registry, rule_goes_too, outcome
):
    pull(ecr, REPOSITORY, "cached")

    def change() -> None:
        ecr.delete_repository(repositoryName=REPOSITORY, force=True)
        if rule_goes_too:
            ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")

    meanwhile(registry, change, pull, aws.client("ecr"), REPOSITORY, "cached", "other")
    of_cached = next(record for record in reversed(pull_log()) if record.reference == "cached")
    assert told(of_cached) == (outcome, "it was there, but was deleted before the request was answered")


# --- layers ----------------------------------------------------------------------------------------------------------


def test_reason_of_a_layer_whose_repository_is_deleted_is_that(aws, ecr, registry):
    pull(ecr, REPOSITORY)

    def change() -> None:
        ecr.delete_repository(repositoryName=REPOSITORY, force=True)

    meanwhile(registry, change, get_layer, aws.client("ecr"))
    assert told(last_record()) == (NOT_FOUND, "the repository was deleted while the upstream was asked")


def test_reason_of_a_layer_whose_repository_is_made_again_is_that(aws, ecr, registry):
    pull(ecr, REPOSITORY)

    def change() -> None:
        ecr.delete_repository(repositoryName=REPOSITORY, force=True)
        ecr.create_repository(repositoryName=REPOSITORY)

    meanwhile(registry, change, get_layer, aws.client("ecr"))
    reason = "the repository was deleted while the upstream was asked"
    assert told(last_record()) == ("LayersNotFoundException", reason)


def test_reason_of_a_layer_whose_image_is_deleted_is_that(aws, ecr, registry):
    pull(ecr, REPOSITORY)

    def change() -> None:
        ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "latest"}])

    meanwhile(registry, change, get_layer, aws.client("ecr"))
    reason = "its image was deleted while the upstream was asked"
    assert told(last_record()) == ("LayersNotFoundException", reason)


def test_reason_of_a_layer_whose_rule_is_deleted_is_that(aws, ecr, registry):
    pull(ecr, REPOSITORY)

    def change() -> None:
        ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")

    meanwhile(registry, change, get_layer, aws.client("ecr"))
    assert told(last_record()) == ("LayersNotFoundException", OTHER_RULE)


@REFERRERS
def test_reason_of_referrers_whose_rule_is_deleted_is_that(aws, ecr, registry):
    def change() -> None:
        ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")

    meanwhile(registry, change, list_referrers, aws.client("ecr"))
    assert told(only_record()) == (NOT_FOUND, OTHER_RULE)


# --- pulls at once ---------------------------------------------------------------------------------------------------


def two_at_once(aws: Aws, registry: ProxiedRegistry, waiting: Any, *calls: Callable[[Any], Any]) -> None:
    """Make two calls, the second of which waits for the first one's question to the upstream."""
    registry.asked.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(calls[0], aws.client("ecr"))
        assert registry.asked.wait(60)
        second = pool.submit(calls[-1], aws.client("ecr"))
        assert waiting.acquire(timeout=60)
        registry.open.set()
        for call in (first, second):
            assert isinstance(call.exception(60), (ClientError, type(None)))


def test_reasons_of_pulls_that_wait_for_a_silent_upstream_are_its_silence(aws, ecr, quay, registry, waiting):
    registry.open.clear()
    quay.proxy(registry.url, timeout=2)
    with ThreadPoolExecutor(2) as pool:
        pulling = [pool.submit(pull, aws.client("ecr"), REPOSITORY, "1")]
        assert registry.asked.wait(60)
        pulling.append(pool.submit(pull, aws.client("ecr"), REPOSITORY, "2"))
        assert waiting.acquire(timeout=60)
        assert [len(call.result(60)["failures"]) for call in pulling] == [1, 1]
    cause = f"quay.io did not return it (UpstreamUnavailable): {registry.url}: no answer within 2 seconds"
    found = {record.reference: told(record) for record in pull_log()}
    assert found == {
        "1": ("UpstreamUnavailable", cause),
        "2": ("UpstreamUnavailable", f"{cause}; another pull had just found that out, so it was not asked again"),
    }
    assert len(registry.paths) == 1


def test_reasons_of_pulls_that_meet_over_one_image_are_that_it_is_cached(aws, ecr, registry, waiting):
    registry.open.clear()
    two_at_once(aws, registry, waiting, lambda ecr: pull(ecr, REPOSITORY))
    assert sorted(record.reason for record in pull_log()) == ["it is cached and fresh", "quay.io returned it"]


@pytest.mark.parametrize(
    ("repository", "tag", "reason"),
    [
        (REPOSITORY, "cached", "it is cached and fresh"),
        ("k8s/pause", "3.9", "registry.k8s.io returned it"),
    ],
    ids=["fresh tag", "other repository"],
)
def test_reason_of_what_a_slow_pull_does_not_concern_is_its_own(aws, ecr, quay, registry, repository, tag, reason):
    quay.proxy(registry.url, timeout=60)
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="k8s", upstreamRegistryUrl="registry.k8s.io")
    pull(ecr, REPOSITORY, "cached")
    registry.asked.clear()
    registry.open.clear()
    with ThreadPoolExecutor(2) as pool:
        pulling = pool.submit(pull, aws.client("ecr"), REPOSITORY, "other")
        assert registry.asked.wait(60)
        try:
            pool.submit(pull, aws.client("ecr"), repository, tag).result(20)
            assert told(last_record()) == ("ok", reason)
        finally:
            registry.open.set()
        pulling.result(60)


def test_reasons_of_downloads_that_wait_for_one_layer_are_who_brought_it(aws, ecr, registry, waiting):
    pull(ecr, REPOSITORY)
    registry.open.clear()
    two_at_once(aws, registry, waiting, get_layer)
    reasons = sorted(record.reason for record in pull_log()[1:])
    assert reasons == ["another pull has just brought it", "quay.io returned it"]


def test_reasons_of_downloads_that_wait_for_a_layer_that_fails_are_its_failure(aws, ecr, quay, registry, waiting):
    pull(ecr, REPOSITORY)
    quay.proxy(registry.url, timeout=2)
    registry.open.clear()
    registry.asked.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(refusal, get_layer, ecr=aws.client("ecr"))
        assert registry.asked.wait(60)
        second = pool.submit(refusal, get_layer, ecr=aws.client("ecr"))
        assert waiting.acquire(timeout=60)
        assert {first.result(60).code, second.result(60).code} == {"UnableToGetUpstreamLayerException"}
    cause = f"quay.io did not return it (UpstreamUnavailable): {registry.url}: no answer within 2 seconds"
    again = f"{cause}; another pull had just found that out, so it was not asked again"
    assert sorted(record.reason for record in pull_log()[1:]) == [cause, again]


@REFERRERS
def test_reasons_of_listings_that_wait_for_referrers_that_fail_are_their_failure(aws, ecr, quay, registry, waiting):
    quay.proxy(registry.url, timeout=2)
    registry.open.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(refusal, list_referrers, ecr=aws.client("ecr"))
        assert registry.asked.wait(60)
        second = pool.submit(refusal, list_referrers, ecr=aws.client("ecr"))
        assert waiting.acquire(timeout=60)
        codes = {first.result(60).code, second.result(60).code}
    assert codes == {"UnableToListUpstreamImageReferrersException"}
    cause = f"quay.io did not return it (UpstreamUnavailable): {registry.url}: no answer within 2 seconds"
    again = f"{cause}; another pull had just found that out, so it was not asked again"
    assert sorted(record.reason for record in pull_log()) == [cause, again]
