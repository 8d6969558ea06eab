"""The offline web verifier as one HTML page: the sources in notary/web joined, with this release's checkpoints in it.

The page's policy (Content-Security-Policy) names the one script and the one style by their hashes, and the explorers
that its user may ask: no other connection can be opened. The script runs a second time as the page's worker: one text,
one hash. The same release gives the same bytes on every machine, so that the page's SHA-256 speaks for it.
"""

import json
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from itertools import accumulate, groupby
from operator import itemgetter
from pathlib import Path
from urllib.parse import urlsplit

from notary import __version__
from notary.core.header import NETWORKS
from notary.edges.checkpoints import shipped_checkpoints
from notary.edges.explorers import DEFAULT_EXPLORERS, MIN_EXPLORERS
from notary.reporting import NOT_CLAIMED

FINISHED = "web/verify.html"
"""Where a wheel has the page, under this folder: `packaging` puts it there. An editable install has none."""

_HERE = Path(__file__).parent
_ENTRIES = ("page.js", "worker.js")
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)
_TOP = re.compile(r"^(?:export )?(?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)
_NAME = re.compile(r"[\w$]+")
_DECLARED = re.compile(r"\b(?:function\*?|const|let|class) (\w+)")
_NO_WORD = re.compile("[a-z][A-Z]|_|^[A-Z]{2}")
_PROPERTY = re.compile(r"(?<=\.)\w+|(?<={)\w+(?=[,}])|\w+(?=:)")
_MEMBER = re.compile(r"(?<=[{,])[a-z]\w+(?=[:,}])|(?<=\bthis\.)[a-z]\w+(?==[^=])|(?<=\")[a-z]\w+(?=\": )")
"""Keys of objects, fields of classes, and what the release tells."""

_LONG_STRING = re.compile(r'"[^"\n]{300,}"')
_OF_BROWSERS = {"ignoreBOM", "referrerPolicy"}
"""Keys of what is handed to the browser."""

_PLAIN = r"[^;{}()\[\]\"'`/]"
_PLAIN_LET = re.compile(rf"\blet [\w$]+=(?:{_PLAIN}|\((?:{_PLAIN}|\({_PLAIN}*\))*\)|\[{_PLAIN}*\])*(?=;let[ {{\[])")
_CONST = re.compile(r"\bconst\b(?=[ {\[])")
_LONE_PARAMETER = re.compile(r"(?<!\w)\((\w+)\)=>")
_DIGITS = "".join(chr(code) for code in range(35, 123) if chr(code) not in "<\\>")
"""Such that a script in HTML can hold them in quotation marks."""

_UNFIT = re.compile(r"</script|<!--|[\x00-\x09\x0b-\x1f]")
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def web_page() -> bytes:
    """The page: one text, without anything that it would have to fetch."""
    finished = _HERE / FINISHED
    return finished.read_bytes() if finished.exists() else joined_page()


def joined_page() -> bytes:
    """The page, made of its sources."""
    style = _spare_style(_source("templates/report.css") + _source("web/page.css"))
    script = spare_script(joined_script())
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


def spare_script(source: str) -> str:
    """Without comments and blanks, two fifths of it, and with short names: the page stays a small attachment."""
    from rjsmin import jsmin

    spare = _in_one(_CONST.sub("let", _LONE_PARAMETER.sub(r"\1=>", str(jsmin(source)))))
    own = _own_names(source, spare)
    return _NAME.sub(lambda found: own.get(found[0], found[0]), spare)


def _in_one(spare: str) -> str:
    """Declarations that follow one another as one, as far as they have neither texts, patterns nor bodies in them."""
    return _PLAIN_LET.sub(lambda found: found[0].replace(";let", ",").replace(",  ", ",").replace(", ", ","), spare)


def _own_names(source: str, spare: str) -> dict[str, str]:
    """Short names for those that it declares, of members too, if they are no plain words, which texts may have."""
    used = Counter(_NAME.findall(spare))
    members = {name for name in _MEMBER.findall(_LONG_STRING.sub("", spare)) if "_" not in name} - _OF_BROWSERS
    others = {name for name in _PROPERTY.findall(spare) if not name.isupper()} - members
    names = {*_DECLARED.findall(source)} - others | members
    own = [name for name in names if len(name) > 4 and _NO_WORD.search(name)]
    own.sort(key=lambda name: (-len(name) * used[name], name))
    return {name: f"${number:x}" for number, name in enumerate(own)}


def _spare_style(source: str) -> str:
    """The same of a style, which has no blanks or marks in strings that would count."""
    spare = " ".join(_CSS_COMMENT.sub("", source).split())
    for mark in "{};,>":
        spare = spare.replace(f" {mark}", mark).replace(f"{mark} ", mark)
    return spare.replace(": ", ":").replace(";}", "}")


def _release() -> str:
    """What web/release.js stands for."""
    pinned = shipped_checkpoints(NETWORKS["bitcoin"])
    spare = [hash_.rstrip(b"\0") for hash_, _ in pinned.pinned]
    members = {
        "version": __version__,
        "checkpoints": [_dense(b"".join(hash_.ljust(size, b"\0") for hash_ in row)) for size, row in _rows(spare)],
        "checkpointBytes": [size for size, _ in _rows(spare)],
        "lastCheckpoint": pinned.last_height,
        "lastBits": pinned.pinned[-1][1],
        "explorers": DEFAULT_EXPLORERS,
        "minExplorers": MIN_EXPLORERS,
        "notClaimed": NOT_CLAIMED,
    }
    return f"export const RELEASE = {json.dumps(members)};\n"


def _rows(spare: list[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Hashes without zeros at their ends, which later ones have more of: in rows, of the most bytes from there on."""
    longest = list(accumulate(map(len, reversed(spare)), max))[::-1]
    for size, row in groupby(zip(longest, spare, strict=True), itemgetter(0)):
        yield size, [hash_ for _, hash_ in row]


def _dense(data: bytes) -> str:
    """Four bytes as five digits to the base 85, the first one highest: a sixteenth shorter than in base 64."""
    padded = data + bytes(-len(data) % 4)
    numbers = (int.from_bytes(padded[at : at + 4]) for at in range(0, len(padded), 4))
    return "".join(_DIGITS[number // 85**place % 85] for number in numbers for place in (4, 3, 2, 1, 0))
