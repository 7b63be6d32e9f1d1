"""Pull through cache offline: a secret, a rule, a template, a pull, and what happened."""

import json

import boto3
import requests
from botocore.exceptions import ClientError
from moto import mock_aws

from moto_ecr_ptc import pull_log, upstream_registry

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "ecr:BatchGetImage"}],
}


def tell(title, response):
    """Print a response without its metadata."""
    if isinstance(response, dict):
        response.pop("ResponseMetadata", None)
    print(f"\n{title}\n{json.dumps(response, indent=2, default=str)}")


@mock_aws
def main():
    """Tell the story."""
    ecr = boto3.client("ecr", region_name="us-east-1")
    secretsmanager = boto3.client("secretsmanager", region_name="us-east-1")

    secret = secretsmanager.create_secret(
        Name="ecr-pullthroughcache/docker-hub", SecretString=json.dumps({"username": "me", "accessToken": "a-token"})
    )
    rule = ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="docker-hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=secret["ARN"]
    )
    tell("A rule for Docker Hub, with a secret", rule)
    ecr.create_repository_creation_template(
        prefix="docker-hub", appliedFor=["PULL_THROUGH_CACHE"], repositoryPolicy=json.dumps(POLICY)
    )

    repository = "docker-hub/library/alpine"
    answer = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "3.20"}])
    tell(f"A pull of {repository}:3.20", answer)
    tell("The repository that it made", ecr.describe_repositories())
    tell("Its policy, from the template", ecr.get_repository_policy(repositoryName=repository))

    layer = json.loads(answer["images"][0]["imageManifest"])["layers"][0]
    url = ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=layer["digest"])["downloadUrl"]
    print(f"\nIts layer, downloaded\n{len(requests.get(url, timeout=60).content)} bytes")

    hub = upstream_registry("docker-hub")
    hub.fail(status=429)
    answer = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "3.20"}, {"imageTag": "3.21"}])
    tell("With Docker Hub out of patience: one tag cached, one not", answer["failures"])
    print("\nWhat Docker Hub was asked\n" + "\n".join(map(str, hub.pulls)))
    print("\nWhat became of each pull, and why (failures are logged too)\n" + "\n".join(map(str, pull_log())))

    try:
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="ghcr", upstreamRegistryUrl="ghcr.io")
    except ClientError as error:
        print(f"\nA rule that ECR refuses\n{error}")


if __name__ == "__main__":
    main()
