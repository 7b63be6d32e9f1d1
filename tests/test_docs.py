"""What the documents say is run: the README's examples, the quickstart, and the tests that docs/fidelity.md names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from moto import mock_aws

from conftest import HAS_EXCLUSION_FILTERS
from moto_ecr_ptc import load_upstreams, upstream_registry
from moto_ecr_ptc.ecr.upstream.registry import describe_upstreams
from tests.upstream.layouts import write_layout

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "upstream-registries.md").read_text(encoding="utf-8")
DEBUGGING = (ROOT / "docs" / "debugging.md").read_text(encoding="utf-8")
ENDPOINT = (ROOT / "docs" / "registry-endpoint.md").read_text(encoding="utf-8")


def blocks(language, document=README):
    return re.findall(rf"^```{language}\n(.*?)^```", document, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    "code",
    [code for document in (README, GUIDE, ENDPOINT, DEBUGGING) for code in blocks("python", document)],
    ids=lambda code: re.search(r"def (test_\w+)|$", code)[1] or "script",
)
def test_python_example_runs(pytester, code):
    if "ExclusionFilters" in code and not HAS_EXCLUSION_FILTERS:
        pytest.skip("the model of an older botocore has no exclusion filters")
    pytester.makepyfile(code if "def test_" in code else code + "\n\ndef test_ran():\n    pass\n")
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)


def test_readme_console_example_prints_what_it_says(server, tmp_path):
    (transcript,) = blocks("console")
    assert play(transcript, server, tmp_path) == 6


def test_guides_console_example_prints_what_it_says(server, tmp_path):
    write_layout(tmp_path / "layout")
    with tarfile.open(tmp_path / "layout.tar", "w") as archive:
        archive.add(tmp_path / "layout", arcname=".")
    (transcript,) = blocks("console", GUIDE)
    assert play(transcript, server, tmp_path) == 18


@pytest.fixture
def declared(tmp_path):
    """Load a file of the guide, and return what it makes the upstream registries hold and how they answer."""
    write_layout(tmp_path / "layout")
    (tmp_path / "app.bin").write_bytes(b"app")

    def load(language):
        (text,) = blocks(language, GUIDE)
        (tmp_path / f"upstreams.{language}").write_text(text)
        with mock_aws():
            load_upstreams(tmp_path / f"upstreams.{language}")
            held = [image for name in ("docker-hub", "quay") for image in upstream_registry(name).images]
            return held, describe_upstreams((), 10)

    return load


def test_guides_declarations_in_toml_and_json_are_the_same(declared):
    assert declared("toml") == declared("json")


def test_guides_declaration_declares_what_it_says(declared):
    held, (quay, hub) = declared("toml")
    assert {(image.repository, image.tag) for image in held} > {
        ("library/alpine", "3.20"),
        ("library/layers", "latest"),
    }
    assert "team/app" in {image.repository for image in held}
    assert hub.demands_credentials
    assert list(hub.failures) == ["library/busy"]
    assert quay.proxied_url == "http://127.0.0.1:5001"


def play(transcript, server, directory):
    """Run the commands of a transcript, check what each prints, and return how many there were."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "AWS_PAGER": "",
        "AWS_CONFIG_FILE": str(directory / "config"),
    }
    steps = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", transcript, re.MULTILINE)
    exports = "; ".join(command for command, _ in steps if command.startswith("export "))
    exports = exports.replace("http://127.0.0.1:5000", server.endpoint_url)
    ran = 0
    for command, expected in steps:
        if command.startswith("export "):
            continue
        process = subprocess.run(
            ["bash", "-c", f"{exports}; {command}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env=environment,
            cwd=directory,
        )
        pattern = re.escape(expected.strip()).replace(r"\.\.\.", ".*?")
        assert re.fullmatch(pattern, process.stdout.strip(), re.DOTALL), process.stdout
        ran += 1
    return ran


def test_readme_commands_are_those_that_ci_runs():
    quickstart, tests, *_ = blocks("sh")
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert quickstart.strip() in ci
    assert tests.strip() in ci


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


def test_fidelity_names_tests_that_exist_and_all_rows():
    text = (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:\w+/)*test_\w+\.py)::(test_\w+)`", text)
    assert len(named) > 80
    for file, test in named:
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(encoding="utf-8"), (file, test)
    assert [int(row) for row in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)] == list(range(1, 18))
    rows = [line for line in text.splitlines() if line.startswith("|") and "---" not in line]
    assert len(rows) > 70


PULL_FAILURE = re.compile(
    r"not found|is missing|[Mm]issing right|InvalidImageTag|\b(?:Repository|Image|Layers)NotFound|LayerInaccessible|"
    r"\bUpstream(?:AccessDenied|TooManyRequests|Unavailable)\b|UnableTo\w+|"
    r"\b(?:NAME_UNKNOWN|MANIFEST_UNKNOWN|BLOB_UNKNOWN|DENIED|TOOMANYREQUESTS|UNAVAILABLE)\b"
)
"""How a pull may end that brings nothing."""

NO_PULL = re.compile(
    r"push|POST|`_catalog`|path or method"
    # Whoever is not known yet, or no longer, has not pulled.
    r"|token is good|is deleted during|was deleted after it logged in"
)
"""What rows tell that are not about pulls."""


def test_fidelity_names_a_test_of_the_reason_for_each_way_in_which_a_pull_fails():
    text = (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8")
    chapters = re.findall(r"^## (?:Pulls|The registry endpoint)\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    rows = [line for line in "".join(chapters).splitlines() if line.startswith("| ")]
    failures = [row for row in rows if PULL_FAILURE.search(row.split("|")[1]) and not NO_PULL.search(row.split("|")[1])]
    assert len(failures) > 25
    assert [row for row in failures if "`pulls/test_reasons" not in row] == []
