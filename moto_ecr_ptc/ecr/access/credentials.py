"""The secret of a rule: whether ECR can use it, and what it holds.

When a rule is created or updated, its secret must exist and be readable; its value is not checked. When the rule is
validated, and at each pull, the current value is read too.

Source: Amazon ECR user guide, "Storing your upstream repository credentials in an AWS Secrets Manager secret".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Union, cast

from moto.backends import get_backend

from ..exceptions import (
    SecretElsewhere,
    SecretNotFoundException,
    UnableToAccessSecretException,
    UnableToDecryptSecretValueException,
)
from ..registry_id import RegistryId
from .iam import PULL_THROUGH_CACHE_ROLE, Caller, check_custom_role, policy_denies_role

if TYPE_CHECKING:
    from moto.core.base_backend import AccountSpecificBackend
    from moto.kms.models import Key, KmsBackend
    from moto.secretsmanager.models import FakeSecret, ReplicaSecret

    Secret = Union[FakeSecret, ReplicaSecret]

_DEFAULT_KEY = "alias/aws/secretsmanager"
_KMS_ARN = re.compile(r"arn:[^:]+:kms:(?P<region>[^:]+):(?P<account>[^:]+):(?:key|alias)/.+")


@dataclass(frozen=True)
class UpstreamCredentials:
    """What ECR presents to an upstream registry."""

    username: str = field(repr=False)
    access_token: str = field(repr=False)


class MalformedSecret(ValueError):
    """A secret without valid credentials."""

    @property
    def reason(self) -> str:
        """Why it has none, as a phrase that follows the secret's ARN."""
        return str(self)


@dataclass(frozen=True)
class SecretReader:
    """Reads secrets as ECR does for the registry of one account in one Region."""

    registry: RegistryId
    enforce_policies: bool
    """Whether the secrets' resource policies apply: only while moto enforces IAM."""

    def check(self, arn: str) -> None:
        """Check that ECR can read the secret, whatever its value is.

        :param arn: a secret's ARN, with or without the six random characters that Secrets Manager puts at its end
        :raises SecretNotFoundException: there is no such secret in this account and Region
        :raises UnableToAccessSecretException: it is deleted, has no current value, or its policy denies ECR
        :raises UnableToDecryptSecretValueException: its KMS key cannot be used
        """
        self._read_value(arn)

    def read(self, arn: str) -> UpstreamCredentials:
        """Return the credentials that the secret holds now.

        :raises SecretException: as ``check``
        :raises MalformedSecret: the value is not a JSON object with a ``username`` and an ``accessToken``
        """
        value = self._read_value(arn)
        if value.get("secret_string") is None:
            raise MalformedSecret("holds a binary value; it must hold a JSON object")
        return _parse(value["secret_string"])

    def _read_value(self, arn: str) -> dict[str, Any]:
        """Return the secret's current version, as moto keeps it."""
        secret = self._find(arn)
        primary = _primary(secret)
        if primary.is_deleted():
            raise UnableToAccessSecretException("is scheduled for deletion")
        # moto can leave AWSCURRENT on two versions, and its own GetSecretValue takes the older one.
        current = [version for version in secret.versions.values() if "AWSCURRENT" in version["version_stages"]]
        if not current:
            raise UnableToAccessSecretException("has no current value")
        if self.enforce_policies and policy_denies_role(
            primary.policy,
            PULL_THROUGH_CACHE_ROLE,
            registry=self.registry,
            action="secretsmanager:GetSecretValue",
            resource=secret.arn,
        ):
            raise UnableToAccessSecretException("has a resource policy that denies Amazon ECR")
        if secret is primary:  # moto encrypts replicas with the default key
            self._check_key(primary.kms_key_id)
        return current[-1]

    def _find(self, arn: str) -> Secret:
        account_id, region = self.registry
        here = f"arn:{self.registry.partition}:secretsmanager:{region}:{account_id}:secret:"
        if not arn.startswith(here):
            raise SecretElsewhere("is not in the account and Region of the registry")
        secrets = get_backend("secretsmanager")[account_id][region].secrets
        # moto itself finds a replica by its full ARN or its name, not by an ARN without the random characters.
        secret = secrets.get(arn) or secrets.get(arn[len(here) :])
        if secret is None:
            raise SecretNotFoundException("does not exist")
        return secret

    def _check_key(self, key_id: str | None) -> None:
        if not key_id or key_id == _DEFAULT_KEY:
            return
        problem = find_key_problem(key_id, self.registry)
        if problem:
            raise UnableToDecryptSecretValueException(f"is encrypted with the KMS key '{key_id}', {problem}")


def check_credentials(
    registry: RegistryId, credential_arn: str | None, custom_role_arn: str | None, caller: Caller | None
) -> None:
    """Check that a registry can be given a secret and a role, those that are not None.

    :raises SecretException, InvalidParameterException, AccessDeniedException: it cannot
    """
    if credential_arn:
        SecretReader(registry, enforce_policies=caller is not None).check(credential_arn)
    if custom_role_arn:
        check_custom_role(custom_role_arn, registry, caller)


def find_key_problem(key_id: str, registry: RegistryId) -> str | None:
    """Return why a KMS key cannot be used, as a phrase that follows its name; None if it can.

    :param key_id: an id, alias or ARN; without an ARN, of this account and Region
    """
    arn = _KMS_ARN.fullmatch(key_id)
    account_id, region = (arn["account"], arn["region"]) if arn else registry
    key = _find_key(get_backend("kms")[account_id], region, key_id)
    if key is None:
        return "which does not exist"
    return None if key.key_state == "Enabled" else f"whose state is {key.key_state}"


def _find_key(backends: AccountSpecificBackend[KmsBackend], region: str, key_id: str) -> Key | None:
    if region not in backends:
        return None
    backend = backends[region]
    alias = backend.get_alias_name(key_id)
    if alias.startswith("alias/"):
        return backend.keys.get(backend.get_key_id_from_alias(alias) or "")
    return backend.keys.get(backend.get_key_id(key_id))


def _primary(secret: Secret) -> FakeSecret:
    return cast("FakeSecret", getattr(secret, "source", secret))


def _parse(value: str) -> UpstreamCredentials:
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        raise MalformedSecret("does not hold valid JSON") from None
    if not isinstance(document, dict):
        raise MalformedSecret("holds JSON that is not an object")
    faults = [
        f"'{key}' is {'missing' if key not in document else 'not a non-empty string'}"
        for key in ("username", "accessToken")
        if not (isinstance(document.get(key), str) and document[key] and _is_text(document[key]))
    ]
    if faults:
        raise MalformedSecret(f"holds a JSON object in which {' and '.join(faults)}")
    return UpstreamCredentials(document["username"], document["accessToken"])


def _is_text(value: str) -> bool:
    """Return whether a string can be encoded: JSON can express half of a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
