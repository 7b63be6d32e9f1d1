"""What the tests share: AWS clients of moto in this process and of a moto server, and the requests' common parts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count

from moto_ecr_ptc import UpstreamRegistry, upstream_registry

try:
    import freezegun
    from moto.server import ThreadedMotoServer
except ImportError as error:
    # A reader of the documents may have written a first test into the clone.
    pytest.exit(
        f"This clone's own tests need pip install -e '.[test]' ({error}). Tests of yours belong outside of the clone.",
        returncode=pytest.ExitCode.USAGE_ERROR,
    )

pytest_plugins = ["pytester", "tests.browser"]

# What --durations measures is real time, also where a test stops the clock.
freezegun.configure(extend_ignore_list=["_pytest.timing"])

ACCOUNT = "123456789012"
OTHER_ACCOUNT = "210987654321"
SCRIPTS = Path(sys.executable).parent
REGION = "us-east-1"
# One for all tests: it keeps the parsed service models, which a mock's default session has to read again each time.
SESSION = boto3.Session(region_name=REGION)
MODEL = botocore.session.get_session().get_service_model("ecr")
GOOD_SECRET = json.dumps({"username": "a-user", "accessToken": "a-token"})

REPOSITORY_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "ecr:BatchGetImage"}],
    }
)
_UNTAGGED_BUT_ONE = {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1}
LIFECYCLE_POLICY = json.dumps(
    {"rules": [{"rulePriority": 1, "selection": _UNTAGGED_BUT_ONE, "action": {"type": "expire"}}]}
)


def model_accepts(shape: str, value: str) -> bool:
    """Return whether the installed botocore's model admits a value: older ones know fewer."""
    return bool(re.fullmatch(MODEL.shape_for(shape).metadata["pattern"], value))


OTHER_PARTITIONS = pytest.mark.skipif(
    not model_accepts("CredentialArn", f"arn:aws-cn:secretsmanager:cn-north-1:{ACCOUNT}:secret:ecr-pullthroughcache/x"),
    reason="the model of botocore < 1.41.0 knows secrets of the partition aws only",
)

HAS_EXCLUSION_FILTERS = (
    "imageTagMutabilityExclusionFilters" in MODEL.shape_for("CreateRepositoryCreationTemplateRequest").members
)
EXCLUSION_FILTERS = pytest.mark.skipif(
    not HAS_EXCLUSION_FILTERS, reason="the model of an older botocore has no exclusion filters"
)


