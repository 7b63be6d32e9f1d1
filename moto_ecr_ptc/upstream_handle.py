"""The handle through which users set up an upstream registry.

Nothing here imports moto until a handle is made: importing this package must stay cheap.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn, Union

from .activation import server_is_running

if TYPE_CHECKING:
    from .ecr.pulls.pull_log import PullRecord
    from .ecr.upstream.built_images import UpstreamImage
    from .ecr.upstream.registry import Pull, Upstream
    from .remote import RemoteUpstream

    Path = Union[str, os.PathLike[str]]

_LISTED_PULLS = 50
"""How many requests an assertion's message lists."""


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

    def assert_pulled(self, repository: str, *, reference: str | None = None, times: int | None = None) -> None:
        """Check that ECR asked this registry for a repository, whether or not it got what it asked for.

        :param repository: the name at the upstream, such as ``library/alpine``
        :param reference: a tag, or the digest of a layer; None counts the requests for all of them
        :param times: how many requests there must be; None means one or more
        :raises AssertionError: there are others; the message lists what was asked
        :raises ValueError: ``times`` is not a number of requests, which is 1 or more
        """
        if times is not None and (type(times) is not int or times < 1):
            raise ValueError(f"{times!r} is not a number of requests; for none at all there is assert_not_pulled")
        count = self._count(repository, reference)
        if count != times if times is not None else count == 0:
            expected = "" if times is None else f" {times} times, but {count} times"
            self._fail_assertion(f"was not asked for {_name(repository, reference)}{expected}")

    def assert_not_pulled(self, repository: str | None = None, *, reference: str | None = None) -> None:
        """Check that ECR never asked this registry for a repository; without one, for anything.

        :raises AssertionError: it did; the message lists what was asked
        :raises ValueError: a reference without a repository
        """
        if repository is None and reference is not None:
            raise ValueError("A reference needs its repository")
        if self._count(repository, reference):
            self._fail_assertion(f"was asked for {'something' if repository is None else _name(repository, reference)}")

    def _count(self, repository: str | None, reference: str | None) -> int:
        return sum(repository in (None, pull.repository) and reference in (None, pull.reference) for pull in self.pulls)

    def _fail_assertion(self, problem: str) -> NoReturn:
        pulls = self.pulls
        lines = [f"  {_name(pull.repository, pull.reference)}: {pull.outcome}" for pull in pulls[-_LISTED_PULLS:]]
        earlier = len(pulls) - len(lines)
        if earlier:
            lines.insert(0, f"  {earlier} earlier requests")
        asked = "\n".join(["It was asked for:", *lines]) if lines else "It was asked for nothing."
        raise AssertionError(f"{self._url} {problem}. {asked}")

    def _upstream(self) -> Upstream | RemoteUpstream:
        if _is_remote():
            from .remote import RemoteUpstream

            return RemoteUpstream(self._url)
        _check_moto(f"{self!r} has no AWS to be an upstream of")
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


def pull_log() -> tuple[PullRecord, ...]:
    """Return what moto decided about each pull since its last reset, and why, oldest first (the latest 10,000).

    Each record is one of BatchGetImage, GetDownloadUrlForLayer or ListImageReferrers, by the API or the registry
    endpoint: who asked for what, which rule and template matched, what the upstream said, and the outcome. Its ``str``
    is one sentence. The logger ``moto_ecr_ptc`` has the same: at INFO what succeeded, at WARNING what failed.

    :raises RuntimeError: neither a mock nor a server runs in this process
    """
    if _is_remote():
        from .remote import read_pull_log

        return read_pull_log()
    _check_moto("There is no pull log")
    from .ecr.pulls.pull_log import get_pull_log

    return get_pull_log().records


def _is_remote() -> bool:
    from moto import settings

    return settings.TEST_SERVER_MODE


def _check_moto(problem: str) -> None:
    """Check that a moto runs in this process.

    :raises RuntimeError: there is none
    """
    from moto.core import models

    if not (models.botocore_stubber.enabled or server_is_running()):
        raise RuntimeError(
            f"{problem}: no mock is active in this process and no moto server "
            "runs in it. Use it within mock_aws, after starting a ThreadedMotoServer, or with "
            "TEST_SERVER_MODE=true and TEST_SERVER_MODE_ENDPOINT for a server elsewhere."
        )


def _name(repository: str, reference: str | None) -> str:
    if reference is None:
        return f"'{repository}'"
    return f"'{repository}{'@' if ':' in reference else ':'}{reference}'"
