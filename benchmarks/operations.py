"""Rules, templates and pulls beside moto's own operations of like size, or beside a smaller registry, in one process.

Every timed call has what it is compared with timed right before or right after it, by turns. What a call changes is
undone, untimed, before the next call: each finds the same number of rules and repositories.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import count
from statistics import median
from typing import Any

import boto3
import measure
from measure import Comparison, Figure, Pair, Ratio, Step
from moto import mock_aws

import moto_ecr_ptc  # noqa: F401  (importing it activates it)

RULE_OPERATION = Ratio(1.05)
TEMPLATE_OPERATION = Ratio(1.10)
"""Their replies are longer."""
FULL_REGISTRY = Ratio(2.0)
FIRST_PULL = Figure()

_ROUNDS = 11
_CALLS_PER_ROUND = 20
_PRESENT = 24
"""Rules and repositories that exist while single rules are measured, besides the one that is measured."""
_PAGE = 50
_REGION = "us-east-1"
_OTHER_REGION = "eu-west-1"
_MEASURED = "measured"
_TAG = {"imageTag": "latest"}


def compare_single_rules() -> Iterator[Comparison]:
    """Compare each operation on one rule with ``create_repository``."""
    with mock_aws():
        ecr = _client()
        kinds = _kinds_of_rule()
        for number, kind in zip(range(_PRESENT), list(kinds) * _PRESENT):
            ecr.create_repository(repositoryName=f"present-{number}")
            ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=f"present-{number}", **kinds[kind])
        create_repository = Step(
            call=lambda: ecr.create_repository(repositoryName=_MEASURED),
            undo=lambda: ecr.delete_repository(repositoryName=_MEASURED),
        )
        steps = {
            f"{operation}, {kind}": step
            for kind, members in kinds.items()
            for operation, step in _rule_steps(ecr, members).items()
        }
        for name, rounds in _interleave(steps, create_repository).items():
            yield Comparison(name, RULE_OPERATION, rounds)


def compare_single_templates() -> Iterator[Comparison]:
    """Compare each operation on one repository creation template with ``create_repository``."""
    with mock_aws():
        ecr = _client()
        for number in range(_PRESENT):
            ecr.create_repository(repositoryName=f"present-{number}")
            ecr.create_repository_creation_template(prefix=f"present-{number}", appliedFor=["PULL_THROUGH_CACHE"])
        create_repository = Step(
            call=lambda: ecr.create_repository(repositoryName=_MEASURED),
            undo=lambda: ecr.delete_repository(repositoryName=_MEASURED),
        )

        def create() -> None:
            ecr.create_repository_creation_template(prefix=_MEASURED, appliedFor=["PULL_THROUGH_CACHE"])

        def delete() -> None:
            ecr.delete_repository_creation_template(prefix=_MEASURED)

        steps = {
            "create": Step(create, undo=delete),
            "describe one": Step(
                lambda: ecr.describe_repository_creation_templates(prefixes=[_MEASURED]), create, delete
            ),
            "update": Step(
                lambda: ecr.update_repository_creation_template(prefix=_MEASURED, description="new"), create, delete
            ),
            "delete": Step(delete, prepare=create),
        }
        for name, rounds in _interleave(steps, create_repository).items():
            yield Comparison(name, TEMPLATE_OPERATION, rounds)


def compare_template_pages() -> Iterator[Comparison]:
    """Compare a page of templates with a page of as many repositories."""
    with mock_aws():
        ecr = _client()
        for number in range(_PAGE):
            ecr.create_repository(repositoryName=f"present-{number}")
            ecr.create_repository_creation_template(prefix=f"present-{number}", appliedFor=["PULL_THROUGH_CACHE"])
        name = f"describe {_PAGE} templates"
        step = Step(ecr.describe_repository_creation_templates)
        yield Comparison(name, TEMPLATE_OPERATION, _interleave({name: step}, Step(ecr.describe_repositories))[name])


def compare_pages() -> Iterator[Comparison]:
    """Compare a page of rules with a page of as many repositories."""
    for kind in _KINDS:
        with mock_aws():
            ecr = _client()
            members = _kinds_of_rule()[kind]
            for number in range(_PAGE):
                ecr.create_repository(repositoryName=f"present-{number}")
                ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=f"present-{number}", **members)
            name = f"describe {_PAGE}, {kind}"
            rounds = _interleave({name: Step(ecr.describe_pull_through_cache_rules)}, Step(ecr.describe_repositories))
            yield Comparison(name, RULE_OPERATION, rounds[name])


def compare_pulls() -> Iterator[Comparison]:
    """Compare pulls of a cached image in a full registry with those in a small one, which is another Region's."""
    with mock_aws():
        full, small = _client(_REGION), _client(_OTHER_REGION)
        _fill(full, rules=50, repositories=10_000)
        _fill(small, rules=1, repositories=10)
        repository = "present-0/0"
        digest = {"imageDigest": _pull(full, repository, _TAG)["images"][0]["imageId"]["imageDigest"]}
        for name, image_id in {"by tag": _TAG, "by digest": digest}.items():
            step = Step(partial(_pull, full, repository, image_id))
            reference = Step(partial(_pull, small, repository, image_id))
            yield Comparison(name, FULL_REGISTRY, _interleave({name: step}, reference)[name])


