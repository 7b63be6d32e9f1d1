"""The server as a program, its threads, and the AWS CLI as its client."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.base_backend import backend_lock
from moto.core.exceptions import ServiceException

import conftest
from conftest import ACCOUNT, LIFECYCLE_POLICY, REGION, REPOSITORY_POLICY, SCRIPTS, prefixes
from moto_ecr_ptc import upstream_registry
from moto_ecr_ptc.ecr.configuration.templates import TemplateSettings
from tests.strict import STRICT

QUAY = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/a-role"
SETTINGS = TemplateSettings(applied_for=["PULL_THROUGH_CACHE"])


# --- the program ------------------------------------------------------------------------------------------------------


@contextmanager
def running(*command):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([*command, "-p", str(port)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for _ in range(600):
            try:
                requests.get(f"http://127.0.0.1:{port}/moto-api/", timeout=10)
                break
            except requests.ConnectionError:
                assert process.poll() is None, process.stdout.read()
                time.sleep(0.05)
        yield port, process
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.parametrize(
    "command",
    [[str(SCRIPTS / "moto_ecr_ptc_server")], [sys.executable, *STRICT, "-m", "moto_ecr_ptc"]],
    ids=["moto_ecr_ptc_server", "python -m moto_ecr_ptc"],
)
def test_server_program_answers_on_loopback(command):
    with running(*command) as (port, _):
        ecr = conftest.Aws(f"http://127.0.0.1:{port}").client("ecr")
        ecr.create_pull_through_cache_rule(**QUAY)
        assert prefixes(ecr) == ["quay"]
        if not Path("/proc/net/tcp").exists():  # only Linux tells where a program listens
            return
        listening = subprocess.run(["cat", "/proc/net/tcp"], capture_output=True, text=True, check=True).stdout
        assert f"0100007F:{port:04X} 00000000:0000 0A" in listening
        assert f" 00000000:{port:04X} 00000000:0000 0A" not in listening


@pytest.mark.parametrize(
    ("options", "url"),
    [
        (["-p", "0"], r"http://127\.0\.0\.1:(\d+)"),
        (["-p", "0", "-H", "0.0.0.0"], r"http://127\.0\.0\.1:(\d+)"),
        (["-p", "0", "-H", "localhost"], r"http://localhost:(\d+)"),
    ],
    ids=["default", "all addresses", "a name"],
)
def test_server_program_prints_the_url_of_the_page(options, url):
    with printing(*options) as lines:
        printed = "\n".join(lines)
    own, page = (re.search(pattern, printed) for pattern in (rf"Running on {url}\n", rf"{url}/moto-api/ecr/"))
    assert own[1] == page[1] != "0"


def test_server_program_that_reloads_prints_the_url_of_the_page_once():
    with running(sys.executable, "-m", "moto_ecr_ptc", "-r") as (port, process):
        process.terminate()
        printed = process.stdout.read()
    assert "Restarting with" in printed
    assert printed.count(f"http://127.0.0.1:{port}/moto-api/ecr/") == 1


def test_server_program_with_tls_prints_the_url_of_the_page_with_it():
    with printing("-p", "0", "-s") as lines:
        assert re.search(r"https://127\.0\.0\.1:\d+/moto-api/ecr/$", lines[-2])


def test_port_of_the_environment_is_in_the_url_of_the_page():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with printing(MOTO_PORT=str(port)) as lines:
        assert lines[-2].endswith(f" http://127.0.0.1:{port}/moto-api/ecr/")


@contextmanager
def printing(*options, **environment):
    """Run the server until it has said how it is stopped, and yield the lines that it has printed."""
    command = [sys.executable, "-m", "moto_ecr_ptc", *options]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **environment}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if "CTRL+C" in line:
                break
        process.terminate()
    yield lines


def test_server_program_prints_no_line_for_what_the_page_asks_every_second():
    with running(sys.executable, "-m", "moto_ecr_ptc") as (port, process):
        url = f"http://127.0.0.1:{port}/moto-api"
        for path in ("static/ecr/overview", "static/ecr/pulls?after=1", "static/ecr/pulls?after=x", "ecr/"):
            requests.get(f"{url}/{path}", timeout=60)
        process.terminate()
        printed = process.stdout.read()
    assert "overview" not in printed
    assert "after=1" not in printed
    assert "pulls?after=x" in printed
    assert '"GET /moto-api/ecr/ ' in printed


def test_server_program_takes_the_options_of_moto_server():
    ours, motos = (
        subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True).stdout
        for module in ("moto_ecr_ptc", "moto.server")
    )
    options = re.findall(r"^  -\w.*, (--[a-z-]+)", motos, re.MULTILINE)
    assert "--ssl-cert" in options
    assert [option for option in options if option not in ours] == []


@pytest.mark.parametrize("warnings", ["default", "error"])
def test_server_program_without_its_packages_says_what_to_install(tmp_path, warnings):
    (tmp_path / "flask.py").write_text("raise ModuleNotFoundError(\"No module named 'flask'\", name='flask')")
    process = subprocess.run(
        [sys.executable, "-W", warnings, "-m", "moto_ecr_ptc"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert process.returncode == 1
    assert process.stderr.splitlines() == [
        "The server needs the package 'flask'. Install it with: pip install 'moto-ecr-ptc[server]'"
    ]


def test_server_program_on_an_unsupported_moto_says_which_it_needs():
    code = "import moto; moto.__version__ = '5.1.1'; from moto_ecr_ptc.server import main; main([])"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode == 1
    assert process.stderr.startswith("moto_ecr_ptc ")
    assert "does not work with the installed moto 5.1.1" in process.stderr
    assert "Traceback" not in process.stderr


# --- threads ----------------------------------------------------------------------------------------------------------


def many(count, call):
    """Make calls in parallel, all at once; return how many had each outcome."""
    barrier = threading.Barrier(count)

    def one(number):
        barrier.wait()
        try:
            call(number)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "done"

    with ThreadPoolExecutor(count) as pool:
        outcomes = list(pool.map(one, range(count)))
    return {outcome: outcomes.count(outcome) for outcome in set(outcomes)}


@pytest.fixture
def parallel_ecr(server):
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns often enough to meet between a check and what it guards
    yield many_clients(server)
    sys.setswitchinterval(interval)


def many_clients(server):
    config = Config(max_pool_connections=64, retries={"max_attempts": 0})
    return conftest.SESSION.client(
        "ecr",
        endpoint_url=server.endpoint_url,
        config=config,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="x",
    )


def test_64_parallel_creates_with_distinct_prefixes_leave_50_rules(parallel_ecr):
    outcomes = many(
        64,
        lambda number: parallel_ecr.create_pull_through_cache_rule(
            ecrRepositoryPrefix=f"quay-{number}", upstreamRegistryUrl="quay.io"
        ),
    )
    assert outcomes == {"done": 50, "LimitExceededException": 14}
    assert len(set(prefixes(parallel_ecr))) == 50


def test_64_parallel_creates_with_one_prefix_leave_one_rule(parallel_ecr):
    outcomes = many(64, lambda _: parallel_ecr.create_pull_through_cache_rule(**QUAY))
    assert outcomes == {"done": 1, "PullThroughCacheRuleAlreadyExistsException": 63}
    assert prefixes(parallel_ecr) == ["quay"]


def test_resets_in_between_leave_nothing_and_break_nothing(server, parallel_ecr):
    """Calls race with resets: none answers a 500, and no rule outlives a reset that came after it."""
    missing = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache/hub"
    finished, refused = [], set()

    def reset():
        requests.post(f"{server.endpoint_url}/moto-api/reset", timeout=60).raise_for_status()

    def create(name):
        parallel_ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=name, upstreamRegistryUrl="quay.io")
        finished.append(name)

    def reset_and_look():
        before = set(finished)
        reset()
        assert not before & set(prefixes(parallel_ecr))

    def one(number):
        calls = [
            lambda turn: create(f"quay-{number}-{turn}"),
            lambda turn: parallel_ecr.describe_pull_through_cache_rules(),
            lambda turn: parallel_ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix=f"quay-{number}-{turn - 2}"),
            lambda turn: parallel_ecr.create_pull_through_cache_rule(
                ecrRepositoryPrefix="hub", upstreamRegistryUrl="ghcr.io", credentialArn=missing
            ),
        ]
        for turn in range(16):
            if number % 8 == 0:
                reset_and_look()
                continue
            try:
                calls[turn % len(calls)](turn)
            except ClientError as error:
                refused.add(error.response["Error"]["Code"])

    assert many(32, one) == {"done": 32}
    assert refused <= {"LimitExceededException", "PullThroughCacheRuleNotFoundException", "SecretNotFoundException"}
    reset()
    assert prefixes(parallel_ecr) == []


def test_rules_created_while_their_checks_run_are_counted(in_process):
    """Threads that meet inside the backend, with nothing of the server between them."""
    from moto.ecr.models import ecr_backends

    in_process.client("ecr").describe_pull_through_cache_rules()
    backend = ecr_backends[ACCOUNT][REGION]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            backend.reset()
            barrier = threading.Barrier(16)

            def create(number, barrier=barrier):
                barrier.wait()
                for turn in range(8):
                    with suppress(ServiceException):
                        backend.rules.create(
                            ecr_repository_prefix=f"quay-{number}-{turn}", upstream_registry_url="quay.io"
                        )

            with ThreadPoolExecutor(16) as pool:
                list(pool.map(create, range(16)))
            assert len(backend.rules.describe()[0]) == 50
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize(
    ("room", "operation", "arguments"),
    [
        ("rules", "create", {"ecr_repository_prefix": "quay", "upstream_registry_url": "quay.io"}),
        ("rules", "update", {"ecr_repository_prefix": "up", "custom_role_arn": ROLE}),
        ("rules", "delete", {"ecr_repository_prefix": "up"}),
        ("templates", "create", {"prefix": "new", "settings": SETTINGS}),
        ("templates", "update", {"prefix": "up", "settings": SETTINGS}),
        ("templates", "replace", {"prefix": "up", "settings": SETTINGS}),
        ("templates", "delete", {"prefix": "up"}),
    ],
)
def test_change_within_the_backend_is_made_with_motos_lock_held(in_process, room, operation, arguments):
    """A request would hold the lock itself. CloudFormation's changes are not all requests."""
    from moto.ecr.models import ecr_backends

    ecr = in_process.client("ecr")
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="up", upstreamRegistryUrl=f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
    )
    ecr.create_repository_creation_template(prefix="up", appliedFor=[])
    backend = ecr_backends[ACCOUNT][REGION]
    others_got_the_lock = []

    def try_the_lock():
        others_got_the_lock.append(backend_lock.acquire(blocking=False))
        if others_got_the_lock[-1]:
            backend_lock.release()

    def watched(name):
        def method(self, *arguments):
            with ThreadPoolExecutor(1) as pool:
                pool.submit(try_the_lock).result(60)
            return getattr(dict, name)(self, *arguments)

        return method

    names = ("__contains__", "__getitem__", "__setitem__", "pop")
    watched_dict = type("WatchedDict", (dict,), {name: watched(name) for name in names})
    state = vars(getattr(backend, room))
    state[f"_{room}"] = watched_dict(state[f"_{room}"])
    getattr(getattr(backend, room), operation)(**arguments)
    assert len(others_got_the_lock) > 1
    assert not any(others_got_the_lock)


