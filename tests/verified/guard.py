"""What a scenario may do: read, and make and change what bears the prefix of its run. All else is stopped here.

The guard sees each request before it is sent, on AWS and on moto alike, and first notes in the journal what it makes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.exceptions import ClientError

from .contents import Contents, NotAllowed
from .journal import SECRET_FOLDER, Journal, bears

_MAKES = {
    "CreatePullThroughCacheRule": ("rule", "ecrRepositoryPrefix"),
    "CreateRepositoryCreationTemplate": ("template", "prefix"),
    "CreateRepository": ("repository", "repositoryName"),
    # These make a repository by a rule or a template.
    "BatchGetImage": ("repository", "repositoryName"),
    "ListImageReferrers": ("repository", "repositoryName"),
    "PutImage": ("repository", "repositoryName"),
    "InitiateLayerUpload": ("repository", "repositoryName"),
    "CreateSecret": ("secret", "Name"),
    "CreateStack": ("stack", "StackName"),
    "CreateChangeSet": ("stack", "StackName"),
}
"""What an operation makes, and the member that names it."""

_CHANGES = {
    "UpdatePullThroughCacheRule": "ecrRepositoryPrefix",
    "DeletePullThroughCacheRule": "ecrRepositoryPrefix",
    "UpdateRepositoryCreationTemplate": "prefix",
    "DeleteRepositoryCreationTemplate": "prefix",
    "DeleteRepository": "repositoryName",
    "SetRepositoryPolicy": "repositoryName",
    "BatchDeleteImage": "repositoryName",
    "UploadLayerPart": "repositoryName",
    "CompleteLayerUpload": "repositoryName",
    "PutSecretValue": "SecretId",
    "DeleteSecret": "SecretId",
    "DescribeSecret": "SecretId",
    "GetSecretValue": "SecretId",
    "UpdateStack": "StackName",
    "ExecuteChangeSet": "StackName",
    "DeleteStack": "StackName",
}
"""The member that names what an operation changes, or reads where nothing else may be read: a secret."""

_READS = frozenset(
    {
        "BatchCheckLayerAvailability",
        "DescribeChangeSet",
        "DescribeImages",
        "DescribePullThroughCacheRules",
        "DescribeRepositories",
        "DescribeRepositoryCreationTemplates",
        "DescribeStackEvents",
        "DescribeStacks",
        "GetAccountSetting",
        "GetAuthorizationToken",
        "GetDownloadUrlForLayer",
        "GetLifecyclePolicy",
        "GetRegistryPolicy",
        "GetRepositoryPolicy",
        "ListImages",
        "ListTagsForResource",
        "ValidatePullThroughCacheRule",
    }
)
UNKNOWN_OPERATION = "NoSuchOperation"
"""What ECR has not."""

OPERATIONS = frozenset({*_MAKES, *_CHANGES, *_READS, "PutRegistryPolicy"})
"""All that a scenario may call."""

_OF_SECRETS = frozenset({"CreateSecret", "PutSecretValue", "DeleteSecret", "DescribeSecret", "GetSecretValue"})
_WITH_TEMPLATE = frozenset({"CreateStack", "UpdateStack", "CreateChangeSet"})

_STACK_RESOURCES = {
    "AWS::ECR::PullThroughCacheRule": ("CreatePullThroughCacheRule", "EcrRepositoryPrefix"),
    "AWS::ECR::RepositoryCreationTemplate": ("CreateRepositoryCreationTemplate", "Prefix"),
    "AWS::SecretsManager::Secret": ("CreateSecret", "Name"),
}
"""What a stack may have, the operation that makes the same, and the property that names it."""

_ACCOUNT = re.compile(r"(?<![0-9A-Za-z-])\d{12}(?![0-9A-Za-z-])")
"""Twelve digits that are no part of a digest or a UUID."""
_REPOSITORY_PATH = re.compile(r"/v2/(.+)/(?:manifests|blobs|tags|referrers)(?:/|$)")


class Guard:
    """Stands before the clients of one run."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._contents = Contents(journal)

    def watch(self, client: Any) -> None:
        """Check each request of a client before it is sent."""
        client.meta.events.register(
            "before-parameter-build",
            lambda params, model, **_: self._check(client, model.name, params),
        )

    def check_raw(self, operation: str) -> None:
        """Check a request whose body nobody reads here: it must be about an operation that makes nothing."""
        if operation not in _READS and operation != UNKNOWN_OPERATION:
            raise NotAllowed(f"{operation} with a body of any form")

    def check_path(self, method: str, path: str) -> None:
        """Check a request to the registry endpoint."""
        encoded, _, query = path.partition("?")
        plain = unquote(encoded)
        if not path.startswith("/") or {".", ".."} & set(plain.split("/")):
            raise NotAllowed(f"{method} {path}")  # clients resolve dots: it would be another path
        named = _REPOSITORY_PATH.match(plain)
        sources = parse_qs(query.lower().replace(";", "&")).get("from", [])  # of a blob that is mounted
        if named and all(bears(self._journal.prefix, name) for name in (named[1].lower(), *sources)):
            self._journal.note("repository", named[1])
        elif method not in ("GET", "HEAD") or named:
            raise NotAllowed(f"{method} {path}")

    def _check(self, client: Any, operation: str, members: Mapping[str, Any]) -> None:
        self._check_account(members)
        self._contents.check(operation, members)
        if operation in _MAKES:
            kind, member = _MAKES[operation]
            self._check_name(operation, str(members[member]))
            self._note((kind, members[member]), *self._resources(operation, members))
        elif operation in _CHANGES:
            self._check_name(operation, str(members[_CHANGES[operation]]))
            self._note(*self._resources(operation, members))
        elif operation == "PutRegistryPolicy":
            self._check_registry_policy(client, members["policyText"])
        elif operation not in _READS:
            raise NotAllowed(operation)

    def _note(self, *made: tuple[str, str]) -> None:
        for kind, name in made:
            self._journal.note(kind, name)

    def _check_name(self, operation: str, name: str) -> None:
        begin = self._journal.prefix
        plain = name
        if operation in _OF_SECRETS:
            begin = f"{SECRET_FOLDER}{begin}"
            plain = name.rpartition(":secret:")[2]
            if not plain.startswith(SECRET_FOLDER):
                raise NotAllowed(f"{operation} of '{name}', which does not begin with {begin}")
            plain = plain.removeprefix(SECRET_FOLDER)
        if not bears(self._journal.prefix, plain):
            raise NotAllowed(f"{operation} of '{name}', which does not begin with {begin}")

    def _check_account(self, members: Mapping[str, Any]) -> None:
        """Admit no account but the run's own, wherever it is named: in an ARN, a policy, a host, as the registry."""
        for account in _ACCOUNT.findall(json.dumps(members, default=str)):
            if account != self._journal.account:
                raise NotAllowed(f"the account '{account}'")

    def _resources(self, operation: str, members: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Check the change set and the template that an operation is about, and return what the template makes.

        All names are literal.
        """
        if "ChangeSetName" in members:
            self._check_name(operation, str(members["ChangeSetName"]))  # an ARN would be that of another stack
        if operation not in _WITH_TEMPLATE:
            return []
        template = self._contents.template(operation, members)
        found = []
        for resource in template["Resources"].values():
            if resource["Type"] not in _STACK_RESOURCES:
                raise NotAllowed(f"a stack with {resource['Type']}")
            makes, name = _STACK_RESOURCES[resource["Type"]]
            properties = resource["Properties"]
            self._check_name(makes, str(properties[name]))
            self._contents.check(makes, properties)
            found.append((_MAKES[makes][0], properties[name]))
        for output in template.get("Outputs", {}).values():
            if "Export" in output:
                self._check_name(operation, str(output["Export"]["Name"]))
        return found

    def _check_registry_policy(self, client: Any, text: str) -> None:
        """Admit a registry policy that bears the prefix, where the registry has none, or such a one."""
        if not policy_bears(self._journal.prefix, text):
            raise NotAllowed("a registry policy that does not bear the prefix")
        try:
            current = client.get_registry_policy()["policyText"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "RegistryPolicyNotFoundException":
                raise
        else:
            if not policy_bears(self._journal.prefix, current):
                raise NotAllowed("PutRegistryPolicy: the registry has a policy of its own")
        self._journal.note("registry policy", self._journal.prefix)


def policy_statement_id(prefix: str) -> str:
    """Return the Sid that marks the statements of a run: it may have letters and digits only."""
    return prefix.replace("-", "")


def policy_bears(prefix: str, text: str) -> bool:
    """Return whether all statements of a policy are those of a run."""
    statements = json.loads(text)["Statement"]
    statements = statements if isinstance(statements, list) else [statements]
    return bool(statements) and all(statement.get("Sid") == policy_statement_id(prefix) for statement in statements)
