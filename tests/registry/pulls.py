"""Pulls through the cache by the registry endpoint: names, a way to make cached tags stale, and the refusals."""

from __future__ import annotations

import requests

from conftest import Aws

REPOSITORY = "quay/team/app"
LATEST = f"/v2/{REPOSITORY}/manifests/latest"
DENIED = (
    403,
    "DENIED",
    (
        "The authentication to the upstream registry failed. "
        "Verify that the credentials provided in the pull through cache rule are correct, and try again."
    ),
)
TOO_MANY = (429, "TOOMANYREQUESTS", "The upstream registry has received too many requests. Try again later.")
UNAVAILABLE = (503, "UNAVAILABLE", "The upstream registry is unavailable. Try again later.")
NO_SECRET = (
    403,
    "DENIED",
    (
        "The image or images were unable to be pulled using the pull through cache rule. This is usually caused "
        "because of an issue with the Secrets Manager secret containing the credentials for the upstream registry."
    ),
)
FAILURES = [
    ({"status": 401}, DENIED),
    ({"status": 403}, DENIED),
    ({"status": 429}, TOO_MANY),
    ({"status": 500}, UNAVAILABLE),
    ({"status": 503}, UNAVAILABLE),
    ({"error": "refused"}, UNAVAILABLE),
    ({"error": "timeout"}, UNAVAILABLE),
]


def expire(aws: Aws) -> None:
    """Make all cached tags stale."""
    api = f"{aws.endpoint_url or 'http://motoapi.amazonaws.com'}/moto-api/static/ecr"
    requests.post(f"{api}/upstream-expire", timeout=60).raise_for_status()
