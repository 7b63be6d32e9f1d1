"""Why a layer, or the referrers of an image, could not be got."""

from __future__ import annotations

from typing import Any

import pytest
from freezegun import freeze_time
from moto.ecr.models import ecr_backends

from conftest import ACCOUNT, REGION, digest, pull, refusal
from moto_ecr_ptc import pull_log, upstream_registry
from tests.pulls.pull_calls import BWA, REFERRERS, sha256
from tests.pulls.reason_calls import NO_RULES, last_record, only_record, route, told

AT_UPSTREAM = "biocontainers/bwa"
NEW = sha256(b"new")
FAILURES = [
    ({"status": 401}, "UpstreamAccessDenied", "it answered HTTP 401, as set up by 'fail'"),
    ({"status": 429}, "UpstreamTooManyRequests", "it answered HTTP 429, as set up by 'fail'"),
    ({"status": 500}, "UpstreamUnavailable", "it answered HTTP 500, as set up by 'fail'"),
    ({"error": "refused"}, "UpstreamUnavailable", "connection refused, as set up by 'fail'"),
]


def refused_layer(ecr: Any, layer: str, repository: str = BWA) -> str:
    """Ask for a layer that there is none of, and return the code of the error."""
    return refusal(ecr.get_download_url_for_layer, repositoryName=repository, layerDigest=layer).code


# --- layers ----------------------------------------------------------------------------------------------------------


def test_reason_of_a_cached_layer_is_that_the_repository_has_it(ecr, quay):
    quay.push(AT_UPSTREAM, layers=[b"one"])
    pull(ecr, BWA)
    ecr.get_download_url_for_layer(repositoryName=BWA, layerDigest=sha256(b"one"))
    record = last_record()
    assert told(record) == ("ok", "the repository has it")
    assert (record.operation, record.reference) == ("GetDownloadUrlForLayer", sha256(b"one"))
    assert (*route(record), record.answered_by) == ("quay", f"quay.io/{AT_UPSTREAM}", None, "cache")


def test_reason_of_a_layer_that_was_not_cached_is_that_the_upstream_returned_it(ecr, quay):
    quay.push(AT_UPSTREAM, tag="1", layers=[b"one"])
    quay.push(AT_UPSTREAM, tag="2", layers=[b"two"])
    pull(ecr, BWA, "1")
    ecr.get_download_url_for_layer(repositoryName=BWA, layerDigest=sha256(b"two"))
    record = last_record()
    assert told(record) == ("ok", "quay.io returned it")
    assert record.answered_by == "upstream"


def test_reason_of_a_layer_that_the_upstream_lacks_is_that(ecr, quay):
    quay.push(AT_UPSTREAM)
    pull(ecr, BWA)
    assert refused_layer(ecr, NEW) == "LayersNotFoundException"
    reason = f"quay.io does not have it: its repository '{AT_UPSTREAM}' has no such layer"
    assert told(last_record()) == ("LayersNotFoundException", reason)


def test_reason_of_a_layer_of_a_repository_that_does_not_exist_is_that_nothing_is_created_for_it(ecr, quay):
    assert refused_layer(ecr, NEW) == "RepositoryNotFoundException"
    reason = "the repository does not exist, and layers are pulled only into one that does"
    assert told(only_record()) == ("RepositoryNotFoundException", reason)


@pytest.mark.parametrize(("failure", "code", "detail"), FAILURES)
def test_reason_of_a_layer_that_the_upstream_fails_to_give_is_its_answer(ecr, quay, failure, code, detail):
    pull(ecr, BWA)
    quay.fail(**failure)
    assert refused_layer(ecr, NEW) == "UnableToGetUpstreamLayerException"
    reason = f"quay.io did not return it ({code}): {detail}"
    assert told(last_record()) == ("UnableToGetUpstreamLayerException", reason)


def test_reason_of_a_layer_of_a_repository_without_a_rule_is_that_no_rule_covers_it(ecr):
    ecr.create_repository(repositoryName="app")
    assert refused_layer(ecr, NEW, "app") == "LayersNotFoundException"
    assert told(only_record()) == ("LayersNotFoundException", NO_RULES)


def test_reason_of_a_layer_whose_bytes_moto_has_forgotten_is_that(ecr):
    ecr.create_repository(repositoryName="app")
    # As an upload before the activation leaves it
    ecr_backends[ACCOUNT][REGION].repositories["app"].layers = {NEW: 4}
    assert refused_layer(ecr, NEW, "app") == "LayerInaccessibleException"
    reason = f"moto knows that it was uploaded, but has not kept its bytes, and {NO_RULES}"
    assert told(only_record()) == ("LayerInaccessibleException", reason)


