"""Links from a page to the rest of the repository: to README.md, to a file or a directory of an example.

On GitHub they are good as they stand. On the site the front page is there for README.md, another file is given out for
download (of files that are no Markdown MyST does that itself), and of a link to a directory only the words remain.
What does not exist stays a warning of MyST's.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import download_reference, pending_xref
from sphinx.transforms import SphinxTransform


class RepositoryLinks(SphinxTransform):
    """Replaces the references that MyST made of links to the rest of the repository."""

    default_priority = 500

    def apply(self, **_: Any) -> None:
        for link in list(self.document.findall(pending_xref)):
            if link["reftype"] == "myst":
                self._replace(link)

    def _replace(self, link: pending_xref) -> None:
        docs = Path(self.env.srcdir)
        page = Path(self.env.doc2path(self.env.docname))
        target = (page.parent / link["reftarget"]).resolve()
        if link["refdomain"] == "doc":
            document = target.with_name(f"{target.name}.md")
            if document == docs.parent / "README.md":
                link["reftarget"], link["reftargetid"] = "index", None
            elif docs not in document.parents:
                link.replace_self(_download(link, os.path.relpath(document, page.parent)))
        elif target.is_dir():
            link.replace_self(link.children)


def _download(link: pending_xref, path: str) -> nodes.Element:
    """Return a reference to a file by its path from the page, with the words of a link."""
    reference = download_reference(reftarget=path, refdoc=link["refdoc"])
    reference.extend(link.children)
    return reference


def setup(app: Any) -> dict[str, bool]:
    app.add_transform(RepositoryLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
