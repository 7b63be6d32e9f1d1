"""The handle through which users set up an upstream registry.

Nothing here imports moto until a handle is made: importing this package must stay cheap.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Union

from .activation import server_is_running

if TYPE_CHECKING:
    from .ecr.upstream.built_images import UpstreamImage
    from .ecr.upstream.registry import Pull, Upstream
    from .remote import RemoteUpstream

    Path = Union[str, os.PathLike[str]]


class UpstreamRegistry:
    """One of the registries that pull through cache rules pull from, as it answers in moto.

    Until something is pushed, loaded or proxied, it answers every well-formed name and tag with a small image, the same
    for the same name and tag. Afterwards it holds exactly what it was given.

    The handle keeps no state: each use is about the moto that runs at that moment. moto resets upstreams with the rest.

    :raises RuntimeError: on each use, when neither a mock nor a server runs in this process
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def __repr__(self) -> str:
        return f"upstream_registry({self._url!r})"

    def push(
        self,
        repository: str,
        *,
        tag: str | None = "latest",
        layers: Sequence[bytes] | None = None,
        platforms: Sequence[str] | None = None,
        subject: UpstreamImage | None = None,
    ) -> UpstreamImage:
        """Put an OCI image into the registry and return it. An existing tag is moved to it.

        :param repository: the name at the upstream, such as ``library/alpine``
        :param tag: up to 128 characters; None makes the image reachable by its digest only
        :param layers: the layers' bytes; without them the image has one small layer, different for each name and tag
        :param platforms: such as ``["linux/amd64", "linux/arm64"]``: the image is an index with a child for each
        :param subject: an image of the same repository, which this one refers to (OCI 1.1)
        :return: ``manifest`` (bytes), ``digest`` (their sha256), ``media_type``, ``layers`` (a tuple of bytes)
        :raises ValueError: a malformed name, tag or platform, layers with platforms, a subject that is not in the
            repository, or a registry that is a proxy
        """
        return self._upstream().push(repository, tag, layers, platforms, None if subject is None else subject.digest)

    def load(self, path: Path, repository: str) -> tuple[UpstreamImage, ...]:
        """Put the images of an OCI image layout into a repository, and return those that have a tag.

        :param path: the directory of the layout, or a tar archive of it
        :raises ValueError: no layout, a malformed one or a malformed name, or a registry that is a proxy
        """
        return self._upstream().load_path(path, repository)

    def proxy(self, url: str, *, timeout: float = 10) -> None:
        """Let a real registry answer: only then is anything sent over a network.

        Only the host in ``url`` is ever contacted (on other ports too, if the registry points there). The
        secret's credentials are sent when it asks for them.

        :param url: ``http://host:port`` or ``https://host:port``
        :param timeout: seconds to wait for its answer, or for a blob to begin and to go on
        :raises ValueError: a malformed URL or timeout, or a registry that holds pushed or loaded images
        """
        self._upstream().proxy(url, timeout)

    @property
    def credentials(self) -> dict[str, str] | None:
        """The only credentials that are accepted, as ``{"username": …, "accessToken": …}``. None: all are.

        :raises ValueError: when set to anything else
        """
        return self._upstream().credentials

    @credentials.setter
    def credentials(self, credentials: Mapping[str, str] | None) -> None:
        self._upstream().credentials = credentials

    def fail(self, repository: str | None = None, *, status: int | None = None, error: str | None = None) -> None:
        """Make requests to the registry fail until ``recover``.

        :param repository: at the upstream; None means every repository
        :param status: an HTTP status from 400 to 599
        :param error: ``"refused"`` (no connection) or ``"timeout"``
        :raises ValueError: not exactly one of status and error, or one that is not listed here
        """
        self._upstream().fail(repository, status, error)

    def recover(self, repository: str | None = None) -> None:
        """End the failure of a repository; without one, every failure."""
        self._upstream().recover(repository)

    @property
    def pulls(self) -> tuple[Pull, ...]:
        """What ECR asked of this registry, oldest first (the latest 10,000).

        Each has ``repository``, ``reference`` (a tag; a digest, of a layer or of an image's referrers), ``account_id``,
        ``region``, ``at`` (by moto's clock) and ``outcome`` (``"ok"`` or the failure code).
        """
        return self._upstream().pulls

    def _upstream(self) -> Upstream | RemoteUpstream:
        from moto import settings
        from moto.core import models

        if settings.TEST_SERVER_MODE:
            from .remote import RemoteUpstream

            return RemoteUpstream(self._url)
        if not (models.botocore_stubber.enabled or server_is_running()):
            raise RuntimeError(
                f"{self!r} has no AWS to be an upstream of: no mock is active in this process and no moto server "
                "runs in it. Use it within mock_aws, after starting a ThreadedMotoServer, or with "
                "TEST_SERVER_MODE=true and TEST_SERVER_MODE_ENDPOINT for a server elsewhere."
            )
        from .ecr.upstream.registry import get_upstream

        return get_upstream(self._url)


def upstream_registry(registry: str) -> UpstreamRegistry:
    """Return the handle of an upstream registry.

    :param registry: an ``upstreamRegistry`` of ECR's API (``"docker-hub"``), or the URL of a rule
        (``"registry-1.docker.io"``, ``"mine.azurecr.io"``)
    :raises ValueError: neither, or an upstream that is no simulation (``ecr``); the message lists the choices
    """
    from .ecr.configuration.upstream_registries import registry_url

    return UpstreamRegistry(registry_url(registry))