def test_layer_of_a_repository_without_pull_through_cache_has_no_record(ecr):
    ecr.create_repository(repositoryName="app")
    upload = ecr.initiate_layer_upload(repositoryName="app")["uploadId"]
    ecr.upload_layer_part(
        repositoryName="app", uploadId=upload, partFirstByte=0, partLastByte=4, layerPartBlob=b"bytes"
    )
    ecr.complete_layer_upload(repositoryName="app", uploadId=upload, layerDigests=[sha256(b"bytes")])
    ecr.get_download_url_for_layer(repositoryName="app", layerDigest=sha256(b"bytes"))
    assert pull_log() == ()


# --- referrers -------------------------------------------------------------------------------------------------------

UNABLE = "UnableToListUpstreamImageReferrersException"


def refused_referrers(ecr: Any, subject: str, repository: str = BWA) -> str:
    """Ask for referrers that cannot be listed, and return the code of the error."""
    subject_id = {"imageDigest": subject}
    return refusal(ecr.list_image_referrers, repositoryName=repository, subjectId=subject_id).code


@REFERRERS
def test_reason_of_listed_referrers_is_how_many_the_upstream_returned(ecr, quay):
    image = quay.push(AT_UPSTREAM)
    quay.push(AT_UPSTREAM, tag=None, subject=image)
    ecr.list_image_referrers(repositoryName=BWA, subjectId={"imageDigest": image.digest})
    record = only_record()
    assert told(record) == ("ok", "quay.io returned 1 referrer")
    assert (record.operation, record.reference) == ("ListImageReferrers", image.digest)
    assert (*route(record), record.answered_by) == ("quay", f"quay.io/{AT_UPSTREAM}", None, "upstream")
    assert record.fresh_until is not None
    ecr.list_image_referrers(repositoryName=BWA, subjectId={"imageDigest": image.digest})
    assert told(last_record()) == ("ok", "they are cached and fresh")
    assert (last_record().answered_by, last_record().fresh_until) == ("cache", record.fresh_until)


@REFERRERS
def test_reason_of_no_referrers_and_no_repository_is_that_none_is_created_for_them(ecr, quay):
    image = quay.push(AT_UPSTREAM)
    assert refused_referrers(ecr, image.digest) == "RepositoryNotFoundException"
    reason = "quay.io returned no referrers; no repository is created without an image"
    assert told(only_record()) == ("RepositoryNotFoundException", reason)


@REFERRERS
def test_reason_of_referrers_in_a_repository_that_the_upstream_lacks_is_what_it_has(ecr, quay):
    quay.push("another/image")
    assert refused_referrers(ecr, NEW) == "RepositoryNotFoundException"
    reason = (
        f"quay.io does not have it: it has no repository '{AT_UPSTREAM}'; its repositories: 'another/image'; "
        "no repository is created without an image"
    )
    assert told(only_record()) == ("RepositoryNotFoundException", reason)


@REFERRERS
def test_reason_of_referrers_of_a_repository_without_a_rule_is_that_no_rule_covers_it(ecr):
    assert refused_referrers(ecr, NEW, "app") == "RepositoryNotFoundException"
    assert told(only_record()) == ("RepositoryNotFoundException", NO_RULES)


@REFERRERS
@pytest.mark.parametrize(("failure", "code", "detail"), FAILURES)
def test_reason_of_referrers_that_the_upstream_fails_to_list_is_its_answer(ecr, quay, failure, code, detail):
    pull(ecr, BWA)
    quay.fail(**failure)
    assert refused_referrers(ecr, NEW) == UNABLE
    assert told(last_record()) == (UNABLE, f"quay.io did not return it ({code}): {detail}")


@REFERRERS
def test_reason_of_cached_referrers_that_are_listed_after_a_failure_is_the_upstreams_answer(in_process):
    ecr = in_process.client("ecr")
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        subject = {"imageDigest": digest(pull(ecr, BWA))}
        ecr.list_image_referrers(repositoryName=BWA, subjectId=subject)
        upstream_registry("quay").fail(status=500)
        clock.move_to("2026-03-04 12:00:00")
        ecr.list_image_referrers(repositoryName=BWA, subjectId=subject)
    record = last_record()
    cause = "quay.io did not return it (UpstreamUnavailable): it answered HTTP 500, as set up by 'fail'"
    assert told(record) == ("ok", f"the cached ones are listed, since {cause}")
    assert record.answered_by == "cache"
