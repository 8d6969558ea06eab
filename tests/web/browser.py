"""The page in Debian's Chromium, opened from disk with the network off, and everything that it does beside showing."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REQUIRES_PARTIES

CHROMIUM = "chromium"


@contextmanager
def chromium() -> Iterator[Any]:
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
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visit:
    """One opening of the page. `end` holds that it asked for nothing and complained about nothing."""

    def __init__(self, browser: Any, page: Path, **options: Any) -> None:
        self._context = browser.new_context(offline=True, **options)
        self.page = self._context.new_page()
        self.page.set_default_timeout(20_000)
        self.url = page.as_uri()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._context.on("request", lambda request: self.requests.append(request.url))
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

    def end(self) -> None:
        strange = [url for url in self.requests if url != self.url and not url.startswith("blob:null/")]
        self._context.close()
        assert not strange
        assert not self.complaints
