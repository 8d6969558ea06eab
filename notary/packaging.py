"""The build step of a wheel, which pyproject.toml names: the web verifier goes in as the one finished page."""

import sys
from pathlib import Path

from setuptools.command.build_py import build_py


class BuildPage(build_py):
    """Python's own step, and the page. An editable install gets none: it makes the page anew each time."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        sys.path.insert(0, str(Path(__file__).parents[1]))  # nothing is installed yet
        from notary.webpage import FINISHED, joined_page

        Path(self.build_lib, "notary", FINISHED).write_bytes(joined_page())