def test_client_that_is_slow_to_send_its_body_holds_nobody_up(server):
    host, port = server.endpoint_url.rpartition("/")[2].split(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n"
            b"X-Amz-Target: AmazonEC2ContainerRegistry_V20150921.DescribePullThroughCacheRules\r\n"
            b"Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/ecr/aws4_request, "
            b"SignedHeaders=host, Signature=0\r\n\r\n{"
        )
        time.sleep(0.3)
        quick = Config(read_timeout=10, retries={"max_attempts": 0})
        for service, operation in (("ecr", "describe_repositories"), ("ecr", "describe_pull_through_cache_rules")):
            client = conftest.SESSION.client(
                service,
                endpoint_url=server.endpoint_url,
                config=quick,
                aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
                aws_secret_access_key="x",
            )
            getattr(client, operation)()
        slow.sendall(b"        }")
        assert slow.recv(4096).startswith(b"HTTP/1.1 200 ")


# --- the AWS CLI ------------------------------------------------------------------------------------------------------


def printed(result):
    status, output, error = result
    assert (status, error) == (0, "")
    return json.loads(output)


def test_cli_create_prints_what_aws_prints(cli):
    _, output, _ = cli(
        "ecr",
        "create-pull-through-cache-rule",
        "--ecr-repository-prefix",
        "ecr-public",
        "--upstream-registry-url",
        "public.ecr.aws",
    )
    created_at = json.loads(output)["createdAt"]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00|\d{10}(\.\d+)?", str(created_at))
    assert json.loads(output) == {
        "ecrRepositoryPrefix": "ecr-public",
        "upstreamRegistryUrl": "public.ecr.aws",
        "createdAt": created_at,
        "registryId": ACCOUNT,
        "upstreamRegistry": "ecr-public",
    }


