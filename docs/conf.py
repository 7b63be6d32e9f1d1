"""How Sphinx builds the site of these documents: ``tox -e site``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
ROOT = DOCS.parent
# What is documented is this tree, whatever is installed.
sys.path[:0] = [str(ROOT), str(DOCS / "_extensions")]

project = "moto_ecr_ptc"
_package = (ROOT / "moto_ecr_ptc" / "__init__.py").read_text(encoding="utf-8")
version = release = re.findall(r'^__version__ = "(.+)"$', _package, re.MULTILINE)[0]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton", "pytest_fixtures", "repository_links"]
exclude_patterns = ["_extensions", "_static", "_templates"]

# Headings have the anchors that GitHub gives them, so that one link is good in both places.
myst_heading_anchors = 4

nitpicky = True
# The standard library is documented elsewhere, and a build asks no other site.
_STANDARD_LIBRARY = ("Any", "Literal", "Mapping", "Sequence", "datetime.datetime", "os.PathLike")
nitpick_ignore = [("py:class", name) for name in _STANDARD_LIBRARY]

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
maximum_signature_line_length = 88
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_favicon = "_static/favicon.svg"
html_search_scorer = str(DOCS / "_static" / "search_scorer.js")
html_copy_source = False
# Every name is on one page, and the theme's index does not fit a narrow window.
html_use_index = False
html_show_sphinx = False
# A line that a reader copies begins after the prompt; the output stays.
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True


def setup(app: Any) -> None:
    app.connect("html-page-context", _add_filter)


def _add_filter(app: Any, page: str, *_: object) -> None:
    if page == "fidelity":
        app.add_css_file("fidelity.css")
        app.add_js_file("fidelity.js", loading_method="defer")
