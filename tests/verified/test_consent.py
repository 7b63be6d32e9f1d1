"""What keeps the command from AWS: nobody agreed, the wrong account, the wrong Region."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.verified.__main__ import main
from tests.verified.case import Case
from tests.verified.cloud import MOCKED_ACCOUNT, mocked
from tests.verified.recordings import RECORDINGS
from tests.verified.rows import ROOT

ALL = {
    "--aws": None,
    "--i-accept-costs": None,
    "--account": MOCKED_ACCOUNT,
    "--region": "eu-west-1",
}


@pytest.fixture
def credentials_were_read(monkeypatch, tmp_path) -> Path:
    """Credentials that a program gives out, which leaves a file; it is at this path."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    trace, program = tmp_path / "read", tmp_path / "credentials.py"
    program.write_text(
        f"open({str(trace)!r}, 'w')\n"
        'print(\'{"Version": 1, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "x"}\')\n'
    )
    config = tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = {sys.executable} {program}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    return trace


@pytest.fixture
def record(tmp_path):
    """Run the command for one scenario, and return its exit status."""

    def record(options):
        named = [part for name, value in options.items() for part in (name, value) if part]
        paths = ["--journals", str(tmp_path / "journals"), "--recordings", str(tmp_path / "recordings")]
        return main(["record", "update_with_nothing", *paths, *named])

    return record


@pytest.mark.parametrize("command", ["record", "clean"])
def test_without_any_flag_nothing_is_asked_and_no_credentials_are_read(credentials_were_read, capsys, command):
    assert main([command]) == 2
    assert capsys.readouterr().err == "nothing is asked of AWS without --aws\n"
    assert not credentials_were_read.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--aws": False}, "without --aws"),
        ({"--i-accept-costs": False}, "--i-accept-costs is missing"),
        ({"--account": False}, "--account is missing"),
        ({"--account": "12"}, "--account is missing"),
        ({"--region": False}, "--region has to be one of"),
        ({"--region": "eu-north-1"}, "--region has to be one of"),
        ({"--stand-in": "http://registry.example:5000"}, "a server on this machine"),
        ({"--stand-in": "http://127.0.0.1@registry.example"}, "a server on this machine"),
        ({"--stand-in": "http://registry.example\\@127.0.0.1"}, "a server on this machine"),
        ({"--stand-in": "http://[::1"}, "a server on this machine"),
        ({"--stand-in": "http://127.0.0.1:5000", "--profile": "own"}, "--stand-in takes no credentials"),
    ],
)
def test_without_one_of_the_flags_no_credentials_are_read(record, credentials_were_read, capsys, change, message):
    options = {name: value for name, value in {**ALL, **change}.items() if value is not False}
    assert record(options) == 2
    assert message in capsys.readouterr().err
    assert not credentials_were_read.exists()


@pytest.mark.parametrize("flag", ["--aw", "--i", "--acc", "--reg"])
def test_flag_that_is_not_written_out_is_none(record, credentials_were_read, capsys, flag):
    (whole,) = (name for name in ALL if name.startswith(flag))
    with pytest.raises(SystemExit, match="2"):
        record({flag if name == whole else name: value for name, value in ALL.items()})
    assert "unrecognized arguments" in capsys.readouterr().err
    assert not credentials_were_read.exists()


@pytest.fixture
def no_network(monkeypatch) -> None:
    """All that leaves this machine goes by a proxy that there is none of."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


@pytest.mark.usefixtures("no_network")
def test_with_all_flags_the_credentials_are_read(record, credentials_were_read, capsys):
    assert record(ALL) == 2
    assert "the credentials cannot be used: Failed to connect to proxy URL" in capsys.readouterr().err
    assert credentials_were_read.exists()


def test_profile_that_there_is_none_of_is_named(record, credentials_were_read, capsys):
    assert record({**ALL, "--profile": "own"}) == 2
    assert capsys.readouterr().err == ("the credentials cannot be used: The config profile (own) could not be found\n")


def test_with_a_stand_in_no_credentials_are_read_and_the_scenario_runs(record, credentials_were_read, server, tmp_path):
    assert record({**ALL, "--stand-in": server.endpoint_url}) == 0
    assert not credentials_were_read.exists()
    assert [path.name for path in (tmp_path / "recordings").iterdir()] == ["update_with_nothing.json"]


def test_another_account_than_the_one_that_was_typed_is_left_alone(
    record, credentials_were_read, server, capsys, tmp_path
):
    assert record({**ALL, "--account": "111122223333", "--stand-in": server.endpoint_url}) == 2
    assert "not those of the account" in capsys.readouterr().err
    assert not (tmp_path / "journals").exists()
    assert not (tmp_path / "recordings").exists()


def test_process_that_asks_aws_does_not_load_the_mock():
    program = "import sys, tests.verified.__main__; sys.exit('moto' in sys.modules or 'moto_ecr_ptc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_endpoint_of_the_environment_is_not_taken_for_aws(monkeypatch, cloud_of_moto):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert cloud_of_moto.client("ecr").meta.endpoint_url == "https://api.ecr.us-east-1.amazonaws.com"


@pytest.mark.parametrize("auth", [None, ("user", "password")])
def test_registry_endpoint_does_not_get_the_users_netrc(monkeypatch, server, tmp_path, auth):
    (tmp_path / "netrc").write_text("default login eve password of-eve\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    reply = mocked(server.endpoint_url).request("GET", "/v2/", None, {}, auth)
    sent = reply.request.headers.get("Authorization")
    assert sent == (auth and "Basic dXNlcjpwYXNzd29yZA==")


def test_signature_of_a_request_is_not_replaced_by_the_users_netrc(monkeypatch, server, tmp_path):
    (tmp_path / "netrc").write_text("default login eve password of-eve\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    reply = mocked(server.endpoint_url).post("DescribeRepositories", b"{}", {})
    assert reply.request.headers["Authorization"].startswith("AWS4-HMAC-SHA256 ")


def test_download_does_not_get_the_users_netrc(monkeypatch, server, tmp_path):
    (tmp_path / "netrc").write_text("default login eve password of-eve\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    reply = mocked(server.endpoint_url).download(f"{server.endpoint_url}/moto-api/", {})
    assert "Authorization" not in reply.request.headers


def test_answers_of_a_stand_in_are_not_kept_as_those_of_aws(credentials_were_read, server, capsys):
    options = ["--aws", "--i-accept-costs", "--account", MOCKED_ACCOUNT, "--region", "eu-west-1"]
    assert main(["record", *options, "--stand-in", server.endpoint_url, "--recordings", str(RECORDINGS)]) == 2
    assert "no recording of AWS" in capsys.readouterr().err


def test_scenario_that_there_is_none_of_is_named(capsys):
    assert main(["record", "nothing"]) == 2
    assert "no such scenario: nothing" in capsys.readouterr().err


def test_nothing_is_claimed_of_aws(cloud_of_moto, journal):
    cloud_of_moto.is_real = True
    case = Case(cloud_of_moto, journal)
    case.saw("1", "something", claimed="one", seen="other")
    assert [observation.seen for observation in case.observations] == ["other"]
