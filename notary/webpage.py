"""The offline web verifier as one HTML page: the sources in notary/web joined, with this release's checkpoints in it.

The page's policy (Content-Security-Policy) names the one script and the one style by their hashes, and the explorers
that its user may ask: no other connection can be opened. The script runs a second time as the page's worker: one text,
one hash. The same release gives the same bytes on every machine, so that the page's SHA-256 speaks for it.
"""

import json
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from notary import __version__
from notary.core.chain import Checkpoints
from notary.core.header import NETWORKS
from notary.edges.checkpoints import shipped_checkpoints
from notary.edges.explorers import DEFAULT_EXPLORERS, MIN_EXPLORERS
from notary.errors import SystemFailureError
from notary.reporting import NOT_CLAIMED
from notary.shortening import shorten

HALF_A_HASH = 16
"""Bytes of a checkpoint's hash that the page has, the first as headers have it and the last as explorers show it."""

FINISHED = "web/verify.html"
"""Where a wheel has the page, under this folder: `packaging` puts it there. An editable install has none."""

_HERE = Path(__file__).parent
_ENTRIES = ("page.js", "worker.js")
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)
_TOP = re.compile(r"^(?:export )?(?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)
_UNFIT = re.compile(r"</script|<!--|[\x00-\x09\x0b-\x1f]")
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def web_page() -> bytes:
    """The page: one text, without anything that it would have to fetch."""
    finished = _HERE / FINISHED
    return finished.read_bytes() if finished.exists() else joined_page()


@cache
def joined_page() -> bytes:
    """The page, made of its sources. Raises SystemFailureError where what parses them is not installed."""
    if find_spec("tree_sitter_javascript") is None:
        raise SystemFailureError(
            "the web page is not made yet, and tree-sitter is missing", "python -m pip install -e '.[test]'"
        )
    style = _spare_style(_source("templates/report.css") + _source("web/page.css"))
    script = shorten(joined_script())
    if unfit := _UNFIT.search(script):
        raise ValueError(f"HTML cannot hold this in a script: {unfit[0]!r}")
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {source_hash(script)}",
            f"style-src {source_hash(style)}",
            "worker-src blob:",
            f"connect-src {' '.join(map(_origin, DEFAULT_EXPLORERS))}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    parts = {"policy": policy, "style": style, "script": script}
    return re.sub(r"{{(\w+)}}", lambda found: parts[found[1]], _source("web/page.html")).encode()


def _source(name: str) -> str:
    return (_HERE / name).read_text("utf-8")


def source_hash(text: str) -> str:
    """How a policy names an inline script or style."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def joined_script() -> str:
    """Each module that the page needs, once, after those that it imports; all in one scope, so a name is given once."""
    joined: dict[str, str] = {}
    homes: dict[str, str] = {}

    def join(name: str) -> None:
        if name in joined:
            return
        source = _release() if name == "release.js" else _source(f"web/{name}")
        for found in _IMPORT.finditer(source):
            join(found[1])
        for top in _TOP.findall(source):
            if homes.setdefault(top, name) != name:
                raise ValueError(f"{name} and {homes[top]} both have a {top} at their top")
        joined[name] = _EXPORT.sub("", _IMPORT.sub("", source))

    for name in _ENTRIES:
        join(name)
    return '"use strict";\n' + "".join(joined.values())


def _spare_style(source: str) -> str:
    """A style without comments and blanks: it has none of them, nor marks, in strings that would count."""
    spare = " ".join(_CSS_COMMENT.sub("", source).split())
    for mark in "{};,>":
        spare = spare.replace(f" {mark}", mark).replace(f"{mark} ", mark)
    return spare.replace(": ", ":").replace(";}", "}")


def _release() -> str:
    """What web/release.js stands for."""
    from notary.registry.claim_report import NOT_SHOWN, STATED  # no wheel needs its 70 ms

    pinned = shipped_checkpoints(NETWORKS["bitcoin"])
    members = {
        "version": __version__,
        "checkpoints": b64encode(half_checkpoints(pinned)).decode(),
        "lastCheckpoint": pinned.last_height,
        "explorers": DEFAULT_EXPLORERS,
        "minExplorers": MIN_EXPLORERS,
        "notClaimed": NOT_CLAIMED,
        "notShown": NOT_SHOWN,
        "stated": STATED,
    }
    return f"export const RELEASE = {json.dumps(members)};\n"


def half_checkpoints(checkpoints: Checkpoints) -> bytes:
    """Of each hash the 16 bytes that no work has made zeros, as header.js reads them; then the bits behind the last.

    Half a hash is enough to know a block by: a header that agrees with one has to be looked for through 2**128 hashes,
    2**160 with the least proof of work, which the page demands of it too. The whole ones would be 5 kB more.
    """
    halves = b"".join(hash_[:HALF_A_HASH] for hash_, _ in checkpoints.pinned)
    return halves + checkpoints.pinned[-1][1].to_bytes(4) if checkpoints.pinned else b""
