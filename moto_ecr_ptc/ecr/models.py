"""The ECR backend: moto's own, with pull through cache for one registry (one account in one Region).

It holds no rules of ECR. Its rooms do, and each is loaded at its first use: a process that never pulls through a cache
does not pay for them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from moto.core.base_backend import backend_lock
from moto.ecr.models import ECRBackend, Image, Repository, ecr_backends

from .registry_id import RegistryId

if TYPE_CHECKING:
    from .configuration.rules import Rules
    from .configuration.settings import AccountSettings
    from .configuration.templates import Templates
    from .images.blobs import Blob
    from .images.layers import Layers
    from .images.repositories import Repositories
    from .images.uploads import Uploads
    from .pulls.cache import Cache
    from .pulls.contacts import Contacts
    from .pulls.layer_pulls import LayerPulls
    from .pulls.pulling import ImagePulls
    from .pulls.referrer_pulls import ReferrerPulls
    from .pulls.tickets import DownloadTickets

Room = TypeVar("Room")


class room(Generic[Room]):  # noqa: N801 (it is used as a decorator)
    """A part of a backend's state, made at its first use and kept until moto resets the backend."""

    def __init__(self, make: Callable[[Any], Room]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    def __get__(self, backend: Any, owner: type) -> Room:
        with backend_lock:
            if self._name not in vars(backend):
                vars(backend)[self._name] = self._make(backend)
            return cast(Room, vars(backend)[self._name])


class PullThroughCacheBackend(ECRBackend):
    """The ECR backend of one account in one Region."""

    # --- the rooms, and the operations of the API in each ----------------------------------------------------------

    @room
    def rules(self) -> Rules:
        """Create-, Describe-, Update-, DeletePullThroughCacheRule."""
        from .configuration.rules import Rules

        return Rules(self.registry)

    @room
    def templates(self) -> Templates:
        """Create-, Describe-, Update-, DeleteRepositoryCreationTemplate."""
        from .configuration.templates import Templates

        return Templates(self.registry)

    @room
    def account_settings(self) -> AccountSettings:
        """GetAccountSetting, PutAccountSetting."""
        from .configuration.settings import AccountSettings

        return AccountSettings()

    @room
    def image_pulls(self) -> ImagePulls:
        """BatchGetImage."""
        from .pulls.pulling import ImagePulls

        return ImagePulls(self, self.contacts, self.cache)

    @room
    def layer_pulls(self) -> LayerPulls:
        """GetDownloadUrlForLayer."""
        from .pulls.layer_pulls import LayerPulls

        return LayerPulls(self, self.contacts, self.cache)

    @room
    def referrer_pulls(self) -> ReferrerPulls:
        """ListImageReferrers."""
        from .pulls.referrer_pulls import ReferrerPulls

        return ReferrerPulls(self, self.rules, self.contacts, self.cache)

    @room
    def contacts(self) -> Contacts:
        """ValidatePullThroughCacheRule, and who asks an upstream for what."""
        from .pulls.contacts import Contacts

        return Contacts(self, self.rules, self.new_repositories)

    @room
    def cache(self) -> Cache:
        """What was pulled, and when."""
        from .pulls.cache import Cache

        return Cache(self, self.new_repositories, self.layers)

    @room
    def layers(self) -> Layers:
        """BatchCheckLayerAvailability, and the bytes of layers."""
        from .images.layers import Layers

        return Layers()

    @room
    def uploads(self) -> Uploads:
        """InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload."""
        from .images.uploads import Uploads

        return Uploads(self.layers)

    @room
    def new_repositories(self) -> Repositories:
        """The repositories that are made as templates say."""
        from .images.repositories import Repositories

        return Repositories(self, self.templates)

    @room
    def download_tickets(self) -> DownloadTickets:
        """The signatures in the URLs of layers."""
        from .pulls.tickets import DownloadTickets

        return DownloadTickets()

    @property
    def registry(self) -> RegistryId:
        return RegistryId(self.account_id, self.region_name)

    # --- methods of moto's that do more here -------------------------------------------------------------------------

    def put_image(
        self,
        repository_name: str,
        image_manifest: str,
        image_tag: str,
        image_manifest_mediatype: str | None = None,
        digest: str | None = None,
    ) -> Image:
        """Store an image under its true digest, and make the tag its pusher's. (PutImage)"""
        from hashlib import sha256

        with backend_lock, self._sweeping(repository_name):
            digest = digest or f"sha256:{sha256(image_manifest.encode()).hexdigest()}"
            image = super().put_image(repository_name, image_manifest, image_tag, image_manifest_mediatype, digest)
            if self.is_cached(repository_name):
                self.cache.give_away(self.repositories[repository_name], image_tag)
            return image

    def batch_delete_image(
        self,
        repository_name: str,
        registry_id: str | None = None,
        image_ids: list[dict[str, str]] | None = None,
    ) -> dict[str, Any]:
        """Let go of the layers that no image needs any more. (BatchDeleteImage)"""
        with backend_lock, self._sweeping(repository_name):
            if not self.is_cached(repository_name):
                return super().batch_delete_image(repository_name, registry_id, image_ids)
            with self.cache.naming_untagged(self.repositories[repository_name]) as named:
                answer = super().batch_delete_image(repository_name, registry_id, image_ids)
            answer["imageIds"] += named
            return answer

    def delete_repository(
        self, repository_name: str, registry_id: str | None = None, force: bool = False
    ) -> Repository:
        """Let go of all layers. (DeleteRepository)"""
        with backend_lock:
            repository = super().delete_repository(repository_name, registry_id, force)
            for used in ("layers", "uploads", "cache"):
                if used in vars(self):
                    getattr(self, used).forget(repository)
            return repository

    def _validate_registry_policy_action(self, policy_text: str) -> None:
        # moto's PutRegistryPolicy calls this, and admits two actions only.
        from .configuration.policies import check_registry_actions

        check_registry_actions(policy_text, self.account_settings.get(name="REGISTRY_POLICY_SCOPE"))

    # --- what others ask -------------------------------------------------------------------------------------------

    def is_cached(self, repository_name: str) -> bool:
        """Return whether anything was pulled into a repository."""
        return "cache" in vars(self) and self.cache.freshness.is_cached(repository_name)

    def serves(self, repository_name: str) -> bool:
        """Return whether a rule covers the repository, or pull through cache filled it when one did."""
        with backend_lock:
            return ("rules" in vars(self) and self.rules.find(repository_name) is not None) or self.is_cached(
                repository_name
            )

    @property
    def serves_any(self) -> bool:
        """Whether there is a rule, or was one that was pulled through."""
        return ("rules" in vars(self) and bool(self.rules)) or ("cache" in vars(self) and bool(self.cache.freshness))

    def held_layer(self, repository_name: str, digest: str) -> Blob | None:
        """Return the blob of a layer that is here."""
        with backend_lock:
            return self.layers.find(repository_name, digest) if "layers" in vars(self) else None

    def expire_cached_tags(self, repository_name: str | None = None) -> int:
        """Have the upstream asked at the next pull of every cached tag, and return how many there are.

        :param repository_name: of one repository only
        :raises ValueError: it does not exist
        """
        with backend_lock:
            if repository_name is not None and repository_name not in self.repositories:
                raise ValueError(f"There is no repository '{repository_name}'")
            return self.cache.freshness.expire(repository_name)

    def _sweeping(self, repository_name: str) -> Any:
        repository = self.repositories.get(repository_name)
        if repository is None or "layers" not in vars(self):
            return nullcontext()
        return self.layers.swept(repository)


def is_anything_served() -> bool:
    """Return whether a registry of any account and Region has a rule, or had one that was pulled through."""
    with backend_lock:
        return any(
            cast(PullThroughCacheBackend, backend).serves_any
            for account in ecr_backends.values()
            for backend in account.values()
        )


def register() -> None:
    """Make moto use this backend: for all accounts and Regions from now on, and for those that exist already."""
    with backend_lock:
        ecr_backends.backend = PullThroughCacheBackend
        for account in ecr_backends.values():
            account.backend = PullThroughCacheBackend
            for backend in account.values():
                backend.__class__ = PullThroughCacheBackend
