"""Pulls through a rule whose upstream is a real registry: CNCF distribution on loopback, or a script."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError
from freezegun import freeze_time
from moto.backends import get_backend
from moto.ecr.models import ecr_backends

from conftest import (
    ACCOUNT,
    GOOD_SECRET,
    REGION,
    Aws,
    allow,
    digest,
    enforced,
    failure_codes,
    pull,
    refusal,
    repositories,
    user,
)
from moto_ecr_ptc import UpstreamRegistry, upstream_registry
from moto_ecr_ptc.ecr.images.manifests import OCI_MANIFEST, Descriptor
from moto_ecr_ptc.ecr.upstream.built_images import build_image, build_index
from tests.upstream import docker_registry
from tests.upstream.docker_registry import DockerRegistry

AMD64 = build_image([b"layer of amd64"], "linux/amd64")
ARM64 = build_image([b"layer of arm64"], "linux/arm64")
INDEX = build_index({"linux/amd64": AMD64, "linux/arm64": ARM64})
SUBJECT = Descriptor(AMD64.manifest.media_type, AMD64.manifest.digest, len(AMD64.manifest.content))
SIGNATURE = build_image([b"signature"], "linux/amd64", SUBJECT)
LAYER = AMD64.manifest.layers[0].digest
REPOSITORY = "hub/team/app"


def fill(registry: DockerRegistry) -> DockerRegistry:
    registry.push("team/app", "single", AMD64)
    registry.push("team/app", "multi", INDEX)
    registry.push("team/app", SUBJECT.digest.replace(":", "-"), build_index({"linux/amd64": SIGNATURE}))
    return registry


@pytest.fixture(scope="module")
def open_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    with docker_registry.serve(tmp_path_factory.mktemp("open")) as registry:
        yield fill(registry)


@pytest.fixture(scope="module")
def basic_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    with docker_registry.serve_with_basic(tmp_path_factory.mktemp("basic")) as registry:
        yield fill(registry)


@pytest.fixture(scope="module")
def token_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    with docker_registry.serve_with_tokens(tmp_path_factory.mktemp("tokens")) as registry:
        yield fill(registry)


@pytest.fixture
def hub(aws: Aws, ecr: Any) -> UpstreamRegistry:
    """The upstream of a rule with the prefix hub and the secret ``hub``."""
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=aws.secret()
    )
    return upstream_registry("docker-hub")


# --- a real registry -------------------------------------------------------------------------------------------------


@docker_registry.INSTALLED
@pytest.mark.parametrize("kind", ["open_registry", "basic_registry", "token_registry"])
def test_image_is_pulled_with_the_secrets_credentials(request, ecr, hub, kind):
    hub.proxy(request.getfixturevalue(kind).url)
    assert digest(pull(ecr, REPOSITORY, "single")) == AMD64.manifest.digest
    assert digest(pull(ecr, REPOSITORY, "multi")) == INDEX.manifest.digest
    images = {image["imageDigest"] for image in ecr.list_images(repositoryName=REPOSITORY)["imageIds"]}
    assert images == {image.manifest.digest for image in (AMD64, ARM64, INDEX)}
    url = ecr.get_download_url_for_layer(repositoryName=REPOSITORY, layerDigest=LAYER)["downloadUrl"]
    assert requests.get(url, timeout=60).content == b"layer of amd64"
    assert ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="hub")["isValid"]


@docker_registry.INSTALLED
@pytest.mark.parametrize("kind", ["basic_registry", "token_registry"])
def test_wrong_credentials_are_denied(request, aws, ecr, hub, kind):
    hub.proxy(request.getfixturevalue(kind).url)
    wrong = GOOD_SECRET.replace("a-token", "wrong")
    aws.client("secretsmanager").put_secret_value(SecretId="ecr-pullthroughcache/hub", SecretString=wrong)
    assert failure_codes(pull(ecr, REPOSITORY, "single")) == ["UpstreamAccessDenied"]
    validation = ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="hub")
    assert not validation["isValid"]
    assert validation["failure"].startswith("The authentication to the upstream registry failed.")
    assert repositories(ecr) == []


@docker_registry.INSTALLED
def test_image_that_the_registry_lacks_is_not_found(ecr, hub, open_registry):
    hub.proxy(open_registry.url)
    assert refusal(pull, ecr=ecr, repository="hub/other/app").code == "RepositoryNotFoundException"
    pull(ecr, REPOSITORY, "single")
    assert failure_codes(pull(ecr, REPOSITORY, "absent")) == ["ImageNotFound"]


@docker_registry.INSTALLED
def test_layers_are_fetched_when_they_are_downloaded(ecr, hub, open_registry):
    hub.proxy(open_registry.url)
    pull(ecr, REPOSITORY, "single")
    (layer,) = ecr.batch_check_layer_availability(repositoryName=REPOSITORY, layerDigests=[LAYER])["layers"]
    assert (layer["layerAvailability"], layer["layerSize"]) == ("AVAILABLE", len(b"layer of amd64"))
    assert [asked.reference for asked in hub.pulls] == ["single"]
    for _ in range(2):
        ecr.get_download_url_for_layer(repositoryName=REPOSITORY, layerDigest=LAYER)
    assert [asked.reference for asked in hub.pulls] == ["single", LAYER]


@docker_registry.INSTALLED
def test_referrers_are_listed(ecr, hub, open_registry):
    if not hasattr(ecr, "list_image_referrers"):
        pytest.skip("the model of an older botocore has no ListImageReferrers")
    hub.proxy(open_registry.url)
    pull(ecr, REPOSITORY, "single")
    answer = ecr.list_image_referrers(repositoryName=REPOSITORY, subjectId={"imageDigest": SUBJECT.digest})
    assert [referrer["digest"] for referrer in answer["referrers"]] == [SIGNATURE.manifest.digest]


@docker_registry.INSTALLED
def test_tag_moves_after_24_hours(in_process, open_registry):
    with freeze_time("2026-03-02 12:00:00") as clock:
        ecr = in_process.client("ecr")
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="hub", upstreamRegistryUrl="quay.io")
        upstream_registry("quay").proxy(open_registry.url)
        open_registry.push("team/app", "moving", AMD64)
        assert digest(pull(ecr, REPOSITORY, "moving")) == AMD64.manifest.digest
        open_registry.push("team/app", "moving", ARM64)
        clock.move_to("2026-03-03 11:59:00")
        assert digest(pull(ecr, REPOSITORY, "moving")) == AMD64.manifest.digest
        clock.move_to("2026-03-03 12:01:00")
        assert digest(pull(ecr, REPOSITORY, "moving")) == ARM64.manifest.digest


# --- a registry that takes its time ----------------------------------------------------------------------------------


class SlowRegistry(ThreadingHTTPServer):
    """Holds one image under every tag, and answers when it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _SlowHandler)
        self.asked = threading.Event()
        self.go_on = threading.Event()
        self.given_up = threading.Event()
        """A client did not wait for the whole of an answer."""
        self.requests: list[str] = []
        self.status: int | None = 200
        """None: it hangs up."""
        self.layer = b"layer of amd64"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _SlowHandler(BaseHTTPRequestHandler):
    server: SlowRegistry

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        self.server.asked.set()
        assert self.server.go_on.wait(60)
        is_blob = "/blobs/" in self.path
        body = self.server.layer if is_blob else AMD64.manifest.content
        if "/referrers/" in self.path:
            body = build_index({}).manifest.content
        if self.server.status is None:
            return
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/octet-stream" if is_blob else AMD64.manifest.media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:
            self.server.given_up.set()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def slow() -> Iterator[SlowRegistry]:
    with SlowRegistry() as registry:
        threading.Thread(target=registry.serve_forever, args=(0.01,)).start()
        yield registry
        registry.go_on.set()
        registry.shutdown()


