"""The upstream registries that users set up: what each holds, and how it answers.

Each upstream registry exists once, for all accounts and Regions, as in the real world. The modules for OCI layouts and
for HTTP are imported only when they are needed.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from moto.core.base_backend import BackendDict, BaseBackend, backend_lock

from ..access.credentials import UpstreamCredentials
from ..configuration.upstream_registries import DOCKER_HUB
from ..exceptions import UpstreamAccessDenied, UpstreamError, UpstreamUnreachable, upstream_error
from ..images.blobs import Blob
from ..images.manifests import Descriptor, is_repository, is_tag
from .built_images import UpstreamImage
from .held_images import DefaultImages, GivenImages, HeldRepository, build
from .source import Fetched, Registry

if TYPE_CHECKING:
    from .oci_layout import Layout

REMEMBERED_PULLS = 10_000
"""How many pulls an upstream remembers, since a server may run for a long time."""

_ERRORS = {"refused": "connection refused", "timeout": "no answer in time"}
"""What ``fail`` takes for an error, and what it stands for."""


@dataclass(frozen=True)
class Pull:
    """A request of ECR to an upstream registry."""

    repository: str
    """The repository's name at the upstream."""

    reference: str
    """A tag; or the digest of a layer, or of the image whose referrers were asked for."""

    account_id: str
    region: str
    at: datetime
    """When, by moto's clock."""

    outcome: str
    """``ok``, or the failure code."""


@dataclass(frozen=True)
class HeldTags:
    """What an upstream registry holds in one repository."""

    repository: str
    tags: dict[str, str]
    """The digests of some tags."""

    tags_total: int


@dataclass(frozen=True)
class UpstreamState:
    """What an upstream registry holds and how it answers. The credentials that it accepts are not in it."""

    url: str
    is_default: bool
    """Whether it has a small image under every name and tag."""

    proxied_url: str | None
    held: tuple[HeldTags, ...]
    """Some of its repositories."""

    held_total: int
    failures: dict[str | None, int | str]
    """The HTTP status or the error that the requests for a repository, or for every one (None), fail with."""

    demands_credentials: bool
    pulls: int


