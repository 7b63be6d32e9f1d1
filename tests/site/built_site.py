"""What Sphinx made of the documents: the pages, with their links and anchors, and the inventory of names."""

from __future__ import annotations

import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urldefrag, urlsplit


class Link(NamedTuple):
    """A reference of a page to something else."""

    page: str
    address: str

    @property
    def is_external(self) -> bool:
        parts = urlsplit(self.address)
        return bool(parts.scheme or parts.netloc)


class _Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if attributes.get("id"):
            self.anchors.add(str(attributes["id"]))
        for name in ("href", "src"):
            if attributes.get(name) is not None and attributes.get("href") != "#":
                self.addresses.append(str(attributes[name]))
                if tag not in ("a", "area"):
                    self.loaded.append(str(attributes[name]))


class Site:
    """A directory with a built site."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def names(self) -> list[str]:
        """Return the pages' paths from the top of the site."""
        return sorted(str(path.relative_to(self.directory)) for path in self.directory.rglob("*.html"))

    def links(self) -> list[Link]:
        """Return all links of all pages, with what the pages load."""
        return [Link(name, address) for name in self.names() for address in self._page(name).addresses]

    def loaded(self) -> list[Link]:
        """Return what the pages load by themselves."""
        return [Link(name, address) for name in self.names() for address in self._page(name).loaded]

    def resolves(self, link: Link) -> bool:
        """Return whether a link that is not external leads to a file, and to an anchor in it if it names one."""
        path, fragment = urldefrag(urlsplit(link.address)._replace(query="").geturl())
        name = link.page
        if path:
            target = (self.directory / link.page).parent / unquote(path)
            if not target.is_file():
                return False
            name = str(target.resolve().relative_to(self.directory.resolve()))
        return not fragment or unquote(fragment) in self._page(name).anchors

    def inventory(self) -> set[tuple[str, str]]:
        """Return the role and the name of everything that is documented, such as ``("py:class", "a.B")``."""
        content = (self.directory / "objects.inv").read_bytes().split(b"\n", 4)[4]
        lines = zlib.decompress(content).decode().splitlines()
        return {(role, name) for name, role, _ in (line.split(" ", 2) for line in lines)}

    def _page(self, name: str) -> _Page:
        return _Page((self.directory / name).read_text(encoding="utf-8"))


class Build(NamedTuple):
    """A site, and what Sphinx said when it built it."""

    site: Site
    report: str
