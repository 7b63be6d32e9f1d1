"""What calls cost by how much there already is: rules, repositories, images of a repository, layers of an image.

Each size has a Region of its own, so that all sizes exist at once and take turns. A call that looks one thing up is
held to a budget; one whose answer grows with what there is has none, and neither has one that is moto's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any, Callable, NamedTuple

import boto3
import measure
from measure import Curve, Figure, Ratio, Step
from moto import mock_aws

from moto_ecr_ptc import upstream_registry

LOOKUP = Ratio(2.0)
GROWS = Figure()

RULES, REPOSITORIES, IMAGES, LAYERS = "rules", "repositories", "images", "layers"

_REGIONS = ("us-east-1", "us-east-2", "us-west-1", "us-west-2")
_ROUNDS = 7
_CALLS = 9
_FEW_CALLS = 1
"""Of calls that take long where there is much."""

_MOST_IDENTIFIERS = 100
"""How many images a BatchGetImage may name."""

_PREFIX = "measured"
_REPOSITORY = f"{_PREFIX}/app"


class _Call(NamedTuple):
    """A call that is measured at each size."""

    name: str
    budget: Ratio
    step: Callable[[Any, int], Step]
    """Makes it of a client, in whose Region there is so much."""

    calls: int = _CALLS


class _Axis(NamedTuple):
    """What there is more and more of."""

    sizes: Sequence[int]
    fill: Callable[[Any, int], None]
    calls: Sequence[_Call]


def measure_growth() -> Iterator[Curve]:
    """Measure all calls of one axis after the other."""
    for name, axis in _AXES.items():
        with mock_aws():
            clients = {size: boto3.client("ecr", region_name=region) for size, region in zip(axis.sizes, _REGIONS)}
            for size, ecr in clients.items():
                axis.fill(ecr, size)
            steps = {call: [call.step(ecr, size) for size, ecr in clients.items()] for call in axis.calls}
            for call, rounds in _interleave(steps).items():
                yield Curve(call.name, name, call.budget, axis.sizes, rounds)


def _interleave(steps: Mapping[_Call, Sequence[Step]]) -> dict[_Call, list[list[float]]]:
    """Time each call at all sizes by turns. The first round is a warm-up and not returned."""
    rounds: dict[_Call, list[list[float]]] = {call: [] for call in steps}
    for number in range(_ROUNDS + 1):
        for call, by_size in steps.items():
            times: list[list[float]] = [[] for _ in by_size]
            with measure.no_garbage_collection():
                for turn in range(call.calls):
                    order = list(enumerate(by_size))
                    for index, step in order if (number + turn) % 2 else reversed(order):
                        times[index].append(step.seconds())
            rounds[call].append([median(seconds) for seconds in times])
    return {call: measured[1:] for call, measured in rounds.items()}


# --- what there is ----------------------------------------------------------------------------------------------------


def _fill_with_rules(ecr: Any, size: int) -> None:
    for number in range(1, size):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=f"present-{number}", upstreamRegistryUrl="quay.io")
    _create_rule(ecr)
    _pull(ecr, _REPOSITORY, "latest")


def _fill_with_repositories(ecr: Any, size: int) -> None:
    _create_rule(ecr)
    for number in range(1, size):
        ecr.create_repository(repositoryName=f"present/{number}")
    _pull(ecr, _REPOSITORY, "latest")


def _fill_with_images(ecr: Any, size: int) -> None:
    _create_rule(ecr)
    tags = ["latest", *(f"present-{number}" for number in range(1, size))]
    tags.reverse()  # what is asked for comes last
    for start in range(0, size, _MOST_IDENTIFIERS):
        _pull(ecr, _REPOSITORY, *tags[start : start + _MOST_IDENTIFIERS])


def _fill_with_layers(ecr: Any, size: int) -> None:
    _create_rule(ecr)
    _push_upstream("app", size)
    _pull(ecr, _REPOSITORY, "latest")


def _push_upstream(repository: str, layers: int) -> None:
    upstream_registry("quay").push(repository, layers=[b"layer %d" % number for number in range(layers)])


# --- what is measured -------------------------------------------------------------------------------------------------


def _create_rule(ecr: Any) -> None:
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=_PREFIX, upstreamRegistryUrl="quay.io")


def _rule_creation(ecr: Any, _: int) -> Step:
    return Step(
        lambda: _create_rule(ecr),
        prepare=lambda: ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix=_PREFIX),
    )


def _rule_description(ecr: Any, _: int) -> Step:
    return Step(lambda: ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=[_PREFIX]))


def _page_of_rules(ecr: Any, _: int) -> Step:
    return Step(ecr.describe_pull_through_cache_rules)


def _cached_pull(ecr: Any, _: int) -> Step:
    return Step(lambda: _pull(ecr, _REPOSITORY, "latest"))


def _cached_pull_by_digest(ecr: Any, _: int) -> Step:
    (image,) = _pull(ecr, _REPOSITORY, "latest")["images"]
    image_ids = [{"imageDigest": image["imageId"]["imageDigest"]}]
    return Step(lambda: ecr.batch_get_image(repositoryName=_REPOSITORY, imageIds=image_ids))


def _first_pull(ecr: Any, _: int) -> Step:
    """Pull into a repository that is created with it. What an upstream has is built before."""
    return _pull_of_new_repository(ecr, f"{_PREFIX}/other")


def _first_pull_of_layers(ecr: Any, size: int) -> Step:
    _push_upstream(f"layers-{size}", size)
    return _pull_of_new_repository(ecr, f"{_PREFIX}/layers-{size}")


def _pull_of_new_repository(ecr: Any, repository: str) -> Step:
    return Step(
        lambda: _pull(ecr, repository, "latest"),
        undo=lambda: ecr.delete_repository(repositoryName=repository, force=True),
    )


def _first_pull_of_tag(ecr: Any, _: int) -> Step:
    """Pull another tag into a repository that has images."""
    return Step(
        lambda: _pull(ecr, _REPOSITORY, "other"),
        undo=lambda: ecr.batch_delete_image(repositoryName=_REPOSITORY, imageIds=[{"imageTag": "other"}]),
    )


def _image_deletion(ecr: Any, _: int) -> Step:
    return Step(
        lambda: ecr.batch_delete_image(repositoryName=_REPOSITORY, imageIds=[{"imageTag": "other"}]),
        prepare=lambda: _pull(ecr, _REPOSITORY, "other"),
    )


def _layer_url(ecr: Any, _: int) -> Step:
    digest = _last_layer(ecr)
    return Step(lambda: ecr.get_download_url_for_layer(repositoryName=_REPOSITORY, layerDigest=digest))


def _layer_check(ecr: Any, _: int) -> Step:
    digest = _last_layer(ecr)
    return Step(lambda: ecr.batch_check_layer_availability(repositoryName=_REPOSITORY, layerDigests=[digest]))


def _repository_description(ecr: Any, _: int) -> Step:
    return Step(lambda: ecr.describe_repositories(repositoryNames=[_REPOSITORY]))


def _page_of_repositories(ecr: Any, _: int) -> Step:
    return Step(ecr.describe_repositories)


def _image_description(ecr: Any, _: int) -> Step:
    return Step(lambda: ecr.describe_images(repositoryName=_REPOSITORY, imageIds=[{"imageTag": "latest"}]))


def _page_of_images(ecr: Any, _: int) -> Step:
    return Step(lambda: ecr.describe_images(repositoryName=_REPOSITORY))


def _last_layer(ecr: Any) -> str:
    (image,) = _pull(ecr, _REPOSITORY, "latest")["images"]
    digest: str = json.loads(image["imageManifest"])["layers"][-1]["digest"]
    return digest


def _pull(ecr: Any, repository: str, *tags: str) -> Any:
    answer = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": tag} for tag in tags])
    if answer["failures"]:
        raise RuntimeError(f"A pull failed: {answer['failures']}")
    return answer


_AXES = {
    RULES: _Axis(
        (1, 10, 25, 50),
        _fill_with_rules,
        (
            _Call("a cached pull", LOOKUP, _cached_pull),
            _Call("a first pull", LOOKUP, _first_pull),
            _Call("CreatePullThroughCacheRule", LOOKUP, _rule_creation),
            _Call("DescribePullThroughCacheRules, one prefix", LOOKUP, _rule_description),
            _Call("DescribePullThroughCacheRules, all", GROWS, _page_of_rules),
        ),
    ),
    REPOSITORIES: _Axis(
        (10, 100, 1_000, 10_000),
        _fill_with_repositories,
        (
            _Call("a cached pull", LOOKUP, _cached_pull),
            _Call("a first pull", LOOKUP, _first_pull),
            _Call("CreatePullThroughCacheRule", LOOKUP, _rule_creation),
            _Call("GetDownloadUrlForLayer", LOOKUP, _layer_url),
            _Call("moto's DescribeRepositories, one name", GROWS, _repository_description),
            _Call("moto's DescribeRepositories, all", GROWS, _page_of_repositories, _FEW_CALLS),
        ),
    ),
    IMAGES: _Axis(
        (10, 100, 1_000, 10_000),
        _fill_with_images,
        (
            _Call("a cached pull by tag", LOOKUP, _cached_pull),
            _Call("a cached pull by digest", LOOKUP, _cached_pull_by_digest),
            _Call("a first pull of a tag", GROWS, _first_pull_of_tag),
            _Call("GetDownloadUrlForLayer", LOOKUP, _layer_url),
            _Call("BatchCheckLayerAvailability", LOOKUP, _layer_check),
            _Call("BatchDeleteImage, one tag", GROWS, _image_deletion),
            _Call("moto's DescribeImages, one tag", GROWS, _image_description),
            _Call("moto's DescribeImages, all", GROWS, _page_of_images, _FEW_CALLS),
        ),
    ),
    LAYERS: _Axis(
        (1, 10, 30, 100),
        _fill_with_layers,
        (
            _Call("a cached pull", GROWS, _cached_pull),
            _Call("a first pull", GROWS, _first_pull_of_layers),
            _Call("GetDownloadUrlForLayer", LOOKUP, _layer_url),
            _Call("BatchCheckLayerAvailability, one layer", LOOKUP, _layer_check),
            _Call("moto's DescribeImages, one tag", GROWS, _image_description),
        ),
    ),
}