class Upstream:
    """One upstream registry: users set it up, and ECR pulls from it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._source: Registry = DefaultImages()
        self._proxied_url: str | None = None
        self._credentials: UpstreamCredentials | None = None
        self._failures: dict[str | None, int | str] = {}
        self._pulls: deque[Pull] = deque(maxlen=REMEMBERED_PULLS)

    # --- what users do -------------------------------------------------------------------------------------------

    def push(
        self,
        repository: str,
        tag: str | None,
        layers: Sequence[bytes] | None,
        platforms: Sequence[str] | None,
        subject: str | None,
    ) -> UpstreamImage:
        """Put an image into the registry. The parameters are those of the public ``push``.

        :param subject: a digest
        :raises ValueError: a malformed or contradictory parameter, an unknown subject, or a registry that is a proxy
        """
        if not is_repository(repository):
            raise ValueError(f"{repository!r} is not the name of a repository")
        if tag is not None and not is_tag(tag):
            raise ValueError(f"{tag!r} is not a tag")
        with backend_lock:
            given = self._given_images()
            held = given.repositories.get(repository, HeldRepository())
            descriptor = None if subject is None else _find_subject(held, repository, subject)
            image = build(repository, tag, layers, platforms, descriptor)
            held.add(image, tag)
            given.repositories[repository] = held
            self._source = given
            return image.as_upstream_image

    def load_path(self, path: str | os.PathLike[str], repository: str) -> tuple[UpstreamImage, ...]:
        """Put all images of the OCI image layout at a path into a repository, and return the tagged ones.

        :raises ValueError: no layout, a malformed one or a malformed name, or a registry that is a proxy
        """
        from .oci_layout import read_layout

        return self.load(read_layout(path), repository)

    def load(self, layout: Layout, repository: str) -> tuple[UpstreamImage, ...]:
        """Put all images of an OCI image layout into a repository, and return the tagged ones.

        :raises ValueError: a malformed layout or name, or a registry that is a proxy
        """
        if not is_repository(repository):
            raise ValueError(f"{repository!r} is not the name of a repository")
        with backend_lock:
            given = self._given_images()
            held = given.repositories.setdefault(repository, HeldRepository())
            held.manifests.update(layout.manifests)
            held.blobs.update(layout.blobs)
            held.tags.update(layout.tags)
            self._source = given
            return layout.tagged_images

    def proxy(self, url: str, timeout: float) -> None:
        """Let a real registry answer. The parameters are those of the public ``proxy``.

        :raises ValueError: a malformed URL or timeout, or a registry that holds pushed or loaded images
        """
        from .proxy import ProxiedRegistry

        proxied = ProxiedRegistry(url, timeout)
        with backend_lock:
            if isinstance(self._source, GivenImages):
                raise ValueError(
                    f"The upstream registry '{self.url}' holds pushed or loaded images: it cannot be a proxy"
                )
            self._source = proxied
            self._proxied_url = proxied.url

    @property
    def credentials(self) -> dict[str, str] | None:
        """The only accepted credentials; None accepts any, and none."""
        accepted = self._credentials
        return None if accepted is None else {"username": accepted.username, "accessToken": accepted.access_token}

    @credentials.setter
    def credentials(self, credentials: Mapping[str, str] | None) -> None:
        if credentials is None:
            self._credentials = None
            return
        if (
            not isinstance(credentials, Mapping)
            or set(credentials) != {"username", "accessToken"}
            or not all(isinstance(value, str) and value for value in credentials.values())
        ):
            raise ValueError("credentials must be None or a mapping of 'username' and 'accessToken' to strings")
        self._credentials = UpstreamCredentials(credentials["username"], credentials["accessToken"])

    def fail(self, repository: str | None, status: int | None, error: str | None) -> None:
        """Make the requests for a repository, or all requests, fail. The parameters are those of the public ``fail``.

        :raises ValueError: not exactly one of status and error, or one out of range
        """
        if (status is None) == (error is None):
            raise ValueError("fail takes exactly one of status and error")
        if repository is not None and not is_repository(repository):
            raise ValueError(f"{repository!r} is not the name of a repository")
        if status is not None and not (type(status) is int and 400 <= status <= 599):
            raise ValueError(f"{status!r} is not the HTTP status of a failure (400 to 599)")
        if error is not None and error not in _ERRORS:
            raise ValueError(f"{error!r} is not an error; choose one of {', '.join(map(repr, _ERRORS))}")
        failure = error if status is None else status
        assert failure is not None
        with backend_lock:
            self._failures[repository] = failure

    def recover(self, repository: str | None) -> None:
        """End the failure of a repository, or all failures."""
        with backend_lock:
            if repository is None:
                self._failures.clear()
            else:
                self._failures.pop(repository, None)

    @property
    def pulls(self) -> tuple[Pull, ...]:
        with backend_lock:
            return tuple(self._pulls)

    def describe(self, limit: int) -> UpstreamState:
        """Return what the registry holds and how it answers.

        :param limit: of the number of repositories, and of tags in each
        """
        with backend_lock:
            held = self._source.repositories if isinstance(self._source, GivenImages) else {}
            return UpstreamState(
                url=self.url,
                is_default=isinstance(self._source, DefaultImages),
                proxied_url=self._proxied_url,
                held=tuple(
                    HeldTags(name, dict(islice(repository.tags.items(), limit)), len(repository.tags))
                    for name, repository in islice(held.items(), limit)
                ),
                held_total=len(held),
                failures=dict(self._failures),
                demands_credentials=self._credentials is not None,
                pulls=len(self._pulls),
            )

    # --- what ECR asks -------------------------------------------------------------------------------------------

    def get_manifest(self, repository: str, reference: str, credentials: UpstreamCredentials | None) -> Fetched:
        return self._source_for(repository, credentials).get_manifest(repository, reference, credentials)

    def get_blob(
        self, repository: str, digest: str, credentials: UpstreamCredentials | None, size: int | None = None
    ) -> Blob:
        return self._source_for(repository, credentials).get_blob(repository, digest, credentials, size)

    def get_referrers(
        self, repository: str, digest: str, credentials: UpstreamCredentials | None
    ) -> Sequence[Descriptor]:
        return self._source_for(repository, credentials).get_referrers(repository, digest, credentials)

    def authenticate(self, credentials: UpstreamCredentials | None) -> None:
        self._source_for(None, credentials).authenticate(credentials)

    def record(self, pull: Pull) -> None:
        with backend_lock:
            self._pulls.append(pull)

    # -------------------------------------------------------------------------------------------------------------

    def _given_images(self) -> GivenImages:
        if self._proxied_url:
            raise ValueError(
                f"The upstream registry '{self.url}' is a proxy of {self._proxied_url}: it takes no images"
            )
        return self._source if isinstance(self._source, GivenImages) else GivenImages()

    def _source_for(self, repository: str | None, credentials: UpstreamCredentials | None) -> Registry:
        """Return the source that answers a request.

        :raises UpstreamError: the registry was made to fail, or refuses the credentials or the name
        """
        with backend_lock:
            for failing in (repository, None):
                if failing in self._failures:
                    raise _failure(self._failures[failing])
            if self._credentials and self._credentials != credentials:
                raise UpstreamAccessDenied(_other_credentials(credentials))
            if repository and "/" not in repository and self.url == DOCKER_HUB and not self._proxied_url:
                raise UpstreamAccessDenied(
                    f"Docker Hub has no repository '{repository}': its official images are in 'library/{repository}'"
                )
            return self._source


declared_contents: list[Callable[[Callable[[str], Upstream]], None]] = []
"""What sets up the upstream registries of a new backend, given what finds each by its URL."""


class UpstreamBackend(BaseBackend):
    """All upstream registries. moto resets this with its other backends: then it holds what is declared."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self._upstreams: dict[str, Upstream] = {}
        for set_up in declared_contents:
            set_up(self.get)

    def get(self, url: str) -> Upstream:
        """Return the upstream registry with this URL: the same one until a reset."""
        with backend_lock:
            return self._upstreams.setdefault(url, Upstream(url))

    def describe(self, urls: Iterable[str], limit: int) -> list[UpstreamState]:
        """Return the states of the upstream registries with these URLs, and of all others that were used."""
        with backend_lock:
            unused = {url: Upstream(url) for url in urls if url not in self._upstreams}
            return [upstream.describe(limit) for _, upstream in sorted({**self._upstreams, **unused}.items())]


