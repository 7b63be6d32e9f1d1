"""The right that was missing, while moto enforces IAM, and the policy that kept it from the caller."""

from __future__ import annotations

import json
from typing import Any

import pytest
from freezegun import freeze_time

from conftest import ACCOUNT, REGION, allow, digest, enforced, failure_codes, pull, refusal, user
from moto_ecr_ptc import pull_log, upstream_registry
from tests.pulls.pull_calls import BWA, REFERRERS, sha256
from tests.pulls.reason_calls import BWA_ARN, SOMEONE, last_record, only_record, policy, route, told, trust

NOT_FOUND = "RepositoryNotFoundException"
GET, IMPORT, CREATE, TAG = (
    "ecr:BatchGetImage",
    "ecr:BatchImportUpstreamImage",
    "ecr:CreateRepository",
    "ecr:TagResource",
)
NOBODY_ALLOWS = "neither an identity-based policy nor the registry's policy allows it"
PURPOSES = {IMPORT: "to import an image", CREATE: "to create the repository"}


def lack(action: str, purpose: str, cause: str = NOBODY_ALLOWS, arn: str = SOMEONE) -> str:
    return f"{arn} lacks the right {action} on {BWA_ARN}, which is needed {purpose}: {cause}"


@pytest.mark.parametrize(
    ("statements", "missing"),
    [
        ([], IMPORT),
        ([allow(CREATE)], IMPORT),
        ([allow(IMPORT)], CREATE),
        ([allow([IMPORT, CREATE], f"{BWA_ARN}-other")], IMPORT),
    ],
)
def test_reason_of_a_missing_right_names_it_and_what_it_is_for(aws, ecr, quay, statements, missing):
    caller = aws.client("ecr", **user(aws, allow(GET), *statements))
    assert enforced(refusal, pull, ecr=caller, repository=BWA).code == NOT_FOUND
    record = only_record()
    assert told(record) == (NOT_FOUND, lack(missing, PURPOSES[missing]))
    assert record.caller == SOMEONE
    assert route(record) == ("quay", "quay.io/biocontainers/bwa", None)


def test_reason_of_a_right_that_the_callers_policy_denies_is_that_policy(aws, ecr, quay):
    deny = {"Effect": "Deny", "Action": CREATE, "Resource": BWA_ARN}
    caller = aws.client("ecr", **user(aws, allow("ecr:*"), deny))
    enforced(refusal, pull, ecr=caller, repository=BWA)
    reason = lack(CREATE, "to create the repository", "an identity-based policy denies it")
    assert told(only_record()) == (NOT_FOUND, reason)


def test_reason_of_a_right_to_a_new_tag_names_it_in_an_existing_repository(aws, ecr, quay):
    pull(ecr, BWA, "first")
    caller = aws.client("ecr", **user(aws, allow(GET)))
    assert failure_codes(enforced(pull, caller, BWA)) == ["ImageNotFound"]
    assert told(last_record()) == ("ImageNotFound", lack(IMPORT, "to import an image"))


def test_reason_of_a_stale_image_that_is_served_without_the_right_to_import_is_that_right(in_process):
    ecr = in_process.client("ecr")
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        pull(ecr, BWA)
        clock.move_to("2026-03-05 12:00:00")
        caller = in_process.client("ecr", **user(in_process, allow(GET)))
        enforced(pull, caller, BWA)
    reason = f"the cached image is served, since {lack(IMPORT, 'to import an image')}"
    assert told(last_record()) == ("ok", reason)


def test_reason_of_a_right_to_tag_names_the_template_with_the_tags(aws, ecr, quay):
    role = aws.client("iam").create_role(RoleName="t", AssumeRolePolicyDocument=trust("ecr.amazonaws.com"))
    ecr.create_repository_creation_template(
        prefix="ROOT",
        appliedFor=["PULL_THROUGH_CACHE"],
        resourceTags=[{"Key": "a", "Value": "b"}],
        customRoleArn=role["Role"]["Arn"],
    )
    caller = aws.client("ecr", **user(aws, allow([GET, IMPORT, CREATE])))
    enforced(refusal, pull, ecr=caller, repository=BWA)
    reason = lack(TAG, "to apply the tags of the repository creation template 'ROOT'")
    assert told(only_record()) == (NOT_FOUND, reason)


# --- the registry's policy -------------------------------------------------------------------------------------------


