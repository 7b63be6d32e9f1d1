"""Why a pull found nothing where no upstream was asked: rules, identifiers, registries, media types."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest
from freezegun import freeze_time

from conftest import ACCOUNT, OTHER_ACCOUNT, digest, failure_codes, pull, refusal
from moto_ecr_ptc import pull_log, upstream_registry
from tests.pulls.pull_calls import BWA
from tests.pulls.reason_calls import (
    ABSENT,
    BY_TAG,
    NO_RULES,
    REGISTRY,
    ROOT_USER,
    get_by_digest,
    last_record,
    only_record,
    route,
    told,
)

# --- what was decided by which rule ----------------------------------------------------------------------------------


def test_reason_of_a_first_pull_tells_who_asked_what_by_which_rule_and_until_when_it_is_fresh(in_process):
    ecr = in_process.client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    ecr.create_repository_creation_template(prefix="ROOT", appliedFor=["PULL_THROUGH_CACHE"])
    with freeze_time("2026-03-02 12:00:00"):
        pull(ecr, BWA)
    record = only_record()
    assert told(record) == ("ok", "quay.io returned it")
    assert (record.account_id, record.region, record.caller) == (ACCOUNT, "us-east-1", ROOT_USER)
    assert (record.operation, record.repository, record.reference) == ("BatchGetImage", BWA, "latest")
    assert route(record) == ("quay", "quay.io/biocontainers/bwa", "ROOT")
    assert record.answered_by == "upstream"
    assert record.fresh_until == datetime(2026, 3, 3, 12, tzinfo=timezone.utc)


def test_reason_of_a_later_pull_is_that_it_is_cached(ecr, quay):
    pull(ecr, BWA)
    until = last_record().fresh_until
    pull(ecr, BWA)
    record = last_record()
    assert told(record) == ("ok", "it is cached and fresh")
    assert (record.answered_by, record.fresh_until, record.template) == ("cache", until, None)


def test_reason_of_a_pull_without_any_rule_is_that_there_are_none(ecr):
    assert refusal(pull, ecr=ecr, repository=BWA).code == "RepositoryNotFoundException"
    record = only_record()
    assert told(record) == ("RepositoryNotFoundException", NO_RULES)
    assert (*route(record), record.answered_by) == (None, None, None, None)


def test_reason_of_a_tag_missing_in_a_repository_without_any_rule_is_that_there_are_none(ecr):
    ecr.create_repository(repositoryName=BWA)
    assert failure_codes(pull(ecr, BWA)) == ["ImageNotFound"]
    assert told(only_record()) == ("ImageNotFound", NO_RULES)


def test_reason_of_a_repository_outside_of_all_rules_names_their_prefixes(ecr, quay):
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="k8s/team", upstreamRegistryUrl="registry.k8s.io")
    assert refusal(pull, ecr=ecr, repository="quai/app").code == "RepositoryNotFoundException"
    reason = (
        f"no pull through cache rule of {REGISTRY} covers the repository; the prefixes with a rule: 'quay', 'k8s/team'"
    )
    assert told(only_record()) == ("RepositoryNotFoundException", reason)


def test_reason_of_a_repository_outside_of_very_many_rules_names_ten_prefixes(ecr):
    for number in range(12):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=f"p{number}", upstreamRegistryUrl="quay.io")
    refusal(pull, ecr=ecr, repository=BWA)
    assert only_record().reason.endswith(
        "; the prefixes with a rule: " + "".join(f"'p{n}', " for n in range(9)) + "'p9' and 2 more"
    )


@pytest.mark.parametrize(
    ("elsewhere", "registry"),
    [({"region": "eu-west-1"}, f"{ACCOUNT}/eu-west-1"), ({"account": OTHER_ACCOUNT}, f"{OTHER_ACCOUNT}/us-east-1")],
)
def test_reason_of_a_repository_without_a_rule_hints_at_another_registrys_rule(aws, ecr, elsewhere, registry):
    other = aws.client("ecr", **elsewhere)
    other.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    refusal(pull, ecr=ecr, repository=BWA)
    assert told(only_record()) == ("RepositoryNotFoundException", f"{NO_RULES}; the rules of '{registry}' would")


def test_reason_of_a_new_tag_after_the_rule_was_deleted_is_that_no_rule_covers_it(ecr, quay):
    pull(ecr, BWA)
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")
    assert failure_codes(pull(ecr, BWA, "other")) == ["ImageNotFound"]
    assert told(last_record()) == ("ImageNotFound", NO_RULES)
    pull(ecr, BWA)
    record = last_record()
    assert told(record) == ("ok", "it is cached and fresh")
    assert (record.rule, record.answered_by) == (None, "cache")


def test_reason_of_a_stale_tag_after_the_rule_was_deleted_is_that_no_rule_covers_it(in_process):
    ecr = in_process.client("ecr")
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        pull(ecr, BWA)
        ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")
        clock.move_to("2026-03-04 12:00:00")
        pull(ecr, BWA)
    record = last_record()
    assert told(record) == ("ok", f"the cached image is served, since {NO_RULES}")
    assert (record.answered_by, record.fresh_until) == ("cache", None)


def test_reason_of_a_pushed_tag_is_that_no_upstream_is_asked_for_it(ecr, quay):
    pull(ecr, BWA)
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []})
    ecr.put_image(repositoryName=BWA, imageManifest=manifest, imageTag="latest")
    pull(ecr, BWA)
    record = last_record()
    assert told(record) == ("ok", "the tag was pushed, so that no upstream is asked for it")
    assert (record.answered_by, record.fresh_until) == ("cache", None)


@pytest.mark.parametrize("operation", ["batch_get_image", "get_download_url_for_layer", "list_image_referrers"])
def test_reason_of_nothing_found_by_another_accounts_registry_id_is_that_id(ecr, quay, operation):
    if not hasattr(ecr, operation):
        pytest.skip("the model of an older botocore has no ListImageReferrers")
    ecr.create_repository(repositoryName=BWA)
    what = {
        "batch_get_image": {"imageIds": [{"imageTag": "latest"}]},
        "get_download_url_for_layer": {"layerDigest": ABSENT},
        "list_image_referrers": {"subjectId": {"imageDigest": ABSENT}},
    }[operation]
    found = refusal(getattr(ecr, operation), repositoryName=BWA, registryId=OTHER_ACCOUNT, **what)
    assert found.code == "RepositoryNotFoundException"
    reason = f"the registryId {OTHER_ACCOUNT} belongs to another account, whose registry the mocked API does not read"
    assert told(only_record()) == ("RepositoryNotFoundException", reason)


# --- identifiers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "image_id", [{"imageDigest": ABSENT}, {"imageTag": "latest", "imageDigest": ABSENT}], ids=["digest", "both"]
)
def test_reason_of_a_digest_that_is_not_cached_is_that_ecr_pulls_by_tag(ecr, quay, image_id):
    request = {"repositoryName": BWA, "imageIds": [image_id]}
    assert refusal(ecr.batch_get_image, **request).code == "RepositoryNotFoundException"
    reason = f"the repository does not exist, and {BY_TAG}"
    assert told(last_record()) == ("RepositoryNotFoundException", reason)
    ecr.create_repository(repositoryName=BWA)
    assert failure_codes(ecr.batch_get_image(**request)) == ["ImageNotFound"]
    record = last_record()
    assert told(record) == ("ImageNotFound", f"the repository does not have it, and {BY_TAG}")
    assert record.reference == "@".join(image_id.values())
    assert route(record) == ("quay", "quay.io/biocontainers/bwa", None)


def test_reason_of_a_digest_that_is_cached_is_that_the_repository_has_it(ecr, quay):
    get_by_digest(ecr, BWA, digest(pull(ecr, BWA)))
    record = last_record()
    assert told(record) == ("ok", "the repository has the image with this digest")
    assert (record.answered_by, record.fresh_until) == ("cache", None)


def test_reason_of_a_tag_that_does_not_match_its_digest_is_the_image_that_it_names(ecr, quay):
    pulled = digest(pull(ecr, BWA))
    ecr.batch_get_image(repositoryName=BWA, imageIds=[{"imageTag": "latest", "imageDigest": ABSENT}])
    assert told(last_record()) == ("ImageTagDoesNotMatchDigest", f"the tag names the image {pulled} here")


MALFORMED = [
    ({}, "MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null"),
    (
        {"imageDigest": "latest"},
        "InvalidImageDigest",
        "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
    ),
    (
        {"imageTag": "-latest"},
        "InvalidImageTag",
        "Invalid request parameters: image tag should satisfy the regex '[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}'",
    ),
]


@pytest.mark.parametrize(("image_id", "code", "reason"), MALFORMED)
def test_reason_of_a_malformed_identifier_is_its_fault(ecr, quay, image_id, code, reason):
    ecr.create_repository(repositoryName=BWA)
    assert failure_codes(ecr.batch_get_image(repositoryName=BWA, imageIds=[image_id])) == [code]
    assert told(only_record()) == (code, reason)


@pytest.mark.parametrize(("image_id", "code", "fault"), MALFORMED)
def test_reason_of_a_malformed_identifier_without_a_repository_is_both(ecr, quay, image_id, code, fault):
    refusal(ecr.batch_get_image, repositoryName=BWA, imageIds=[image_id])
    assert told(only_record()) == (
        "RepositoryNotFoundException",
        f"the repository does not exist, and nothing is pulled for a malformed identifier ({fault})",
    )


def test_reasons_of_several_identifiers_are_told_one_by_one_in_their_order(ecr, quay):
    quay.push("biocontainers/bwa", tag="there")
    image_ids = [{"imageTag": "there"}, {}, {"imageTag": "absent"}, {"imageDigest": ABSENT}, {"imageTag": "there"}]
    ecr.batch_get_image(repositoryName=BWA, imageIds=image_ids)
    assert [(record.reference, record.outcome) for record in pull_log()] == [
        ("there", "ok"),
        ("", "MissingDigestAndTag"),
        ("absent", "ImageNotFound"),
        (ABSENT, "ImageNotFound"),
        ("there", "ok"),
    ]


def test_reasons_of_several_requests_are_told_in_their_order(ecr, quay):
    for tag in ("1", "2", "1"):
        pull(ecr, BWA, tag)
    assert [(record.reference, record.answered_by) for record in pull_log()] == [
        ("1", "upstream"),
        ("2", "upstream"),
        ("1", "cache"),
    ]


# --- media types -----------------------------------------------------------------------------------------------------

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def test_reason_of_an_image_of_no_accepted_media_type_names_the_types(ecr, quay):
    assert failure_codes(pull(ecr, BWA, acceptedMediaTypes=["text/plain", "a/b"])) == ["ImageNotFound"]
    reason = (
        f"the repository has it with the media type '{OCI_MANIFEST}', which is not among the accepted ones "
        "('text/plain', 'a/b'), and it cannot be translated into one that is"
    )
    assert told(only_record()) == ("ImageNotFound", reason)


def test_reason_of_a_digest_of_no_accepted_media_type_is_that_digests_are_not_translated(ecr, quay):
    pulled = digest(pull(ecr, BWA))
    docker = "application/vnd.docker.distribution.manifest.v2+json"
    assert failure_codes(get_by_digest(ecr, BWA, pulled, acceptedMediaTypes=[docker])) == ["ImageNotFound"]
    reason = (
        f"the repository has it with the media type '{OCI_MANIFEST}', which is not among the accepted ones "
        f"('{docker}'), and an image that is asked for by its digest is never translated"
    )
    assert told(last_record()) == ("ImageNotFound", reason)


def test_reason_of_an_image_of_no_accepted_media_type_in_a_repository_without_a_rule_names_the_types(ecr):
    ecr.create_repository(repositoryName="app")
    manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": []})
    ecr.put_image(repositoryName="app", imageManifest=manifest, imageTag="latest")
    assert failure_codes(pull(ecr, "app", acceptedMediaTypes=["text/plain"])) == ["ImageNotFound"]
    assert "which is not among the accepted ones ('text/plain')" in only_record().reason


def test_image_of_a_repository_without_pull_through_cache_has_no_record(ecr):
    ecr.create_repository(repositoryName="app")
    manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": []})
    ecr.put_image(repositoryName="app", imageManifest=manifest, imageTag="latest")
    assert digest(pull(ecr, "app"))
    assert pull_log() == ()


def test_reason_of_an_upstream_that_answers_is_told_with_the_longest_prefix(ecr, quay):
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="quay/biocontainers", upstreamRegistryUrl="registry.k8s.io", upstreamRepositoryPrefix="a/b"
    )
    pull(ecr, BWA)
    assert route(only_record()) == ("quay/biocontainers", "registry.k8s.io/a/b/bwa", None)
    upstream_registry("k8s").assert_pulled("a/b/bwa")