_backends = BackendDict(UpstreamBackend, "ecr", use_boto3_regions=False, additional_regions=["aws"])


def get_upstream(url: str) -> Upstream:
    """Return the upstream registry with this URL, in moto's current state."""
    return _backends["upstream registries"]["aws"].get(url)


def describe_upstreams(urls: Iterable[str], limit: int) -> list[UpstreamState]:
    """Return the states of the upstream registries with these URLs, and of all others that were used.

    :param limit: of the number of repositories that each lists, and of tags in each of these
    """
    return _backends["upstream registries"]["aws"].describe(urls, limit)


def _find_subject(held: HeldRepository, repository: str, digest: str) -> Descriptor:
    manifest = held.manifests.get(digest)
    if manifest is None:
        raise ValueError(f"The repository '{repository}' holds no image with the digest {digest}")
    return Descriptor(manifest.media_type, digest, len(manifest.content))


def _other_credentials(credentials: UpstreamCredentials | None) -> str:
    if credentials is None:
        return "it demands credentials, and the rule has no secret"
    return "it does not accept the credentials in the rule's secret"


def _failure(failure: int | str) -> UpstreamError:
    if isinstance(failure, int):
        return upstream_error(failure, f"it answered HTTP {failure}, as set up by 'fail'")
    return UpstreamUnreachable(f"{_ERRORS[failure]}, as set up by 'fail'")
