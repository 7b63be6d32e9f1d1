"""The handle through which users set up an upstream registry.

Nothing here imports moto until a handle is made: importing this package must stay cheap.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Union
from urllib.parse import urlsplit

from .activation import server_is_running

if TYPE_CHECKING:
    from .ecr.pulls.pull_log import PullRecord
    from .ecr.upstream.built_images import UpstreamImage
    from .ecr.upstream.failures import ErrorName
    from .ecr.upstream.file_layers import Files
    from .ecr.upstream.held_images import HeldImage
    from .ecr.upstream.pushed_images import Compression, Layers, MediaType, Platforms
    from .ecr.upstream.registry import Upstream
    from .ecr.upstream.state import Credentials, Pull
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

    __slots__ = ("_endpoint_url", "_url")  # so that an attribute with a misspelt name cannot be set

    def __init__(self, url: str, endpoint_url: str | None = None) -> None:
        self._url = url
        self._endpoint_url = endpoint_url

    def __repr__(self) -> str:
        from .ecr.wording import without_user_info

        endpoint = "" if self._endpoint_url is None else f", endpoint_url={without_user_info(self._endpoint_url)!r}"
        return f"upstream_registry({self._url!r}{endpoint})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UpstreamRegistry):
            return NotImplemented
        return (self._url, self._endpoint_url) == (other._url, other._endpoint_url)

    def __hash__(self) -> int:
        return hash((self._url, self._endpoint_url))

    def push(
        self,
        repository: str,
        *,
        tag: str | None = "latest",
        layers: Layers | None = None,
        files: Files | None = None,
        platforms: Platforms | None = None,
        config: Mapping[str, Any] | None = None,
        media_type: MediaType = "oci",
        compression: Compression | None = None,
        annotations: Mapping[str, str] | None = None,
        artifact_type: str | None = None,
        subject: UpstreamImage | str | None = None,
    ) -> UpstreamImage:
        """Put an image into the registry and return it. An existing tag is moved to it.

        The same call always makes the same bytes. Without layers, files and contents of platforms the image has one
        small layer, different for each name, tag and platform.

        :param repository: the name at the upstream, such as ``library/alpine``
        :param tag: up to 128 characters; None makes the image reachable by its digest only
        :param layers: the layers' bytes
        :param files: ``{"etc/app.conf": b"…"}`` makes a layer of files, each with the mode 0755, and their directories;
            text is written as UTF-8; a list of such mappings makes a layer of each
        :param platforms: the image is an index with a child for each. ``["linux/amd64", "linux/arm64"]``; or a mapping
            of each to its own layers or files, in the forms of these parameters
        :param config: what the image's configuration says of the program: ``{"Env": ["A=b"], "Entrypoint": ["/app"]}``
        :param media_type: ``"oci"``, or ``"docker"`` for Docker's schema 2
        :param compression: ``"gzip"`` or ``"none"``; by default files are compressed and layers left as they are.
            Layers that are compressed already stay so
        :param annotations: of the manifest or the index
        :param artifact_type: makes it an artifact (OCI 1.1), without a configuration unless ``config`` is given
        :param subject: an image of the same repository, or its digest, which this one refers to (OCI 1.1)
        :return: ``manifest`` (bytes), ``digest`` (their sha256), ``media_type``, ``layers`` (a tuple of bytes)
        :raises ValueError: a malformed parameter, or some that contradict each other; a name on Docker Hub without a
            slash; a subject that is not in the repository; a registry that is a proxy
        """
        from .ecr.upstream.names import subject_digest
        from .ecr.upstream.pushed_images import describe_image

        digest = subject_digest(subject)
        image = describe_image(
            repository,
            tag=tag,
            layers=layers,
            files=files,
            platforms=platforms,
            config=config,
            media_type=media_type,
            compression=compression,
            annotations=annotations,
            artifact_type=artifact_type,
            has_subject=digest is not None,
        )
        return self._upstream().push(image, digest)

    def load(self, path: Path, repository: str, *, tag: str | None = None) -> tuple[UpstreamImage, ...]:
        """Put the images of a directory or an archive into a repository, and return those that have a tag.

        :param path: the directory of an OCI image layout, a tar archive of one, or an archive that ``docker save`` or
            ``skopeo copy … docker-archive:`` made
        :param tag: for the only image there, if it has none
        :raises ValueError: none of these, a malformed one or a malformed name; a tag for images that have some, or for
            several; a name on Docker Hub without a slash; a registry that is a proxy
        """
        from .ecr.upstream.names import check_repository, check_tag

        check_repository(repository)
        if tag is not None:
            check_tag(tag)
        return self._upstream().load_path(path, repository, tag)

    @property
    def images(self) -> tuple[HeldImage, ...]:
        """What was pushed and loaded, by repository and tag: nothing, as long as nothing was.

        Each has ``repository``, ``tag``, ``digest`` and ``media_type``. There is one for each tag, and one, whose tag
        is None, for each image that has no tag and is in no index.
        """
        return self._upstream().images

    def remove(self, repository: str, tag: str | None = None) -> None:
        """Remove a tag, with its image unless another tag or an index has it; without a tag, the whole repository.

        :param tag: or the digest of an image in ``images``, which is removed with all of its tags
        :raises ValueError: it is not there (the message lists what is), or a registry that is a proxy
        """
        from .ecr.upstream.names import check_removal

        check_removal(repository, tag)
        self._upstream().remove(repository, tag)

    def clear(self) -> None:
        """Remove everything: from now on the registry has no image but those that are pushed or loaded.

        At the start of a test this makes every pull of something else fail, one with a misspelt name included.

        :raises ValueError: a registry that is a proxy
        """
        self._upstream().clear()

    def expire(self, repository: str | None = None) -> int:
        """Make ECR ask this registry again: what the registries of all accounts cached from here becomes stale.

        Otherwise a cached tag is served for 24 hours.

        :param repository: the only one to do so for, by its name at the upstream; None means all
        :return: how many tags were cached
        :raises ValueError: a malformed name
        """
        from .ecr.upstream.names import check_repository

        if repository is not None:
            check_repository(repository)
        return self._upstream().expire(repository)

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
    def credentials(self) -> Credentials | None:
        """The only credentials that are accepted, as ``{"username": …, "accessToken": …}``. None: all are.

        :raises ValueError: when set to anything else
        """
        return self._upstream().credentials

    @credentials.setter
    def credentials(self, credentials: Credentials | Mapping[str, str] | None) -> None:
        self._upstream().credentials = credentials

    def fail(
        self,
        repository: str | None = None,
        *,
        status: int | None = None,
        error: ErrorName | None = None,
        times: int | None = None,
    ) -> None:
        """Make requests to the registry fail until ``recover``, or a number of times.

        :param repository: at the upstream; None means every repository
        :param status: an HTTP status from 400 to 599
        :param error: ``"refused"`` (no connection) or ``"timeout"``
        :param times: how many requests fail, before the registry recovers by itself; None means all
        :raises ValueError: not exactly one of status and error, or one that is not listed here
        """
        from .ecr.upstream.failures import describe_failure

        failure = describe_failure(repository, status=status, error=error, times=times)
        self._upstream().fail(repository, failure)

    def recover(self, repository: str | None = None) -> None:
        """End the failure of a repository; without one, every failure.

        :raises ValueError: a malformed name
        """
        from .ecr.upstream.names import check_repository

        if repository is not None:
            check_repository(repository)
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
        :raises ValueError: a malformed name or reference; ``times`` is not a number of requests, which is 1 or more
        """
        _check_request(repository, reference)
        if times is not None and (type(times) is not int or times < 1):
            raise ValueError(f"{times!r} is not a number of requests; for none at all there is assert_not_pulled")
        count = self._count(repository, reference)
        if count != times if times is not None else count == 0:
            expected = "" if times is None else f" {times} times, but {count} times"
            self._fail_assertion(f"was not asked for {_name(repository, reference)}{expected}")

    def assert_not_pulled(self, repository: str | None = None, *, reference: str | None = None) -> None:
        """Check that ECR never asked this registry for a repository; without one, for anything.

        :raises AssertionError: it did; the message lists what was asked
        :raises ValueError: a malformed name or reference, or a reference without a repository
        """
        if repository is None and reference is not None:
            raise ValueError("A reference needs its repository")
        if repository is not None:
            _check_request(repository, reference)
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
        endpoint_url = self._endpoint_url or _server_endpoint()
        if endpoint_url is not None:
            from .remote import RemoteUpstream

            return RemoteUpstream(self._url, endpoint_url)
        _check_moto(f"{self!r} has no AWS to be an upstream of")
        from .ecr.upstream.registry import get_upstream

        return get_upstream(self._url)