@pytest.fixture
def quay(ecr: Any, slow: SlowRegistry) -> UpstreamRegistry:
    """The upstream of a rule with the prefix hub, answered for by the slow registry."""
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="hub", upstreamRegistryUrl="quay.io")
    handle = upstream_registry("quay")
    handle.proxy(slow.url)
    return handle


def error_code(call: Future[Any]) -> str:
    """Return the code of the error that a call in another thread ends with."""
    error = call.exception(60)
    assert isinstance(error, ClientError)
    return error.response["Error"]["Code"]


def test_slow_upstream_holds_nobody_else_up(aws, ecr, quay, slow):
    with ThreadPoolExecutor(1) as pool:
        pulling = pool.submit(pull, aws.client("ecr"), REPOSITORY)
        assert slow.asked.wait(60)
        ecr.create_repository(repositoryName="other")
        assert ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]
        slow.go_on.set()
        assert digest(pulling.result(60)) == AMD64.manifest.digest


def test_concurrent_pulls_ask_a_slow_upstream_once(aws, ecr, quay, slow):
    with ThreadPoolExecutor(8) as pool:
        pulling = [pool.submit(pull, aws.client("ecr"), REPOSITORY) for _ in range(8)]
        assert slow.asked.wait(60)
        slow.go_on.set()
        assert {digest(one.result(60)) for one in pulling} == {AMD64.manifest.digest}
    assert len(slow.requests) == 1
    assert len(ecr.list_images(repositoryName=REPOSITORY)["imageIds"]) == 1


