"""Where scenarios run: moto in this process, a moto server, or AWS. All are called in the same way."""

from __future__ import annotations

import base64
import time
from functools import cache, cached_property
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import boto3
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

MOCKED_ACCOUNT = "123456789012"
MOCKED_REGION = "us-east-1"

_TARGET = "AmazonEC2ContainerRegistry_V20150921"
_TIMEOUT = 120


class Cloud:
    """One account in one Region."""

    def __init__(
        self,
        session: boto3.Session,
        *,
        account: str,
        region: str,
        endpoint_url: str | None = None,
        is_real: bool = False,
        identity: tuple[str, ...] = (),
    ) -> None:
        """Address an account.

        :param endpoint_url: of a server on this machine; None: AWS, or moto if this process mocks AWS
        :param is_real: whether this is AWS, or a server that stands in for it: nothing is claimed, all is recorded
        :param identity: what no recording may contain: the account, the caller, his credentials
        """
        self.account = account
        self.region = region
        self.endpoint_url = endpoint_url
        self.is_real = is_real
        self.identity = identity
        self._session = session
        self._clients: dict[str, Any] = {}

    def own_client(self, service: str) -> Any:
        """Return the client of a service that looks after what scenarios leave: always the same one."""
        if service not in self._clients:
            self._clients[service] = self.client(service)
        return self._clients[service]

    @property
    def source(self) -> str:
        """Who answers, in a recording's words."""
        if not self.is_real:
            return "moto"
        return "stand-in" if self.endpoint_url else "AWS"

    def client(self, service: str, **options: Any) -> Any:
        """Return a client that addresses this cloud, whatever endpoints the user's environment names."""
        attempts = 8 if self.is_real and not self.endpoint_url else 1
        config = Config(
            ignore_configured_endpoint_urls=True, retries={"mode": "standard", "max_attempts": attempts}, **options
        )
        return self._session.client(service, region_name=self.region, endpoint_url=self.endpoint_url, config=config)

    def post(self, operation: str, body: bytes, headers: dict[str, str]) -> requests.Response:
        """Send a signed request to ECR with this body, whatever it is."""
        url = self.endpoint_url or f"https://api.ecr.{self.region}.amazonaws.com"
        named = {
            "X-Amz-Target": f"{_TARGET}.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
            **headers,
        }
        request = AWSRequest("POST", f"{url}/", data=body, headers=named)
        SigV4Auth(self._credentials, "ecr", self.region).add_auth(request)
        return requests.post(
            f"{url}/",
            data=body,
            headers=dict(request.headers),
            auth=_as_it_is,
            timeout=_TIMEOUT,
            allow_redirects=False,
        )

    @property
    def _credentials(self) -> Credentials:
        return self._session.get_credentials().get_frozen_credentials()

    # --- the registry endpoint ----------------------------------------------------------------------------------------

    @property
    def registry_host(self) -> str:
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com"

    @property
    def registry_url(self) -> str:
        return self.endpoint_url or f"https://{self.registry_host}"

    @cached_property
    def login(self) -> tuple[str, str]:
        """The user name and password of GetAuthorizationToken."""
        (data,) = self.own_client("ecr").get_authorization_token()["authorizationData"]
        user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
        return user, password

    def request(
        self, method: str, path: str, body: Any, headers: dict[str, str], auth: Any, host: str | None = None
    ) -> requests.Response:
        """Send a request to a host of the registry, the usual one if none is named, and follow no redirection."""
        host = host or self.registry_host
        if self.endpoint_url:
            headers = {"Host": host, **headers}
        return requests.request(
            method,
            (self.endpoint_url or f"https://{host}") + path,
            data=body,
            headers=headers,
            auth=auth or _as_it_is,
            timeout=_TIMEOUT,
            allow_redirects=False,
        )

    def download(self, url: str, headers: dict[str, str]) -> requests.Response:
        """Return what is at a URL that the registry, or the endpoint, gave out."""
        return requests.get(url, headers=headers, auth=_as_it_is, timeout=_TIMEOUT)

    def path_of(self, location: str) -> str:
        """Return the path of a URL that the endpoint gave out."""
        url = urlsplit(location)
        return urlunsplit(("", "", url.path, url.query, ""))

    # --- time ---------------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Wait until what was made is known everywhere: AWS needs a moment, moto none."""
        if self.is_real and not self.endpoint_url:
            time.sleep(10)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Authenticate a request by what it has. Without this, requests would send what the user's netrc has."""
    return request


@cache
def _session() -> boto3.Session:
    """One for all runs: it keeps the parsed service models."""
    return boto3.Session("AKIAIOSFODNN7EXAMPLE", "secret", region_name=MOCKED_REGION)


def mocked(endpoint_url: str | None = None) -> Cloud:
    """Return the account that moto mocks, in this process or on a server."""
    return Cloud(_session(), account=MOCKED_ACCOUNT, region=MOCKED_REGION, endpoint_url=endpoint_url)
