"""Requests that are malformed, and the texts about them."""

from __future__ import annotations

import gzip
import json

from ..case import OPEN_UPSTREAM, Case
from ..guard import UNKNOWN_OPERATION
from . import admits, has_member, scenario
from .refusals import INVALID, refuse, role

DESCRIBE = "DescribePullThroughCacheRules"
SERIALIZATION = "SerializationException"


@scenario("request-errors-are-400 request-no-json-object request-wrong-type request-null request-unknown-members")
def bodies_that_no_client_of_aws_sends(case: Case) -> None:
    for label, body in (
        ("empty", b""),
        ("cut off", b"{"),
        ("array", b"[]"),
        ("null", b"null"),
        ("NaN", b'{"maxResults": NaN}'),
        ("no UTF-8", b"\xff\xfe{}"),
    ):
        rows = "request-no-json-object request-errors-are-400"
        case.protocol_reply(rows, f"body: {label}", SERIALIZATION, case.post(DESCRIBE, body))
    for members in (
        {"maxResults": "1"},
        {"maxResults": 1.5},
        {"maxResults": True},
        {"registryId": 1},
        {"ecrRepositoryPrefixes": "ab"},
    ):
        body = json.dumps(members)
        case.protocol_reply("request-wrong-type", body, SERIALIZATION, case.post(DESCRIBE, body.encode()))
    name = case.rule()
    asked = {"ecrRepositoryPrefixes": [name]}
    for rows, label, members in (
        ("request-null", "null member", {**asked, "nextToken": None}),
        ("request-unknown-members", "unknown member", {**asked, "Colour": {"a": [None]}}),
        ("request-unknown-members", "long body", {**asked, "padding": "x" * 1_000_000}),
    ):
        reply = case.post(DESCRIBE, json.dumps(members).encode())
        case.saw(rows, label, [200, [name]], [reply.status_code, names_in(reply.json())])
    item = json.dumps({"ecrRepositoryPrefixes": [name, None]}).encode()
    case.protocol_reply("request-null", "null in a list", SERIALIZATION, case.post(DESCRIBE, item))


def names_in(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [rule["ecrRepositoryPrefix"] for rule in answer.get("pullThroughCacheRules", [])]


@scenario("request-content-type")
def content_types(case: Case) -> None:
    name = case.rule()
    body = json.dumps({"ecrRepositoryPrefixes": [name]}).encode()
    for content_type in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
        reply = case.post(DESCRIBE, body, Content_Type=content_type)
        found = [reply.status_code, names_in(reply.json())]
        case.saw("request-content-type", content_type, [200, [name]], found)


@scenario("request-gzip")
def body_that_is_gzipped(case: Case) -> None:
    name = case.rule()
    body = gzip.compress(json.dumps({"ecrRepositoryPrefixes": [name]}).encode())
    reply = case.post(DESCRIBE, body, Content_Encoding="gzip")
    answer = reply.json()
    case.saw("request-gzip", "answer", [200, None, [name]], [reply.status_code, answer.get("__type"), names_in(answer)])


@scenario("request-unknown-target")
def target_that_ecr_does_not_know(case: Case) -> None:
    case.protocol_reply(
        "request-unknown-target", "unknown target", "UnknownOperationException", case.post(UNKNOWN_OPERATION, b"{}")
    )


@scenario("request-rule-prefix request-violation-exception request-first-violation request-texts")
def prefixes_that_are_malformed(case: Case) -> None:
    rows = "request-rule-prefix request-violation-exception request-texts"
    for suffix in ("___b", "/", "-", "._b", "//b", "/B", "\n"):
        if suffix != "/":  # that one is legal
            refuse(case, rows, f"prefix that ends in {suffix!r}", INVALID, ecrRepositoryPrefix=case.name(suffix))
    refuse(
        case, "request-rule-prefix", "prefix of 31 characters", INVALID, ecrRepositoryPrefix=case.name("-" + "x" * 18)
    )
    refuse(
        case,
        "request-first-violation",
        "prefix that is too long and malformed",
        INVALID,
        ecrRepositoryPrefix=case.name("___" + "x" * 20),
    )
    refuse(
        case,
        "request-first-violation",
        "prefix and secret malformed",
        INVALID,
        ecrRepositoryPrefix=case.name("___b"),
        credentialArn="x" * 60,
    )


@scenario("request-rule-prefix-echoed")
def legal_prefixes(case: Case) -> None:
    for suffix in ("/", "/a", "__b", "---b", ".c", "-" + "x" * 17):
        if not admits("PullThroughCacheRuleRepositoryPrefix", case.name(suffix)):
            continue
        case.answered(
            "request-rule-prefix-echoed",
            f"prefix that ends in {suffix}",
            case.ecr.create_pull_through_cache_rule,
            ecrRepositoryPrefix=case.name(suffix),
            upstreamRegistryUrl=OPEN_UPSTREAM,
        )
        case.ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix=case.name(suffix))


