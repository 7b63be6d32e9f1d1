"""The rows of docs/fidelity.md: each claim about AWS, its id, and the mark of its evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FIDELITY = ROOT / "docs" / "fidelity.md"

_MARK_COLUMNS = ("mark", "marks")
_RULER = re.compile(r"[|\s:-]+")
_MARK = re.compile(r"A-frag|\b(?:OCI|[ABD])\b")


class Unreadable(Exception):
    """A file is not what it is taken for."""


@dataclass(frozen=True)
class Row:
    """One claim. The refusals of the first table are known by their number, all others by the column ``id``."""

    id: str
    behaviour: str
    mark: str
    line: int
    """Where it stands, counted from 0."""

    mark_column: int

    @property
    def is_observed(self) -> bool:
        """Whether all of it was observed on AWS."""
        return set(_MARK.findall(self.mark)) == {"A"}

    @property
    def weakest_mark(self) -> str:
        found = set(_MARK.findall(self.mark))
        return next(mark for mark in ("D", "OCI", "B", "A-frag", "A") if mark in found)


class FidelityPage:
    """The text of the page, and its rows."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")

    @cached_property
    def rows(self) -> dict[str, Row]:
        """The rows of all tables with marks, by id."""
        found: dict[str, Row] = {}
        for row in self._read():
            if row.id in found:
                raise Unreadable(f"two rows have the id '{row.id}'")
            found[row.id] = row
        return found

    def _read(self) -> Iterator[Row]:
        titles: list[str] = []
        for number, line in enumerate(self.lines):
            if not line.startswith("|"):
                titles = []
            elif not titles:
                titles = _cells(line)
            elif not _RULER.fullmatch(line) and set(titles) & set(_MARK_COLUMNS):
                yield _read_row(number, titles, _cells(line))

    def write(self, path: Path) -> None:
        """Write the page, with the ends of lines that it was read with."""
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write("\n".join(self.lines))

    def with_mark(self, row: Row, mark: str) -> str:
        """Return the line of a row with another mark."""
        cells = self.lines[row.line].split("|")
        cells[row.mark_column + 1] = f" {mark} "
        return "|".join(cells)


def read_page(path: Path = FIDELITY) -> FidelityPage:
    with path.open(encoding="utf-8", newline="") as file:
        return FidelityPage(file.read())


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _known(number: int, mark: str) -> str:
    if not _MARK.search(mark):
        raise Unreadable(f"line {number + 1} of the fidelity page has no mark: '{mark}'")
    return mark


def _read_row(number: int, titles: list[str], cells: list[str]) -> Row:
    is_numbered = titles[0] == "#"
    id_column = 0 if is_numbered else titles.index("id") if "id" in titles else None
    if id_column is None or len(cells) != len(titles) or not cells[id_column].strip("`"):
        raise Unreadable(f"line {number + 1} of the fidelity page has no id")
    mark_column = next(titles.index(title) for title in _MARK_COLUMNS if title in titles)
    return Row(
        id=cells[id_column].strip("`"),
        behaviour=cells[1 if is_numbered else 0],
        mark=_known(number, cells[mark_column]),
        line=number,
        mark_column=mark_column,
    )
