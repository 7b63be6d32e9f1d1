"""Writes the figures of a run into docs/benchmarks.md, and draws its plots: ``python benchmarks/report.py FILE``.

FILE is what ``run.py --json FILE`` wrote; by default it is the run that the page is made of.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import results
from measure import Row
from results import Results

ROOT = Path(__file__).parents[1]
FIGURES = Path(__file__).with_name("figures.json")
PAGE = ROOT / "docs" / "benchmarks.md"
PLOTS = ROOT / "docs" / "images"
HEADING = "## The last figures"


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a run's figures into the documents.")
    parser.add_argument("file", nargs="?", type=Path, default=FIGURES, metavar="FILE", help="what run.py --json wrote")
    file = parser.parse_args().file
    try:
        run = results.read(file)
    except (OSError, ValueError, LookupError, TypeError) as error:
        parser.error(f"{file} has no figures: {type(error).__name__}: {error}")
    run.write(FIGURES)
    PAGE.write_text(with_figures(PAGE.read_text(encoding="utf-8"), run), encoding="utf-8")
    import plots  # matplotlib is needed for nothing else

    for axis, rows in curves(run).items():
        plot(axis).write_text(plots.draw(axis, rows), encoding="utf-8")


def plot(axis: str) -> Path:
    """Return the file of the plot of an axis."""
    return PLOTS / f"benchmarks-{axis}.svg"


def curves(run: Results) -> dict[str, list[Row]]:
    """Return the curves of a run by their axis."""
    found: dict[str, list[Row]] = {}
    for row in run.rows:
        if row.axis:
            found.setdefault(row.axis, []).append(row)
    return found


def with_figures(page: str, run: Results) -> str:
    """Return a page with a run's figures below ``HEADING``, up to the next heading of its kind."""
    before, heading, after = page.partition(f"{HEADING}\n")
    if not heading:
        raise ValueError(f"The page has no heading '{HEADING}'")
    following = re.search(r"^## ", after, re.MULTILINE)
    rest = after[following.start() :] if following else ""
    return f"{before}{heading}\n" + "\n".join(figures(run)) + f"\n\n{rest}"


def figures(run: Results) -> Iterator[str]:
    """Yield the lines that the page has of a run."""
    missed = f"These missed their budgets: {'; '.join(run.missed)}." if run.missed else "Every budget held."
    yield f"On {run.date}, in {run.seconds} seconds. {missed}"
    yield ""
    yield f"- Machine: {run.machine}"
    yield f"- Versions: {', '.join(f'{name} {version}' for name, version in run.versions.items())}"
    yield ""
    yield _line("group", *results.HEADINGS)
    yield _line(*["---"] * (len(results.HEADINGS) + 1))
    for group in run.groups:
        for row in group.rows:
            yield _line(f"`{group.name}`", *results.cells(row))


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
