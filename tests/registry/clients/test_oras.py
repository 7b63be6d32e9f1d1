"""oras: files as artifacts, on a server and inside ``mock_aws``; artifacts that refer to an image."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from conftest import MODEL
from moto_ecr_ptc import upstream_registry
from tests.registry.clients.images import AMD64, describe
from tests.registry.clients.programs import ECR_HOST, need

SBOM_TYPE = "application/spdx+json"


@pytest.fixture(autouse=True)
def no_user(monkeypatch, tmp_path):
    """Have oras find neither a docker engine nor a user's configuration."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")


@pytest.fixture
def connect(tmp_path) -> Iterator[Callable[..., Any]]:
    """Make clients, which are logged in if they are given a password."""
    need("oras")
    from oras.client import OrasClient

    with ExitStack() as sessions:

        def connect(host: str, password: str | None = None, **arguments: Any) -> Any:
            client = OrasClient(hostname=host, **arguments)
            sessions.callback(client.session.close)
            if password:
                client.login("AWS", password, hostname=host, config_path=str(tmp_path / "config.json"))
            return client

        yield connect


@pytest.fixture
def client(endpoint, connect):
    """A client of a server."""
    return connect(endpoint.host, endpoint.password, insecure=True, auth_backend="basic")


@pytest.fixture
def sbom(tmp_path):
    path = tmp_path / "sbom.json"
    path.write_text('{"spdxVersion": "SPDX-2.3"}')
    return path


def push(client, target, file, **arguments):
    return client.push(target=target, files=[f"{file}:{SBOM_TYPE}"], disable_path_validation=True, **arguments)


def pull(client, target, directory):
    """Return what the one file of an artifact holds."""
    (path,) = client.pull(target=target, outdir=str(directory))
    with open(path) as file:
        return file.read()


# --- on a server -----------------------------------------------------------------------------------------------------


def test_pushed_file_is_pulled_from_a_server(endpoint, client, sbom, tmp_path):
    app = endpoint.create("team/app")
    push(client, f"{app}:v1", sbom)
    assert pull(client, f"{app}:v1", tmp_path / "pulled") == sbom.read_text()


def test_tags_are_listed_by_a_server(endpoint, client, sbom):
    app = endpoint.create("team/app")
    for tag in ("v1", "v2"):
        push(client, f"{app}:{tag}", sbom)
    assert sorted(client.get_tags(app)) == ["v1", "v2"]


def test_large_file_is_pushed_in_chunks_to_a_server(endpoint, client, tmp_path):
    app = endpoint.create("team/app")
    large = tmp_path / "large"
    large.write_bytes(bytes(range(256)) * 4096 * 12)
    push(client, f"{app}:v1", large, do_chunked=True, chunk_size=large.stat().st_size)
    (path,) = client.pull(target=f"{app}:v1", outdir=str(tmp_path / "pulled"))
    with open(path, "rb") as file:
        assert file.read() == large.read_bytes()


def test_wrong_password_is_refused_by_a_server(endpoint, connect):
    app = endpoint.create("team/app")
    client = connect(endpoint.host, "wrong", insecure=True, auth_backend="basic")
    answer = client.do_request(f"http://{endpoint.host}/v2/team/app/tags/list")
    assert (answer.status_code, answer.text) == (401, "Not Authorized\n"), app


# --- artifacts with a subject ----------------------------------------------------------------------------------------


@pytest.fixture
def artifact(endpoint, programs, client, single, sbom, tmp_path):
    """The digest of an SBOM that was attached to the image ``v1``."""
    from oras.oci import Subject

    app = endpoint.create("team/app")
    programs.copy(f"oci:{single}:v1", f"docker://{app}:v1")
    empty = tmp_path / "empty.json"
    empty.write_text("{}")
    image = describe(AMD64)
    push(
        client,
        f"{app}:sbom",
        sbom,
        subject=Subject(image.media_type, image.digest, image.size),
        manifest_config=f"{empty}:{SBOM_TYPE}",
    )
    (digest,) = (digest for digest, tags in endpoint.images("team/app").items() if tags == ["sbom"])
    return digest


def referrers(endpoint, **parameters):
    index = endpoint.get(f"team/app/referrers/{AMD64.manifest.digest}", **parameters).json()
    return [(referrer["digest"], referrer["artifactType"]) for referrer in index["manifests"]]


def test_sbom_is_found_by_the_image_that_it_refers_to(endpoint, artifact):
    assert referrers(endpoint) == [(artifact, SBOM_TYPE)]


def test_sbom_is_found_by_its_type(endpoint, artifact):
    assert referrers(endpoint, artifactType=SBOM_TYPE) == [(artifact, SBOM_TYPE)]


def test_sbom_is_not_found_by_another_type(endpoint, artifact):
    assert referrers(endpoint, artifactType="application/vnd.other") == []


@pytest.mark.skipif(
    "ListImageReferrers" not in MODEL.operation_names, reason="the model of an older botocore has no ListImageReferrers"
)
def test_sbom_is_listed_by_the_api(endpoint, artifact):
    answer = endpoint.ecr.list_image_referrers(
        repositoryName="team/app", subjectId={"imageDigest": AMD64.manifest.digest}
    )
    assert [(found["digest"], found["artifactType"]) for found in answer["referrers"]] == [(artifact, SBOM_TYPE)]


def test_sbom_is_pulled_by_its_digest(client, endpoint, artifact, sbom, tmp_path):
    assert pull(client, f"{endpoint.host}/team/app@{artifact}", tmp_path / "pulled") == sbom.read_text()


# --- inside mock_aws -------------------------------------------------------------------------------------------------


def test_pushed_file_is_pulled_inside_mock_aws(in_process, connect, sbom, tmp_path):
    ecr = in_process.client("ecr")
    ecr.create_repository(repositoryName="team/app")
    (authorization,) = ecr.get_authorization_token()["authorizationData"]
    password = base64.b64decode(authorization["authorizationToken"]).decode().partition(":")[2]
    client = connect(ECR_HOST, password, auth_backend="basic")
    push(client, f"{ECR_HOST}/team/app:v1", sbom)
    assert pull(client, f"{ECR_HOST}/team/app:v1", tmp_path / "pulled") == sbom.read_text()


def test_oras_gets_its_token_from_ecr_inside_mock_aws(in_process, connect, sbom, tmp_path):
    in_process.client("ecr").create_repository(repositoryName="team/app")
    client = connect(ECR_HOST, auth_backend="ecr")
    push(client, f"{ECR_HOST}/team/app:v1", sbom)
    assert pull(client, f"{ECR_HOST}/team/app:v1", tmp_path / "pulled") == sbom.read_text()


def test_pushed_artifact_is_described_inside_mock_aws(in_process, connect, sbom):
    ecr = in_process.client("ecr")
    ecr.create_repository(repositoryName="team/app")
    push(connect(ECR_HOST, auth_backend="ecr"), f"{ECR_HOST}/team/app:v1", sbom)
    (detail,) = ecr.describe_images(repositoryName="team/app")["imageDetails"]
    assert detail["imageTags"] == ["v1"]


def test_image_is_pulled_through_a_rule_inside_mock_aws(in_process, connect, tmp_path):
    in_process.client("ecr").create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    quay = upstream_registry("quay")
    quay.push("team/app", tag="v1", layers=[b"from quay"])
    client = connect(ECR_HOST, auth_backend="ecr")
    (path,) = client.pull(target=f"{ECR_HOST}/quay/team/app:v1", outdir=str(tmp_path / "pulled"))
    with open(path, "rb") as file:
        assert file.read() == b"from quay"
