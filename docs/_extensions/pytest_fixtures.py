"""The directive ``autofixture``: a fixture of the pytest plugin, with its docstring.

The source is parsed and not imported, since autodoc does not know what pytest makes of a fixture's function.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from docutils.nodes import Node
from sphinx.util.docutils import SphinxDirective

PLUGIN = Path(__file__).parent.parent.parent / "moto_ecr_ptc" / "pytest_plugin.py"


def docstrings(plugin: Path = PLUGIN) -> dict[str, str]:
    """Return the docstrings of the plugin's fixtures by the names that tests request them by."""
    tree = ast.parse(plugin.read_text(encoding="utf-8"))
    return {
        ast.literal_eval(keyword.value): ast.get_docstring(function) or ""
        for function in tree.body
        if isinstance(function, ast.FunctionDef)
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call)
        for keyword in decorator.keywords
        if keyword.arg == "name"
    }


class AutoFixture(SphinxDirective):
    """``.. autofixture:: name``."""

    required_arguments = 1

    def run(self) -> list[Node]:
        name = self.arguments[0]
        self.env.note_dependency(str(PLUGIN))
        documented = docstrings()
        if name not in documented:
            raise self.error(f"The pytest plugin has no fixture {name}")
        lines = [f".. fixture:: {name}", "", *(f"   {line}" for line in documented[name].splitlines())]
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app: Any) -> dict[str, bool]:
    app.add_object_type("fixture", "fixture", objname="fixture of pytest")
    app.add_directive("autofixture", AutoFixture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
