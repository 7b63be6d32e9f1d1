"""What a scenario may not do is stopped before it is sent; what it makes is in the journal before that."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.verified.case import Case
from tests.verified.guard import NotAllowed
from tests.verified.journal import Journal, bears
from tests.verified.scenarios.policies import policy
from tests.verified.scenarios.stack_secrets import secret
from tests.verified.scenarios.stacks import rule, template
from tests.verified.scenarios.templates import repository_policy

OTHER_ACCOUNT_ROLE = "arn:aws:iam::210987654321:role/x"
SECRETS = "arn:aws:secretsmanager:us-east-1:123456789012:secret:"
ROLES = "arn:aws:iam::123456789012:role/"
REPOSITORIES = "arn:aws:ecr:us-east-1:123456789012:repository/"


@pytest.fixture
def case(in_process, cloud_of_moto, journal) -> Case:
    return Case(cloud_of_moto, journal)


@pytest.fixture
def sent(case) -> list[str]:
    """The operations that were sent."""
    found: list[str] = []
    for client in (case.ecr, case.secretsmanager, case.cloudformation):
        client.meta.events.register("before-call", lambda model, **_: found.append(model.name))
    return found


@pytest.fixture
def stopped(journal, sent) -> Callable[[str], AbstractContextManager[None]]:
    """Expect what is done to be stopped for a reason, and to leave nothing: neither sent nor in the journal."""

    @contextmanager
    def expect(reason: str) -> Iterator[None]:
        with pytest.raises(NotAllowed, match=reason):
            yield
        assert sent == []
        assert journal.made == []

    return expect


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
def test_secret_in_a_stack_has_neither_key_nor_replica(case, stopped, more):
    resources = {"Rule": rule(case.prefix), "Secret": secret(case, "", **more)}
    with stopped(f"CreateSecret with {next(iter(more))}"):
        stack(case, "create_stack", {"Resources": resources})


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("secretsmanager", "create_secret", {"Name": "ecr-pullthroughcache/{prefix}", "KmsKeyId": "alias/mine"}),
        ("secretsmanager", "create_secret", {"Name": "ecr-pullthroughcache/{prefix}", "AddReplicaRegions": []}),
        ("ecr", "create_repository", {"repositoryName": "{prefix}", "encryptionConfiguration": {}}),
        ("cloudformation", "delete_stack", {"StackName": "{prefix}", "RoleARN": ROLES + "mine"}),
        ("cloudformation", "delete_stack", {"StackName": "{prefix}", "RetainResources": ["Rule"]}),
        (
            "cloudformation",
            "execute_change_set",
            {"StackName": "{prefix}", "ChangeSetName": "{prefix}", "DisableRollback": True},
        ),
    ],
)
def test_member_that_no_scenario_needs_is_not_sent(case, stopped, service, operation, arguments):
    *_, member = arguments
    named = {name: value.format(prefix=case.prefix) if name != member else value for name, value in arguments.items()}
    with stopped(f"with {member}"):
        getattr(case.client(service, parameter_validation=False), operation)(**named)


def stack(case, operation, template, **members):
    """Make or update a stack by a template, a value or a text."""
    body = template if isinstance(template, str) else json.dumps(template)
    if operation == "create_change_set":
        members = {"ChangeSetName": case.prefix, **members}
    getattr(case.cloudformation, operation)(StackName=case.prefix, TemplateBody=body, **members)


OF_TEMPLATES = pytest.mark.parametrize("operation", ["create_stack", "update_stack", "create_change_set"])


@OF_TEMPLATES
@pytest.mark.parametrize(
    "members",
    [
        {"RoleARN": ROLES + "mine"},
        {"NotificationARNs": ["arn:aws:sns:us-east-1:123456789012:mine"]},
        {"TemplateURL": "https://bucket.example/template"},
        {"Capabilities": ["CAPABILITY_AUTO_EXPAND"]},
        {"Tags": [{"Key": "a", "Value": "b"}]},
    ],
)
def test_stack_with_a_member_that_no_scenario_needs_is_not_sent(case, stopped, operation, members):
    with stopped(f"with {next(iter(members))}"):
        stack(case, operation, one_rule(case), **members)


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("create_stack", {"StackPolicyBody": "{}"}),
        ("update_stack", {"StackPolicyBody": "{}"}),
        ("update_stack", {"UsePreviousTemplate": True}),
        ("create_change_set", {"ResourcesToImport": []}),
        ("create_change_set", {"ImportExistingResources": True}),
    ],
)
def test_stack_with_a_member_of_one_operation_is_not_sent(case, stopped, operation, members):
    with stopped(f"with {next(iter(members))}"):
        stack(case, operation, one_rule(case), **members)


REFERENCE = "{{resolve:secretsmanager:theirs}}"
ONE_RULE = {"Rule": rule("PREFIX")}


@OF_TEMPLATES
@pytest.mark.parametrize("braces", ["{{", "\\u007b\\u007b"])
@pytest.mark.parametrize(
    "body",
    [
        {"Resources": {**ONE_RULE, "Template": template("PREFIX", Description=f"a{REFERENCE}")}},
        {"Resources": {"Rule": {**rule("PREFIX"), "Metadata": [{REFERENCE: "a"}]}}},
        {"Resources": ONE_RULE, "Outputs": {"One": {"Value": REFERENCE}}},
        {"Resources": ONE_RULE, "Parameters": {"One": {"Type": "String", "Default": REFERENCE}}},
    ],
)
def test_template_that_refers_to_another_secret_or_parameter_is_not_sent(case, stopped, operation, body, braces):
    with stopped("a dynamic reference"):
        stack(case, operation, json.dumps(body).replace("PREFIX", case.prefix).replace("{{", braces))


def test_parameter_of_a_stack_that_refers_to_another_secret_is_not_sent(case, stopped):
    values = [{"ParameterKey": "Hidden", "ParameterValue": REFERENCE}]
    with stopped("a dynamic reference"):
        stack(case, "create_change_set", one_rule(case), Parameters=values)


HERE = {"HERE": 0}


@OF_TEMPLATES
@pytest.mark.parametrize(
    "function",
    [
        {"Fn::Transform": {"Name": "Theirs"}},
        {"Fn::Join": ["", ["{", "{resolve:ssm:theirs}", "}"]]},
        {"Fn::ImportValue": "theirs"},
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        {"Resources": {"Template": template("PREFIX", **HERE)}},
        {"Resources": {"Template": template("PREFIX", Description=HERE)}},
        {"Resources": {"Rule": {**rule("PREFIX"), **HERE}}},
        {"Resources": {**ONE_RULE, **HERE}},
        {"Resources": ONE_RULE, "Outputs": {"One": {"Value": HERE}}},
    ],
)
def test_template_with_a_macro_or_a_function_that_no_scenario_needs_is_not_sent(
    case, stopped, operation, function, body
):
    text = json.dumps(body).replace("PREFIX", case.prefix).replace('"HERE": 0', json.dumps(function)[1:-1])
    with stopped(f"a template with {next(iter(function))}"):
        stack(case, operation, text)


def test_template_reads_no_parameter_of_the_account(case, stopped):
    parameters = {"Theirs": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "theirs"}}
    with stopped("AWS::SSM::Parameter"):
        stack(case, "create_stack", one_rule(case, Parameters=parameters))


def test_template_that_has_a_name_twice_is_not_sent(case, stopped):
    good = json.dumps(rule(case.prefix))
    with stopped("a name twice"):
        stack(case, "create_stack", f'{{"Resources": {{"Rule": {{"Type": "AWS::S3::Bucket"}}, "Rule": {good}}}}}')


THEIR_ARNS = pytest.mark.parametrize(
    ("member", "value"),
    [
        ("credentialArn", f"{SECRETS}ecr-pullthroughcache/hub-AbCdEf"),
        ("credentialArn", f"{SECRETS}ecr-pullthroughcache/hub/{{prefix}}-AbCdEf"),
        ("credentialArn", f"{SECRETS}ecr-pullthroughcache/{{prefix}}0-AbCdEf"),
        ("credentialArn", f"{SECRETS}hub-AbCdEf"),
        ("credentialArn", "ecr-pullthroughcache/hub"),
        ("customRoleArn", f"{ROLES}mine"),
        ("customRoleArn", f"{ROLES}mine/{{prefix}}"),
        ("customRoleArn", "mine"),
    ],
)


@THEIR_ARNS
@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("create_pull_through_cache_rule", {"ecrRepositoryPrefix": "{prefix}", "upstreamRegistryUrl": "quay.io"}),
        ("update_pull_through_cache_rule", {"ecrRepositoryPrefix": "{prefix}"}),
        ("create_repository_creation_template", {"prefix": "{prefix}", "appliedFor": "ROLE"}),
        ("update_repository_creation_template", {"prefix": "{prefix}"}),
    ],
)
def test_secret_or_role_of_the_user_is_not_named(case, stopped, operation, arguments, member, value):
    members = {name: text.format(prefix=case.prefix) for name, text in {**arguments, member: value}.items()}
    with stopped("does not bear the prefix"):
        getattr(case.client("ecr", parameter_validation=False), operation)(**members)


@THEIR_ARNS
def test_secret_or_role_of_the_user_is_not_named_in_a_stack(case, stopped, member, value):
    property_ = {member[0].upper() + member[1:]: value.format(prefix=case.prefix)}
    with stopped("does not bear the prefix"):
        stack(case, "create_stack", {"Resources": {"Rule": rule(case.prefix, **property_)}})


def test_secret_in_a_stack_is_named_literally(case, stopped):
    with stopped("does not bear the prefix"):
        stack(case, "create_stack", {"Resources": {"Rule": rule(case.prefix, CredentialArn={"Ref": "Hidden"})}})


def test_secret_in_a_stack_is_in_the_journal(case, journal):
    stack(case, "create_stack", {"Resources": {"Secret": secret(case, "", SecretString="x")}})
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
@OF_TEMPLATES
def test_template_with_macros_or_exports_of_another_name_is_not_sent(case, stopped, operation, sections, message):
    with stopped(message):
        stack(case, operation, one_rule(case, **sections))


@pytest.mark.parametrize("operation", ["create_stack", "update_stack"])
def test_template_that_nobody_reads_here_is_not_sent(case, operation):
    with pytest.raises(NotAllowed, match="without a template"):
        getattr(case.cloudformation, operation)(StackName=case.prefix)


def test_change_set_of_another_stack_is_not_executed(case):
    other = f"arn:aws:cloudformation:us-east-1:{case.account}:changeSet/theirs/1"
    with pytest.raises(NotAllowed, match="theirs"):
        case.cloudformation.execute_change_set(StackName=case.prefix, ChangeSetName=other)


def altered(text, **members):
    """Return a policy with other members of its statement."""
    document = json.loads(text)
    document["Statement"][0].update(members)
    return json.dumps(document)


def test_registry_policy_of_the_user_is_not_replaced(case, in_process):
    mine = policy(case, "ecr:ReplicateImage")
    own = altered(mine, Sid="Own", Resource="*")
    in_process.client("ecr").put_registry_policy(policyText=own)
    with pytest.raises(NotAllowed, match="a policy of its own"):
        case.ecr.put_registry_policy(policyText=mine)
    assert in_process.client("ecr").get_registry_policy()["policyText"] == own


def test_registry_policy_bears_the_prefix(case):
    with pytest.raises(NotAllowed, match="does not bear the prefix"):
        case.ecr.put_registry_policy(policyText=altered(policy(case, "ecr:*"), Sid="Own"))


@pytest.mark.parametrize(
    "resource",
    [
        "*",
        f"{REPOSITORIES}*",
        f"{REPOSITORIES}prod/*",
        f"{REPOSITORIES}{{prefix}}*",
        f"{REPOSITORIES}{{prefix}}",
        f"{REPOSITORIES.replace('us-east-1', '*')}{{prefix}}/*",
        [f"{REPOSITORIES}{{prefix}}/*", "*"],
        None,
    ],
)
def test_registry_policy_is_about_repositories_of_the_prefix(case, stopped, resource):
    named = resource.format(prefix=case.prefix) if isinstance(resource, str) else resource
    with stopped("a registry policy about"):
        case.ecr.put_registry_policy(policyText=altered(policy(case, "ecr:*"), Resource=named))


WITHOUT_LIMITS = pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"Principal": "*"}, "a policy for"),
        ({"Principal": {"AWS": "*"}}, "a policy for"),
        ({"Principal": {"AWS": [f"{ROLES}mine"]}}, "a policy for"),
        ({"Principal": {"Service": "lambda.amazonaws.com"}}, "a policy for"),
        ({"NotPrincipal": {"AWS": f"{ROLES}mine"}}, "NotPrincipal"),
        ({"NotResource": "*"}, "NotResource"),
        ({"Effect": "Deny"}, "denies"),
    ],
)


@WITHOUT_LIMITS
def test_registry_policy_allows_the_account_alone(case, stopped, members, reason):
    with stopped(reason):
        case.ecr.put_registry_policy(policyText=altered(policy(case, "ecr:*"), **members))


@WITHOUT_LIMITS
def test_repository_policy_allows_the_account_alone(case, stopped, members, reason):
    text = altered(repository_policy(case), **members)
    name = case.prefix
    with stopped(reason):
        case.ecr.set_repository_policy(repositoryName=name, policyText=text)
    with stopped(reason):
        case.template(repositoryPolicy=text)
    with stopped(reason):
        case.ecr.update_repository_creation_template(prefix=name, repositoryPolicy=text)
    with stopped(reason):
        stack(case, "create_stack", {"Resources": {"Template": template(name, RepositoryPolicy=text)}})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"Statement": [], "Statement": []}', "a name twice"),
        ('{"Statement": [],}', "not read here"),
        ('[{"Statement": []}]', "no object"),
        ('{"statement": {"Principal": "*"}}', "statement"),
    ],
)
def test_policy_that_others_may_read_otherwise_is_not_sent(case, stopped, text, reason):
    with stopped(reason):
        case.template(repositoryPolicy=text)


def test_policy_in_a_stack_is_a_text(case, stopped):
    document = json.loads(repository_policy(case))
    with stopped("no text"):
        stack(case, "create_stack", {"Resources": {"Template": template(case.prefix, RepositoryPolicy=document)}})


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


@pytest.mark.parametrize(
    "source",
    [
        "from=prod/app",
        "from=prod%2Fapp",
        "from={prefix}0/app",
        "from={prefix}&from=prod/app",
        "a;from=prod",
        "From=prod",
    ],
)
def test_blob_of_another_repository_is_not_mounted(case, stopped, source):
    digest = f"sha256:{'0' * 64}"
    with stopped("mount"):
        case.http("POST", f"/v2/{case.prefix}/app/blobs/uploads/?mount={digest}&{source.format(prefix=case.prefix)}")
