"""Credentials are in nothing that this package stores or emits, whatever fails."""

from __future__ import annotations

import base64
import json
import logging
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from conftest import ACCOUNT, REGION, Aws
from moto_ecr_ptc import UpstreamRegistry, load_upstreams, pull_log, upstream_registry
from moto_ecr_ptc.declarations import read_declaration
from moto_ecr_ptc.ecr.access.credentials import UpstreamCredentials
from moto_ecr_ptc.ecr.registry.messages import Request
from moto_ecr_ptc.ecr.upstream.registry import Upstream
from tests.access.hidden import Hidden
from tests.cloudformation.stack_calls import OUR_SECRET
from tests.registry.endpoint import Endpoint
from tests.registry.observed_server import wait_until
from tests.upstream.proxy import scripted_registry

IMAGE = "hub/library/app"
SECRET = "ecr-pullthroughcache/hub"
ABSENT = "sha256:" + "0" * 64
CLIENTS = ("botocore", "boto3", "urllib3")
"""The loggers of the users' own clients, which tell what these send."""

_DEBUGGING_SERVER = """
import logging, sys
logging.basicConfig(level=logging.DEBUG)
from moto_ecr_ptc.server import main
main(sys.argv[1:])
"""


@pytest.fixture
def hidden() -> Hidden:
    return Hidden()


@pytest.fixture
def caller(aws: Aws, hidden: Hidden) -> Any:
    """A client of ECR whose own credentials are looked for, too."""
    key, token = hidden.make("secret-key"), hidden.make("session-token")
    return aws.client("ecr", aws_secret_access_key=key, aws_session_token=token)


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """Return what was logged, at any level, with the arguments and exceptions of each record."""

    def text() -> str:
        form = logging.Formatter("%(message)s %(args)r")
        records = [record for record in caplog.records if record.name.partition(".")[0] not in CLIENTS]
        return "\n".join(form.format(record) for record in records)

    with caplog.at_level(logging.DEBUG):
        yield text


@pytest.fixture
def echo() -> Iterator[scripted_registry.Server]:
    """A registry that asks for credentials, and answers with what it was sent."""

    def answer(asked: scripted_registry.Asked) -> scripted_registry.Answer:
        sent = asked.authorization
        if sent is None:
            return scripted_registry.Answer(401, headers={"WWW-Authenticate": 'Basic realm="registry"'})
        headers = {"X-Echo": sent, "WWW-Authenticate": f'Basic realm="{sent}"'}
        return scripted_registry.Answer(403, sent.encode(), headers)

    library = "/v2/library/app"
    paths = [f"{library}/manifests/v1", f"{library}/manifests/v2", f"{library}/blobs/{ABSENT}", "/v2/"]
    with scripted_registry.serving() as start:
        yield start(dict.fromkeys([*paths, f"{library}/referrers/{ABSENT}"], answer))


