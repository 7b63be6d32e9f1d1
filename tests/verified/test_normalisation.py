"""What is blanked in answers, so that those of two accounts and two days compare, and tell nothing of the accounts."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from tests.verified.case import Observation
from tests.verified.cloud import mocked
from tests.verified.normalisation import Normalisation
from tests.verified.recordings import NotBlanked, write
from tests.verified.running import Outcome

ACCOUNT, REGION, PREFIX = "111122223333", "eu-west-1", "mep-0a1b2c3d"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
ONE, OTHER = "sha256:" + "1" * 64, "sha256:" + "a" * 64


@pytest.fixture
def normalise():
    return Normalisation(ACCOUNT, REGION, PREFIX, f"https://{HOST}")


@pytest.mark.parametrize(
    ("text", "blanked"),
    [
        (f"in the registry with id '{ACCOUNT}'", "in the registry with id '<account>'"),
        ("of 999988887777", "of <another account>"),
        (
            f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{PREFIX}/app",
            "arn:aws:ecr:<region>:<account>:repository/<prefix>/app",
        ),
        (f"User: arn:aws:iam::{ACCOUNT}:user/team/eve@x.org is not", "User: <caller> is not"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/eve", "<caller>"),
        (f"https://{HOST}/v2/", "<endpoint>/v2/"),
        ("the upload 11111111-2222-3333-4444-555555555555 is", "the upload <uuid> is"),
        ("at 2026-11-26T01:02:03.456Z", "at <time>"),
        ("AKIAIOSFODNN7EXAMPLE", "<access key>"),
        (
            f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache/{PREFIX}-hub-a1B2c3",
            "arn:aws:secretsmanager:<region>:<account>:secret:ecr-pullthroughcache/<prefix>-hub-<suffix>",
        ),
        ("https://s3.example/x?X-Amz-Date=1&X-Amz-Signature=abc", "<signed URL>"),
        ("mep0a1b2c3d", "<prefix>"),
        ("regular expression [0-9]{12}", "regular expression [0-9]{12}"),
    ],
)
def test_text_is_blanked(normalise, text, blanked):
    assert normalise(text) == blanked


def test_digests_are_told_apart(normalise):
    assert normalise([ONE, OTHER, f"of {ONE}"]) == ["<digest 1>", "<digest 2>", "of <digest 1>"]


def test_members_are_blanked_by_their_names_and_types(normalise):
    answer = {
        "nextToken": "abc",
        "authorizationToken": "QVdTOmFiYw==",
        "createdAt": datetime.now(timezone.utc),
        "isValid": True,
        "size": 12,
        "policyText": '{ "Sid": "mep0a1b2c3d" }',
        "ResponseMetadata": {"RequestId": "x"},
    }
    assert normalise(answer) == {
        "nextToken": "<token>",
        "authorizationToken": "<token>",
        "createdAt": "<time>",
        "isValid": True,
        "size": 12,
        "policyText": {"Sid": "<prefix>"},
    }


def test_what_cannot_be_recorded_is_an_error(normalise):
    with pytest.raises(TypeError, match="bytes"):
        normalise({"layer": b"x"})


@pytest.mark.parametrize("text", [ACCOUNT, f"x{PREFIX}", "the caller's secret key", "AKIAIOSFODNN7EXAMPLE"])
def test_recording_that_would_tell_whose_it_is_is_not_written(tmp_path, text):
    cloud = mocked()
    cloud.identity = ("the caller's secret key",)
    with pytest.raises(NotBlanked):
        write(tmp_path, "a_scenario", Outcome([Observation("label", ("1",), {"message": text})]), cloud)
    assert list(tmp_path.iterdir()) == []
