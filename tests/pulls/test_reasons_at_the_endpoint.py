"""Why an image client got nothing from the registry endpoint: the records of its requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from conftest import ACCOUNT, OTHER_ACCOUNT, REGION, Aws, allow, enforced, user
from moto_ecr_ptc import pull_log
from tests.pulls.pull_calls import put_secret
from tests.pulls.reason_calls import ABSENT, BY_TAG, NO_RULES, ROOT_USER, SOMEONE, last_record, only_record, route, told
from tests.registry import proxied
from tests.registry.endpoint import DOCKER_MANIFEST, OCI_MANIFEST, Endpoint, error, password
from tests.registry.proxied import CONFIG_DIGEST, LAYER_DIGEST, ProxiedRegistry

REPOSITORY = "quay/team/app"
LATEST = f"/v2/{REPOSITORY}/manifests/latest"
ALPINE = "/v2/docker-hub/library/alpine/manifests/latest"
ARN = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{REPOSITORY}"
NOT_FOUND = "RepositoryNotFoundException"


@pytest.fixture
def endpoint(aws: Aws, ecr: Any) -> Endpoint:
    """The endpoint of the registry that the client ``ecr`` belongs to."""
    return Endpoint(aws)


@pytest.fixture
def registry(ecr: Any, quay: Any) -> Iterator[ProxiedRegistry]:
    """The real registry behind the upstream of the rule quay."""
    with proxied.serve() as registry:
        quay.proxy(registry.url)
        yield registry


METHODS = pytest.mark.parametrize("method", ["GET", "HEAD"])

# --- manifests -------------------------------------------------------------------------------------------------------


@METHODS
def test_reason_of_an_image_that_the_endpoint_returns_is_the_upstreams_answer(endpoint, quay, method):
    assert endpoint(method, LATEST).status_code == 200
    record = only_record()
    assert told(record) == ("ok", "quay.io returned it")
    assert (record.operation, record.caller, record.reference) == ("BatchGetImage", ROOT_USER, "latest")
    assert (*route(record), record.answered_by) == ("quay", "quay.io/team/app", None, "upstream")
    assert record.fresh_until is not None


@METHODS
def test_reason_of_an_unknown_name_is_that_no_rule_covers_it(endpoint, method):
    assert endpoint(method, LATEST).status_code == 404
    assert told(only_record()) == (NOT_FOUND, NO_RULES)


@METHODS
def test_reason_of_an_unknown_manifest_is_what_the_upstream_has(endpoint, quay, method):
    quay.push("team/app", tag="1")
    endpoint("GET", f"/v2/{REPOSITORY}/manifests/1")
    assert endpoint(method, LATEST).status_code == 404
    reason = "quay.io does not have it: its repository 'team/app' has no 'latest'; tags: '1'"
    assert told(last_record()) == ("ImageNotFound", reason)


@METHODS
def test_reason_of_an_unknown_digest_is_that_ecr_pulls_by_tag(endpoint, quay, method):
    by_digest = f"/v2/{REPOSITORY}/manifests/{ABSENT}"
    assert endpoint(method, by_digest).status_code == 404
    assert told(last_record()) == (NOT_FOUND, f"the repository does not exist, and {BY_TAG}")
    endpoint("GET", LATEST)
    assert endpoint(method, by_digest).status_code == 404
    record = last_record()
    assert told(record) == ("ImageNotFound", f"the repository does not have it, and {BY_TAG}")
    assert record.reference == ABSENT


@METHODS
@pytest.mark.parametrize(
    ("reference", "code", "form"),
    [
        ("-latest", "InvalidImageTag", "image tag should satisfy the regex '[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}'"),
        ("a:b:c", "InvalidImageDigest", "image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"),
    ],
)
def test_reason_of_a_reference_that_is_neither_tag_nor_digest_is_its_form(
    endpoint, quay, method, reference, code, form
):
    assert endpoint(method, f"/v2/{REPOSITORY}/manifests/{reference}").status_code == 400
    record = only_record()
    assert told(record) == (code, f"Invalid request parameters: {form}")
    assert (record.reference, record.rule, record.caller) == (reference, "quay", ROOT_USER)


@METHODS
@pytest.mark.parametrize(
    ("accept", "accepted"),
    [("text/plain", "'text/plain'"), (f"*/*, {OCI_MANIFEST};q=0, {DOCKER_MANIFEST};q=0", "'application/")],
)
def test_reason_of_a_format_that_the_endpoint_cannot_give_names_the_formats(endpoint, quay, method, accept, accepted):
    assert endpoint(method, LATEST, headers={"Accept": accept}).status_code == 404
    record = last_record()
    start = (
        f"the repository has it with the media type '{OCI_MANIFEST}', which is not among the accepted ones ({accepted}"
    )
    assert (record.outcome, record.reason[: len(start)]) == ("ImageNotFound", start)
    assert record.reason.endswith(", and it cannot be translated into one that is")


def test_reason_of_a_digest_in_a_format_that_is_not_accepted_is_that_digests_are_not_translated(endpoint, quay):
    digest = endpoint("HEAD", LATEST).headers["Docker-Content-Digest"]
    answer = endpoint("GET", f"/v2/{REPOSITORY}/manifests/{digest}", headers={"Accept": DOCKER_MANIFEST})
    assert answer.status_code == 404
    assert last_record().reason.endswith(", and an image that is asked for by its digest is never translated")


@METHODS
@pytest.mark.parametrize(
    ("failure", "status", "code", "detail"),
    [
        ({"status": 401}, 403, "UpstreamAccessDenied", "it answered HTTP 401, as set up by 'fail'"),
        ({"status": 429}, 429, "UpstreamTooManyRequests", "it answered HTTP 429, as set up by 'fail'"),
        ({"status": 500}, 503, "UpstreamUnavailable", "it answered HTTP 500, as set up by 'fail'"),
        ({"error": "refused"}, 503, "UpstreamUnavailable", "connection refused, as set up by 'fail'"),
    ],
)
def test_reason_of_an_upstream_that_fails_the_endpoint_is_its_answer(
    endpoint, quay, method, failure, status, code, detail
):
    quay.fail(**failure)
    assert endpoint(method, LATEST).status_code == status
    assert told(only_record()) == (code, f"quay.io did not return it ({code}): {detail}")


def test_reason_of_credentials_that_the_upstream_refuses_names_the_secret(aws, endpoint, hub):
    hub.credentials = {"username": "another", "accessToken": "another"}
    assert endpoint("GET", ALPINE).status_code == 403
    arn = aws.client("secretsmanager").describe_secret(SecretId="ecr-pullthroughcache/hub")["ARN"]
    record = only_record()
    assert told(record) == (
        "UpstreamAccessDenied",
        (
            f"registry-1.docker.io, asked with the secret '{arn}', did not return it (UpstreamAccessDenied): "
            "it does not accept the credentials in the rule's secret"
        ),
    )
    assert route(record) == ("docker-hub", "registry-1.docker.io/library/alpine", None)


@pytest.mark.parametrize(("gone", "fault"), [(True, "does not exist"), (False, "does not hold valid JSON")])
def test_reason_of_a_secret_that_the_endpoint_cannot_use_is_what_it_lacks(aws, endpoint, hub, gone, fault):
    secrets = aws.client("secretsmanager")
    arn = secrets.describe_secret(SecretId="ecr-pullthroughcache/hub")["ARN"]
    if gone:
        secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    else:
        put_secret(aws, "no JSON")
    assert endpoint("GET", ALPINE).status_code == 403
    assert told(only_record()) == ("UnableToGetUpstreamImageException", f"the secret '{arn}' {fault}")


def test_reason_of_a_template_that_needs_a_role_is_told_of_the_endpoint(endpoint, ecr, quay):
    ecr.create_repository_creation_template(
        prefix="quay", appliedFor=["PULL_THROUGH_CACHE"], resourceTags=[{"Key": "a", "Value": "b"}]
    )
    assert endpoint("GET", LATEST).status_code == 404
    record = only_record()
    reason = "the repository creation template 'quay' has tags but no customRoleArn, which ECR needs to apply them"
    assert told(record) == (NOT_FOUND, reason)
    assert record.template == "quay"


# --- rights ----------------------------------------------------------------------------------------------------------


@METHODS
@pytest.mark.parametrize(
    ("rights", "missing"),
    [
        (
            ["ecr:BatchImportUpstreamImage"],
            f"ecr:CreateRepository on {ARN}, which is needed to create the repository",
        ),
        (["ecr:CreateRepository"], f"ecr:BatchImportUpstreamImage on {ARN}, which is needed to import an image"),
    ],
)
def test_reason_of_a_right_that_an_image_client_lacks_names_it(aws, endpoint, quay, method, rights, missing):
    auth = ("AWS", password(aws, **user(aws, allow(["ecr:BatchGetImage", *rights]))))
    assert enforced(endpoint, method, LATEST, auth=auth).status_code == 404
    record = only_record()
    cause = "neither an identity-based policy nor the registry's policy allows it"
    assert told(record) == (NOT_FOUND, f"{SOMEONE} lacks the right {missing}: {cause}")
    assert record.caller == SOMEONE


@pytest.mark.parametrize(
    ("path", "operation", "reference"),
    [
        (LATEST, "BatchGetImage", "latest"),
        (f"/v2/{REPOSITORY}/blobs/{ABSENT}", "GetDownloadUrlForLayer", ABSENT),
        (f"/v2/{REPOSITORY}/referrers/{ABSENT}", "ListImageReferrers", ABSENT),
    ],
)
@pytest.mark.parametrize(
    ("statements", "cause"),
    [
        ([], "because no identity-based policy allows the ecr:{0} action"),
        (
            [{"Effect": "Deny", "Action": "ecr:*", "Resource": "*"}],
            "with an explicit deny in an identity-based policy",
        ),
    ],
)
def test_reason_of_a_request_that_is_denied_is_what_the_client_is_told(
    aws, endpoint, quay, path, operation, reference, statements, cause
):
    auth = ("AWS", password(aws, **user(aws, *statements)))
    _, code, message = error(enforced(endpoint, "GET", path, auth=auth))
    assert code == "DENIED"
    record = only_record()
    assert told(record) == ("AccessDeniedException", message)
    assert message.endswith(cause.format(operation))
    assert (record.operation, record.reference, record.caller) == (operation, reference, SOMEONE)
    assert record.rule == "quay"


def test_reason_of_a_head_of_a_blob_that_is_denied_is_the_missing_right(aws, endpoint, quay):
    auth = ("AWS", password(aws, **user(aws)))
    assert enforced(endpoint, "HEAD", f"/v2/{REPOSITORY}/blobs/{ABSENT}", auth=auth).status_code == 403
    assert told(only_record()) == (
        "AccessDeniedException",
        (
            f"User: {SOMEONE} is not authorized to perform: ecr:BatchCheckLayerAvailability on resource: {ARN} "
            "because no identity-based policy allows the ecr:BatchCheckLayerAvailability action"
        ),
    )


def test_reason_of_another_accounts_repository_is_that_no_policy_opens_it(aws, endpoint, quay):
    answer = endpoint("GET", LATEST, auth=("AWS", password(aws, OTHER_ACCOUNT)))
    record = only_record()
    assert told(record) == ("AccessDeniedException", error(answer)[2])
    assert record.reason.endswith("because no resource-based policy allows the ecr:BatchGetImage action")
    assert (record.account_id, record.caller) == (ACCOUNT, f"arn:aws:iam::{OTHER_ACCOUNT}:root")


def test_reason_of_a_right_that_the_repositorys_policy_denies_is_that_policy(aws, endpoint, ecr, quay):
    endpoint("GET", LATEST)
    deny = '{"Effect": "Deny", "Principal": "*", "Action": "ecr:BatchGetImage"}'
    ecr.set_repository_policy(
        repositoryName=REPOSITORY, policyText=f'{{"Version": "2012-10-17", "Statement": [{deny}]}}'
    )
    auth = ("AWS", password(aws, **user(aws, allow("ecr:*"))))
    assert enforced(endpoint, "GET", LATEST, auth=auth).status_code == 403
    assert last_record().reason.endswith("with an explicit deny in a resource-based policy")


# --- blobs and referrers ---------------------------------------------------------------------------------------------


@METHODS
def test_reason_of_a_blob_of_an_unknown_name_is_that_nothing_is_created_for_it(endpoint, registry, method):
    assert endpoint(method, f"/v2/{REPOSITORY}/blobs/{LAYER_DIGEST}").status_code == 404
    reason = "the repository does not exist, and layers are pulled only into one that does"
    record = only_record()
    assert told(record) == (NOT_FOUND, reason)
    assert record.operation == "GetDownloadUrlForLayer"


@METHODS
def test_reason_of_an_unknown_blob_is_the_upstreams_answer(endpoint, registry, method):
    endpoint("GET", LATEST)
    assert endpoint(method, f"/v2/{REPOSITORY}/blobs/{ABSENT}").status_code == 404
    reason = f"quay.io does not have it: {registry.url} answered HTTP 404"
    assert told(last_record()) == ("LayersNotFoundException", reason)


@METHODS
def test_reason_of_an_unknown_blob_without_a_rule_is_that_no_rule_covers_it(endpoint, ecr, method):
    ecr.create_repository(repositoryName="app")
    assert endpoint(method, f"/v2/app/blobs/{ABSENT}").status_code == 404
    assert told(only_record()) == ("LayersNotFoundException", NO_RULES)


def test_reason_of_a_blob_is_first_the_upstreams_answer_and_then_that_the_repository_has_it(endpoint, registry):
    endpoint("GET", LATEST)
    for _ in range(2):
        endpoint("GET", f"/v2/{REPOSITORY}/blobs/{CONFIG_DIGEST}")
    assert [(record.reason, record.answered_by) for record in pull_log()[1:]] == [
        ("quay.io returned it", "upstream"),
        ("the repository has it", "cache"),
    ]


def test_head_of_a_blob_that_is_described_has_no_record(endpoint, registry):
    endpoint("GET", LATEST)
    assert endpoint("HEAD", f"/v2/{REPOSITORY}/blobs/{LAYER_DIGEST}").status_code == 200
    assert len(pull_log()) == 1


@pytest.mark.parametrize(
    ("kind", "code"),
    [("blobs", "UnableToGetUpstreamLayerException"), ("referrers", "UnableToListUpstreamImageReferrersException")],
)
@pytest.mark.parametrize(
    ("failure", "status", "cause"),
    [
        ({"status": 403}, 403, "(UpstreamAccessDenied): it answered HTTP 403, as set up by 'fail'"),
        ({"status": 429}, 429, "(UpstreamTooManyRequests): it answered HTTP 429, as set up by 'fail'"),
        ({"status": 500}, 503, "(UpstreamUnavailable): it answered HTTP 500, as set up by 'fail'"),
    ],
)
def test_reason_of_blobs_and_referrers_that_the_upstream_fails_on_is_its_answer(
    endpoint, quay, kind, code, failure, status, cause
):
    endpoint("GET", LATEST)
    quay.fail(**failure)
    assert endpoint("GET", f"/v2/{REPOSITORY}/{kind}/{ABSENT}").status_code == status
    assert told(last_record()) == (code, f"quay.io did not return it {cause}")


def test_reason_of_referrers_of_an_unknown_name_is_that_none_is_created_for_them(endpoint, quay):
    assert endpoint("GET", f"/v2/{REPOSITORY}/referrers/{ABSENT}").status_code == 404
    reason = "quay.io returned no referrers; no repository is created without an image"
    assert told(only_record()) == (NOT_FOUND, reason)
