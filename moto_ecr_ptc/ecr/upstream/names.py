"""What users write to name something at an upstream registry: repositories, tags, digests."""

from __future__ import annotations

from ..configuration.upstream_registries import DOCKER_HUB
from ..images.manifests import is_digest, is_repository, is_tag


def check_repository(repository: object) -> None:
    """Check the name of a repository.

    :raises ValueError: it is malformed
    """
    if not is_repository(repository):
        raise ValueError(f"{repository!r} is not the name of a repository")


def check_tag(tag: object) -> None:
    """Check a tag.

    :raises ValueError: it is malformed
    """
    if not is_tag(tag):
        raise ValueError(f"{tag!r} is not a tag")


def check_reference(reference: object) -> None:
    """Check a tag or a digest.

    :raises ValueError: it is malformed
    """
    if not (isinstance(reference, str) and is_digest(reference)):
        check_tag(reference)


def subject_digest(subject: object) -> str | None:
    """Return the digest of a subject, which is given as an image or by its digest; None if there is none.

    :raises ValueError: it is something else
    """
    digest = getattr(subject, "digest", subject)
    if digest is None or (isinstance(digest, str) and is_digest(digest)):
        return digest
    raise ValueError(f"subject must be an image or the digest of one ('sha256:…'), not {subject!r}")


def check_can_be_pulled(url: str, repository: str) -> None:
    """Check that a registry can have a repository with this name.

    :raises ValueError: nothing can ever be pulled from it
    """
    if is_missing_library(url, repository):
        raise ValueError(f"Docker Hub has no repository '{repository}': did you mean 'library/{repository}'?")


def is_missing_library(url: str, repository: str) -> bool:
    """Return whether a name lacks the part before its slash, as Docker Hub's official images have one."""
    return url == DOCKER_HUB and "/" not in repository


def check_removal(repository: object, reference: object) -> None:
    """Check what is to be removed: a repository, a tag in it, or an image by its digest.

    :raises ValueError: a name is malformed
    """
    check_repository(repository)
    if reference is not None:
        check_reference(reference)
