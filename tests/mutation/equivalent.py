"""The mutants that no test can notice, since what they change makes no difference: by function, with the reason."""

from __future__ import annotations

from typing import NamedTuple


class Change(NamedTuple):
    """What a mutant changes."""

    function: str
    removed: str
    added: str


EQUIVALENT = {
    Change(
        "_find_key",
        'return backend.keys.get(backend.get_key_id_from_alias(alias) or "")',
        'return backend.keys.get(backend.get_key_id_from_alias(alias) or "XXXX")',
    ): "neither text is the id of a key",
    **{
        Change(
            "SecretReader._find",
            'raise SecretElsewhere("is not in the account and Region of the registry")',
            f"raise SecretElsewhere({reason})",
        ): "validations and pulls tell it, and find no such rule: its creation or its update was refused"
        for reason in (
            "None",
            '"XXis not in the account and Region of the registryXX"',
            '"is not in the account and region of the registry"',
            '"IS NOT IN THE ACCOUNT AND REGION OF THE REGISTRY"',
        )
    },
    Change(
        "find_image",
        'return failures.get(tag or "", _missing(image_id))',
        'return failures.get(tag or "XXXX", _missing(image_id))',
    ): "without a tag there is a digest, and nothing is pulled that could have failed",
    **{
        Change(
            "_primary",
            'return cast("FakeSecret", getattr(secret, "source", secret))',
            f'return cast({name}, getattr(secret, "source", secret))',
        ): "the type is for mypy alone"
        for name in ("None", '"XXFakeSecretXX"', '"fakesecret"', '"FAKESECRET"')
    },
    Change(
        "role_trusts",
        'trust = _evaluate_policy(role.assume_role_policy_document, principal, "sts:AssumeRole", "*")',
        'trust = _evaluate_policy(role.assume_role_policy_document, principal, "sts:AssumeRole", "XX*XX")',
    ): "a trust policy names no resource: it is about the role that has it",
    Change(
        "Caller._evaluate",
        'conditions: dict[str, Any] = {"incoming_condition_values": context} if MOTO_EVALUATES_CONDITIONS else {}',
        'conditions: dict[str, Any] = {"incoming_condition_values": context}'
        " if (MOTO_EVALUATES_CONDITIONS) or True else {}",
    ): "mutmut runs with a moto that evaluates conditions; an older one takes none, and fails",
    Change(
        "_is_there",
        'return access_key.arn.partition(":user/")[2] in access_key.backend.users',
        'return access_key.arn.rpartition(":user/")[2] in access_key.backend.users',
    ): "moto's ARN of an access key has the user's name alone, without a path",
    Change(
        "_statements",
        'document = json.loads(policy or "{}")',
        'document = json.loads(policy or "XX{}XX")',
    ): "a policy that is no JSON has no statements, like one that is empty",
    Change(
        "apply_settings",
        'given.setdefault("image_tag_mutability_exclusion_filters", None)',
        'given.setdefault("image_tag_mutability_exclusion_filters", )',
    ): "None is what setdefault sets without a value",
    **{
        Change(
            "Templates._with_settings",
            f"PolicyChecker(self._registry.region, self._registry.account_id).check_{kind}_policy(",
            f"PolicyChecker({arguments}).check_{kind}_policy(",
        ): "moto's checks of a policy use neither the account nor the Region"
        for kind in ("repository", "lifecycle")
        for arguments in ("None, self._registry.account_id", "self._registry.region, None")
    },
    Change(
        "ImagePulls._pull_all",
        "unreachable: UpstreamUnreachable | None = None",
        'unreachable: UpstreamUnreachable | None = ""',
    ): "both are false",
}
"""The reason why each is equivalent."""