@scenario("request-credential-arn request-other-constraints request-enum-text request-empty-role role-custom")
def other_members_that_are_malformed(case: Case) -> None:
    hub = "registry-1.docker.io"
    for label, arn in (
        ("no ARN", "x" * 60),
        ("no folder", f"arn:aws:secretsmanager:{case.region}:{case.account}:secret:{case.prefix}-AbCdEf"),
        ("too long", case.secret_arn("-" + "x" * 600)),
    ):
        refuse(case, "request-credential-arn", f"secret: {label}", INVALID, hub, credentialArn=arn)
    rows = "request-other-constraints"
    refuse(case, rows, "role of 2049 characters", INVALID, customRoleArn=role(case) + "x" * 2049)
    refuse(case, f"{rows} request-enum-text", "unknown upstream registry", INVALID, upstreamRegistry="nowhere")
    refuse(case, rows, "registry id of 2 digits", INVALID, registryId="12")
    refuse(case, "role-custom", "role that is no ARN", INVALID, elsewhere(case), customRoleArn="x")
    refuse(
        case,
        "role-custom",
        "user as the role",
        INVALID,
        elsewhere(case),
        customRoleArn=role(case).replace(":role/", ":user/"),
    )
    case.answered(
        "request-empty-role",
        "empty role",
        case.ecr.create_pull_through_cache_rule,
        ecrRepositoryPrefix=case.name(),
        upstreamRegistryUrl=OPEN_UPSTREAM,
        customRoleArn="",
    )


def elsewhere(case: Case) -> str:
    region = "us-west-2" if case.region != "us-west-2" else "us-east-1"
    return f"{case.account}.dkr.ecr.{region}.amazonaws.com"


@scenario(
    "request-missing-member request-list-item-text request-texts rule-describe-limits request-pattern-before-rule"
)
def lists_and_missing_members(case: Case) -> None:
    describe = case.unchecked_ecr.describe_pull_through_cache_rules
    texts = "request-list-item-text request-texts"
    case.refused(texts, "list with a malformed prefix", INVALID, describe, ecrRepositoryPrefixes=["ab", "UPPER"])
    case.refused(texts, "list with a prefix that is too short", INVALID, describe, ecrRepositoryPrefixes=["a"])
    limits = "rule-describe-limits request-texts"
    case.refused(limits, "page of 0", INVALID, describe, maxResults=0)
    case.refused(limits, "page of 1001", INVALID, describe, maxResults=1001)
    case.refused("rule-describe-limits", "no prefixes", INVALID, describe, ecrRepositoryPrefixes=[])
    many = [case.name(f"-{number}") for number in range(101)]
    case.refused("rule-describe-limits", "101 prefixes", INVALID, describe, ecrRepositoryPrefixes=many)
    missing = case.post("ValidatePullThroughCacheRule", b"{}")
    case.protocol_reply("request-missing-member", "no prefix", INVALID, missing)
    for operation in ("update", "delete", "validate"):
        call = getattr(case.ecr, f"{operation}_pull_through_cache_rule")
        case.refused(
            "request-pattern-before-rule",
            f"{operation} of a malformed prefix",
            INVALID,
            call,
            ecrRepositoryPrefix=case.name("___b"),
        )


@scenario("request-older-texts pull-constraints")
def requests_of_the_first_operations(case: Case) -> None:
    case.rule()
    older, image = "request-older-texts", [{"imageTag": "latest"}]
    get = case.unchecked_ecr.batch_get_image
    both = f"{older} pull-constraints"
    case.refused(
        both, "BatchGetImage: registryId", INVALID, get, repositoryName=case.name("/a"), imageIds=image, registryId="12"
    )
    case.refused(
        both, "BatchGetImage: repositoryName", INVALID, get, repositoryName=case.name("/UPPER"), imageIds=image
    )
    rows = "pull-constraints"
    case.refused(rows, "BatchGetImage: 101 images", INVALID, get, repositoryName=case.name("/a"), imageIds=image * 101)
    long_tag = [{"imageTag": "a" * 301}]
    case.refused(
        rows, "BatchGetImage: tag of 301 characters", INVALID, get, repositoryName=case.name("/a"), imageIds=long_tag
    )
    for operation in ("BatchCheckLayerAvailability", "GetDownloadUrlForLayer"):
        reply = case.post(operation, b'{"repositoryName": "a"}')
        case.protocol_reply(older, f"{operation}: repositoryName", INVALID, reply)


@scenario(
    "template-nested-paths",
    needs=has_member("CreateRepositoryCreationTemplateRequest", "imageTagMutabilityExclusionFilters"),
)
def paths_of_nested_members(case: Case) -> None:
    create = case.unchecked_ecr.create_repository_creation_template
    for label, settings in (
        ("encryption type", {"encryptionConfiguration": {"encryptionType": "ROT13"}}),
        ("key", {"encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "alias/mine"}}),
        (
            "filter",
            {
                "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
                "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "?"}],
            },
        ),
        (
            "type of a filter",
            {
                "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
                "imageTagMutabilityExclusionFilters": [{"filterType": "REGEX", "filter": "a"}],
            },
        ),
    ):
        case.refused(
            "template-nested-paths", label, INVALID, create, prefix=case.name(), appliedFor=["REPLICATION"], **settings
        )
