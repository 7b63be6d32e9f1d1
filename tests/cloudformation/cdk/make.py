"""Makes the cloud assembly in ``cdk.out`` that ``test_cdk.py`` deploys.

It needs node, and ``pip install aws-cdk-lib==2.275.0``. Run it in this directory: ``python make.py``.
"""

import json
import shutil

import aws_cdk
from aws_cdk import aws_ecr, aws_secretsmanager

OUTPUT = "cdk.out"
REPOSITORY_POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "ecr:BatchGetImage"}],
}

shutil.rmtree(OUTPUT, ignore_errors=True)
app = aws_cdk.App(
    outdir=OUTPUT,
    analytics_reporting=False,
    tree_metadata=False,
    default_stack_synthesizer=aws_cdk.LegacyStackSynthesizer(),
)

constructs = aws_cdk.Stack(app, "constructs")
quay = aws_ecr.CfnPullThroughCacheRule(
    constructs, "Quay", ecr_repository_prefix="quay", upstream_registry_url="quay.io"
)
aws_ecr.CfnRepositoryCreationTemplate(
    constructs,
    "Template",
    prefix="quay",
    applied_for=["PULL_THROUGH_CACHE"],
    image_tag_mutability="IMMUTABLE_WITH_EXCLUSION",
    image_tag_mutability_exclusion_filters=[
        aws_ecr.CfnRepositoryCreationTemplate.ImageTagMutabilityExclusionFilterProperty(
            image_tag_mutability_exclusion_filter_type="WILDCARD",
            image_tag_mutability_exclusion_filter_value="latest",
        )
    ],
    resource_tags=[aws_cdk.CfnTag(key="team", value="images")],
    custom_role_arn=constructs.format_arn(service="iam", region="", resource="role", resource_name="template"),
)

whole = aws_cdk.Stack(app, "whole")
secret = aws_secretsmanager.Secret(
    whole,
    "Secret",
    secret_name="ecr-pullthroughcache/docker-hub",
    generate_secret_string=aws_secretsmanager.SecretStringGenerator(
        secret_string_template=json.dumps({"username": "someone"}),
        generate_string_key="accessToken",
        exclude_punctuation=True,
    ),
)
rule = aws_ecr.CfnPullThroughCacheRule(
    whole,
    "Rule",
    ecr_repository_prefix="docker-hub",
    upstream_registry_url="registry-1.docker.io",
    credential_arn=secret.secret_arn,
)
template = aws_ecr.CfnRepositoryCreationTemplate(
    whole,
    "Template",
    prefix="docker-hub",
    applied_for=["PULL_THROUGH_CACHE"],
    repository_policy=whole.to_json_string(REPOSITORY_POLICY),
)
template.add_resource_dependency(rule)
aws_cdk.CfnOutput(whole, "Prefix", value=rule.ref)
aws_cdk.CfnOutput(whole, "CreatedAt", value=template.attr_created_at)

refused = aws_cdk.Stack(app, "refused")
aws_ecr.CfnPullThroughCacheRule(
    refused, "Rule", ecr_repository_prefix="nowhere", upstream_registry_url="nowhere.example"
)

app.synth()
