"""What a run made is deleted, however it ends; and nothing else is."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from tests.verified.case import Case
from tests.verified.cleaning import LeftBehind, bearing_a_prefix, clean
from tests.verified.guard import NotAllowed
from tests.verified.journal import Journal, journals
from tests.verified.running import Scenario, run
from tests.verified.scenarios.policies import policy
from tests.verified.scenarios.stack_updates import prepare
from tests.verified.scenarios.stacks import create, rule
from tests.verified.unanswered import NoAnswer

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


@pytest.mark.parametrize(
    "error", [ConnectionError("of /home/eve"), OSError(28, "No space left on device", "/home/eve")]
)
def test_what_aws_did_not_say_is_not_what_stopped_a_scenario(cloud_of_moto, tmp_path, error):
    cloud_of_moto.is_real = True
    with pytest.raises(NoAnswer, match="eve"):
        run(scenario(lambda case: case.rule(), fail(error)), cloud_of_moto, tmp_path)
    assert bearing_a_prefix(cloud_of_moto) == []


def test_what_the_guard_stops_is_not_what_stopped_a_scenario(cloud_of_moto, tmp_path):
    cloud_of_moto.is_real = True
    with pytest.raises(NotAllowed):
        run(scenario(lambda case: case.ecr.delete_repository(repositoryName="app")), cloud_of_moto, tmp_path)


@pytest.fixture
def throttle(cloud_of_moto):
    """Have the client that cleans refused an operation, before it is sent."""

    def throttle(service, operation):
        def refuse(**_):
            raise ClientError({"Error": {"Code": "Throttling", "Message": "Rate exceeded"}}, operation)

        cloud_of_moto.own_client(service).meta.events.register(f"before-call.{service}.{operation}", refuse)

    return throttle


def test_why_nothing_was_recorded_is_said_where_the_cleaning_fails_too(cloud_of_moto, tmp_path, throttle):
    cloud_of_moto.is_real = True
    throttle("ecr", "DeletePullThroughCacheRule")
    with pytest.raises(LeftBehind, match=r"full disk; rule mep-.*Rate exceeded"):
        run(scenario(lambda case: case.rule(), fail(OSError("full disk"))), cloud_of_moto, tmp_path)


def test_stack_is_not_taken_for_deleted_because_nobody_says_whether_it_is(cloud_of_moto, journal, throttle):
    create(Case(cloud_of_moto, journal), "-stack", {"Rule": rule(f"{journal.prefix}-rule")})
    throttle("cloudformation", "DescribeStacks")
    with pytest.raises(LeftBehind, match="Rate exceeded"):
        clean(journal, cloud_of_moto)


def test_stack_of_which_there_is_only_a_change_set_is_deleted(cloud_of_moto, tmp_path):
    def review(case):
        prepare(case, "-change", "CREATE", {"Rule": rule(case.name("-rule"))})

    run(scenario(review), cloud_of_moto, tmp_path)
    assert bearing_a_prefix(cloud_of_moto) == []


def test_secret_outside_of_the_folder_is_never_deleted(in_process, cloud_of_moto, journal):
    name = f"production-of-the-user{journal.prefix}"[-33:]
    in_process.client("secretsmanager").create_secret(Name=name, SecretString="x")
    journal.note("secret", name)
    with pytest.raises(LeftBehind, match="it does not begin with ecr-pullthroughcache/mep-"):
        clean(journal, cloud_of_moto)


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
    with Journal.begin(tmp_path / "other", cloud_of_moto.account, cloud_of_moto.region) as other:
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