def test_time_out_is_waited_for_once(aws, ecr, quay, slow):
    quay.proxy(slow.url, timeout=3)
    clients = [aws.client("ecr") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda client: pull(client, REPOSITORY, "1", "2"), clients)
        assert [failure_codes(answer) for answer in answers] == [["UpstreamUnavailable"] * 2] * 4
    assert len(slow.requests) == 1
    assert repositories(ecr) == []


def pull_one_behind_the_other(
    aws: Aws, slow: SlowRegistry, waiting: threading.Semaphore, tag: str = "2"
) -> tuple[Any, Any]:
    """Pull the tag 1 and, while the upstream is asked for it, a tag. Return both answers."""
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(pull, aws.client("ecr"), REPOSITORY, "1")
        assert slow.asked.wait(60)
        second = pool.submit(pull, aws.client("ecr"), REPOSITORY, tag)
        assert waiting.acquire(timeout=60)
        slow.go_on.set()
        return first.result(60), second.result(60)


def test_pull_that_waited_for_an_upstream_that_hangs_up_fails_alike_whatever_its_tag(aws, ecr, quay, slow, waiting):
    slow.status = None
    answers = pull_one_behind_the_other(aws, slow, waiting)
    assert [failure_codes(answer) for answer in answers] == [["UpstreamUnavailable"]] * 2
    assert len(slow.requests) == 1


def test_pull_that_waited_for_an_upstream_that_refused_another_tag_asks_for_its_own(aws, ecr, quay, slow, waiting):
    slow.status = 429
    answers = pull_one_behind_the_other(aws, slow, waiting)
    assert [failure_codes(answer) for answer in answers] == [["UpstreamTooManyRequests"]] * 2
    assert [path.rpartition("/")[2] for path in slow.requests] == ["1", "2"]


def test_pull_behind_one_of_its_own_tag_that_is_refused_does_not_ask_again(aws, ecr, quay, slow, waiting):
    slow.status = 429
    answers = pull_one_behind_the_other(aws, slow, waiting, tag="1")
    assert [failure_codes(answer) for answer in answers] == [["UpstreamTooManyRequests"]] * 2
    assert len(slow.requests) == 1


def list_referrers(aws: Aws) -> Any:
    ecr = aws.client("ecr")
    if not hasattr(ecr, "list_image_referrers"):
        pytest.skip("the model of an older botocore has no ListImageReferrers")
    return ecr.list_image_referrers(repositoryName=REPOSITORY, subjectId={"imageDigest": SUBJECT.digest})


def test_concurrent_questions_for_referrers_ask_a_slow_upstream_once(aws, ecr, quay, slow):
    ecr.create_repository(repositoryName=REPOSITORY)
    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(list_referrers, aws) for _ in range(4)]
        if slow.asked.wait(2):
            slow.go_on.set()
        assert [one.result(60)["referrers"] for one in asking] == [[]] * 4
    assert len(slow.requests) == 1


def test_time_out_of_referrers_is_waited_for_once(aws, ecr, quay, slow):
    quay.proxy(slow.url, timeout=1)
    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(refusal, list_referrers, aws=aws) for _ in range(4)]
        assert {one.result(60).code for one in asking} == {"UnableToListUpstreamImageReferrersException"}
    assert len(slow.requests) == 1


def test_rule_that_is_deleted_while_referrers_are_asked_for_brings_nothing(aws, ecr, quay, slow):
    ecr.create_repository(repositoryName=REPOSITORY)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(list_referrers, aws)
        if slow.asked.wait(2):
            ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="hub")
            slow.go_on.set()
        assert asking.result(60)["referrers"] == []
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="hub", upstreamRegistryUrl="quay.io")
    list_referrers(aws)
    assert len(slow.requests) == 2


def test_rule_that_is_deleted_while_the_upstream_is_asked_brings_nothing(aws, ecr, quay, slow):
    with ThreadPoolExecutor(1) as pool:
        pulling = pool.submit(refusal, pull, ecr=aws.client("ecr"), repository=REPOSITORY)
        assert slow.asked.wait(60)
        ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="hub")
        slow.go_on.set()
        assert pulling.result(60).code == "RepositoryNotFoundException"
    assert repositories(ecr) == []


