"""The errors that ECR returns: one class for each message.

Classes that derive from ``ServiceException`` are errors in ECR's service model. ``ProtocolError`` and its subclasses
are errors of the AWS JSON protocol, which the model does not list.

``docs/fidelity.md`` says which of these messages were observed on AWS, and which are this project's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import InvalidParameterException

# --- the AWS JSON protocol -------------------------------------------------------------------------------------------


class ProtocolError(Exception):
    """An error common to all AWS JSON services."""

    status = 400

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class SerializationException(ProtocolError):
    def __init__(self, message: str) -> None:
        super().__init__("SerializationException", message)


class UnknownOperationException(ProtocolError):
    def __init__(self, operation: str) -> None:
        super().__init__("UnknownOperationException", f"Amazon ECR has no operation '{operation}'")


class NotImplementedException(ProtocolError):
    """An operation that Amazon ECR has, and the mock has not. Clients of AWS do not try again after HTTP 501."""

    status = 501

    def __init__(self, operation: str) -> None:
        super().__init__(
            "NotImplementedException",
            f"Neither moto nor moto_ecr_ptc implements Amazon ECR's operation '{operation}'",
        )


class AccessDeniedException(ProtocolError):
    def __init__(self, message: str) -> None:
        super().__init__("AccessDeniedException", message)


class RegistryAccessDenied(AccessDeniedException):
    def __init__(self, account_id: str, registry_id: str) -> None:
        super().__init__(
            f"The account with id '{account_id}' is not authorized to access "
            f"the pull through cache of the registry with id '{registry_id}'"
        )


class ActionDenied(AccessDeniedException):
    def __init__(self, caller_arn: str, action: str, resource: str) -> None:
        super().__init__(f"User: {caller_arn} is not authorized to perform: {action} on resource: {resource}")


# --- parameters ------------------------------------------------------------------------------------------------------


class AuthenticationNotRequired(InvalidParameterException):
    message = "Invalid input: The specified upstream registry doesn't require authentication"


class CredentialTypeMismatch(InvalidParameterException):
    message = "Invalid input: Upstream registry URL and provided credential type do not match"


class UpstreamRegistryMismatch(InvalidParameterException):
    message = (
        "Invalid input: Upstream registry URL and entered upstream registry do not match. "
        "Please verify input and try again."
    )


class NothingToUpdate(InvalidParameterException):
    message = "Invalid input: Please set either credential arn or role arn to update the credentials"


class UpstreamIsCacheRegistry(InvalidParameterException):
    message = "Invalid input: Upstream registry URL cannot be the same as the cache registry"


class RootPrefixMismatch(InvalidParameterException):
    message = (
        "Invalid input: A pull through cache rule with the ECR repository prefix ROOT "
        "cannot have an upstream repository prefix other than ROOT"
    )


class InvalidNextToken(InvalidParameterException):
    message = "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid nextToken'"


class InvalidCustomRoleArn(InvalidParameterException):
    def __init__(self, constraint: str) -> None:
        super().__init__(f"Invalid parameter at 'customRoleArn' failed to satisfy constraint: '{constraint}'")


class InvalidAccountSetting(InvalidParameterException):
    def __init__(self, member: str, admitted: Iterable[str]) -> None:
        super().__init__(
            f"Invalid parameter at '{member}' failed to satisfy constraint: "
            f"'Member must satisfy enum value set: [{', '.join(admitted)}]'"
        )


# --- pull through cache rules ----------------------------------------------------------------------------------------


class PullThroughCacheRuleAlreadyExistsException(ServiceException):
    code = "PullThroughCacheRuleAlreadyExistsException"

    def __init__(self, prefix: str, registry_id: str) -> None:
        super().__init__(
            f"The pull through cache rule with prefix '{prefix}' already exists in the registry with id '{registry_id}'"
        )


class PullThroughCacheRuleNotFoundException(ServiceException):
    code = "PullThroughCacheRuleNotFoundException"

    def __init__(self, prefix: str, registry_id: str) -> None:
        super().__init__(
            f"The pull through cache rule with prefix '{prefix}' does not exist in the registry with id '{registry_id}'"
        )


class LimitExceededException(ServiceException):
    code = "LimitExceededException"

    def __init__(self, limit: int, registry_id: str) -> None:
        super().__init__(
            f"The maximum number of {limit} pull through cache rules "
            f"has been reached in the registry with id '{registry_id}'"
        )


class UnsupportedUpstreamRegistryException(ServiceException):
    code = "UnsupportedUpstreamRegistryException"


class InvalidUpstreamRegistryUrl(UnsupportedUpstreamRegistryException):
    def __init__(self, url: str) -> None:
        super().__init__(
            f"The upstream registry URL {url} is invalid. Specify a valid upstream registry URL and try again"
        )


class SecretRequired(UnsupportedUpstreamRegistryException):
    message = (
        "The specified upstream registry requires authentication. "
        "Specify a valid Secrets Manager ARN containing the upstream registry credentials and try again."
    )


class RoleRequired(UnsupportedUpstreamRegistryException):
    message = (
        "The specified upstream registry requires authentication. "
        "Specify a valid IAM role ARN that grants access to the upstream registry and try again."
    )


# --- repository creation templates -----------------------------------------------------------------------------------


class TemplateAlreadyExistsException(ServiceException):
    code = "TemplateAlreadyExistsException"

    def __init__(self, prefix: str, registry_id: str) -> None:
        super().__init__(
            f"The repository creation template with prefix '{prefix}' already exists "
            f"in the registry with id '{registry_id}'"
        )


class TemplateNotFoundException(ServiceException):
    code = "TemplateNotFoundException"

    def __init__(self, prefix: str, registry_id: str) -> None:
        super().__init__(
            f"The repository creation template with prefix '{prefix}' does not exist "
            f"in the registry with id '{registry_id}'"
        )


class EncryptionKeyNotAllowed(InvalidParameterException):
    message = (
        "Invalid parameter at 'encryptionConfiguration' failed to satisfy constraint: "
        "'Invalid encryption configuration: Encryption key should not be set for AES256 encryption.'"
    )


class ExclusionFiltersNotAllowed(InvalidParameterException):
    def __init__(self, mutability: str) -> None:
        super().__init__(
            "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: "
            "'ImageTagMutabilityExclusionFilters are not allowed when "
            f"imageTagMutability is set as {mutability}'"
        )


class ExclusionFiltersMissing(InvalidParameterException):
    def __init__(self, mutability: str) -> None:
        super().__init__(
            "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: "
            "'ImageTagMutabilityExclusionFilters can't be null when "
            f"imageTagMutability is set as {mutability}'"
        )


class InvalidResourceTags(InvalidParameterException):
    def __init__(self, fault: str) -> None:
        super().__init__(f"Invalid parameter at 'resourceTags' failed to satisfy constraint: '{fault}'")


class InvalidLifecyclePolicy(InvalidParameterException):
    # moto's message for PutLifecyclePolicy
    message = (
        "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
        "'Lifecycle policy validation failure: Could not map policyString into LifecyclePolicy.'"
    )


# --- secrets ---------------------------------------------------------------------------------------------------------


class SecretException(ServiceException):
    """A secret that ECR cannot use. ``reason`` says why, as a phrase that follows the secret's ARN."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class SecretNotFoundException(SecretException):
    code = "SecretNotFoundException"
    message = (
        "The ARN of the secret specified in the pull through cache rule was not found. "
        "Update the pull through cache rule with a valid secret ARN and try again."
    )


