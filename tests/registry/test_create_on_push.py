"""Pushes to repositories that do not exist: those that a template for CREATE_ON_PUSH creates, and those refused."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import (
    ACCOUNT,
    EXCLUSION_FILTERS,
    LIFECYCLE_POLICY,
    REGION,
    REPOSITORY_POLICY,
    Aws,
    allow,
    enforced,
    repositories,
    user,
)
from tests.registry.endpoint import OCI_MANIFEST, Endpoint, error, media_type, password, sha256
from tests.registry.manifests import CREATE_ON_PUSH, index_of, oci_image, put_manifest, repository_not_found, tags_of

pytestmark = CREATE_ON_PUSH

NAME = "team/web/app"
UPLOADS = f"/v2/{NAME}/blobs/uploads/"
ARN = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{NAME}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/template"
TAGS = [{"Key": "team", "Value": "a"}]
INITIATE, CREATE, TAG = "ecr:InitiateLayerUpload", "ecr:CreateRepository", "ecr:TagResource"
TEMPLATES = pytest.mark.parametrize(
    "template",
    [
        None,
        {"prefix": "other"},
        {"prefix": "team", "appliedFor": ["PULL_THROUGH_CACHE"]},
        {"prefix": "team", "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"]},
        {"prefix": "tea"},
    ],
)


def create_template(ecr: Any, **settings: Any) -> None:
    ecr.create_repository_creation_template(**{"prefix": "team", "appliedFor": ["CREATE_ON_PUSH"], **settings})


def described(ecr: Any) -> Any:
    (repository,) = ecr.describe_repositories(repositoryNames=[NAME])["repositories"]
    return repository


# --- with a template --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["team", "team/web", "ROOT"])
def test_image_is_pushed_to_a_repository_that_its_template_creates(endpoint: Endpoint, ecr, prefix):
    create_template(ecr, prefix=prefix)
    content = endpoint.push_image(NAME, "v1")
    assert repositories(ecr) == ["app", NAME]
    assert tags_of(ecr, NAME) == {sha256(content): ["v1"]}
    assert endpoint("GET", f"/v2/{NAME}/manifests/v1").content == content


@pytest.mark.parametrize("query", ["", f"?digest={sha256(b'layer')}", f"?mount={sha256(b'layer')}&from=app"])
def test_each_way_to_start_an_upload_creates_the_repository(endpoint: Endpoint, ecr, query):
    create_template(ecr)
    assert endpoint("POST", UPLOADS + query, b"layer" if "digest" in query else b"").status_code in (201, 202)
    assert repositories(ecr) == ["app", NAME]


def test_manifest_without_blobs_creates_the_repository(endpoint: Endpoint, ecr):
    create_template(ecr)
    endpoint.push_manifest(NAME, "empty", index_of())
    assert repositories(ecr) == ["app", NAME]


def test_new_repository_has_all_settings_of_its_template(endpoint: Endpoint, ecr):
    create_template(
        ecr,
        imageTagMutability="IMMUTABLE",
        repositoryPolicy=REPOSITORY_POLICY,
        lifecyclePolicy=LIFECYCLE_POLICY,
        resourceTags=TAGS,
        encryptionConfiguration={"encryptionType": "KMS"},
        customRoleArn=ROLE,
    )
    endpoint.push_image(NAME, "v1")
    repository = described(ecr)
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["encryptionConfiguration"]["encryptionType"] == "KMS"
    assert ecr.get_repository_policy(repositoryName=NAME)["policyText"] == REPOSITORY_POLICY
    assert ecr.get_lifecycle_policy(repositoryName=NAME)["lifecyclePolicyText"] == LIFECYCLE_POLICY
    assert ecr.list_tags_for_resource(resourceArn=ARN)["tags"] == TAGS


@EXCLUSION_FILTERS
def test_exclusion_filters_of_the_template_hold_for_the_next_push(endpoint: Endpoint, ecr):
    create_template(
        ecr,
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "latest"}],
    )
    content = endpoint.push_image(NAME, "v1")
    assert endpoint.push_image(NAME, "latest") == endpoint.push_image(NAME, "latest")
    assert error(put_manifest(endpoint, content, repository=NAME, Content_Type=OCI_MANIFEST))[1] == "TAG_INVALID"


def test_longest_template_for_pushes_is_applied(endpoint: Endpoint, ecr):
    create_template(ecr, prefix="ROOT", imageTagMutability="IMMUTABLE")
    create_template(ecr, lifecyclePolicy=LIFECYCLE_POLICY)
    create_template(ecr, prefix="team/web", appliedFor=["PULL_THROUGH_CACHE"], imageTagMutability="IMMUTABLE")
    endpoint.push_image(NAME, "v1")
    assert described(ecr)["imageTagMutability"] == "MUTABLE"
    assert ecr.get_lifecycle_policy(repositoryName=NAME)["lifecyclePolicyText"] == LIFECYCLE_POLICY


def test_template_touches_no_repository_that_exists(endpoint: Endpoint, ecr):
    create_template(ecr, prefix="ROOT", imageTagMutability="IMMUTABLE")
    endpoint.push_image("app", "v1")
    (repository,) = ecr.describe_repositories(repositoryNames=["app"])["repositories"]
    assert repository["imageTagMutability"] == "MUTABLE"


def test_key_of_the_template_encrypts_the_new_repository(aws, endpoint: Endpoint, ecr):
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    create_template(ecr, encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key}, customRoleArn=ROLE)
    endpoint.push_image(NAME, "v1")
    assert described(ecr)["encryptionConfiguration"] == {"encryptionType": "KMS", "kmsKey": key}


@pytest.mark.parametrize("state", ["disabled", "missing"])
def test_key_of_the_template_that_cannot_be_used_refuses_the_push(aws, endpoint: Endpoint, ecr, state):
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
    if state == "disabled":
        metadata = aws.client("kms").create_key()["KeyMetadata"]
        key = metadata["Arn"]
        aws.client("kms").disable_key(KeyId=metadata["KeyId"])
    create_template(ecr, encryptionConfiguration={"encryptionType": "KMS", "kmsKey": key}, customRoleArn=ROLE)
    assert error(endpoint("POST", UPLOADS)) == repository_not_found(NAME)
    assert repositories(ecr) == ["app"]


@pytest.mark.parametrize("settings", [{"resourceTags": TAGS}, {"encryptionConfiguration": {"encryptionType": "KMS"}}])
def test_template_that_needs_a_role_and_has_none_refuses_the_push(endpoint: Endpoint, ecr, settings):
    create_template(ecr, **settings)
    assert error(endpoint("POST", UPLOADS)) == repository_not_found(NAME)
    assert repositories(ecr) == ["app"]
    ecr.update_repository_creation_template(prefix="team", customRoleArn=ROLE)
    assert endpoint("POST", UPLOADS).status_code == 202


@pytest.mark.parametrize(
    ("service", "suits"),
    [("ecr.amazonaws.com", True), ("pullthroughcache.ecr.amazonaws.com", True), ("ec2.amazonaws.com", False)],
)
def test_role_of_the_template_must_trust_ecr(aws, endpoint: Endpoint, ecr, service, suits):
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("iam").create_role(RoleName="template", AssumeRolePolicyDocument=trust)
    create_template(ecr, resourceTags=TAGS, customRoleArn=ROLE)
    assert endpoint("POST", UPLOADS).status_code == (202 if suits else 404)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "manifests/v1"), ("GET", "tags/list"), ("DELETE", "manifests/v1")]
)
def test_only_a_push_creates_the_repository(endpoint: Endpoint, ecr, method, path):
    create_template(ecr)
    assert error(endpoint(method, f"/v2/{NAME}/{path}")) == repository_not_found(NAME)
    assert repositories(ecr) == ["app"]


def test_name_that_no_repository_can_have_creates_none(endpoint: Endpoint, ecr):
    create_template(ecr, prefix="ROOT")
    assert endpoint("POST", "/v2/team/UPPER/blobs/uploads/").status_code == 405
    assert repositories(ecr) == ["app"]


# --- without one ------------------------------------------------------------------------------------------------------


@TEMPLATES
def test_push_without_a_template_for_it_is_refused(endpoint: Endpoint, ecr, template):
    if template:
        create_template(ecr, **template)
    requests = [("POST", UPLOADS), ("POST", f"{UPLOADS}?digest={sha256(b'x')}"), ("PUT", f"/v2/{NAME}/manifests/v1")]
    for method, path in requests:
        assert error(endpoint(method, path, b"x")) == repository_not_found(NAME)
    assert repositories(ecr) == ["app"]


@pytest.mark.parametrize(
    ("method", "path"), [("POST", f"{UPLOADS}?digest={sha256(b'x')}"), ("PUT", f"/v2/{NAME}/manifests/v1")]
)
def test_push_without_a_template_is_refused_before_its_body_is_read(in_process: Aws, method, path):
    endpoint = Endpoint(in_process)
    taken: list[bytes] = []

    def body() -> Iterator[bytes]:
        taken.append(b"x")
        yield taken[-1]

    assert error(endpoint(method, path, body())) == repository_not_found(NAME)
    assert taken == []


# --- rights, while moto enforces IAM ----------------------------------------------------------------------------------


def denied(action: str) -> tuple[int, str, str]:
    message = (
        f"User: arn:aws:iam::{ACCOUNT}:user/someone is not authorized to perform: {action} on resource: {ARN} "
        f"because no identity-based policy allows the {action} action"
    )
    return (403, "DENIED", message)


@pytest.mark.parametrize(
    ("tags", "rights", "missing"),
    [
        (False, [INITIATE, CREATE], None),
        (False, [INITIATE], CREATE),
        (False, [CREATE], INITIATE),
        (True, [INITIATE, CREATE, TAG], None),
        (True, [INITIATE, CREATE], TAG),
        (True, [INITIATE, TAG], CREATE),
    ],
)
def test_push_demands_the_rights_to_what_it_creates(aws, endpoint: Endpoint, ecr, tags, rights, missing):
    statement = {"Effect": "Allow", "Principal": {"Service": "ecr.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("iam").create_role(RoleName="template", AssumeRolePolicyDocument=trust)
    create_template(ecr, **({"resourceTags": TAGS, "customRoleArn": ROLE} if tags else {}))
    auth = ("AWS", password(aws, **user(aws, allow(rights, ARN))))
    answer = enforced(endpoint, "POST", UPLOADS, auth=auth)
    if missing:
        assert error(answer) == denied(missing)
        assert repositories(ecr) == ["app"]
    else:
        assert answer.status_code == 202
        assert repositories(ecr) == ["app", NAME]


def test_manifest_demands_the_rights_to_what_it_creates(aws, endpoint: Endpoint, ecr):
    create_template(ecr)
    auth = ("AWS", password(aws, **user(aws, allow("ecr:PutImage", ARN))))
    body = json.dumps(index_of())
    answer = enforced(endpoint, "PUT", f"/v2/{NAME}/manifests/v1", body, auth=auth, **media_type(index_of()))
    assert error(answer) == denied(CREATE)


def test_existing_repository_demands_no_right_to_create_it(aws, endpoint: Endpoint, ecr):
    ecr.create_repository(repositoryName=NAME)
    create_template(ecr)
    auth = ("AWS", password(aws, **user(aws, allow(INITIATE, ARN))))
    assert enforced(endpoint, "POST", UPLOADS, auth=auth).status_code == 202


def test_role_of_the_template_must_exist(aws, endpoint: Endpoint, ecr):
    create_template(ecr, resourceTags=TAGS, customRoleArn=ROLE)
    auth = ("AWS", password(aws, **user(aws, allow("ecr:*"))))
    assert error(enforced(endpoint, "POST", UPLOADS, auth=auth)) == repository_not_found(NAME)
    assert endpoint("POST", UPLOADS).status_code == 202


def test_push_into_the_new_repository_of_a_policy_is_allowed_by_it(aws, endpoint: Endpoint, ecr):
    policy = {"Effect": "Allow", "Principal": "*", "Action": ["ecr:CompleteLayerUpload", "ecr:UploadLayerPart"]}
    text = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
    create_template(ecr, repositoryPolicy=text)
    auth = ("AWS", password(aws, **user(aws, allow([INITIATE, CREATE], ARN))))
    answer = enforced(endpoint, "POST", f"{UPLOADS}?digest={sha256(b'layer')}", b"layer", auth=auth)
    assert answer.status_code == 201
    assert endpoint("GET", f"/v2/{NAME}/blobs/{sha256(b'layer')}").content == b"layer"


def test_image_that_is_refused_creates_no_repository(endpoint: Endpoint, ecr):
    create_template(ecr)
    answer = put_manifest(endpoint, oci_image(), repository=NAME, Content_Type=OCI_MANIFEST)
    assert error(answer)[1] == "BLOB_UPLOAD_UNKNOWN"
    assert NAME not in repositories(ecr)


def test_blob_that_is_refused_creates_no_repository(endpoint: Endpoint, ecr):
    create_template(ecr)
    answer = endpoint("POST", f"{UPLOADS}?digest={sha256(b'another')}", b"layer")
    assert error(answer)[1] == "BLOB_UPLOAD_INVALID"
    assert NAME not in repositories(ecr)


def test_template_that_cannot_create_the_repository_is_logged_with_the_reason(endpoint: Endpoint, ecr, caplog):
    create_template(ecr, resourceTags=TAGS)
    assert error(endpoint("POST", UPLOADS)) == repository_not_found(NAME)
    assert [found for found in caplog.record_tuples if found[0] == "moto_ecr_ptc"] == [
        (
            "moto_ecr_ptc",
            logging.WARNING,
            (
                f"The push did not create the repository '{NAME}' in {ACCOUNT}/{REGION}: the repository creation "
                "template 'team' has tags but no customRoleArn, which ECR needs to apply them."
            ),
        )
    ]
