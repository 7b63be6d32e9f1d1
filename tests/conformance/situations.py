"""The situations in which an operation is asked: what there is at first, and a request that succeeds then."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from conftest import MODEL, Aws, pull
from moto_ecr_ptc.ecr import responses
from tests.conformance.values import example

OWN = "own/app"
CACHED = "quay/team/app"
LAYER = b"a layer"
DIGEST = f"sha256:{sha256(LAYER).hexdigest()}"
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 7, "digest": DIGEST},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "size": 7, "digest": DIGEST}],
    }
)
Request = dict[str, Any]


@dataclass(frozen=True)
class Situation:
    operation: str
    name: str
    prepare: Callable[[Aws], Request]
    """Makes what has to be there, in a mock without any state, and returns a request that succeeds."""
    is_checked: bool = True
    """Whether requests are held against the model. moto does not do so."""

    def __str__(self) -> str:
        return f"{self.operation} {self.name}".strip()


def situations() -> list[Situation]:
    """Return the situations of every operation that this package answers and that the installed botocore knows."""
    answered = responses.OPERATIONS | responses.SHARED_OPERATIONS | responses.EXTENDED_OPERATIONS
    found = []
    for operation in sorted(answered.intersection(MODEL.operation_names)):
        known = [situation for situation in _KNOWN if situation.operation == operation]
        found += known or [Situation(operation, "", _nothing(operation))]
    return found


def _nothing(operation: str) -> Callable[[Aws], Request]:
    """Return how to prepare for an operation that nothing is known about but its model."""
    return lambda aws: example(MODEL.operation_model(operation).input_shape)


def _rule(aws: Aws) -> Request:
    rule = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
    aws.client("ecr").create_pull_through_cache_rule(**rule)
    return {"ecrRepositoryPrefix": "quay"}


def _rules(aws: Aws) -> Request:
    _rule(aws)
    return {"maxResults": 10}


def _rule_with_secret(aws: Aws) -> Request:
    rule = {"ecrRepositoryPrefix": "hub", "credentialArn": aws.secret()}
    aws.client("ecr").create_pull_through_cache_rule(upstreamRegistryUrl="registry-1.docker.io", **rule)
    return rule


def _new_rule(aws: Aws) -> Request:
    return {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}


def _new_rule_with_secret(aws: Aws) -> Request:
    return {
        "ecrRepositoryPrefix": "hub",
        "upstreamRegistryUrl": "registry-1.docker.io",
        "credentialArn": aws.secret(),
    }


def _template(aws: Aws) -> Request:
    aws.client("ecr").create_repository_creation_template(**_new_template(aws))
    return {"prefix": "made"}


def _templates(aws: Aws) -> Request:
    _template(aws)
    return {"maxResults": 10}


def _new_template(aws: Aws) -> Request:
    return {"prefix": "made", "appliedFor": ["PULL_THROUGH_CACHE"]}


def _setting(aws: Aws) -> Request:
    return {"name": "REGISTRY_POLICY_SCOPE"}


def _new_setting(aws: Aws) -> Request:
    return {"name": "REGISTRY_POLICY_SCOPE", "value": "V1"}


def _repository(aws: Aws) -> Request:
    aws.client("ecr").create_repository(repositoryName=OWN)
    return {"repositoryName": OWN}


def _image(aws: Aws) -> Request:
    repository = _repository(aws)
    aws.client("ecr").put_image(**repository, imageManifest=MANIFEST, imageTag="latest")
    return {**repository, "imageIds": [{"imageTag": "latest"}]}


def _image_beside_a_rule(aws: Aws) -> Request:
    _rule(aws)
    return _image(aws)


def _cached(aws: Aws) -> Any:
    _rule(aws)
    return pull(aws.client("ecr"), CACHED)["images"][0]


def _cached_image(aws: Aws) -> Request:
    _cached(aws)
    return {"repositoryName": CACHED, "imageIds": [{"imageTag": "latest"}]}


def _cached_repository(aws: Aws) -> Request:
    _cached(aws)
    return {"repositoryName": CACHED}


def _cached_layers(aws: Aws) -> Request:
    return {"repositoryName": CACHED, "layerDigests": [_cached_layer(aws)["layerDigest"]]}


def _cached_layer(aws: Aws) -> Request:
    manifest = json.loads(_cached(aws)["imageManifest"])
    return {"repositoryName": CACHED, "layerDigest": manifest["layers"][0]["digest"]}


def _cached_subject(aws: Aws) -> Request:
    return {"repositoryName": CACHED, "subjectId": {"imageDigest": _cached(aws)["imageId"]["imageDigest"]}}


def _own_subject(aws: Aws) -> Request:
    _image(aws)
    return {"repositoryName": OWN, "subjectId": {"imageDigest": f"sha256:{sha256(MANIFEST.encode()).hexdigest()}"}}


def _uploaded(aws: Aws) -> Request:
    request = _part(aws)
    aws.client("ecr").upload_layer_part(**{**request, "layerPartBlob": LAYER})
    return {"repositoryName": OWN, "uploadId": request["uploadId"], "layerDigests": [DIGEST]}


def _layer(aws: Aws) -> Request:
    aws.client("ecr").complete_layer_upload(**_uploaded(aws))
    aws.client("ecr").put_image(repositoryName=OWN, imageManifest=MANIFEST, imageTag="latest")
    return {"repositoryName": OWN, "layerDigest": DIGEST}


def _layers(aws: Aws) -> Request:
    return {"repositoryName": OWN, "layerDigests": [_layer(aws)["layerDigest"]]}


def _part(aws: Aws) -> Request:
    upload = aws.client("ecr").initiate_layer_upload(**_repository(aws))["uploadId"]
    return {
        "repositoryName": OWN,
        "uploadId": upload,
        "partFirstByte": 0,
        "partLastByte": len(LAYER) - 1,
        "layerPartBlob": base64.b64encode(LAYER).decode(),
    }


def _new_image(aws: Aws) -> Request:
    return {**_repository(aws), "imageManifest": MANIFEST, "imageTag": "latest"}


def _new_image_in_a_cache(aws: Aws) -> Request:
    _cached(aws)
    return {"repositoryName": CACHED, "imageManifest": MANIFEST, "imageTag": "mine"}


_KNOWN = (
    Situation("CreatePullThroughCacheRule", "", _new_rule),
    Situation("CreatePullThroughCacheRule", "with a secret", _new_rule_with_secret),
    Situation("DescribePullThroughCacheRules", "", _rules),
    Situation("UpdatePullThroughCacheRule", "", _rule_with_secret),
    Situation("DeletePullThroughCacheRule", "", _rule),
    Situation("ValidatePullThroughCacheRule", "", _rule),
    Situation("CreateRepositoryCreationTemplate", "", _new_template),
    Situation("DescribeRepositoryCreationTemplates", "", _templates),
    Situation("UpdateRepositoryCreationTemplate", "", _template),
    Situation("DeleteRepositoryCreationTemplate", "", _template),
    Situation("GetAccountSetting", "", _setting),
    Situation("PutAccountSetting", "", _new_setting),
    Situation("BatchGetImage", "of a cached image", _cached_image),
    Situation("BatchGetImage", "of another image while there is a rule", _image_beside_a_rule, is_checked=False),
    Situation("BatchGetImage", "without a rule", _image, is_checked=False),
    Situation("BatchCheckLayerAvailability", "of a cached layer", _cached_layers),
    Situation("BatchCheckLayerAvailability", "of an uploaded layer", _layers),
    Situation("GetDownloadUrlForLayer", "of a cached layer", _cached_layer),
    Situation("GetDownloadUrlForLayer", "of an uploaded layer", _layer),
    Situation("ListImageReferrers", "of a cached image", _cached_subject),
    Situation("ListImageReferrers", "of another image", _own_subject),
    Situation("InitiateLayerUpload", "", _repository),
    Situation("UploadLayerPart", "", _part),
    Situation("CompleteLayerUpload", "", _uploaded),
    Situation("PutImage", "into a cache", _new_image_in_a_cache, is_checked=False),
    Situation("PutImage", "without a rule", _new_image, is_checked=False),
    Situation("BatchDeleteImage", "of a cached image", _cached_image, is_checked=False),
    Situation("BatchDeleteImage", "without a rule", _image, is_checked=False),
    Situation("DescribeImages", "", _cached_image, is_checked=False),
    Situation("ListImages", "", _cached_repository, is_checked=False),
)
