"""The public images that scenarios pull, and what a mock has to hold so that its upstreams are like the real ones.

A few small ones for Linux that have stood for years: what is pulled is a few megabytes.
"""

from __future__ import annotations

REPOSITORY = "docker/library/busybox"
"""At ECR public: images of some platforms, one of which is linux/amd64."""

TAG, OTHER_TAG, ABSENT_TAG = "1.36.1", "1.35.0", "no-such-tag"


def fill(endpoint_url: str | None = None) -> None:
    """Make the upstreams of a mock hold these images, and refuse the credentials of the scenarios.

    :param endpoint_url: of a server; None: the mock in this process
    """
    from moto_ecr_ptc import upstream_registry  # a run against AWS has no use for moto

    public = upstream_registry("ecr-public", endpoint_url=endpoint_url)
    public.clear()
    for tag in (TAG, OTHER_TAG):
        public.push(REPOSITORY, tag=tag, platforms=["linux/amd64", "linux/arm64"])
    hub = upstream_registry("docker-hub", endpoint_url=endpoint_url)
    hub.credentials = {"username": "somebody", "accessToken": "else"}
