"""Pull through cache offline: a secret, a rule, a template, a pull, and what happened."""

import json
import textwrap

import boto3
import requests
from botocore.exceptions import ClientError
from moto import mock_aws

from moto_ecr_ptc import pull_log, upstream_registry

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "ecr:BatchGetImage"}],
}
REPOSITORY = "docker-hub/library/alpine"


def tell(text):
    """Print a text under its heading."""
    print(textwrap.fill(str(text), width=110, initial_indent="  ", subsequent_indent="  "))


@mock_aws
def main():
    """Tell the story."""
    ecr = boto3.client("ecr", region_name="us-east-1")
    secretsmanager = boto3.client("secretsmanager", region_name="us-east-1")

    print("A rule for Docker Hub, with a secret, and a template for the repositories that it makes")
    secret = secretsmanager.create_secret(
        Name="ecr-pullthroughcache/docker-hub", SecretString=json.dumps({"username": "me", "accessToken": "a-token"})
    )
    rule = ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="docker-hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=secret["ARN"]
    )
    ecr.create_repository_creation_template(
        prefix="docker-hub", appliedFor=["PULL_THROUGH_CACHE"], repositoryPolicy=json.dumps(POLICY)
    )
    print(f"  {rule['ecrRepositoryPrefix']} -> {rule['upstreamRegistryUrl']}")

    print(f"A pull of {REPOSITORY}:3.20")
    (image,) = ecr.batch_get_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "3.20"}])["images"]
    (layer,) = json.loads(image["imageManifest"])["layers"]
    url = ecr.get_download_url_for_layer(repositoryName=REPOSITORY, layerDigest=layer["digest"])["downloadUrl"]
    print(f"  image      {image['imageId']['imageDigest']}")
    print(f"  layer      {len(requests.get(url, timeout=60).content)} bytes")

    print("What it made")
    for repository in ecr.describe_repositories()["repositories"]:
        policy = json.loads(ecr.get_repository_policy(repositoryName=repository["repositoryName"])["policyText"])
        print(f"  repository {repository['repositoryUri']}")
        print(f"  its policy {policy['Statement'][0]['Action']} is allowed, as the template says")

    print("Two tags, with Docker Hub out of patience: one is cached, one is not")
    upstream_registry("docker-hub").fail(status=429)
    answer = ecr.batch_get_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "3.20"}, {"imageTag": "3.21"}])
    for image in answer["images"]:
        print(f"  {image['imageId']['imageTag']}       {image['imageId']['imageDigest']}")
    for failure in answer["failures"]:
        print(f"  {failure['imageId']['imageTag']}       {failure['failureCode']}: {failure['failureReason']}")

    print("Why the last one failed")
    tell(pull_log()[-1])

    print("A rule that ECR refuses")
    try:
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="ghcr", upstreamRegistryUrl="ghcr.io")
    except ClientError as error:
        tell(error)


if __name__ == "__main__":
    main()
