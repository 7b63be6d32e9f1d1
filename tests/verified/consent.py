"""Before anything is asked of AWS: who agreed to what, and whose account it is."""

from __future__ import annotations

import re
from argparse import Namespace

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .cloud import Cloud

REGIONS = ("eu-central-1", "eu-west-1", "us-east-1", "us-west-2")
"""Where the scenarios may run. None of them has to be enabled first, and all have the same prices and upstreams."""

COSTS = (
    "Scenarios create and delete rules, templates, repositories, secrets, stacks and, if the registry has none, a "
    "registry policy in your account. You pay for them: see docs/verify.md."
)


_ON_THIS_MACHINE = re.compile(r"https?://(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d{1,5})?/?", re.ASCII)
_FOR_A_STAND_IN = ("AKIAIOSFODNN7EXAMPLE", "secret-of-no-account")


class NoConsent(Exception):
    """What keeps a run from AWS."""


def cloud_of_the_user(arguments: Namespace) -> Cloud:
    """Return the user's account and Region, or the stand-in for them, once everything that is required is there.

    :raises NoConsent: something is missing, or the credentials are those of another account. Without the flags no
        credentials are looked for; for a stand-in none are, since those of a role or of SSO are got from AWS
    """
    _check_flags(arguments)
    try:
        session = _session(arguments)
        credentials = session.get_credentials()
        if credentials is None:
            raise NoConsent("there are no credentials: see boto3's documentation for where they are looked for")
        identity = session.client(
            "sts", endpoint_url=arguments.stand_in, config=Config(ignore_configured_endpoint_urls=True)
        ).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise NoConsent(f"the credentials cannot be used: {error}") from None
    if identity["Account"] != arguments.account:
        raise NoConsent("the credentials are not those of the account that --account names; nothing was done")
    if not identity["Arn"].startswith("arn:aws:"):
        raise NoConsent("only the partition 'aws' is supported; nothing was done")
    return Cloud(
        session,
        account=arguments.account,
        region=arguments.region,
        endpoint_url=arguments.stand_in,
        is_real=True,
        identity=(arguments.account, identity["Arn"], identity["UserId"], *_texts(credentials)),
    )


def _check_flags(arguments: Namespace) -> None:
    if not arguments.aws:
        raise NoConsent("nothing is asked of AWS without --aws")
    if not arguments.i_accept_costs:
        raise NoConsent(f"--i-accept-costs is missing. {COSTS}")
    if not re.fullmatch(r"[0-9]{12}", arguments.account or ""):
        raise NoConsent("--account is missing: type the 12 digits of the account that the credentials have to be of")
    if arguments.region not in REGIONS:
        raise NoConsent(f"--region has to be one of {', '.join(REGIONS)}")
    if arguments.stand_in is not None and not _ON_THIS_MACHINE.fullmatch(arguments.stand_in):
        raise NoConsent("--stand-in has to be the URL of a server on this machine, as http://127.0.0.1:5000")
    if arguments.stand_in is not None and arguments.profile is not None:
        raise NoConsent("--profile is for AWS: --stand-in takes no credentials")


def _session(arguments: Namespace) -> boto3.Session:
    if arguments.stand_in is not None:
        return boto3.Session(*_FOR_A_STAND_IN, region_name=arguments.region)
    return boto3.Session(profile_name=arguments.profile, region_name=arguments.region)


def _texts(credentials: object) -> tuple[str, ...]:
    frozen = credentials.get_frozen_credentials()  # type: ignore[attr-defined]  # botocore has no types
    return tuple(text for text in (frozen.access_key, frozen.secret_key, frozen.token) if text and len(text) >= 16)
