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
}
"""The reason why each is equivalent."""
