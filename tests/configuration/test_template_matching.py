"""Which template a new repository gets."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moto_ecr_ptc.ecr.configuration.templates import RepositoryCreationTemplate, find_template

NOW = datetime(2026, 1, 1)
PURPOSES = ["REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"]


def template(prefix, applied_for=("PULL_THROUGH_CACHE",)):
    return RepositoryCreationTemplate(0, prefix, applied_for=list(applied_for), created_at=NOW, updated_at=NOW)


def found(prefixes, repository_name):
    match = find_template([template(prefix) for prefix in prefixes], repository_name, "PULL_THROUGH_CACHE")
    return match and match.prefix


@pytest.mark.parametrize(
    ("prefixes", "repository_name", "expected"),
    [
        (["prod"], "prod/app", "prod"),
        (["prod"], "production/app", None),
        (["prod"], "prod", None),
        (["prod/"], "prod/app", "prod/"),
        (["prod", "prod/team", "ROOT"], "prod/team/app", "prod/team"),
        (["prod", "prod/team", "ROOT"], "prod/teams/app", "prod"),
        (["prod", "ROOT"], "dev/app", "ROOT"),
        (["ROOT"], "app", "ROOT"),
        (["a", "ROOT"], "a/b", "a"),
        ([], "app", None),
    ],
)
def test_longest_prefix_on_whole_path_parts_wins(prefixes, repository_name, expected):
    assert found(prefixes, repository_name) == expected
    assert found(list(reversed(prefixes)), repository_name) == expected


def test_templates_for_another_purpose_are_passed_over():
    candidates = [template("prod/team", ["REPLICATION"]), template("prod"), template("ROOT", [])]
    assert find_template(candidates, "prod/team/app", "PULL_THROUGH_CACHE") is candidates[1]
    assert find_template(candidates, "prod/team/app", "CREATE_ON_PUSH") is None


parts = st.lists(st.sampled_from(["a", "b", "ab", "a-b"]), min_size=1, max_size=4)
prefixes = st.one_of(
    st.just("ROOT"), st.builds(lambda path, slash: "/".join(path) + slash, parts, st.sampled_from(["", "/"]))
)
template_lists = st.lists(
    st.tuples(prefixes, st.lists(st.sampled_from(PURPOSES), unique=True)),
    unique_by=lambda pair: pair[0].rstrip("/"),
    max_size=12,
)


def naive(candidates, repository_name, purpose):
    """Walk up the repository's path, one part after the other, then try ROOT."""
    by_prefix = {item.prefix.rstrip("/"): item for item in candidates if purpose in item.applied_for}
    path = repository_name.split("/")[:-1]
    while path:
        if "/".join(path) in by_prefix:
            return by_prefix["/".join(path)]
        path.pop()
    return by_prefix.get("ROOT")


@settings(max_examples=500, deadline=None)
@given(template_lists, parts.map("/".join), st.sampled_from(PURPOSES))
def test_matching_agrees_with_a_walk_up_the_path(pairs, repository_name, purpose):
    candidates = [template(prefix, applied_for) for prefix, applied_for in pairs]
    assert find_template(candidates, repository_name, purpose) is naive(candidates, repository_name, purpose)
