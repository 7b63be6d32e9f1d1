"""What the pull log tells of requests that IAM, or a repository's policy, denies before anything is decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .pull_log import Question, get_pull_log
from .upstream_repositories import UpstreamRepositories

REFERENCES: dict[str, Callable[[Any], Iterable[str]]] = {
    "BatchGetImage": lambda members: ["@".join(image_id.values()) for image_id in members["imageIds"]],
    "GetDownloadUrlForLayer": lambda members: [members["layerDigest"]],
    "ListImageReferrers": lambda members: [members["subjectId"]["imageDigest"]],
}
"""The operations that pull, and what the members of their requests ask for."""


def record_denial(
    question: Question, references: Iterable[str], message: str, upstream_repositories: UpstreamRepositories
) -> None:
    """Record a request that is denied.

    :param message: what the caller is told
    """
    route = upstream_repositories.route(question.repository_name)
    for reference in references:
        get_pull_log().record(question, reference, "AccessDeniedException", message, route)
