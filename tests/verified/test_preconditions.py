"""Nothing is recorded where settings of the registry, or missing rights, would pass for answers of Amazon ECR."""

from __future__ import annotations

import pytest

from conftest import ACCOUNT
from moto_ecr_ptc import upstream_registry
from tests.verified.__main__ import main
from tests.verified.cleaning import bearing_a_prefix
from tests.verified.consent import NoConsent
from tests.verified.preconditions import A_PULL, check_settings
from tests.verified.running import run
from tests.verified.unanswered import NoAnswer
from tests.verified.upstreams import fill


@pytest.fixture
def ecr(in_process):
    return in_process.client("ecr")


def replicate(ecr, *filters):
    rule = {"destinations": [{"region": "eu-west-1", "registryId": "123456789012"}]}
    if filters:
        rule["repositoryFilters"] = [{"filter": each, "filterType": "PREFIX_MATCH"} for each in filters]
    ecr.put_replication_configuration(replicationConfiguration={"rules": [rule]})


def test_registry_without_settings_of_its_own_is_asked(ecr, cloud_of_moto):
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    ecr.create_repository_creation_template(prefix="quay", appliedFor=["PULL_THROUGH_CACHE"])
    replicate(ecr, "prod/", "team")
    check_settings(cloud_of_moto)


@pytest.mark.parametrize(
    ("operation", "arguments", "says"),
    [
        (
            "create_pull_through_cache_rule",
            {"ecrRepositoryPrefix": "ROOT", "upstreamRegistryUrl": "quay.io"},
            "a rule ROOT",
        ),
        ("create_repository_creation_template", {"prefix": "ROOT", "appliedFor": ["REPLICATION"]}, "template ROOT"),
        ("put_account_setting", {"name": "REGISTRY_POLICY_SCOPE", "value": "V1"}, "REGISTRY_POLICY_SCOPE is not V2"),
    ],
)
def test_setting_that_decides_the_answers_is_named(ecr, cloud_of_moto, operation, arguments, says):
    getattr(ecr, operation)(**arguments)
    with pytest.raises(NoConsent, match=says):
        check_settings(cloud_of_moto)


@pytest.mark.parametrize("filters", [[], ["mep-"], ["mep-0"], ["prod", "me"]])
def test_registry_that_replicates_what_scenarios_make_is_not_asked(ecr, cloud_of_moto, filters):
    replicate(ecr, *filters)
    with pytest.raises(NoConsent, match="replicates"):
        check_settings(cloud_of_moto)


@pytest.mark.parametrize("is_there", ["a rule ROOT", "no image"])
def test_command_records_nothing_then(server, capsys, tmp_path, monkeypatch, is_there):
    monkeypatch.setattr("tests.verified.__main__.fill", lambda _: None)
    ecr = server.client("ecr", "eu-west-1")
    if is_there == "a rule ROOT":
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="ROOT", upstreamRegistryUrl="quay.io")
    upstream_registry("ecr-public", endpoint_url=server.endpoint_url).clear()
    options = ["--aws", "--i-accept-costs", "--account", ACCOUNT, "--region", "eu-west-1"]
    options += ["--stand-in", server.endpoint_url, "--recordings", str(tmp_path / "recordings")]
    status = main(["record", "update_with_nothing", *options, "--journals", str(tmp_path / "journals")])
    printed = "".join(capsys.readouterr())
    assert (status, "nothing was done" in printed) == ((2, True) if is_there == "a rule ROOT" else (1, False))
    assert ("nothing is recorded: an image" in printed) == (is_there == "no image")
    assert not (tmp_path / "recordings").exists()


@pytest.mark.usefixtures("in_process")
def test_pull_that_succeeds_leaves_nothing(cloud_of_moto, tmp_path):
    fill()
    assert run(A_PULL, cloud_of_moto, tmp_path).stopped is None
    assert bearing_a_prefix(cloud_of_moto) == []


@pytest.mark.parametrize("failure", [None, {"status": 401}], ids=["nothing is there", "refused"])
@pytest.mark.usefixtures("in_process")
def test_pull_that_does_not_succeed_is_no_answer(cloud_of_moto, tmp_path, failure):
    upstream = upstream_registry("ecr-public")
    upstream.clear()
    if failure:
        fill()
        upstream.fail(**failure)
    with pytest.raises(NoAnswer, match="ecr:BatchImportUpstreamImage"):
        run(A_PULL, cloud_of_moto, tmp_path)
    assert bearing_a_prefix(cloud_of_moto) == []
