"""With moto's enforcement of IAM: which right each request to the registry endpoint demands, and who grants it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from moto.core import set_initial_no_auth_action_count

from conftest import ACCOUNT, REGION, Aws, allow, enforced, user
from tests.registry.endpoint import Endpoint, error, media_type, password, sha256
from tests.registry.manifests import oci_image, push_blobs, repository_not_found

ARN = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/app"
SOMEONE = f"arn:aws:iam::{ACCOUNT}:user/someone"
PULL = "ecr:BatchGetImage"


class Route(NamedTuple):
    method: str
    path: str
    """With ``{upload}`` for the id of an upload."""

    rights: tuple[str, ...]
    body: bytes = b""
    resource: str = ARN


BLOB = f"/v2/app/blobs/{sha256(b'layer')}"
UPLOADS = "/v2/app/blobs/uploads/"
MANIFEST = json.dumps(oci_image()).encode()
INITIATE, ADD, COMPLETE = "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload"
DIGEST = f"?digest={sha256(b'part')}"
ROUTES = [
    Route("GET", "/v2/app/manifests/v1", (PULL,)),
    Route("HEAD", "/v2/app/manifests/v1", (PULL,)),
    Route("GET", f"/v2/app/manifests/{sha256(MANIFEST)}", (PULL,)),
    Route("PUT", "/v2/app/manifests/v2", ("ecr:PutImage",), MANIFEST),
    Route("DELETE", "/v2/app/manifests/v1", ("ecr:BatchDeleteImage",)),
    Route("GET", BLOB, ("ecr:GetDownloadUrlForLayer",)),
    Route("HEAD", BLOB, ("ecr:BatchCheckLayerAvailability",)),
    Route("POST", UPLOADS, (INITIATE,)),
    Route("PATCH", UPLOADS + "{upload}", (ADD,), b"part"),
    Route("GET", UPLOADS + "{upload}", (ADD,)),
    Route("PUT", UPLOADS + "{upload}" + DIGEST, (COMPLETE, ADD), b"part"),
    Route("DELETE", UPLOADS + "{upload}", (INITIATE,)),
    Route("POST", UPLOADS + DIGEST, (INITIATE, COMPLETE, ADD), b"part"),
    Route("GET", "/v2/app/tags/list", ("ecr:ListImages",)),
    Route("GET", f"/v2/app/referrers/{sha256(MANIFEST)}", ("ecr:ListImageReferrers",)),
    Route(
        "GET",
        "/v2/_catalog",
        ("ecr:DescribeRepositories",),
        resource=f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/*",
    ),
]
EACH_RIGHT = [(route, right) for route in ROUTES for right in route.rights]


def policy(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def denied(action: str, resource: str = ARN, arn: str = SOMEONE, kind: str = "identity-based") -> tuple[int, str, str]:
    message = (
        f"User: {arn} is not authorized to perform: {action} on resource: {resource} "
        f"because no {kind} policy allows the {action} action"
    )
    return (403, "DENIED", message)


@pytest.fixture
def upload(endpoint: Endpoint) -> str:
    """The id of an upload to the repository, which has an image too."""
    push_blobs(endpoint)
    endpoint("PUT", "/v2/app/manifests/v1", MANIFEST, **media_type(oci_image()))
    return endpoint("POST", UPLOADS).headers["Location"].rpartition("/")[2]


def send(endpoint: Endpoint, route: Route, upload: str, auth: Any) -> Any:
    """Send a route's request while moto enforces IAM."""
    path = route.path.replace("{upload}", upload)
    options = media_type(oci_image()) if route.body == MANIFEST else {}
    return enforced(endpoint, route.method, path, route.body, auth=auth, **options)


def token(aws: Aws, *statements: Any) -> tuple[str, str]:
    """Create a user whose policy has these statements, and log in."""
    return ("AWS", password(aws, **user(aws, *statements)))


# --- identity policies ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ROUTES)
def test_request_is_answered_with_the_rights_that_it_demands(aws, endpoint: Endpoint, upload, route):
    auth = token(aws, allow(list(route.rights), route.resource))
    answer = send(endpoint, route, upload, auth)
    assert answer.status_code < 300, answer.text


@pytest.mark.parametrize(("route", "right"), EACH_RIGHT)
def test_request_is_denied_without_each_right_that_it_demands(aws, endpoint: Endpoint, upload, route, right):
    auth = token(aws, {"Effect": "Allow", "NotAction": right, "Resource": "*"})
    answer = send(endpoint, route, upload, auth)
    if route.method == "HEAD":
        assert (answer.status_code, answer.content) == (403, b"")
    else:
        assert error(answer) == denied(right, route.resource)


@pytest.mark.parametrize("route", ROUTES)
def test_request_that_a_policy_denies_is_denied(aws, endpoint: Endpoint, upload, route):
    auth = token(aws, allow("*"), {"Effect": "Deny", "Action": route.rights[0], "Resource": route.resource})
    assert send(endpoint, route, upload, auth).status_code == 403


