"""The requests of the sequences, and their answers in the words of the reference."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import requests
from botocore.exceptions import ClientError

from conftest import ACCOUNT, LIFECYCLE_POLICY, MODEL, REPOSITORY_POLICY, Aws, allow, enforced, rules, templates, user
from tests.registry.endpoint import Endpoint, error, sha256
from tests.stateful.contents import HOME, NEIGHBOUR, Image, OwnImage, Registry, all_blobs
from tests.stateful.registry_model import Refused

HAS_REFERRERS = "ListImageReferrers" in MODEL.operation_names
PURPOSES = MODEL.shape_for("RCTAppliedFor").enum
TAGS_OF_TEMPLATE = [{"Key": "team", "Value": "a"}]

__all__ = ["HAS_REFERRERS", "LIFECYCLE_POLICY", "PURPOSES", "REPOSITORY_POLICY", "Calls"]


class Calls:
    """Clients of all registries of one mocked AWS."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self._clients: dict[Registry, Any] = {}
        self._endpoints: dict[tuple[Registry, Registry], Endpoint] = {}
        self._user: dict[str, str] | None = None

    def log_in_anew(self) -> None:
        """Use new tokens from now on, since they expire."""
        self._endpoints.clear()

    def forget(self) -> None:
        """Use nothing of before a reset."""
        self._endpoints.clear()
        self._user = None

    def ecr(self, registry: Registry) -> Any:
        if registry not in self._clients:
            account = None if registry.account == ACCOUNT else registry.account
            self._clients[registry] = self.aws.client("ecr", registry.region, account=account)
        return self._clients[registry]

    def secrets(self, registry: Registry) -> Any:
        return self.aws.client("secretsmanager", registry.region)

    def api(self, registry: Registry, operation: str, **members: Any) -> Any:
        """Send a request.

        :raises Refused: it is refused
        """
        return _answer(getattr(self.ecr(registry), operation), members)

    # --- pulls -------------------------------------------------------------------------------------------------------

    def get_images(self, registry: Registry, name: str, references: Sequence[str]) -> list[str]:
        return _found(self.api(registry, "batch_get_image", **_images(name, references)), references)

    def get_images_restricted(self, name: str, references: Sequence[str]) -> list[str]:
        """Get images as a user who has no right but that, while moto enforces IAM."""
        if self._user is None:
            self._user = user(self.aws, allow("ecr:BatchGetImage"))
        ecr = self.aws.client("ecr", HOME.region, **self._user)
        return _found(
            _answer(lambda **members: enforced(ecr.batch_get_image, **members), _images(name, references)), references
        )

    def get_manifest(self, registry: Registry, method: str, name: str, reference: str) -> str:
        """Return the digest of what the endpoint answers, or its status and code."""
        return _manifest(self.endpoint(registry)(method, f"/v2/{name}/manifests/{reference}"))

    def get_manifest_as_neighbour(self, name: str, reference: str) -> str:
        """Send the token of another account to the host of this one."""
        return _manifest(self.endpoint(HOME, NEIGHBOUR)("GET", f"/v2/{name}/manifests/{reference}"))

    def get_layer(self, registry: Registry, name: str, digest: str) -> str:
        url = self.api(registry, "get_download_url_for_layer", repositoryName=name, layerDigest=digest)["downloadUrl"]
        return sha256(requests.get(url, timeout=60).content)

    def get_blob(self, registry: Registry, name: str, digest: str) -> str:
        answer = self.endpoint(registry)("GET", f"/v2/{name}/blobs/{digest}")
        return sha256(answer.content) if answer.ok else _error(answer)

    def list_referrers(self, registry: Registry, name: str, digest: str) -> list[str]:
        members = {"repositoryName": name, "subjectId": {"imageDigest": digest}}
        referrers = self.api(registry, "list_image_referrers", **members)["referrers"]
        return sorted(referrer["digest"] for referrer in referrers)

    # --- pushes ------------------------------------------------------------------------------------------------------

    def put_image(self, registry: Registry, name: str, tag: str, image: Image) -> None:
        self.api(
            registry,
            "put_image",
            repositoryName=name,
            imageTag=tag,
            imageManifest=image.content,
            imageManifestMediaType=image.media_type,
        )

    def upload_layer(self, registry: Registry, name: str, content: bytes) -> None:
        upload = self.api(registry, "initiate_layer_upload", repositoryName=name)["uploadId"]
        self.api(
            registry,
            "upload_layer_part",
            repositoryName=name,
            uploadId=upload,
            partFirstByte=0,
            partLastByte=len(content) - 1,
            layerPartBlob=content,
        )
        digests = [sha256(content)]
        self.api(registry, "complete_layer_upload", repositoryName=name, uploadId=upload, layerDigests=digests)

    def push_blobs(self, registry: Registry, name: str, own: OwnImage) -> str:
        """Push what an image consists of to the endpoint, and return the first answer that is no success."""
        endpoint = self.endpoint(registry)
        for content in (own.config, own.layer):
            answer = endpoint("POST", f"/v2/{name}/blobs/uploads/", content, params={"digest": sha256(content)})
            if not answer.ok:
                return _error(answer)
        return "201"

    def push_manifest(self, registry: Registry, name: str, tag: str, image: Image) -> str:
        headers = {"Content-Type": image.media_type}
        answer = self.endpoint(registry)("PUT", f"/v2/{name}/manifests/{tag}", image.content, headers=headers)
        return "201" if answer.status_code == 201 else _error(answer)

    # --- deletions ---------------------------------------------------------------------------------------------------

    def delete(self, registry: Registry, name: str, reference: str) -> str:
        answer = self.api(registry, "batch_delete_image", **_images(name, [reference]))
        return answer["failures"][0]["failureCode"] if answer["failures"] else "deleted"

    def delete_by_endpoint(self, registry: Registry, name: str, reference: str) -> str:
        answer = self.endpoint(registry)("DELETE", f"/v2/{name}/manifests/{reference}")
        return "deleted" if answer.status_code == 202 else _error(answer)

    # --- what is there -----------------------------------------------------------------------------------------------

    def rules(self, registry: Registry) -> dict[str, tuple[str, Any, Any]]:
        return {
            rule["ecrRepositoryPrefix"]: (
                rule["upstreamRegistryUrl"],
                rule.get("upstreamRepositoryPrefix"),
                rule.get("credentialArn"),
            )
            for rule in rules(self.ecr(registry))
        }

    def templates(self, registry: Registry) -> dict[str, tuple[Any, ...]]:
        return {
            template["prefix"]: (
                tuple(template["appliedFor"]),
                template["imageTagMutability"],
                template.get("repositoryPolicy"),
                bool(template.get("resourceTags")),
            )
            for template in templates(self.ecr(registry))
        }

    def repositories(self, registry: Registry) -> dict[str, Any]:
        ecr = self.ecr(registry)
        return {
            repository["repositoryName"]: {
                "blobs": self._blobs(ecr, repository["repositoryName"]),
                "images": self._images(ecr, repository["repositoryName"]),
                "mutability": repository["imageTagMutability"],
                "policy": self._policy(registry, repository["repositoryName"]),
            }
            for repository in ecr.describe_repositories()["repositories"]
        }

    def _blobs(self, ecr: Any, name: str) -> set[str]:
        digests = sorted(all_blobs())
        layers = ecr.batch_check_layer_availability(repositoryName=name, layerDigests=digests)["layers"]
        return {layer["layerDigest"] for layer in layers}

    def _images(self, ecr: Any, name: str) -> dict[str, list[str]]:
        details = ecr.describe_images(repositoryName=name)["imageDetails"]
        return {detail["imageDigest"]: sorted(detail.get("imageTags", [])) for detail in details}

    def _policy(self, registry: Registry, name: str) -> str | None:
        try:
            text = self.api(registry, "get_repository_policy", repositoryName=name)["policyText"]
        except Refused:
            return None
        return json.dumps(json.loads(text))

    def endpoint(self, registry: Registry, caller: Registry | None = None) -> Endpoint:
        """Return the endpoint of a registry, with the token of the registry that calls: by default its own."""
        caller = caller or registry
        if (registry, caller) not in self._endpoints:
            endpoint = self._endpoints[registry, caller] = Endpoint(self.aws, *caller)
            endpoint.host = registry.host
            endpoint.base_url = self.aws.endpoint_url or f"https://{registry.host}"
        return self._endpoints[registry, caller]


