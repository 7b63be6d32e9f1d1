"""``upstream_registry``: what the upstream registries hold, and how they are made to answer."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from dataclasses import FrozenInstanceError
from datetime import datetime, timezone
from typing import Any

import pytest
from freezegun import freeze_time

from conftest import ACCOUNT, REGION, Aws, digest, failure_codes, pull, refusal
from moto_ecr_ptc.ecr.exceptions import UpstreamNotFound
from moto_ecr_ptc.ecr.images.manifests import sha256
from moto_ecr_ptc.ecr.upstream.registry import REMEMBERED_PULLS, get_upstream


@pytest.fixture
def ecr(in_process: Aws) -> Any:
    return in_process.client("ecr")


def missing(ecr: Any, repository: str, *tags: str) -> bool:
    return refusal(pull, ecr=ecr, repository=repository).code == "RepositoryNotFoundException"


# --- an upstream that nothing was put into ---------------------------------------------------------------------------


def test_untouched_upstream_has_the_same_image_on_every_machine(ecr, quay):
    pulled = digest(pull(ecr, "quay/biocontainers/bwa"))
    assert pulled == "sha256:299916248343e1c0f2e4a321c3ad5103ebc0f1b95c2e9d96d2ba6c0dc9411ae7"


def test_untouched_upstream_has_another_image_for_each_name_and_tag(ecr, quay):
    answers = [pull(ecr, "quay/a/b", "1"), pull(ecr, "quay/a/b", "2"), pull(ecr, "quay/a/c", "1")]
    assert len(set(map(digest, answers))) == 3


def test_pushed_image_without_layers_is_the_untouched_upstreams(ecr, quay):
    untouched = digest(pull(ecr, "quay/a/b", "1"))
    assert quay.push("a/b", tag="1").digest == untouched


def test_untouched_upstream_has_no_image_for_a_malformed_tag(ecr, quay):
    answer = ecr.batch_get_image(repositoryName="quay/a/b", imageIds=[{"imageTag": "ok"}, {"imageTag": "-"}])
    assert [failure["failureCode"] for failure in answer["failures"]] == ["InvalidImageTag"]


def test_untouched_upstream_has_no_image_for_a_malformed_name(in_process):
    with pytest.raises(UpstreamNotFound):
        get_upstream("quay.io").get_manifest("UPPER", "latest", None)


def test_first_push_makes_the_upstream_exact(ecr, quay):
    quay.push("a/b", tag="1")
    assert missing(ecr, "quay/a/c")
    assert missing(ecr, "quay/a/b")
    assert digest(pull(ecr, "quay/a/b", "1"))


def test_push_that_is_refused_leaves_the_upstream_untouched(ecr, quay):
    with pytest.raises(ValueError, match="is not a tag"):
        quay.push("a/b", tag="-")
    assert digest(pull(ecr, "quay/any/name"))


# --- push ------------------------------------------------------------------------------------------------------------


def test_push_returns_a_valid_oci_image(quay, ecr):
    compressed = gzip.compress(b"a layer", mtime=0)
    broken = b"\x1f\x8b not really"
    image = quay.push("a/b", layers=[b"raw", compressed, broken])
    manifest = json.loads(image.manifest)
    assert image.media_type == manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert manifest["schemaVersion"] == 2
    assert image.digest == sha256(image.manifest)
    assert image.layers == (b"raw", compressed, broken)
    assert [(layer["digest"], layer["size"]) for layer in manifest["layers"]] == [
        (sha256(layer), len(layer)) for layer in image.layers
    ]
    assert [layer["mediaType"].rpartition(".")[2] for layer in manifest["layers"]] == ["tar", "tar+gzip", "tar+gzip"]
    pull(ecr, "quay/a/b")
    held = backend().held_layer("quay/a/b", manifest["config"]["digest"])
    config = json.loads(held.read())
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    assert config["rootfs"] == {"type": "layers", "diff_ids": [sha256(b"raw"), sha256(b"a layer"), sha256(broken)]}


def backend() -> Any:
    from moto.ecr.models import ecr_backends

    return ecr_backends[ACCOUNT][REGION]


def test_push_with_platforms_returns_an_index(quay):
    image = quay.push("a/b", platforms=["linux/amd64", "linux/arm/v7"])
    index = json.loads(image.manifest)
    assert image.media_type == index["mediaType"] == "application/vnd.oci.image.index.v1+json"
    assert image.layers == ()
    assert [child["platform"] for child in index["manifests"]] == [
        {"os": "linux", "architecture": "amd64"},
        {"os": "linux", "architecture": "arm", "variant": "v7"},
    ]
    assert len({child["digest"] for child in index["manifests"]}) == 2


def test_push_without_a_tag_is_reachable_by_digest_only(quay, ecr):
    quay.push("a/b", tag=None)
    assert missing(ecr, "quay/a/b")


def test_push_of_a_tag_again_moves_it(quay, ecr):
    quay.push("a/b", layers=[b"old"])
    new = quay.push("a/b", layers=[b"new"])
    assert digest(pull(ecr, "quay/a/b")) == new.digest


def test_push_with_a_subject_refers_to_it(quay):
    image = quay.push("a/b", platforms=["linux/amd64"])
    for arguments in ({}, {"platforms": ["linux/amd64"]}):
        signature = quay.push("a/b", tag=None, subject=image, **arguments)
        subject = json.loads(signature.manifest)["subject"]
        assert subject == {"mediaType": image.media_type, "digest": image.digest, "size": len(image.manifest)}


@pytest.mark.parametrize(
    ("repository", "arguments", "fault"),
    [
        ("UPPER/b", {}, "is not the name of a repository"),
        ("", {}, "is not the name of a repository"),
        ("a/b:c", {}, "is not the name of a repository"),
        (None, {}, "is not the name of a repository"),
        ("a/b", {"tag": ""}, "is not a tag"),
        ("a/b", {"tag": "a" * 129}, "is not a tag"),
        ("a/b", {"layers": [b"x"], "platforms": ["linux/amd64"]}, "layers or platforms, not both"),
        ("a/b", {"layers": b"x"}, "layers must be a list of bytes"),
        ("a/b", {"layers": ["x"]}, "layers must be a list of bytes"),
        ("a/b", {"platforms": []}, "platforms must be a list"),
        ("a/b", {"platforms": "linux/amd64"}, "platforms must be a list"),
        ("a/b", {"platforms": ["linux"]}, "is not a platform"),
        ("a/b", {"platforms": ["linux/amd64", "linux/amd64"]}, "twice"),
    ],
)
def test_push_of_something_malformed_is_a_value_error(quay, repository, arguments, fault):
    with pytest.raises(ValueError, match=fault):
        quay.push(repository, **arguments)


def test_push_with_a_subject_of_another_repository_is_a_value_error(quay):
    image = quay.push("a/b")
    with pytest.raises(ValueError, match="holds no image with the digest"):
        quay.push("a/c", subject=image)


# --- credentials, failures, pulls ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"username": "u"},
        {"username": "u", "accessToken": ""},
        {"username": "u", "accessToken": "t", "x": "y"},
        "u:t",
    ],
)
def test_credentials_of_another_form_are_a_value_error(quay, credentials):
    quay.credentials = {"username": "kept", "accessToken": "t"}
    with pytest.raises(ValueError, match="credentials must be None or a mapping"):
        quay.credentials = credentials
    assert quay.credentials == {"username": "kept", "accessToken": "t"}


@pytest.mark.parametrize(
    ("positional", "arguments", "fault"),
    [
        ([], {}, "exactly one of status and error"),
        ([], {"status": 500, "error": "refused"}, "exactly one of status and error"),
        ([], {"status": 200}, "is not the HTTP status of a failure"),
        ([], {"status": 600}, "is not the HTTP status of a failure"),
        ([], {"status": True}, "is not the HTTP status of a failure"),
        ([], {"error": "broken"}, "choose one of 'refused', 'timeout'"),
        (["429"], {}, r"did you mean fail\(status=429\)\?"),
        (["timeout"], {}, r"did you mean fail\(error='timeout'\)\?"),
        (["UPPER"], {"status": 500}, "is not the name of a repository"),
    ],
)
def test_fail_in_another_way_is_a_value_error(ecr, quay, positional, arguments, fault):
    with pytest.raises(ValueError, match=fault):
        quay.fail(*positional, **arguments)
    assert digest(pull(ecr, "quay/a/b"))


def test_failure_of_one_repository_spares_the_others_and_goes_before_that_of_all(ecr, quay):
    quay.fail("a/b", status=429)
    assert failure_codes(pull(ecr, "quay/a/b")) == ["UpstreamTooManyRequests"]
    assert digest(pull(ecr, "quay/a/c"))
    quay.fail(status=500)
    assert failure_codes(pull(ecr, "quay/a/b")) == ["UpstreamTooManyRequests"]
    assert failure_codes(pull(ecr, "quay/a/d")) == ["UpstreamUnavailable"]
    quay.recover("a/b")
    assert failure_codes(pull(ecr, "quay/a/b")) == ["UpstreamUnavailable"]
    quay.recover()
    assert digest(pull(ecr, "quay/a/b"))


def test_recover_from_nothing_is_well(quay):
    quay.recover("a/b")
    quay.recover()


def test_pulls_are_frozen_and_by_motos_clock(ecr, quay):
    with freeze_time("2026-03-02 12:00:00"):
        pull(ecr, "quay/a/b", "1", "2")
    first, second = quay.pulls
    assert vars(first) == {
        "repository": "a/b",
        "reference": "1",
        "account_id": ACCOUNT,
        "region": REGION,
        "at": datetime(2026, 3, 2, 12, tzinfo=timezone.utc),
        "outcome": "ok",
    }
    assert second.reference == "2"
    with pytest.raises(FrozenInstanceError):
        first.outcome = "else"


def test_pulls_keep_the_latest_10000(ecr, quay):
    pull(ecr, "quay/a/b")
    (one,) = quay.pulls
    for _ in range(REMEMBERED_PULLS + 5):
        get_upstream("quay.io").record(one)
    assert len(quay.pulls) == REMEMBERED_PULLS == 10_000


def test_only_docker_hub_wants_a_slash(aws, ecr, quay):
    assert digest(pull(ecr, "quay/alpine"))


def test_layer_of_an_untouched_upstream_is_a_gzip_stream_of_an_archive(ecr, quay):
    layer = quay.push("a/b", tag="1").layers[0]
    with tarfile.open(fileobj=io.BytesIO(layer), mode="r:gz") as archive:
        assert archive.extractfile("image.txt").read() == b"a/b:1 linux/amd64\n"
