"""What a run made is deleted, however it ends; and nothing else is."""

from __future__ import annotations

import json
import time

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from freezegun import freeze_time

from tests.verified.__main__ import main
from tests.verified.case import Case
from tests.verified.cleaning import LeftBehind, bearing_a_prefix, clean, marked_for_deletion
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


@pytest.fixture
def clock(monkeypatch):
    """Time that goes on where somebody sleeps, at once."""
    with freeze_time("2026-03-02 12:00:00") as clock:
        monkeypatch.setattr(time, "sleep", clock.tick)
        yield time.monotonic


@pytest.fixture
def in_status(cloud_of_moto):
    """Have a stack go through these statuses, one at each look, and AWS refuse to delete it in most of them."""
    events = cloud_of_moto.own_client("cloudformation").meta.events

    def in_status(*statuses):
        to_come = list(statuses)

        def show(parsed, **_):
            for stack in parsed.get("Stacks", []):
                stack["StackStatus"] = to_come.pop(0) if len(to_come) > 1 else to_come[0]

        def refuse(**_):
            status = to_come[0]
            if status.endswith("IN_PROGRESS") and status.partition("_")[0] not in ("CREATE", "REVIEW", "DELETE"):
                message = f"Stack cannot be deleted while in status {status}"
                raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DeleteStack")

        events.register("after-call.cloudformation.DescribeStacks", show)
        events.register("before-call.cloudformation.DeleteStack", refuse)
        return to_come

    return in_status


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    "statuses",
    [
        ("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"),
        ("ROLLBACK_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"),
    ],
)
def test_stack_that_changes_is_deleted_when_it_has_changed(cloud_of_moto, journal, in_status, statuses):
    make_one_of_each(Case(cloud_of_moto, journal))
    in_status(*statuses)
    clean(journal, cloud_of_moto)
    assert bearing_a_prefix(cloud_of_moto) == []


@pytest.mark.parametrize("status", ["CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS", "DELETE_IN_PROGRESS"])
def test_stack_that_can_be_deleted_is_not_waited_for(cloud_of_moto, journal, clock, in_status, status):
    make_one_of_each(Case(cloud_of_moto, journal))
    in_status(status)
    began = clock()
    clean(journal, cloud_of_moto)
    assert clock() == began
    assert bearing_a_prefix(cloud_of_moto) == []


def parts(journal):
    """Return the names of what bears the prefix and is a stack, or may be a part of it."""
    return [f"{journal.prefix}{suffix}" for suffix in ("-rule", "-secret", "-stack", "-stack-rule", "-template")]


def test_stack_that_does_not_end_keeps_what_may_be_its_parts(
    in_process, cloud_of_moto, journal, tmp_path, clock, in_status
):
    make_one_of_each(Case(cloud_of_moto, journal))
    to_come = in_status("UPDATE_IN_PROGRESS")
    began = clock()
    with pytest.raises(LeftBehind) as caught:
        clean(journal, cloud_of_moto)
    assert 300 <= clock() - began < 310
    assert str(caught.value).split("; ") == [
        f"stack {journal.prefix}-stack: the stack is still in UPDATE_IN_PROGRESS",
        f"rule {journal.prefix}-rule: kept, since a stack stays",
        f"rule {journal.prefix}-stack-rule: kept, since a stack stays",
        f"template {journal.prefix}-template: kept, since a stack stays",
        f"secret ecr-pullthroughcache/{journal.prefix}-secret: kept, since a stack stays",
    ]
    assert bearing_a_prefix(cloud_of_moto) == parts(journal)
    ecr = in_process.client("ecr")
    with pytest.raises(ecr.exceptions.RegistryPolicyNotFoundException):
        ecr.get_registry_policy()
    to_come[:] = ["UPDATE_COMPLETE"]
    (found,) = journals(tmp_path)
    clean(found, cloud_of_moto)
    assert bearing_a_prefix(cloud_of_moto) == []
    assert list(journals(tmp_path)) == []


def test_stack_whose_deletion_is_refused_keeps_what_may_be_its_parts(cloud_of_moto, journal, throttle):
    make_one_of_each(Case(cloud_of_moto, journal))
    throttle("cloudformation", "DeleteStack")
    with pytest.raises(LeftBehind, match=r"-stack: .*Rate exceeded; rule mep-"):
        clean(journal, cloud_of_moto)
    assert bearing_a_prefix(cloud_of_moto) == parts(journal)


@pytest.fixture
def failing_deletion(cloud_of_moto):
    """Have the deletion of a stack fail as long as something is in the way."""

    def failing_deletion(is_in_the_way):
        events = cloud_of_moto.own_client("cloudformation").meta.events
        tried = []

        def fail(**_):
            tried.append(is_in_the_way())
            return (AWSResponse("", 200, {}, None), {}) if tried[-1] else None

        def show(parsed, **_):
            for stack in parsed.get("Stacks", []) if tried else []:
                stack["StackStatus"] = "DELETE_FAILED"

        events.register("before-call.cloudformation.DeleteStack", fail)
        events.register("after-call.cloudformation.DescribeStacks", show)
        return tried

    return failing_deletion


