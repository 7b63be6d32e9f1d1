"""The programs below ``examples`` do what the documents say of them."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.docs.pages import ROOT


def test_quickstart_tells_the_whole_story():
    process = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / "quickstart.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    (logged,) = process.stderr.splitlines()
    assert logged in process.stdout
    for part in (
        '"ecrRepositoryPrefix": "docker-hub"',
        '"repositoryName": "docker-hub/library/alpine"',
        "ecr:BatchGetImage",
        "10263 bytes",
        "UpstreamTooManyRequests",
        "Pull(repository='library/alpine', reference='3.20'",
        "failed with UpstreamTooManyRequests: registry-1.docker.io did not return it",
        "An error occurred (UnsupportedUpstreamRegistryException) when calling the CreatePullThroughCacheRule",
    ):
        assert part in process.stdout


def test_example_with_contents_of_images_passes_and_is_shorter_than_by_hand(pytester):
    files = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "examples" / "rootfs").glob("*.py")}
    for name, text in files.items():
        (pytester.path / name).write_text(text, encoding="utf-8")
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=26)
    by_hand = re.findall("^def test_.*", files["test_rootfs_by_hand.py"], re.MULTILINE)
    tests = re.findall("^def test_.*", files["test_rootfs.py"], re.MULTILINE)
    assert [test.partition("(")[0] for test in tests] == [test.partition("(")[0] for test in by_hand]
    assert files["test_rootfs.py"].count("\n") < 0.6 * files["test_rootfs_by_hand.py"].count("\n")