def statement(effect: str, **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": [IMPORT, CREATE], "Resource": BWA_ARN, **more}


@pytest.mark.parametrize("principal", ["*", {"AWS": SOMEONE}, {"AWS": ACCOUNT}])
def test_reason_of_a_right_that_the_registrys_policy_denies_is_that_policy(aws, ecr, quay, principal):
    ecr.put_registry_policy(policyText=policy(statement("Deny", Principal=principal)))
    caller = aws.client("ecr", **user(aws, allow("ecr:*")))
    enforced(refusal, pull, ecr=caller, repository=BWA)
    reason = lack(IMPORT, "to import an image", "the registry's policy denies it")
    assert told(only_record()) == (NOT_FOUND, reason)


@pytest.mark.parametrize(
    "granted",
    [
        statement("Allow", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/else"}),
        statement("Allow", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        statement("Allow", Principal="*", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}}),
        statement("Allow", NotPrincipal={"AWS": SOMEONE}),
        {
            "Effect": "Allow",
            "Action": [IMPORT, CREATE],
            "Principal": {"AWS": SOMEONE},
            "NotResource": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/quay/*",
        },
    ],
    ids=["another user", "the account", "a condition", "NotPrincipal", "NotResource"],
)
def test_reason_of_a_right_that_the_registrys_policy_does_not_grant_is_that_nobody_allows_it(aws, ecr, quay, granted):
    ecr.put_registry_policy(policyText=policy(granted))
    caller = aws.client("ecr", **user(aws, allow(GET)))
    enforced(refusal, pull, ecr=caller, repository=BWA)
    assert told(only_record()) == (NOT_FOUND, lack(IMPORT, "to import an image"))


def test_reason_of_a_right_that_the_registrys_policy_denies_all_but_others_is_that_policy(aws, ecr, quay):
    ecr.put_registry_policy(policyText=policy(statement("Deny", NotPrincipal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})))
    caller = aws.client("ecr", **user(aws, allow("ecr:*")))
    enforced(refusal, pull, ecr=caller, repository=BWA)
    assert only_record().reason.endswith(": the registry's policy denies it")


def test_reason_of_a_missing_right_names_the_session_of_a_role(aws, ecr, quay):
    iam = aws.client("iam")
    role = iam.create_role(RoleName="puller", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    iam.put_role_policy(RoleName="puller", PolicyName="get", PolicyDocument=policy(allow(GET)))
    token = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    caller = aws.client(
        "ecr",
        aws_access_key_id=token["AccessKeyId"],
        aws_secret_access_key=token["SecretAccessKey"],
        aws_session_token=token["SessionToken"],
    )
    enforced(refusal, pull, ecr=caller, repository=BWA)
    record = only_record()
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/puller/me"
    assert told(record) == (NOT_FOUND, lack(IMPORT, "to import an image", arn=session))
    assert record.caller == session


# --- requests that are denied before anything is decided -------------------------------------------------------------


def test_reasons_of_a_pull_that_is_denied_as_a_whole_are_what_the_caller_is_told(aws, ecr, quay):
    caller = aws.client("ecr", **user(aws, allow("ecr:ListImages")))
    image_ids = [{"imageDigest": sha256(b""), "imageTag": "latest"}, {"imageTag": "other"}]
    found = enforced(refusal, caller.batch_get_image, repositoryName=BWA, imageIds=image_ids)
    assert found.code == "AccessDeniedException"
    assert f"{SOMEONE} is not authorized to perform: {GET}" in found.message
    for record, reference in zip(pull_log(), (f"latest@{sha256(b'')}", "other")):
        assert told(record) == ("AccessDeniedException", found.message)
        assert (record.caller, record.reference) == (SOMEONE, reference)
        assert route(record) == ("quay", "quay.io/biocontainers/bwa", None)
    assert len(pull_log()) == 2
    upstream_registry("quay").assert_not_pulled()


def test_reason_of_a_layer_that_is_denied_is_what_the_caller_is_told(aws, ecr, quay):
    caller = aws.client("ecr", **user(aws, allow(GET)))
    layer = {"repositoryName": BWA, "layerDigest": sha256(b"")}
    found = enforced(refusal, caller.get_download_url_for_layer, **layer)
    record = only_record()
    assert told(record) == ("AccessDeniedException", found.message)
    assert (record.operation, record.caller, record.reference) == ("GetDownloadUrlForLayer", SOMEONE, sha256(b""))


def test_reason_of_a_layer_that_must_not_be_imported_is_the_missing_right(aws, ecr, quay):
    quay.push("biocontainers/bwa", layers=[b"one"])
    other = quay.push("biocontainers/bwa", tag="other", layers=[b"two"])
    pull(ecr, BWA)
    layer = json.loads(other.manifest)["layers"][0]["digest"]
    caller = aws.client("ecr", **user(aws, allow("ecr:GetDownloadUrlForLayer")))
    enforced(refusal, caller.get_download_url_for_layer, repositoryName=BWA, layerDigest=layer)
    assert told(last_record()) == ("LayersNotFoundException", lack(IMPORT, "to import an image"))


# --- referrers -------------------------------------------------------------------------------------------------------

NEEDED_FOR_REFERRERS = {GET: "to pull the referrers", **PURPOSES}


@REFERRERS
@pytest.mark.parametrize("missing", [GET, IMPORT, CREATE])
def test_reason_of_referrers_without_a_right_names_it(aws, ecr, quay, missing):
    rights = {GET, IMPORT, CREATE} - {missing}
    caller = aws.client("ecr", **user(aws, allow(["ecr:ListImageReferrers", *rights])))
    subject = {"imageDigest": sha256(b"manifest")}
    found = enforced(refusal, caller.list_image_referrers, repositoryName=BWA, subjectId=subject)
    assert found.code == NOT_FOUND
    record = only_record()
    assert told(record) == (NOT_FOUND, lack(missing, NEEDED_FOR_REFERRERS[missing]))
    assert (record.operation, record.caller) == ("ListImageReferrers", SOMEONE)


@REFERRERS
def test_reason_of_cached_referrers_that_are_listed_without_a_right_names_it(aws, ecr, quay):
    subject = {"imageDigest": digest(pull(ecr, BWA))}
    caller = aws.client("ecr", **user(aws, allow("ecr:ListImageReferrers")))
    enforced(caller.list_image_referrers, repositoryName=BWA, subjectId=subject)
    record = last_record()
    assert told(record) == ("ok", f"the cached ones are listed, since {lack(GET, 'to pull the referrers')}")
    assert record.answered_by == "cache"


@REFERRERS
def test_reason_of_referrers_that_are_denied_is_what_the_caller_is_told(aws, ecr, quay):
    caller = aws.client("ecr", **user(aws, allow(GET)))
    subject = {"imageDigest": sha256(b"manifest")}
    found = enforced(refusal, caller.list_image_referrers, repositoryName=BWA, subjectId=subject)
    assert told(only_record()) == ("AccessDeniedException", found.message)
