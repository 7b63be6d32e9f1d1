"""docs/architecture.md shows the package as the contracts in pyproject.toml have it, and no file grows out of hand."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it along

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "moto_ecr_ptc"
DOCUMENT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
LAYERS = {contract["containers"][0]: contract["layers"] for contract in CONTRACTS if contract["type"] == "layers"}
(WAYS_IN,) = (contract for contract in CONTRACTS if contract["name"] == "ECR knows nothing of the ways in")

SOURCES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
LONGEST = {"ecr/models.py": 250}


def test_map_shows_wings_and_rooms_in_the_order_of_the_contracts():
    assert section("The map").count("```text") == 1
    (drawing,) = re.findall(r"^```text\n(.*?)^```", section("The map"), re.MULTILINE | re.DOTALL)
    assert drawing == draw(), f"The map has to be:\n\n{draw()}"


def test_map_says_of_every_wing_what_it_is():
    named = re.findall(r"^\| `(\w+)` \|", section("The map"), re.MULTILINE)
    assert named == [name for layer in LAYERS["moto_ecr_ptc.ecr"] for name in siblings(layer)]


def test_contract_forbids_all_ways_in():
    modules = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")
    assert WAYS_IN["forbidden_modules"] == [f"moto_ecr_ptc.{module}" for module in modules]


def test_every_wing_has_a_contract_for_its_rooms():
    wings = {f"moto_ecr_ptc.ecr.{path.parent.name}" for path in (PACKAGE / "ecr").glob("*/__init__.py")}
    assert set(LAYERS) == {"moto_ecr_ptc.ecr", *wings}
    assert all(contract["exhaustive"] for contract in CONTRACTS if contract["type"] == "layers")


@pytest.mark.parametrize("source", SOURCES)
def test_source_is_short_enough_to_read_in_one_sitting(source):
    assert len((PACKAGE / source).read_text(encoding="utf-8").splitlines()) <= LONGEST.get(source, 400)


def test_modules_and_tests_that_the_document_names_exist():
    tests = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", DOCUMENT)
    assert len(named) > 20
    assert [name for name in named if f"def {name[1]}(" not in tests.get(name[0], "")] == []
    # `pulls.pulling.ImagePulls.get_images`: a module below `ecr` or in the package itself, and names in it.
    written = {
        name for name in re.findall(r"`((?:\w+\.)+\w+)`", DOCUMENT) if not name.endswith((".py", ".md", ".toml"))
    }
    assert sorted(name for name in written if is_ours(name) and not exists(name)) == []


def section(title: str) -> str:
    """Return what stands under a heading of the document."""
    (found,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    return found


def draw() -> str:
    """Return the map that follows from the contracts."""
    ways_in = [module.rpartition(".")[2] for module in WAYS_IN["forbidden_modules"]]
    lines = ["ways in", f"  {'  '.join(ways_in)}", "    ▼", "ecr/"]
    for layer in LAYERS["moto_ecr_ptc.ecr"]:
        if lines[-1] != "ecr/":
            lines.append("    ▼")
        rooms = LAYERS.get(f"moto_ecr_ptc.ecr.{layer}")
        if rooms is None:
            lines.append(f"  {'  '.join(siblings(layer))}")
            continue
        lines += [f"  {f'{layer}/' if room is rooms[0] else '':<15} │ {'  '.join(siblings(room))}" for room in rooms]
    return "\n".join(lines) + "\n"


def siblings(layer: str) -> list[str]:
    return layer.split(" : ")


def is_ours(name: str) -> bool:
    first = name.split(".")[0]
    return any((folder / first).is_dir() or (folder / f"{first}.py").is_file() for folder in (PACKAGE, PACKAGE / "ecr"))


def exists(name: str) -> bool:
    """Return whether a module has the names that stand behind it."""
    for folder in (PACKAGE / "ecr", PACKAGE):
        path, names = folder, name.split(".")
        while names:
            path = path / names.pop(0)
            if path.with_suffix(".py").is_file():
                source = path.with_suffix(".py").read_text(encoding="utf-8")
                return all(
                    re.search(rf"^ *(?:def |class )?{re.escape(name)}\b", source, re.MULTILINE) for name in names
                )
    return False
