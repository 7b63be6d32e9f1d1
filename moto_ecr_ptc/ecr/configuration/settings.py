"""The account settings of ECR."""

from __future__ import annotations

from moto.core.base_backend import backend_lock

from ..exceptions import InvalidAccountSetting

ACCOUNT_SETTINGS = {
    "BASIC_SCAN_TYPE_VERSION": ("AWS_NATIVE", "CLAIR"),
    "REGISTRY_POLICY_SCOPE": ("V2", "V1"),
    "BLOB_MOUNTING": ("DISABLED", "ENABLED"),
}
"""The settings of an account in a Region and their values, the default first."""


class AccountSettings:
    """The settings of one registry."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def get(self, *, name: str) -> str:
        """Return a setting's value. (GetAccountSetting)

        :raises InvalidParameterException: there is no such setting
        """
        if name not in ACCOUNT_SETTINGS:
            raise InvalidAccountSetting("name", ACCOUNT_SETTINGS)
        return self._values.get(name, ACCOUNT_SETTINGS[name][0])

    def put(self, *, name: str, value: str) -> str:
        """Change a setting and return its value. (PutAccountSetting)

        :raises InvalidParameterException: there is no such setting, or it has no such value
        """
        with backend_lock:
            self.get(name=name)
            if value not in ACCOUNT_SETTINGS[name]:
                raise InvalidAccountSetting("value", ACCOUNT_SETTINGS[name])
            self._values[name] = value
            return value
