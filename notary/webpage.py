"""The offline web verifier as one HTML page: the sources in notary/web joined, with this release's checkpoints in it.

The page's policy (Content-Security-Policy) names the one script and the one style by their hashes, and the explorers
that its user may ask: no other connection can be opened. The script runs a second time as the page's worker: one text,
one hash. The same release gives the same bytes on every machine, so that the page's SHA-256 speaks for it.
"""

import json
import re
import string
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from itertools import accumulate, groupby, product
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

_CAMEL = re.compile("^[a-z]+[A-Z]")
_PROPERTY = re.compile(r"(?<=[^.]\.)\w+|(?<=[{,])\w+(?=[,}]|=(?!=))|\w+(?=:)")
_MEMBER = re.compile(r"(?<=[{,])[a-z]\w+(?=[:,}])|(?<=\bthis\.)[a-z]\w+(?==[^=])")
"""Keys of objects, and fields of classes."""

_LISTED = re.compile(
    r"\b(?:function\*?|let|class) (\w+)|(?<![\w$])(\w+)=>|\(([\w$,={}\[\].]*)\)=>|\bfunction\*? ?\w*\(([^()]*)\)"
    r"|(?<![\w$.])(?!if|for|while|switch)\w+\(([^()]*)\){|\blet ?([\[{][\w$,:={}\[\].]*[\]}])="
)
"""What declares names: declarations of one, parameters, and patterns."""

_OF_BROWSERS = {  # and words of the language
    *("ignoreBOM", "referrerPolicy", "null", "true", "false", "undefined", "this", "let", "new", "instanceof"),
    *("name", "length", "event", "print", "status", "open", "close", "stop", "find", "top", "self", "parent", "escape"),
}
_TOKEN = re.compile(
    r"""(?P<code>[\w$]+)|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'"""
    r"""|(?:(?<=[(,=:\[!&|?{};>\n])|(?<=return))/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\[\n])+/[a-z]*|[^\w$"']""",
    re.DOTALL,
)
_TEMPLATE = re.compile(r"(?:\\.|\$(?!{)|[^`\\$])*(?:\${|`)(?P<code>)", re.DOTALL)
_PLAIN = r"[^;{}()\[\]\"'`/\n]|\"[^\"\n]*\"|{[\w$,:]*}"
_IN_PAIRS = rf"{_PLAIN}|\[(?:{_PLAIN})*\]|\((?:{_PLAIN}|\[(?:{_PLAIN})*\]|\((?:{_PLAIN})*\))*\)"
_TWO_LETS = re.compile(rf"(\blet\b(?:{_IN_PAIRS})+);let ?(?=[\w{{$\[])")
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
    """Without comments and blanks, two fifths of it, and with short names: the page stays a small attachment.

    It is the same program, which the tests show by its syntax tree.
    """
    spare, own = _without_blanks(source), short_names(source)
    return _in_one("".join(own.get(token, token) if is_code else token for token, is_code in _tokens(spare)))


def _without_blanks(source: str) -> str:
    from rjsmin import jsmin

    return _CONST.sub("let", _LONE_PARAMETER.sub(r"\1=>", str(jsmin(source))))


def _in_one(spare: str) -> str:
    """Declarations that follow one another as one, as far as they can be told apart without a parser."""
    merged = _TWO_LETS.sub(r"\1,", spare)
    return spare if merged == spare else _in_one(merged)


def short_names(source: str) -> dict[str, str]:
    """Short names for those that it declares, and for members in camel case; a name that browsers have is kept."""
    spare = _without_blanks(source)
    code = " ".join(token for token, is_code in _tokens(spare) if is_code)
    used = Counter(_NAME.findall(code))
    members = {name for name in _MEMBER.findall(spare) if _CAMEL.search(name) and f'"{name}"' not in spare}
    declared = {name for listed in _LISTED.findall(spare) for part in listed for name in _NAME.findall(part)}
    properties = {name for name in _PROPERTY.findall(spare) if not name.isupper()}
    names = (declared - properties | members) - _OF_BROWSERS
    own = sorted((name for name in names if len(name) > 2 and used[name]), key=lambda name: (-used[name], name))
    kept = {*used, *_OF_BROWSERS, "do", "if", "in", "as", "of"}
    of_members, others = _short("$_", kept), _short(string.ascii_letters, kept)  # a member must not hide a browser's
    return {name: next(of_members if name in members else others) for name in own}


def _short(first: str, kept: set[str]) -> Iterator[str]:
    rest = string.ascii_letters + string.digits
    names = ("".join(name) for size in range(3) for name in product(first, *[rest] * size))
    return (name for name in names if name not in kept)


def _tokens(spare: str) -> Iterator[tuple[str, bool]]:
    """The script in pieces, each with whether it is code, and no text or pattern."""
    at, is_text = 0, False
    braces: list[int] = []  # that are open in the code of each template around
    while at < len(spare):
        found = (_TEMPLATE if is_text else _TOKEN).match(spare, at)
        if found is None:
            raise ValueError(f"this is no script: {spare[at : at + 40]!r}")
        piece, at = found[0], found.end()
        yield piece, not is_text and bool(found["code"])
        if is_text:
            is_text = False
            if piece.endswith("${"):
                braces.append(0)
        elif piece == "`":
            is_text = True
        elif braces and piece == "{":
            braces[-1] += 1
        elif braces and piece == "}":
            is_text = not braces[-1]
            if is_text:
                braces.pop()
            else:
                braces[-1] -= 1


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
