"""An emulator of AWS as its users reach it: boto3 clients and a registry endpoint at one URL; images to put there."""

from __future__ import annotations

import base64
import hashlib
import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import boto3
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

REGION = "us-east-1"
UPSTREAM_REGION = "eu-west-1"
OTHER_ACCOUNT = "210987654321"
TIMEOUT = 30

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


class No(Exception):
    """The emulator answers, and not as ECR does."""


def insist(holds: bool, otherwise: str) -> None:
    """Go on if this holds; else the answer is no, for the reason given."""
    if not holds:
        raise No(otherwise)


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Image:
    """An image of one layer, with its manifest; the text makes it differ from others."""

    def __init__(self, text: str, subject: Image | None = None) -> None:
        self.config = b"{}"
        self.layer = text.encode()
        self.document: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._descriptor("application/vnd.oci.image.config.v1+json", self.config),
            "layers": [self._descriptor("application/vnd.oci.image.layer.v1.tar", self.layer)],
        }
        if subject:
            self.document["artifactType"] = "application/vnd.example.note"
            self.document["subject"] = self._descriptor(MANIFEST, subject.manifest.encode())

    @staticmethod
    def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
        return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}

    @property
    def manifest(self) -> str:
        return json.dumps(self.document)

    @property
    def digest(self) -> str:
        return digest_of(self.manifest.encode())


def index_of(*images: Image) -> str:
    """Return the manifest of an index that holds these images, each for an architecture of its own."""
    children = [
        {
            "mediaType": MANIFEST,
            "digest": image.digest,
            "size": len(image.manifest),
            "platform": {"os": "linux", "architecture": architecture},
        }
        for image, architecture in zip(images, ("amd64", "arm64"))
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": children})


class Emulator:
    """Whatever answers at an endpoint URL. Nothing but AWS's own calls is used, except where a method says so."""

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url.rstrip("/")
        self.ecr = self.client("ecr")
        self.upstream = self.client("ecr", UPSTREAM_REGION)

    def client(self, service: str, region: str = REGION, keys: dict[str, str] | None = None) -> Any:
        """Return a client; the keys are those of the account's root unless others are given."""
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint_url,
            config=Config(retries={"max_attempts": 0}, connect_timeout=TIMEOUT, read_timeout=TIMEOUT),
            **(keys or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}),
        )

    @property
    def account(self) -> str:
        return str(self.client("sts").get_caller_identity()["Account"])

    def secret(self, name: str, value: str) -> str:
        """Create a secret and return its ARN."""
        secrets = self.client("secretsmanager")
        return str(secrets.create_secret(Name=f"ecr-pullthroughcache/{name}", SecretString=value)["ARN"])

    def keys_in_other_account(self) -> dict[str, str]:
        """Return keys of another account: of an assumed role or, as several emulators have it, the account's number."""
        role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/comparison"
        found = self.client("sts").assume_role(RoleArn=role, RoleSessionName="comparison")["Credentials"]
        assumed = {
            "aws_access_key_id": found["AccessKeyId"],
            "aws_secret_access_key": found["SecretAccessKey"],
            "aws_session_token": found["SessionToken"],
        }
        numbered = {"aws_access_key_id": OTHER_ACCOUNT, "aws_secret_access_key": "test"}
        for keys in (assumed, numbered):
            if self.client("sts", keys=keys).get_caller_identity()["Account"] == OTHER_ACCOUNT:
                return keys
        raise No("there is no second account")

    def put(self, ecr: Any, repository: str, image: Image, tag: str | None = None) -> None:
        """Push an image by the API. Where layers cannot be uploaded, the manifest alone may do."""
        with suppress(ClientError):
            for blob in (image.config, image.layer):
                self._upload(ecr, repository, blob)
        self.put_manifest(ecr, repository, image.manifest, MANIFEST, tag)

    @staticmethod
    def _upload(ecr: Any, repository: str, blob: bytes) -> None:
        upload = {
            "repositoryName": repository,
            "uploadId": ecr.initiate_layer_upload(repositoryName=repository)["uploadId"],
        }
        ecr.upload_layer_part(**upload, partFirstByte=0, partLastByte=len(blob) - 1, layerPartBlob=blob)
        ecr.complete_layer_upload(**upload, layerDigests=[digest_of(blob)])

    def put_manifest(self, ecr: Any, repository: str, manifest: str, media_type: str, tag: str | None = None) -> None:
        """Put a manifest whose blobs or images are there."""
        arguments = {"imageTag": tag} if tag else {"imageDigest": digest_of(manifest.encode())}
        ecr.put_image(repositoryName=repository, imageManifest=manifest, imageManifestMediaType=media_type, **arguments)

    def rule_for_upstream(self, prefix: str) -> None:
        """Create a rule whose upstream is this account's ECR in another Region, where images can be put by the API."""
        url = f"{self.account}.dkr.ecr.{UPSTREAM_REGION}.amazonaws.com"
        self.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl=url)

    def upstream_image(self, repository: str, text: str, tag: str = "v1") -> Image:
        """Put an image at the upstream, in a repository that this makes."""
        image = Image(text)
        self.upstream.create_repository(repositoryName=repository)
        self.put(self.upstream, repository, image, tag)
        return image

    def enforce_iam(self, after_calls: str) -> None:
        """Have moto check rights after so many calls; others are started with their own switch, and answer 404."""
        requests.post(f"{self.endpoint_url}/moto-api/reset-auth", data=after_calls, timeout=TIMEOUT)

    def registry(self) -> Registry:
        """Return the registry endpoint that GetAuthorizationToken names, for its user and password."""
        (data,) = self.ecr.get_authorization_token()["authorizationData"]
        user, password = base64.b64decode(data["authorizationToken"]).decode().split(":", 1)
        return Registry(self.endpoint_url, urlsplit(data["proxyEndpoint"]).netloc, (user, password))


