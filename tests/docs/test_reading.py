"""What is not understood of a page is a fault, named with its file and line."""

from __future__ import annotations

import pytest

from tests.docs.pages import (
    COMMAND,
    INSTALLS,
    NOT_RUN,
    OUTPUT,
    PICTURE,
    RUN_BY_CI,
    SCRIPT,
    SHELL,
    TESTS,
    TRANSCRIPT,
    WRITTEN,
    PageFaults,
    page_names,
    read_page,
)

INSTALL = "```sh\npip install .\n```\n"
SECOND = "```sh\npip install pytest\n```\n"
SCRIPT_BLOCK = "```python\nprint(1)\n```\n"
TEST = "def test_it():\n    pass\n"


@pytest.fixture
def read(tmp_path):
    """Write a page, and read it."""

    def read_text(text):
        (tmp_path / "page.md").write_text(text)
        return read_page("page.md", tmp_path)

    return read_text


@pytest.mark.parametrize(
    ("block", "kind"),
    [
        ("```python\nprint(1)\n```", SCRIPT),
        (f"```python\n{TEST}```", TESTS),
        (f"```python\nasync {TEST}```", TESTS),
        ("```python\nclass TestIt:\n    def test_it(self):\n        pass\n```", TESTS),
        ("```python\nclass It(unittest.TestCase):\n    def test_it(self):\n        pass\n```", TESTS),
        (f"<!-- file: test_app.py -->\n```python\n{TEST}```", TESTS),
        (f"<!-- run: python -m unittest test_app.py -->\n```python\n{TEST}```", COMMAND),
        (f"<!-- file: test_app.py, run: tox -e py, again -->\n```python\n{TEST}```", COMMAND),
        ("<!-- file: .github/workflows/test.yml, run: python steps.py -->\n```yaml\na: 1\n```", COMMAND),
        ("<!-- file: app.py -->\n```python\ndef run():\n    pass\n```", WRITTEN),
        ("<!-- file: a.toml -->\n```toml\na = 1\n```", WRITTEN),
        ("```sh\necho 1\n```", SHELL),
        ("```console\n$ echo 1\n1\n```", TRANSCRIPT),
        ("<!-- not run: it needs a docker engine -->\n```sh\ndocker pull\n```", NOT_RUN),
        ("<!-- run by .ci/run -->\n```sh\ntrue\n```", RUN_BY_CI),
        ("<!-- output of: examples/quickstart.py -->\n```text\n1\n```", OUTPUT),
        ("```text\n1\n```", PICTURE),
        ("```json\n1\n```", PICTURE),
        ("- item\n\n  ```python\n  print(1)\n  ```", SCRIPT),
    ],
)
def test_block_is_run_as_its_language_and_comment_say(read, block, kind):
    assert [found.kind for found in read(f"{INSTALL}\n{block}\n").blocks] == [INSTALLS, kind]


def test_block_has_the_text_and_the_line_of_its_fence(read):
    (_, block) = read(f"{INSTALL}\n- item\n\n  ```python\n  if 1:\n      print(1)\n  ```\n").blocks
    assert (str(block), block.text) == ("page.md:7", "if 1:\n    print(1)\n")


def test_comment_names_file_and_command(read):
    (_, block) = read(
        f"{INSTALL}<!-- file: a/b.yml, run: python steps.py a/b.yml, again -->\n```yaml\na: 1\n```\n"
    ).blocks
    assert (block.file, block.command) == ("a/b.yml", "python steps.py a/b.yml, again")


def test_command_names_the_file_of_a_block_without_one(read):
    (_, block) = read(f"{INSTALL}<!-- run: python -m unittest test_app.py -->\n```python\n{TEST}```\n").blocks
    assert block.file == "test_app.py"


def test_directive_of_the_site_is_no_example(read):
    assert read("```{toctree}\nstart\n```\n").blocks == []


def test_page_without_anything_to_run_needs_no_environment(read):
    assert read("```text\n1\n```\n").install is None


def test_line_that_goes_on_below_an_item_is_text(read):
    assert read("1. item\n    that goes on, with ``` `code` ```\n").blocks == []


