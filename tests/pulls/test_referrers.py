"""ListImageReferrers: the signatures and attestations that an upstream holds for an image."""

from __future__ import annotations

import json
from typing import Any

import pytest
from freezegun import freeze_time

from conftest import Aws, allow, digest, enforced, pull, refusal, repositories, user
from moto_ecr_ptc import upstream_registry
from tests.pulls.pull_calls import REFERRERS

pytestmark = REFERRERS
REPOSITORY = "quay/biocontainers/bwa"
AT_UPSTREAM = "biocontainers/bwa"


def referrers(ecr: Any, subject: str, **arguments: Any) -> list[str]:
    """Return the digests of a subject's referrers, of all pages."""
    request = {"repositoryName": REPOSITORY, "subjectId": {"imageDigest": subject}, **arguments}
    found = []
    while True:
        answer = ecr.list_image_referrers(**request)
        found += [referrer["digest"] for referrer in answer["referrers"]]
        if "nextToken" not in answer:
            return found
        request["nextToken"] = answer["nextToken"]


def test_referrers_of_the_upstream_are_listed_and_stored_without_a_tag(ecr, quay):
    image = quay.push(AT_UPSTREAM)
    signature = quay.push(AT_UPSTREAM, tag=None, layers=[b"signature"], subject=image)
    pull(ecr, REPOSITORY)
    (referrer,) = ecr.list_image_referrers(repositoryName=REPOSITORY, subjectId={"imageDigest": image.digest})[
        "referrers"
    ]
    assert referrer == {
        "digest": signature.digest,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.oci.image.config.v1+json",
        "size": len(signature.manifest),
        "annotations": {},
        "artifactStatus": "ACTIVE",
    }
    answer = ecr.batch_get_image(repositoryName=REPOSITORY, imageIds=[{"imageDigest": signature.digest}])
    assert digest(answer) == signature.digest
    assert json.loads(answer["images"][0]["imageManifest"])["subject"]["digest"] == image.digest
    assert {"imageDigest": signature.digest} in ecr.list_images(repositoryName=REPOSITORY)["imageIds"]


def test_image_without_referrers_has_none(ecr, quay):
    assert referrers(ecr, digest(pull(ecr, REPOSITORY))) == []


def test_referrers_of_an_absent_repository_create_it(ecr, quay):
    image = quay.push(AT_UPSTREAM)
    signature = quay.push(AT_UPSTREAM, tag=None, subject=image)
    assert referrers(ecr, image.digest) == [signature.digest]
    assert repositories(ecr) == [REPOSITORY]


def test_no_referrers_create_no_repository(ecr, quay):
    image = quay.push(AT_UPSTREAM)
    found = refusal(ecr.list_image_referrers, repositoryName=REPOSITORY, subjectId={"imageDigest": image.digest})
    assert found.code == "RepositoryNotFoundException"
    assert repositories(ecr) == []


def test_referrers_come_in_pages(ecr, quay):
    image = quay.push(AT_UPSTREAM)
    pushed = [quay.push(AT_UPSTREAM, tag=None, layers=[bytes([n])], subject=image).digest for n in range(60)]
    pull(ecr, REPOSITORY)
    found = referrers(ecr, image.digest)
    assert found == referrers(ecr, image.digest, maxResults=7)
    assert sorted(found) == sorted(pushed)
    first = ecr.list_image_referrers(repositoryName=REPOSITORY, subjectId={"imageDigest": image.digest})
    assert len(first["referrers"]) == 50


def test_filter_selects_by_type_and_status(ecr, quay):
    image = quay.push(AT_UPSTREAM)
    signature = quay.push(AT_UPSTREAM, tag=None, subject=image).digest
    pull(ecr, REPOSITORY)
    here = ["application/vnd.oci.image.config.v1+json"]
    assert referrers(ecr, image.digest, filter={"artifactTypes": here}) == [signature]
    assert referrers(ecr, image.digest, filter={"artifactTypes": ["application/spdx+json"]}) == []
    assert referrers(ecr, image.digest, filter={"artifactStatus": "ANY"}) == [signature]
    for other in ("ARCHIVED", "ACTIVATING"):
        assert referrers(ecr, image.digest, filter={"artifactStatus": other}) == []