def test_stack_whose_deletion_failed_is_tried_once_more_when_all_else_is_gone(
    in_process, cloud_of_moto, journal, tmp_path, failing_deletion
):
    make_one_of_each(Case(cloud_of_moto, journal))
    ecr = in_process.client("ecr")
    tried = failing_deletion(lambda: bool(ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]))
    clean(journal, cloud_of_moto)
    assert tried == [True, False]
    assert bearing_a_prefix(cloud_of_moto) == []
    assert list(journals(tmp_path)) == []


def test_stack_whose_deletion_always_fails_keeps_nothing_else(cloud_of_moto, journal, tmp_path, failing_deletion):
    make_one_of_each(Case(cloud_of_moto, journal))
    tried = failing_deletion(lambda: True)
    with pytest.raises(LeftBehind) as caught:
        clean(journal, cloud_of_moto)
    assert str(caught.value) == f"stack {journal.prefix}-stack: the stack is in DELETE_FAILED"
    assert tried == [True, True]
    assert bearing_a_prefix(cloud_of_moto) == [f"{journal.prefix}-stack"]
    assert len(list(journals(tmp_path))) == 1


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


@pytest.fixture
def old_list(in_process, cloud_of_moto):
    """Have a secret deleted in between: the list of secrets still has it as it was."""

    def old_list(**how):
        def delete(parsed, **_):
            for secret in parsed["SecretList"]:
                in_process.client("secretsmanager").delete_secret(SecretId=secret["ARN"], **how)

        events = cloud_of_moto.own_client("secretsmanager").meta.events
        events.register("after-call.secretsmanager.ListSecrets", delete)

    return old_list


def test_secret_that_is_gone_is_not_left_behind_where_the_list_still_has_it(cloud_of_moto, journal, old_list):
    Case(cloud_of_moto, journal).secret()
    old_list(ForceDeleteWithoutRecovery=True)
    assert bearing_a_prefix(cloud_of_moto) == []


def test_secret_that_is_marked_is_not_left_behind_where_the_list_does_not_say_so(cloud_of_moto, journal, old_list):
    Case(cloud_of_moto, journal).secret()
    old_list(RecoveryWindowInDays=7)
    assert bearing_a_prefix(cloud_of_moto) == []


def test_secret_that_is_marked_for_deletion_is_listed_for_itself(cloud_of_moto, journal):
    case = Case(cloud_of_moto, journal)
    case.rule("-rule")
    case.secret("-here")
    case.secretsmanager.delete_secret(SecretId=case.secret("-marked"), RecoveryWindowInDays=7)
    assert bearing_a_prefix(cloud_of_moto) == [f"{journal.prefix}-here", f"{journal.prefix}-rule"]
    assert marked_for_deletion(cloud_of_moto) == [f"{journal.prefix}-marked"]


def test_secret_that_a_scenario_marked_is_deleted_at_once(in_process, cloud_of_moto, journal):
    case = Case(cloud_of_moto, journal)
    case.secretsmanager.delete_secret(SecretId=case.secret(), RecoveryWindowInDays=7)
    clean(journal, cloud_of_moto)
    assert in_process.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"] == []


def test_secret_outside_of_the_folder_is_none_of_a_run_and_is_not_looked_up(
    in_process, cloud_of_moto, journal, throttle
):
    in_process.client("secretsmanager").create_secret(Name=journal.prefix, SecretString="x")
    throttle("secretsmanager", "DescribeSecret")
    assert bearing_a_prefix(cloud_of_moto) == []


def test_whether_a_secret_is_there_is_not_known_where_nobody_says_it(cloud_of_moto, journal, throttle):
    Case(cloud_of_moto, journal).secret()
    throttle("secretsmanager", "DescribeSecret")
    with pytest.raises(ClientError, match="Rate exceeded"):
        bearing_a_prefix(cloud_of_moto)


@pytest.fixture
def clean_up(cloud_of_moto, server_url, tmp_path, capsys):
    """Run the command that cleans, and return its exit status and what it prints."""

    def clean_up():
        options = ["--account", cloud_of_moto.account, "--region", cloud_of_moto.region, "--stand-in", server_url]
        status = main(["clean", "--aws", "--i-accept-costs", *options, "--journals", str(tmp_path)])
        return status, capsys.readouterr().out

    return clean_up


def test_secret_that_is_marked_for_deletion_is_said_and_is_no_fault(cloud_of_moto, journal, clean_up):
    case = Case(cloud_of_moto, journal)
    case.secretsmanager.delete_secret(SecretId=case.secret(), RecoveryWindowInDays=7)
    assert clean_up() == (0, f"still running: {journal.prefix}\nNothing is left behind.\n")
    journal.end()
    said = f"marked for deletion, which AWS does by itself: {journal.prefix}\nNothing is left behind.\n"
    assert clean_up() == (0, said)


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
