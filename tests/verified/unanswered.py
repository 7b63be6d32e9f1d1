"""What is no answer to the question of a scenario: the caller may not ask it, asks too often, or nobody replies.

It says nothing about ECR, so it is never recorded.
"""

from __future__ import annotations

import re

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
_STATUSES = frozenset({429, 502, 503, 504})
_NO_RIGHT = "is not authorized to perform"
_HANDLER_CODES = re.compile(
    "HandlerErrorCode: "
    "(?:AccessDenied|InternalFailure|InvalidCredentials|NetworkFailure|ServiceInternalError|Throttling)\\b"
)


class NoAnswer(Exception):
    """Nothing was learned of ECR."""


def check_error(error: ClientError) -> None:
    """Tell a refusal of the caller from one of the request.

    :raises NoAnswer: it is the caller who is refused
    """
    check_code(error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"], str(error))


def check_code(code: str, status: int, text: str) -> None:
    """The same for the code of an error, the status and the text of a reply."""
    if code in _CODES or status in _STATUSES:
        raise NoAnswer(text)


def check_reply(reply: Response) -> None:
    """The same for a reply of the registry endpoint, where a right that is missing has no code of its own."""
    if reply.status_code in _STATUSES or (reply.status_code in (401, 403) and _NO_RIGHT in reply.text):
        raise NoAnswer(f"{reply.request.method} {reply.request.path_url}: {reply.status_code} {reply.text}")


def check_reason(reason: str) -> None:
    """The same for the reason of a stack's event: there the stack fails, and no call of ours does.

    Source of the codes: CloudFormation CLI user guide, handler error codes.
    """
    if _NO_RIGHT in reason or _HANDLER_CODES.search(reason):
        raise NoAnswer(reason)
