"""The web verifier's sources: their types, their limits, their names."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from notary import limits, webpage
from notary.shortening import shorten
from tests.conftest import REQUIRES_PARTIES, ROOT
from tests.web.browser import chromium
from tests.web.conftest import Node

SOURCES = ROOT / "notary" / "web"

TYPES = {
    "compilerOptions": {
        **dict.fromkeys(("allowJs", "checkJs", "noEmit", "strict"), True),
        **{"target": "es2022", "module": "es2022", "lib": ["es2022", "dom", "dom.iterable"], "types": []},
    },
    "files": [str(SOURCES / name) for name in ("page.js", "worker.js")],
}


def test_types_fit(tmp_path: Path) -> None:
    """By TypeScript, which Debian has as node-typescript; releases 4.8 and 7.0 were tried."""
    program = shutil.which("tsc")
    if program is None and not REQUIRES_PARTIES:
        pytest.skip("needs tsc: Debian's node-typescript")
    assert program is not None, "NOTARY_REQUIRE_PARTIES is set, and there is no tsc"
    (tmp_path / "tsconfig.json").write_text(json.dumps(TYPES))
    checked = subprocess.run([program, "-p", tmp_path], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_no_name_hides_one_that_browsers_have() -> None:
    """All modules stand in one scope, of which each should notice nothing."""
    top, short = (
        re.findall(r"^(?:async )?(?:function(?: |\* ?)|(?:const|let|class) )([\w$]+)", script, re.MULTILINE)
        for script in (webpage.joined_script(), shorten(webpage.joined_script()))
    )
    assert len(short) == len(top) == len(set(top)) > 200
    with chromium() as browser:
        page = browser.new_page()
        for names in (top, short):
            assert page.evaluate("(names) => names.filter((name) => name in globalThis)", names) == []


def test_limits_are_those_of_notary(node: Node) -> None:
    found = node({"core": "limits"})["value"]
    assert len(found) > 20
    other = {"itemsListed": "EXHIBITS_LISTED"}
    for name, value in found.items():
        assert getattr(limits, other.get(name, re.sub("[A-Z]", r"_\g<0>", name).upper())) == value, name