class SecretElsewhere(SecretNotFoundException):
    message = (
        "The ARN of the secret specified in the pull through cache rule was not found. "
        "Please verify the secret exists in the same region and account "
        "that the pullthrough cache rule will be created in"
    )


class UnableToAccessSecretException(SecretException):
    code = "UnableToAccessSecretException"
    message = "The secret is unable to be accessed. Verify the resource permissions for the secret and try again."


class UnableToDecryptSecretValueException(SecretException):
    code = "UnableToDecryptSecretValueException"
    message = "The secret is accessible but is unable to be decrypted. Verify the resource permissions and try again."


# --- pulls -----------------------------------------------------------------------------------------------------------


UpstreamFailureCode = Literal["ImageNotFound", "UpstreamAccessDenied", "UpstreamTooManyRequests", "UpstreamUnavailable"]


class UpstreamError(Exception):
    """An upstream registry did not return what it was asked for.

    ``code`` and ``reason`` are BatchGetImage's ``failureCode`` and ``failureReason`` for it.

    :param detail: what happened, as a clause for the pull log. Of what a registry behind HTTP was sent and has answered
        it tells hosts, statuses and media types alone: a credential could be among the rest
    """

    code: UpstreamFailureCode
    reason: str

    def __init__(self, detail: str) -> None:
        super().__init__(f"{self.code}: {detail}")
        self.detail = detail


