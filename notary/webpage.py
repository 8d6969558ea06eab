"""The offline web verifier as one HTML page: the sources in notary/web joined, with this release's checkpoints in it.

The page's policy (Content-Security-Policy) names the one script and the one style by their hashes and forbids every
connection. The script runs a second time as the page's worker: one text, one hash. The same release gives the same
bytes on every machine, so that the page's SHA-256 speaks for it.
"""

import json
import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from notary import __version__
from notary.core.header import NETWORKS
from notary.edges.checkpoints import shipped_checkpoints
from notary.reporting import NOT_CLAIMED

_ENTRIES = ("page.js", "worker.js")
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|const|let|class) (\w+))", re.MULTILINE)

# What stands on lines of its own or at the end of a statement, and the types between the words of a line.
_COMMENT = re.compile(
    r"^ *//.*\n|^ */\*(?:[^*]|\*(?!/))*\*/\n|/\*\* @(?:[^*]|\*(?!/))*\*/ ?|(?<=[;,{}()]) // [^\"'`\n]*$", re.MULTILINE
)
_BLANKS = re.compile(r"^\s+", re.MULTILINE)
# No longer at the top of a module; a template over several lines, whose blanks would count; what HTML cannot hold.
_UNFIT = re.compile(
    r"^(?:import|export)\b.*|^(?:[^`\n]*`[^`\n]*`)*[^`\n]*`[^`\n]*$|[^\n -\U0010ffff]|</script|<!--", re.MULTILINE
)


def web_page() -> str:
    """The page: one text, without anything that it would have to fetch."""
    style = _spare(_source("templates", "report.css") + _source("web", "page.css"))
    script = '"use strict";\n' + "".join(_joined())
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {source_hash(script)}",
            f"style-src {source_hash(style)}",
            "worker-src blob:",
            "connect-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    parts = {"policy": policy, "style": style, "script": script}
    return re.sub(r"{{(\w+)}}", lambda found: parts[found[1]], _source("web", "page.html"))


def _source(folder: str, name: str) -> str:
    return files("notary").joinpath(folder, name).read_text("utf-8")


def source_hash(text: str) -> str:
    """How a policy names an inline script or style."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _joined() -> list[str]:
    """Each module that the page needs, once, after those that it imports; each in a scope of its own."""
    joined: dict[str, str] = {}

    def join(name: str) -> None:
        if name not in joined:
            source = _release() if name == "release.js" else _source("web", name)
            for found in _IMPORT.finditer(source):
                join(found[2])
            joined[name] = _as_scope(name, source)

    for name in _ENTRIES:
        join(name)
    return list(joined.values())


def _as_scope(name: str, source: str) -> str:
    """A module as a function that is called at once and gives what it exports."""

    def taken(found: re.Match[str]) -> str:
        return f"const {{{found[1].replace(' as ', ': ')}}} = {_scope(found[2])};\n"

    exports = ", ".join(_EXPORT.findall(source))
    body = _spare(_EXPORT.sub("", _IMPORT.sub(taken, source)))
    if stray := _UNFIT.search(body):
        raise ValueError(f"{name}: this cannot be joined: {stray[0]}")
    return f"\n// == {name}\nconst {_scope(name)} = (() => {{\n{body}return {{{exports}}};\n}})();\n"


def _spare(source: str) -> str:
    """Without comments, blank lines and indents, which are a third of it: the page stays a small attachment."""
    return _BLANKS.sub("", _COMMENT.sub("", source))


def _scope(name: str) -> str:
    return name.replace(".", "_")


def _release() -> str:
    """What web/release.js stands for."""
    pinned = shipped_checkpoints(NETWORKS["bitcoin"])
    packed = b"".join(_packed(hash_) for hash_, _ in pinned.pinned)
    members = {
        "version": __version__,
        "checkpoints": b64encode(packed).decode(),
        "lastCheckpoint": pinned.last_height,
        "lastBits": pinned.pinned[-1][1],
        "notClaimed": NOT_CLAIMED,
    }
    return f"export const RELEASE = {json.dumps(members)};\n"


def _packed(hash_: bytes) -> bytes:
    """A hash without the zeros at its end, of which a block's has many, and before it how long that is."""
    spare = hash_.rstrip(b"\0")
    return bytes([len(spare)]) + spare