def test_cli_describes_with_query_and_pages(cli, server):
    for number in range(5):
        server.client("ecr").create_pull_through_cache_rule(
            ecrRepositoryPrefix=f"quay-{number}", upstreamRegistryUrl="quay.io"
        )
    query = ("--query", "pullThroughCacheRules[].ecrRepositoryPrefix")
    describe = ("ecr", "describe-pull-through-cache-rules")
    assert printed(cli(*describe, *query, "--page-size", "2")) == [f"quay-{number}" for number in range(5)]
    first = printed(cli(*describe, "--max-items", "2"))
    rest = printed(cli(*describe, *query, "--starting-token", first["NextToken"]))
    assert rest == ["quay-2", "quay-3", "quay-4"]
    assert printed(cli(*describe, *query, "--ecr-repository-prefixes", "quay-3")) == ["quay-3"]


def test_cli_updates_validates_and_deletes(cli, server):
    old, new = server.secret("old"), server.secret("new", value="no JSON")
    server.client("ecr").create_pull_through_cache_rule(
        ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=old
    )
    hub = ("--ecr-repository-prefix", "hub")
    validated = printed(cli("ecr", "validate-pull-through-cache-rule", *hub))
    assert (validated["isValid"], validated["failure"]) == (True, "")
    updated = printed(cli("ecr", "update-pull-through-cache-rule", *hub, "--credential-arn", new))
    assert updated["credentialArn"] == new
    validated = printed(cli("ecr", "validate-pull-through-cache-rule", *hub))
    assert validated["isValid"] is False
    assert validated["failure"] == f"The secret '{new}' does not hold valid JSON"
    assert printed(cli("ecr", "delete-pull-through-cache-rule", *hub))["credentialArn"] == new
    assert prefixes(server.client("ecr")) == []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["create", "--upstream-registry-url", "example.com"],
            (
                "(UnsupportedUpstreamRegistryException) when calling the CreatePullThroughCacheRule operation: "
                "The upstream registry URL example.com is invalid. Specify a valid upstream registry URL and try again"
            ),
        ),
        (
            ["create", "--upstream-registry-url", "quay.io", "--upstream-repository-prefix", "a_"],
            (
                "(InvalidParameterException) when calling the CreatePullThroughCacheRule operation: "
                "Invalid parameter at 'upstreamRepositoryPrefix' failed to satisfy constraint: "
                "'Member must satisfy regular expression pattern: *'"
            ),
        ),
        (
            ["create", "--upstream-registry-url", "quay.io", "--registry-id", "210987654321"],
            (
                "(AccessDeniedException) when calling the CreatePullThroughCacheRule operation: "
                "The account with id '123456789012' is not authorized to access the pull through cache "
                "of the registry with id '210987654321'"
            ),
        ),
        (
            [
                "create",
                "--upstream-registry-url",
                "ghcr.io",
                "--credential-arn",
                "arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/missing",
            ],
            (
                "(SecretNotFoundException) when calling the CreatePullThroughCacheRule operation: "
                "The ARN of the secret specified in the pull through cache rule was not found. *"
            ),
        ),
        (
            ["delete"],
            (
                "(PullThroughCacheRuleNotFoundException) when calling the DeletePullThroughCacheRule operation: "
                "The pull through cache rule with prefix 'hub' does not exist in the registry with id '123456789012'"
            ),
        ),
    ],
)
def test_cli_prints_each_kind_of_error(cli, arguments, error):
    operation, *options = arguments
    status, output, printed_error = cli(
        "ecr", f"{operation}-pull-through-cache-rule", "--ecr-repository-prefix", "hub", *options
    )
    assert (status, output) == (255, "") or (status, output) == (254, "")
    expected = re.escape(f"An error occurred {error}").replace(r"\*", ".*")
    assert re.search(expected, printed_error), printed_error
    assert "Traceback" not in printed_error


