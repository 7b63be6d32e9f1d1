"""What a scenario may not do is stopped before it is sent; what it makes is in the journal before that."""

from __future__ import annotations

import json

import pytest

from tests.verified.case import Case
from tests.verified.guard import NotAllowed, policy_statement_id
from tests.verified.journal import Journal, bears
from tests.verified.scenarios.stack_secrets import secret
from tests.verified.scenarios.stacks import rule

OTHER_ACCOUNT_ROLE = "arn:aws:iam::210987654321:role/x"


@pytest.fixture
def case(in_process, cloud_of_moto, journal) -> Case:
    return Case(cloud_of_moto, journal)


@pytest.fixture
def sent(case) -> list[str]:
    """The operations that were sent."""
    found: list[str] = []
    case.ecr.meta.events.register("before-call", lambda model, **_: found.append(model.name))
    return found


def test_what_bears_the_prefix_is_made(case, sent):
    assert case.rule() == case.prefix
    assert sent == ["CreatePullThroughCacheRule"]


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("create_pull_through_cache_rule", {"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "quay.io"}),
        ("create_pull_through_cache_rule", {"ecrRepositoryPrefix": "ROOT", "upstreamRegistryUrl": "quay.io"}),
        ("delete_pull_through_cache_rule", {"ecrRepositoryPrefix": "hub"}),
        ("create_repository_creation_template", {"prefix": "ROOT", "appliedFor": []}),
        ("delete_repository", {"repositoryName": "app"}),
        ("batch_get_image", {"repositoryName": "hub/app", "imageIds": [{"imageTag": "a"}]}),
        ("batch_delete_image", {"repositoryName": "app", "imageIds": [{"imageTag": "a"}]}),
        ("put_replication_configuration", {"replicationConfiguration": {"rules": []}}),
        ("delete_registry_policy", {}),
        ("put_image_scanning_configuration", {"repositoryName": "app", "imageScanningConfiguration": {}}),
    ],
)
def test_what_does_not_bear_the_prefix_is_not_sent(case, sent, operation, arguments):
    with pytest.raises(NotAllowed):
        getattr(case.ecr, operation)(**arguments)
    assert sent == []


@pytest.mark.parametrize("extension", ["0", "a", ""])
def test_name_that_only_begins_like_the_prefix_is_another_ones(journal, extension):
    assert bears(journal.prefix, journal.prefix + extension) is (extension == "")


@pytest.mark.parametrize("prefix", ["mep", "mep-", "mep-0a1b2c3", "hub", ""])
def test_prefix_of_another_form_is_none(prefix):
    assert not bears(prefix, f"{prefix}/app")


def test_arn_of_another_account_is_not_sent(case, sent):
    with pytest.raises(NotAllowed, match="210987654321"):
        case.rule(customRoleArn=OTHER_ACCOUNT_ROLE)
    assert sent == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"registryId": "210987654321"},
        {"policyText": '{"Principal": {"AWS": "210987654321"}}'},
    ],
)
def test_another_account_is_not_named(case, sent, arguments):
    with pytest.raises(NotAllowed, match="210987654321"):
        case.ecr.set_repository_policy(repositoryName=case.prefix, **{"policyText": "{}", **arguments})
    assert sent == []


def test_name_is_in_the_journal_before_the_request_is_sent(case, journal, tmp_path):
    noted = []
    path = tmp_path / f"{case.prefix}.jsonl"
    case.ecr.meta.events.register("before-call", lambda **_: noted.extend(Journal(path).made))
    case.repository()
    assert [(made.kind, made.name) for made in noted] == [("repository", case.name("/app"))]


def test_secret_bears_the_prefix_in_its_folder(case):
    case.secret()
    with pytest.raises(NotAllowed):
        case.secretsmanager.create_secret(Name=case.prefix.replace("mep", "map"), SecretString="x")
    with pytest.raises(NotAllowed):
        case.secretsmanager.delete_secret(SecretId="ecr-pullthroughcache/hub")
    with pytest.raises(NotAllowed):
        case.secretsmanager.create_secret(Name=case.prefix, SecretString="x")


