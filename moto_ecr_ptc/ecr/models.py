"""The ECR backend: moto's own, with pull through cache for one registry (one account in one Region).

What the registry is set up to do is in ``configuration``; here is what happens when somebody pulls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Any, NamedTuple, TypeVar, cast
from weakref import WeakKeyDictionary, WeakValueDictionary

from moto.core.base_backend import backend_lock
from moto.ecr.exceptions import RepositoryNotFoundException
from moto.ecr.models import Image, Repository, ecr_backends
from moto.settings import enable_iso_regions

from .configuration import RegistryConfiguration, Validation, now
from .credentials import MalformedSecret, UpstreamCredentials, find_key_problem
from .ecr_source import EcrSource
from .events import send_pull_event
from .exceptions import (
    InvalidSubjectDigest,
    LayerInaccessibleException,
    LayersNotFoundException,
    SecretException,
    UnableToGetUpstreamImageException,
    UnableToGetUpstreamLayerException,
    UnableToListUpstreamImageReferrersException,
    UpstreamError,
    UpstreamNotFound,
)
from .iam import PULL_THROUGH_CACHE_ROLE, TEMPLATE_ROLE, Caller, role_trusts
from .image_ids import MISSING, Failure, find_image, named_tags
from .images import Descriptor, is_digest
from .layers import REGISTRY_URL, download_layer
from .paging import Pages
from .pulls import (
    CachedImage,
    FetchedImage,
    ImageReferrer,
    RepositoryCache,
    fetch_image,
    find_by_tag,
    find_referrers,
    is_immutable,
    move_tag,
    referenced_blobs,
    store_image,
)
from .rules import PullThroughCacheRule, find_rule, upstream_repository_name
from .templates import find_template
from .upstream import Pull, Source, Upstream, get_upstream
from .upstreams import find_ecr_registry

REFERRERS_PER_PAGE = 50
"""The default and greatest ``maxResults`` of ListImageReferrers."""

UPLOADED_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
"""What moto calls a layer that was uploaded."""

Answer = TypeVar("Answer")

_urls: dict[bool, dict[str, Callable[[Any, str, Any], Any]]] = {}


class _Contact(NamedTuple):
    """A way to ask the upstream of a rule for a repository."""

    rule: PullThroughCacheRule
    source: Source
    repository: str
    """The repository's name at the upstream."""

    credentials: UpstreamCredentials | None


