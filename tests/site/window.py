"""A window of the browser that shows the site."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

PATIENCE = 20_000
"""How many milliseconds a test waits for what a page has to show."""


class Window:
    """The site, as somebody sees it."""

    def __init__(self, browser: Any, site_url: str, **options: Any) -> None:
        """Open a window.

        :param options: of playwright's ``new_context``
        """
        self.site_url = site_url
        self.host = urlsplit(site_url).netloc
        self.faults: list[str] = []
        self._requests: list[str] = []
        self._context = browser.new_context(**{"viewport": {"width": 1280, "height": 1000}, **options})
        self.page = self._context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("request", lambda request: self._requests.append(request.url))
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))

    def open(self, address: str) -> Window:
        """Load a page by its address below the top of the site."""
        self.page.goto(f"{self.site_url}/{address}")
        return self

    def search(self, query: str) -> list[str]:
        """Return the addresses of what the search finds, in its order."""
        self.open(f"search.html?q={quote(query)}")
        self.page.wait_for_selector("#search-results .search-summary:has-text('finished')")
        links = self.page.locator("#search-results li > a")
        return [link.get_attribute("href") for link in links.all()]

    def address(self) -> str:
        """Return where the window is now; what playwright itself tells may be late."""
        return str(self.page.evaluate("location.href"))

    def rows(self) -> list[str]:
        """Return the texts of the rows of tables that are shown."""
        return list(self.page.locator("article tbody tr:visible").all_inner_texts())

    def headings(self) -> list[str]:
        """Return the headings of sections that are shown."""
        texts = self.page.locator("article :is(h2, h3):visible").all_inner_texts()
        return [text.rstrip("#¶") for text in texts]

    def hosts_asked(self) -> set[str]:
        return {urlsplit(url).netloc for url in self._requests if not url.startswith("data:")}

    def close(self) -> None:
        self._context.close()

    def _note_message(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(message.text)
