"""The programs below ``examples`` do what the documents say of them."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT
from tests.strict import STRICT


def test_example_with_contents_of_images_passes_and_is_shorter_than_by_hand(pytester):
    files = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "examples" / "rootfs").glob("*.py")}
    for name, text in files.items():
        (pytester.path / name).write_text(text, encoding="utf-8")
    pytester.runpytest_subprocess(*STRICT).assert_outcomes(passed=26)
    by_hand = re.findall("^def test_.*", files["test_rootfs_by_hand.py"], re.MULTILINE)
    tests = re.findall("^def test_.*", files["test_rootfs.py"], re.MULTILINE)
    assert [test.partition("(")[0] for test in tests] == [test.partition("(")[0] for test in by_hand]
    assert files["test_rootfs.py"].count("\n") < 0.6 * files["test_rootfs_by_hand.py"].count("\n")


def test_first_test_written_into_the_clone_is_told_to_go_elsewhere(pytester, monkeypatch):
    # An environment with what the documents say to install, and no more
    pytester.makepyfile(freezegun="raise ImportError('No module named freezegun')", test_first="def test_it(): pass")
    pytester.makeconftest((ROOT / "conftest.py").read_text(encoding="utf-8"))
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))
    ended = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:xdist", "test_first.py")
    assert ended.ret == 4
    ended.stderr.fnmatch_lines("*need pip install -e '.[[]test[]]'*No module named freezegun*outside of the clone*")
