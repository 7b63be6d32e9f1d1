"""Stacks as the CDK makes them (``cdk/make.py``), and the programs that people deploy stacks with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import (
    EXCLUSION_FILTERS,
    Aws,
    aws_environment,
    digest,
    prefixes,
    pull,
    repositories,
    rules,
    template_prefixes,
    templates,
)

ASSEMBLY = Path(__file__).parent / "cdk" / "cdk.out"
CDK = shutil.which("cdk")


def secrets(aws: Aws) -> list[str]:
    answer = aws.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)
    return [secret["Name"] for secret in answer["SecretList"]]


@EXCLUSION_FILTERS
def test_template_of_l1_constructs_makes_what_it_says(aws, ecr):
    body = (ASSEMBLY / "constructs.template.json").read_text()
    aws.client("cloudformation").create_stack(StackName="constructs", TemplateBody=body)
    assert prefixes(ecr) == ["quay"]
    (template,) = templates(ecr)
    assert template["imageTagMutabilityExclusionFilters"] == [{"filterType": "WILDCARD", "filter": "latest"}]
    assert template["customRoleArn"] == "arn:aws:iam::123456789012:role/template"
    assert template["resourceTags"] == [{"Key": "team", "Value": "images"}]


def test_template_with_secret_rule_and_template_takes_effect_on_a_pull(aws, ecr):
    body = (ASSEMBLY / "whole.template.json").read_text()
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName="whole", TemplateBody=body)
    assert ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="docker-hub")["isValid"]
    assert digest(pull(ecr, "docker-hub/library/alpine"))
    assert ecr.get_repository_policy(repositoryName="docker-hub/library/alpine")["policyText"]
    cloudformation.delete_stack(StackName="whole")
    assert (rules(ecr), templates(ecr), secrets(aws)) == ([], [], [])
    assert repositories(ecr) == ["docker-hub/library/alpine"]


# --- cdk deploy ------------------------------------------------------------------------------------------------------


@pytest.fixture
def cdk(server: Aws, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the CDK's command on the assembly."""
    if CDK is None and os.environ.get("CI") != "true":  # where it is installed, or else the tests fail
        pytest.skip("the cdk command is not installed (npm install aws-cdk)")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(CDK), *arguments, "--app", str(ASSEMBLY), "--no-notices", "--no-version-reporting"],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**aws_environment(server, tmp_path), "HOME": str(tmp_path), "CI": "true"},
            timeout=120,
        )

    return run


METHODS = pytest.mark.parametrize("method", [(), ("--method=direct",)], ids=["change set", "direct"])


@METHODS
def test_cdk_deploys_and_destroys(server, cdk, method):
    ecr = server.client("ecr")
    deployed = cdk("deploy", "whole", *method)
    assert deployed.returncode == 0, deployed.stderr
    assert "whole.Prefix = docker-hub" in deployed.stderr + deployed.stdout
    assert ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="docker-hub")["isValid"]
    assert template_prefixes(ecr) == ["docker-hub"]
    destroyed = cdk("destroy", "whole", "--force")
    assert destroyed.returncode == 0, destroyed.stderr
    assert (rules(ecr), templates(ecr), secrets(server)) == ([], [], [])


@METHODS
def test_cdk_reports_what_ecr_refuses(server, cdk, method):
    for _ in range(2):  # the second time in place of the stack that was rolled back
        deployed = cdk("deploy", "refused", *method)
        assert deployed.returncode == 1
        assert "The upstream registry URL nowhere.example is invalid" in deployed.stderr + deployed.stdout
        assert rules(server.client("ecr")) == []


# --- aws cloudformation deploy ---------------------------------------------------------------------------------------


@pytest.fixture
def deploy(cli, tmp_path):
    """Have ``aws cloudformation deploy`` make a stack of a template of the assembly."""

    def call(name: str) -> tuple[int, str, str]:
        template = json.loads((ASSEMBLY / f"{name}.template.json").read_text(encoding="utf-8"))
        path = tmp_path / f"{name}.json"
        # CDK writes no version of the format. Without it GetTemplateSummary fails on moto before 5.2.5.
        path.write_text(json.dumps({"AWSTemplateFormatVersion": "2010-09-09", **template}), encoding="utf-8")
        return cli("cloudformation", "deploy", "--stack-name", "stack", "--template-file", str(path))

    return call


@EXCLUSION_FILTERS
def test_aws_cli_deploys_and_updates(server, deploy):
    ecr = server.client("ecr")
    status, output, error = deploy("whole")
    assert (status, error) == (0, "")
    assert "Successfully created/updated stack - stack" in output
    assert prefixes(ecr) == ["docker-hub"]
    status, _, error = deploy("constructs")
    assert (status, error, prefixes(ecr)) == (0, "", ["quay"])
    assert secrets(server) == []


def test_aws_cli_reports_failure(server, cli, deploy):
    status, _, error = deploy("refused")
    assert status == 255
    assert "Failed to create/update the stack" in error
    status, output, _ = cli("cloudformation", "describe-stack-events", "--stack-name", "stack")
    assert status == 0
    reasons = [event.get("ResourceStatusReason", "") for event in json.loads(output)["StackEvents"]]
    assert any("The upstream registry URL nowhere.example is invalid" in reason for reason in reasons)
    assert rules(server.client("ecr")) == []