def test_rule_that_is_made_again_while_the_upstream_is_asked_brings_nothing(aws, ecr, quay, slow):
    with ThreadPoolExecutor(1) as pool:
        pulling = pool.submit(refusal, pull, ecr=aws.client("ecr"), repository=REPOSITORY)
        assert slow.asked.wait(60)
        ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="hub")
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry.k8s.io")
        slow.go_on.set()
        assert pulling.result(60).code == "RepositoryNotFoundException"
    assert repositories(ecr) == []


def test_rule_that_is_updated_while_the_upstream_is_asked_brings_the_image(aws, ecr, slow):
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="hub", upstreamRegistryUrl="ghcr.io", credentialArn=aws.secret("old")
    )
    upstream_registry("github-container-registry").proxy(slow.url)
    with ThreadPoolExecutor(1) as pool:
        pulling = pool.submit(pull, aws.client("ecr"), REPOSITORY)
        assert slow.asked.wait(60)
        ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="hub", credentialArn=aws.secret("new"))
        slow.go_on.set()
        assert digest(pulling.result(60)) == AMD64.manifest.digest


def test_reset_while_the_upstream_is_asked_leaves_nothing(server, slow):
    ecr = server.client("ecr")
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="hub", upstreamRegistryUrl="quay.io")
    upstream_registry("quay").proxy(slow.url)
    with ThreadPoolExecutor(1) as pool:
        pulling = pool.submit(refusal, pull, ecr=server.client("ecr"), repository=REPOSITORY)
        assert slow.asked.wait(60)
        requests.post(f"{server.endpoint_url}/moto-api/reset", timeout=60).raise_for_status()
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="hub", upstreamRegistryUrl="quay.io")
        slow.go_on.set()
        assert pulling.result(60).code == "RepositoryNotFoundException"
    assert repositories(ecr) == []
    assert upstream_registry("quay").pulls == ()


def test_template_that_stops_the_creation_while_the_upstream_is_asked_leaves_nothing(aws, ecr, quay, slow):
    with ThreadPoolExecutor(1) as pool:
        pulling = pool.submit(refusal, pull, ecr=aws.client("ecr"), repository=REPOSITORY)
        assert slow.asked.wait(60)
        ecr.create_repository_creation_template(
            prefix="hub", appliedFor=["PULL_THROUGH_CACHE"], resourceTags=[{"Key": "a", "Value": "b"}]
        )
        slow.go_on.set()
        assert pulling.result(60).code == "RepositoryNotFoundException"
    assert repositories(ecr) == []


def test_repository_that_is_deleted_while_a_layer_is_fetched_keeps_nothing(aws, ecr, quay, slow):
    slow.go_on.set()
    pull(ecr, REPOSITORY)
    slow.go_on.clear()
    slow.asked.clear()
    with ThreadPoolExecutor(1) as pool:
        layer = {"repositoryName": REPOSITORY, "layerDigest": LAYER}
        fetching = pool.submit(aws.client("ecr").get_download_url_for_layer, **layer)
        assert slow.asked.wait(60)
        ecr.delete_repository(repositoryName=REPOSITORY, force=True)
        slow.go_on.set()
        assert error_code(fetching) == "RepositoryNotFoundException"


@pytest.mark.parametrize("meanwhile", ["delete the image", "delete the rule"])
def test_layer_of_what_is_gone_when_it_arrives_is_not_found(aws, ecr, quay, slow, meanwhile):
    slow.go_on.set()
    pull(ecr, REPOSITORY)
    slow.go_on.clear()
    slow.asked.clear()
    layer = {"repositoryName": REPOSITORY, "layerDigest": LAYER}
    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(aws.client("ecr").get_download_url_for_layer, **layer)
        assert slow.asked.wait(60)
        if meanwhile == "delete the image":
            ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "latest"}])
        else:
            ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="hub")
        slow.go_on.set()
        assert error_code(fetching) == "LayersNotFoundException"
    availability = ecr.batch_check_layer_availability(repositoryName=REPOSITORY, layerDigests=[LAYER])
    available = [found["layerAvailability"] for found in availability["layers"]]
    assert available == (["AVAILABLE"] if meanwhile == "delete the rule" else [])


