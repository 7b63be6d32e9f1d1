"""The upstream registries that users set up: what each holds, and how it answers.

Each upstream registry exists once, for all accounts and Regions, as in the real world. The modules for archives and
for HTTP are imported only when they are needed.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from moto.core.base_backend import BackendDict, BaseBackend, backend_lock

from ..access.credentials import UpstreamCredentials
from ..exceptions import UpstreamAccessDenied
from ..images.blobs import Blob
from ..images.manifests import Descriptor
from .built_images import UpstreamImage
from .failures import Failure, Failures
from .held_images import DefaultImages, GivenImages, HeldImage, HeldRepository, make_blobs
from .incoming_rules import expire_tags, explain_misplacement
from .names import check_can_be_pulled, is_missing_library
from .source import Fetched, Registry
from .state import Credentials, HeldTags, Pull, UpstreamState, check_credentials

if TYPE_CHECKING:
    from .loaded_images import LoadedImages
    from .pushed_images import PushedImage

log = logging.getLogger("moto_ecr_ptc")

REMEMBERED_PULLS = 10_000
"""How many pulls an upstream remembers, since a server may run for a long time."""


class Upstream:
    """One upstream registry: users set it up, and ECR pulls from it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._source: Registry = DefaultImages()
        self._proxied_url: str | None = None
        self._credentials: UpstreamCredentials | None = None
        self._failures = Failures()
        self._pulls: deque[Pull] = deque(maxlen=REMEMBERED_PULLS)

    # --- what users do -------------------------------------------------------------------------------------------

    def push(self, image: PushedImage, subject: str | None = None) -> UpstreamImage:
        """Put an image into the registry.

        :param subject: the digest of the image that it refers to
        :raises ValueError: a name that nothing can be pulled from, an unknown subject, or a registry that is a proxy
        """
        with backend_lock:
            self._given_images(image.repository)
            descriptor = None if subject is None else self._find_subject(image.repository, subject)
        # Without the lock, since layers may be large.
        built = image.build(descriptor)
        blobs = make_blobs(built)
        pushed = built.as_upstream_image
        with backend_lock:
            given = self._given_images(image.repository)
            if subject is not None:
                self._find_subject(image.repository, subject)  # it may have been removed meanwhile
            given.repositories.setdefault(image.repository, HeldRepository()).add(built, blobs, image.tag)
            self._source = given
        self._warn_of(image.repository)
        return pushed

    def load_path(self, path: str | os.PathLike[str], repository: str, tag: str | None) -> tuple[UpstreamImage, ...]:
        """Put all images of a directory or an archive into a repository, and return the tagged ones.

        :param tag: for the only image there, which has none
        :raises ValueError: as ``load``; nothing that can be read; or a tag, but another image or several
        """
        from .archives import read_path

        images = read_path(path)
        return self.load(images if tag is None else images.tagged(tag), repository)

    def load(self, images: LoadedImages, repository: str) -> tuple[UpstreamImage, ...]:
        """Put all images of a directory or an archive into a repository, and return the tagged ones.

        :raises ValueError: a name that nothing can be pulled from, or a registry that is a proxy
        """
        with backend_lock:
            given = self._given_images(repository)
            held = given.repositories.setdefault(repository, HeldRepository())
            held.manifests.update(images.manifests)
            held.blobs.update(images.blobs)
            held.tags.update(images.tags)
            self._source = given
        self._warn_of(repository)
        return images.tagged_images

    def explain_misplacement(self, repository: str) -> str | None:
        """Return what is wrong with a name that looks like one in ECR, as a sentence; None if nothing is."""
        with backend_lock:
            return explain_misplacement(self.url, repository)

    @property
    def images(self) -> tuple[HeldImage, ...]:
        """What users put there, by repository and tag."""
        with backend_lock:
            return self._source.images if isinstance(self._source, GivenImages) else ()

    def remove(self, repository: str, reference: str | None) -> None:
        """Remove a tag, the image with a digest, or a whole repository.

        :raises ValueError: it is not there, or the registry is a proxy
        """
        with backend_lock:
            try:
                self._taking_images().remove(repository, reference)
            except LookupError as problem:
                raise ValueError(f"Nothing was removed from '{self.url}': {problem.args[0]}") from None

    def clear(self) -> None:
        """Hold nothing from now on.

        :raises ValueError: the registry is a proxy
        """
        with backend_lock:
            self._taking_images()
            self._source = GivenImages()

    def expire(self, repository: str | None) -> int:
        """Make stale what the registries of all accounts and Regions cached from here, and return how many tags.

        :param repository: the only one at the upstream to do so for; None means all
        """
        with backend_lock:
            return expire_tags(self.url, repository)

    def proxy(self, url: str, timeout: float) -> None:
        """Let a real registry answer. The parameters are those of the public ``proxy``.

        :raises ValueError: a malformed URL or timeout, or a registry that holds pushed or loaded images
        """
        from .proxy import ProxiedRegistry

        proxied = ProxiedRegistry(url, timeout)
        with backend_lock:
            if self.images:
                raise ValueError(
                    f"The upstream registry '{self.url}' holds pushed or loaded images: it cannot be a proxy"
                )
            self._source = proxied
            self._proxied_url = proxied.url

    @property
    def credentials(self) -> Credentials | None:
        """The only accepted credentials; None accepts any, and none."""
        accepted = self._credentials
        return None if accepted is None else {"username": accepted.username, "accessToken": accepted.access_token}

    @credentials.setter
    def credentials(self, credentials: Credentials | Mapping[str, str] | None) -> None:
        if credentials is None:
            self._credentials = None
            return
        check_credentials(credentials)
        self._credentials = UpstreamCredentials(credentials["username"], credentials["accessToken"])

    def fail(self, repository: str | None, failure: Failure) -> None:
        """Make the requests for a repository, or all requests, fail."""
        with backend_lock:
            self._failures.set(repository, failure)

    def recover(self, repository: str | None) -> None:
        """End the failure of a repository, or all failures."""
        with backend_lock:
            self._failures.end(repository)

    @property
    def pulls(self) -> tuple[Pull, ...]:
        with backend_lock:
            return tuple(self._pulls)

    @property
    def is_proxy(self) -> bool:
        return self._proxied_url is not None

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
                failures=self._failures.current,
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

    def _warn_of(self, repository: str) -> None:
        problem = self.explain_misplacement(repository)
        if problem:
            log.warning("%s", problem)

    def _given_images(self, repository: str) -> GivenImages:
        """Return where to put an image.

        :raises ValueError: the registry is a proxy, or nothing can be pulled from a repository of this name
        """
        given = self._taking_images()
        check_can_be_pulled(self.url, repository)
        return given

    def _taking_images(self) -> GivenImages:
        if self._proxied_url:
            raise ValueError(
                f"The upstream registry '{self.url}' is a proxy of {self._proxied_url}: it takes no images"
            )
        return self._source if isinstance(self._source, GivenImages) else GivenImages()

    def _find_subject(self, repository: str, digest: str) -> Descriptor:
        held = self._taking_images().repositories.get(repository, HeldRepository())
        manifest = held.manifests.get(digest)
        if manifest is None:
            raise ValueError(f"The repository '{repository}' holds no image with the digest {digest}")
        return Descriptor(manifest.media_type, digest, len(manifest.content))

    def _source_for(self, repository: str | None, credentials: UpstreamCredentials | None) -> Registry:
        """Return the source that answers a request.

        :raises UpstreamError: the registry was made to fail, or refuses the credentials or the name
        """
        with backend_lock:
            self._failures.raise_next(repository)
            if self._credentials and self._credentials != credentials:
                raise UpstreamAccessDenied(_other_credentials(credentials))
            if repository and is_missing_library(self.url, repository) and not self._proxied_url:
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
    with backend_lock:  # a reset of moto would take it away in the middle of the look-up
        return _backends["upstream registries"]["aws"].get(url)


def describe_upstreams(urls: Iterable[str], limit: int) -> list[UpstreamState]:
    """Return the states of the upstream registries with these URLs, and of all others that were used.

    :param limit: of the number of repositories that each lists, and of tags in each of these
    """
    with backend_lock:
        return _backends["upstream registries"]["aws"].describe(urls, limit)


def _other_credentials(credentials: UpstreamCredentials | None) -> str:
    if credentials is None:
        return "it demands credentials, and the rule has no secret"
    return "it does not accept the credentials in the rule's secret"
