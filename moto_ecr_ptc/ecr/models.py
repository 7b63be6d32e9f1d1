"""moto's ECR backend, extended with pull through cache, for one registry (one account in one Region).

ECR's behaviour is in the backend's components. Each is imported at its first use, so that a process that never uses
pull through cache does not pay for it.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

from moto.core.base_backend import backend_lock
from moto.ecr.models import ECRBackend, Image, Repository, ecr_backends

from .components import component, made
from .registry_id import RegistryId

if TYPE_CHECKING:
    from .configuration.rules import Rules
    from .configuration.settings import AccountSettings
    from .configuration.templates import Templates
    from .images.blobs import Blob
    from .images.layers import Layers
    from .images.manifests import Manifest
    from .images.repositories import Repositories
    from .images.uploads import Uploads
    from .pulls.cache import Cache
    from .pulls.download_signer import DownloadSigner
    from .pulls.layer_pulls import LayerPulls
    from .pulls.pulling import ImagePulls
    from .pulls.referrer_pulls import ReferrerPulls
    from .pulls.upstream_repositories import UpstreamRepositories


class PullThroughCacheBackend(ECRBackend):
    """The ECR backend of one account in one Region."""

    # --- the components, with the API operations of each -----------------------------------------------------------

    @component
    def rules(self) -> Rules:
        """Create-, Describe-, Update-, DeletePullThroughCacheRule."""
        from .configuration.rules import Rules

        return Rules(self.registry)

    @component
    def templates(self) -> Templates:
        """Create-, Describe-, Update-, DeleteRepositoryCreationTemplate."""
        from .configuration.templates import Templates

        return Templates(self.registry)

    @component
    def account_settings(self) -> AccountSettings:
        """GetAccountSetting, PutAccountSetting."""
        from .configuration.settings import AccountSettings

        return AccountSettings()

    @component
    def image_pulls(self) -> ImagePulls:
        """BatchGetImage."""
        from .pulls.pulling import ImagePulls

        return ImagePulls(self, self.upstream_repositories, self.cache)

    @component
    def layer_pulls(self) -> LayerPulls:
        """GetDownloadUrlForLayer."""
        from .pulls.layer_pulls import LayerPulls

        return LayerPulls(self, self.upstream_repositories, self.cache)

    @component
    def referrer_pulls(self) -> ReferrerPulls:
        """ListImageReferrers."""
        from .pulls.referrer_pulls import ReferrerPulls

        return ReferrerPulls(self, self.upstream_repositories, self.cache)

    @component
    def upstream_repositories(self) -> UpstreamRepositories:
        """ValidatePullThroughCacheRule, and how to ask an upstream for a repository."""
        from .pulls.upstream_repositories import UpstreamRepositories

        return UpstreamRepositories(self, self.rules, self.new_repositories)

    @component
    def cache(self) -> Cache:
        """What was pulled, and when the upstream was last asked."""
        from .pulls.cache import Cache

        return Cache(self, self.new_repositories, self.layers)

    @component
    def layers(self) -> Layers:
        """BatchCheckLayerAvailability, and the layers' bytes."""
        from .images.layers import Layers

        return Layers()

    @component
    def uploads(self) -> Uploads:
        """InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload."""
        from .images.uploads import Uploads

        return Uploads(self, self.layers)

    @component
    def new_repositories(self) -> Repositories:
        """Creates repositories with the settings of their templates."""
        from .images.repositories import Repositories

        return Repositories(self, self.templates)

    @component
    def download_signer(self) -> DownloadSigner:
        """Signs the download URLs of layers."""
        from .pulls.download_signer import DownloadSigner

        return DownloadSigner()

    @property
    def registry(self) -> RegistryId:
        return RegistryId(self.account_id, self.region_name)

    # --- moto's methods, extended ------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Begin anew in one step: with moto's own, requests in other threads may meet a backend without attributes."""
        self.__dict__ = vars(type(self)(self.region_name, self.account_id))

    def put_image(
        self,
        repository_name: str,
        image_manifest: str,
        image_tag: str,
        image_manifest_mediatype: str | None = None,
        digest: str | None = None,
    ) -> Image:
        """Store an image under its real digest, and never pull its tag again. (PutImage)"""
        with backend_lock, self._cleaning_up(repository_name):
            digest = digest or f"sha256:{sha256(image_manifest.encode(errors='surrogatepass')).hexdigest()}"
            try:
                image = super().put_image(repository_name, image_manifest, image_tag, image_manifest_mediatype, digest)
            except Exception as error:
                from .images.pushes import refusal_of_put

                raise refusal_of_put(error, self, repository_name) from None
            if self.is_cached(repository_name):
                self.cache.mark_pushed(self.repositories[repository_name], image_tag)
            return image

    def push_image(self, repository: Repository, tag: str | None, manifest: Manifest) -> Image:
        """Store an image that a client pushed to the registry endpoint, and never pull its tag again."""
        from .images.pushes import push

        with backend_lock:
            image = push(repository, self.layers, tag, manifest)
            if tag and self.is_cached(repository.name):
                self.cache.mark_pushed(repository, tag)
            return image

    def batch_delete_image(
        self, repository_name: str, registry_id: str | None = None, image_ids: list[dict[str, str]] | None = None
    ) -> dict[str, Any]:
        """Delete images, and the layers that only they refer to. (BatchDeleteImage)"""
        from .images.deletions import delete_images

        with backend_lock, self._cleaning_up(repository_name):
            delete = partial(super().batch_delete_image, repository_name, registry_id)
            answer = delete_images(self.repositories.get(repository_name), image_ids, delete)
            if self.is_cached(repository_name):
                self.cache.forget_missing(self.repositories[repository_name])
            return answer

    def delete_repository(
        self, repository_name: str, registry_id: str | None = None, force: bool = False
    ) -> Repository:
        """Delete a repository with its layers and uploads. (DeleteRepository)"""
        with backend_lock:
            repository = super().delete_repository(repository_name, registry_id, force)
            for name in ("layers", "uploads", "cache"):
                if name in made(self):
                    getattr(self, name).forget(repository)
            return repository

    def _validate_registry_policy_action(self, policy_text: str) -> None:
        # moto's PutRegistryPolicy calls this; its own version accepts two actions only.
        from .configuration.policies import check_registry_actions

        check_registry_actions(policy_text, self.account_settings.get(name="REGISTRY_POLICY_SCOPE"))

    # --- queries ---------------------------------------------------------------------------------------------------

    def is_cached(self, repository_name: str) -> bool:
        """Return whether a repository was filled by pull through cache."""
        return "cache" in made(self) and self.cache.freshness.is_cached(repository_name)

    def uses_pull_through_cache(self, repository_name: str) -> bool:
        """Return whether a rule covers a repository, or once did when something was pulled into it."""
        with backend_lock:
            has_rule = "rules" in made(self) and self.rules.find(repository_name) is not None
            return has_rule or self.is_cached(repository_name)

    @property
    def has_rule_or_cached_image(self) -> bool:
        """Whether the registry has a rule, or a repository that one filled."""
        return ("rules" in made(self) and bool(self.rules)) or ("cache" in made(self) and bool(self.cache.freshness))

    def held_layer(self, repository_name: str, digest: str) -> Blob | None:
        """Return a layer's blob; None if the registry does not hold it."""
        with backend_lock:
            return self.layers.find(repository_name, digest) if "layers" in made(self) else None

    def expire_cached_tags(self, repository_name: str | None = None) -> int:
        """Make cached tags stale, so that the next pull of each asks the upstream; return how many there are.

        :param repository_name: the only repository to do so in; None means all
        :raises ValueError: there is no such repository
        """
        with backend_lock:
            if repository_name is not None and repository_name not in self.repositories:
                raise ValueError(f"There is no repository '{repository_name}'")
            return self.cache.freshness.expire(repository_name)

    def _cleaning_up(self, repository_name: str) -> Any:
        repository = self.repositories.get(repository_name)
        return self.layers.cleaning_up(repository) if repository and "layers" in made(self) else nullcontext()


def is_pull_through_cache_used() -> bool:
    """Return whether a registry of any account and Region has a rule, or a repository that one filled."""
    with backend_lock:
        backends = (backend for account in ecr_backends.values() for backend in account.values())
        return any(cast(PullThroughCacheBackend, backend).has_rule_or_cached_image for backend in backends)


def register() -> None:
    """Make moto use this backend in all accounts and Regions, including those that exist already."""
    with backend_lock:
        ecr_backends.backend = PullThroughCacheBackend
        for account in ecr_backends.values():
            account.backend = PullThroughCacheBackend
            for backend in account.values():
                backend.__class__ = PullThroughCacheBackend