def test_tag_that_is_pushed_while_it_is_pulled_is_its_pushers(aws, ecr, quay, slow):
    ecr.create_repository(repositoryName=REPOSITORY)
    pushed = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": []})
    with ThreadPoolExecutor(1) as pool:
        pulling = pool.submit(pull, aws.client("ecr"), REPOSITORY)
        assert slow.asked.wait(60)
        ecr.put_image(repositoryName=REPOSITORY, imageManifest=pushed, imageTag="latest")
        slow.go_on.set()
        (image,) = pulling.result(60)["images"]
    assert image["imageManifest"] == pushed
    assert len(ecr.describe_images(repositoryName=REPOSITORY)["imageDetails"]) == 1
    with freeze_time(datetime.now(timezone.utc) + timedelta(days=2)):
        (image,) = pull(ecr, REPOSITORY)["images"]
    assert image["imageManifest"] == pushed


def test_tag_that_is_pushed_while_it_is_refreshed_is_its_pushers(aws, ecr, quay, slow):
    slow.go_on.set()
    pull(ecr, REPOSITORY)
    slow.go_on.clear()
    slow.asked.clear()
    ecr_backends[ACCOUNT][REGION].expire_cached_tags()
    pushed = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": []})
    with ThreadPoolExecutor(1) as pool:
        pulling = pool.submit(pull, aws.client("ecr"), REPOSITORY)
        assert slow.asked.wait(60)
        ecr.put_image(repositoryName=REPOSITORY, imageManifest=pushed, imageTag="latest")
        slow.go_on.set()
        pulling.result(60)
    (image,) = pull(ecr, REPOSITORY)["images"]
    assert image["imageManifest"] == pushed


def test_repository_that_is_made_again_while_a_layer_is_fetched_holds_nothing(aws, ecr, quay, slow):
    layer = {"repositoryName": REPOSITORY, "layerDigest": LAYER}
    ecr.create_repository(repositoryName=REPOSITORY)
    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(aws.client("ecr").get_download_url_for_layer, **layer)
        assert slow.asked.wait(60)
        ecr.delete_repository(repositoryName=REPOSITORY)
        ecr.create_repository(repositoryName=REPOSITORY)
        slow.go_on.set()
        assert error_code(fetching) == "LayersNotFoundException"
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="hub")  # or the upstream would give the layer anew
    assert refusal(ecr.get_download_url_for_layer, **layer).code == "LayersNotFoundException"


def test_repository_that_is_deleted_while_it_is_pulled_is_made_again_only_with_the_right_to(aws, ecr, quay, slow):
    ecr.create_repository(repositoryName=REPOSITORY)
    rights = ["ecr:BatchGetImage", "ecr:BatchImportUpstreamImage"]
    caller = aws.client("ecr", **user(aws, allow(rights)))
    with ThreadPoolExecutor(1) as pool:
        pulling = pool.submit(enforced, pull, caller, REPOSITORY)
        assert slow.asked.wait(60)
        ecr_backends[ACCOUNT][REGION].delete_repository(REPOSITORY)
        slow.go_on.set()
        assert error_code(pulling) == "RepositoryNotFoundException"
    assert repositories(ecr) == []


def test_role_of_a_template_that_is_deleted_while_an_image_is_pulled_makes_it_not_found(aws, ecr, quay, slow):
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ecr.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="templates", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    ecr.create_repository_creation_template(
        prefix="ROOT",
        appliedFor=["PULL_THROUGH_CACHE"],
        resourceTags=[{"Key": "a", "Value": "b"}],
        customRoleArn=role,
    )
    caller = aws.client("ecr", **user(aws, allow("ecr:*")))
    with ThreadPoolExecutor(1) as pool:
        pulling = pool.submit(enforced, pull, caller, REPOSITORY)
        assert slow.asked.wait(60)
        get_backend("iam")[ACCOUNT]["aws"].delete_role("templates")
        slow.go_on.set()
        assert error_code(pulling) == "RepositoryNotFoundException"
    assert repositories(ecr) == []


def test_many_downloads_of_one_layer_ask_the_upstream_once(aws, ecr, quay, slow):
    slow.go_on.set()
    pull(ecr, REPOSITORY)
    slow.go_on.clear()
    slow.asked.clear()
    layer = {"repositoryName": REPOSITORY, "layerDigest": LAYER}
    with ThreadPoolExecutor(32) as pool:
        clients = [aws.client("ecr") for _ in range(32)]
        fetching = [pool.submit(client.get_download_url_for_layer, **layer) for client in clients]
        assert slow.asked.wait(60)
        slow.go_on.set()
        urls = [one.result(60)["downloadUrl"] for one in fetching]
    assert {requests.get(url, timeout=60).content for url in urls[:3]} == {b"layer of amd64"}
    assert sum("/blobs/" in path for path in slow.requests) == 1


