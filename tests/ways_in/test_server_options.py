"""The command line of the server: its help, what it declares from the start, and how it ends if it cannot start."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys

import moto
import pytest
import requests

import moto_ecr_ptc
from conftest import SCRIPTS, Aws, failure_codes, pull
from tests.registry.server_processes import WITH_PLUGIN, running
from tests.strict import STRICT

MODULE = [sys.executable, *STRICT, "-m", "moto_ecr_ptc"]
BUSY = '[[quay.failures]]\nrepository = "team/busy"\nstatus = 429\n'
APP = '[[quay.images]]\nrepository = "team/app"\nlayers = ["12345"]\n'


def run(*options, program=MODULE, **environment):
    return subprocess.run(
        [*program, *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=120,
    )


def with_rule(url):
    ecr = Aws(url).client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    return ecr


@pytest.fixture
def write(tmp_path):
    def write(text, name="upstreams.toml"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


# --- what it tells ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "name"),
    [([str(SCRIPTS / "moto_ecr_ptc_server")], "moto_ecr_ptc_server"), (MODULE, "python -m moto_ecr_ptc")],
    ids=["script", "module"],
)
def test_help_has_the_programs_name_what_it_is_and_the_defaults(program, name):
    process = run("--help", program=program, COLUMNS="200")
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.startswith(f"usage: {name} [-h]")
    assert "whose Amazon ECR has pull through cache" in process.stdout
    assert "(default: 127.0.0.1)" in process.stdout
    assert "(default: 5000)" in process.stdout
    assert "None" not in process.stdout
    assert "False" not in process.stdout


def test_help_shows_the_port_of_the_environment_as_default():
    assert "(default: 1234)" in run("--help", MOTO_PORT="1234").stdout


def test_version_names_the_package_moto_and_python():
    process = run("--version")
    versions = f"moto_ecr_ptc {moto_ecr_ptc.__version__}, moto {moto.__version__}, Python {platform.python_version()}"
    assert (process.returncode, process.stdout, process.stderr) == (0, f"{versions}\n", "")


# --- --upstreams ------------------------------------------------------------------------------------------------------


def test_declared_upstreams_are_there_from_the_start_and_after_each_reset(write, tmp_path):
    with running(WITH_PLUGIN, tmp_path / "log", "--upstreams", write(APP + BUSY)) as url:
        for _ in range(2):
            ecr = with_rule(url)
            assert pull(ecr, "quay/team/app")["images"]
            assert failure_codes(pull(ecr, "quay/team/app", "other")) == ["ImageNotFound"]
            assert failure_codes(pull(ecr, "quay/team/busy")) == ["UpstreamTooManyRequests"]
            requests.post(f"{url}/moto-api/static/ecr/upstream-recover", json={"registry": "quay"}, timeout=60)
            requests.post(f"{url}/moto-api/reset", timeout=60).raise_for_status()


def test_several_files_add_up(write, tmp_path):
    files = "--upstreams", write(APP), "--upstreams", write(BUSY, "busy.toml")
    with running(WITH_PLUGIN, tmp_path / "log", *files) as url:
        ecr = with_rule(url)
        assert pull(ecr, "quay/team/app")["images"]
        assert failure_codes(pull(ecr, "quay/team/busy")) == ["UpstreamTooManyRequests"]


def test_files_of_the_environment_add_up(write, tmp_path, monkeypatch):
    monkeypatch.setenv("MOTO_ECR_UPSTREAMS", os.pathsep.join([write(APP), write(BUSY, "busy.toml")]))
    with running(WITH_PLUGIN, tmp_path / "log") as url:
        ecr = with_rule(url)
        assert pull(ecr, "quay/team/app")["images"]
        assert failure_codes(pull(ecr, "quay/team/busy")) == ["UpstreamTooManyRequests"]


def test_file_of_the_command_line_takes_the_place_of_those_of_the_environment(write, tmp_path, monkeypatch):
    monkeypatch.setenv("MOTO_ECR_UPSTREAMS", write(BUSY, "busy.toml"))
    with running(WITH_PLUGIN, tmp_path / "log", "--upstreams", write("")) as url:
        assert pull(with_rule(url), "quay/team/busy")["images"]


def test_server_that_reloads_holds_what_is_declared(write, tmp_path):
    with running(WITH_PLUGIN, tmp_path / "log", "--reload", "--upstreams", write(BUSY)) as url:
        assert failure_codes(pull(with_rule(url), "quay/team/busy")) == ["UpstreamTooManyRequests"]


def test_layout_that_is_gone_at_a_reset_is_logged_and_the_reset_succeeds(write, tmp_path):
    from tests.upstream.layouts import write_layout

    write_layout(tmp_path / "layout", "1.0")
    declared = write('[[quay.layouts]]\npath = "layout"\nrepository = "team/app"\n[[quay.failures]]\nstatus = 429\n')
    with running(WITH_PLUGIN, tmp_path / "log", "--upstreams", declared) as url:
        assert failure_codes(pull(with_rule(url), "quay/team/app")) == ["UpstreamTooManyRequests"]
        (tmp_path / "layout" / "index.json").unlink()
        requests.post(f"{url}/moto-api/reset", timeout=60).raise_for_status()
    assert f"upstream registries are incomplete: {declared}:2: quay.layouts[0].path: " in (tmp_path / "log").read_text()


@pytest.mark.parametrize("options", [[], ["--reload"]], ids=["", "reload"])
def test_malformed_file_ends_the_server_with_one_line(write, options):
    declared = write("[quay]\nimage = []")
    process = run("-p", "0", "--upstreams", declared, *options)
    assert process.returncode == 2
    assert process.stderr == f"{declared}:2: quay.image: there is no such key; did you mean 'images'?\n"


def test_files_that_contradict_one_another_end_the_server(write):
    proxy = write("[quay]\nproxy = 'http://127.0.0.1:9'", "proxy.toml")
    process = run("-p", "0", "--upstreams", write(APP), "--upstreams", proxy)
    assert process.returncode == 2
    assert process.stderr.startswith(f"{proxy}:2: quay.proxy: The upstream registry 'quay.io' holds pushed or loaded")


# --- how it ends if it cannot start -----------------------------------------------------------------------------------


@pytest.fixture
def used_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize("options", [[], ["--reload"]], ids=["", "reload"])
@pytest.mark.parametrize("warnings", ["default", "error"])
def test_used_port_ends_the_server_with_one_line(used_port, options, warnings):
    program = [sys.executable, "-W", warnings, "-m", "moto_ecr_ptc"]
    process = run("-p", str(used_port), *options, program=program)
    assert process.returncode == 1
    (line,) = process.stderr.splitlines()
    assert line == f"python -m moto_ecr_ptc: cannot listen on 127.0.0.1, port {used_port}: Address already in use"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["-H", "host.invalid"], "cannot listen on host.invalid, port 5000: "),
        (["-H", "192.0.2.1"], "cannot listen on 192.0.2.1, port 5000: Cannot assign requested address"),
        (["-p", "65536"], "65536 is not a port"),
        (["-c", "none.pem", "-k", "none.key"], "cannot use the certificate none.pem with the key none.key: "),
    ],
    ids=["unknown host", "address of another machine", "port", "certificate"],
)
def test_server_that_cannot_start_says_why_in_one_line(options, line):
    process = run(*options)
    assert process.returncode == 1
    (printed,) = process.stderr.splitlines()
    assert printed.startswith(f"python -m moto_ecr_ptc: {line}")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may use every port")
def test_privileged_port_ends_the_server_with_one_line():
    process = run("-p", "1")
    assert process.returncode == 1
    assert process.stderr == "python -m moto_ecr_ptc: cannot listen on 127.0.0.1, port 1: Permission denied\n"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("http://127.0.0.1:5000", "is neither 'called' nor a host with or without a port"),
        ("registry.test/team", "is neither 'called' nor a host with or without a port"),
        ("registry.test:0", "is neither 'called' nor a host with or without a port"),
        ("registry.test:65536", "is neither 'called' nor a host with or without a port"),
        ("registry..test", "is neither 'called' nor a host with or without a port"),
        ("registry.test:port", "is neither 'called' nor a host with or without a port"),
        ("", "is neither 'called' nor a host with or without a port"),
        ("registry", "has neither a dot nor a port: image clients would take it for a part of a repository's name"),
    ],
)
def test_registry_host_that_is_none_is_refused(value, problem):
    process = run("-p", "0", "--registry-host", value)
    assert process.returncode == 2
    assert process.stderr.splitlines()[-1].endswith(f": argument --registry-host: '{value}' {problem}")


def test_registry_host_of_the_environment_that_is_none_is_refused():
    process = run("-p", "0", MOTO_ECR_REGISTRY_HOST="registry")
    assert process.returncode == 2
    assert "error: MOTO_ECR_REGISTRY_HOST: 'registry' has neither a dot nor a port" in process.stderr
