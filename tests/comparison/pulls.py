"""Questions about pulls by the API: what is created, what is kept, and who may pull."""

from __future__ import annotations

import json
import time
from typing import Any

import requests
from botocore.exceptions import ClientError

from tests.comparison.asked import Questions
from tests.comparison.emulator import INDEX, TIMEOUT, UPSTREAM_REGION, Emulator, Image, No, digest_of, index_of, insist

PULLS = Questions()


def pull(ecr: Any, repository: str, tag: str = "v1") -> dict[str, Any]:
    """Pull an image by its tag; it must come."""
    answer = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": tag}])
    insist(len(answer["images"]) == 1, f"no image comes: {answer.get('failures')}")
    image: dict[str, Any] = answer["images"][0]
    return image


def names(ecr: Any) -> list[str]:
    paginator = ecr.get_paginator("describe_repositories")
    return [repository["repositoryName"] for page in paginator.paginate() for repository in page["repositories"]]


@PULLS.question("A pull through a rule for Quay brings an image", "A")
def open_registry(aws: Emulator) -> None:
    aws.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="open", upstreamRegistryUrl="quay.io")
    image = pull(aws.ecr, "open/prometheus/busybox", "latest")
    insist(digest_of(image["imageManifest"].encode()) == image["imageId"]["imageDigest"], "the digest is not true")


@PULLS.question("A pull creates the repository", "A")
def creates_repository(aws: Emulator) -> None:
    aws.upstream_image("creates/app", "creates")
    aws.rule_for_upstream("created")
    pull(aws.ecr, "created/creates/app")
    insist("created/creates/app" in names(aws.ecr), "there is no repository")
    insist("created/creates/app" not in names(aws.upstream), f"{UPSTREAM_REGION} has the repository too")


@PULLS.question("The manifest is the upstream's, and its digest is true", "A")
def digest(aws: Emulator) -> None:
    image = aws.upstream_image("digest/app", "digest")
    aws.rule_for_upstream("digests")
    pulled = pull(aws.ecr, "digests/digest/app")
    insist(pulled["imageManifest"] == image.manifest, "the manifest is another")
    insist(pulled["imageId"]["imageDigest"] == image.digest, "the digest is not the manifest's")


@PULLS.question("An image of several platforms brings its index and the images in it; only the index has the tag", "A")
def platforms(aws: Emulator) -> None:
    images = Image("amd64"), Image("arm64")
    aws.upstream.create_repository(repositoryName="platforms/app")
    for image in images:
        aws.put(aws.upstream, "platforms/app", image)
    aws.put_manifest(aws.upstream, "platforms/app", index_of(*images), INDEX, "v1")
    aws.rule_for_upstream("platform")
    pull(aws.ecr, "platform/platforms/app")
    details = aws.ecr.describe_images(repositoryName="platform/platforms/app")["imageDetails"]
    found = {detail["imageDigest"]: detail.get("imageTags", []) for detail in details}
    index = digest_of(index_of(*images).encode())
    insist(found == {index: ["v1"], **{image.digest: [] for image in images}}, f"there is {found}")


@PULLS.question("A layer of a pulled image can be downloaded", "B")
def layer(aws: Emulator) -> None:
    image = aws.upstream_image("layer/app", "layer")
    aws.rule_for_upstream("layers")
    pull(aws.ecr, "layers/layer/app")
    answer = aws.ecr.get_download_url_for_layer(repositoryName="layers/layer/app", layerDigest=digest_of(image.layer))
    got = requests.get(answer["downloadUrl"], timeout=TIMEOUT)
    insist(got.content == image.layer, f"HTTP {got.status_code}, other bytes")


@PULLS.question("A cached tag stays as it is for 24 hours, whatever the upstream does", "B")
def fresh(aws: Emulator) -> None:
    old = aws.upstream_image("fresh/app", "old")
    aws.rule_for_upstream("freshness")
    pull(aws.ecr, "freshness/fresh/app")
    aws.put(aws.upstream, "fresh/app", Image("new"), "v1")
    again = pull(aws.ecr, "freshness/fresh/app")
    insist(again["imageId"]["imageDigest"] == old.digest, "the tag moves at once")


