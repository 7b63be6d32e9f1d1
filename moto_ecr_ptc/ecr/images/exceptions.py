"""The errors that ECR returns for uploads and pushes: one class for each message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import InvalidParameterException

from ..exceptions import LayersNotFoundException

if TYPE_CHECKING:
    from moto.ecr.models import Repository

# --- uploads ---------------------------------------------------------------------------------------------------------


class UploadNotFoundException(ServiceException):
    code = "UploadNotFoundException"

    def __init__(self, repository: Repository, upload_id: str) -> None:
        super().__init__(
            f"The upload with id '{upload_id}' in the repository with name '{repository.name}' "
            f"in the registry with id '{repository.registry_id}' does not exist"
        )


class InvalidLayerPartException(ServiceException):
    code = "InvalidLayerPartException"

    def __init__(self, repository: Repository, upload_id: str, first_byte: int, expected: int) -> None:
        super().__init__(f"First byte of the layer part is {first_byte} instead of {expected}")
        self.registry_id = repository.registry_id
        self.repository_name = repository.name
        self.upload_id = upload_id
        self.last_valid_byte_received = expected - 1


class InvalidPartLength(InvalidParameterException):
    def __init__(self, length: int, first_byte: int, last_byte: int) -> None:
        super().__init__(
            "Invalid parameter at 'partLastByte' failed to satisfy constraint: "
            f"'A part of {length} bytes does not reach from {first_byte} to {last_byte}'"
        )


class EmptyUploadException(ServiceException):
    code = "EmptyUploadException"

    def __init__(self, repository: Repository, upload_id: str) -> None:
        super().__init__(
            f"The upload with id '{upload_id}' in the repository with name '{repository.name}' "
            f"in registry with id '{repository.registry_id}' cannot be completed because it does not have any parts"
        )


class InvalidLayerException(ServiceException):
    code = "InvalidLayerException"
    message = "None of the provided layer digests match the calculated layer digest"


class LayerPartTooSmallException(ServiceException):
    code = "LayerPartTooSmallException"
    message = "All layer parts except the last part should be at least 5MB"


class LayerNotStored(ServiceException):
    """The machine has no room for a layer."""

    code = "InvalidLayerException"

    def __init__(self, fault: OSError) -> None:
        super().__init__(f"The layer cannot be stored: {fault.strerror or fault}")


class LayerTooLarge(ServiceException):
    code = "InvalidLayerException"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The layer has more than the {limit} bytes that a layer may have")


# --- pushes ----------------------------------------------------------------------------------------------------------


INVALID_JSON = "Invalid JSON syntax"
"""The constraint that a manifest violates which is not JSON."""


class InvalidImageManifest(InvalidParameterException):
    def __init__(self, constraint: str) -> None:
        super().__init__(f"Invalid parameter at 'ImageManifest' failed to satisfy constraint: '{constraint}'")


class InvalidImageTag(InvalidParameterException):
    message = (
        "Invalid parameter at 'imageTag' failed to satisfy constraint: "
        "'must satisfy regular expression '[a-zA-Z0-9-_.]+''"
    )


class ImageDigestDoesNotMatchException(ServiceException):
    code = "ImageDigestDoesNotMatchException"

    def __init__(self, repository: Repository, digest: str) -> None:
        super().__init__(
            f"The image with digest '{digest}' in repository '{repository.name}' and registry ID "
            f"'{repository.registry_id}' does not match the image digest that Amazon ECR has calculated."
        )


class ImageTagAlreadyExistsException(ServiceException):
    code = "ImageTagAlreadyExistsException"

    def __init__(self, repository: Repository, tag: str) -> None:
        super().__init__(
            f"The image tag '{tag}' already exists in the '{repository.name}' repository "
            "and cannot be overwritten because the tag is immutable."
        )


class RequiredLayersNotFound(LayersNotFoundException):
    """Layers or the configuration of a pushed image that its repository does not hold."""

    def __init__(self, repository: Repository, digests: Iterable[str]) -> None:
        ServiceException.__init__(self, _required("Layers", repository, digests))


class ReferencedImagesNotFoundException(ServiceException):
    code = "ReferencedImagesNotFoundException"

    def __init__(self, repository: Repository, digests: Iterable[str]) -> None:
        super().__init__(_required("Images", repository, digests))


def _required(kind: str, repository: Repository, digests: Iterable[str]) -> str:
    return (
        f"{kind} with digests '[{', '.join(digests)}]' required for pushing image into repository with name "
        f"'{repository.name}' in the registry with id '{repository.registry_id}' do not exist"
    )