class UpstreamNotFound(UpstreamError):
    code = "ImageNotFound"
    reason = "Requested image not found"


class UpstreamAccessDenied(UpstreamError):
    code = "UpstreamAccessDenied"
    reason = (
        "The authentication to the upstream registry failed. "
        "Verify that the credentials provided in the pull through cache rule are correct, and try again."
    )


class UpstreamTooManyRequests(UpstreamError):
    code = "UpstreamTooManyRequests"
    reason = "The upstream registry has received too many requests. Try again later."


class UpstreamUnavailable(UpstreamError):
    code = "UpstreamUnavailable"
    reason = "The upstream registry is unavailable. Try again later."


class UpstreamUnreachable(UpstreamUnavailable):
    """No answer came, so other requests to the upstream would go unanswered too."""


def forget_origin(error: Exception) -> None:
    """Forget where an error was raised, before it is kept or replaced: the frames refer to what was being received.

    An error that a context manager replaces by another stays in a circle with the frame that handed it on.
    """
    error.__traceback__ = error.__context__ = error.__cause__ = None


def upstream_error(status: int, detail: str) -> UpstreamError:
    """Return the error that an upstream registry's HTTP status means."""
    if status in (401, 403):
        return UpstreamAccessDenied(detail)
    if status == 404:
        return UpstreamNotFound(detail)
    if status == 429:
        return UpstreamTooManyRequests(detail)
    return UpstreamUnavailable(detail)


class UnableToGetUpstreamImageException(ServiceException):
    code = "UnableToGetUpstreamImageException"
    message = (
        "The image or images were unable to be pulled using the pull through cache rule. This is usually caused "
        "because of an issue with the Secrets Manager secret containing the credentials for the upstream registry."
    )


class _UnableToAskUpstream(ServiceException):
    """``upstream_error`` is what the upstream failed with; None if it could not be asked."""

    def __init__(self, upstream_error: UpstreamError | None = None) -> None:
        super().__init__()
        self.upstream_error = upstream_error


class UnableToGetUpstreamLayerException(_UnableToAskUpstream):
    code = "UnableToGetUpstreamLayerException"
    message = "There was an issue getting the upstream layer matching the pull through cache rule."


class UnableToListUpstreamImageReferrersException(_UnableToAskUpstream):
    code = "UnableToListUpstreamImageReferrersException"
    message = (
        "The referrer or referrers were unable to be listed using the pull through cache rule. This is usually caused "
        "because of an issue with the Secrets Manager secret containing the credentials for the upstream registry."
    )


class LayersNotFoundException(ServiceException):
    code = "LayersNotFoundException"

    def __init__(self, digest: str, repository_name: str, registry_id: str) -> None:
        super().__init__(
            f"The layer with digest {digest} does not exist within the repository with name '{repository_name}' "
            f"in the registry with id '{registry_id}'"
        )


class LayerInaccessibleException(ServiceException):
    code = "LayerInaccessibleException"
    message = (
        "The specified layer is not available because it is not associated with an image. "
        "Unassociated image layers may be cleaned up at any time."
    )


class InvalidSubjectDigest(InvalidParameterException):
    def __init__(self, digest: str) -> None:
        super().__init__(
            "Invalid parameter at 'subjectId.imageDigest' failed to satisfy constraint: "
            f"'Member must be the digest of an image, not {digest}'"
        )
