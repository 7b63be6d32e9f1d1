"""The four operations on repository creation templates."""

from __future__ import annotations

from datetime import datetime

import freezegun
import pytest

from conftest import (
    ACCOUNT,
    EXCLUSION_FILTERS,
    HAS_EXCLUSION_FILTERS,
    MODEL,
    OTHER_ACCOUNT,
    REGION,
    model_accepts,
    refusal,
    template_prefixes,
    templates,
)
from conftest import LIFECYCLE_POLICY as LIFECYCLE
from conftest import REPOSITORY_POLICY as POLICY

ROLE = f"arn:aws:iam::{ACCOUNT}:role/ecr-template"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0000-1111"
FILTERS = [{"filterType": "WILDCARD", "filter": "dev-*"}, {"filterType": "WILDCARD", "filter": "latest"}]
EVERYTHING = {
    "description": "for tests",
    "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": KEY},
    "resourceTags": [{"Key": "team", "Value": "a"}, {"Key": "stage", "Value": ""}],
    **(
        {"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION", "imageTagMutabilityExclusionFilters": FILTERS}
        if HAS_EXCLUSION_FILTERS
        else {"imageTagMutability": "IMMUTABLE"}
    ),
    "repositoryPolicy": POLICY,
    "lifecyclePolicy": LIFECYCLE,
    "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
    "customRoleArn": ROLE,
}
DEFAULTS = {
    "encryptionConfiguration": {"encryptionType": "AES256"},
    "imageTagMutability": "MUTABLE",
    "appliedFor": ["PULL_THROUGH_CACHE"],
}


@pytest.fixture
def create(ecr):
    """Create a template; return it without its times."""

    def create(prefix="prod", applied_for=("PULL_THROUGH_CACHE",), **settings):
        response = ecr.create_repository_creation_template(prefix=prefix, appliedFor=list(applied_for), **settings)
        assert response["registryId"] == ACCOUNT
        return timeless(response["repositoryCreationTemplate"])

    return create


@pytest.fixture
def update(ecr):
    """Update the template ``prod``; return it without its times."""

    def update(**settings):
        response = ecr.update_repository_creation_template(prefix="prod", **settings)
        assert response["registryId"] == ACCOUNT
        assert timeless(templates(ecr)[0]) == timeless(response["repositoryCreationTemplate"])
        return timeless(response["repositoryCreationTemplate"])

    return update


def timeless(template):
    return {name: value for name, value in template.items() if name not in ("createdAt", "updatedAt")}


# --- create -----------------------------------------------------------------------------------------------------------


def test_create_with_nothing_but_what_is_required_has_the_defaults(create):
    assert create() == {"prefix": "prod", **DEFAULTS}


def test_create_returns_everything_that_is_set(create, ecr):
    settings = {name: value for name, value in EVERYTHING.items() if name != "appliedFor"}
    assert create("team/app/", EVERYTHING["appliedFor"], **settings) == {"prefix": "team/app/", **EVERYTHING}
    assert timeless(templates(ecr)[0]) == {"prefix": "team/app/", **EVERYTHING}


def test_create_times_are_equal(ecr):
    template = ecr.create_repository_creation_template(prefix="prod", appliedFor=[])["repositoryCreationTemplate"]
    assert template["createdAt"] == template["updatedAt"]


@pytest.mark.parametrize("prefix", ["a", "ROOT", "prod/", "a/" * 127 + "bb", "a.b_c-d"])
def test_create_echoes_every_legal_prefix_as_it_was_given(create, prefix):
    assert create(prefix)["prefix"] == prefix


@pytest.mark.parametrize("applied_for", [[], ["REPLICATION"], ["PULL_THROUGH_CACHE", "REPLICATION"]])
def test_create_accepts_any_purposes_even_none(create, applied_for):
    assert create(applied_for=applied_for)["appliedFor"] == applied_for


@pytest.mark.skipif(
    "CREATE_ON_PUSH" not in MODEL.shape_for("RCTAppliedFor").metadata["enum"],
    reason="the model of an older botocore has no CREATE_ON_PUSH",
)
def test_create_accepts_create_on_push(create):
    assert create(applied_for=["CREATE_ON_PUSH"])["appliedFor"] == ["CREATE_ON_PUSH"]