def test_upstream_is_asked_once_in_24_hours(in_process: Aws):
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr = in_process.client("ecr")
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
        quay = upstream_registry("quay")
        image = quay.push(AT_UPSTREAM)
        pull(ecr, REPOSITORY)
        assert referrers(ecr, image.digest) == []
        signature = quay.push(AT_UPSTREAM, tag=None, subject=image).digest
        clock.move_to("2026-03-03 11:59:00")
        assert referrers(ecr, image.digest) == []
        clock.move_to("2026-03-03 12:01:00")
        assert referrers(ecr, image.digest) == [signature]
        clock.move_to("2026-03-05 12:00:00")
        quay.fail(status=500)
        assert referrers(ecr, image.digest) == referrers(ecr, image.digest) == [signature]
    assert [asked.outcome for asked in quay.pulls] == ["ok", "ok", "ok", "UpstreamUnavailable"]


@pytest.mark.parametrize("failure", [{"status": 401}, {"status": 429}, {"status": 500}, {"error": "refused"}])
def test_upstream_that_fails_is_unable_to_list(ecr, quay, failure):
    pulled = digest(pull(ecr, REPOSITORY))
    quay.fail(**failure)
    found = refusal(ecr.list_image_referrers, repositoryName=REPOSITORY, subjectId={"imageDigest": pulled})
    assert found.code == "UnableToListUpstreamImageReferrersException"
    assert found.message.startswith("The referrer or referrers were unable to be listed")


def test_upstream_that_lacks_the_repository_has_no_referrers(ecr, quay):
    pulled = digest(pull(ecr, REPOSITORY))
    quay.fail(status=404)
    assert referrers(ecr, pulled) == []
    assert [asked.outcome for asked in quay.pulls] == ["ok", "ImageNotFound"]


def test_template_without_the_role_that_its_tags_need_brings_no_referrers(ecr, quay):
    image = quay.push(AT_UPSTREAM)
    quay.push(AT_UPSTREAM, tag=None, subject=image)
    ecr.create_repository_creation_template(
        prefix="quay", appliedFor=["PULL_THROUGH_CACHE"], resourceTags=[{"Key": "a", "Value": "b"}]
    )
    found = refusal(ecr.list_image_referrers, repositoryName=REPOSITORY, subjectId={"imageDigest": image.digest})
    assert found.code == "RepositoryNotFoundException"


def test_malformed_secret_is_unable_to_list(aws, ecr):
    secret = aws.secret()
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="ghcr.io", credentialArn=secret)
    pulled = digest(pull(ecr, REPOSITORY))
    aws.client("secretsmanager").put_secret_value(SecretId=secret, SecretString="broken")
    found = refusal(ecr.list_image_referrers, repositoryName=REPOSITORY, subjectId={"imageDigest": pulled})
    assert found.code == "UnableToListUpstreamImageReferrersException"


def test_broken_secret_lists_the_referrers_that_are_cached(in_process: Aws):
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr, secret = in_process.client("ecr"), in_process.secret()
        ecr.create_pull_through_cache_rule(
            ecrRepositoryPrefix="quay", upstreamRegistryUrl="ghcr.io", credentialArn=secret
        )
        image = upstream_registry("ghcr.io").push(AT_UPSTREAM)
        signature = upstream_registry("ghcr.io").push(AT_UPSTREAM, tag=None, subject=image).digest
        assert referrers(ecr, image.digest) == [signature]
        in_process.client("secretsmanager").put_secret_value(SecretId=secret, SecretString="broken")
        clock.move_to("2026-03-03 12:01:00")
        assert referrers(ecr, image.digest) == [signature]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"subjectId": {"imageDigest": "latest"}}, "InvalidParameterException"),
        ({"nextToken": "forged"}, "InvalidParameterException"),
        ({"maxResults": 51}, "InvalidParameterException"),
        ({"filter": {"artifactStatus": "GONE"}}, "InvalidParameterException"),
        ({"repositoryName": "other/app"}, "RepositoryNotFoundException"),
        ({"registryId": "210987654321"}, "RepositoryNotFoundException"),
    ],
)
def test_bad_input_is_refused(ecr, quay, arguments, code):
    request = {"repositoryName": REPOSITORY, "subjectId": {"imageDigest": digest(pull(ecr, REPOSITORY))}}
    assert refusal(ecr.list_image_referrers, **{**request, **arguments}).code == code


