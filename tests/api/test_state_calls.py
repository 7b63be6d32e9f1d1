"""The HTTP calls that tell the state: /moto-api/static/ecr/overview and /moto-api/static/ecr/pulls."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import requests
from moto.core.base_backend import backend_lock
from moto.ecr.models import ecr_backends

from conftest import ACCOUNT, OTHER_ACCOUNT, REGION, Aws, pull
from moto_ecr_ptc import upstream_registry
from moto_ecr_ptc.ecr.pulls.pull_log import OK, Question, Route, get_pull_log
from moto_ecr_ptc.ecr.registry_id import RegistryId, now

MOTO_API = "http://motoapi.amazonaws.com"
CALLER = f"arn:aws:iam::{ACCOUNT}:user/someone"
QUAY_RULE = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}


@pytest.fixture
def url(aws: Aws) -> str:
    """Where the calls begin, with an empty pull log."""
    url = aws.endpoint_url or MOTO_API
    requests.post(f"{url}/moto-api/reset", timeout=60).raise_for_status()
    return f"{url}/moto-api/static/ecr/"


def get(url: str, call: str, **parameters: Any) -> Any:
    """Make a call that must succeed, and return its answer."""
    answer = requests.get(url + call, params=parameters, timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    return answer.json()


def record(
    repository: str = "quay/team/app",
    reference: str = "1",
    outcome: str = OK,
    account: str = ACCOUNT,
    region: str = REGION,
    **arguments: Any,
) -> None:
    question = Question("BatchGetImage", RegistryId(account, region), CALLER, repository)
    get_pull_log().record(question, reference, outcome, "a reason", **arguments)


def references(answer: Any) -> list[str]:
    return [found["reference"] for found in answer["pulls"]]


# --- pulls ------------------------------------------------------------------------------------------------------------


def test_pulls_of_an_empty_log_are_none(url):
    assert get(url, "pulls") == {"log": get_pull_log().number, "total": 0, "selected": 0, "failed": 0, "pulls": []}


def test_pulls_have_every_field_of_a_record_and_its_sentence(url):
    until = now() + timedelta(hours=24)
    route = Route("quay", "quay.io/team/app", "ROOT")
    record(route=route, answered_by="upstream", fresh_until=until)
    (expected,) = get_pull_log().records
    assert get(url, "pulls")["pulls"] == [
        {
            "at": expected.at.isoformat(),
            "operation": "BatchGetImage",
            "account_id": ACCOUNT,
            "region": REGION,
            "caller": CALLER,
            "repository": "quay/team/app",
            "reference": "1",
            "rule": "quay",
            "upstream": "quay.io/team/app",
            "template": "ROOT",
            "answered_by": "upstream",
            "fresh_until": until.isoformat(),
            "outcome": "ok",
            "reason": "a reason",
            "text": str(expected),
        }
    ]


def test_pulls_are_the_oldest_first(url):
    for reference in "123":
        record(reference=reference)
    assert references(get(url, "pulls")) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"repository": "quay/team/app"}, ["app"]),
        ({"repository": "quay/team/app*"}, ["app", "apple"]),
        ({"repository": "*team*"}, ["app", "apple", "failed"]),
        ({"repository": "quay/*/app"}, ["app"]),
        ({"repository": "*app*app"}, []),
        ({"repository": "*le"}, ["apple"]),
        ({"repository": "quay/team/apple*apple"}, []),
        ({"repository": "[q]uay/team/app"}, []),
        ({"outcome": "ok"}, ["app", "apple", "elsewhere", "other"]),
        ({"outcome": "failed"}, ["failed"]),
        ({"outcome": "ImageNotFound"}, ["failed"]),
        ({"outcome": "Unknown"}, []),
        ({"account_id": OTHER_ACCOUNT}, ["other"]),
        ({"region": "eu-west-1"}, ["elsewhere"]),
        ({"account_id": ACCOUNT, "region": REGION, "outcome": "ok"}, ["app", "apple"]),
    ],
)
def test_pulls_are_selected_by_each_parameter(url, parameters, expected):
    record(reference="app")
    record("quay/team/apple", "apple")
    record("hub/team/x", "failed", "ImageNotFound")
    record("elsewhere", "elsewhere", region="eu-west-1")
    record("other", "other", account=OTHER_ACCOUNT)
    answer = get(url, "pulls", **parameters)
    assert references(answer) == expected
    assert (answer["total"], answer["selected"]) == (5, len(expected))


def test_pulls_after_a_position_are_the_later_ones(url):
    record(reference="1")
    position = get(url, "pulls")["total"]
    record(reference="2")
    answer = get(url, "pulls", after=position)
    assert (references(answer), answer["total"], answer["selected"]) == (["2"], 2, 2)
    assert references(get(url, "pulls", after=answer["total"])) == []


def test_limit_keeps_the_latest_of_those_that_are_selected(url):
    for reference, outcome in (("1", "X"), ("2", "X"), ("3", OK), ("4", "X"), ("5", OK)):
        record(reference=reference, outcome=outcome)
    answer = get(url, "pulls", outcome="failed", limit=2)
    assert (references(answer), answer["selected"], answer["failed"]) == (["2", "4"], 3, 3)
    assert references(get(url, "pulls", limit=0)) == []


def test_reset_begins_another_log(url):
    record()
    old = get(url, "pulls")
    requests.post(url.replace("static/ecr/", "reset"), timeout=60).raise_for_status()
    new = get(url, "pulls")
    assert new["log"] != old["log"]
    assert (new["total"], new["pulls"]) == (0, [])


def test_text_of_a_hostile_record_has_no_control_characters(url):
    record("<b>\u202e\x1b[31m\n")
    (found,) = get(url, "pulls")["pulls"]
    assert found["repository"] == "<b>\u202e\x1b[31m\n"
    assert found["text"].isprintable()


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        ("pulls?after=-1", "'after' must be a whole number"),
        ("pulls?after=1.5", "'after' must be a whole number"),
        ("pulls?limit=many", "'limit' must be a whole number"),
        ("pulls?limit=%D9%A1", "'limit' must be a whole number"),
        ("pulls?account_id=1", "'1' is not the id of an account"),
        ("pulls?region=us%20east", "'us east' is not the name of a Region"),
        ("pulls?registry=quay", "There is no parameter 'registry'"),
        ("overview?account_id=1", "'1' is not the id of an account"),
        ("overview?region=%3Cb%3E", "'<b>' is not the name of a Region"),
        ("overview?outcome=ok", "There is no parameter 'outcome'"),
    ],
)
def test_unknown_or_malformed_parameter_is_refused(url, call, fault):
    answer = requests.get(url + call, timeout=60)
    assert (answer.status_code, answer.json()) == (400, {"message": fault})


@pytest.mark.parametrize("call", ["overview", "pulls"])
def test_calls_that_tell_the_state_are_read_only(url, call):
    answer = requests.post(url + call, timeout=60)
    assert (answer.status_code, answer.json()) == (400, {"message": "Use GET here"})


# --- overview ---------------------------------------------------------------------------------------------------------


def test_overview_of_nothing_has_the_default_registry_only(url):
    assert get(url, "overview") == {
        "account_id": ACCOUNT,
        "region": REGION,
        "registries": [{"account_id": ACCOUNT, "region": REGION}],
        "rules": [],
        "templates": [],
        "templates_total": 0,
        "repositories": [],
        "repositories_total": 0,
        "upstreams": [],
    }


def test_overview_creates_nothing(aws, url):
    get(url, "overview", account_id=OTHER_ACCOUNT, region="eu-west-1")
    with backend_lock:
        assert OTHER_ACCOUNT not in ecr_backends
    aws.client("ecr").create_pull_through_cache_rule(**QUAY_RULE)
    get(url, "overview", region="eu-west-1")
    with backend_lock:
        assert list(ecr_backends[ACCOUNT].keys()) == [REGION]


def test_overview_of_a_rule_does_not_make_its_upstream_one_that_was_used(aws, url):
    aws.client("ecr").create_pull_through_cache_rule(**QUAY_RULE)
    (upstream,) = get(url, "overview")["upstreams"]
    assert upstream["url"] == "quay.io"
    assert get(url, "overview", region="eu-west-1")["upstreams"] == []


def test_overview_lists_rules_with_their_members(aws, url):
    arn = aws.secret()
    rule = aws.client("ecr").create_pull_through_cache_rule(
        ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=arn
    )
    (shown,) = get(url, "overview")["rules"]
    created_at = shown.pop("created_at")
    assert shown.pop("updated_at") == created_at
    assert created_at[:10] == rule["createdAt"].astimezone(now().tzinfo).isoformat()[:10]
    assert shown == {
        "registry_id": ACCOUNT,
        "ecr_repository_prefix": "hub",
        "upstream_registry_url": "registry-1.docker.io",
        "upstream_registry": "docker-hub",
        "upstream_repository_prefix": None,
        "credential_arn": arn,
        "custom_role_arn": None,
    }


def test_overview_lists_templates_with_their_settings(aws, url):
    aws.client("ecr").create_repository_creation_template(
        prefix="hub", appliedFor=["PULL_THROUGH_CACHE"], description="what for", imageTagMutability="IMMUTABLE"
    )
    answer = get(url, "overview")
    (shown,) = answer["templates"]
    assert answer["templates_total"] == 1
    assert (shown["prefix"], shown["applied_for"], shown["description"]) == ("hub", ["PULL_THROUGH_CACHE"], "what for")
    assert (shown["image_tag_mutability"], shown["encryption_configuration"]) == (
        "IMMUTABLE",
        {"encryptionType": "AES256"},
    )


def test_overview_lists_the_first_200_templates_and_their_number(aws, url):
    for number in range(201):
        aws.client("ecr").create_repository_creation_template(prefix=f"hub-{number}", appliedFor=["PULL_THROUGH_CACHE"])
    answer = get(url, "overview")
    assert (len(answer["templates"]), answer["templates_total"]) == (200, 201)


def test_overview_shows_cached_tags_as_fresh_stale_or_pushed(aws, url):
    ecr = aws.client("ecr")
    ecr.create_pull_through_cache_rule(**QUAY_RULE)
    manifest = pull(ecr, "quay/team/app", "stale")["images"][0]["imageManifest"]
    requests.post(f"{url}upstream-expire", timeout=60).raise_for_status()
    pull(ecr, "quay/team/app", "fresh")
    ecr.put_image(repositoryName="quay/team/app", imageManifest=manifest, imageTag="pushed")
    answer = get(url, "overview")
    (repository,) = answer["repositories"]
    assert (repository["repository"], repository["rule"], repository["tags_total"]) == ("quay/team/app", "quay", 3)
    assert answer["repositories_total"] == 1
    tags = {tag["tag"]: tag for tag in repository["tags"]}
    assert {name: tag["state"] for name, tag in tags.items()} == {
        "stale": "stale",
        "fresh": "fresh",
        "pushed": "pushed",
    }
    assert tags["fresh"]["asked_at"] < tags["fresh"]["fresh_until"]
    assert [tags[name]["asked_at"] for name in ("stale", "pushed")] == [None, None]
    details = ecr.describe_images(repositoryName="quay/team/app")["imageDetails"]
    shown = {tag["digest"] for tag in tags.values()}
    assert shown == {detail["imageDigest"] for detail in details if detail.get("imageTags")}


def test_overview_lists_no_repository_that_was_not_pulled_into(aws, url):
    ecr = aws.client("ecr")
    ecr.create_repository(repositoryName="own/app")
    assert get(url, "overview")["repositories"] == []


def test_overview_lists_the_first_200_repositories_by_name_and_their_number(aws, url):
    ecr = aws.client("ecr")
    ecr.create_pull_through_cache_rule(**QUAY_RULE)
    for number in range(201):
        pull(ecr, f"quay/team/{number:03}")
    answer = get(url, "overview")
    names = [repository["repository"] for repository in answer["repositories"]]
    assert names == [f"quay/team/{number:03}" for number in range(200)]
    assert answer["repositories_total"] == 201
    selected = get(url, "overview", repository="*20*")
    assert [found["repository"] for found in selected["repositories"]] == [
        f"quay/team/{number:03}" for number in (20, 120, 200)
    ]
    assert selected["repositories_total"] == 3


def test_overview_shows_a_repository_whose_rule_is_gone(aws, url):
    ecr = aws.client("ecr")
    ecr.create_pull_through_cache_rule(**QUAY_RULE)
    pull(ecr, "quay/team/app")
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")
    (repository,) = get(url, "overview")["repositories"]
    assert repository["rule"] is None


def test_overview_is_about_one_registry_and_lists_all_that_are_in_use(aws, url):
    aws.client("ecr", "eu-west-1").create_pull_through_cache_rule(**QUAY_RULE)
    aws.client("ecr", account=OTHER_ACCOUNT).create_repository_creation_template(prefix="a-b", appliedFor=[])
    aws.client("ecr", "eu-west-3").create_repository(repositoryName="app")
    record(region="eu-north-1")
    assert get(url, "overview")["rules"] == []
    answer = get(url, "overview", account_id=ACCOUNT, region="eu-west-1")
    assert [rule["ecr_repository_prefix"] for rule in answer["rules"]] == ["quay"]
    assert [tuple(registry.values()) for registry in answer["registries"]] == [
        (ACCOUNT, "eu-north-1"),
        (ACCOUNT, "eu-west-1"),
        (ACCOUNT, REGION),
        (OTHER_ACCOUNT, REGION),
    ]


def test_overview_has_motos_account_by_default(in_process, monkeypatch):
    monkeypatch.setenv("MOTO_ACCOUNT_ID", OTHER_ACCOUNT)
    assert get(f"{MOTO_API}/moto-api/static/ecr/", "overview")["account_id"] == OTHER_ACCOUNT


def test_overview_shows_what_upstreams_hold_and_how_they_fail(aws, url, tmp_path):
    with_images, failing, proxied = map(upstream_registry, ("docker-hub", "quay", "k8s"))
    pushed = with_images.push("library/alpine", tag="3.20").digest
    with_images.push("library/alpine", tag=None, layers=[])
    failing.fail("team/app", status=429, times=2)
    failing.fail(error="timeout")
    proxied.proxy("http://127.0.0.1:1")
    failing_shown, hub_shown, proxied_shown = get(url, "overview")["upstreams"]
    assert (failing_shown["url"], failing_shown["holds"]) == ("quay.io", "default images")
    assert failing_shown["failures"] == [
        {"repository": "team/app", "failure": "HTTP 429, 2 more times"},
        {"repository": None, "failure": "timeout"},
    ]
    assert (hub_shown["url"], hub_shown["holds"]) == ("registry-1.docker.io", "given images")
    assert hub_shown["repositories"] == [
        {"repository": "library/alpine", "tags": {"3.20": pushed}, "tags_total": 1},
    ]
    assert (proxied_shown["holds"], proxied_shown["proxied_url"]) == ("proxy", "http://127.0.0.1:1")


def test_overview_counts_the_requests_to_an_upstream(aws, url):
    ecr = aws.client("ecr")
    ecr.create_pull_through_cache_rule(**QUAY_RULE)
    pull(ecr, "quay/team/app", "1", "2")
    (upstream,) = get(url, "overview")["upstreams"]
    assert upstream["pulls"] == 2


def test_overview_tells_that_credentials_are_demanded_and_nothing_of_them(aws, url):
    secret = aws.secret(value=json.dumps({"username": "sesame-user", "accessToken": "sesame-token"}))
    hub = {"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io", "credentialArn": secret}
    ecr = aws.client("ecr")
    ecr.create_pull_through_cache_rule(**hub)
    upstream_registry("docker-hub").credentials = {"username": "sesame-user", "accessToken": "sesame-token"}
    pull(ecr, "hub/library/alpine")
    upstream_registry("docker-hub").credentials = {"username": "sesame-user", "accessToken": "sesame-other"}
    pull(ecr, "hub/library/alpine", "edge")
    (upstream,) = get(url, "overview")["upstreams"]
    assert upstream["demands_credentials"] is True
    base = url.replace("static/ecr/", "")
    answers = [requests.get(url + call, timeout=60).text for call in ("overview", "pulls")]
    answers += [requests.get(base + path, timeout=60).text for path in ("ecr/", "ecr/page.js")]
    assert not any("sesame" in answer for answer in answers)


# --- moto's own list of models ----------------------------------------------------------------------------------------


def models(url: str) -> Any:
    return json.loads(requests.get(url.replace("static/ecr/", "data.json"), timeout=60).text)["ecr"]


def test_motos_data_has_rules_templates_and_upstreams(aws, url):
    aws.client("ecr").create_pull_through_cache_rule(**QUAY_RULE)
    aws.client("ecr", "eu-west-1").create_repository_creation_template(prefix="a-b", appliedFor=["REPLICATION"])
    upstream_registry("quay").fail(status=500)
    shown = models(url)
    (rule,) = shown["PullThroughCacheRule"]
    assert (rule["region"], rule["ecr_repository_prefix"], rule["upstream_registry_url"]) == (REGION, "quay", "quay.io")
    (template,) = shown["RepositoryCreationTemplate"]
    assert (template["registry_id"], template["region"], template["prefix"]) == (ACCOUNT, "eu-west-1", "a-b")
    (upstream,) = shown["UpstreamRegistry"]
    assert (upstream["url"], upstream["failures"]) == ("quay.io", [{"repository": None, "failure": "HTTP 500"}])


def test_motos_data_shows_what_is_there_after_a_reset(aws, url):
    ecr = aws.client("ecr")
    ecr.create_pull_through_cache_rule(**QUAY_RULE)
    requests.post(url.replace("static/ecr/", "reset"), timeout=60).raise_for_status()
    assert models(url)["PullThroughCacheRule"] == []
    ecr.create_pull_through_cache_rule(**QUAY_RULE)
    assert [rule["ecr_repository_prefix"] for rule in models(url)["PullThroughCacheRule"]] == ["quay"]


def test_motos_data_has_nothing_of_credentials(aws, url):
    upstream_registry("quay").credentials = {"username": "sesame-user", "accessToken": "sesame-token"}
    (upstream,) = models(url)["UpstreamRegistry"]
    assert upstream["demands_credentials"] is True
    assert "sesame" not in json.dumps(models(url))


# --- the page's files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_path_without_the_slash_at_its_end_leads_to_the_page(server, method):
    first = requests.request(method, f"{server.endpoint_url}/moto-api/ecr", allow_redirects=False, timeout=60)
    assert (first.status_code, first.headers["Location"]) == (302, "ecr/")  # relative, for servers behind a prefix
    page = requests.request(method, f"{server.endpoint_url}/moto-api/ecr", allow_redirects=True, timeout=60)
    assert (page.status_code, page.url) == (200, f"{server.endpoint_url}/moto-api/ecr/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", ["ecr", "ecr/", "ecr/page.js"])
def test_page_and_its_files_are_only_read(server, path):
    answer = requests.post(f"{server.endpoint_url}/moto-api/{path}", timeout=60)
    assert (answer.status_code, answer.json()) == (400, {"message": "Use GET here"})
