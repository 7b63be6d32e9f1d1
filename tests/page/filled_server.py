"""``moto_ecr_ptc_server`` with a full pull log and a cache of many repositories, as a program."""

from __future__ import annotations

import sys

from moto.ecr.models import ecr_backends

from conftest import ACCOUNT, REGION
from moto_ecr_ptc.ecr.pulls.pull_log import OK, REMEMBERED_RECORDS
from moto_ecr_ptc.server import main
from tests.page.viewing import record

REPOSITORIES = 10_000

if __name__ == "__main__":
    backend = ecr_backends[ACCOUNT][REGION]
    backend.rules.create(ecr_repository_prefix="quay", upstream_registry_url="quay.io")
    for number in range(REPOSITORIES):
        backend.image_pulls.get_images(
            repository_name=f"quay/team/{number:05}", image_ids=[{"imageTag": "latest"}], registry_id=None, caller=None
        )
    for number in range(REMEMBERED_RECORDS):
        record(f"quay/team/{number:05}", outcome=OK if number % 10 else "UpstreamUnavailable", reason="a reason " * 10)
    main(sys.argv[1:])