@pytest.mark.parametrize(
    "settings",
    [
        {"resourceTags": [{"Key": "team", "Value": "a"}]},
        {"encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": KEY}},
        {"encryptionConfiguration": {"encryptionType": "KMS_DSSE"}},
        {"encryptionConfiguration": {"encryptionType": "KMS"}},
    ],
)
def test_create_accepts_tags_and_keys_without_a_role(create, settings):
    assert create(**settings) == {"prefix": "prod", **DEFAULTS, **settings}


def test_create_takes_empty_texts_as_absent(create):
    empty = {"description": "", "repositoryPolicy": "", "lifecyclePolicy": "", "customRoleArn": "", "resourceTags": []}
    encryption = {"encryptionConfiguration": {"encryptionType": "AES256", "kmsKey": ""}}
    assert create(**empty, **encryption) == {"prefix": "prod", **DEFAULTS}


def test_create_makes_the_service_linked_role_with_the_first_template(aws, create):
    create()
    create("test")
    (role,) = aws.client("iam").list_roles()["Roles"]
    assert role["Arn"] == (
        f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecr.amazonaws.com/AWSServiceRoleForECRTemplate"
    )


def test_create_again_already_exists(ecr, create):
    create()
    for prefix in ("prod", "prod/"):
        found = refusal(ecr.create_repository_creation_template, prefix=prefix, appliedFor=[])
        assert (found.code, found.message) == (
            "TemplateAlreadyExistsException",
            (
                f"The repository creation template with prefix '{prefix}' already exists "
                f"in the registry with id '{ACCOUNT}'"
            ),
        )
    assert timeless(templates(ecr)[0]) == {"prefix": "prod", **DEFAULTS}


# --- refusals, on creation and on update ------------------------------------------------------------------------------

PREFIX = "Member must satisfy regular expression pattern: *"
FILTERS_MEMBER = "imageTagMutabilityExclusionFilters"


def invalid(member, constraint):
    return f"Invalid parameter at '{member}' failed to satisfy constraint: '{constraint}'"


