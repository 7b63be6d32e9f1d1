"""What the pull log tells of requests that are refused before anything is decided: denied, or malformed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from .image_records import reference_of
from .pull_log import Question, get_pull_log
from .upstream_repositories import UpstreamRepositories

REFERENCES: dict[str, Callable[[Any], Iterable[str]]] = {
    "BatchGetImage": lambda members: map(reference_of, members["imageIds"]),
    "GetDownloadUrlForLayer": lambda members: [members["layerDigest"]],
    "ListImageReferrers": lambda members: [members["subjectId"]["imageDigest"]],
}
"""The operations that pull, and what the members of their requests ask for."""


DENIED = "AccessDeniedException"

_MOST_REFERENCES = 100
"""How many ECR takes in a request: one that it would refuse may have any number."""


def record_refusal(
    question: Question, references: Iterable[str], code: str, message: str, upstream_repositories: UpstreamRepositories
) -> None:
    """Record a request that is refused.

    :param code: the one that the API has for the refusal
    :param message: what the caller is told
    """
    route = upstream_repositories.route(question.repository_name)
    for reference in islice(references, _MOST_REFERENCES):
        get_pull_log().record(question, reference, code, message, route)
