"""What a request may contain: as the name that it is about, all that it refers to, or lets in, is of the run.

Each rule is as narrow as the scenarios allow. A scenario that needs more has to widen it here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .journal import SECRET_FOLDER, Journal, bears

_STACK = frozenset({"StackName", "TemplateBody"})
_MEMBERS = {
    "CreateRepository": frozenset({"repositoryName", "imageTagMutability", "imageTagMutabilityExclusionFilters"}),
    # In a stack, too. botocore adds the token.
    "CreateSecret": frozenset(
        {"Name", "Description", "SecretString", "GenerateSecretString", "Tags", "ClientRequestToken"}
    ),
    "CreateStack": _STACK,
    "UpdateStack": _STACK,
    "CreateChangeSet": _STACK | {"ChangeSetName", "ChangeSetType", "Parameters"},
    "ExecuteChangeSet": frozenset({"StackName", "ChangeSetName"}),
    "DeleteStack": frozenset({"StackName"}),
}
"""What an operation may have, where others of its members name a key, a role, a topic or another Region."""

_SECTIONS = frozenset({"Parameters", "Resources", "Outputs"})
"""What a template may have: no macro, which would make it another one."""

_FUNCTIONS = frozenset({"Fn::GetAtt"})
"""What a template may have beside Ref: no macro, no import of an export, and nothing that puts a reference together."""

_POLICIES = frozenset({"policytext", "repositorypolicy"})
_STATEMENT = frozenset({"Sid", "Effect", "Principal", "Action"})
_REGISTRY_STATEMENT = _STATEMENT | {"NotAction", "Resource"}


class NotAllowed(Exception):
    """A request that a scenario must not send. It was not sent."""


class Contents:
    """Checks what the requests of one run contain."""

    def __init__(self, journal: Journal) -> None:
        self._prefix = journal.prefix
        self._principal = {"AWS": f"arn:aws:iam::{journal.account}:root"}
        self._repositories = f"arn:aws:ecr:{journal.region}:{journal.account}:repository/{journal.prefix}/"
        secret = rf"arn:aws:secretsmanager:[a-z0-9-]+:{journal.account}:secret:(?:{SECRET_FOLDER})?(.+)"
        role = rf"arn:aws:iam::{journal.account}:(?:role|user)/(.+)"
        self._arns = {"credentialarn": re.compile(secret), "customrolearn": re.compile(role)}

    def check(self, operation: str, members: Mapping[str, Any]) -> None:
        """Check the members of a request, or the properties of a resource in a stack that the operation makes, too."""
        more = set(members) - _MEMBERS.get(operation, set(members))
        if more:
            raise NotAllowed(f"{operation} with {', '.join(sorted(more))}")
        for name, value in members.items():
            if name.lower() in self._arns:
                self._check_arn(name, value)
            elif name.lower() in _POLICIES:
                self._check_policy(value, of_registry=operation == "PutRegistryPolicy")

    def template(self, operation: str, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return the template in a request. It reads nothing but its own parameters and resources."""
        if "TemplateBody" not in members:
            raise NotAllowed(f"{operation} without a template in the request")
        template = _read(members["TemplateBody"])
        if not _SECTIONS.issuperset(template):
            raise NotAllowed(f"a template with {', '.join(sorted(template))}")
        for parameter in template.get("Parameters", {}).values():
            if parameter.get("Type") != "String":  # others have the value of a parameter in the account
                raise NotAllowed(f"a parameter of the type {parameter.get('Type')}")
        for text in _texts([template, members]):
            if "{{" in text:
                raise NotAllowed(f"a dynamic reference: {text}")
            if text.startswith("Fn::") and text not in _FUNCTIONS:
                raise NotAllowed(f"a template with {text}")
        return template

    def _check_arn(self, name: str, value: Any) -> None:
        """Check the secret or the role that a rule or a template refers to.

        It bears the prefix: the ARN is one of the run's account, literal, of a secret in any Region, in the folder or
        not, or of a role or a user. Only scenarios without the folder, and with users, keep this from being narrower.
        They also send what is no ARN: x's alone, or nothing.
        """
        arn = self._arns[name.lower()].fullmatch(str(value))
        if str(value).strip("x") and not (arn and bears(self._prefix, arn[1])):
            raise NotAllowed(f"{name} '{value}', which does not bear the prefix")

    def _check_policy(self, text: Any, *, of_registry: bool) -> None:
        """Check that a policy does no more than allow something to the run's account as a whole.

        That of the registry is about repositories below the prefix alone. What has no brace is no policy, and refused.
        """
        if not isinstance(text, str):
            raise NotAllowed("a policy that is no text")
        policy = _read(text) if "{" in text else {}
        if not {"Version", "Statement"}.issuperset(policy):
            raise NotAllowed(f"a policy with {', '.join(sorted(policy))}")
        statements = policy.get("Statement", [])
        for statement in statements if isinstance(statements, list) else [statements]:
            more = set(statement) - (_REGISTRY_STATEMENT if of_registry else _STATEMENT)
            if more:
                raise NotAllowed(f"a policy whose statement has {', '.join(sorted(more))}")
            if statement.get("Effect") != "Allow":
                raise NotAllowed("a policy that denies something")
            if statement.get("Principal") != self._principal:
                raise NotAllowed(f"a policy for {statement.get('Principal')}")
            if of_registry and not str(statement.get("Resource")).startswith(self._repositories):
                raise NotAllowed(f"a registry policy about {statement.get('Resource')}")


def _read(text: str) -> dict[str, Any]:
    """Return the object that a text in JSON is, if nobody can read it otherwise."""
    try:
        document = json.loads(text, object_pairs_hook=_object)
    except ValueError as error:
        raise NotAllowed(f"a text that is not read here: {error}") from None
    if not isinstance(document, dict):
        raise NotAllowed("a text that is no object")
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise NotAllowed("an object that has a name twice")
    return members


def _texts(value: Any) -> Iterator[str]:
    """Yield all names and texts in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (Mapping, list)):
        for item in value:
            yield from _texts(item)
        if isinstance(value, Mapping):
            yield from _texts(list(value.values()))