REFUSALS = [
    (
        {"encryptionConfiguration": {"encryptionType": "AES256", "kmsKey": KEY}},
        invalid(
            "encryptionConfiguration",
            "Invalid encryption configuration: Encryption key should not be set for AES256 encryption.",
        ),
    ),
    (
        {"encryptionConfiguration": {"encryptionType": "ROT13"}},
        invalid(
            "encryptionConfiguration.encryptionType", "Member must satisfy enum value set: [AES256, KMS, KMS_DSSE]"
        ),
    ),
    (
        {"encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "alias/mine"}},
        invalid("encryptionConfiguration.kmsKey", PREFIX),
    ),
    (
        {"imageTagMutability": "IMMUTABLE", FILTERS_MEMBER: FILTERS},
        invalid(
            FILTERS_MEMBER,
            "ImageTagMutabilityExclusionFilters are not allowed when imageTagMutability is set as IMMUTABLE",
        ),
    ),
    (
        {FILTERS_MEMBER: FILTERS},
        invalid(
            FILTERS_MEMBER,
            "ImageTagMutabilityExclusionFilters are not allowed when imageTagMutability is set as MUTABLE",
        ),
    ),
    (
        {"imageTagMutability": "MUTABLE_WITH_EXCLUSION"},
        invalid(
            FILTERS_MEMBER,
            "ImageTagMutabilityExclusionFilters can't be null when imageTagMutability is set as MUTABLE_WITH_EXCLUSION",
        ),
    ),
    (
        {"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION", FILTERS_MEMBER: FILTERS * 3},
        invalid(FILTERS_MEMBER, "Member must have length less than or equal to 5"),
    ),
    (
        {"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION", FILTERS_MEMBER: [FILTERS[0], {**FILTERS[1], "filter": "?"}]},
        invalid(f"{FILTERS_MEMBER}.2.member.filter", PREFIX),
    ),
    (
        {
            "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
            FILTERS_MEMBER: [{"filterType": "REGEX", "filter": "a"}],
        },
        invalid(f"{FILTERS_MEMBER}.1.member.filterType", "Member must satisfy enum value set: [WILDCARD]"),
    ),
    ({"description": "x" * 257}, invalid("description", "Member must have length less than or equal to 256")),
    (
        {"repositoryPolicy": "x" * 10241},
        invalid("repositoryPolicy", "Member must have length less than or equal to 10240"),
    ),
    (
        {"lifecyclePolicy": "x" * 30721},
        invalid("lifecyclePolicy", "Member must have length less than or equal to 30720"),
    ),
    (
        {"appliedFor": ["PULL_THROUGH_CACHE", "NOTHING"]},
        invalid("appliedFor", "Member must satisfy constraint: [Member must satisfy enum value set: [*]]"),
    ),
    ({"customRoleArn": "x"}, invalid("customRoleArn", "Member must be the ARN of an IAM role")),
    (
        {"customRoleArn": ROLE.replace(ACCOUNT, OTHER_ACCOUNT)},
        invalid("customRoleArn", "Member must be the ARN of an IAM role of the account that owns the registry"),
    ),
    (
        {"resourceTags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]},
        invalid("resourceTags", "Duplicate tag keys: a"),
    ),
    (
        {"resourceTags": [{"Key": key, "Value": ""} for key in "bacba"]},
        invalid("resourceTags", "Duplicate tag keys: a, b"),
    ),
    (
        {"resourceTags": [{"Key": "aws:a", "Value": "1"}]},
        invalid("resourceTags", "1 validation error detected: Value 'aws:a' at 'tags.1.member.key' *"),
    ),
    (
        {"resourceTags": [{"Key": f"a{number}", "Value": ""} for number in range(51)]},
        invalid("resourceTags", "*Member must have length less than or equal to 50*"),
    ),
    (
        {"resourceTags": [{"Key": "a" * 129, "Value": ""}]},
        invalid("resourceTags", "*Member must have length less than or equal to 128"),
    ),
]
REFUSALS = [
    pytest.param(settings, message, marks=EXCLUSION_FILTERS if "Exclusion" in message else ())
    for settings, message in REFUSALS
]


def matches(pattern, text):
    parts = pattern.split("*")
    return text.startswith(parts[0]) and text.endswith(parts[-1]) and all(part in text for part in parts)


@pytest.mark.parametrize(("settings", "message"), REFUSALS)
def test_create_with_settings_that_are_not_valid_is_refused(ecr, settings, message):
    found = refusal(
        ecr.create_repository_creation_template, **{"prefix": "prod", "appliedFor": ["REPLICATION"], **settings}
    )
    assert found.code == "InvalidParameterException"
    assert matches(message, found.message), found.message
    assert templates(ecr) == []


@pytest.mark.parametrize(("settings", "message"), REFUSALS)
def test_update_with_settings_that_are_not_valid_is_refused(ecr, create, settings, message):
    create()
    before = templates(ecr)
    found = refusal(ecr.update_repository_creation_template, prefix="prod", **settings)
    assert found.code == "InvalidParameterException"
    assert matches(message, found.message), found.message
    assert templates(ecr) == before


@pytest.mark.parametrize("operation", ["create", "update", "delete"])
@pytest.mark.parametrize("prefix", ["a_", "Prod", "a//b", "ROOT/", "a\n", "a" * 257])
def test_malformed_prefix_is_invalid(ecr, operation, prefix):
    arguments = {"prefix": prefix, **({"appliedFor": []} if operation == "create" else {})}
    found = refusal(getattr(ecr, f"{operation}_repository_creation_template"), **arguments)
    assert found.code == "InvalidParameterException"
    assert found.message.startswith("Invalid parameter at 'prefix' failed to satisfy constraint: ")


@pytest.mark.parametrize("text", ["x", "[]", "{}", '{"Statement": 1}', "[" * 9000, POLICY.replace("Allow", "Perhaps")])
def test_malformed_repository_policy_is_refused_as_set_repository_policy_does(ecr, create, text):
    ecr.create_repository(repositoryName="app")
    expected = refusal(ecr.set_repository_policy, repositoryName="app", policyText=text)
    found = refusal(create, repositoryPolicy=text)
    assert (found.code, found.message) == (expected.code, expected.message)
    assert templates(ecr) == []


@pytest.mark.parametrize("text", ["x", "{}", '{"rules": [{}]}', LIFECYCLE.replace("expire", "keep")])
def test_malformed_lifecycle_policy_is_refused_as_put_lifecycle_policy_does(ecr, create, text):
    text = text.ljust(100)  # the least that botocore lets PutLifecyclePolicy send
    ecr.create_repository(repositoryName="app")
    expected = refusal(ecr.put_lifecycle_policy, repositoryName="app", lifecyclePolicyText=text)
    found = refusal(create, lifecyclePolicy=text)
    assert (found.code, found.message) == (expected.code, expected.message)
    assert templates(ecr) == []


@pytest.mark.parametrize("broken", ['"keep"', "null", "[1]"])
def test_lifecycle_policy_that_motos_validator_fails_on_is_refused(create, broken):
    found = refusal(create, lifecyclePolicy=LIFECYCLE.replace('{"type": "expire"}', broken))
    assert (found.code, found.message) == (
        "InvalidParameterException",
        (
            "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
            "'Lifecycle policy validation failure: Could not map policyString into LifecyclePolicy.'"
        ),
    )


# --- update -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", EVERYTHING)
def test_update_changes_what_is_given_and_keeps_the_rest(create, update, setting):
    settings = {name: value for name, value in EVERYTHING.items() if name != "appliedFor"}
    create("prod", EVERYTHING["appliedFor"], **settings)
    new = {
        "description": "another",
        "encryptionConfiguration": {"encryptionType": "AES256"},
        "resourceTags": [{"Key": "only", "Value": "one"}],
        "imageTagMutability": "MUTABLE_WITH_EXCLUSION" if HAS_EXCLUSION_FILTERS else "MUTABLE",
        "imageTagMutabilityExclusionFilters": FILTERS[:1],
        "repositoryPolicy": POLICY.replace("BatchGetImage", "ListImages"),
        "lifecyclePolicy": LIFECYCLE.replace('"countNumber": 1', '"countNumber": 2'),
        "appliedFor": ["REPLICATION"],
        "customRoleArn": ROLE + "-2",
    }[setting]
    assert update(**{setting: new}) == {"prefix": "prod", **EVERYTHING, setting: new}


@pytest.mark.parametrize(
    ("given", "removed"),
    [
        ({"description": ""}, ["description"]),
        ({"repositoryPolicy": ""}, ["repositoryPolicy"]),
        ({"lifecyclePolicy": ""}, ["lifecyclePolicy"]),
        ({"resourceTags": []}, ["resourceTags"]),
        ({"imageTagMutability": "IMMUTABLE"}, ["imageTagMutabilityExclusionFilters"]),
        ({"customRoleArn": ""}, []),
        ({}, []),
    ],
)
def test_update_with_an_empty_value_removes_the_setting(create, update, given, removed):
    settings = {name: value for name, value in EVERYTHING.items() if name != "appliedFor"}
    create("prod", EVERYTHING["appliedFor"], **settings)
    expected = {"prefix": "prod", **EVERYTHING, **{name: value for name, value in given.items() if value}}
    assert update(**given) == {name: value for name, value in expected.items() if name not in removed}


def test_update_moves_updated_at_only(in_process):
    ecr = in_process.client("ecr")
    with freezegun.freeze_time("2026-01-01 10:00:00") as clock:
        ecr.create_repository_creation_template(prefix="prod", appliedFor=[])
        clock.move_to("2026-01-02 10:00:00")
        ecr.update_repository_creation_template(prefix="prod/", description="new")
        (template,) = templates(ecr)
    assert template["createdAt"] == datetime.fromisoformat("2026-01-01T10:00:00+00:00")
    assert template["updatedAt"] == datetime.fromisoformat("2026-01-02T10:00:00+00:00")


# --- delete -----------------------------------------------------------------------------------------------------------


def test_delete_returns_the_template_and_frees_the_prefix(ecr, create):
    created = create("prod/", description="first")
    deleted = ecr.delete_repository_creation_template(prefix="prod")
    assert deleted["registryId"] == ACCOUNT
    assert timeless(deleted["repositoryCreationTemplate"]) == created
    assert templates(ecr) == []
    create("prod")


@pytest.mark.parametrize("operation", ["update", "delete"])
def test_unknown_prefix_is_not_found(ecr, create, operation):
    create("prod")
    found = refusal(getattr(ecr, f"{operation}_repository_creation_template"), prefix="pro")
    assert (found.code, found.message) == (
        "TemplateNotFoundException",
        f"The repository creation template with prefix 'pro' does not exist in the registry with id '{ACCOUNT}'",
    )


# --- describe ---------------------------------------------------------------------------------------------------------


def test_describe_without_templates_returns_an_empty_list(ecr):
    response = ecr.describe_repository_creation_templates()
    assert (response["registryId"], response["repositoryCreationTemplates"]) == (ACCOUNT, [])
    assert "nextToken" not in response


def test_describe_selects_by_prefix_and_leaves_unknown_ones_out(ecr, create):
    for prefix in ("b", "a", "ROOT"):
        create(prefix)
    assert template_prefixes(ecr) == ["b", "a", "ROOT"]
    assert template_prefixes(ecr, prefixes=["ROOT", "absent", "b/", "b"]) == ["b", "ROOT"]
    assert template_prefixes(ecr, prefixes=["absent"]) == []
    assert template_prefixes(ecr, prefixes=[]) == ["b", "a", "ROOT"]


def test_describe_100_templates_by_7_complete_and_in_order(ecr, create):
    names = [f"team-{number}" for number in range(100)]
    for name in names:
        create(name)
    assert template_prefixes(ecr, PaginationConfig={"PageSize": 7}) == names
    assert len(ecr.describe_repository_creation_templates()["repositoryCreationTemplates"]) == 100
    create("one-more")
    response = ecr.describe_repository_creation_templates()
    assert len(response["repositoryCreationTemplates"]) == 100
    assert "nextToken" in response


@pytest.mark.parametrize("deleted", range(14))
def test_describe_after_a_deletion_between_pages_neither_breaks_nor_repeats(in_process, deleted):
    ecr = in_process.client("ecr")
    names = [f"team-{number}" for number in range(14)]
    for name in names:
        ecr.create_repository_creation_template(prefix=name, appliedFor=[])
    first = ecr.describe_repository_creation_templates(maxResults=7)
    ecr.delete_repository_creation_template(prefix=names[deleted])
    second = ecr.describe_repository_creation_templates(maxResults=7, nextToken=first["nextToken"])
    assert [template["prefix"] for template in first["repositoryCreationTemplates"]] == names[:7]
    left = [name for name in names[7:] if name != names[deleted]]
    assert [template["prefix"] for template in second["repositoryCreationTemplates"]] == left


def test_describe_refuses_the_tokens_of_rules_and_of_other_registries(aws, ecr, create):
    for prefix in ("aa", "bb"):
        create(prefix)
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl="quay.io")
    token = ecr.describe_repository_creation_templates(maxResults=1)["nextToken"]
    for describe in (
        ecr.describe_pull_through_cache_rules,
        aws.client("ecr", "eu-west-1").describe_repository_creation_templates,
    ):
        assert refusal(describe, nextToken=token).code == "InvalidParameterException"


# --- where templates live ---------------------------------------------------------------------------------------------


def test_templates_belong_to_one_account_and_region(aws, ecr, create):
    create()
    for other in (aws.client("ecr", "eu-west-1"), aws.client("ecr", account=OTHER_ACCOUNT)):
        assert template_prefixes(other) == []
        other.create_repository_creation_template(prefix="prod", appliedFor=[])


def test_a_rule_and_a_template_of_one_prefix_do_not_meet(ecr, create):
    create("quay")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    ecr.delete_repository_creation_template(prefix="quay")
    assert len(ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]) == 1


def test_prefix_with_long_separators_is_legal_where_the_model_says_so(ecr, create):
    if model_accepts("Prefix", "a--b"):
        assert create("a--b__c")["prefix"] == "a--b__c"
    else:
        assert refusal(create, prefix="a--b__c").code == "InvalidParameterException"