RIGHTS = ["ecr:BatchGetImage", "ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]


@pytest.mark.parametrize("missing", [None, *RIGHTS])
def test_referrers_of_an_absent_repository_demand_three_rights(aws, ecr, quay, missing):
    image = quay.push(AT_UPSTREAM)
    signature = quay.push(AT_UPSTREAM, tag=None, subject=image)
    rights = [right for right in RIGHTS if right != missing]
    caller = aws.client("ecr", **user(aws, allow(["ecr:ListImageReferrers", *rights])))
    request = {"repositoryName": REPOSITORY, "subjectId": {"imageDigest": image.digest}}
    if missing is None:
        answer = enforced(caller.list_image_referrers, **request)
        assert [referrer["digest"] for referrer in answer["referrers"]] == [signature.digest]
    else:
        found = enforced(refusal, caller.list_image_referrers, **request)
        assert found.code == "RepositoryNotFoundException"
        assert quay.pulls == ()


SUBJECT = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:" + "0" * 64, "size": 2}


def test_images_of_moto_that_share_a_digest_are_all_listed(ecr):
    ecr.create_repository(repositoryName=REPOSITORY)
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": "sha256:" + "1" * 64, "size": 2},
        "layers": [],
        "subject": SUBJECT,
    }
    for tool in "abc":
        document = json.dumps({**manifest, "annotations": {"tool": tool}})
        ecr.put_image(repositoryName=REPOSITORY, imageManifest=document, imageTag=tool)
    assert len(referrers(ecr, SUBJECT["digest"])) == 3  # of one digest, since moto makes it of the layers alone
    assert referrers(ecr, SUBJECT["digest"], maxResults=1) == referrers(ecr, SUBJECT["digest"])


@pytest.mark.parametrize("odd", ["notadigest", "sha256:zz"])
def test_image_of_moto_with_an_odd_digest_is_passed_over(ecr, odd):
    ecr.create_repository(repositoryName=REPOSITORY)
    manifest = json.dumps({"mediaType": SUBJECT["mediaType"], "layers": [], "subject": SUBJECT})
    ecr.put_image(repositoryName=REPOSITORY, imageManifest=manifest, imageTag="odd", imageDigest=odd)
    assert referrers(ecr, SUBJECT["digest"]) == []


def test_referrers_among_motos_own_images_are_listed(ecr):
    ecr.create_repository(repositoryName=REPOSITORY)
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/spdx+json",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": "sha256:" + "1" * 64, "size": 2},
        "layers": [],
        "subject": SUBJECT,
        "annotations": {"tool": "x"},
    }
    ecr.put_image(repositoryName=REPOSITORY, imageManifest=json.dumps(manifest), imageTag="sbom")
    (referrer,) = ecr.list_image_referrers(repositoryName=REPOSITORY, subjectId={"imageDigest": SUBJECT["digest"]})[
        "referrers"
    ]
    assert (referrer["artifactType"], referrer["annotations"]) == ("application/spdx+json", {"tool": "x"})


def test_referrers_come_from_an_ecr_upstream(aws, ecr):
    upstream = aws.client("ecr", "eu-west-1")
    upstream.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    quay = upstream_registry("quay")
    image = quay.push(AT_UPSTREAM)
    signature = quay.push(AT_UPSTREAM, tag=None, subject=image).digest
    pull(upstream, REPOSITORY)
    referrers(upstream, image.digest)
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="quay",
        upstreamRegistryUrl="123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        upstreamRepositoryPrefix="quay",
    )
    assert referrers(ecr, image.digest) == [signature]
