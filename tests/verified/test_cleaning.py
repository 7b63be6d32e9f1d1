"""What a run made is deleted, however it ends; and nothing else is."""

from __future__ import annotations

import json

import pytest

from tests.verified.case import Case
from tests.verified.cleaning import LeftBehind, bearing_a_prefix, clean
from tests.verified.journal import Journal, journals
from tests.verified.running import Scenario, run
from tests.verified.scenarios.policies import policy
from tests.verified.scenarios.stacks import create, rule

pytestmark = pytest.mark.usefixtures("in_process")


def make_one_of_each(case: Case) -> None:
    case.rule("-rule")
    case.template("-template")
    case.repository("-repository")
    case.secret("-secret")
    create(case, "-stack", {"Rule": rule(case.name("-stack-rule"))})
    case.ecr.put_registry_policy(policyText=policy(case, "ecr:ReplicateImage"))


def scenario(*steps) -> Scenario:
    def body(case):
        for step in steps:
            step(case)

    return Scenario("a_scenario", (), body, lambda: True)


def fail(error):
    def step(_):
        raise error

    return step


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), ZeroDivisionError()])
def test_scenario_that_is_cut_off_leaves_nothing(in_process, cloud_of_moto, tmp_path, error):
    with pytest.raises(type(error)):
        run(scenario(make_one_of_each, fail(error)), cloud_of_moto, tmp_path)
    assert bearing_a_prefix(cloud_of_moto) == []
    assert in_process.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"] == []
    ecr = in_process.client("ecr")
    with pytest.raises(ecr.exceptions.RegistryPolicyNotFoundException):
        ecr.get_registry_policy()
    assert list(tmp_path.iterdir()) == []


def test_scenario_that_fails_on_aws_keeps_what_it_saw(cloud_of_moto, tmp_path):
    cloud_of_moto.is_real = True
    outcome = run(scenario(lambda case: case.saw("1", "one", 1, 1), fail(KeyError("x"))), cloud_of_moto, tmp_path)
    assert [observation.label for observation in outcome.observations] == ["one"]
    assert outcome.stopped == "KeyError: 'x'"


def test_what_a_killed_run_made_is_deleted_by_its_journal(cloud_of_moto, journal, tmp_path):
    make_one_of_each(Case(cloud_of_moto, journal))
    assert len(bearing_a_prefix(cloud_of_moto)) == 6
    (found,) = journals(tmp_path)
    clean(found, cloud_of_moto)
    assert bearing_a_prefix(cloud_of_moto) == []
    assert list(journals(tmp_path)) == []


def test_what_does_not_bear_the_prefix_is_never_deleted(in_process, cloud_of_moto, journal):
    in_process.client("ecr").create_repository(repositoryName="app")
    journal.note("repository", "app")
    Case(cloud_of_moto, journal).rule()
    with pytest.raises(LeftBehind, match="repository app: it does not begin with"):
        clean(journal, cloud_of_moto)
    assert [each["repositoryName"] for each in in_process.client("ecr").describe_repositories()["repositories"]] == [
        "app"
    ]
    assert bearing_a_prefix(cloud_of_moto) == []


def test_what_bears_a_prefix_and_is_in_no_journal_is_not_deleted(cloud_of_moto, journal, tmp_path):
    other = Journal.begin(tmp_path / "other", cloud_of_moto.account, cloud_of_moto.region)
    name = Case(cloud_of_moto, other).rule()
    clean(journal, cloud_of_moto)
    assert bearing_a_prefix(cloud_of_moto) == [name]


def test_registry_policy_that_somebody_put_meanwhile_stays(in_process, cloud_of_moto, journal):
    case = Case(cloud_of_moto, journal)
    case.ecr.put_registry_policy(policyText=policy(case, "ecr:ReplicateImage"))
    own = json.loads(policy(case, "ecr:ReplicateImage"))
    own["Statement"][0]["Sid"] = "Own"
    in_process.client("ecr").put_registry_policy(policyText=json.dumps(own))
    clean(journal, cloud_of_moto)
    assert json.loads(in_process.client("ecr").get_registry_policy()["policyText"]) == own


@pytest.mark.parametrize("member", ["account", "region"])
def test_journal_of_another_account_or_region_is_kept(cloud_of_moto, journal, tmp_path, member):
    setattr(cloud_of_moto, member, "another")
    with pytest.raises(LeftBehind, match="another account or Region"):
        clean(journal, cloud_of_moto)
    assert len(list(journals(tmp_path))) == 1


def test_what_is_gone_or_was_never_made_does_not_stop_the_cleaning(cloud_of_moto, journal):
    for kind, name in (
        ("rule", ""),
        ("rule", "___malformed"),
        ("template", ""),
        ("repository", "/app"),
        ("repository", "/UPPER"),
        ("stack", ""),
    ):
        journal.note(kind, f"{journal.prefix}{name}")
    journal.note("secret", f"ecr-pullthroughcache/{journal.prefix}")
    journal.note("registry policy", journal.prefix)
    assert len(clean(journal, cloud_of_moto)) == 8


def test_line_that_was_cut_off_is_passed_over(journal, tmp_path):
    journal.note("rule", journal.prefix)
    with (tmp_path / f"{journal.prefix}.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"kind": "ru')
    (found,) = journals(tmp_path)
    assert found.made == journal.made


@pytest.mark.parametrize(
    ("name", "text"), [("mep-0a1b2c3d.jsonl", '{"acc'), ("other.jsonl", "{}\n"), ("mep-0a1b2c3d.txt", "")]
)
def test_file_that_is_no_journal_is_passed_over(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert list(journals(tmp_path)) == []
