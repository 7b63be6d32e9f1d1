"""Repositories of another account at the registry endpoint: what their policies allow, and the callers' own rights."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import ACCOUNT, OTHER_ACCOUNT, REGION, Aws, allow, enforced
from moto_ecr_ptc import upstream_registry
from tests.registry.endpoint import Endpoint, error, media_type, password, sha256
from tests.registry.manifests import ABSENT, CREATE_ON_PUSH, oci_image, push_blobs

ARN = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/app"
ROOT = f"arn:aws:iam::{OTHER_ACCOUNT}:root"
SOMEONE = f"arn:aws:iam::{OTHER_ACCOUNT}:user/someone"
MANIFEST = json.dumps(oci_image()).encode()
PULL = "ecr:BatchGetImage"
REQUESTS = [
    ("GET", "/v2/app/manifests/v1", PULL),
    ("PUT", "/v2/app/manifests/v2", "ecr:PutImage"),
    ("DELETE", "/v2/app/manifests/v1", "ecr:BatchDeleteImage"),
    ("GET", f"/v2/app/blobs/{sha256(b'layer')}", "ecr:GetDownloadUrlForLayer"),
    ("POST", "/v2/app/blobs/uploads/", "ecr:InitiateLayerUpload"),
    ("GET", "/v2/app/tags/list", "ecr:ListImages"),
    ("GET", f"/v2/app/referrers/{ABSENT}", "ecr:ListImageReferrers"),
]


def denied(action: str, arn: str = ROOT, resource: str = ARN, kind: str = "resource-based") -> tuple[int, str, str]:
    message = (
        f"User: {arn} is not authorized to perform: {action} on resource: {resource} "
        f"because no {kind} policy allows the {action} action"
    )
    return (403, "DENIED", message)


def set_policy(ecr: Any, *statements: Any, repository: str = "app") -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "s", **one} for one in statements]})
    ecr.set_repository_policy(repositoryName=repository, policyText=text)


def grant(action: Any, principal: str, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Principal": "*" if principal == "*" else {"AWS": principal}, "Action": action, **more}


@pytest.fixture
def stranger(aws: Aws) -> tuple[str, str]:
    """The credentials of a caller of another account."""
    return ("AWS", password(aws, OTHER_ACCOUNT))


@pytest.fixture
def image(endpoint: Endpoint) -> bytes:
    """The manifest of an image in the repository."""
    push_blobs(endpoint)
    return endpoint.push_manifest("app", "v1", oci_image())


def send(endpoint: Endpoint, method: str, path: str, auth: Any) -> Any:
    body = MANIFEST if method == "PUT" else b""
    return endpoint(method, path, body, auth=auth, **(media_type(oci_image()) if body else {}))


# --- while moto does not enforce IAM ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path", "action"), REQUESTS)
def test_repository_without_a_policy_is_closed(endpoint: Endpoint, ecr, image, stranger, method, path, action):
    assert error(send(endpoint, method, path, stranger)) == denied(action)
    assert [one["imageTag"] for one in ecr.list_images(repositoryName="app")["imageIds"]] == ["v1"]


@pytest.mark.parametrize(("method", "path", "action"), REQUESTS)
def test_repositorys_policy_opens_it_for_the_action_that_it_names(
    endpoint: Endpoint, ecr, image, stranger, method, path, action
):
    set_policy(ecr, grant(action, ROOT))
    assert send(endpoint, method, path, stranger).status_code < 300


@pytest.mark.parametrize(
    ("principal", "may"),
    [
        ("*", True),
        (ROOT, True),
        (OTHER_ACCOUNT, True),
        (f"arn:aws:iam::{OTHER_ACCOUNT}:role/puller", True),
        (f"arn:aws:iam::{ACCOUNT}:root", False),
        (ACCOUNT, False),
        ("arn:aws:iam::999999999999:root", False),
    ],
)
def test_repositorys_policy_opens_it_for_the_principals_that_it_names(
    endpoint: Endpoint, ecr, image, stranger, principal, may
):
    set_policy(ecr, grant(PULL, principal))
    assert endpoint("GET", "/v2/app/manifests/v1", auth=stranger).status_code == (200 if may else 403)


@pytest.mark.parametrize("denied_principal", ["*", ROOT, OTHER_ACCOUNT])
def test_deny_in_the_repositorys_policy_goes_before_an_allow(
    endpoint: Endpoint, ecr, image, stranger, denied_principal
):
    set_policy(ecr, grant("ecr:*", "*"), grant(PULL, denied_principal, "Deny"))
    assert endpoint("GET", "/v2/app/manifests/v1", auth=stranger).status_code == 403
    assert endpoint("GET", "/v2/app/tags/list", auth=stranger).status_code == 200


def test_repositorys_policy_with_a_condition_opens_nothing(endpoint: Endpoint, ecr, image, stranger):
    set_policy(ecr, grant(PULL, "*", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}}))
    assert endpoint("GET", "/v2/app/manifests/v1", auth=stranger).status_code == 403


def test_owner_needs_no_policy_of_the_repository(endpoint: Endpoint, ecr, image):
    set_policy(ecr, grant(PULL, ROOT))
    assert endpoint("GET", "/v2/app/tags/list").status_code == 200


def test_repository_that_does_not_exist_is_closed_like_any_other(endpoint: Endpoint, stranger):
    found = error(endpoint("GET", "/v2/absent/manifests/v1", auth=stranger))
    assert found == denied(PULL, resource=ARN.replace("/app", "/absent"))


def test_catalog_of_another_account_is_closed(endpoint: Endpoint, ecr, stranger):
    set_policy(ecr, grant("ecr:*", "*"))
    found = error(endpoint("GET", "/v2/_catalog", auth=stranger))
    assert found == denied("ecr:DescribeRepositories", resource=ARN.replace("/app", "/*"))


def test_stranger_is_let_in_to_the_endpoint_itself(endpoint: Endpoint, stranger):
    assert endpoint("GET", "/v2/", auth=stranger).status_code == 200


@CREATE_ON_PUSH
def test_push_of_another_account_creates_no_repository(endpoint: Endpoint, ecr, stranger):
    ecr.create_repository_creation_template(prefix="ROOT", appliedFor=["CREATE_ON_PUSH"])
    assert endpoint("POST", "/v2/new/app/blobs/uploads/", auth=stranger).status_code == 403
    assert len(ecr.describe_repositories()["repositories"]) == 1


# --- while moto enforces IAM ------------------------------------------------------------------------------------------


@pytest.fixture
def someone(aws: Aws) -> Any:
    """A user of another account: gives the user rights, and logs in."""
    iam = aws.client("iam", account=OTHER_ACCOUNT)
    iam.create_user(UserName="someone")
    key = iam.create_access_key(UserName="someone")["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}

    def log_in(*statements: Any) -> tuple[str, str]:
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            iam.put_user_policy(UserName="someone", PolicyName="rights", PolicyDocument=document)
        return ("AWS", password(aws, OTHER_ACCOUNT, **keys))

    return log_in


@pytest.mark.parametrize(
    ("statements", "principal", "expected"),
    [
        ([allow(PULL)], SOMEONE, None),
        ([allow(PULL)], ROOT, None),
        ([allow(PULL)], "*", None),
        ([allow(PULL)], f"arn:aws:iam::{OTHER_ACCOUNT}:user/else", denied(PULL, SOMEONE)),
        ([allow(PULL)], None, denied(PULL, SOMEONE)),
        ([], SOMEONE, denied(PULL, SOMEONE, kind="identity-based")),
        ([], ROOT, denied(PULL, SOMEONE, kind="identity-based")),
        ([allow(PULL, ARN + "-other")], ROOT, denied(PULL, SOMEONE, kind="identity-based")),
    ],
)
def test_caller_needs_the_right_and_the_repositorys_policy(
    endpoint: Endpoint, ecr, image, someone, statements, principal, expected
):
    if principal:
        set_policy(ecr, grant(PULL, principal))
    answer = enforced(endpoint, "GET", "/v2/app/manifests/v1", auth=someone(*statements))
    assert answer.status_code == 200 if expected is None else error(answer) == expected


@pytest.mark.parametrize("principal", [SOMEONE, ROOT, "*"])
def test_deny_in_the_repositorys_policy_denies_a_caller_with_the_right(
    endpoint: Endpoint, ecr, image, someone, principal
):
    set_policy(ecr, grant("ecr:*", "*"), grant(PULL, principal, "Deny"))
    answer = enforced(endpoint, "GET", "/v2/app/manifests/v1", auth=someone(allow("ecr:*")))
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("by_registry", "rights", "may"),
    [
        (False, "ecr:*", False),
        (True, "ecr:*", True),
        (True, PULL, False),
    ],
)
def test_caller_pulls_through_the_cache_with_the_right_and_the_registrys_policy(
    endpoint: Endpoint, ecr, quay, someone, by_registry, rights, may
):
    ecr.create_repository(repositoryName="quay/app")
    set_policy(ecr, grant(PULL, ROOT), repository="quay/app")
    if by_registry:
        statement = {**grant("ecr:BatchImportUpstreamImage", ROOT), "Sid": "s", "Resource": "*"}
        ecr.put_registry_policy(policyText=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    answer = enforced(endpoint, "GET", "/v2/quay/app/manifests/v1", auth=someone(allow(rights)))
    assert answer.status_code == (200 if may else 404)
    assert len(upstream_registry("quay").pulls) == may
