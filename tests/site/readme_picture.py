"""Takes the picture of README.md's first screen, rendered much as GitHub does: ``python -m tests.site.readme_picture``.

It goes into ``docs/images``. It takes Chromium, playwright and markdown-it-py.
"""

from __future__ import annotations

from markdown_it import MarkdownIt
from playwright.sync_api import sync_playwright

from tests.browser import OPTIONS, find_chromium
from tests.docs.pages import ROOT

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1012px; margin: 0 auto; padding: 32px; }
h1, h2 { border-bottom: 1px solid #d0d7de; padding-bottom: .3em; }
img { max-width: 100%; }
code { font-size: 85%; }
pre { background: #f6f8fa; padding: 16px; overflow: auto; }
table { border-collapse: collapse; }
td, th { border: 1px solid #d0d7de; padding: 6px 13px; }
"""


def main() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rendered = ROOT / "README.html"
    rendered.write_text(
        f"<!doctype html><meta charset=utf-8><style>{_STYLE}</style>"
        + MarkdownIt("commonmark").enable("table").render(readme),
        encoding="utf-8",
    )
    picture = ROOT / "docs" / "images" / "readme-first-screen.png"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=OPTIONS)
            page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
            page.goto(rendered.as_uri())
            page.screenshot(path=picture)
            browser.close()
    finally:
        rendered.unlink()
    print(picture, picture.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
