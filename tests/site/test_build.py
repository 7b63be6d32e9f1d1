"""The site is built without a warning, and all of its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted(str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md"))


def test_site_is_built_without_a_warning(build):
    assert build.report == ""


@pytest.mark.parametrize("page", PAGES)
def test_page_of_the_documents_is_on_the_site(site, page):
    assert page.replace(".md", ".html") in site.names()


def test_links_within_the_site_lead_to_files_and_anchors(site):
    links = [link for link in site.links() if not link.is_external]
    assert len(links) > 500
    assert [link for link in links if not site.resolves(link)] == []


def test_links_to_other_sites_are_secure(site):
    addresses = {link.address for link in site.links() if link.is_external and not link.address.startswith("data:")}
    assert "https://github.com/getmoto/moto" in addresses
    # The server that a reader has started speaks plain HTTP.
    assert [address for address in addresses if not address.startswith(("https://", "http://127.0.0.1:5000/"))] == []


def test_pages_load_nothing_from_other_sites(site):
    assert len(site.loaded()) > 50
    assert [link for link in site.loaded() if link.is_external] == []


def anchors(text):
    """Return the anchors that GitHub gives to the headings of a document."""
    found = set()
    for heading in re.findall(
        r"^#+ +(.*)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    ):
        anchor = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        repeated = sum(re.fullmatch(rf"{re.escape(anchor)}(-\d+)?", other) is not None for other in found)
        found.add(f"{anchor}-{repeated}" if repeated else anchor)
    return found


def links_of_documents():
    documents = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    for document in documents:
        text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for address in re.findall(r"\]\(([^()\s]+)(?: +\"[^\"]*\")?\)", text):
            if "://" not in address:
                yield document, address


def leads_somewhere(document, address):
    path, _, fragment = address.partition("#")
    target = document.parent / path if path else document
    return target.exists() and (not fragment or fragment in anchors(target.read_text(encoding="utf-8")))


def test_links_of_documents_lead_somewhere_on_github():
    links = list(links_of_documents())
    assert len(links) > 50
    assert [(str(document), address) for document, address in links if not leads_somewhere(document, address)] == []