@contextmanager
def debugging_server(output: Path) -> Iterator[str]:
    """Run a server that logs all that any library of its process tells, and yield its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", _DEBUGGING_SERVER, "-H", "127.0.0.1", "-p", str(port)]
    with output.open("wb") as written, subprocess.Popen(command, stdout=written, stderr=written) as process:
        try:
            wait_until(lambda: f"http://127.0.0.1:{port}/moto-api/ecr/" in output.read_text())
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def api(aws: Aws) -> str:
    return f"{aws.endpoint_url or 'http://motoapi.amazonaws.com'}/moto-api"


def hub_with(aws: Aws, caller: Any, value: str | bytes) -> UpstreamRegistry:
    """Return the upstream of a rule with the prefix hub, whose secret has a value."""
    kind = "SecretString" if isinstance(value, str) else "SecretBinary"
    arn = aws.client("secretsmanager").create_secret(Name=SECRET, **{kind: value})["ARN"]
    caller.create_pull_through_cache_rule(
        ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=arn
    )
    return upstream_registry("docker-hub", endpoint_url=aws.endpoint_url)


def credentials(hidden: Hidden, name: str) -> dict[str, str]:
    return {"username": hidden.make(f"{name}-user"), "accessToken": hidden.make(f"{name}-token")}


def fault_of(call: Callable[..., object], *arguments: Any, **members: Any) -> str:
    """Return what a failing call tells: its exception, with those that it came from."""
    with pytest.raises((ClientError, ValueError, RuntimeError)) as caught:
        call(*arguments, **members)
    return "".join(traceback.format_exception(caught.type, caught.value, caught.tb)) + repr(caught.value)


def outcome_of(call: Callable[..., object], **members: Any) -> str:
    """Return what a call answers, or what it tells if it fails."""
    try:
        return repr(call(**members))
    except ClientError as error:
        return f"{error!r} {error.response!r}"


def use(aws: Aws, caller: Any, upstream: UpstreamRegistry) -> str:
    """Use a rule by each door, and return all that is answered."""
    answers = [
        outcome_of(caller.validate_pull_through_cache_rule, ecrRepositoryPrefix="hub"),
        outcome_of(caller.batch_get_image, repositoryName=IMAGE, imageIds=[{"imageTag": "v1"}]),
        outcome_of(caller.describe_pull_through_cache_rules),
    ]
    with suppress(ClientError):  # the repository may be there already
        caller.create_repository(repositoryName=IMAGE)
    answers.append(outcome_of(caller.get_download_url_for_layer, repositoryName=IMAGE, layerDigest=ABSENT))
    endpoint = Endpoint(aws)
    for path in (f"{IMAGE}/manifests/v2", f"{IMAGE}/blobs/{ABSENT}", f"{IMAGE}/referrers/{ABSENT}"):
        answer = endpoint("GET", f"/v2/{path}")
        answers.append(f"{answer.status_code} {answer.headers} {answer.text}")
    return "\n".join([*answers, repr(upstream), repr(upstream.pulls)])


def kept(aws: Aws) -> str:
    """Return all that the package keeps and shows: the page's calls, moto's data, and the pull log."""
    calls = ("overview", "pulls", "upstream-pulls?registry=docker-hub", "upstream-images?registry=docker-hub")
    texts = [requests.get(f"{api(aws)}/static/ecr/{call}", timeout=60).text for call in calls]
    data = requests.get(f"{api(aws)}/data.json", timeout=60).json()
    records = pull_log(endpoint_url=aws.endpoint_url)
    return "\n".join([*texts, json.dumps(data["ecr"]), *map(str, records), *map(repr, records)])


def test_credentials_that_the_upstream_refuses(aws, caller, hidden, logged):
    upstream = hub_with(aws, caller, json.dumps(credentials(hidden, "rules")))
    upstream.credentials = credentials(hidden, "accepted")
    hidden.check("an answer", use(aws, caller, upstream))
    hidden.check("what is kept", kept(aws))
    hidden.check("the log", logged())


def test_credentials_that_were_rotated(aws, caller, hidden, logged):
    upstream = hub_with(aws, caller, json.dumps(credentials(hidden, "old")))
    upstream.credentials = credentials(hidden, "accepted")
    new = credentials(hidden, "new")
    answers = use(aws, caller, upstream)
    aws.client("secretsmanager").put_secret_value(SecretId=SECRET, SecretString=json.dumps(new))
    upstream.credentials = new
    hidden.check("an answer", answers + use(aws, caller, upstream))
    hidden.check("what is kept", kept(aws))
    hidden.check("the log", logged())


@pytest.mark.parametrize(
    "form",
    ["{0}", '"{0}"', '["{0}"]', '{{"username": "{0}", "password": "{0}"}}', '{{"{0}": 1}}', '{{"username": "{0}'],
    ids=["text", "string", "list", "other-member", "name-of-a-member", "cut-off"],
)
def test_value_that_holds_no_credentials(aws, caller, hidden, logged, form):
    upstream = hub_with(aws, caller, form.format(hidden.add("value", "hidden-value/+~")))
    hidden.check("an answer", use(aws, caller, upstream))
    hidden.check("what is kept", kept(aws))
    hidden.check("the log", logged())


def test_value_that_is_binary(aws, caller, hidden, logged):
    upstream = hub_with(aws, caller, hidden.make("value").encode())
    hidden.check("an answer", use(aws, caller, upstream))
    hidden.check("what is kept", kept(aws))
    hidden.check("the log", logged())


def test_credentials_that_a_real_registry_sends_back(aws, caller, hidden, logged, echo):
    upstream = hub_with(aws, caller, json.dumps(credentials(hidden, "sent")))
    upstream.proxy(echo.url)
    answers = use(aws, caller, upstream)
    assert any(request.authorization for request in echo.asked)
    hidden.check("an answer", answers)
    hidden.check("what is kept", kept(aws))
    hidden.check("the log", logged())


def test_event_of_a_pull(aws, caller, hidden):
    upstream = hub_with(aws, caller, json.dumps(credentials(hidden, "rules")))
    upstream.credentials = credentials(hidden, "accepted")
    queue = aws.client("sqs").create_queue(QueueName="pulls")["QueueUrl"]
    events = aws.client("events")
    events.put_rule(Name="pulls", EventPattern=json.dumps({"source": ["aws.ecr"]}))
    events.put_targets(Rule="pulls", Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:pulls"}])
    use(aws, caller, upstream)
    messages = aws.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    hidden.check("an event", json.dumps(messages, default=str))


@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
def test_token_of_an_image_client_that_is_refused(aws, caller, hidden, logged, scheme):
    (data,) = caller.get_authorization_token()["authorizationData"]
    token = hidden.add("authorization-token", data["authorizationToken"])
    endpoint = Endpoint(aws)
    sent = {"Basic": token[:-8], "Bearer": token}[scheme]
    answer = endpoint("GET", "/v2/app/manifests/v1", auth=None, headers={"Authorization": f"{scheme} {sent}"})
    assert answer.status_code in (400, 401)
    hidden.add("what-was-sent", sent)
    hidden.add("password", base64.b64decode(sent).decode().partition(":")[2])
    hidden.check("the answer", f"{answer.headers} {answer.text}")
    hidden.check("what is kept", kept(aws))
    hidden.check("the log", logged())


@OUR_SECRET
@pytest.mark.parametrize("is_refused", [False, True], ids=["made", "rolled-back"])
def test_stack_with_secrets(aws, hidden, logged, is_refused):
    given = json.dumps(credentials(hidden, "parameter"))
    generated = {"SecretStringTemplate": '{"username": "a"}', "GenerateStringKey": "accessToken"}
    resources = {
        "Given": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {"Name": SECRET, "SecretString": {"Ref": "Value"}},
        },
        "Generated": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {"Name": "generated", "GenerateSecretString": generated},
        },
        "Rule": {
            "Type": "AWS::ECR::PullThroughCacheRule",
            "DependsOn": "Generated",
            "Properties": {
                "EcrRepositoryPrefix": "hub",
                "UpstreamRegistryUrl": {"Ref": "Value"} if is_refused else "registry-1.docker.io",
                "CredentialArn": {"Ref": "Given"},
            },
        },
    }
    document = {"Parameters": {"Value": {"Type": "String", "NoEcho": True}}, "Resources": resources}
    client = aws.client("cloudformation")
    parameters = [{"ParameterKey": "Value", "ParameterValue": given}]
    answers = [
        outcome_of(client.create_stack, StackName="stack", TemplateBody=json.dumps(document), Parameters=parameters)
    ]
    if not is_refused:
        value = aws.client("secretsmanager").get_secret_value(SecretId="generated")["SecretString"]
        hidden.add("generated", json.loads(value)["accessToken"])
    calls = (client.describe_stacks, client.describe_stack_events, client.describe_stack_resources)
    answers += [outcome_of(call, StackName="stack") for call in calls]
    hidden.check("an answer", "\n".join(answers))
    hidden.check("the log", logged())


FAULTY = {
    "other-key.toml": 'quay.credentials = {{username = "{0}", accesToken = "{1}"}}',
    "text.toml": "quay.credentials = '{1}'",
    "number.toml": 'quay.credentials = {{username = "{0}", accessToken = 1}}',
    "cut-off.toml": 'quay.credentials = {{username = "{0}", accessToken = "{1}',
    "no-quotes.toml": "[quay.credentials]\nusername = {0}\naccessToken = {1}",
    "beside-a-fault.toml": 'quay.credentials = {{username = "{0}", accessToken = "{1}"}}\nquay.failures = [1]',
    "proxy.toml": 'quay.proxy = "http://{0}:{1}@127.0.0.1:1"',
    "proxy-without-host.toml": 'quay.proxy = "http://user:{1}"',
    "proxy-in-other-letters.toml": 'quay.proxy = "http://{0}:{1}@\u2100"',
    "cut-off.json": '{{"quay": {{"credentials": {{"username": "{0}", "accessToken": "{1}',
    "twice.json": '{{"quay": {{"credentials": {{"username": "{0}", "username": "{1}"}}}}}}',
}


@pytest.mark.parametrize("name", FAULTY)
def test_declaration_with_a_fault(tmp_path, in_process, hidden, logged, name):
    values = [hidden.add("user", "hidden-user+~"), hidden.add("token", "hidden-token+~")]
    path = tmp_path / name
    path.write_text(FAULTY[name].format(*values))
    hidden.check("the fault", fault_of(load_upstreams, path))
    hidden.check("the log", logged())


def test_declaration_in_a_debugger(tmp_path, hidden):
    values = credentials(hidden, "declared")
    path = tmp_path / "upstreams.json"
    path.write_text(json.dumps({"quay": {"credentials": values}}))
    hidden.check("the representation", repr(read_declaration(path)))


@pytest.mark.parametrize("form", ["http://{0}:{1}@127.0.0.1:1", "http://user:{1}", "http://{0}:{1}@\u2100", "{1}"])
def test_url_of_a_proxy_that_is_refused(in_process, hidden, logged, form):
    url = form.format(hidden.add("user", "hidden-user+~"), hidden.add("token", "hidden-token+~"))
    hidden.check("the fault", fault_of(upstream_registry("quay").proxy, url))
    hidden.check("the log", logged())


def test_endpoint_with_a_password(in_process, hidden):
    password = hidden.add("password", "hidden-password~")
    handle = upstream_registry("quay", endpoint_url=f"http://user:{password}@127.0.0.1:1")
    hidden.check("the representation", repr(handle))
    hidden.check("the fault", fault_of(handle.clear))
    hidden.check("the fault", fault_of(pull_log, endpoint_url=f"http://user:{password}@127.0.0.1:1"))
    hidden.check("the fault", fault_of(upstream_registry, "quay", endpoint_url=f"ftp://user:{password}@a"))


@pytest.mark.parametrize("form", ["text", "other-member", "number"])
def test_credentials_that_are_refused(aws, hidden, logged, form):
    token = hidden.make("token")
    accepted: Any = {"text": token, "other-member": {"user": token}, "number": {"username": token, "accessToken": 1}}
    handle = upstream_registry("quay", endpoint_url=aws.endpoint_url)
    hidden.check("the fault", fault_of(setattr, handle, "credentials", accepted[form]))
    body = {"registry": "quay", "credentials": accepted[form]}
    answer = requests.post(f"{api(aws)}/static/ecr/upstream-credentials", json=body, timeout=60)
    assert answer.status_code == 400
    hidden.check("the answer", answer.text)
    hidden.check("the log", logged())


def test_objects_that_hold_credentials(in_process, hidden):
    values = credentials(hidden, "held")
    upstream = Upstream("quay.io")
    upstream.credentials = values
    read = UpstreamCredentials(values["username"], values["accessToken"])
    headers = {"authorization": f"Basic {hidden.make('authorization-token')}"}
    request = Request("GET", "https://registry.test", "/v2/", query={}, headers=headers, body=iter(()))
    hidden.check("a representation", f"{upstream!r} {upstream.describe(10)!r} {read!r} {read} {request!r}")


def test_output_of_a_server(tmp_path, hidden, echo):
    with debugging_server(tmp_path / "output") as url:
        server = Aws(url)
        key, token = hidden.make("secret-key"), hidden.make("session-token")
        caller = server.client("ecr", aws_secret_access_key=key, aws_session_token=token)
        upstream = hub_with(server, caller, json.dumps(credentials(hidden, "rules")))
        upstream.proxy(echo.url)
        (data,) = caller.get_authorization_token()["authorizationData"]
        hidden.add("authorization-token", data["authorizationToken"])
        use(server, caller, upstream)
    output = (tmp_path / "output").read_text()
    assert "UpstreamAccessDenied" in output
    hidden.check("the output", output)
