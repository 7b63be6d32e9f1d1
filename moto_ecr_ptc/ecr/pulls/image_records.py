"""What the pull log tells of a BatchGetImage: one record for each image identifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import RepositoryNotFoundException

from ..images.image_ids import TAG_DOES_NOT_MATCH, Failure, find_fault
from .freshness import Freshness
from .pull_log import CACHE, OK, Decision, PullLog, Question, Route

ImageId = Mapping[str, str]


class ImageRecords:
    """The records of one request. What was decided about each tag is collected first."""

    def __init__(self, log: PullLog, question: Question, freshness: Freshness) -> None:
        self.decisions: dict[str, Decision] = {}
        """By tag; only of tags that stand alone in an identifier, as no others are pulled."""

        self._log = log
        self._question = question
        self._freshness = freshness

    @property
    def failures(self) -> dict[str, Failure]:
        """The failures of the upstream, by tag."""
        return {
            tag: Failure(decision.error.code, decision.error.reason)
            for tag, decision in self.decisions.items()
            if decision.error
        }

    def record(self, image_id: ImageId, failure: Failure | None, route: Route) -> None:
        """Record what is answered for an identifier, unless an image is returned without any use of pull through cache.

        :param route: of the repository
        """
        decision = self._find_decision(image_id)
        name, tag = self._question.repository_name, image_id.get("imageTag", "")
        if failure:
            reason = decision.reason if decision else _explain_failure(image_id, failure)
            if decision and decision.answered_by:
                reason = "the stored image is of no accepted media type, and cannot be translated into one"
            self._log.record(self._question, _reference(image_id), failure.code, reason, _route(decision, route))
        elif route.rule or self._freshness.is_cached(name):
            self._log.record(
                self._question,
                _reference(image_id),
                OK,
                _explain_success(decision),
                _route(decision, route),
                answered_by=decision.answered_by or CACHE if decision else CACHE,
                fresh_until=self._freshness.fresh_until(name, tag),
            )

    def record_refusal(
        self, image_ids: Sequence[ImageId], error: ServiceException, registry_id: str | None, route: Route
    ) -> None:
        """Record a request that is refused as a whole."""
        reason = error.message
        if isinstance(error, RepositoryNotFoundException):
            reason = "the repository does not exist, and Amazon ECR pulls by tag alone"
            if registry_id not in (None, self._question.registry.account_id):
                reason = f"the API of one account does not read the registry of another, {registry_id}"
        for image_id in image_ids:
            decision, fault = self._find_decision(image_id), find_fault(image_id)
            told = decision.reason if decision else fault.reason if fault else reason
            self._log.record(self._question, _reference(image_id), error.code, told, _route(decision, route))

    def _find_decision(self, image_id: ImageId) -> Decision | None:
        return self.decisions.get(image_id["imageTag"]) if set(image_id) == {"imageTag"} else None


def _reference(image_id: ImageId) -> str:
    return "@".join(filter(None, (image_id.get("imageTag"), image_id.get("imageDigest"))))


def _route(decision: Decision | None, route: Route) -> Route:
    return decision.route if decision else route


def _explain_success(decision: Decision | None) -> str:
    if decision is None:
        return "the repository has the image with this digest"
    if decision.answered_by:
        return decision.reason
    return f"the cached image is served, since {decision.reason}"


def _explain_failure(image_id: ImageId, failure: Failure) -> str:
    if find_fault(image_id) or failure == TAG_DOES_NOT_MATCH:
        return failure.reason
    if "imageDigest" in image_id:
        return "the repository does not have this digest, and Amazon ECR pulls by tag alone"
    return "the repository does not have this tag"
