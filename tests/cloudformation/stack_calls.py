"""Stacks as the tests make them: the resources of their templates, and what a user does to one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.core.common_models import CloudFormationModel

from conftest import GOOD_SECRET, REPOSITORY_POLICY, Aws

HAS_SECRET_TYPE = any(
    model.cloudformation_type() == "AWS::SecretsManager::Secret" and model.__module__.startswith("moto.")
    for model in CloudFormationModel.__subclasses__()
)
OUR_SECRET = pytest.mark.skipif(HAS_SECRET_TYPE, reason="this moto has a type of its own for secrets")
SECRET = {
    "Type": "AWS::SecretsManager::Secret",
    "Properties": {"Name": "ecr-pullthroughcache/hub", "SecretString": GOOD_SECRET},
}
RULE = {
    "Type": "AWS::ECR::PullThroughCacheRule",
    "Properties": {
        "EcrRepositoryPrefix": "hub",
        "UpstreamRegistryUrl": "registry-1.docker.io",
        "CredentialArn": {"Ref": "Secret"},
    },
}
QUAY = {
    "Type": "AWS::ECR::PullThroughCacheRule",
    "Properties": {"EcrRepositoryPrefix": "quay", "UpstreamRegistryUrl": "quay.io"},
}
TEMPLATE = {
    "Type": "AWS::ECR::RepositoryCreationTemplate",
    "Properties": {"Prefix": "hub", "AppliedFor": ["PULL_THROUGH_CACHE"], "RepositoryPolicy": REPOSITORY_POLICY},
}
WHOLE = {"Rule": RULE, "Secret": SECRET, "Template": TEMPLATE}
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "queue"}}
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "a-bucket"}}
BAD_URL = "The upstream registry URL nope.example is invalid. Specify a valid upstream registry URL and try again"


def changed(resource: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """Return a resource with other properties; None takes one away."""
    merged = {**resource["Properties"], **properties}
    return {**resource, "Properties": {name: value for name, value in merged.items() if value is not None}}


BAD = changed(QUAY, UpstreamRegistryUrl="nope.example")


def document(resources: dict[str, Any], **sections: Any) -> str:
    return json.dumps({"Resources": resources, **sections})


class Stacks:
    """What a user does to the stack ``stack``: at once, or by change sets."""

    def __init__(self, aws: Aws, by_change_set: bool) -> None:
        self.client = aws.client("cloudformation")
        self.by_change_set = by_change_set
        self._changes = 0

    def create(self, resources: dict[str, Any], parameters: dict[str, str] | None = None, **sections: Any) -> None:
        if self.by_change_set:
            self._change("CREATE", resources, parameters, sections)
        else:
            self.client.create_stack(**self._request(resources, parameters, sections))

    def update(self, resources: dict[str, Any], parameters: dict[str, str] | None = None, **sections: Any) -> None:
        if self.by_change_set:
            self._change("UPDATE", resources, parameters, sections)
        else:
            self.client.update_stack(**self._request(resources, parameters, sections))

    def _change(self, kind: str, resources: Any, parameters: Any, sections: Any) -> None:
        self._changes += 1
        name = f"change-{self._changes}"
        request = self._request(resources, parameters, sections)
        self.client.create_change_set(ChangeSetName=name, ChangeSetType=kind, **request)
        self.client.execute_change_set(ChangeSetName=name, StackName="stack")

    def _request(self, resources: Any, parameters: Any, sections: Any) -> dict[str, Any]:
        return {
            "StackName": "stack",
            "TemplateBody": document(resources, **sections),
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in (parameters or {}).items()],
        }

    def delete(self) -> None:
        self.client.delete_stack(StackName="stack")

    def describe(self) -> dict[str, Any]:
        (stack,) = self.client.describe_stacks(StackName="stack")["Stacks"]
        return stack

    @property
    def status(self) -> str:
        return self.describe()["StackStatus"]

    @property
    def outputs(self) -> dict[str, str]:
        return {output["OutputKey"]: output["OutputValue"] for output in self.describe().get("Outputs", [])}

    def reasons(self) -> list[str]:
        """Return why resources failed, as the stack's events say."""
        events = self.client.describe_stack_events(StackName="stack")["StackEvents"]
        return [event["ResourceStatusReason"] for event in events if event["ResourceStatus"].endswith("_FAILED")]

    def physical_ids(self) -> dict[str, str]:
        resources = self.client.describe_stack_resources(StackName="stack")["StackResources"]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}


def secrets(aws: Aws) -> list[str]:
    """Return the names of all secrets, those that are to be deleted as well."""
    answer = aws.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)
    return [secret["Name"] for secret in answer["SecretList"]]
