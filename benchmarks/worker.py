"""One process with the plugin or without it. ``processes`` runs it as ``python worker.py on|off SCENARIO``.

It says that it is ready by a line on standard output, then answers each line on standard input by one batch of the
scenario: a JSON object of seconds by what was timed.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator
from statistics import median
from typing import Any, Callable

import measure

_REGION = "us-east-1"
_REPOSITORIES = 10
_CALLS = 6
_MOCKS = 5
_MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": 7023,
            "digest": "sha256:b5b2b2c507a0944348e0303114d8d93aaaa081732b86451d9bce1f432a537bc7",
        },
        "layers": [
            {
                "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                "size": 32654,
                "digest": "sha256:e692418e4cbaf90ca69d05a66403747baa33ee08806650b51fab815ad7fc331f",
            }
        ],
    }
)

Batch = dict[str, float]


def moto_calls() -> Iterator[Batch]:
    """moto's own ECR operations, in a registry without rules that holds the same at the start of each call."""
    from moto import mock_aws

    with measure.no_garbage_collection(), mock_aws():
        ecr = _client("ecr")
        for number in range(_REPOSITORIES):
            ecr.create_repository(repositoryName=f"present-{number}")
        while True:
            times: dict[str, list[float]] = {
                "describe_repositories": [],
                "create_repository": [],
                "put_image": [],
                "batch_get_image": [],
            }
            for _ in range(_CALLS):
                times["describe_repositories"].append(measure.seconds(ecr.describe_repositories))
                times["create_repository"].append(
                    measure.seconds(lambda: ecr.create_repository(repositoryName="measured"))
                )
                times["put_image"].append(
                    measure.seconds(
                        lambda: ecr.put_image(repositoryName="measured", imageManifest=_MANIFEST, imageTag="latest")
                    )
                )
                times["batch_get_image"].append(
                    measure.seconds(
                        lambda: ecr.batch_get_image(repositoryName="measured", imageIds=[{"imageTag": "latest"}])
                    )
                )
                ecr.delete_repository(repositoryName="measured", force=True)
            yield {name: median(seconds) for name, seconds in times.items()}


def first_call() -> Iterator[Batch]:
    """The process's first ECR call. Garbage is collected as usual: this is about what a user waits for."""
    from moto import mock_aws

    with mock_aws():
        ecr = _client("ecr")
        gc.collect()  # whose turn it is next is left neither to chance nor to the imports so far
        yield {"first call": measure.processor_seconds(ecr.describe_repositories)}


def mock_without_ecr() -> Iterator[Batch]:
    """Entering and leaving ``mock_aws`` in a process that has not used ECR."""
    from moto import mock_aws

    with measure.no_garbage_collection():
        while True:
            times = []
            for _ in range(_MOCKS):
                mock = mock_aws()
                times.append(measure.seconds(mock.start) + measure.seconds(mock.stop))
            yield {"mock_aws, ECR never used": median(times)}


def mock_with_ecr() -> Iterator[Batch]:
    """Entering and leaving ``mock_aws`` with a repository created in between, untimed."""
    from moto import mock_aws

    with mock_aws():
        ecr = _client("ecr")
    with measure.no_garbage_collection():
        while True:
            times = []
            for _ in range(_MOCKS):
                mock = mock_aws()
                entering = measure.seconds(mock.start)
                ecr.create_repository(repositoryName="measured")
                times.append(entering + measure.seconds(mock.stop))
            yield {"mock_aws, ECR used within": median(times)}


SCENARIOS: dict[str, Callable[[], Iterator[Batch]]] = {
    scenario.__name__: scenario for scenario in (moto_calls, first_call, mock_without_ecr, mock_with_ecr)
}


def _client(service: str) -> Any:
    import boto3

    return boto3.client(service, region_name=_REGION)  # type: ignore[call-overload]  # the stubs know literal names only


def _main() -> None:
    plugin, scenario = sys.argv[1:]
    if plugin == "on":
        import moto_ecr_ptc  # noqa: F401  (imported for its effect)
    import moto  # noqa: F401  (imported for its effect)

    batches = SCENARIOS[scenario]()
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps(next(batches)), flush=True)


if __name__ == "__main__":
    _main()