class PullThroughCacheBackend(RegistryConfiguration):
    """The ECR backend of one account in one Region.

    The upstream is asked without moto's lock held: it may be a real registry, and slow. Pulls of one repository take
    turns instead, so that many at once ask once.
    """

    def set_up_pull_through_cache(self) -> None:
        """Start with an empty pull through cache."""
        super().set_up_pull_through_cache()
        self._caches: WeakKeyDictionary[Repository, RepositoryCache] = WeakKeyDictionary()
        self._uploaded_layers: WeakKeyDictionary[Repository, dict[str, bytes]] = WeakKeyDictionary()
        self._turns: WeakValueDictionary[str, _Turn] = WeakValueDictionary()
        self._referrer_pages: Pages[ImageReferrer] = Pages()

    @property
    def urls(self) -> dict[str, Callable[[Any, str, Any], Any]]:
        """What moto answers in process: kept, for moto asks at every request and makes it anew each time."""
        isolated = enable_iso_regions()  # all that it depends on
        if isolated not in _urls:
            _urls[isolated] = {**super().urls, REGISTRY_URL: download_layer}
        return _urls[isolated]

    # --- images --------------------------------------------------------------------------------------------------

    def serves(self, repository_name: str) -> bool:
        """Return whether a rule covers the repository, or pull through cache filled it when one did."""
        with backend_lock:
            return self._find_rule(repository_name) is not None or self._find_cache(repository_name) is not None

    def pull_images(
        self,
        *,
        repository_name: str,
        image_ids: Sequence[dict[str, str]],
        registry_id: str | None = None,
        accepted_media_types: Sequence[str] | None = None,
        caller: Caller | None = None,
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return images and failures, after a look at the upstream where one is due. (BatchGetImage)

        Tags that are not cached, or were last looked for 24 hours ago or more, are asked for at the upstream. A
        repository that does not exist is created when the upstream has the image, as the template for it says.

        :param image_ids: ``imageTag``, ``imageDigest`` or both
        :param accepted_media_types: images of other media types count as missing; None accepts all
        :raises RepositoryNotFoundException: it does not exist, and the upstream lacks the images
        :raises UnableToGetUpstreamImageException: the rule's secret is missing, unreadable or malformed
        """
        failures: dict[str, Failure] = {}
        if registry_id in (None, self.account_id):
            for tag in named_tags(image_ids):
                error = self._pull(repository_name, tag, caller)
                if error:
                    failures[tag] = Failure(error.code, error.reason)
        with backend_lock:
            repository = self.repositories.get(repository_name)
            if repository is None or registry_id not in (None, repository.registry_id):
                if all(failure.code == MISSING.code for failure in failures.values()):
                    raise RepositoryNotFoundException(repository_name, registry_id or self.account_id)
                repository = None
            images: list[dict[str, Any]] = []
            failed: list[dict[str, Any]] = []
            for image_id in image_ids:
                found = find_image(repository, image_id, failures, accepted_media_types)
                if isinstance(found, Failure):
                    failed.append({"imageId": image_id, "failureCode": found.code, "failureReason": found.reason})
                    continue
                if isinstance(found, CachedImage):
                    found.last_recorded_pull_time = now()
                images.append(_describe_image(found, image_id))
            return images, failed

    def _pull(self, repository_name: str, tag: str, caller: Caller | None) -> UpstreamError | None:
        """Have the upstream's image under a tag, if a look at the upstream is due, and return what went wrong."""
        with backend_lock:
            if not self._is_due(repository_name, tag):
                return None
        with self._turn(repository_name):
            with backend_lock:
                if not self._is_due(repository_name, tag):
                    return None  # somebody else pulled it in the meantime
                try:
                    contact = self._find_contact(repository_name, caller)
                except (SecretException, MalformedSecret):
                    if self._find_tagged(repository_name, tag):
                        return None
                    raise UnableToGetUpstreamImageException from None
                if contact is None:
                    return None
            outcome: FetchedImage | UpstreamError
            try:
                outcome = self._ask(
                    contact,
                    tag,
                    lambda: fetch_image(contact.source, contact.repository, tag, contact.credentials),
                )
            except UpstreamError as error:
                outcome = error
            with backend_lock:
                stored = self._store(contact.rule, repository_name, tag, outcome)
        if stored or isinstance(outcome, UpstreamError):
            send_pull_event(
                contact.rule,
                region=self.region_name,
                repository_arn=self._repository_arn(repository_name),
                repository_name=repository_name,
                tag=tag,
                outcome=outcome if isinstance(outcome, UpstreamError) else outcome.root.digest,
            )
        return outcome if isinstance(outcome, UpstreamError) else None

    def _is_due(self, repository_name: str, tag: str) -> bool:
        """Return whether the upstream has to be asked for a tag."""
        repository, cache = self.repositories.get(repository_name), self._find_cache(repository_name)
        image = repository and find_by_tag(repository, tag)
        if image is None:
            return True
        # A tag that somebody put there is theirs.
        if cache is None or tag not in cache.asked or not isinstance(image, CachedImage):
            return False
        return not cache.is_fresh(tag, now())

    def _find_tagged(self, repository_name: str, tag: str) -> Image | None:
        repository = self.repositories.get(repository_name)
        return None if repository is None else find_by_tag(repository, tag)

    def _store(
        self, rule: PullThroughCacheRule, repository_name: str, tag: str, outcome: FetchedImage | UpstreamError
    ) -> bool:
        """Store what a pull brought, and return whether there was a place for it."""
        if isinstance(outcome, UpstreamError):
            cache = self._find_cache(repository_name)
            if cache and tag in cache.asked:
                cache.asked[tag] = now()
            return False
        opened = self._open_cache(rule, repository_name)
        if opened is None:
            return False
        repository, cache = opened
        cache.asked[tag] = now()
        if find_by_tag(repository, tag) is None or not is_immutable(repository, tag):
            move_tag(repository, tag, store_image(repository, cache, outcome))
        return True

    # --- layers --------------------------------------------------------------------------------------------------

    def find_layer(
        self,
        *,
        repository_name: str,
        layer_digest: str,
        registry_id: str | None = None,
        caller: Caller | None = None,
    ) -> bytes:
        """Return the bytes of a layer or of an image's configuration. (GetDownloadUrlForLayer)

        Those that are not cached yet are asked for at the upstream, if the repository exists and a rule covers it.

        :raises RepositoryNotFoundException: no such repository
        :raises LayersNotFoundException: neither the repository nor the upstream has it
        :raises LayerInaccessibleException: moto has forgotten its bytes
        :raises UnableToGetUpstreamLayerException: the upstream does not give it, or the secret cannot be used
        """
        with backend_lock:
            repository = self._get_repository(repository_name, registry_id)
            layer = self._held_layer(repository, layer_digest)
            if layer is not None:
                return layer
            try:
                contact = self._find_contact(repository_name, caller)
            except (SecretException, MalformedSecret):
                raise UnableToGetUpstreamLayerException from None
        if contact is None:
            if layer_digest in getattr(repository, "layers", ()):
                raise LayerInaccessibleException
            raise LayersNotFoundException
        try:
            layer = self._ask(
                contact,
                layer_digest,
                lambda: contact.source.get_blob(contact.repository, layer_digest, contact.credentials),
            )
        except UpstreamNotFound:
            raise LayersNotFoundException from None
        except UpstreamError:
            raise UnableToGetUpstreamLayerException from None
        with backend_lock:
            if self.repositories.get(repository_name) is repository:
                self._caches.setdefault(repository, RepositoryCache()).blobs[layer_digest] = layer
        return layer

    def held_layer(self, repository_name: str, layer_digest: str) -> bytes | None:
        """Return the bytes of a layer that is here."""
        with backend_lock:
            repository = self.repositories.get(repository_name)
            return None if repository is None else self._held_layer(repository, layer_digest)

    def _held_layer(self, repository: Repository, digest: str) -> bytes | None:
        cache = self._caches.get(repository)
        if cache and digest in cache.blobs:
            return cache.blobs[digest]
        return self._uploaded_layers.get(repository, {}).get(digest)

    def check_layers(
        self, *, repository_name: str, layer_digests: Sequence[str], registry_id: str | None = None
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the layers that a repository has, cached or uploaded, and failures. (BatchCheckLayerAvailability)

        :raises RepositoryNotFoundException: no such repository
        """
        with backend_lock:
            repository = self._get_repository(repository_name, registry_id)
            uploaded: dict[str, int] = getattr(repository, "layers", {})  # moto 5.2.4 or newer
            available = {
                **{digest: Descriptor(UPLOADED_LAYER_TYPE, digest, size) for digest, size in uploaded.items()},
                **referenced_blobs(image for image in repository.images if isinstance(image, CachedImage)),
            }
        layers: list[dict[str, Any]] = []
        failures: list[dict[str, Any]] = []
        for digest in layer_digests:
            layer = available.get(digest)
            if layer:
                layers.append(
                    {
                        "layerDigest": digest,
                        "layerAvailability": "AVAILABLE",
                        "layerSize": layer.size,
                        "mediaType": layer.media_type,
                    }
                )
                continue
            code, reason = (
                ("MissingLayerDigest", f"Layer digest '{digest}' could not be found")
                if is_digest(digest)
                else ("InvalidLayerDigest", f"Invalid layer digest '{digest}'")
            )
            failures.append({"layerDigest": digest, "failureCode": code, "failureReason": reason})
        return layers, failures

    def complete_layer_upload(
        self, repository_name: str, upload_id: str, layer_digests: list[str], registry_id: str | None = None
    ) -> dict[str, Any]:
        """Keep the bytes, of which moto keeps the size alone. (CompleteLayerUpload)"""
        with backend_lock:
            repository = self.repositories.get(repository_name)
            parts = repository.uploads[upload_id].layer_parts if repository and upload_id in repository.uploads else b""
            answer = super().complete_layer_upload(repository_name, upload_id, layer_digests, registry_id)
            assert repository is not None  # moto found it
            self._uploaded_layers.setdefault(repository, {})[answer["layerDigest"]] = bytes(parts)
            return answer

    def batch_delete_image(
        self,
        repository_name: str,
        registry_id: str | None = None,
        image_ids: list[dict[str, str]] | None = None,
    ) -> dict[str, Any]:
        """Let go of the layers that no image needs any more. (BatchDeleteImage)"""
        with backend_lock:
            answer = super().batch_delete_image(repository_name, registry_id, image_ids)
            cache = self._find_cache(repository_name)
            if cache:
                needed = referenced_blobs(self.repositories[repository_name].images)
                cache.blobs = {digest: blob for digest, blob in cache.blobs.items() if digest in needed}
            return answer

    # --- referrers -----------------------------------------------------------------------------------------------

    def list_image_referrers(
        self,
        *,
        repository_name: str,
        digest: str,
        registry_id: str | None = None,
        artifact_types: Sequence[str] | None = None,
        artifact_status: str | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
        caller: Caller | None = None,
    ) -> tuple[list[ImageReferrer], str | None]:
        """Return a page of the images that refer to one, after a look at the upstream. (ListImageReferrers)

        The upstream is asked at most once in 24 hours for the referrers of an image; they are stored without a tag.

        :raises RepositoryNotFoundException: it does not exist, and the upstream has no referrers
        :raises UnableToListUpstreamImageReferrersException: the upstream does not answer, or the secret cannot be used,
            and it was never asked before
        :raises InvalidParameterException: no digest, or a token that this registry did not issue
        """
        if not is_digest(digest):
            raise InvalidSubjectDigest(digest)
        if registry_id in (None, self.account_id):
            self._pull_referrers(repository_name, digest, caller)
        with backend_lock:
            repository = self._get_repository(repository_name, registry_id)
            referrers = [
                referrer
                for referrer in find_referrers(repository, digest)
                if artifact_status in (None, "ACTIVE", "ANY")
                and (not artifact_types or referrer.artifact_type in artifact_types)
            ]
            referrers.sort(key=lambda referrer: referrer.sequence)
            return self._referrer_pages.page(referrers, max_results, next_token, REFERRERS_PER_PAGE)

    def _pull_referrers(self, repository_name: str, digest: str, caller: Caller | None) -> None:
        with self._turn(repository_name):
            with backend_lock:
                cache = self._find_cache(repository_name)
                if cache and cache.is_fresh(digest, now()):
                    return
            try:
                with backend_lock:
                    contact = self._find_contact(repository_name, caller)
                if contact is None:
                    return
                rule = contact.rule
                fetched = self._ask(contact, digest, partial(_fetch_referrers, contact, digest))
            except UpstreamNotFound:
                fetched = []
            except (UpstreamError, SecretException, MalformedSecret):
                if cache is None or digest not in cache.asked:
                    raise UnableToListUpstreamImageReferrersException from None
                cache.asked[digest] = now()
                return
            with backend_lock:
                if not fetched and repository_name not in self.repositories:
                    return
                opened = self._open_cache(rule, repository_name)
                if opened:
                    repository, cache = opened
                    for referrer in fetched:
                        store_image(repository, cache, referrer)
                    cache.asked[digest] = now()

    # --- rules at work -------------------------------------------------------------------------------------------

    def validate_pull_through_cache_rule(
        self, *, ecr_repository_prefix: str, registry_id: str | None = None, caller: Caller | None = None
    ) -> Validation:
        """Try a rule's credentials: the secret as it is now, then the upstream. (ValidatePullThroughCacheRule)

        A rule without a secret is valid.

        :raises PullThroughCacheRuleNotFoundException: the prefix has no rule
        :raises AccessDeniedException: another account's registry
        """
        with backend_lock:
            rule = self.find_rule_of_prefix(ecr_repository_prefix, registry_id)
            if rule.credential_arn is None:
                return Validation(rule, failure="")
            try:
                credentials = self._secret_reader(caller).read(rule.credential_arn)
            except (SecretException, MalformedSecret) as problem:
                return Validation(rule, failure=f"The secret '{rule.credential_arn}' {problem.reason}")
            upstream = get_upstream(rule.upstream_registry_url)
        try:
            upstream.authenticate(credentials)
        except UpstreamError as error:
            return Validation(rule, failure=error.reason)
        return Validation(rule, failure="")

    def expire_cached_tags(self, repository_name: str | None = None) -> None:
        """Have the upstream asked at the next pull of every cached tag: of one repository, or of all."""
        with backend_lock:
            for repository, cache in self._caches.items():
                if repository_name in (None, repository.name):
                    cache.asked = dict.fromkeys(cache.asked, datetime.min.replace(tzinfo=now().tzinfo))

    def _find_rule(self, repository_name: str) -> PullThroughCacheRule | None:
        return find_rule(self.pull_through_cache_rules.values(), repository_name)

    def _find_contact(self, repository_name: str, caller: Caller | None) -> _Contact | None:
        """Return how to ask the upstream for a repository.

        None: no rule covers it, the caller may not import, or the repository does not exist and cannot be created.

        :raises SecretException, MalformedSecret: the rule's secret cannot be used
        """
        rule = self._find_rule(repository_name)
        if rule is None or not self._may_import(repository_name, caller):
            return None
        credentials = self._secret_reader(caller).read(rule.credential_arn) if rule.credential_arn else None
        return _Contact(
            rule, self._find_source(rule, caller), upstream_repository_name(rule, repository_name), credentials
        )

    def _find_source(self, rule: PullThroughCacheRule, caller: Caller | None) -> Source:
        registry = find_ecr_registry(rule.upstream_registry_url)
        if registry is None:
            return get_upstream(rule.upstream_registry_url)
        # Roles and policies count while moto enforces IAM.
        return EcrSource(registry, rule.custom_role_arn if caller else None, self.account_id)

    def _may_import(self, repository_name: str, caller: Caller | None) -> bool:
        arn = self._repository_arn(repository_name)

        def may(action: str) -> bool:
            return caller is None or caller.may(action, arn, self.registry_policy)

        if not may("ecr:BatchImportUpstreamImage"):
            return False
        if repository_name in self.repositories:
            return True
        template = find_template(self.repository_creation_templates.values(), repository_name, "PULL_THROUGH_CACHE")
        if template and template.resource_tags and not may("ecr:TagResource"):
            return False
        return may("ecr:CreateRepository") and self._can_create(repository_name, enforced=caller is not None)

    def _can_create(self, repository_name: str, *, enforced: bool = False) -> bool:
        """Return whether the template for a repository, if there is one, lets its creation succeed.

        Tags and KMS keys need the template's role. While moto does not enforce IAM, it need not exist; one that exists
        must trust ECR all the same.
        """
        template = find_template(self.repository_creation_templates.values(), repository_name, "PULL_THROUGH_CACHE")
        if template is None:
            return True
        encryption = template.encryption_configuration
        key = encryption.get("kmsKey")
        if key and find_key_problem(key, self.account_id, self.region_name):
            return False
        if not template.resource_tags and encryption["encryptionType"] == "AES256":
            return True
        if not template.custom_role_arn:
            return False
        services = (PULL_THROUGH_CACHE_ROLE.service, TEMPLATE_ROLE.service)
        trusts = role_trusts(template.custom_role_arn, services, account_id=self.account_id, partition=self.partition)
        return not enforced if trusts is None else trusts

    def _open_cache(
        self, rule: PullThroughCacheRule, repository_name: str
    ) -> tuple[Repository, RepositoryCache] | None:
        """Return a repository to store in, created if need be; None if the rule is gone or it cannot be created."""
        current = self._find_rule(repository_name)
        if current is None or current.sequence != rule.sequence:
            return None  # deleted, or moto was reset, while the upstream was asked
        repository = self.repositories.get(repository_name)
        if repository is None:
            if not self._can_create(repository_name):
                return None
            repository = self._create_cached_repository(repository_name)
        return repository, self._caches.setdefault(repository, RepositoryCache())

    def _create_cached_repository(self, name: str) -> Repository:
        template = find_template(self.repository_creation_templates.values(), name, "PULL_THROUGH_CACHE")
        # Not by moto's create_repository: that refuses names with '__' or '--', which ECR takes.
        repository: Repository = cast(Any, Repository)(
            self.account_id,
            self.region_name,
            name,
            None,
            dict(template.encryption_configuration) if template else None,
            None,
            "MUTABLE",
        )
        self.repositories[name] = repository
        if template:
            repository.image_tag_mutability = template.image_tag_mutability
            repository.image_tag_mutability_exclusion_filters = cast(
                Any, template.image_tag_mutability_exclusion_filters
            )
            self.tagger.tag_resource(repository.arn, template.resource_tags or [])
            repository.policy = template.repository_policy
            repository.lifecycle_policy = template.lifecycle_policy
        with self.registry_scanning_configuration_update_lock:
            configuration = self.registry_scanning_configuration
            for rule in configuration["rules"]:
                for scan_filter in rule["repositoryFilters"]:
                    if self._match_repository_filter(scan_filter["filter"], name):
                        repository.scanning_config["scanFrequency"] = rule["scanFrequency"]
                        repository.scanning_config["appliedScanFilters"] = [scan_filter]
        return repository

    def _ask(self, contact: _Contact, reference: str, call: Callable[[], Answer]) -> Answer:
        """Ask the upstream, and have it remember that it was asked."""
        outcome = "ok"
        try:
            return call()
        except UpstreamError as error:
            outcome = error.code
            raise
        finally:
            if isinstance(contact.source, Upstream):
                contact.source.record(
                    Pull(contact.repository, reference, self.account_id, self.region_name, now(), outcome)
                )

    def _find_cache(self, repository_name: str) -> RepositoryCache | None:
        repository = self.repositories.get(repository_name)
        return None if repository is None else self._caches.get(repository)

    def _repository_arn(self, repository_name: str) -> str:
        return f"arn:{self.partition}:ecr:{self.region_name}:{self.account_id}:repository/{repository_name}"

    @contextmanager
    def _turn(self, repository_name: str) -> Iterator[None]:
        """Let one pull of a repository at a time ask the upstream. Never entered with moto's lock held."""
        with backend_lock:
            turn = self._turns.setdefault(repository_name, _Turn())
        with turn.lock:
            yield


class _Turn:
    def __init__(self) -> None:
        self.lock = Lock()


def _fetch_referrers(contact: _Contact, digest: str) -> list[FetchedImage]:
    return [
        fetch_image(contact.source, contact.repository, referrer.digest, contact.credentials)
        for referrer in contact.source.get_referrers(contact.repository, digest, contact.credentials)
    ]


def _describe_image(image: Image, image_id: dict[str, str]) -> dict[str, Any]:
    """Return ECR's shape ``Image``, with the tag that was asked for."""
    return {
        "registryId": image.registry_id,
        "repositoryName": image.repository_name,
        "imageId": {**image_id, "imageDigest": image.get_image_digest()},
        "imageManifest": image.image_manifest,
        "imageManifestMediaType": image.image_manifest_media_type,
    }


def register() -> None:
    """Make moto use this backend: for all accounts and Regions from now on, and for those that exist already."""
    with backend_lock:
        ecr_backends.backend = PullThroughCacheBackend
        for account in ecr_backends.values():
            account.backend = PullThroughCacheBackend
            for backend in account.values():
                if not isinstance(backend, PullThroughCacheBackend):
                    backend.__class__ = PullThroughCacheBackend
                    cast(PullThroughCacheBackend, backend).set_up_pull_through_cache()