def test_downloads_that_waited_for_a_layer_that_the_upstream_refuses_fail_alike(aws, ecr, quay, slow, waiting):
    slow.go_on.set()
    pull(ecr, REPOSITORY)
    slow.go_on.clear()
    slow.asked.clear()
    slow.status = 500
    layer = {"repositoryName": REPOSITORY, "layerDigest": LAYER}
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(aws.client("ecr").get_download_url_for_layer, **layer)
        assert slow.asked.wait(60)
        second = pool.submit(aws.client("ecr").get_download_url_for_layer, **layer)
        assert waiting.acquire(timeout=60)
        slow.go_on.set()
        assert {error_code(first), error_code(second)} == {"UnableToGetUpstreamLayerException"}
    assert sum("/blobs/" in path for path in slow.requests) == 1


def test_listings_that_waited_for_referrers_that_the_upstream_refuses_fail_alike(aws, ecr, quay, slow, waiting):
    if not hasattr(ecr, "list_image_referrers"):
        pytest.skip("the model of an older botocore has no ListImageReferrers")
    slow.status = 500
    subject = {"repositoryName": REPOSITORY, "subjectId": {"imageDigest": SUBJECT.digest}}
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(aws.client("ecr").list_image_referrers, **subject)
        assert slow.asked.wait(60)
        second = pool.submit(aws.client("ecr").list_image_referrers, **subject)
        assert waiting.acquire(timeout=60)
        slow.go_on.set()
        assert {error_code(first), error_code(second)} == {"UnableToListUpstreamImageReferrersException"}
    assert sum("/referrers/" in path for path in slow.requests) == 1


def test_registry_that_answers_too_late_is_unavailable(ecr, quay, slow):
    quay.proxy(slow.url, timeout=0.2)
    assert failure_codes(pull(ecr, REPOSITORY)) == ["UpstreamUnavailable"]
    assert repositories(ecr) == []


def test_layer_is_read_no_further_than_its_manifest_says(ecr, quay, slow):
    slow.go_on.set()
    slow.layer = bytes(64 * 1024 * 1024)
    pull(ecr, REPOSITORY)
    found = refusal(ecr.get_download_url_for_layer, repositoryName=REPOSITORY, layerDigest=LAYER)
    assert found.code == "UnableToGetUpstreamLayerException"
    assert slow.given_up.wait(60)


def test_configuration_that_nobody_downloaded_is_available(ecr, quay, slow):
    slow.go_on.set()
    pull(ecr, REPOSITORY)
    config = AMD64.manifest.blobs[0]
    (found,) = ecr.batch_check_layer_availability(repositoryName=REPOSITORY, layerDigests=[config.digest])["layers"]
    assert (found["layerAvailability"], found["layerSize"]) == ("AVAILABLE", config.size)
    assert len(slow.requests) == 1


def test_layer_with_other_bytes_is_not_taken(ecr, quay, slow):
    slow.go_on.set()
    slow.layer = b"layer of another"
    pull(ecr, REPOSITORY)
    found = refusal(ecr.get_download_url_for_layer, repositoryName=REPOSITORY, layerDigest=LAYER)
    assert found.code == "UnableToGetUpstreamLayerException"


def test_docker_hub_that_is_a_proxy_gives_a_name_without_library(ecr, hub, slow):
    hub.proxy(slow.url)
    slow.go_on.set()
    assert digest(pull(ecr, "hub/alpine")) == AMD64.manifest.digest


def test_failure_that_was_asked_for_goes_before_the_registry(ecr, quay, slow):
    quay.fail("team/app", status=429)
    assert failure_codes(pull(ecr, REPOSITORY)) == ["UpstreamTooManyRequests"]
    assert slow.requests == []


def test_upstream_that_is_a_proxy_takes_no_images_and_the_other_way_round(ecr, quay, slow):
    with pytest.raises(ValueError, match="is a proxy of"):
        quay.push("a/b")
    other = upstream_registry("k8s")
    other.push("a/b")
    with pytest.raises(ValueError, match="holds pushed or loaded images"):
        other.proxy(slow.url)


def test_manifest_is_stored_as_it_came(ecr, quay, slow):
    slow.go_on.set()
    (image,) = pull(ecr, REPOSITORY)["images"]
    assert image["imageManifest"].encode() == AMD64.manifest.content
    assert json.loads(image["imageManifest"])["layers"][0]["digest"] == LAYER