SERVICE_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "pullthroughcache.ecr.amazonaws.com"},
                "Action": ["ecr:CreateRepository", "ecr:BatchImportUpstreamImage"],
                "Resource": "*",
            }
        ],
    }
)
RULE = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
TEMPLATE = {
    "prefix": "quay",
    "appliedFor": ["PULL_THROUGH_CACHE"],
    "repositoryPolicy": REPOSITORY_POLICY,
    "lifecyclePolicy": LIFECYCLE_POLICY,
}
SET_UP = [
    ("create-pull-through-cache-rule", RULE, None),
    ("put-registry-policy", {"policyText": SERVICE_POLICY}, None),
    ("create-repository-creation-template", TEMPLATE, None),
    ("create-pull-through-cache-rule", RULE, "PullThroughCacheRuleAlreadyExistsException"),
    ("put-registry-policy", {"policyText": SERVICE_POLICY}, None),
    ("create-repository-creation-template", TEMPLATE, "TemplateAlreadyExistsException"),
    ("update-repository-creation-template", {"prefix": "quay", "description": "again"}, None),
    ("describe-pull-through-cache-rules", {"ecrRepositoryPrefixes": ["quay"]}, None),
    ("describe-repository-creation-templates", {"prefixes": ["quay"]}, None),
    ("get-registry-policy", {}, None),
    ("delete-repository-creation-template", {"prefix": "quay"}, None),
    ("delete-pull-through-cache-rule", {"ecrRepositoryPrefix": "quay"}, None),
    ("describe-pull-through-cache-rules", {}, None),
    ("describe-repository-creation-templates", {}, None),
]


