"""CloudFormation's resource type for secrets. Loaded only if moto has none of its own.

Source: CloudFormation resource reference, AWS::SecretsManager::Secret.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, ClassVar, cast

from moto.core.common_models import CloudFormationModel
from moto.secretsmanager.exceptions import InvalidParameterException, SecretNotFoundException
from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend, secretsmanager_backends

from .resources import ResourceType

_PROPERTIES: dict[str, type] = {
    "Name": str,
    "Description": str,
    "SecretString": str,
    "GenerateSecretString": dict,
    "KmsKeyId": str,
    "Tags": list,
    "ReplicaRegions": list,
}
_FLAGS = {
    "ExcludeNumbers": False,
    "ExcludePunctuation": False,
    "ExcludeUppercase": False,
    "ExcludeLowercase": False,
    "IncludeSpace": False,
    "RequireEachIncludedType": True,
}
_TEXTS = ("ExcludeCharacters", "GenerateStringKey", "SecretStringTemplate")
_DEFAULT_LENGTH = 32


class SecretType(ResourceType, CloudFormationModel):
    """AWS::SecretsManager::Secret. All but the name changes in place."""

    service = "AWSSecretsManager"
    attributes: ClassVar[Mapping[str, Callable[[Any], str]]] = {"Id": lambda resource: resource.physical_resource_id}
    hidden: ClassVar[frozenset[str]] = frozenset({"SecretString", "GenerateSecretString"})
    _name = ""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SecretsManager::Secret"

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    def _backend(self) -> SecretsManagerBackend:
        return secretsmanager_backends[self.account_id][self.region]

    def create(self, name: str) -> None:
        properties = self._check()
        self._name = name
        answer = self._backend().create_secret(
            name=name,
            secret_string=self._value(),
            secret_binary=None,
            description=properties.get("Description"),
            tags=properties.get("Tags"),
            kms_key_id=properties.get("KmsKeyId"),
            client_request_token=None,
            replica_regions=properties.get("ReplicaRegions", []),
            force_overwrite=False,
        )
        self.physical_resource_id = json.loads(answer)["ARN"]

    def change(self, new: SecretType) -> Callable[[], None] | None:
        wanted = new._check()
        if wanted.get("Name") != self._properties.get("Name"):
            return None
        secret = self._secret()
        restore = _snapshot(secret)
        try:
            self._change(secret, new, wanted)
        except Exception:
            restore()
            raise
        return restore

    def _change(self, secret: FakeSecret, new: SecretType, wanted: dict[str, Any]) -> None:
        asks_for_a_value = any(
            wanted.get(name) != self._properties.get(name) for name in ("SecretString", "GenerateSecretString")
        )
        value = new._value() if asks_for_a_value else None
        if value is not None:
            self._backend().put_secret_value(
                self.physical_resource_id, value, cast(str, None), cast(str, None), ["AWSCURRENT"]
            )
        secret.description = wanted.get("Description")
        secret.kms_key_id = wanted.get("KmsKeyId")
        secret.tags = wanted.get("Tags")
        self._replicate(secret, wanted.get("ReplicaRegions", []))

    def identifier(self) -> str:
        return self._name

    def secrets(self) -> list[Any]:
        """Return the values that must be masked: what the template gives of the secret's value."""
        generate = self._properties.get("GenerateSecretString")
        template = generate.get("SecretStringTemplate") if isinstance(generate, dict) else None
        return [self._properties.get("SecretString"), template, _parse(template)]

    def remove(self) -> None:
        secret = self._backend().secrets.get(self.physical_resource_id)
        if secret is None:
            return
        self._replicate(cast(FakeSecret, secret), [])
        self._backend().delete_secret(self.physical_resource_id, None, True)

    def _secret(self) -> FakeSecret:
        secret = self._backend().secrets.get(self.physical_resource_id)
        if secret is None:
            raise SecretNotFoundException
        return cast(FakeSecret, secret)

    def _replicate(self, secret: FakeSecret, wanted: list[dict[str, str]]) -> None:
        """Make the Regions of the replicas exactly these."""
        here = {replica.region for replica in secret.replicas}
        regions = {replica["Region"] for replica in wanted}
        if here - regions:
            self._backend().remove_regions_from_replication(self.physical_resource_id, sorted(here - regions))
        missing = [replica for replica in wanted if replica["Region"] not in here]
        if missing:
            self._backend().replicate_secret_to_regions(self.physical_resource_id, missing, False)

    def _check(self) -> dict[str, Any]:
        """Return the properties.

        :raises InvalidParameterException: one is unknown or malformed
        """
        for name, value in self._properties.items():
            if name not in _PROPERTIES:
                raise InvalidParameterException(f"Encountered unsupported property {name}")
            if not isinstance(value, _PROPERTIES[name]):
                raise InvalidParameterException(f"Value of property {name} has the wrong type")
        if "SecretString" in self._properties and "GenerateSecretString" in self._properties:
            raise InvalidParameterException("You can't specify both SecretString and GenerateSecretString")
        for name, member in (("Tags", "Key"), ("ReplicaRegions", "Region")):
            for item in self._properties.get(name, []):
                if not isinstance(item, dict) or not isinstance(item.get(member), str):
                    raise InvalidParameterException(f"Each of {name} must have a {member}")
        for replica in self._properties.get("ReplicaRegions", []):
            if replica["Region"] not in secretsmanager_backends[self.account_id].regions:
                raise InvalidParameterException(f"Invalid replica region {replica['Region']}")
        return self._properties

    def _value(self) -> str | None:
        """Return the secret's value, given or generated; None if the properties have none."""
        generate = self._properties.get("GenerateSecretString")
        if generate is None:
            return cast("str | None", self._properties.get("SecretString"))
        for name in generate:
            if name not in (*_FLAGS, *_TEXTS, "PasswordLength"):
                raise InvalidParameterException(f"Encountered unsupported property {name}")
        key, template = generate.get("GenerateStringKey"), generate.get("SecretStringTemplate")
        if (key is None) != (template is None):
            raise InvalidParameterException("GenerateStringKey and SecretStringTemplate must be specified together")
        password = self._password(generate)
        if template is None:
            return password
        document = _parse(template)
        if not isinstance(document, dict):
            raise InvalidParameterException("Could not parse SecretStringTemplate JSON")
        return json.dumps({**document, key: password})

    def _password(self, settings: Mapping[str, Any]) -> str:
        flags = {name: _boolean(name, settings.get(name, default)) for name, default in _FLAGS.items()}
        try:
            length = int(settings.get("PasswordLength", _DEFAULT_LENGTH))
        except (TypeError, ValueError):
            raise InvalidParameterException("Value of property PasswordLength must be of type Integer") from None
        if not 4 <= length <= 4096:  # moto's own refusal has no code of its own
            raise InvalidParameterException("PasswordLength must be between 4 and 4096")
        answer = self._backend().get_random_password(
            password_length=length,
            exclude_characters=str(settings.get("ExcludeCharacters", "")),
            exclude_numbers=flags["ExcludeNumbers"],
            exclude_punctuation=flags["ExcludePunctuation"],
            exclude_uppercase=flags["ExcludeUppercase"],
            exclude_lowercase=flags["ExcludeLowercase"],
            include_space=flags["IncludeSpace"],
            require_each_included_type=flags["RequireEachIncludedType"],
        )
        return str(json.loads(answer)["RandomPassword"])


def _snapshot(secret: FakeSecret) -> Callable[[], None]:
    """Save the state of a secret, with its versions, stages and replicas, and return what restores it."""
    state = dict(vars(secret))
    versions = deepcopy(secret.versions)
    replicas = list(secret.replicas)

    def restore() -> None:
        stores = secretsmanager_backends[secret.account_id]
        for replica in secret.replicas:
            if replica.has_replica and replica not in replicas:
                dict.pop(stores[replica.region].secrets, replica.arn, None)
        for replica in replicas:
            if replica.has_replica:
                stores[replica.region].secrets[replica.arn] = replica
        vars(secret).update({**state, "versions": versions, "replicas": replicas})

    return restore


def _parse(template: Any) -> Any:
    try:
        return json.loads(template)
    except (TypeError, ValueError, RecursionError):
        return None


def _boolean(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise InvalidParameterException(f"Value of property {name} must be of type Boolean")
