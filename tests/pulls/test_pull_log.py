"""The pull log: what each record tells, what is logged when, how long records are kept."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from dataclasses import FrozenInstanceError
from datetime import datetime, timedelta, timezone

import pytest
import requests
from freezegun import freeze_time
from moto import mock_aws
from moto.core.base_backend import backend_lock

from conftest import ACCOUNT, OTHER_ACCOUNT, REGION, Aws, allow, enforced, failure_codes, pull, refusal, user
from moto_ecr_ptc import pull_log, upstream_registry
from moto_ecr_ptc.ecr.pulls.pull_log import REMEMBERED_RECORDS, Question, get_pull_log
from moto_ecr_ptc.ecr.registry_id import RegistryId
from tests.pulls.pull_calls import ALPINE, BWA
from tests.strict import STRICT

ROOT_USER = f"arn:aws:iam::{ACCOUNT}:root"


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, int, str]]:
    return [found for found in caplog.record_tuples if found[0] == "moto_ecr_ptc"]


# --- what a record tells ----------------------------------------------------------------------------------------------


def test_record_of_a_first_pull_tells_who_got_what_from_where_and_until_when_it_is_fresh(in_process):
    ecr = in_process.client("ecr")
    with freeze_time("2026-03-02 12:00:00"):
        ecr.create_pull_through_cache_rule(
            ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io", upstreamRepositoryPrefix="mirror"
        )
        ecr.create_repository_creation_template(prefix="ROOT", appliedFor=["PULL_THROUGH_CACHE"])
        pull(ecr, BWA, "1.0")
        (record,) = pull_log()
    noon = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
    assert vars(record) == {
        "at": noon,
        "operation": "BatchGetImage",
        "account_id": ACCOUNT,
        "region": REGION,
        "caller": ROOT_USER,
        "repository": BWA,
        "reference": "1.0",
        "rule": "quay",
        "upstream": "quay.io/mirror/biocontainers/bwa",
        "template": "ROOT",
        "answered_by": "upstream",
        "fresh_until": noon + timedelta(hours=24),
        "outcome": "ok",
        "reason": "quay.io returned it",
    }
    assert str(record) == (
        f"BatchGetImage of '{BWA}:1.0' in {ACCOUNT}/{REGION} by {ROOT_USER} succeeded: quay.io returned it "
        "(rule 'quay', upstream 'quay.io/mirror/biocontainers/bwa', template 'ROOT', "
        "fresh until 2026-03-03 12:00:00 UTC)."
    )


def test_record_of_a_cached_image_tells_until_when_it_is_fresh(in_process):
    ecr = in_process.client("ecr")
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        pull(ecr, BWA)
        clock.move_to("2026-03-03 11:59:59")
        pull(ecr, BWA)
        record = pull_log()[-1]
    assert (record.answered_by, record.reason) == ("cache", "it is cached and fresh")
    assert record.fresh_until == datetime(2026, 3, 3, 12, tzinfo=timezone.utc)
    assert record.template is None


def test_record_of_a_failure_tells_rule_upstream_and_reason(aws, ecr, quay):
    quay.fail(status=429)
    assert failure_codes(pull(ecr, BWA)) == ["UpstreamTooManyRequests"]
    (record,) = pull_log()
    assert (record.outcome, record.answered_by, record.fresh_until) == ("UpstreamTooManyRequests", None, None)
    assert str(record) == (
        f"BatchGetImage of '{BWA}:latest' in {ACCOUNT}/{REGION} by {ROOT_USER} failed with UpstreamTooManyRequests: "
        "quay.io did not return it (UpstreamTooManyRequests): it answered HTTP 429, as set up by 'fail' "
        "(rule 'quay', upstream 'quay.io/biocontainers/bwa')."
    )


def test_caller_is_named_while_iam_is_enforced(aws, ecr, quay):
    caller = aws.client("ecr", **user(aws, allow("ecr:*")))
    enforced(pull, caller, BWA)
    assert [record.caller for record in pull_log()] == [f"arn:aws:iam::{ACCOUNT}:user/someone"]


def test_each_identifier_has_a_record_in_the_order_of_the_request(aws, ecr, quay):
    quay.push("biocontainers/bwa", tag="1.0")
    absent = "sha256:" + "0" * 64
    ids = [
        {"imageTag": "1.0"},
        {"imageTag": "2.0"},
        {"imageDigest": absent},
        {"imageTag": "1.0", "imageDigest": absent},
    ]
    ecr.batch_get_image(repositoryName=BWA, imageIds=ids)
    assert [(record.reference, record.outcome) for record in pull_log()] == [
        ("1.0", "ok"),
        ("2.0", "ImageNotFound"),
        (absent, "ImageNotFound"),
        (f"1.0@{absent}", "ImageTagDoesNotMatchDigest"),
    ]


def test_record_does_not_change(aws, ecr, quay):
    pull(ecr, BWA)
    (record,) = pull_log()
    with pytest.raises(FrozenInstanceError):
        record.outcome = "other"


def test_hostile_tag_stays_in_one_line(aws, ecr, quay):
    answer = aws.post(
        "BatchGetImage", f'{{"repositoryName": "{BWA}", "imageIds": [{{"imageTag": "a\\n\\u001b[31m"}}]}}'.encode()
    )
    assert answer.status_code == 400
    (record,) = pull_log()
    assert record.reference == "a\n\x1b[31m"
    assert f"'{BWA}:a\\n\\x1b[31m'" in str(record)
    assert str(record).isprintable()


def test_endless_reference_is_cut(aws, ecr, quay):
    pull(ecr, BWA)
    answer = aws.post(
        "BatchGetImage", f'{{"repositoryName": "{BWA}", "imageIds": [{{"imageDigest": "{"a" * 10_000}"}}]}}'.encode()
    )
    assert answer.json()["failures"][0]["failureCode"] == "InvalidImageDigest"
    assert len(str(pull_log()[-1])) < 2000


# --- what is recorded at all ------------------------------------------------------------------------------------------


def test_image_without_any_use_of_pull_through_cache_is_not_recorded(aws, ecr, quay):
    ecr.create_repository(repositoryName="app")
    manifest = '{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []}'
    ecr.put_image(repositoryName="app", imageManifest=manifest, imageTag="latest")
    pull(ecr, "app")
    pull(ecr, "app", acceptedMediaTypes=["application/vnd.oci.image.manifest.v1+json"])
    assert pull_log() == ()


@pytest.mark.parametrize("has_a_rule", [False, True])
def test_image_that_moto_does_not_find_is_recorded_with_the_lack_of_a_rule(aws, ecr, has_a_rule):
    if has_a_rule:
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    ecr.create_repository(repositoryName="app")
    assert refusal(pull, ecr=ecr, repository="quai/app").code == "RepositoryNotFoundException"
    assert failure_codes(pull(ecr, "app")) == ["ImageNotFound"]
    known = "the prefixes with a rule: 'quay'" if has_a_rule else "there are no rules"
    reason = f"no pull through cache rule of {ACCOUNT}/{REGION} covers the repository; {known}"
    assert [(record.repository, record.outcome, record.reason) for record in pull_log()] == [
        ("quai/app", "RepositoryNotFoundException", reason),
        ("app", "ImageNotFound", reason),
    ]


def test_rule_of_another_region_or_account_is_told(aws, ecr):
    for region, account in (("eu-west-1", ACCOUNT), (REGION, OTHER_ACCOUNT)):
        other = aws.client("ecr", region, account=account)
        other.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    refusal(pull, ecr=ecr, repository=BWA)
    (record,) = pull_log()
    assert record.reason.endswith(f"; the rules of '{ACCOUNT}/eu-west-1', '{OTHER_ACCOUNT}/{REGION}' would")


def test_malformed_request_that_is_refused_as_such_is_no_pull(aws, ecr, quay):
    for body in (b"", b"[]", b"{}", b'{"repositoryName": "quay/UPPER", "imageIds": [{"imageTag": "a"}]}'):
        assert aws.post("BatchGetImage", body).status_code == 400
    assert pull_log() == ()


def test_log_is_of_all_accounts_and_regions_oldest_first(aws):
    registries = [(ACCOUNT, "us-east-1"), (ACCOUNT, "eu-west-1"), (OTHER_ACCOUNT, "us-east-1"), (ACCOUNT, "us-east-1")]
    for account, region in registries:
        refusal(pull, ecr=aws.client("ecr", region, account=account), repository=BWA)
    assert [(record.account_id, record.region) for record in pull_log()] == registries


# --- how long records are kept ----------------------------------------------------------------------------------------


def test_latest_records_are_kept(in_process):
    question = Question("BatchGetImage", RegistryId(ACCOUNT, REGION), ROOT_USER, "a/b")
    for number in range(REMEMBERED_RECORDS + 1):
        get_pull_log().record(question, str(number), "ok", "a test")
    records = pull_log()
    assert len(records) == 10_000
    assert (records[0].reference, records[-1].reference) == ("1", "10000")


def test_later_records_are_found_by_position(in_process):
    question = Question("BatchGetImage", RegistryId(ACCOUNT, REGION), ROOT_USER, "a/b")
    log = get_pull_log()
    for number in range(REMEMBERED_RECORDS + 5):
        log.record(question, str(number), "ok", "a test")

    def since(position: int) -> tuple[int, list[str]]:
        total, found = log.since(position)
        return total, [record.reference for record in found][:2]

    assert since(0) == (10_005, ["5", "6"])  # the first five are forgotten
    assert since(10_003) == (10_005, ["10003", "10004"])
    assert since(10_005) == (10_005, [])
    assert since(99_999) == (10_005, [])


def test_reset_empties_the_log(server):
    ecr = server.client("ecr")
    refusal(pull, ecr=ecr, repository=BWA)
    number = get_pull_log().number
    requests.post(f"{server.endpoint_url}/moto-api/reset", timeout=60).raise_for_status()
    assert pull_log() == ()
    assert get_pull_log().number != number


def test_each_mock_has_a_log_of_its_own():
    for _ in range(2):
        with mock_aws():
            refusal(pull, ecr=Aws(None).client("ecr"), repository=BWA)
            assert len(pull_log()) == 1


def test_log_without_a_mock_or_server_says_what_to_do():
    program = "import moto_ecr_ptc\nmoto_ecr_ptc.pull_log()"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "RuntimeError: There is no pull log: no mock is active in this process" in ended.stderr


# --- the logger -------------------------------------------------------------------------------------------------------


def test_success_is_logged_at_info_and_failure_at_warning(aws, ecr, quay, caplog):
    caplog.set_level(logging.INFO, "moto_ecr_ptc")
    pull(ecr, BWA)
    refusal(pull, ecr=ecr, repository=ALPINE)
    succeeded, failed = pull_log()
    assert lines(caplog) == [
        ("moto_ecr_ptc", logging.INFO, str(succeeded)),
        ("moto_ecr_ptc", logging.WARNING, str(failed)),
    ]


def test_log_is_written_without_motos_lock(aws, ecr, quay):
    """A slow or blocked handler must not stop the other requests, nor wait for them for ever."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            def try_lock() -> None:
                free.append(backend_lock.acquire(timeout=5))
                if free[-1]:
                    backend_lock.release()

            other = threading.Thread(target=try_lock)
            other.start()
            other.join()

    free: list[bool] = []
    handler = Handler()
    logger = logging.getLogger("moto_ecr_ptc")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        denied = aws.client("ecr", **user(aws))
        image = upstream_registry("quay").push("biocontainers/bwa")
        layer = "sha256:" + "0" * 64
        pull(ecr, BWA)
        refusal(ecr.get_download_url_for_layer, repositoryName=BWA, layerDigest=layer)
        refusal(pull, ecr=ecr, repository=ALPINE)  # moto answers
        refusal(pull, ecr=ecr, repository=ALPINE, acceptedMediaTypes=["a/b"])
        enforced(refusal, pull, ecr=denied, repository=BWA)
        if hasattr(ecr, "list_image_referrers"):  # not in an older botocore
            ecr.list_image_referrers(repositoryName=BWA, subjectId={"imageDigest": image.digest})
            refusal(ecr.list_image_referrers, repositoryName=ALPINE, subjectId={"imageDigest": image.digest})
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert len(free) == len(pull_log()) >= 5
    assert all(free)


def test_log_is_shown_under_a_failing_test_with_nothing_switched_on(pytester):
    pytester.makepyfile("""
        import boto3

        def test_pull(upstream_registry):
            ecr = boto3.client("ecr", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
            ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
            ecr.create_repository_creation_template(
                prefix="quay", appliedFor=["PULL_THROUGH_CACHE"], resourceTags=[{"Key": "team", "Value": "a"}]
            )
            ecr.batch_get_image(repositoryName="quay/team/app", imageIds=[{"imageTag": "latest"}])
    """)
    result = pytester.runpytest_subprocess(*STRICT, "-p", "no:randomly")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "* Captured log call *",
            (
                "WARNING  moto_ecr_ptc:*.py:* BatchGetImage of 'quay/team/app:latest' in 123456789012/us-east-1 by * "
                "failed with RepositoryNotFoundException: the repository creation template 'quay' has tags but no "
                "customRoleArn, which ECR needs to apply them "
                "(rule 'quay', upstream 'quay.io/team/app', template 'quay')."
            ),
        ]
    )