def through_cli(cli, operation, arguments):
    status, output, error = cli("ecr", operation, "--cli-input-json", json.dumps(arguments))
    return re.search(r"\((\w+)\)", error)[1] if status else json.loads(output)


def through_boto3(ecr, operation, arguments):
    try:
        response = getattr(ecr, operation.replace("-", "_"))(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    del response["ResponseMetadata"]
    return json.loads(json.dumps(response, default=str))


def timeless(answer):
    """Return an answer without its times."""
    if isinstance(answer, dict):
        return {name: timeless(value) for name, value in answer.items() if name not in ("createdAt", "updatedAt")}
    return [timeless(value) for value in answer] if isinstance(answer, list) else answer


def test_a_set_up_of_rule_policy_and_template_runs_alike_in_process_and_through_the_cli(cli):
    with mock_aws():
        ecr = conftest.Aws(None).client("ecr")
        in_process = [through_boto3(ecr, operation, arguments) for operation, arguments, _ in SET_UP]
    on_server = [through_cli(cli, operation, arguments) for operation, arguments, _ in SET_UP]
    assert timeless(on_server) == timeless(in_process)
    for answer, (operation, _, error) in zip(on_server, SET_UP):
        assert (answer if isinstance(answer, str) else None) == error, operation
    described = on_server[8]["repositoryCreationTemplates"][0]
    assert (described["description"], described["repositoryPolicy"]) == ("again", REPOSITORY_POLICY)
    assert on_server[-2:] == [
        {"pullThroughCacheRules": []},
        {"registryId": ACCOUNT, "repositoryCreationTemplates": []},
    ]


def test_cli_prints_the_limit_and_a_rule_that_exists(cli, server):
    for number in range(50):
        server.client("ecr").create_pull_through_cache_rule(
            ecrRepositoryPrefix=f"quay-{number}", upstreamRegistryUrl="quay.io"
        )
    create = ("ecr", "create-pull-through-cache-rule", "--upstream-registry-url", "quay.io", "--ecr-repository-prefix")
    assert "(PullThroughCacheRuleAlreadyExistsException)" in cli(*create, "quay-7")[2]
    assert "(LimitExceededException)" in cli(*create, "quay-50")[2]


def test_cli_pulls_through_a_rule_and_finds_the_templates_policy(cli):
    for operation, *arguments in (
        ("create-pull-through-cache-rule", "--ecr-repository-prefix", "quay", "--upstream-registry-url", "quay.io"),
        (
            "create-repository-creation-template",
            "--prefix",
            "quay",
            "--applied-for",
            "PULL_THROUGH_CACHE",
            "--repository-policy",
            REPOSITORY_POLICY,
        ),
    ):
        printed(cli("ecr", operation, *arguments))
    repository = ("--repository-name", "quay/biocontainers/bwa")
    answer = printed(cli("ecr", "batch-get-image", *repository, "--image-ids", "imageTag=latest"))
    assert [image["imageId"]["imageTag"] for image in answer["images"]] == ["latest"]
    assert printed(cli("ecr", "get-repository-policy", *repository))["policyText"] == REPOSITORY_POLICY
    layer = json.loads(answer["images"][0]["imageManifest"])["layers"][0]
    url = printed(cli("ecr", "get-download-url-for-layer", *repository, "--layer-digest", layer["digest"]))[
        "downloadUrl"
    ]
    assert hashlib.sha256(requests.get(url, timeout=60).content).hexdigest() == layer["digest"][7:]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("batch-get-image", "--image-ids", "imageTag=latest"), "RepositoryNotFoundException"),
        (("get-download-url-for-layer", "--layer-digest", "sha256:0"), "RepositoryNotFoundException"),
    ],
)
def test_cli_prints_the_error_of_a_pull(cli, server, arguments, error):
    ecr = server.client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    upstream_registry("quay").push("other/image")
    operation, *more = arguments
    status, _, message = cli("ecr", operation, "--repository-name", "quay/team/app", *more)
    assert status in (254, 255)
    assert f"({error})" in message