def test_endpoint_itself_demands_no_right(aws, endpoint: Endpoint):
    assert enforced(endpoint, "GET", "/v2/", auth=token(aws)).status_code == 200


@pytest.mark.parametrize("resource", [ARN + "-other", ARN.replace(REGION, "eu-west-1")])
def test_right_to_another_repository_is_none_to_this_one(aws, endpoint: Endpoint, upload, resource):
    auth = token(aws, allow("ecr:*", resource))
    assert error(enforced(endpoint, "GET", "/v2/app/manifests/v1", auth=auth)) == denied(PULL)


def test_upload_without_a_body_is_completed_without_the_right_to_add(aws, endpoint: Endpoint, upload):
    endpoint("PATCH", UPLOADS + upload, b"part")
    auth = token(aws, allow(COMPLETE, ARN))
    assert enforced(endpoint, "PUT", UPLOADS + upload + DIGEST, auth=auth).status_code == 201


@pytest.mark.parametrize(("may", "expected"), [(True, repository_not_found("absent")), (False, None)])
def test_right_is_checked_before_the_repository_is_looked_for(aws, endpoint: Endpoint, may, expected):
    auth = token(aws, *([allow(PULL)] if may else []))
    found = error(enforced(endpoint, "GET", "/v2/absent/manifests/v1", auth=auth))
    assert found == (expected or denied(PULL, ARN.replace("/app", "/absent")))


def test_right_is_checked_before_the_body_is_read(in_process: Aws):
    in_process.client("ecr").create_repository(repositoryName="app")
    endpoint = Endpoint(in_process)
    auth = token(in_process)
    taken: list[bytes] = []

    def body() -> Any:
        taken.append(b"{}")
        yield taken[-1]

    answer = enforced(endpoint, "PUT", "/v2/app/manifests/v1", body(), auth=auth)
    assert error(answer) == denied("ecr:PutImage")
    assert taken == []


def test_user_who_was_deleted_is_denied(aws, endpoint: Endpoint, upload):
    auth = token(aws, allow("*"))
    iam = aws.client("iam")
    iam.delete_user_policy(UserName="someone", PolicyName="rights")
    (key,) = iam.list_access_keys(UserName="someone")["AccessKeyMetadata"]
    iam.delete_access_key(UserName="someone", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="someone")
    found = error(enforced(endpoint, "GET", "/v2/app/manifests/v1", auth=auth))
    assert found == (403, "DENIED", "The security token included in the request is invalid.")


def test_rights_are_those_of_now_and_not_of_the_log_in(aws, endpoint: Endpoint, upload):
    auth = token(aws, allow("ecr:*"))
    aws.client("iam").delete_user_policy(UserName="someone", PolicyName="rights")
    assert error(enforced(endpoint, "GET", "/v2/app/manifests/v1", auth=auth)) == denied(PULL)


def test_rights_do_not_count_while_moto_does_not_enforce_iam(aws, endpoint: Endpoint, upload):
    assert endpoint("GET", "/v2/app/manifests/v1", auth=token(aws)).status_code == 200


# --- roles ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def role(aws: Aws) -> str:
    """The ARN of a role without any rights."""
    return aws.client("iam").create_role(RoleName="puller", AssumeRolePolicyDocument="{}")["Role"]["Arn"]


def assume(aws: Aws, role: str) -> tuple[str, str]:
    """Log in as a role."""
    session = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    keys = {
        "aws_access_key_id": session["AccessKeyId"],
        "aws_secret_access_key": session["SecretAccessKey"],
        "aws_session_token": session["SessionToken"],
    }
    return ("AWS", password(aws, **keys))


def test_role_that_was_assumed_has_its_rights(aws, endpoint: Endpoint, upload, role):
    auth = assume(aws, role)
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/puller/me"
    assert error(enforced(endpoint, "GET", "/v2/app/manifests/v1", auth=auth)) == denied(PULL, arn=session)
    aws.client("iam").put_role_policy(RoleName="puller", PolicyName="pull", PolicyDocument=policy(allow(PULL, ARN)))
    assert enforced(endpoint, "GET", "/v2/app/manifests/v1", auth=auth).status_code == 200


def test_role_that_was_deleted_is_denied(aws, endpoint: Endpoint, upload, role):
    auth = assume(aws, role)
    aws.client("iam").delete_role(RoleName="puller")
    found = error(enforced(endpoint, "GET", "/v2/app/manifests/v1", auth=auth))
    assert found == (403, "DENIED", "The security token included in the request is invalid.")


def test_role_that_was_assumed_is_allowed_by_the_repositorys_policy(aws, endpoint: Endpoint, ecr, upload, role):
    auth = assume(aws, role)
    set_policy(ecr, grant(PULL, role))
    assert enforced(endpoint, "GET", "/v2/app/manifests/v1", auth=auth).status_code == 200


# --- the repository's policy ------------------------------------------------------------------------------------------


