"""Plots of the curves of a run, one for each axis, as SVG: the same figures make the same bytes.

Colours are for a light background. Where the reader prefers a dark one, and the viewer knows style sheets, they turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import NamedTuple
from xml.sax.saxutils import escape

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator
from measure import Row
from results import format_milliseconds


class _Colour(NamedTuple):
    light: str
    dark: str


_SHEET = _Colour("#ffffff", "#161b22")
_INK = _Colour("#1f2328", "#e6edf3")
_GRID = _Colour("#d0d7de", "#30363d")
_SERIES = (
    _Colour("#0969da", "#79c0ff"),
    _Colour("#bc4c00", "#ffa657"),
    _Colour("#1a7f37", "#56d364"),
    _Colour("#8250df", "#d2a8ff"),
    _Colour("#9a6700", "#e3b341"),
    _Colour("#bf3989", "#ff9bce"),
    _Colour("#57606a", "#9da7b1"),
    _Colour("#0f6e7c", "#66d9e8"),
)
_MARKERS = "osD^vPX*"

_SETTINGS = {
    "svg.fonttype": "path",  # text looks the same, whichever fonts there are
    "svg.hashsalt": "moto_ecr_ptc",  # ids do not change from run to run
    "font.family": "DejaVu Sans",  # matplotlib brings it along
    "font.size": 10,
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "axes.edgecolor"), _INK.light),
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), _SHEET.light),
    "grid.color": _GRID.light,
}


def draw(axis: str, rows: Sequence[Row]) -> str:
    """Return the SVG of the curves of one axis."""
    with mpl.rc_context({**mpl.rcParamsDefault, **_SETTINGS}):
        figure = Figure(figsize=(9, 4.2), layout="constrained")
        axes = figure.add_subplot()
        for row, colour, marker in zip(rows, _SERIES, _MARKERS):
            sizes, milliseconds = zip(*row.points)
            axes.plot(sizes, milliseconds, color=colour.light, marker=marker, markersize=5, label=row.what)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(sizes)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:,.0f}"))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda milliseconds, _: f"{milliseconds:,g}"))
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
        axes.set_ylim(*_limits(rows))
        axes.set_xlabel(axis)
        axes.set_ylabel("milliseconds")
        axes.grid(visible=True)
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside right upper", frameon=False)
        drawn = StringIO()
        figure.savefig(drawn, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return _finish(drawn.getvalue(), axis, rows)


def describe(axis: str, rows: Sequence[Row]) -> str:
    """Return the figures of the curves as text, for who cannot see the plot."""
    lines = [
        f"{row.what}: " + ", ".join(f"{format_milliseconds(time)} at {size:,}" for size, time in row.points)
        for row in rows
    ]
    return f"What a call costs by the number of {axis}. " + "; ".join(lines) + "."


def _limits(rows: Sequence[Row]) -> tuple[float, float]:
    """Return whole powers of ten, so that small differences do not look large."""
    times = [point.milliseconds for row in rows for point in row.points]
    low, high = 0.1, 10.0
    while low > min(times):
        low /= 10
    while high < max(times):
        high *= 10
    return low, high


def _finish(svg: str, axis: str, rows: Sequence[Row]) -> str:
    """Add the description and the dark colours."""
    start = svg.index("<svg")
    end = svg.index(">", start)
    dark = "\n".join(
        f'[style*="{member}: {colour.light}"] {{ {member}: {colour.dark} !important }}'
        for colour in (_SHEET, _INK, _GRID, *_SERIES)
        for member in ("fill", "stroke")
    )
    added = (
        f"\n <desc>{escape(describe(axis, rows))}</desc>"
        f"\n <style>@media (prefers-color-scheme: dark) {{\n{dark}\n}}</style>"
    )
    lines = f'{svg[start:end]} role="img">{added}{svg[end + 1 :]}'.splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"