def compare_first_pulls() -> Iterator[Comparison]:
    """Compare a repository's first pull with moto's ``create_repository`` and ``put_image`` of as small an image."""
    with mock_aws():
        ecr = _client()
        _fill(ecr, rules=_PRESENT, repositories=_PRESENT)
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="plain", upstreamRegistryUrl="quay.io")
        manifest = _pull(ecr, "present-0/0", _TAG)["images"][0]["imageManifest"]

        def push() -> None:
            ecr.create_repository(repositoryName=_MEASURED)
            ecr.put_image(repositoryName=_MEASURED, imageManifest=manifest, **_TAG)

        reference = Step(push, undo=lambda: ecr.delete_repository(repositoryName=_MEASURED, force=True))
        numbers = count()
        steps = {
            "without a template": _first_pull(ecr, "plain", numbers),
            "with a template": _first_pull(ecr, "present-0", numbers),
        }
        for name, rounds in _interleave(steps, reference).items():
            yield Comparison(name, FIRST_PULL, rounds)


def _first_pull(ecr: Any, prefix: str, numbers: Iterator[int]) -> Step:
    """Return a pull of a name that none had before: what an upstream has under a name is built at its first pull."""
    name = ""

    def prepare() -> None:
        nonlocal name
        name = f"{prefix}/{_MEASURED}-{next(numbers)}"

    return Step(
        lambda: _pull(ecr, name, _TAG), prepare, undo=lambda: ecr.delete_repository(repositoryName=name, force=True)
    )


def _fill(ecr: Any, *, rules: int, repositories: int) -> None:
    """Make rules, a template beside each, and repositories that were pulled, of all rules by turns."""
    for number in range(rules):
        prefix = f"present-{number}"
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl="quay.io")
        ecr.create_repository_creation_template(
            prefix=prefix, appliedFor=["PULL_THROUGH_CACHE"], imageTagMutability="IMMUTABLE"
        )
    for number in range(repositories):
        _pull(ecr, f"present-{number % rules}/{number}", _TAG)


def _pull(ecr: Any, repository: str, image_id: dict[str, str]) -> Any:
    answer = ecr.batch_get_image(repositoryName=repository, imageIds=[image_id])
    if not answer["images"]:
        raise RuntimeError(f"A pull failed: {answer['failures']}")
    return answer


_KINDS = ("open", "secret", "role")


def _kinds_of_rule() -> dict[str, dict[str, str]]:
    """Return the members that make a rule of each kind, by how ECR authenticates at the upstream."""
    secret = boto3.client("secretsmanager", region_name=_REGION).create_secret(
        Name="ecr-pullthroughcache/docker-hub",
        SecretString=json.dumps({"username": "someone", "accessToken": "a token"}),
    )
    return dict(
        zip(
            _KINDS,
            (
                {"upstreamRegistryUrl": "quay.io"},
                {"upstreamRegistryUrl": "registry-1.docker.io", "credentialArn": secret["ARN"]},
                {
                    "upstreamRegistryUrl": f"210987654321.dkr.ecr.{_REGION}.amazonaws.com",
                    "customRoleArn": "arn:aws:iam::123456789012:role/upstream",
                },
            ),
        )
    )


def _rule_steps(ecr: Any, members: dict[str, str]) -> dict[str, Step]:
    prefix = {"ecrRepositoryPrefix": _MEASURED}

    def create() -> None:
        ecr.create_pull_through_cache_rule(**prefix, **members)

    def delete() -> None:
        ecr.delete_pull_through_cache_rule(**prefix)

    steps = {
        "create": Step(create, undo=delete),
        "describe one": Step(
            lambda: ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=[_MEASURED]), create, delete
        ),
        "validate": Step(lambda: ecr.validate_pull_through_cache_rule(**prefix), create, delete),
        "delete": Step(delete, prepare=create),
    }
    credentials = {name: value for name, value in members.items() if name != "upstreamRegistryUrl"}
    if credentials:  # an open rule has nothing that could be updated
        steps["update"] = Step(lambda: ecr.update_pull_through_cache_rule(**prefix, **credentials), create, delete)
    return steps


def _interleave(steps: dict[str, Step], reference: Step) -> dict[str, list[Pair]]:
    """Time each step with ``reference`` beside it. The first round is a warm-up and not returned."""
    rounds: dict[str, list[Pair]] = {name: [] for name in steps}
    for _ in range(_ROUNDS + 1):
        times: dict[str, list[Pair]] = {name: [] for name in steps}
        with measure.no_garbage_collection():
            for call in range(_CALLS_PER_ROUND):
                for name, step in steps.items():
                    if call % 2:
                        ours = step.seconds()
                        theirs = reference.seconds()
                    else:
                        theirs = reference.seconds()
                        ours = step.seconds()
                    times[name].append(Pair(ours, theirs))
        for name, pairs in times.items():
            rounds[name].append(_medians(pairs))
    return {name: pairs[1:] for name, pairs in rounds.items()}


def _medians(pairs: Iterable[Pair]) -> Pair:
    ours, theirs = zip(*pairs)
    return Pair(median(ours), median(theirs))


def _client(region: str = _REGION) -> Any:
    return boto3.client("ecr", region_name=region)