def _answer(call: Any, members: dict[str, Any]) -> Any:
    try:
        return call(**members)
    except ClientError as refusal:
        code, status = refusal.response["Error"]["Code"], refusal.response["ResponseMetadata"]["HTTPStatusCode"]
        raise Refused(code if status == 400 else f"{code}, HTTP {status}") from None


def _images(name: str, references: Sequence[str]) -> dict[str, Any]:
    image_ids = [{"imageDigest" if ":" in reference else "imageTag": reference} for reference in references]
    return {"repositoryName": name, "imageIds": image_ids}


def _found(answer: Any, references: Sequence[str]) -> list[str]:
    """Return what was answered for each reference."""
    found = {}
    for image in answer["images"]:
        digest = image["imageId"]["imageDigest"]
        assert sha256(image["imageManifest"].encode()) == digest
        found[image["imageId"].get("imageTag", digest)] = digest
    for failure in answer["failures"]:
        (reference,) = failure["imageId"].values()
        found[reference] = failure["failureCode"]
    return [found[reference] for reference in references]


def _manifest(answer: requests.Response) -> str:
    if not answer.ok:
        return _error(answer)
    return answer.headers.get("Docker-Content-Digest") or sha256(answer.content)


def _error(answer: requests.Response) -> str:
    """Return the status of a refusal and its code, if it has a body."""
    if answer.request.method == "HEAD":
        assert not answer.content
        return str(answer.status_code)
    status, code, _ = error(answer)
    return f"{status} {code}"
