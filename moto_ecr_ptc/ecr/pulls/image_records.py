"""What the pull log tells of a BatchGetImage: one record for each image identifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import RepositoryNotFoundException

from ..images.image_ids import PULLED_BY_TAG, Failure, find_fault
from .freshness import Freshness
from .pull_log import CACHE, FOREIGN_REGISTRY, OK, Decision, PullLog, Question, Route

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
            tag: Failure(decision.error.code, decision.error.reason, decision.reason)
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
            reason = failure.explanation or (decision.reason_of_failure if decision else failure.reason)
            self._log.record(self._question, reference_of(image_id), failure.code, reason, _route(decision, route))
        elif route.rule or self._freshness.is_cached(name):
            self._log.record(
                self._question,
                reference_of(image_id),
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
        is_foreign = registry_id not in (None, self._question.registry.account_id)
        for image_id in image_ids:
            reason = FOREIGN_REGISTRY.format(registry_id) if is_foreign else self._explain_refusal(image_id, error)
            route_taken = _route(self._find_decision(image_id), route)
            self._log.record(self._question, reference_of(image_id), error.code, reason, route_taken)

    def _explain_refusal(self, image_id: ImageId, error: ServiceException) -> str:
        decision, fault = self._find_decision(image_id), find_fault(image_id)
        refused = next((tag for tag, decided in self.decisions.items() if decided.refusal), None)
        if refused is not None and not (decision and decision.refusal):
            before = f"{decision.reason}, but " if decision else ""
            return f"{before}the tag '{refused}' makes the whole request fail: {self.decisions[refused].reason}"
        if decision:
            return decision.reason_of_failure
        if not isinstance(error, RepositoryNotFoundException):
            return error.message
        obstacle = f"nothing is pulled for a malformed identifier ({fault.reason})" if fault else PULLED_BY_TAG
        return f"the repository does not exist, and {obstacle}"

    def _find_decision(self, image_id: ImageId) -> Decision | None:
        return self.decisions.get(image_id["imageTag"]) if set(image_id) == {"imageTag"} else None


def reference_of(image_id: ImageId) -> str:
    """Return a tag, a digest, or both as in ``latest@sha256:0123``."""
    return "@".join(filter(None, (image_id.get("imageTag"), image_id.get("imageDigest"))))


def _route(decision: Decision | None, route: Route) -> Route:
    return decision.route if decision else route


def _explain_success(decision: Decision | None) -> str:
    if decision is None:
        return "the repository has the image with this digest"
    if decision.answered_by:
        return decision.reason
    return f"the cached image is served, since {decision.reason}"
