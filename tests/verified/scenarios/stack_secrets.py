"""Secrets in stacks: what becomes of their values when a stack is updated, rolled back and deleted."""

from __future__ import annotations

import json
import time
from typing import Any

from botocore.exceptions import ClientError

from ..case import GOOD_SECRET, Case
from ..journal import SECRET_FOLDER
from ..unanswered import check_error
from . import scenario
from .stacks import create, delete, rule, update

LENGTH = 20
_PATIENCE = 120


@scenario("stack-secret stack-secret-update stack-secret-deleted")
def secrets_of_a_stack(case: Case) -> None:
    generated = {
        "SecretStringTemplate": json.dumps({"username": "nobody"}),
        "GenerateStringKey": "accessToken",
        "PasswordLength": LENGTH,
    }
    given = secret(case, "-given", SecretString=GOOD_SECRET, Description="old", Tags=[{"Key": "a", "Value": "1"}])
    made = secret(case, "-made", GenerateSecretString=generated)
    case.saw("stack-secret", "status", "CREATE_COMPLETE", create(case, "", {"Given": given, "Made": made}))
    first = state(case, "-given")
    case.saw("stack-secret", "value that is given", True, first["value"] == GOOD_SECRET)
    case.saw("stack-secret", "description and tags", ["old", {"a": "1"}], [first["description"], first["tags"]])
    value = json.loads(state(case, "-made")["value"])
    lengths = {name: len(text) for name, text in value.items()}
    case.saw("stack-secret", "lengths in the generated value", {"username": 6, "accessToken": LENGTH}, lengths)

    given = secret(case, "-given", SecretString=GOOD_SECRET, Description="new", Tags=[{"Key": "b", "Value": "2"}])
    before = [state(case, "-given"), state(case, "-made")]
    case.saw(
        "stack-secret", "status after an update", "UPDATE_COMPLETE", update(case, "", {"Given": given, "Made": made})
    )
    second = state(case, "-given")
    case.saw("stack-secret", "updated in place", ["new", {"b": "2"}], [second["description"], second["tags"]])
    for name, old, new in (("given", before[0], second), ("made", before[1], state(case, "-made"))):
        for member in ("value", "versions"):
            same = new[member] == old[member]
            case.saw("stack-secret", f"{member} as before, where others change: {name}", True, same)

    other = json.dumps({"username": "nobody", "accessToken": "other"})
    changed = secret(case, "-given", SecretString=other, Description="bad")
    refused = {**rule(case.prefix, "nope.example"), "DependsOn": ["Given", "Made"]}
    longer = secret(case, "-made", GenerateSecretString={**generated, "PasswordLength": LENGTH + 1})
    before = [second, state(case, "-made")]
    status = update(case, "", {"Given": changed, "Made": longer, "Refused": refused})
    case.saw("stack-secret-update", "status after a bad rule", "UPDATE_ROLLBACK_COMPLETE", status)
    for name, old in zip(("given", "made"), before):
        after = state(case, f"-{name}")
        for member, was in old.items():
            case.saw("stack-secret-update", f"{member} as before the rollback: {name}", True, after[member] == was)

    given = secret(case, "-given", SecretString=other)
    case.saw(
        "stack-secret", "status of a new value", "UPDATE_COMPLETE", update(case, "", {"Given": given, "Made": made})
    )
    case.saw("stack-secret", "value that is given anew", True, state(case, "-given")["value"] == other)
    case.saw("stack-secret-deleted", "status of the deleted stack", "DELETE_COMPLETE", delete(case, ""))
    for name in ("-given", "-made"):
        case.saw("stack-secret-deleted", f"what is left: {name}", "nothing", what_is_left(case, name))


def secret(case: Case, suffix: str, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": _name(case, suffix), **more}}


def state(case: Case, suffix: str) -> dict[str, Any]:
    """Return what there is of a secret, once that is known everywhere. The tags are those of the template."""
    case.cloud.settle()
    described = case.secretsmanager.describe_secret(SecretId=_name(case, suffix))
    tags = {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])}
    return {
        "value": case.secretsmanager.get_secret_value(SecretId=_name(case, suffix))["SecretString"],
        "versions": {version: sorted(stages) for version, stages in described["VersionIdsToStages"].items()},
        "description": described.get("Description"),
        "tags": {name: value for name, value in tags.items() if not name.startswith("aws:")},
    }


def what_is_left(case: Case, suffix: str) -> str:
    """Return what there is of a secret: the whole of it, or one that is scheduled for deletion, or nothing."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            described = case.secretsmanager.describe_secret(SecretId=_name(case, suffix))
        except ClientError as error:
            check_error(error)
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return "nothing"
        if time.monotonic() > end:
            return "a secret that is scheduled for deletion" if "DeletedDate" in described else "the whole secret"
        time.sleep(5)  # Secrets Manager deletes in the background


def _name(case: Case, suffix: str) -> str:
    return f"{SECRET_FOLDER}{case.name(suffix)}"