@PULLS.question("A digest that is not cached is not fetched", "A")
def uncached_digest(aws: Emulator) -> None:
    aws.upstream_image("uncached/app", "tagged")
    other = Image("other")
    aws.put(aws.upstream, "uncached/app", other, "v2")
    aws.rule_for_upstream("uncached")
    pull(aws.ecr, "uncached/uncached/app")
    answer = aws.ecr.batch_get_image(repositoryName="uncached/uncached/app", imageIds=[{"imageDigest": other.digest}])
    insist(not answer["images"], "the image comes")


@PULLS.question("Images stay when their rule is deleted", "A")
def stays(aws: Emulator) -> None:
    image = aws.upstream_image("stays/app", "stays")
    aws.rule_for_upstream("staying")
    pull(aws.ecr, "staying/stays/app")
    aws.ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="staying")
    again = pull(aws.ecr, "staying/stays/app")
    insist(again["imageId"]["imageDigest"] == image.digest, "another image comes")


@PULLS.question("A repository that a pull creates has its template's settings", "B")
def template(aws: Emulator) -> None:
    policy = {"rules": [{"rulePriority": 1, "action": {"type": "expire"}, "selection": selection()}]}
    aws.ecr.create_repository_creation_template(
        prefix="templated",
        appliedFor=["PULL_THROUGH_CACHE"],
        imageTagMutability="IMMUTABLE",
        lifecyclePolicy=json.dumps(policy),
    )
    aws.upstream_image("template/app", "template")
    aws.rule_for_upstream("templated")
    pull(aws.ecr, "templated/template/app")
    (made,) = aws.ecr.describe_repositories(repositoryNames=["templated/template/app"])["repositories"]
    insist(made["imageTagMutability"] == "IMMUTABLE", "the tags are mutable")
    kept = aws.ecr.get_lifecycle_policy(repositoryName="templated/template/app")["lifecyclePolicyText"]
    insist(json.loads(kept) == policy, "the lifecycle policy is another")


def selection() -> dict[str, Any]:
    return {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1}


@PULLS.question("With IAM enforced, who may not import upstream images cannot pull", "B")
def rights(aws: Emulator) -> None:
    aws.upstream_image("rights/app", "rights")
    aws.rule_for_upstream("rights")
    with_them = aws.client("ecr", keys=user(aws, "with-them", ["ecr:*"]))
    without = aws.client("ecr", keys=user(aws, "without", ["ecr:BatchGetImage"]))
    aws.enforce_iam("0")
    try:
        insist(not comes(without, "rights/rights/app"), "the image comes")
        pull(with_them, "rights/rights/app")
    finally:
        aws.enforce_iam("inf")


def user(aws: Emulator, name: str, actions: list[str]) -> dict[str, str]:
    """Create a user who may do this; return the keys."""
    iam = aws.client("iam")
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def comes(ecr: Any, repository: str) -> bool:
    """Return whether an image comes; a caller's refusal is that it does not."""
    try:
        pull(ecr, repository)
    except (ClientError, No):
        return False
    return True


@PULLS.question("EventBridge tells of a pull", "B")
def event(aws: Emulator) -> None:
    aws.upstream_image("event/app", "event")
    aws.rule_for_upstream("events")
    queue = aws.client("sqs").create_queue(QueueName="pulls")["QueueUrl"]
    pattern = {"source": ["aws.ecr"], "detail-type": ["ECR Pull Through Cache Action"]}
    events = aws.client("events")
    events.put_rule(Name="pulls", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="pulls", Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:us-east-1:{aws.account}:pulls"}])
    pull(aws.ecr, "events/event/app")
    detail = message(aws, queue)["detail"]
    insist(detail["sync-status"] == "SUCCESS", f"sync-status is {detail['sync-status']}")
    insist(detail["repository-name"] == "events/event/app", "the event is about another repository")


def message(aws: Emulator, queue: str) -> dict[str, Any]:
    """Wait for the message in a queue."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for found in aws.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []):
            content: dict[str, Any] = json.loads(found["Body"])
            return content
    raise No("no event comes")
