"""Everything public is in the API reference."""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

import moto_ecr_ptc
from moto_ecr_ptc.ecr.upstream import failures, file_layers, pushed_images

API = Path(__file__).parent.parent.parent / "docs" / "api.md"


def documented(site, domain):
    return {name for role, name in site.inventory() if role.startswith(domain)}


def test_public_names_are_in_the_reference(site):
    assert {f"moto_ecr_ptc.{name}" for name in moto_ecr_ptc.__all__} - documented(site, "py:") == set()


@pytest.mark.parametrize(
    "name", [name for name in moto_ecr_ptc.__all__ if isinstance(getattr(moto_ecr_ptc, name), type)]
)
def test_public_members_are_in_the_reference(site, name):
    kind = getattr(moto_ecr_ptc, name)
    members = {member for member in [*vars(kind), *kind.__annotations__] if not member.startswith("_")}
    prefix = f"moto_ecr_ptc.{name}"
    assert {f"{prefix}.{member}" for member in members} - documented(site, "py:") == set()


def test_fixtures_are_in_the_reference(site, pytestconfig):
    defined = pytestconfig.pluginmanager.get_plugin("moto_ecr_ptc")
    names = re.findall(r'@pytest\.fixture\(name="([a-z]\w*)"', Path(defined.__file__).read_text(encoding="utf-8"))
    assert documented(site, "std:fixture") == set(names) != set()


TYPES = {
    "Compression": pushed_images.Compression,
    "ErrorName": failures.ErrorName,
    "Files": file_layers.Files,
    "Layers": pushed_images.Layers,
    "MediaType": pushed_images.MediaType,
    "Platforms": pushed_images.Platforms,
}


@pytest.mark.parametrize("name", TYPES)
def test_type_of_a_parameter_is_what_the_reference_says(name):
    (said,) = re.findall(rf"^\.\. py:type:: {name}\n +:canonical: (.*)$", API.read_text(encoding="utf-8"), re.MULTILINE)
    said = re.sub(r"(\w+|\w+\[[^|]*\]) \| (\w+(?:\[.*\])?)", r"Union[\1, \2]", said)
    assert eval(said, {**vars(typing), "Mapping": Mapping, "Sequence": Sequence, **TYPES}) == TYPES[name]
