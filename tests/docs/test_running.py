"""A page that does not do what it says fails, by the file and line of the block; and nothing of it goes on running."""

from __future__ import annotations

import shutil
import socket
import time
from pathlib import Path

import pytest

from conftest import SCRIPTS
from tests.docs.environments import Environment
from tests.docs.page_run import BlockFailed, ProgramMissing, run_page
from tests.docs.pages import read_page

INSTALL = "```sh\npip install .\n```\n"


@pytest.fixture
def clone(tmp_path):
    """A clone of a repository, with a program that prints one long line between two others."""
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / "program.py").write_text("print('before')\nprint('a long line', 17, 'in all')\nprint('after')\n")
    return clone


@pytest.fixture
def run(tmp_path, clone):
    """Run a page; return the directory that it worked in."""

    def run_text(text):
        # The environment is that of the tests: what the page says to install makes no difference.
        (tmp_path / "page.md").write_text(INSTALL + text)
        directory = tmp_path / "run"
        directory.mkdir()
        run_page(read_page("page.md", tmp_path), Environment(SCRIPTS, clone), directory)
        return directory / "work"

    return run_text


@pytest.fixture
def fail(run):
    """Run a page that must fail; return what is said of it."""

    def fail_text(text):
        with pytest.raises(BlockFailed) as failed:
            run(text)
        return str(failed.value)

    return fail_text


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("```python\nraise OSError('a fault')\n```\n", "OSError: a fault"),
        ("```python\nimport warnings\nwarnings.warn('a warning')\n```\n", "UserWarning: a warning"),
        ("```python\ndef test_it():\n    assert 1 == 2\n```\n", "assert 1 == 2"),
        ("```python\nimport warnings\ndef test_it():\n    warnings.warn('a warning')\n```\n", "UserWarning: a warning"),
        ("```sh\necho before\nfalse\necho after\n```\n", "it ends with status 1\nbefore\n"),
        ("```sh\nno-such-program\n```\n", "no-such-program: command not found"),
        ("```sh\nfalse | cat\n```\n", "it ends with status 1"),
    ],
)
def test_block_that_fails_is_named_with_what_it_printed(fail, text, failure):
    failed = fail(f"```sh\ntrue\n```\n{text}```sh\nfalse\n```\n")
    assert failed.startswith("page.md:7: ")
    assert failure in failed
    assert "after" not in failed


@pytest.mark.parametrize("mark", ["skip(reason='later')", "xfail(reason='it fails', strict=False)"])
def test_test_that_is_left_out_fails(fail, mark):
    failed = fail(f"```python\nimport pytest\n\n\n@pytest.mark.{mark}\ndef test_it():\n    assert 1 == 2\n```\n")
    assert failed.startswith("page.md:4: not all of its tests ran and passed\n")


def test_blocks_after_one_that_fails_are_not_run(fail, tmp_path):
    fail("```sh\nfalse\n```\n```sh\ntouch after\n```\n")
    assert list((tmp_path / "run" / "work").iterdir()) == []


def test_block_that_is_not_to_be_run_is_not(run):
    work = run(
        "<!-- not run: it would fail -->\n```sh\ntouch made\n```\n<!-- run by .ci/run -->\n```sh\ntouch made\n```\n"
    )
    assert list(work.iterdir()) == []


def test_what_the_shell_sets_lasts_until_it_is_unset(run):
    run(
        "```sh\nexport EXPORTED='a b'\nplain=c\n```\n"
        "```python\nimport os\nassert os.environ['EXPORTED'] == 'a b'\n```\n"
        '```console\n$ echo "$EXPORTED" $plain\na b c\n$ unset EXPORTED\n```\n'
        "```python\nimport os\nassert 'EXPORTED' not in os.environ\n```\n"
    )


def test_settings_of_whoever_runs_the_tests_are_not_seen(run, monkeypatch):
    for name in ("AWS_PROFILE", "MOTO_ACCOUNT_ID", "PYTEST_ADDOPTS", "PYTHONPATH"):
        monkeypatch.setenv(name, "theirs")
    run("```console\n$ env | grep theirs\n```\n")


def test_programs_of_the_environment_are_found_first(run):
    run(f"```console\n$ command -v python\n{SCRIPTS}/python\n```\n")


# --- transcripts ------------------------------------------------------------------------------------------------------


def test_transcript_prints_what_it_says(run):
    run(
        "```console\n$ printf 'a\\nb\\n'\na\nb\n$ true\n"
        "$ echo 1 2 \\\n    3\n1 2 3\n$ echo from 17 to 18; false\nfrom ... to ...\n```\n"
    )


@pytest.mark.parametrize(
    ("transcript", "line"),
    [
        ("$ echo 1\n2\n", 5),
        ("$ echo 1\n", 5),
        ("$ true\n1\n", 5),
        ("$ echo 1\n1\n$ echo 1; echo 2\n1\n", 7),
        ("$ echo xay\na...y\n", 5),
        ("$ echo a \\\n    b\na b\n$ echo 1\n.\n", 8),
    ],
)
def test_transcript_that_prints_something_else_fails_at_the_command(fail, transcript, line):
    assert fail(f"```console\n{transcript}```\n").startswith(f"page.md:{line}: $ ")


