"""What AWS's clients lack to call a server: credentials and a Region, which they look for before they send anything."""

from __future__ import annotations

import os

import botocore.session
from botocore.exceptions import BotoCoreError

_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
_REGION = "us-east-1"

_SOURCES_OF_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
"""The variables that lead to credentials. Those of an instance's role are not looked for: that takes a network."""

_SETTINGS_WITH_CREDENTIALS = (
    "aws_access_key_id",
    "credential_process",
    "login_session",
    "role_arn",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
)
"""The settings of a profile that lead to credentials."""


def missing_variables() -> dict[str, str]:
    """Return the environment variables that boto3 needs and that neither the environment nor a profile makes up for.

    Nothing is sent to anybody, and no variable that is set is among them.
    """
    variables = {} if _has_credentials() else dict(_CREDENTIALS)
    if not _has_region():
        variables["AWS_DEFAULT_REGION"] = os.environ.get("AWS_REGION", _REGION)
    return variables


def _has_credentials() -> bool:
    if any(name in os.environ for name in _SOURCES_OF_CREDENTIALS):
        return True
    try:
        profile = botocore.session.Session().get_scoped_config()
    except BotoCoreError:  # a profile or a file that boto3 will complain about, to the user
        return True
    return any(setting in profile for setting in _SETTINGS_WITH_CREDENTIALS)


def _has_region() -> bool:
    try:
        return botocore.session.Session().get_config_variable("region") is not None
    except BotoCoreError:
        return True
