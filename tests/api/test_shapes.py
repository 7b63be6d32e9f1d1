"""The constraints of ECR's service model, as the server checks them."""

from __future__ import annotations

import json
import re

import pytest
from botocore.model import ShapeResolver

from conftest import ACCOUNT, MODEL, REGION, prefixes
from moto_ecr_ptc.ecr import responses
from moto_ecr_ptc.ecr.validation import find_violation

OPERATIONS = [name for name in MODEL.operation_names if "PullThroughCacheRule" in name]
ALL_OPERATIONS = sorted(responses.OPERATIONS.intersection(MODEL.operation_names))  # an older model has fewer
PREFIX = MODEL.shape_for("PullThroughCacheRuleRepositoryPrefix").metadata["pattern"]
CREDENTIAL_ARN = MODEL.shape_for("CredentialArn").metadata["pattern"]
ENUM = MODEL.shape_for("UpstreamRegistry").metadata["enum"]
GOOD = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
ARN = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:"


def message(member, constraint):
    return f"Invalid parameter at '{member}' failed to satisfy constraint: '{constraint}'"


def pattern(text):
    return f"Member must satisfy regular expression pattern: {text}"


def invalid(aws, operation, members, expected):
    response = aws.post(operation, json.dumps(members).encode())
    assert response.status_code == 400
    assert (response.json()["__type"], response.json()["message"]) == ("InvalidParameterException", expected)
    assert prefixes(aws.client("ecr")) == []


@pytest.mark.parametrize("member", ["ecrRepositoryPrefix", "upstreamRepositoryPrefix"])
@pytest.mark.parametrize(
    ("value", "constraint"),
    [
        ("", "Member must have length greater than or equal to 2"),
        ("a", "Member must have length greater than or equal to 2"),
        ("a" * 31, "Member must have length less than or equal to 30"),
        *(
            (value, pattern(PREFIX))
            for value in (
                "a___b",
                "a._b",
                "a-",
                "-a",
                "ROOT/",
                "Root",
                "a//b",
                "/a",
                "aa\n",
                "a b",
                "\u00e9\u00e9",
                "a_/",
            )
        ),
    ],
)
def test_create_with_a_malformed_prefix_is_invalid(aws, member, value, constraint):
    invalid(aws, "CreatePullThroughCacheRule", {**GOOD, member: value}, message(member, constraint))


@pytest.mark.parametrize(
    ("value", "constraint"),
    [
        ("x" * 49, "Member must have length greater than or equal to 50"),
        (ARN + "ecr-pullthroughcache/" + "x" * 612, "Member must have length less than or equal to 612"),
        (ARN + "other-name-of-a-secret", pattern(CREDENTIAL_ARN)),
        (ARN + "ecr-pullthroughcache/", pattern(CREDENTIAL_ARN)),
        (ARN + "ecr-pullthroughcache/name\n", pattern(CREDENTIAL_ARN)),
        (ARN.replace("aws:", "aws-\u00e9:") + "ecr-pullthroughcache/name", pattern(CREDENTIAL_ARN)),
    ],
)
def test_create_with_a_malformed_secret_arn_is_invalid(aws, value, constraint):
    members = {"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io", "credentialArn": value}
    invalid(aws, "CreatePullThroughCacheRule", members, message("credentialArn", constraint))


@pytest.mark.parametrize(
    ("value", "constraint"),
    [
        ("-", "Member must have length greater than or equal to 2"),
        ("-" * 31, "Member must have length less than or equal to 30"),
    ],
)
def test_create_with_a_prefix_of_a_wrong_length_and_form_names_the_length(aws, value, constraint):
    members = {**GOOD, "ecrRepositoryPrefix": value}
    invalid(aws, "CreatePullThroughCacheRule", members, message("ecrRepositoryPrefix", constraint))


@pytest.mark.parametrize(
    ("members", "member", "constraint"),
    [
        ({"customRoleArn": "x" * 2049}, "customRoleArn", "Member must have length less than or equal to 2048"),
        ({"registryId": "12345678901"}, "registryId", pattern("[0-9]{12}")),
        ({"registryId": "1234567890123"}, "registryId", pattern("[0-9]{12}")),
        ({"registryId": "\u0661" * 12}, "registryId", pattern("[0-9]{12}")),
        ({"upstreamRegistry": "Quay"}, "upstreamRegistry", f"Member must satisfy enum value set: [{', '.join(ENUM)}]"),
        ({"upstreamRegistry": ""}, "upstreamRegistry", f"Member must satisfy enum value set: [{', '.join(ENUM)}]"),
    ],
)
def test_create_with_another_malformed_member_is_invalid(aws, members, member, constraint):
    invalid(aws, "CreatePullThroughCacheRule", {**GOOD, **members}, message(member, constraint))


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ([], "Member must have length greater than or equal to 1"),
        (["aa"] * 101, "Member must have length less than or equal to 100"),
        (["aa", "a"], "Member must satisfy constraint: [Member must have length greater than or equal to 2]"),
        (["aa", "a-"], f"Member must satisfy constraint: [{pattern(PREFIX)}]"),
    ],
)
def test_describe_with_malformed_prefixes_is_invalid(aws, values, constraint):
    invalid(
        aws,
        "DescribePullThroughCacheRules",
        {"ecrRepositoryPrefixes": values},
        message("ecrRepositoryPrefixes", constraint),
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_missing_required_member_is_invalid(aws, operation):
    required = MODEL.operation_model(operation).input_shape.required_members
    for left_out in required:
        members = {name: GOOD[name] for name in required if name != left_out}
        invalid(aws, operation, members, message(left_out, "Member must not be null"))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_first_member_in_the_models_order_is_named(aws, operation):
    shape = MODEL.operation_model(operation).input_shape
    bad = {"string": "!", "list": [], "integer": 0}
    members = {name: bad[member.type_name] for name, member in shape.members.items()}
    first = next(name for name, member in shape.members.items() if {"min", "pattern"} & member.metadata.keys())
    response = aws.post(operation, json.dumps(dict(reversed(members.items()))).encode())
    assert response.json()["message"].startswith(f"Invalid parameter at '{first}' ")


@pytest.mark.parametrize("operation", ALL_OPERATIONS)
def test_model_holds_nothing_that_is_not_understood(operation):
    """A newer botocore that brings another kind of member, or a pattern that Python cannot read, shows here."""

    def walk(shape):
        assert shape.type_name in ("structure", "list", "string", "integer", "long", "boolean", "blob")
        re.compile(shape.metadata.get("pattern", ""))
        if shape.type_name == "list":
            walk(shape.member)
        for member in getattr(shape, "members", {}).values():
            walk(member)

    walk(MODEL.operation_model(operation).input_shape)


def test_model_names_no_upstream_registry_that_is_missing():
    """A newer botocore that brings another upstream registry shows here."""
    from moto_ecr_ptc.ecr.configuration.upstream_registries import UPSTREAM_REGISTRIES

    assert {registry.name for registry in UPSTREAM_REGISTRIES} >= set(ENUM)


@pytest.mark.parametrize(("type_name", "value"), [("boolean", True), ("integer", 3), ("list", []), ("structure", {})])
def test_member_of_every_type_without_constraints_is_accepted(type_name, value):
    """What a newer model may bring."""
    shapes = {
        "Request": {"type": "structure", "members": {"member": {"shape": "Member"}}},
        "Member": {"type": type_name, "members": {}, "member": {"shape": "Text"}},
        "Text": {"type": "string"},
    }
    assert find_violation({"member": value}, ShapeResolver(shapes).get_shape_by_name("Request")) is None
