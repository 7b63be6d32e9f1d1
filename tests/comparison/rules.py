"""Questions about pull through cache rules, repository creation templates and the stacks that make them."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.comparison.asked import Questions, refused
from tests.comparison.emulator import UPSTREAM_REGION, Emulator, insist

RULES = Questions()
GOOD_SECRET = json.dumps({"username": "a-user", "accessToken": "a-token"})
QUAY = {"upstreamRegistryUrl": "quay.io"}


def rules(ecr: Any, **arguments: Any) -> list[dict[str, Any]]:
    paginator = ecr.get_paginator("describe_pull_through_cache_rules")
    return [rule for page in paginator.paginate(**arguments) for rule in page["pullThroughCacheRules"]]


def prefixes(ecr: Any) -> list[str]:
    return [rule["ecrRepositoryPrefix"] for rule in rules(ecr)]


@RULES.question("A rule can be created, and is described", "B")
def create(aws: Emulator) -> None:
    made = aws.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="create", **QUAY)
    insist(made["upstreamRegistryUrl"] == "quay.io", "the answer has another upstream")
    (rule,) = rules(aws.ecr, ecrRepositoryPrefixes=["create"])
    insist(rule["registryId"] == aws.account, "the rule is of another registry")
    insist("createdAt" in rule and "updatedAt" in rule, "the rule has no times")
    insist("credentialArn" not in rule, "a member that was not set is there")


@RULES.question("A prefix that has a rule is refused", "A")
def taken(aws: Emulator) -> None:
    aws.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="taken", **QUAY)
    with refused("PullThroughCacheRuleAlreadyExistsException"):
        aws.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="taken", **QUAY)


@RULES.question("A malformed prefix is refused", "B")
def malformed(aws: Emulator) -> None:
    with refused("InvalidParameterException"):
        aws.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="Not/Legal-", **QUAY)


@RULES.question("An upstream that ECR does not support is refused", "A")
def unsupported(aws: Emulator) -> None:
    with refused("UnsupportedUpstreamRegistryException"):
        aws.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="mcr", upstreamRegistryUrl="mcr.microsoft.com")


@RULES.question("Docker Hub without a secret is refused", "A")
def secret_required(aws: Emulator) -> None:
    with refused("UnsupportedUpstreamRegistryException"):
        aws.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io")


@RULES.question("A secret that does not exist is refused", "A")
def secret_missing(aws: Emulator) -> None:
    arn = f"arn:aws:secretsmanager:us-east-1:{aws.account}:secret:ecr-pullthroughcache/missing-aBcDeF"
    with refused("SecretNotFoundException"):
        hub_rule(aws, "missing", arn)


def hub_rule(aws: Emulator, prefix: str, secret: str) -> None:
    aws.ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix=prefix, upstreamRegistryUrl="registry-1.docker.io", credentialArn=secret
    )


@RULES.question("A rule's secret can be changed; a change of nothing is refused", "A, B")
def update(aws: Emulator) -> None:
    hub_rule(aws, "update", aws.secret("before", GOOD_SECRET))
    other = aws.secret("after", GOOD_SECRET)
    changed = aws.ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="update", credentialArn=other)
    insist(changed["credentialArn"] == other, "the answer has the old secret")
    (rule,) = rules(aws.ecr, ecrRepositoryPrefixes=["update"])
    insist(rule["credentialArn"] == other, "the rule keeps the old secret")
    with refused("InvalidParameterException"):
        aws.ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="update")


@RULES.question("A good rule validates", "A")
def validate(aws: Emulator) -> None:
    aws.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="validate", **QUAY)
    found = aws.ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="validate")
    insist(found["isValid"] is True, f"isValid is {found['isValid']}")
    insist(found["upstreamRegistryUrl"] == "quay.io", "the answer has another upstream")


@RULES.question("Validating tells of a secret that is not of ECR's form", "B")
def validate_secret(aws: Emulator) -> None:
    hub_rule(aws, "bad-secret", aws.secret("bad", "no JSON"))
    found = aws.ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="bad-secret")
    insist(found["isValid"] is False, "isValid is true")
    insist(bool(found["failure"]), "the answer has no reason")


@RULES.question("A deleted rule is gone; deleting it again is refused", "A")
def delete(aws: Emulator) -> None:
    aws.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="delete", **QUAY)
    aws.ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="delete")
    insist("delete" not in prefixes(aws.ecr), "the rule is still there")
    with refused("PullThroughCacheRuleNotFoundException"):
        aws.ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="delete")


@RULES.question("Rules are described page by page", "B")
def pages(aws: Emulator) -> None:
    wanted = {"page-1", "page-2", "page-3"}
    for prefix in sorted(wanted):
        aws.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, **QUAY)
    first = aws.ecr.describe_pull_through_cache_rules(maxResults=2)
    insist(len(first["pullThroughCacheRules"]) == 2, f"a page of 2 has {len(first['pullThroughCacheRules'])} rules")
    paginator = aws.ecr.get_paginator("describe_pull_through_cache_rules")
    every = paginator.paginate(PaginationConfig={"PageSize": 2}).build_full_result()["pullThroughCacheRules"]
    insist(wanted <= {rule["ecrRepositoryPrefix"] for rule in every}, "the pages lack a rule")


@RULES.question("A rule belongs to one Region", "B")
def regions(aws: Emulator) -> None:
    aws.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="region", **QUAY)
    insist("region" in prefixes(aws.ecr), "the rule is not described")
    insist("region" not in prefixes(aws.client("ecr", UPSTREAM_REGION)), "another Region has the rule too")


@RULES.question("A rule belongs to one account", "B")
def accounts(aws: Emulator) -> None:
    aws.ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="account", **QUAY)
    other = aws.client("ecr", keys=aws.keys_in_other_account())
    insist("account" not in prefixes(other), "another account has the rule too")


@RULES.question("The 51st rule is refused", "B")
def limit(aws: Emulator) -> None:
    ecr = aws.client("ecr", "eu-west-3")
    there = len(rules(ecr))
    for number in range(there, 50):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=f"limit-{number}", **QUAY)
    with refused("LimitExceededException"):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="one-too-many", **QUAY)


@RULES.question("A registry policy may grant the right to pull through", "A")
def registry_policy(aws: Emulator) -> None:
    statement = {
        "Sid": "pull",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{aws.account}:root"},
        "Action": ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"],
        "Resource": f"arn:aws:ecr:us-east-1:{aws.account}:repository/quay/*",
    }
    aws.ecr.put_registry_policy(policyText=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    insist("BatchImportUpstreamImage" in aws.ecr.get_registry_policy()["policyText"], "the policy is not kept")


@RULES.question("A repository creation template can be created, once for a prefix", "A")
def template(aws: Emulator) -> None:
    arguments = {"prefix": "template", "appliedFor": ["PULL_THROUGH_CACHE"]}
    aws.ecr.create_repository_creation_template(**arguments)
    (found,) = aws.ecr.describe_repository_creation_templates(prefixes=["template"])["repositoryCreationTemplates"]
    insist(found["imageTagMutability"] == "MUTABLE", "the template lacks the default mutability")
    insist(found["encryptionConfiguration"]["encryptionType"] == "AES256", "the template lacks the default encryption")
    with refused("TemplateAlreadyExistsException"):
        aws.ecr.create_repository_creation_template(**arguments)


def deploy(aws: Emulator, name: str, kind: str, properties: dict[str, Any]) -> str:
    """Create a stack of one resource; return the status that it ends in."""
    stacks = aws.client("cloudformation")
    body = json.dumps({"Resources": {"Made": {"Type": kind, "Properties": properties}}})
    stacks.create_stack(StackName=name, TemplateBody=body)
    status = "CREATE_IN_PROGRESS"
    deadline = time.monotonic() + 20
    while status.endswith("_IN_PROGRESS") and time.monotonic() < deadline:
        (stack,) = stacks.describe_stacks(StackName=name)["Stacks"]
        status = stack["StackStatus"]
        time.sleep(0.1)
    return status


@RULES.question("A stack makes a rule", "B")
def stack(aws: Emulator) -> None:
    properties = {"EcrRepositoryPrefix": "stack", "UpstreamRegistryUrl": "quay.io"}
    status = deploy(aws, "rule", "AWS::ECR::PullThroughCacheRule", properties)
    insist(status == "CREATE_COMPLETE", f"the stack is {status}")
    insist("stack" in prefixes(aws.ecr), "the stack is CREATE_COMPLETE, and there is no rule")


@RULES.question("A stack makes a repository creation template", "B")
def stack_of_template(aws: Emulator) -> None:
    properties = {"Prefix": "stack", "AppliedFor": ["PULL_THROUGH_CACHE"]}
    status = deploy(aws, "template", "AWS::ECR::RepositoryCreationTemplate", properties)
    insist(status == "CREATE_COMPLETE", f"the stack is {status}")
    found = aws.ecr.describe_repository_creation_templates(prefixes=["stack"])["repositoryCreationTemplates"]
    insist(len(found) == 1, "the stack is CREATE_COMPLETE, and there is no template")


@RULES.question("A stack whose rule ECR refuses fails", "A")
def stack_refused(aws: Emulator) -> None:
    kind = "AWS::ECR::PullThroughCacheRule"
    good = deploy(aws, "good", kind, {"EcrRepositoryPrefix": "good", "UpstreamRegistryUrl": "quay.io"})
    insist(good == "CREATE_COMPLETE", f"a stack with a good rule is {good}")
    bad = deploy(aws, "refused", kind, {"EcrRepositoryPrefix": "bad", "UpstreamRegistryUrl": "mcr.microsoft.com"})
    insist(bad != "CREATE_COMPLETE", "the stack is CREATE_COMPLETE")
