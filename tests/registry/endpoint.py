"""The registry endpoint as tests see it: plain HTTP, in process by the registry's host or by a server's."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import requests

from conftest import ACCOUNT, REGION, Aws

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def registry_host(account: str = ACCOUNT, region: str = REGION) -> str:
    return f"{account}.dkr.ecr.{region}.amazonaws.com"


class Endpoint:
    """The endpoint of one registry, and a client that is logged in to it."""

    def __init__(self, aws: Aws, account: str = ACCOUNT, region: str = REGION) -> None:
        self.aws = aws
        self.host = registry_host(account, region)
        self.base_url = aws.endpoint_url or f"https://{self.host}"
        self.auth = ("AWS", password(aws, account, region))

    def __call__(
        self, method: str, path: str, body: Any = None, *, auth: Any = (), **options: Any
    ) -> requests.Response:
        """Send a request; ``auth=None`` sends it without credentials."""
        headers = {**({"Host": self.host} if self.aws.endpoint_url else {}), **options.pop("headers", {})}
        return requests.request(
            method,
            path if "://" in path else self.base_url + path,
            data=body,
            headers=headers,
            auth=self.auth if auth == () else auth,
            timeout=60,
            **options,
        )

    def push_blob(self, repository: str, content: bytes) -> str:
        """Upload a blob, and return its digest."""
        location = self("POST", f"/v2/{repository}/blobs/uploads/").headers["Location"]
        answer = self("PUT", self.local(location), content, params={"digest": sha256(content)})
        assert answer.status_code == 201, answer.text
        return sha256(content)

    def push_manifest(self, repository: str, reference: str, document: dict[str, Any], **options: Any) -> bytes:
        """Store a manifest, and return its bytes."""
        content = json.dumps(document).encode()
        answer = self("PUT", f"/v2/{repository}/manifests/{reference}", content, **media_type(document), **options)
        assert answer.status_code == 201, answer.text
        return content

    def push_image(self, repository: str, reference: str, layer: bytes = b"layer", **members: Any) -> bytes:
        """Upload an image of one layer, and return its manifest."""
        digests = [self.push_blob(repository, blob) for blob in (b"{}", layer)]
        return self.push_manifest(repository, reference, image_manifest(digests, [2, len(layer)], **members))

    def local(self, location: str) -> str:
        """Return a URL that the endpoint gave out as this machine reaches it: its host is the one that was called."""
        return location.replace(f"http://{self.host}", self.base_url) if self.aws.endpoint_url else location


def password(aws: Aws, account: str = ACCOUNT, region: str = REGION, **client: Any) -> str:
    """Return the password of GetAuthorizationToken."""
    ecr = aws.client("ecr", region, account=None if account == ACCOUNT else account, **client)
    (data,) = ecr.get_authorization_token()["authorizationData"]
    user, _, text = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    assert user == "AWS"
    return text


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def image_manifest(digests: list[str], sizes: list[int], **members: Any) -> dict[str, Any]:
    """Return an OCI image manifest: the first digest and size are the configuration's, the others the layers'."""
    config, *layers = (
        {"mediaType": OCI_LAYER if number else OCI_CONFIG, "digest": digest, "size": size}
        for number, (digest, size) in enumerate(zip(digests, sizes))
    )
    return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers, **members}


def media_type(document: dict[str, Any]) -> dict[str, Any]:
    """Return the header that says a manifest's media type, as an option of a request."""
    return {"headers": {"Content-Type": document["mediaType"]}}


def error(answer: requests.Response) -> tuple[int, str, str]:
    """Return the status of a refusal with its code and message."""
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert answer.text.endswith("}\n")
    (only,) = answer.json()["errors"]
    assert set(only) == {"code", "message"}
    return answer.status_code, only["code"], only["message"]
