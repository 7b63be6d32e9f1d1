"""What the clients of a soak do: mixed operations on a few names, in no order, that meet each other's results."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import requests
from botocore.exceptions import ClientError

from conftest import REPOSITORY_POLICY, Aws
from moto_ecr_ptc import UpstreamRegistry, upstream_registry
from tests.registry.endpoint import Endpoint, image_manifest, media_type, sha256

NAMES = ("quay/one", "quay/two", "hub/library/one", "abroad/app", "app")
TAGS = ("v1", "v2", "v3")
FROM_ABROAD = "eu-west-1"
HUB_SECRET = "ecr-pullthroughcache/hub"
LARGE = 2 * 1024 * 1024
"""The size of a layer that does not stay in memory."""


class Unexpected(AssertionError):
    """An answer that no request of a client may have."""


class Client:
    """One client with its own connection, and its own random choices."""

    def __init__(self, aws: Aws, seed: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self._aws = aws
        self._random = random.Random(seed)
        self._ecr = aws.client("ecr")
        self._abroad = aws.client("ecr", FROM_ABROAD)
        self._endpoint = Endpoint(aws)
        self._upstreams = [self._upstream(name) for name in ("quay", "docker-hub")]

    def step(self) -> None:
        """Do one thing. It may be refused, since another client may have taken away what it needs.

        :raises Unexpected: it failed otherwise than by a refusal
        """
        (do,) = self._random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
        try:
            answer = do(self)
        except ClientError as refusal:
            status = refusal.response["ResponseMetadata"]["HTTPStatusCode"]
            if status != 400:
                raise Unexpected(f"{do.__name__}: HTTP {status}: {refusal}") from refusal
            self.outcomes[f"{do.__name__}: {refusal.response['Error']['Code']}"] += 1
        except KeyError:
            if self._aws.endpoint_url:
                raise
            self.outcomes[f"{do.__name__}: moto looks for what its reset has just taken away"] += 1
        except ValueError as refusal:  # the handle of an upstream that has been reset or cleared meanwhile
            self.outcomes[f"{do.__name__}: {type(refusal).__name__}"] += 1
        else:
            if isinstance(answer, requests.Response) and answer.status_code in (500, 502, 504):
                raise Unexpected(f"{do.__name__}: HTTP {answer.status_code}: {answer.text[:500]}")
            status = f"HTTP {answer.status_code}" if isinstance(answer, requests.Response) else "done"
            self.outcomes[f"{do.__name__}: {status}"] += 1

    # --- what there is to do ------------------------------------------------------------------------------------------

    def pull(self) -> None:
        self._ecr.batch_get_image(repositoryName=self._name(), imageIds=[{"imageTag": tag} for tag in TAGS])

    def pull_by_endpoint(self) -> requests.Response:
        name = self._name()
        manifest = self._endpoint("GET", f"/v2/{name}/manifests/{self._tag()}")
        if not manifest.ok:
            return manifest
        blobs = [*manifest.json().get("layers", []), manifest.json().get("config")]
        for blob in filter(None, blobs):
            answer = self._endpoint("GET", f"/v2/{name}/blobs/{blob['digest']}")
            if not answer.ok:
                return answer
        return manifest

    def download(self) -> requests.Response | None:
        name = self._name()
        images = self._ecr.batch_get_image(repositoryName=name, imageIds=[{"imageTag": self._tag()}])["images"]
        for image in images:
            digest = sha256(f"{self._random.randrange(3)}".encode())
            if '"layers"' in image["imageManifest"]:
                digest = json.loads(image["imageManifest"])["layers"][0]["digest"]
            url = self._ecr.get_download_url_for_layer(repositoryName=name, layerDigest=digest)["downloadUrl"]
            return requests.get(url, timeout=60)
        return None

    def push(self) -> requests.Response:
        name, layer = self._name(), self._layer()
        for content in (b"{}", layer):
            answer = self._endpoint("POST", f"/v2/{name}/blobs/uploads/", content, params={"digest": sha256(content)})
            if not answer.ok:
                return answer
        document = image_manifest([sha256(b"{}"), sha256(layer)], [2, len(layer)])
        path = f"/v2/{name}/manifests/{self._tag()}"
        return self._endpoint("PUT", path, json.dumps(document), **media_type(document))

    def abandon_an_upload(self) -> requests.Response:
        start = self._endpoint("POST", f"/v2/{self._name()}/blobs/uploads/")
        if not start.ok:
            return start
        return self._endpoint("PATCH", self._endpoint.local(start.headers["Location"]), bytes(LARGE))

    def upload(self) -> None:
        name, layer = self._name(), self._layer()
        upload = self._ecr.initiate_layer_upload(repositoryName=name)["uploadId"]
        end = len(layer) - 1
        self._ecr.upload_layer_part(
            repositoryName=name, uploadId=upload, partFirstByte=0, partLastByte=end, layerPartBlob=layer
        )
        self._ecr.complete_layer_upload(repositoryName=name, uploadId=upload, layerDigests=[sha256(layer)])

    def put_abroad(self) -> None:
        """Put an image where the rule ``abroad`` pulls from."""
        self._abroad.create_repository(repositoryName="app")
        document = image_manifest([sha256(b"{}"), sha256(b"abroad")], [2, 6])
        self._abroad.put_image(repositoryName="app", imageTag=self._tag(), imageManifest=json.dumps(document))

    def create_repository(self) -> None:
        self._ecr.create_repository(repositoryName=self._name())

    def delete_repository(self) -> None:
        self._ecr.delete_repository(repositoryName=self._name(), force=True)

    def delete_image(self) -> None:
        self._ecr.batch_delete_image(repositoryName=self._name(), imageIds=[{"imageTag": self._tag()}])

    def create_rules(self) -> None:
        upstreams = {"quay": "quay.io", "abroad": f"123456789012.dkr.ecr.{FROM_ABROAD}.amazonaws.com"}
        prefix = self._random.choice([*upstreams, "hub"])
        if prefix == "hub":
            arn = self._aws.secret("hub")
            self._ecr.create_pull_through_cache_rule(
                ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=arn
            )
        else:
            self._ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl=upstreams[prefix])

    def delete_rule(self) -> None:
        self._ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix=self._random.choice(["quay", "hub", "abroad"]))

    def validate_rule(self) -> None:
        self._ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="hub")

    def change_templates(self) -> None:
        if self._random.random() < 0.5:
            self._ecr.create_repository_creation_template(
                prefix="quay", appliedFor=["PULL_THROUGH_CACHE"], repositoryPolicy=REPOSITORY_POLICY
            )
        else:
            self._ecr.delete_repository_creation_template(prefix="quay")

    def describe(self) -> None:
        self._ecr.describe_pull_through_cache_rules()
        self._ecr.describe_repository_creation_templates()

    def delete_secret(self) -> None:
        self._aws.client("secretsmanager").delete_secret(SecretId=HUB_SECRET, ForceDeleteWithoutRecovery=True)

    def change_upstream(self) -> None:
        upstream = self._random.choice(self._upstreams)
        tag = self._tag()
        self._random.choice(
            [
                lambda: upstream.push("library/one", tag=tag, layers=[self._layer()]),
                lambda: upstream.push("one", tag=tag, platforms=["linux/amd64", "linux/arm64"]),
                lambda: upstream.fail(status=self._random.choice([403, 429, 500]), times=3),
                upstream.recover,
                upstream.clear,
            ]
        )()

    def expire(self) -> None:
        self._random.choice(self._upstreams).expire()

    def read_what_is_kept(self) -> requests.Response:
        base = self._aws.endpoint_url or "http://motoapi.amazonaws.com"
        return requests.get(f"{base}/moto-api/static/ecr/pulls", timeout=60)

    def reset(self) -> requests.Response:
        return reset(self._aws)

    # ------------------------------------------------------------------------------------------------------------------

    def _name(self) -> str:
        return self._random.choice(NAMES)

    def _tag(self) -> str:
        return self._random.choice(TAGS)

    def _layer(self) -> bytes:
        """Return the content of a layer: one in eight is so large that it does not stay in memory."""
        number = self._random.randrange(24)
        return bytes([number]) * (LARGE if number < 3 else 100 + number)

    def _upstream(self, name: str) -> UpstreamRegistry:
        return upstream_registry(name, endpoint_url=self._aws.endpoint_url)


_WEIGHTS: dict[Callable[[Client], Any], int] = {
    Client.pull: 20,
    Client.pull_by_endpoint: 20,
    Client.download: 8,
    Client.push: 10,
    Client.abandon_an_upload: 2,
    Client.upload: 4,
    Client.put_abroad: 2,
    Client.create_repository: 4,
    Client.delete_repository: 3,
    Client.delete_image: 5,
    Client.create_rules: 12,
    Client.delete_rule: 1,
    Client.validate_rule: 3,
    Client.change_templates: 3,
    Client.describe: 4,
    Client.delete_secret: 1,
    Client.change_upstream: 6,
    Client.expire: 5,
    Client.read_what_is_kept: 1,
    Client.reset: 1,
}


def reset(aws: Aws) -> requests.Response:
    """Reset moto."""
    base = aws.endpoint_url or "http://motoapi.amazonaws.com"
    return requests.post(f"{base}/moto-api/reset", timeout=60)
