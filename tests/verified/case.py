"""What a scenario has in its hands: clients, things to make, and the observations that it takes down."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import requests
from botocore.exceptions import ClientError

from .cloud import Cloud
from .guard import Guard
from .journal import SECRET_FOLDER, Journal
from .normalisation import Normalisation
from .unanswered import check_error, check_post, check_reply, code_of

GOOD_SECRET = json.dumps({"username": "nobody", "accessToken": "none"})
"""Of the right form. No registry knows it."""

OPEN_UPSTREAM = "public.ecr.aws"


class ClaimError(AssertionError):
    """The mock does not do what a scenario says that it does."""


class Stopped(Exception):
    """AWS refused what the scenario needs in order to go on."""


@dataclass(frozen=True)
class Observation:
    """What was seen, and the rows of the fidelity page that it is about."""

    label: str
    rows: tuple[str, ...]
    seen: Any


class Case:
    """One run of a scenario.

    Each observation says what the mock claims. On moto a claim that does not hold is a ``ClaimError``; on AWS nothing
    is claimed, and what was seen is taken down as it is.
    """

    def __init__(self, cloud: Cloud, journal: Journal) -> None:
        self.cloud = cloud
        self.prefix = journal.prefix
        self.account = cloud.account
        self.region = cloud.region
        self.observations: list[Observation] = []
        self.normalise = Normalisation(cloud.account, cloud.region, self.prefix, cloud.registry_url)
        self._guard = Guard(journal)

    # --- clients ------------------------------------------------------------------------------------------------------

    def client(self, service: str, **options: Any) -> Any:
        client = self.cloud.client(service, **options)
        self._guard.watch(client)
        return client

    @cached_property
    def ecr(self) -> Any:
        return self.client("ecr")

    @cached_property
    def unchecked_ecr(self) -> Any:
        """A client that sends what the service model forbids."""
        return self.client("ecr", parameter_validation=False)

    @cached_property
    def secretsmanager(self) -> Any:
        return self.client("secretsmanager")

    @cached_property
    def cloudformation(self) -> Any:
        return self.client("cloudformation")

    def post(self, operation: str, body: bytes, **headers: str) -> requests.Response:
        """Send ECR a request with this body, whatever it is."""
        self._guard.check_raw(operation)
        reply = self.cloud.post(operation, body, {name.replace("_", "-"): value for name, value in headers.items()})
        check_post(reply)
        return reply

    def http(
        self, method: str, path: str, body: Any = None, *, auth: Any = (), host: str | None = None, **headers: str
    ) -> requests.Response:
        """Send a request to the registry endpoint.

        :param auth: None: no credentials are sent
        :param host: another host of the registry than the usual one
        """
        self._guard.check_path(method, path)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        credentials = self.cloud.login if auth == () else auth
        reply = self.cloud.request(method, path, body, named, credentials, host)
        check_reply(reply)
        return reply

    def download(self, url: str, **headers: str) -> requests.Response:
        """Return what is at a URL that ECR gave out. It is authenticated by itself, or not at all."""
        reply = self.cloud.download(url, headers)
        check_reply(reply)
        return reply

    # --- things to make -----------------------------------------------------------------------------------------------

    def name(self, suffix: str = "") -> str:
        """Return a name that bears the prefix of this run."""
        return f"{self.prefix}{suffix}"

    def rule(self, suffix: str = "", url: str = OPEN_UPSTREAM, **more: Any) -> str:
        """Make a rule, and return its prefix."""
        name = self.name(suffix)
        self.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=name, upstreamRegistryUrl=url, **more)
        return name

    def template(self, suffix: str = "", applied_for: Iterable[str] = ("PULL_THROUGH_CACHE",), **settings: Any) -> str:
        """Make a repository creation template, and return its prefix."""
        name = self.name(suffix)
        self.ecr.create_repository_creation_template(prefix=name, appliedFor=list(applied_for), **settings)
        return name

    def repository(self, suffix: str = "/app", **settings: Any) -> str:
        name = self.name(suffix)
        self.ecr.create_repository(repositoryName=name, **settings)
        return name

    def secret(self, suffix: str = "", value: str = GOOD_SECRET) -> str:
        """Make a secret, and return its ARN."""
        name = f"{SECRET_FOLDER}{self.name(suffix)}"
        arn: str = self.secretsmanager.create_secret(Name=name, SecretString=value)["ARN"]
        self.cloud.settle()
        return arn

    def secret_arn(self, suffix: str, region: str | None = None) -> str:
        """Return the ARN of a secret that nobody makes."""
        name = f"{SECRET_FOLDER}{self.name(suffix)}"
        return f"arn:aws:secretsmanager:{region or self.region}:{self.account}:secret:{name}-AbCdEf"

    def wait_for_another_time(self) -> None:
        """Wait until it is later in whole seconds, too: some clocks have no others."""
        time.sleep(1.1)

    # --- observations -------------------------------------------------------------------------------------------------

    def refused(self, rows: str, label: str, code: str, call: Any, **arguments: Any) -> None:
        """Make a call that is claimed to be refused with an exception."""
        seen = self._call(call, arguments, code)
        self._take(rows, label, seen, seen.get("error") == code and seen.get("status") == 400)

    def answered(self, rows: str, label: str, call: Any, **arguments: Any) -> Any:
        """Make a call that is claimed to succeed, and return the answer."""
        try:
            answer = call(**arguments)
        except ClientError as error:
            check_error(error)
            self._take(rows, label, _refusal(error, self.normalise), holds=False)
            raise Stopped(f"{label}: {error}") from None
        self._take(rows, label, {"answer": self.normalise(answer)}, holds=True)
        return answer

    def saw(self, rows: str, label: str, claimed: Any, seen: Any) -> None:
        """Take down something that was seen, where another thing, or the same, is claimed."""
        self._take(rows, label, self.normalise(seen), self.normalise(seen) == self.normalise(claimed))

    def replied(
        self, rows: str, label: str, claimed: tuple[Any, ...], reply: requests.Response, *headers: str
    ) -> requests.Response:
        """Take down the reply of the registry endpoint: status, body if it is an error, and the headers that are named.

        :param claimed: the status, and the code of the error or the text if there is one
        """
        body: Any = reply.text
        if "json" in reply.headers.get("Content-Type", "") and reply.text:
            body = reply.json()
        seen = {"status": reply.status_code}
        if reply.status_code >= 400 and reply.request.method != "HEAD":
            seen["body"] = self.normalise(body)
        if headers:
            seen["headers"] = {name: self.normalise(reply.headers.get(name)) for name in headers}
        found: tuple[Any, ...] = (reply.status_code,)
        if isinstance(body, dict) and body.get("errors"):
            found += (body["errors"][0].get("code"),)
        elif len(claimed) > 1:
            found += (body,)
        self._take(rows, label, seen, found[: len(claimed)] == claimed)
        return reply

    def protocol_reply(self, rows: str, label: str, code: str, reply: requests.Response) -> None:
        """Take down a refusal of a request that no client of AWS sends."""
        seen: dict[str, Any] = {"status": reply.status_code, "error": code_of(reply)}
        try:
            body = reply.json()
            seen["message"] = self.normalise(body.get("message", body.get("Message", "")))
        except ValueError:
            seen["body"] = self.normalise(reply.text)
        self._take(rows, label, seen, (seen["status"], seen["error"]) == (400, code))

    def _call(self, call: Any, arguments: dict[str, Any], claimed: str) -> dict[str, Any]:
        try:
            return {"answer": self.normalise(call(**arguments))}
        except ClientError as error:
            check_error(error, claimed)
            return _refusal(error, self.normalise)

    def _take(self, rows: str, label: str, seen: Any, holds: bool) -> None:
        if any(observation.label == label for observation in self.observations):
            raise ValueError(f"two observations are called '{label}'")
        if not holds and not self.cloud.is_real:
            raise ClaimError(f"rows {rows}: {label}: {json.dumps(seen, indent=2)}")
        self.observations.append(Observation(label, tuple(rows.split()), seen))


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _refusal(error: ClientError, normalise: Normalisation) -> dict[str, Any]:
    return {
        "error": error.response["Error"]["Code"],
        "message": normalise(error.response["Error"].get("Message", "")),
        "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
    }