def upstream_registry(registry: str, *, endpoint_url: str | None = None) -> UpstreamRegistry:
    """Return the handle of an upstream registry.

    :param registry: an ``upstreamRegistry`` of ECR's API (``"docker-hub"``), or the URL of a rule
        (``"registry-1.docker.io"``, ``"mine.azurecr.io"``)
    :param endpoint_url: of a moto server with this package, such as ``http://127.0.0.1:5000``; None means the mock or
        the server in this process, or the server of moto's TEST_SERVER_MODE
    :raises ValueError: neither a name nor a URL, or an upstream that is no simulation (``ecr``): the message lists the
        choices; a malformed endpoint
    """
    from .ecr.configuration.upstream_registries import registry_url

    return UpstreamRegistry(registry_url(registry), _checked_endpoint(endpoint_url))


def pull_log(*, endpoint_url: str | None = None) -> tuple[PullRecord, ...]:
    """Return what moto decided about each pull since its last reset, and why, oldest first (the latest 10,000).

    Each record is one of BatchGetImage, GetDownloadUrlForLayer or ListImageReferrers, by the API or the registry
    endpoint: who asked for what, which rule and template matched, what the upstream said, and the outcome. Its ``str``
    is one sentence. The logger ``moto_ecr_ptc`` has the same: at INFO what succeeded, at WARNING what failed.

    :param endpoint_url: as for ``upstream_registry``
    :raises RuntimeError: neither a mock nor a server runs in this process
    :raises ValueError: a malformed endpoint
    """
    endpoint_url = _checked_endpoint(endpoint_url) or _server_endpoint()
    if endpoint_url is not None:
        from .remote import read_pull_log

        return read_pull_log(endpoint_url)
    _check_moto("There is no pull log")
    from .ecr.pulls.pull_log import get_pull_log

    return get_pull_log().records


