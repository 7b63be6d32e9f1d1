"""Calls operations of moto's own and prints their answers, a line each. Run by test_moto_untouched.

The argument says whether the plugin is active: 'with' or 'without'.
"""

import json
import sys
import warnings

import boto3
import requests
from botocore.exceptions import ClientError
from moto import mock_aws

MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "c", "size": 1, "digest": "sha256:" + "0" * 64},
        "layers": [],
    }
)
TEMPLATE = json.dumps(
    {
        "Resources": {
            "Repository": {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "from-cfn"}},
            "Unknown": {"Type": "AWS::ECR::SomethingThatMotoDoesNotKnow", "Properties": {}},
        },
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Repository", "Arn"]}}},
    }
)
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "ecr:BatchGetImage"}],
    }
)
REGISTRY_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
                "Action": "ecr:ReplicateImage",
                "Resource": "arn:aws:ecr:us-east-1:123456789012:repository/*",
            }
        ],
    }
)
LIFECYCLE = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1},
                "action": {"type": "expire"},
            }
        ]
    }
)
app = {"repositoryName": "app"}
absent = {"repositoryName": "absent"}
ECR = [
    ("describe_repositories", {}),
    ("create_repository", app),
    ("create_repository", app),
    ("create_repository", {"repositoryName": "BAD"}),
    (
        "create_repository",
        {
            "repositoryName": "kms",
            "encryptionConfiguration": {"encryptionType": "KMS"},
            "imageTagMutability": "IMMUTABLE",
            "tags": [{"Key": "a", "Value": "b"}],
        },
    ),
    ("put_image", {**app, "imageManifest": MANIFEST, "imageTag": "v1"}),
    ("list_images", app),
    ("describe_images", app),
    ("batch_get_image", {**app, "imageIds": [{"imageTag": "v1"}, {"imageTag": "v2"}]}),
    ("batch_get_image", {**absent, "imageIds": [{"imageTag": "v1"}]}),
    ("describe_images", absent),
    ("set_repository_policy", {**app, "policyText": POLICY}),
    ("get_repository_policy", app),
    ("set_repository_policy", {**app, "policyText": "{}"}),
    ("put_lifecycle_policy", {**app, "lifecyclePolicyText": LIFECYCLE}),
    ("get_lifecycle_policy", app),
    ("get_lifecycle_policy", absent),
    ("put_registry_policy", {"policyText": REGISTRY_POLICY}),
    ("get_registry_policy", {}),
    ("put_registry_policy", {"policyText": REGISTRY_POLICY.replace("ecr:ReplicateImage", "s3:PutObject")}),
    ("delete_registry_policy", {}),
    ("describe_registry", {}),
    ("get_authorization_token", {}),
    ("list_tags_for_resource", {"resourceArn": "arn:aws:ecr:us-east-1:123456789012:repository/kms"}),
    ("batch_delete_image", {**app, "imageIds": [{"imageTag": "v1"}]}),
    ("delete_repository", app),
    ("delete_repository", app),
    ("describe_repositories", {"registryId": "111111111111"}),
    ("put_image_scanning_configuration", {**absent, "imageScanningConfiguration": {"scanOnPush": True}}),
]
OTHERS = [
    (
        "secretsmanager",
        "create_secret",
        {"Name": "ecr-pullthroughcache/hub", "SecretString": "x", "ClientRequestToken": "0" * 32},
    ),
    ("secretsmanager", "get_secret_value", {"SecretId": "ecr-pullthroughcache/hub"}),
    ("secretsmanager", "get_secret_value", {"SecretId": "absent"}),
    ("cloudformation", "create_stack", {"StackName": "one", "TemplateBody": TEMPLATE}),
    ("cloudformation", "describe_stacks", {}),
    ("cloudformation", "describe_stack_resources", {"StackName": "one"}),
    ("ecr", "describe_repositories", {}),
    ("cloudformation", "update_stack", {"StackName": "one", "TemplateBody": TEMPLATE.replace("from-cfn", "renamed")}),
    (
        "cloudformation",
        "create_change_set",
        {
            "StackName": "two",
            "ChangeSetName": "change",
            "ChangeSetType": "CREATE",
            "TemplateBody": TEMPLATE.replace("from-cfn", "changed"),
        },
    ),
    ("cloudformation", "execute_change_set", {"StackName": "two", "ChangeSetName": "change"}),
    ("cloudformation", "describe_stack_events", {"StackName": "two"}),
    ("cloudformation", "list_exports", {}),
    ("ecr", "describe_repositories", {}),
    ("cloudformation", "describe_stacks", {}),
    ("cloudformation", "delete_stack", {"StackName": "two"}),
    ("cloudformation", "delete_stack", {"StackName": "one"}),
    ("cloudformation", "describe_stacks", {}),
    ("ecr", "describe_repositories", {}),
    ("iam", "list_roles", {}),
]


TARGET = "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories"


def answers(**where):
    clients = {}
    for service, operation, arguments in [("ecr", *call) for call in ECR] + OTHERS:
        client = clients.setdefault(service, boto3.client(service, "us-east-1", **where))
        try:
            answer = getattr(client, operation)(**arguments)
            del answer["ResponseMetadata"]
            for token in answer.get("authorizationData", ()):
                del token["authorizationToken"], token["expiresAt"]  # ours, as docs/fidelity.md says
        except ClientError as error:
            answer = {"error": error.response["Error"], "status": error.response["ResponseMetadata"]["HTTPStatusCode"]}
        except NotImplementedError as error:
            answer = {"not implemented": str(error)}
        yield [service, operation, answer]


def main(plugin):
    if plugin == "with":
        import moto_ecr_ptc  # noqa: F401  (imported for its effect)
    with warnings.catch_warnings(record=True) as caught, mock_aws():
        warnings.simplefilter("always")
        requests.post("http://motoapi.amazonaws.com/moto-api/seed?a=42", timeout=60)
        for answer in answers():
            print(json.dumps(answer, default=str, sort_keys=True))
        for url in ("https://ecr.us-east-1.amazonaws.com/v2/", "https://nothing.amazonaws.com/x"):
            answer = requests.get(url, timeout=60)
            print(json.dumps([url, answer.status_code, answer.text]))
        for body in (b"{}", b"{'", b"[]", b"\xff", b'{"repositoryNames": ["&Action=DescribeRegistry&"]}'):
            print(json.dumps(raw_answer(body, {"X-Amz-Target": TARGET})))
        for query in ("?Action=DescribeRepositories", "?Action=Nothing"):
            print(json.dumps(raw_answer(b"", {}, query)))
    for warning in caught:
        print(json.dumps(["warning", str(warning.message)]))


def raw_answer(body, headers, query=""):
    url = "https://api.ecr.us-east-1.amazonaws.com/"
    try:
        answer = requests.post(url + query, data=body, headers=headers, timeout=60)
    except Exception as error:
        return [type(error).__name__, str(error)]
    return [answer.status_code, answer.text]


if __name__ == "__main__":
    main(sys.argv[1])