def test_transcript_says_what_was_to_be_printed_and_what_was(fail):
    assert fail("```console\n$ echo 1\n2\n```\n") == ("page.md:5: $ echo 1\n--- the page says\n2\n--- it printed\n1\n")


# --- files and commands -----------------------------------------------------------------------------------------------


def test_file_is_there_for_later_blocks(run):
    run("<!-- file: a/b.toml -->\n```toml\na = 1\n```\n```console\n$ cat a/b.toml\na = 1\n```\n")


def test_command_runs_the_block(run):
    run(
        "<!-- file: a.yaml, run: cp a.yaml copy -->\n```yaml\na: 1\n```\n"
        "<!-- run: python app.py copy -->\n"
        "```python\nimport sys\n\nopen('app', 'w').write(open(sys.argv[1]).read())\n```\n"
        "```console\n$ cat app\na: 1\n```\n"
    )


UNITTEST = "<!-- run: python -m unittest test_app.py -->\n```python\nimport unittest\nimport warnings\n\n\n{}\n```\n"


def test_command_that_fails_is_named(fail):
    failed = fail(UNITTEST.format("class It(unittest.TestCase):\n    def test_it(self):\n        self.fail('a fault')"))
    assert failed.startswith("page.md:5: it ends with status 1\n")
    assert "a fault" in failed


def test_command_that_finds_no_test_fails(fail):
    assert fail(UNITTEST.format("class It(unittest.TestCase):\n    pass")).startswith("page.md:5: ")


def test_command_that_skips_a_test_fails(fail):
    test = "class It(unittest.TestCase):\n    def test_it(self):\n        self.skipTest('later')"
    assert fail(UNITTEST.format(test)).startswith("page.md:5: not all of its tests ran and passed\n")


def test_warning_of_a_command_that_runs_python_fails(fail):
    test = "class It(unittest.TestCase):\n    def test_it(self):\n        warnings.warn('a warning')"
    assert "UserWarning: a warning" in fail(UNITTEST.format(test))


# --- what a program prints --------------------------------------------------------------------------------------------


def test_output_of_a_program_is_a_part_of_it_however_lines_are_broken(run):
    run("<!-- output of: program.py -->\n```text\na long\n  line ... in all\n```\n")


def test_output_that_a_program_does_not_print_fails(fail):
    failed = fail("<!-- output of: program.py -->\n```text\na short line\n```\n")
    assert failed.startswith("page.md:5: program.py prints something else\nbefore\n")


# --- servers and what the machine lacks -------------------------------------------------------------------------------

SERVER = "moto_ecr_ptc_server -p 5000"


def ports(work):
    return [int(port) for port in (work / "port").read_text().split()]


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    "start",
    [
        f"```sh\n{SERVER}\n```\n",
        "```sh\nmoto_ecr_ptc_server\n```\n",
        f"```sh\nA=b {SERVER} &\necho 127.0.0.1:5000 >address\n```\n",
        "```console\n$ python -m moto_ecr_ptc --port=5000\n```\n",
        f"```console\n$ {SERVER}\n... http://127.0.0.1:5000\n```\n",
    ],
)
def test_server_answers_later_blocks_and_ends_with_the_page(run, start):
    work = run(
        f"{start}```python\nimport requests\n\n"
        "assert requests.get('http://127.0.0.1:5000/moto-api/data.json').ok\n"
        "print('127.0.0.1:5000'.rpartition(':')[2], file=open('port', 'w'))\n```\n"
    )
    (port,) = ports(work)
    assert port != 5000
    assert not listens(port)


def test_server_ends_with_a_page_that_fails(fail, tmp_path):
    fail(f"```sh\n{SERVER}\necho 127.0.0.1:5000 | cut -d : -f 2 >port\nfalse\n```\n")
    (port,) = ports(tmp_path / "run" / "work")
    assert not listens(port)


def test_server_that_does_not_start_fails(fail):
    failed = fail("```sh\nmoto_ecr_ptc_server -p 5000 --upstreams missing.toml\n```\n")
    assert failed.startswith("page.md:4: the server does not start\n")
    assert "missing.toml" in failed


def test_server_that_only_prints_something_is_a_command(run):
    run("```console\n$ moto_ecr_ptc_server --version\nmoto_ecr_ptc ...\n```\n")


def test_what_a_page_leaves_in_the_background_ends_with_it(run):
    work = run("```sh\nsleep 600 &\necho $! >pid\n```\n")
    pid = int((work / "pid").read_text())
    assert _has_ended(pid)


def _has_ended(pid):
    stat = Path(f"/proc/{pid}/stat")
    end = time.monotonic() + 30
    # Whoever adopts a process that has ended takes notice of that when it likes: Z is such a one.
    while stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z":
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_program_that_a_page_takes_from_the_machine_is_told_if_it_lacks_it(run, tmp_path, monkeypatch):
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "bash").symlink_to(shutil.which("bash"))
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    with pytest.raises(ProgramMissing, match=r"page\.md:4: the machine has no skopeo"):
        run("```sh\nskopeo --version\n```\n")
