"""skopeo, pulling and pushing while others do: it has to end, however its copies do."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from conftest import Aws
from tests.registry.clients.programs import Programs

COPIES_AT_ONCE = 2


@contextmanager
def copying(server: Aws, directory: Path) -> Iterator[None]:
    """Copy images again and again while the body of ``with`` runs, if skopeo is installed."""
    if shutil.which("skopeo") is None:
        print("skopeo is not installed: without it")
        yield
        return
    host = urlsplit(server.endpoint_url or "").netloc
    (authorization,) = server.client("ecr").get_authorization_token()["authorizationData"]
    directory.mkdir()
    programs = Programs(directory, host)
    programs.log_in(host, authorization["authorizationToken"])
    is_over = threading.Event()
    outcomes: Counter[str] = Counter()
    threads = [
        threading.Thread(target=_copy, args=(programs, host, directory / f"{number}", is_over, outcomes))
        for number in range(COPIES_AT_ONCE)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
        print(f"skopeo: {dict(outcomes)}")


def _copy(programs: Programs, host: str, layout: Path, is_over: threading.Event, outcomes: Counter[str]) -> None:
    """Pull an image through the cache, and push it to another repository."""
    while not is_over.is_set():
        for source, destination in (
            (f"docker://{host}/quay/one:v1", f"oci:{layout}:v1"),
            (f"oci:{layout}:v1", f"docker://{host}/app:v1"),
        ):
            done = subprocess.run(
                ["skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false", source, destination],
                capture_output=True,
                text=True,
                check=False,
                env=programs.environment,
                timeout=120,
            )
            outcomes["copied" if done.returncode == 0 else "refused"] += 1
        shutil.rmtree(layout, ignore_errors=True)