def grant(action: Any, *principals: str, effect: str = "Allow") -> dict[str, Any]:
    principal = "*" if principals == ("*",) else {"AWS": list(principals)}
    return {"Effect": effect, "Principal": principal, "Action": action}


def set_policy(ecr: Any, *statements: Any) -> None:
    ecr.set_repository_policy(repositoryName="app", policyText=policy(*statements))


IN_THE_REPOSITORY = [route for route in ROUTES if route.resource == ARN]


@pytest.mark.parametrize("route", IN_THE_REPOSITORY)
def test_repositorys_policy_allows_what_no_identity_policy_does(aws, endpoint: Endpoint, ecr, upload, route):
    auth = token(aws)
    assert send(endpoint, route, upload, auth).status_code == 403
    set_policy(ecr, grant(list(route.rights), SOMEONE))
    assert send(endpoint, route, upload, auth).status_code < 300


@pytest.mark.parametrize("route", IN_THE_REPOSITORY)
def test_repositorys_policy_denies_what_an_identity_policy_allows(aws, endpoint: Endpoint, ecr, upload, route):
    auth = token(aws, allow("ecr:*"))
    set_policy(ecr, grant(route.rights[0], "*", effect="Deny"))
    assert send(endpoint, route, upload, auth).status_code == 403


@pytest.mark.parametrize(
    ("principal", "may"),
    [
        ("*", True),
        (SOMEONE, True),
        (f"arn:aws:iam::{ACCOUNT}:user/else", False),
        (f"arn:aws:iam::{ACCOUNT}:root", False),
        (ACCOUNT, False),
    ],
)
def test_repositorys_policy_allows_the_principals_that_it_names(aws, endpoint: Endpoint, ecr, upload, principal, may):
    auth = token(aws)
    set_policy(ecr, grant(PULL, principal))
    answer = enforced(endpoint, "GET", "/v2/app/manifests/v1", auth=auth)
    assert answer.status_code == (200 if may else 403)


def test_right_that_a_policy_of_the_caller_denies_is_said_to_be_denied(aws: Aws, endpoint: Endpoint):
    endpoint.push_image("app", "v1")
    deny = {"Effect": "Deny", "Action": PULL, "Resource": "*"}
    auth = ("AWS", password(aws, **user(aws, allow("ecr:*"), deny)))
    answer = enforced(endpoint, "GET", "/v2/app/manifests/v1", auth=auth)
    message = f"User: {SOMEONE} is not authorized to perform: {PULL} on resource: {ARN} "
    assert error(answer) == (403, "DENIED", message + "with an explicit deny in an identity-based policy")


def test_right_that_the_repositorys_policy_denies_is_said_to_be_denied(aws: Aws, endpoint: Endpoint, ecr):
    endpoint.push_image("app", "v1")
    deny = {"Effect": "Deny", "Principal": "*", "Action": PULL}
    ecr.set_repository_policy(repositoryName="app", policyText=policy(deny))
    auth = ("AWS", password(aws, **user(aws, allow("ecr:*"))))
    answer = enforced(endpoint, "GET", "/v2/app/manifests/v1", auth=auth)
    message = f"User: {SOMEONE} is not authorized to perform: {PULL} on resource: {ARN} "
    assert error(answer) == (403, "DENIED", message + "with an explicit deny in a resource-based policy")


def test_user_who_is_deleted_during_a_push_is_denied(in_process: Aws):
    in_process.client("ecr").create_repository(repositoryName="app")
    endpoint = Endpoint(in_process)
    auth = ("AWS", password(in_process, **user(in_process, allow("ecr:*"))))
    iam = in_process.client("iam")

    @set_initial_no_auth_action_count(1000)
    def delete_user() -> None:
        (key,) = iam.list_access_keys(UserName="someone")["AccessKeyMetadata"]
        iam.delete_access_key(UserName="someone", AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName="someone", PolicyName="rights")
        iam.delete_user(UserName="someone")

    def body() -> Any:
        yield b"half"
        delete_user()

    upload = endpoint("POST", UPLOADS).headers["Location"]
    assert error(enforced(endpoint, "PATCH", upload, body(), auth=auth))[:2] == (403, "DENIED")
    assert endpoint("GET", upload).headers["Range"] == "0-0"


def test_mount_needs_the_right_to_the_layers_of_the_source(aws: Aws, endpoint: Endpoint, ecr):
    ecr.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    ecr.create_repository(repositoryName="source")
    endpoint.push_image("source", "v1")
    mount = f"{UPLOADS}?mount={sha256(b'layer')}&from=source"
    auth = ("AWS", password(aws, **user(aws, allow(INITIATE))))
    assert enforced(endpoint, "POST", mount, auth=auth).status_code == 202
    source = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/source"
    document = policy(allow(INITIATE), allow("ecr:GetDownloadUrlForLayer", source))
    aws.client("iam").put_user_policy(UserName="someone", PolicyName="rights", PolicyDocument=document)
    assert enforced(endpoint, "POST", mount, auth=auth).status_code == 201