def test_comment_within_code_is_text(read):
    assert read("Write `<!-- file: NAME -->` before it.\n").blocks == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("```\n1\n```\n", "page.md:1: a block without a language"),
        ("\n```bash\n1\n```\n", "page.md:2: a language that the runner of examples does not know: bash"),
        ("```{code-block} python\n1\n```\n", "page.md:1: a language that the runner of examples does not know: {code-"),
        ("````text\n1\n````\n", "page.md:1: a fence other than three backticks"),
        ("~~~text\n1\n~~~\n", "page.md:1: a fence other than three backticks"),
        ("a\n```text\n1\n", "page.md:2: a block without an end"),
        ("> ```python\n", "page.md:1: a fence that is not on a line of its own: > ```python"),
        ("\t```python\n", "page.md:1: a fence that is not on a line of its own: ```python"),
        ("a\n\n    print(1)\n", "page.md:3: a block that is indented instead of fenced: print(1)"),
        ("a\n\n\tprint(1)\n", "page.md:3: a block that is indented instead of fenced: print(1)"),
        ("<pre>\n", "page.md:1: a block of HTML"),
        (
            "<!-- fiel: a.py -->\n```text\n1\n```\n",
            "page.md:1: a comment that the runner of examples does not know: <!-- fi",
        ),
        (
            "<!-- not run: -->\n```text\n1\n```\n",
            "page.md:1: a comment that the runner of examples does not know: <!-- not",
        ),
        ("text <!-- a remark -->\n", "page.md:1: a comment that the runner of examples does not know: text"),
        (
            "<!-- a remark\nof two lines -->\n",
            "page.md:1: a comment that the runner of examples does not know: <!-- a re",
        ),
        (
            "<!-- file: a.toml -->\n\n```toml\na = 1\n```\n",
            "page.md:1: the comment is about the block on the next line",
        ),
        (
            "<!-- file: ../a.toml -->\n```toml\na = 1\n```\n",
            "page.md:2: the file is not below the page's directory: ../",
        ),
        ("<!-- file: /a.toml -->\n```toml\na = 1\n```\n", "page.md:2: the file is not below the page's directory: /a"),
        (f"{INSTALL}<!-- run: tox -->\n{SCRIPT_BLOCK}", "page.md:5: the command names no file: tox"),
        (f"{INSTALL}```python\n>>> 1\n```\n", "page.md:5: this is no Python: "),
        (f"{INSTALL}```python\nif x:\n    def test_it(): ...\n```\n", "page.md:4: a test that pytest does not find"),
        (
            f"{INSTALL}```python\nclass It:\n    def test_it(self): ...\n```\n",
            "page.md:4: a test that pytest does not find",
        ),
        (f"{INSTALL}```python\nimport a\ndef f(): ...\n```\n", "page.md:4: a script that only defines something"),
        (f"{INSTALL}```console\necho 1\n```\n", "page.md:4: a transcript that does not begin with a command"),
        (SCRIPT_BLOCK, "page.md:1: the page does not say what to install"),
        ("<!-- output of: a.py -->\n```text\n1\n```\n", "page.md:2: the page does not say what to install"),
        (SCRIPT_BLOCK + INSTALL, "page.md:1: the block stands before 'pip install' at line 4"),
        (INSTALL + SECOND, "page.md:4: a second 'pip install'; the one at line 1 says all"),
        ("```sh\npip install .\necho 1\n```\n", "page.md:1: the block with 'pip install' has other commands"),
    ],
)
def test_fault_of_a_page_is_named_with_file_and_line(read, text, fault):
    with pytest.raises(PageFaults) as caught:
        read(text)
    assert str(caught.value).startswith(fault)
    assert str(caught.value).count("\n") == 0


def test_all_faults_of_a_page_are_named(read):
    with pytest.raises(PageFaults) as caught:
        read("```\n1\n```\n```\n2\n```\n")
    assert len(str(caught.value).splitlines()) == 2


def test_every_page_is_found(tmp_path):
    for name in ("README.md", "CHANGELOG.md", "docs/a.md", "docs/howto/b.md", "docs/howto/c.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert page_names(tmp_path) == ["README.md", "docs/a.md", "docs/howto/b.md"]