@pytest.mark.parametrize(
    "resource",
    [
        {"Type": "AWS::ECR::PullThroughCacheRule", "Properties": {"EcrRepositoryPrefix": "hub"}},
        {"Type": "AWS::S3::Bucket", "Properties": {}},
        {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "ecr-pullthroughcache/hub"}},
    ],
)
def test_stack_with_anything_else_is_not_created(case, resource):
    with pytest.raises(NotAllowed):
        case.cloudformation.create_stack(
            StackName=case.prefix, TemplateBody=json.dumps({"Resources": {"One": resource}})
        )


@pytest.mark.parametrize("more", [{"KmsKeyId": "alias/mine"}, {"ReplicaRegions": [{"Region": "eu-west-1"}]}])
def test_secret_in_a_stack_has_neither_key_nor_replica(case, journal, more):
    template = {"Resources": {"Secret": secret(case, "", **more)}}
    with pytest.raises(NotAllowed, match="a secret with"):
        case.cloudformation.create_stack(StackName=case.prefix, TemplateBody=json.dumps(template))
    assert journal.made == []


def test_secret_in_a_stack_is_in_the_journal(case, journal):
    template = {"Resources": {"Secret": secret(case, "", SecretString="x")}}
    case.cloudformation.create_stack(StackName=case.prefix, TemplateBody=json.dumps(template))
    assert sorted(made.kind for made in journal.made) == ["secret", "stack"]


def one_rule(case, **more):
    return {"Resources": {"Rule": rule(case.prefix)}, **more}


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"Transform": "AWS::Include"}, "Transform"),
        ({"Outputs": {"One": {"Value": "a", "Export": {"Name": "of-the-user"}}}}, "of-the-user"),
    ],
)
@pytest.mark.parametrize("operation", ["create_stack", "update_stack", "create_change_set"])
def test_template_with_macros_or_exports_of_another_name_is_not_sent(case, operation, sections, message):
    arguments = {"StackName": case.prefix, "TemplateBody": json.dumps(one_rule(case, **sections))}
    if operation == "create_change_set":
        arguments["ChangeSetName"] = case.prefix
    with pytest.raises(NotAllowed, match=message):
        getattr(case.cloudformation, operation)(**arguments)


@pytest.mark.parametrize("operation", ["create_stack", "update_stack"])
def test_template_that_nobody_reads_here_is_not_sent(case, operation):
    with pytest.raises(NotAllowed, match="without a template"):
        getattr(case.cloudformation, operation)(StackName=case.prefix, TemplateURL="https://bucket.example/template")


def test_change_set_of_another_stack_is_not_executed(case):
    other = f"arn:aws:cloudformation:us-east-1:{case.account}:changeSet/theirs/1"
    with pytest.raises(NotAllowed, match="theirs"):
        case.cloudformation.execute_change_set(StackName=case.prefix, ChangeSetName=other)


def policy(case, sid):
    statement = {"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": "ecr:ReplicateImage", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_registry_policy_of_the_user_is_not_replaced(case, in_process):
    own = policy(case, "Own")
    in_process.client("ecr").put_registry_policy(policyText=own)
    with pytest.raises(NotAllowed, match="a policy of its own"):
        case.ecr.put_registry_policy(policyText=policy(case, policy_statement_id(case.prefix)))
    assert in_process.client("ecr").get_registry_policy()["policyText"] == own


def test_registry_policy_bears_the_prefix(case):
    with pytest.raises(NotAllowed, match="does not bear the prefix"):
        case.ecr.put_registry_policy(policyText=policy(case, "Own"))


@pytest.mark.parametrize("operation", ["CreatePullThroughCacheRule", "DeleteRepository"])
def test_body_of_any_form_goes_to_operations_that_read(case, operation):
    with pytest.raises(NotAllowed):
        case.post(operation, b"{")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v2/app/manifests/v1"),
        ("DELETE", "/v2/app/manifests/v1"),
        ("POST", "/v2/app/blobs/uploads/"),
        ("GET", "/v2/hub/app/manifests/v1"),
        ("POST", "/v2/"),
        ("DELETE", "/v2/{prefix}/../app/manifests/v1"),
        ("DELETE", "/v2/{prefix}/%2e%2E/app/manifests/v1"),
        ("GET", "@registry.example/v2/"),
    ],
)
def test_path_of_another_repository_is_not_called(case, method, path):
    with pytest.raises(NotAllowed):
        case.http(method, path.replace("{prefix}", case.prefix))
