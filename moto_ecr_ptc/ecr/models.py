"""The ECR backend: moto's own, with pull through cache for one registry (one account in one Region).

What the registry is set up to do is in ``configuration``; here is what happens when somebody pulls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar, cast
from weakref import WeakValueDictionary

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
    UpstreamUnreachable,
)
from .iam import PULL_THROUGH_CACHE_ROLE, TEMPLATE_ROLE, Caller, role_trusts
from .image_ids import MISSING, Failure, GivenManifest, find_accepted, find_image, tags_to_pull
from .images import Descriptor, is_digest, is_tag
from .layers import REGISTRY_URL, DownloadTickets, download_layer
from .paging import Pages
from .pulls import (
    CachedImage,
    FetchedImage,
    ImageReferrer,
    RepositoryCache,
    digest_of,
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
from .turns import Turn
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
        self._caches: dict[str, RepositoryCache] = {}
        self._uploaded_layers: dict[str, dict[str, bytes]] = {}
        self._turns: WeakValueDictionary[str, Turn] = WeakValueDictionary()
        self._referrer_pages: Pages[ImageReferrer] = Pages()
        self.download_tickets = DownloadTickets()

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
            return self._find_rule(repository_name) is not None or repository_name in self._caches

    @property
    def has_cached(self) -> bool:
        """Whether a repository was filled by pull through cache."""
        return bool(self._caches)

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
        :param accepted_media_types: None accepts all. An image of another media type is translated between Docker's
            schema 2 and OCI if it is asked for by its tag, and counts as missing otherwise
        :raises RepositoryNotFoundException: it does not exist, and the upstream lacks the images
        :raises UnableToGetUpstreamImageException: the rule's secret is missing, unreadable or malformed
        """
        failures: dict[str, Failure] = {}
        if registry_id in (None, self.account_id):
            silence: UpstreamUnreachable | None = None
            for tag in tags_to_pull(image_ids):
                error = self._pull(repository_name, tag, caller, silence)
                if error:
                    failures[tag] = Failure(error.code, error.reason)
                if isinstance(error, UpstreamUnreachable):
                    silence = error
        with backend_lock:
            repository = self.repositories.get(repository_name)
            if repository is None or registry_id not in (None, repository.registry_id):
                if all(failure.code == MISSING.code for failure in failures.values()):
                    raise RepositoryNotFoundException(repository_name, registry_id or self.account_id)
                repository = None
            images: list[dict[str, Any]] = []
            failed: list[dict[str, Any]] = []
            for image_id in image_ids:
                image = find_image(repository, image_id, failures)
                given = image if isinstance(image, Failure) else find_accepted(image, image_id, accepted_media_types)
                if isinstance(image, Failure) or isinstance(given, Failure):
                    failure = cast(Failure, given)
                    failed.append({"imageId": image_id, "failureCode": failure.code, "failureReason": failure.reason})
                    continue
                if isinstance(image, CachedImage):
                    image.last_recorded_pull_time = now()
                images.append(_describe_image(image, image_id, given))
            return images, failed

    def _pull(
        self, repository_name: str, tag: str, caller: Caller | None, silence: UpstreamUnreachable | None
    ) -> UpstreamError | None:
        """Have the upstream's image under a tag, if a look at the upstream is due, and return what went wrong.

        :param silence: the upstream did not answer when it was asked for another image just now
        """
        with backend_lock:
            if not self._is_due(repository_name, tag):
                return None
            turn = self._turns.setdefault(repository_name, Turn())
        with turn.take(tag) as failure:
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
                failure = failure or silence
                if failure:
                    self._postpone(repository_name, tag)
                    return failure
            outcome: FetchedImage | UpstreamError
            try:
                outcome = self._ask(
                    contact,
                    tag,
                    lambda: fetch_image(contact.source, contact.repository, tag, contact.credentials),
                )
            except UpstreamError as error:
                outcome = error
                turn.fail(tag, error)
            with backend_lock:
                report = self._store(contact.rule, repository_name, tag, outcome)
        if report:
            send_pull_event(contact.rule, repository_arn=self._repository_arn(repository_name), tag=tag, outcome=report)
        return outcome if isinstance(outcome, UpstreamError) else None

    def _is_due(self, repository_name: str, tag: str) -> bool:
        """Return whether the upstream has to be asked for a tag."""
        if self._find_tagged(repository_name, tag) is None:
            return True
        cache = self._caches.get(repository_name)
        # A tag that somebody put there is theirs.
        return cache is not None and tag in cache.asked and not cache.is_fresh(tag, now())

    def _find_tagged(self, repository_name: str, tag: str) -> Image | None:
        repository = self.repositories.get(repository_name)
        return None if repository is None else find_by_tag(repository, tag)

    def _postpone(self, repository_name: str, reference: str) -> None:
        """Have a failure count as an answer for what is cached: it is asked for again in 24 hours."""
        cache = self._caches.get(repository_name)
        if cache and reference in cache.asked:
            cache.asked[reference] = now()

    def _store(
        self, rule: PullThroughCacheRule, repository_name: str, tag: str, outcome: FetchedImage | UpstreamError
    ) -> str | UpstreamError | None:
        """Store what a pull brought.

        Return the digest that the tag names now, or what went wrong; None if there is no place for it any more.
        """
        if not self._is_current(rule, repository_name):
            return None
        if isinstance(outcome, UpstreamError):
            self._postpone(repository_name, tag)
            return outcome
        opened = self._open_cache(repository_name)
        if opened is None:
            return None
        repository, cache = opened
        image = find_by_tag(repository, tag)
        # Somebody may have put the tag there while the upstream was asked: then it is theirs.
        is_cached = image is None or tag in cache.asked
        if is_cached:
            cache.asked[tag] = now()
            if image is None or not is_immutable(repository, tag):
                image = store_image(repository, cache, outcome)
                move_tag(repository, tag, image)
        assert image is not None  # it is stored now, or was there
        return digest_of(image)

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
            layer = self.held_layer(repository_name, layer_digest)
            if layer is not None:
                return layer
            missing = LayersNotFoundException(layer_digest, repository_name, repository.registry_id)
            described = referenced_blobs(repository.images).get(layer_digest)
            try:
                contact = self._find_contact(repository_name, caller)
            except (SecretException, MalformedSecret):
                raise UnableToGetUpstreamLayerException from None
        if contact is None:
            if layer_digest in getattr(repository, "layers", ()):
                raise LayerInaccessibleException
            raise missing
        try:
            layer = self._ask(
                contact,
                layer_digest,
                lambda: contact.source.get_blob(
                    contact.repository, layer_digest, contact.credentials, described and described.size
                ),
            )
        except UpstreamNotFound:
            raise missing from None
        except UpstreamError:
            raise UnableToGetUpstreamLayerException from None
        with backend_lock:
            # Meanwhile its image may have been deleted, or the repository, or the rule.
            is_needed = described is None or layer_digest in referenced_blobs(repository.images)
            if (
                self._get_repository(repository_name, registry_id) is not repository
                or not self._is_current(contact.rule, repository_name)
                or not is_needed
            ):
                raise missing
            self._caches.setdefault(repository_name, RepositoryCache()).blobs[layer_digest] = layer
        return layer

    def held_layer(self, repository_name: str, layer_digest: str) -> bytes | None:
        """Return the bytes of a layer that is here."""
        with backend_lock:
            cache = self._caches.get(repository_name)
            if cache and layer_digest in cache.blobs:
                return cache.blobs[layer_digest]
            return self._uploaded_layers.get(repository_name, {}).get(layer_digest)

    def check_layers(
        self, *, repository_name: str, layer_digests: Sequence[str], registry_id: str | None = None
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the layers that a repository has, cached or uploaded, and failures. (BatchCheckLayerAvailability)

        :raises RepositoryNotFoundException: no such repository
        """
        with backend_lock:
            repository = self._get_repository(repository_name, registry_id)
            uploaded: dict[str, int] = getattr(repository, "layers", {})  # moto 5.2.4 or newer
            cache = self._caches.get(repository_name, RepositoryCache())
            available = {
                **{digest: Descriptor(UPLOADED_LAYER_TYPE, digest, size) for digest, size in uploaded.items()},
                **{
                    digest: blob
                    for digest, blob in referenced_blobs(repository.images).items()
                    if digest in cache.blobs
                },
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
            upload = repository.uploads.get(upload_id) if repository else None
            answer = super().complete_layer_upload(repository_name, upload_id, layer_digests, registry_id)
            assert upload is not None  # moto found it
            self._uploaded_layers.setdefault(repository_name, {})[answer["layerDigest"]] = bytes(upload.layer_parts)
            upload.layer_parts.clear()  # moto keeps all uploads until a reset
            return answer

    def put_image(
        self,
        repository_name: str,
        image_manifest: str,
        image_tag: str,
        image_manifest_mediatype: str | None = None,
        digest: str | None = None,
    ) -> Image:
        """Make the tag its pusher's: it is not looked for at the upstream any more. (PutImage)"""
        with backend_lock:
            cache = self._caches.get(repository_name)
            if cache is None:
                return super().put_image(repository_name, image_manifest, image_tag, image_manifest_mediatype, digest)
            blobs = cache.blobs  # moto takes the tag's old image away before it puts the new one there
            image = super().put_image(repository_name, image_manifest, image_tag, image_manifest_mediatype, digest)
            cache.blobs = blobs
            cache.asked.pop(image_tag, None)
            cache.clear_out(self.repositories[repository_name])
            return image

    def batch_delete_image(
        self,
        repository_name: str,
        registry_id: str | None = None,
        image_ids: list[dict[str, str]] | None = None,
    ) -> dict[str, Any]:
        """Let go of the layers that no image needs any more. (BatchDeleteImage)"""
        with backend_lock:
            cache = self._caches.get(repository_name)
            if cache is None:
                return super().batch_delete_image(repository_name, registry_id, image_ids)
            repository = self.repositories[repository_name]
            untagged = [image for image in repository.images if isinstance(image, CachedImage) and not image.image_tags]
            answer = super().batch_delete_image(repository_name, registry_id, image_ids)
            cache.clear_out(repository)
            # moto answers with a deleted image's tags, and nothing for one that has none.
            answer["imageIds"] += [
                {"imageDigest": image.manifest.digest} for image in untagged if image not in repository.images
            ]
            return answer

    def delete_repository(
        self, repository_name: str, registry_id: str | None = None, force: bool = False
    ) -> Repository:
        """Let go of all layers. (DeleteRepository)"""
        with backend_lock:
            repository = super().delete_repository(repository_name, registry_id, force)
            if self._caches.pop(repository_name, None) is not None:
                # moto would keep it until a reset.
                with suppress(ValueError):
                    cast(Any, Repository).instances_tracked.remove(repository)
            self._uploaded_layers.pop(repository_name, None)
            return repository

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
        may_read = caller is None or caller.may(
            "ecr:BatchGetImage", self._repository_arn(repository_name), self.registry_policy
        )
        if registry_id in (None, self.account_id) and may_read:
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
        """Have the upstream's referrers of an image, if a look at the upstream is due."""
        with backend_lock:
            if self._knows_referrers(repository_name, digest) or self._find_rule(repository_name) is None:
                return
            turn = self._turns.setdefault(repository_name, Turn())
        with turn.take(digest) as failure:
            with backend_lock:
                if self._knows_referrers(repository_name, digest):
                    return
                contact = None
                has_secret = True
                try:
                    contact = self._find_contact(repository_name, caller)
                except (SecretException, MalformedSecret):
                    has_secret = False
                if not has_secret or (contact and failure):
                    self._miss_referrers(repository_name, digest)
                    return
                if contact is None:
                    return
            try:
                fetched = self._ask(contact, digest, partial(_fetch_referrers, contact, digest))
            except UpstreamNotFound:
                fetched = []
            except UpstreamError as error:
                turn.fail(digest, error)
                with backend_lock:
                    self._miss_referrers(repository_name, digest)
                return
            with backend_lock:
                self._store_referrers(contact.rule, repository_name, digest, fetched)

    def _store_referrers(
        self, rule: PullThroughCacheRule, repository_name: str, digest: str, fetched: Sequence[FetchedImage]
    ) -> None:
        if not fetched and repository_name not in self.repositories:
            return  # there is nothing to make a repository for
        opened = self._open_cache(repository_name) if self._is_current(rule, repository_name) else None
        if opened:
            repository, cache = opened
            for referrer in fetched:
                store_image(repository, cache, referrer)
            cache.asked[digest] = now()

    def _knows_referrers(self, repository_name: str, digest: str) -> bool:
        cache = self._caches.get(repository_name)
        return cache is not None and cache.is_fresh(digest, now())

    def _miss_referrers(self, repository_name: str, digest: str) -> None:
        """Do with the referrers that are cached.

        :raises UnableToListUpstreamImageReferrersException: the upstream never answered for this image
        """
        cache = self._caches.get(repository_name)
        if cache is None or digest not in cache.asked:
            raise UnableToListUpstreamImageReferrersException
        self._postpone(repository_name, digest)

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

    def expire_cached_tags(self, repository_name: str | None = None) -> int:
        """Have the upstream asked at the next pull of every cached tag, and return how many there are.

        :param repository_name: of one repository only
        :raises ValueError: it does not exist
        """
        with backend_lock:
            if repository_name is not None and repository_name not in self.repositories:
                raise ValueError(f"There is no repository '{repository_name}'")
            expired = 0
            for name, cache in self._caches.items():
                if repository_name in (None, name):
                    expired += sum(map(is_tag, cache.asked))
                    cache.asked = dict.fromkeys(cache.asked, datetime.min.replace(tzinfo=now().tzinfo))
            return expired

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

    def _is_current(self, rule: PullThroughCacheRule, repository_name: str) -> bool:
        """Return whether the rule covers the repository still, after the upstream was asked."""
        current = self._find_rule(repository_name)
        return current is not None and current.sequence == rule.sequence

    def _open_cache(self, repository_name: str) -> tuple[Repository, RepositoryCache] | None:
        """Return a repository to store in, created if need be; None if it cannot be created."""
        repository = self.repositories.get(repository_name)
        if repository is None:
            if not self._can_create(repository_name):
                return None
            repository = self._create_cached_repository(repository_name)
        return repository, self._caches.setdefault(repository_name, RepositoryCache())

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

    def _repository_arn(self, repository_name: str) -> str:
        return f"arn:{self.partition}:ecr:{self.region_name}:{self.account_id}:repository/{repository_name}"


def _fetch_referrers(contact: _Contact, digest: str) -> list[FetchedImage]:
    fetched: list[FetchedImage] = []
    for referrer in contact.source.get_referrers(contact.repository, digest, contact.credentials):
        with suppress(UpstreamNotFound):  # a registry may list what it has deleted
            fetched.append(fetch_image(contact.source, contact.repository, referrer.digest, contact.credentials))
    return fetched


def _describe_image(image: Image, image_id: dict[str, str], given: GivenManifest) -> dict[str, Any]:
    """Return ECR's shape ``Image``, with the tag that was asked for."""
    return {
        "registryId": image.registry_id,
        "repositoryName": image.repository_name,
        "imageId": {**image_id, "imageDigest": given.digest},
        "imageManifest": given.content,
        "imageManifestMediaType": given.media_type,
    }


def is_anything_served() -> bool:
    """Return whether a registry of any account and Region has a rule, or had one that was pulled through."""
    with backend_lock:
        return any(backend.pull_through_cache_rules or backend.has_cached for backend in _backends())


def _backends() -> Iterator[PullThroughCacheBackend]:
    for account in ecr_backends.values():
        yield from cast("Iterable[PullThroughCacheBackend]", account.values())


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
