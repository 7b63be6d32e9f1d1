"""DescribePullThroughCacheRules: order, selection, pages."""

from __future__ import annotations

import base64
import json

import pytest

from conftest import ACCOUNT, OTHER_ACCOUNT, prefixes, refusal


def create(ecr, *names):
    for name in names:
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=name, upstreamRegistryUrl="quay.io")


def describe(ecr, **arguments):
    response = ecr.describe_pull_through_cache_rules(**arguments)
    return [rule["ecrRepositoryPrefix"] for rule in response["pullThroughCacheRules"]], response.get("nextToken")


def test_describe_without_rules_returns_an_empty_list(ecr):
    response = ecr.describe_pull_through_cache_rules()
    assert response["pullThroughCacheRules"] == []
    assert "nextToken" not in response


def test_describe_returns_the_members_of_a_rule(ecr):
    created = ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io", upstreamRepositoryPrefix="org"
    )
    (rule,) = ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]
    created.pop("ResponseMetadata")
    assert rule == {**created, "updatedAt": created["createdAt"]}


def test_describe_returns_rules_in_order_of_creation(aws, ecr):
    create(ecr, "zz", "mm", "aa")
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="mm")
    create(ecr, "bb", "mm")
    assert prefixes(ecr) == ["zz", "aa", "bb", "mm"]


def test_describe_keeps_the_order_after_an_update(aws, ecr):
    for name in ("one", "two"):
        ecr.create_pull_through_cache_rule(
            ecrRepositoryPrefix=name, upstreamRegistryUrl="ghcr.io", credentialArn=aws.secret(name)
        )
    ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="one", credentialArn=aws.secret("three"))
    assert prefixes(ecr) == ["one", "two"]


def test_describe_selects_by_prefix_in_order_of_creation_and_each_once(ecr):
    create(ecr, "aa", "bb", "cc")
    assert describe(ecr, ecrRepositoryPrefixes=["cc", "aa", "cc", "aa/"]) == (["aa", "cc"], None)


def test_describe_accepts_the_own_registry(ecr):
    create(ecr, "aa")
    assert describe(ecr, registryId=ACCOUNT) == (["aa"], None)


@pytest.mark.parametrize("size", [1, 2, 4, 5, 1000])
def test_describe_pages_are_complete_and_repeat_nothing(ecr, size):
    names = ["aa", "bb", "cc", "dd", "ee"]
    create(ecr, *names)
    found, token = describe(ecr, maxResults=size)
    while token:
        assert len(found) % size == 0
        page, token = describe(ecr, maxResults=size, nextToken=token)
        assert page
        found += page
    assert found == names


def test_describe_without_a_page_size_returns_all_that_a_registry_can_have(ecr):
    create(ecr, *(f"rule-{number}" for number in range(50)))
    found, token = describe(ecr)
    assert (len(found), token) == (50, None)


def test_describe_pages_with_boto3s_paginator(ecr):
    create(ecr, *(f"rule-{number}" for number in range(50)))
    assert prefixes(ecr, PaginationConfig={"PageSize": 7}) == [f"rule-{number}" for number in range(50)]
    paginator = ecr.get_paginator("describe_pull_through_cache_rules")
    first = paginator.paginate(PaginationConfig={"PageSize": 7, "MaxItems": 20}).build_full_result()
    rest = paginator.paginate(PaginationConfig={"StartingToken": first["NextToken"]}).build_full_result()
    found = first["pullThroughCacheRules"] + rest["pullThroughCacheRules"]
    assert [rule["ecrRepositoryPrefix"] for rule in found] == [f"rule-{number}" for number in range(50)]


def test_describe_pages_of_selected_prefixes(ecr):
    create(ecr, "aa", "bb", "cc", "dd")
    selection = {"ecrRepositoryPrefixes": ["aa", "cc", "dd"], "maxResults": 2}
    found, token = describe(ecr, **selection)
    assert found == ["aa", "cc"]
    assert describe(ecr, **selection, nextToken=token) == (["dd"], None)


@pytest.mark.parametrize(
    ("deleted", "expected"),
    [("aa", ["cc", "dd"]), ("bb", ["cc", "dd"]), ("cc", ["dd"]), ("dd", ["cc"])],
)
def test_describe_after_a_deletion_between_pages_neither_breaks_nor_repeats(ecr, deleted, expected):
    create(ecr, "aa", "bb", "cc", "dd")
    found, token = describe(ecr, maxResults=2)
    assert found == ["aa", "bb"]
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix=deleted)
    assert describe(ecr, maxResults=2, nextToken=token) == (expected, None)


def test_describe_after_all_the_rest_was_deleted_returns_an_empty_page(ecr):
    create(ecr, "aa", "bb")
    _, token = describe(ecr, maxResults=1)
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="bb")
    assert describe(ecr, nextToken=token) == ([], None)


def test_describe_after_a_creation_between_pages_returns_the_new_rule_last(ecr):
    create(ecr, "aa", "bb", "cc")
    _, token = describe(ecr, maxResults=2)
    create(ecr, "dd")
    assert describe(ecr, nextToken=token) == (["cc", "dd"], None)


def token_is_refused(ecr, token):
    found = refusal(ecr.describe_pull_through_cache_rules, nextToken=token)
    assert (found.code, found.message) == (
        "InvalidParameterException",
        "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid nextToken'",
    )


@pytest.mark.parametrize("token", ["", "x", "!", "\u00e9", "AAAA", base64.b64encode(b"0" * 16 + b"1").decode()])
def test_describe_with_a_token_that_nobody_issued_is_invalid(ecr, token):
    create(ecr, "aa", "bb")
    token_is_refused(ecr, token)


def test_describe_with_an_altered_token_is_invalid(ecr):
    create(ecr, "aa", "bb")
    _, token = describe(ecr, maxResults=1)
    token_is_refused(ecr, "A" + token[1:] if token[0] != "A" else "B" + token[1:])
    token_is_refused(ecr, f"{token}\n")
    token_is_refused(ecr, f" {token}")


def test_describe_with_a_token_of_another_registry_is_invalid(aws, ecr):
    create(ecr, "aa", "bb")
    _, token = describe(ecr, maxResults=1)
    for other in (aws.client("ecr", "eu-west-1"), aws.client("ecr", account=OTHER_ACCOUNT)):
        create(other, "aa", "bb")
        token_is_refused(other, token)


@pytest.mark.parametrize(
    ("arguments", "constraint"),
    [
        ({"maxResults": 0}, "Member must have value greater than or equal to 1"),
        ({"maxResults": 1001}, "Member must have value less than or equal to 1000"),
    ],
)
def test_describe_with_a_page_size_out_of_range_is_invalid(aws, arguments, constraint):
    response = aws.post("DescribePullThroughCacheRules", json.dumps(arguments).encode())
    assert response.status_code == 400
    assert response.json()["__type"] == "InvalidParameterException"
    assert response.json()["message"] == (
        f"Invalid parameter at 'maxResults' failed to satisfy constraint: '{constraint}'"
    )
