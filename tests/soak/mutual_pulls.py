"""Two registries that pull from each other, with many threads at once: ``python -m tests.soak.mutual_pulls regions``.

Were locks taken in different orders, a thread of each registry would wait for the other for ever. Then the stacks of
all threads are printed, and the process ends with an error.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

from botocore.exceptions import ClientError
from moto import mock_aws
from moto.server import ThreadedMotoServer

from conftest import ACCOUNT, OTHER_ACCOUNT, REGION, Aws
from tests.registry.endpoint import image_manifest, registry_host, sha256
from tests.soak.workload import reset

THREADS = 8
PULLS = 60
"""How many each thread makes."""

REPEATED = 12
"""After how many pulls a thread resets moto."""

TIMEOUT = 120
PAIRS = {
    "regions": ((ACCOUNT, REGION), (ACCOUNT, "eu-west-1")),
    "accounts": ((ACCOUNT, REGION), (OTHER_ACCOUNT, REGION)),
}


def main() -> None:
    logging.getLogger("moto_ecr_ptc").setLevel(logging.CRITICAL)  # many pulls are to fail
    faulthandler.dump_traceback_later(TIMEOUT, exit=True)
    for mock in (_in_process, _on_a_server):
        with mock() as aws:
            print(mock.__name__, dict(_pull_from_each_other(aws, PAIRS[sys.argv[1]])))
    faulthandler.cancel_dump_traceback_later()


@contextmanager
def _in_process() -> Iterator[Aws]:
    with mock_aws():
        yield Aws(None)


@contextmanager
def _on_a_server() -> Iterator[Aws]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    yield Aws("http://{}:{}".format(*server.get_host_and_port()))
    server.stop()


def _pull_from_each_other(aws: Aws, pair: Any) -> Counter[str]:
    clients = [client_of(aws, registry) for registry in pair]
    outcomes: Counter[str] = Counter()
    numbers = count()

    def pull_often(thread: int) -> None:
        own = thread % 2
        for number in range(PULLS):
            if number % REPEATED == 0:
                reset(aws)
            with suppress(ClientError, KeyError):  # others do the same, and reset moto
                make_rules(clients, pair)
                push(clients[1 - own], f"given/{next(numbers) % 3}")
            name = f"from/given/{number % 3}" if number % 2 else f"ring/{number % 3}"
            outcomes[_pull(clients[own], name)] += 1

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(pull_often, range(THREADS)))
    return outcomes


def client_of(aws: Aws, registry: tuple[str, str]) -> Any:
    account, region = registry
    return aws.client("ecr", region, account=None if account == ACCOUNT else account)


def make_rules(clients: Any, pair: Any) -> None:
    """Have each registry pull from the other: all under ``from``, and under ``ring`` the same names."""
    for own in (0, 1):
        account, other = pair[own][0], pair[1 - own]
        members = {"upstreamRegistryUrl": registry_host(*other)}
        if account != other[0]:
            members["customRoleArn"] = f"arn:aws:iam::{account}:role/upstream"
        clients[own].create_pull_through_cache_rule(ecrRepositoryPrefix="from", **members)
        clients[own].create_pull_through_cache_rule(
            ecrRepositoryPrefix="ring", upstreamRepositoryPrefix="ring", **members
        )


def push(ecr: Any, repository: str) -> None:
    document = image_manifest([sha256(b"{}"), sha256(b"layer")], [2, 5])
    with suppress(ecr.exceptions.RepositoryAlreadyExistsException):
        ecr.create_repository(repositoryName=repository)
    ecr.put_image(repositoryName=repository, imageTag="latest", imageManifest=json.dumps(document))


def _pull(ecr: Any, repository: str) -> str:
    try:
        answer = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "latest"}])
    except ClientError as refusal:
        return refusal.response["Error"]["Code"]
    except KeyError:  # moto itself, in process, looks for what its reset has just taken away
        return "reset"
    return "pulled" if answer["images"] else answer["failures"][0]["failureCode"]


if __name__ == "__main__":
    main()
