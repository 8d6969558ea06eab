"""The page in Debian's Chromium, opened from disk with the network off, and everything that it does beside showing."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import REQUIRES_PARTIES

CHROMIUM = "chromium"
CLIPBOARD = ["clipboard-read", "clipboard-write"]
NO_ANSWER = re.compile(r"^Failed to load resource|^Access to fetch at .* has been blocked by CORS policy|^Fetch API")


@contextmanager
def chromium(*options: str) -> Iterator[Any]:
    """The browser. One that is missing is a skip, or a failure where all parties are asked for."""
    program = shutil.which(CHROMIUM)
    if program is None:
        if REQUIRES_PARTIES:
            pytest.fail("chromium is missing")
        pytest.skip("chromium is missing")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        if REQUIRES_PARTIES:
            raise
        pytest.skip("playwright is missing")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", *options])
        yield browser
        browser.close()


class Visit:
    """One opening of the page, with the network off. `end` holds that it asked for nothing and did not complain."""

    def __init__(self, browser: Any, page: Path, **options: Any) -> None:
        self._context = browser.new_context(**{"offline": True, **options})
        self.page = self._context.new_page()
        self.page.set_default_timeout(20_000)
        self.url = page.as_uri()
        self.requests: list[Any] = []
        self.complaints: list[str] = []
        self._context.on("request", lambda request: self.requests.append(request))
        self._context.on("console", lambda message: self.complaints.append(message.text))
        self._context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))

    def open(self) -> "Visit":
        self.page.goto(self.url)
        return self

    def answers_with(self, verdict: Mapping[str, Any], inputs: list[dict[str, Any]] | None = None) -> None:
        """From the next opening on the check answers this, whatever it is given."""
        message = json.dumps({"verdict": verdict, "inputs": inputs or []})
        self.page.add_init_script(
            f"""globalThis.Worker = class {{
              postMessage() {{ setTimeout(() => this.onmessage({{data: {message}}})) }}
              terminate() {{}}
            }};"""
        )

    def give(self, *files: Path) -> None:
        self.page.set_input_files("#chooser", [str(file) for file in files])

    def check(self, *files: Path) -> str:
        """The class of the answer, once it is there."""
        self.give(*files)
        return self.answer()

    def answer(self) -> str:
        self.page.wait_for_selector("#verdict")
        return str(self.page.get_attribute(".verdict", "class")).removeprefix("verdict ")

    def text(self, selector: str = "#report") -> str:
        return str(self.page.inner_text(selector))

    def remote(self) -> list[Any]:
        """The requests that reach beyond the page and the worker that is made of it."""
        return [one for one in self.requests if one.url != self.url and not one.url.startswith("blob:null/")]

    def report(self) -> Any:
        """What its user can copy, if the visit was permitted to."""
        self.page.get_by_role("button", name="Copy the report as JSON").click()
        self.page.get_by_text("Copied.").wait_for()
        return json.loads(self.page.evaluate("navigator.clipboard.readText()"))

    def end(self, *asked: str) -> None:
        """`asked` are the servers that it was told to ask; the browser itself complains of those that fail it."""
        strange = [one.url for one in self.remote() if urlsplit(one.url).netloc not in asked]
        complaints = [each for each in self.complaints if not (asked and NO_ANSWER.search(each))]
        self._context.close()
        assert not strange
        assert not complaints