def _checked_endpoint(endpoint_url: object) -> str | None:
    if endpoint_url is None:
        return None
    if not isinstance(endpoint_url, str) or not _is_url_of_server(endpoint_url):
        from .ecr.wording import without_user_info

        shown = without_user_info(endpoint_url) if isinstance(endpoint_url, str) else endpoint_url
        raise ValueError(f"endpoint_url must be a URL such as 'http://127.0.0.1:5000', not {shown!r}")
    return endpoint_url.rstrip("/")


def _is_url_of_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and " " not in url
    except ValueError:  # a malformed port or IPv6 address
        return False


def _server_endpoint() -> str | None:
    """Return the URL of the server that TEST_SERVER_MODE names; None if it is off.

    :raises RuntimeError: it was switched on too late for moto
    """
    from moto import settings

    if settings.TEST_SERVER_MODE:
        return settings.test_server_mode_endpoint()
    if os.environ.get("TEST_SERVER_MODE", "").lower() == "true":
        raise RuntimeError(
            "TEST_SERVER_MODE is on, but it was not yet when moto was imported, and moto reads it only then: "
            "set it before anything imports moto."
        )
    return None


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


def _check_request(repository: str, reference: str | None) -> None:
    from .ecr.upstream.names import check_reference, check_repository

    check_repository(repository)
    if reference is not None:
        check_reference(reference)


def _name(repository: str, reference: str | None) -> str:
    if reference is None:
        return f"'{repository}'"
    return f"'{repository}{'@' if ':' in reference else ':'}{reference}'"
