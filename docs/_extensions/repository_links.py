"""Links from a page to the rest of the repository: to README.md, to an example's directory.

On GitHub they are good as they stand. On the site MyST gives out a linked file for download; a directory it does not
know, and this makes the link's words plain text. A link to what does not exist stays a warning.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref


def resolve(app: Any, env: Any, node: pending_xref, content: nodes.Node) -> nodes.Node | None:
    """Return what stands for a link that leads to a directory of the repository; None for other links."""
    if node.get("refdomain") not in (None, "", "doc") and node.get("reftype") != "myst":
        return None
    target = Path(env.doc2path(node["refdoc"])).parent / node["reftarget"]
    return content if target.is_dir() else None


def setup(app: Any) -> dict[str, bool]:
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
