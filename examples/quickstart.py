"""A rule's life, offline: secret, rule, describe, update, validate, a refusal, delete."""

import json

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

import moto_ecr_ptc  # noqa: F401  (importing it activates it)


def tell(title, response):
    """Print a response without its metadata."""
    response.pop("ResponseMetadata", None)
    print(f"\n{title}\n{json.dumps(response, indent=2, default=str)}")


@mock_aws
def main():
    """Tell the story."""
    ecr = boto3.client("ecr", region_name="us-east-1")
    secretsmanager = boto3.client("secretsmanager", region_name="us-east-1")

    def secret(name, value):
        response = secretsmanager.create_secret(Name=f"ecr-pullthroughcache/{name}", SecretString=json.dumps(value))
        tell(f"A secret, ecr-pullthroughcache/{name}", response)
        return response["ARN"]

    first = secret("docker-hub", {"username": "me", "accessToken": "a-token"})
    rule = ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="docker-hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=first
    )
    tell("A rule for Docker Hub", rule)
    tell("All rules", ecr.describe_pull_through_cache_rules())

    second = secret("docker-hub-2", {"username": "me"})
    update = ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="docker-hub", credentialArn=second)
    tell("The rule with another secret", update)
    tell("Is it valid?", ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="docker-hub"))

    secretsmanager.put_secret_value(
        SecretId=second, SecretString=json.dumps({"username": "me", "accessToken": "a-token"})
    )
    tell("And with the key added?", ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="docker-hub"))

    try:
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="ghcr", upstreamRegistryUrl="ghcr.io")
    except ClientError as error:
        print(f"\nA rule that ECR refuses\n{error}")

    tell("The rule, deleted", ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="docker-hub"))


if __name__ == "__main__":
    main()
