"""What is no answer to the question of a scenario: the caller may not ask it, asks too often, or nobody replies.

It says nothing about ECR, so it is never recorded.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from requests import Response

_CODES = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "OptInRequired",
        "RequestExpired",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SignatureDoesNotMatch",
        "SubscriptionRequiredException",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "UnrecognizedClientException",
    }
)
_QUOTA = "LimitExceededException"
"""What says more of the account than of the request, unless a scenario is about the quota."""

_NO_RIGHT = "is not authorized to perform"
_HANDLER_CODES = re.compile(
    "HandlerErrorCode: "
    "(?:AccessDenied|HandlerInternalFailure|InternalFailure|InvalidCredentials|NetworkFailure|NotStabilized|"
    "ServiceInternalError|ServiceLimitExceeded|Throttling)\\b"
)


class NoAnswer(Exception):
    """Nothing was learned of ECR."""


def check_error(error: ClientError, claimed: str | None = None) -> None:
    """Tell a refusal of the caller, and a failure of the service, from a refusal of the request.

    :param claimed: the code that the request is claimed to be refused with
    :raises NoAnswer: it is no refusal of the request
    """
    code = error.response["Error"]["Code"]
    if code == _QUOTA != claimed:
        raise NoAnswer(str(error))
    check_code(code, error.response["ResponseMetadata"]["HTTPStatusCode"], str(error))


def check_code(code: str | None, status: int, text: str) -> None:
    """The same for the code of an error, the status and the text of a reply."""
    if code in _CODES or _is_failure(status):
        raise NoAnswer(text)


def check_post(reply: Response) -> None:
    """The same for a reply to a request that no client of AWS has made."""
    check_code(code_of(reply), reply.status_code, reply.text)


def code_of(reply: Response) -> str | None:
    """Return the code of the error that a reply of the AWS JSON protocol is, None if it is no JSON."""
    try:
        return str(reply.json().get("__type", "")).rpartition("#")[2]
    except (ValueError, AttributeError):
        return None


def check_reply(reply: Response) -> None:
    """The same for a reply of the registry endpoint, where a right that is missing has no code of its own."""
    if _is_failure(reply.status_code) or (reply.status_code in (401, 403) and _NO_RIGHT in reply.text):
        path = urlsplit(reply.request.path_url).path  # a query may be a signature
        raise NoAnswer(f"{reply.request.method} {path}: {reply.status_code} {reply.text}")


def check_reason(reason: str) -> None:
    """The same for the reason of a stack's event: there the stack fails, and no call of ours does.

    Source of the codes: CloudFormation API reference, RecordHandlerProgress.
    """
    if _NO_RIGHT in reason or _HANDLER_CODES.search(reason):
        raise NoAnswer(reason)


def _is_failure(status: int) -> bool:
    return status == 429 or status >= 500
