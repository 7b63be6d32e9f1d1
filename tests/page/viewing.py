"""A window of the browser that shows the page, and what it must not do: fail, or ask another host."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from conftest import ACCOUNT, REGION
from moto_ecr_ptc.ecr.pulls.pull_log import OK, Question, get_pull_log
from moto_ecr_ptc.ecr.registry_id import RegistryId

PATIENCE = 20_000
"""How many milliseconds a test waits for what the page has to show."""

_WATCH = """
window.__violations = [];
addEventListener("securitypolicyviolation", (event) => window.__violations.push(event.violatedDirective));
Object.defineProperty(document, "hidden", { get: () => Boolean(window.__hidden) });
"""


class View:
    """The page, as somebody sees it."""

    def __init__(self, browser: Any, server_url: str, **options: Any) -> None:
        """Open a window.

        :param options: of playwright's ``new_context``
        """
        self.host = urlsplit(server_url).netloc
        self.url = f"{server_url}/moto-api/ecr/"
        self.faults: list[str] = []
        self.requests: list[str] = []
        self._context = browser.new_context(**{"viewport": {"width": 1600, "height": 1000}, **options})
        self._context.add_init_script(_WATCH)
        self.page = self._context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("dialog", self._note_dialog)

    def open(self, **choices: str) -> View:
        """Load the page, and wait until it shows something."""
        self.page.goto(f"{self.url}?{urlencode(choices)}" if choices else self.url)
        self.wait("live")
        return self

    def wait(self, connection: str) -> None:
        """Wait until the page says how it is connected: ``live``, ``paused`` or ``gone``."""
        self.page.wait_for_selector(f"#connection[data-state={connection}]")

    def wait_for(self, condition: str) -> None:
        """Wait until an expression of JavaScript is true."""
        # No string that the page would have to evaluate: its policy forbids that.
        self.page.wait_for_function(f"() => {condition}")

    def text(self, selector: str) -> str:
        return str(self.page.inner_text(selector))

    def texts(self, selector: str) -> list[str]:
        return list(self.page.locator(selector).all_inner_texts())

    def evaluate(self, code: str, *arguments: Any) -> Any:
        return self.page.evaluate(code, *arguments)

    def pulls(self) -> list[str]:
        """Return the images that the log shows."""
        return self.texts(".pulls tbody .image .name")

    def wait_for_pulls(self, count: int) -> None:
        self.wait_for(f"document.querySelectorAll('.pulls tbody tr').length === {count}")

    def hosts_asked(self) -> set[str]:
        return {urlsplit(url).netloc for url in self.requests if not url.startswith("data:")}

    def close(self) -> None:
        if not self.page.is_closed():
            self.faults += self.evaluate("window.__violations || []")
        self._context.close()

    def _note_message(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(message.text)

    def _note_dialog(self, dialog: Any) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def record(
    repository: str = "quay/team/app",
    reference: str = "1",
    outcome: str = OK,
    reason: str = "a reason",
    *,
    account: str = ACCOUNT,
    region: str = REGION,
    operation: str = "BatchGetImage",
    caller: str = f"arn:aws:iam::{ACCOUNT}:root",
    **arguments: Any,
) -> None:
    """Put a record into the pull log of this process."""
    question = Question(operation, RegistryId(account, region), caller, repository)
    get_pull_log().record(question, reference, outcome, reason, **arguments)
