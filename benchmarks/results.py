"""What a run came to: its groups, the machine and the versions, as JSON and as the cells of one table."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from measure import Point, Row

HEADINGS = ("what", "budget", "measured", "half of the rounds", "it took", "holds")

_PACKAGES = ("moto-ecr-ptc", "moto", "boto3", "pytest")


@dataclass(frozen=True)
class Group:
    """The rows of what was measured together."""

    name: str
    title: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Results:
    """A run."""

    date: str
    machine: str
    versions: dict[str, str]
    seconds: int
    groups: Sequence[Group]

    @property
    def rows(self) -> Iterator[Row]:
        return (row for group in self.groups for row in group.rows)

    @property
    def missed(self) -> list[str]:
        return [f"{group.name}: {row.what}" for group in self.groups for row in group.rows if not row.holds]

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def results_of_run(groups: Sequence[Group], seconds: float) -> Results:
    """Return the results of a run that ends now, on this machine."""
    return Results(date.today().isoformat(), _machine(), _versions(), round(seconds), groups)


def read(path: Path) -> Results:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    groups = [Group(**{**group, "rows": [_row(**row) for row in group["rows"]]}) for group in content["groups"]]
    return Results(**{**content, "groups": groups})


def _row(points: list[list[float]], **members: Any) -> Row:
    return Row(**members, points=[Point(int(size), milliseconds) for size, milliseconds in points])


def cells(row: Row) -> tuple[str, ...]:
    """Return what the table says of a row, by ``HEADINGS``."""
    bound = "≥" if row.is_minimum else "≤"
    return (
        _name(row),
        "none" if row.limit is None else f"{bound} {_format(row.limit, row.unit, 'g')}",
        _format(row.measured, row.unit),
        " to ".join(_format(score, row.unit) for score in row.middle_half) if row.middle_half else "",
        " beside ".join(map(format_milliseconds, row.milliseconds)) if row.milliseconds else "",
        "" if row.limit is None else "yes" if row.holds else "NO",
    )


def _name(row: Row) -> str:
    if not row.points:
        return row.what
    return f"{row.what}: {row.points[-1].size:,} {row.axis} beside {row.points[0].size:,}"


def format_milliseconds(milliseconds: float) -> str:
    return f"{milliseconds:,.2f} ms" if milliseconds < 100 else f"{milliseconds:,.0f} ms"


_FORMATS = {"x": ".3f", "ms": "+.1f", "MB": ".1f", "s": ".1f", "": ",.0f"}


def _format(value: float, unit: str, form: str | None = None) -> str:
    return f"{value:{form or _FORMATS[unit]}} {unit}".rstrip()


def _machine() -> str:
    processors = os.cpu_count()
    return f"{processors} processors ({_processor()}), {platform.system()} on {platform.machine()}"


def _processor() -> str:
    """Return the model of the processor, where Linux tells it."""
    information = Path("/proc/cpuinfo")
    named = re.search(r"^model name\s*: (.+)$", information.read_text(), re.MULTILINE) if information.exists() else None
    return " ".join(named[1].split()) if named else platform.processor() or "of an unknown model"


def _versions() -> dict[str, str]:
    versions = {"Python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}
    if shutil.which("docker-registry"):
        said = subprocess.run(["docker-registry", "--version"], capture_output=True, text=True, check=False).stdout
        versions["CNCF distribution"] = said.split()[-1] if said else "of an unknown version"
    return versions