class Aws:
    """One mocked AWS. Its clients belong to ``ACCOUNT`` unless they are told otherwise."""

    def __init__(self, endpoint_url: str | None) -> None:
        self.endpoint_url = endpoint_url
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str = REGION, *, account: str | None = None, **arguments: Any) -> Any:
        """Return a client: the same one each time, if it is told nothing but service and Region."""
        if account or arguments:
            return self._client(service, region, account, arguments)
        if (service, region) not in self._clients:
            self._clients[service, region] = self._client(service, region, None, {})
        return self._clients[service, region]

    def _client(self, service: str, region: str, account: str | None, arguments: dict[str, Any]) -> Any:
        credentials = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "secret"}
        client = SESSION.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint_url,
            config=Config(retries={"max_attempts": 0}),
            **{**credentials, **arguments},
        )
        if account:
            client.meta.events.register(
                "before-sign", lambda request, **_: request.headers.add_header("x-moto-account-id", account)
            )
        return client

    def secret(self, name: str = "hub", value: str | None = GOOD_SECRET, region: str = REGION, **arguments: Any) -> str:
        """Create a secret in ``ACCOUNT`` and return its ARN."""
        if value is not None:
            arguments["SecretString"] = value
        secretsmanager = self.client("secretsmanager", region)
        return secretsmanager.create_secret(Name=f"ecr-pullthroughcache/{name}", **arguments)["ARN"]

    def post(self, operation: str, body: bytes, region: str = REGION, **headers: str) -> requests.Response:
        """Send a signed request with this body, whatever it is."""
        url = self.endpoint_url or f"https://api.ecr.{region}.amazonaws.com/"
        request = AWSRequest(
            "POST",
            url,
            data=body,
            headers={
                "X-Amz-Target": f"AmazonEC2ContainerRegistry_V20150921.{operation}",
                "Content-Type": "application/x-amz-json-1.1",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )
        SigV4Auth(Credentials("AKIAIOSFODNN7EXAMPLE", "secret"), "ecr", region).add_auth(request)
        return requests.post(url, data=body, headers=dict(request.headers), timeout=60)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A moto server in this process; its state is the process's."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def server(server_url: str) -> Aws:
    """A moto server without any state."""
    requests.post(f"{server_url}/moto-api/reset", timeout=60).raise_for_status()
    return Aws(server_url)


@pytest.fixture
def in_process() -> Iterator[Aws]:
    with mock_aws():
        yield Aws(None)


@pytest.fixture(params=["in_process", "server"])
def aws(request: pytest.FixtureRequest) -> Aws:
    """AWS as mocked in this process, then AWS as mocked by a server."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def ecr(aws: Aws) -> Any:
    return aws.client("ecr")


class Refusal:
    """The error that a call came back with."""

    def __init__(self, error: ClientError) -> None:
        self.code = error.response["Error"]["Code"]
        self.message = error.response["Error"]["Message"]
        self.status = error.response["ResponseMetadata"]["HTTPStatusCode"]


def refusal(call: Any, **arguments: Any) -> Refusal:
    """Make a call that must be refused as a client's error, and return how it was."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    found = Refusal(caught.value)
    assert found.status == 400
    return found


def rules(ecr: Any, **arguments: Any) -> list[dict[str, Any]]:
    """Return all rules of a client's registry."""
    paginator = ecr.get_paginator("describe_pull_through_cache_rules")
    return [rule for page in paginator.paginate(**arguments) for rule in page["pullThroughCacheRules"]]


def prefixes(ecr: Any, **arguments: Any) -> list[str]:
    """Return the prefixes of all rules of a client's registry."""
    return [rule["ecrRepositoryPrefix"] for rule in rules(ecr, **arguments)]


def templates(ecr: Any, **arguments: Any) -> list[dict[str, Any]]:
    """Return all repository creation templates of a client's registry."""
    paginator = ecr.get_paginator("describe_repository_creation_templates")
    return [found for page in paginator.paginate(**arguments) for found in page["repositoryCreationTemplates"]]


def template_prefixes(ecr: Any, **arguments: Any) -> list[str]:
    """Return the prefixes of all repository creation templates of a client's registry."""
    return [template["prefix"] for template in templates(ecr, **arguments)]


# --- moto's enforcement of IAM ----------------------------------------------------------------------------------------


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def user(aws, *statements):
    """Create a user whose policy has these statements; return the credentials as a client's arguments."""
    iam = aws.client("iam")
    iam.create_user(UserName="someone")
    key = iam.create_access_key(UserName="someone")["AccessKey"]
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_user_policy(UserName="someone", PolicyName="rights", PolicyDocument=document)
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def enforced(call, *positional, **arguments):
    """Make a call while moto enforces IAM."""
    return set_initial_no_auth_action_count(0)(lambda: call(*positional, **arguments))()


# --- programs that call a server --------------------------------------------------------------------------------------


def aws_environment(server: Aws, home: Path) -> dict[str, str]:
    """Return the environment in which AWS's programs call a server, and nobody else."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ENDPOINT_URL": server.endpoint_url or "",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
        "AWS_CONFIG_FILE": str(home / "config"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture
def cli(server: Aws, tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """Run the AWS CLI; return its exit status, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        process = subprocess.run(
            [str(SCRIPTS / "aws"), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=aws_environment(server, tmp_path),
            timeout=120,
        )
        return process.returncode, process.stdout, process.stderr.strip()

    return run


# --- pulls ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def quay(ecr: Any) -> UpstreamRegistry:
    """The upstream of a rule with the prefix quay."""
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    return upstream_registry("quay")


def pull(ecr: Any, repository: str, *tags: str, **arguments: Any) -> Any:
    """Pull images by their tags: ``latest`` if none is given."""
    image_ids = [{"imageTag": tag} for tag in tags or ["latest"]]
    return ecr.batch_get_image(repositoryName=repository, imageIds=image_ids, **arguments)


def digest(answer: Any) -> str:
    """Return the digest of the one image in an answer that has no failures."""
    assert answer["failures"] == []
    (image,) = answer["images"]
    return image["imageId"]["imageDigest"]


def failure_codes(answer: Any) -> list[str]:
    """Return the codes of an answer that has only failures."""
    assert answer["images"] == []
    return [failure["failureCode"] for failure in answer["failures"]]


def repositories(ecr: Any) -> list[str]:
    """Return the names of all repositories of a client's registry."""
    return [repository["repositoryName"] for repository in ecr.describe_repositories()["repositories"]]
