"""Takes the pictures of the page that the documents show: ``python -m tests.page.screenshots``.

They go into ``docs/images``. It takes what the tests of the page take: Chromium and playwright.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer
from playwright.sync_api import sync_playwright

from conftest import Aws
from moto_ecr_ptc import upstream_registry
from tests.browser import OPTIONS, find_chromium
from tests.page.viewing import View

IMAGES = Path(__file__).parent.parent.parent / "docs" / "images"
ALPINE = "docker-hub/library/alpine"


def set_up(aws: Aws) -> None:
    """Make rules, a template and what the upstreams hold, and pull some images."""
    ecr = aws.client("ecr")
    ecr.create_pull_through_cache_rule(
        ecrRepositoryPrefix="docker-hub", upstreamRegistryUrl="registry-1.docker.io", credentialArn=aws.secret()
    )
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    ecr.create_repository_creation_template(
        prefix="docker-hub",
        appliedFor=["PULL_THROUGH_CACHE"],
        description="from Docker Hub",
        imageTagMutability="IMMUTABLE",
    )
    hub = upstream_registry("docker-hub")
    for tag in ("3.19", "3.20", "edge"):
        hub.push("library/alpine", tag=tag)
    pull(aws, ALPINE, "3.20")
    pull(aws, "quay/biocontainers/bwa", "0.7.17")
    pull(aws, ALPINE, "3.20")


def pull(aws: Aws, repository: str, tag: str) -> None:
    try:
        aws.client("ecr").batch_get_image(repositoryName=repository, imageIds=[{"imageTag": tag}])
    except ClientError as error:
        print(error)


def take(view: View, name: str) -> None:
    path = IMAGES / f"{name}.png"
    view.page.screenshot(path=path, animations="disabled")
    print(path, path.stat().st_size, "bytes")


def take_all(browser: Any, aws: Aws) -> None:
    windows = {
        "light": View(browser, aws.endpoint_url or "", viewport={"width": 1280, "height": 720}),
        "dark": View(browser, aws.endpoint_url or "", viewport={"width": 1280, "height": 720}, color_scheme="dark"),
        "narrow": View(browser, aws.endpoint_url or "", viewport={"width": 400, "height": 800}),
    }
    for view in windows.values():
        view.open()
        view.wait_for_pulls(3)
    take(windows["light"], "page-before-a-failing-pull")
    upstream_registry("docker-hub").fail("library/alpine", status=429)
    pull(aws, ALPINE, "3.19")
    for view in windows.values():
        view.wait_for_pulls(4)
        view.wait_for("document.querySelector('#upstreams-list .bad')")
    take(windows["light"], "page-after-a-failing-pull")
    take(windows["dark"], "page-dark")
    take(windows["narrow"], "page-narrow")
    for view in windows.values():
        view.close()


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    aws = Aws(f"http://{host}:{port}")
    set_up(aws)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=OPTIONS)
        take_all(browser, aws)
        browser.close()
    server.stop()


if __name__ == "__main__":
    main()