class Registry:
    """The endpoint that image clients speak to, at the same port.

    A ``Host`` below ``localhost`` is sent along, since some emulators tell their registries apart by it.
    """

    def __init__(self, url: str, host: str, login: tuple[str, str]) -> None:
        self.url = url
        self.login = login
        self.headers = {"Host": host} if "localhost" in host else {}

    def ask(self, method: str, path: str, **arguments: Any) -> requests.Response:
        headers = {**self.headers, **arguments.pop("headers", {})}
        options = {"auth": self.login, "timeout": TIMEOUT, "allow_redirects": True, **arguments}
        return requests.request(method, f"{self.url}{path}", headers=headers, **options)

    def pull(self, path: str) -> requests.Response:
        """Get a manifest or a blob, which must be there."""
        answer = self.ask("GET", path, headers={"Accept": f"{MANIFEST}, {INDEX}, */*"})
        insist(answer.status_code == 200, f"GET {path}: HTTP {answer.status_code} {answer.text[:80]!r}")
        return answer

    def push(self, repository: str, image: Image, tag: str) -> requests.Response:
        """Push an image, and return the answer to its manifest."""
        for blob in (image.config, image.layer):
            begun = self.ask("POST", f"/v2/{repository}/blobs/uploads/")
            insist(begun.status_code == 202, f"POST blobs/uploads: HTTP {begun.status_code} {begun.text[:80]!r}")
            place = urlsplit(begun.headers["Location"])
            query = f"{place.query}&" if place.query else ""
            done = self.ask("PUT", f"{place.path}?{query}digest={digest_of(blob)}", data=blob)
            insist(done.status_code == 201, f"PUT of a blob: HTTP {done.status_code} {done.text[:80]!r}")
        path = f"/v2/{repository}/manifests/{tag}"
        return self.ask("PUT", path, data=image.manifest, headers={"Content-Type": MANIFEST})
