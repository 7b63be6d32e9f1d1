"""AWS as moto mocks it, and what both ways of testing share."""

import boto3
import pytest
import rootfs
from moto import mock_aws

CREDENTIALS = {"username": "me", "accessToken": "a-token"}


@pytest.fixture
def session():
    with mock_aws():
        yield boto3.Session("a", "b", region_name="eu-central-1")


@pytest.fixture
def ecr(session):
    rootfs.set_up(session, "docker-hub", "registry-1.docker.io", CREDENTIALS)
    return session.client("ecr")
