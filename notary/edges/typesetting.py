"""The edge to Typst: a template and plain data in, a PDF/A-3a and PDF/UA-1 document out, the same bytes each time.

Data only ever enters as a JSON file that the template reads: no text from outside is part of any markup. Fonts: those
that Typst carries come first and cover Latin, Greek, Cyrillic, Hebrew, Arabic and Devanagari, so such documents are
the same on every machine. Only where they lack a letter does it look at this machine's fonts, and what these lack too
is shown escaped: which letters those are Typst itself says, because PDF/A forbids the box that would stand for them.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from itertools import accumulate, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from notary import limits
from notary.core.shown import escaped, shown_pieces, shown_text
from notary.errors import SystemFailureError, reason_of

if TYPE_CHECKING:
    from typst import Fonts, PDFStandard

Template = Literal["certificate", "claim-certificate", "report"]
Paper = Literal["a4", "us-letter"]
Relationship = Literal["source", "data", "alternative", "supplement"]

_STANDARDS: list[PDFStandard] = ["a-3a", "ua-1"]
# Members of the data that hold names rather than sentences.
_NAMES = frozenset(
    {"author", "authority", "bates", "created", "declared_name", "declared_organisation", "did", "label", "listed_as"}
    | {"matter", "name", "role", "root", "target", "title"}
)
# The templates set apart what stands between these. They are private use, so text from outside cannot have them.
_ESCAPED = "\ue000{}\ue001"
_LEFT_OUT = "\ue002{}\ue001"
_MISSING = re.compile(r'the text `"(.+?)"` could not be displayed')
_CODE_POINT = re.compile(r"\\u\{([0-9a-f]{1,6})\}")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside the PDF, which readers list as `attached_name(name)`; no two of a document are alike."""

    name: str
    content: bytes
    mime_type: str
    description: str
    relationship: Relationship = "data"


class _GlyphsMissingError(SystemFailureError):
    """No font at hand can draw these characters."""

    def __init__(self, characters: frozenset[str]) -> None:
        super().__init__(f"no font draws {shown_text(''.join(sorted(characters)))}")
        self.characters = characters


def attached_name(name: str) -> str:
    """`name` with `_` for all but ASCII letters, digits, `_` and ` .()+-`, and without points before it.

    No system on which a reader saves the file takes it for anything but the name of a file. In ASCII, because Typst
    writes others in a way that readers disagree about.
    """
    return re.sub(r"[^\w .()+-]", "_", name, flags=re.ASCII).lstrip(".") or "_"


def typeset(
    template: Template,
    data: Mapping[str, Any],
    *,
    made_at: datetime,
    attachments: Sequence[Attachment] = (),
    paper: Paper = "a4",
    only_own_fonts: bool = False,
) -> bytes:
    """The PDF of `data`, which is plain JSON with raw text, dated `made_at`, which knows its offset from UTC.

    The member `qr`, if any, is the text of a QR code. The same arguments give the same bytes with the same release of
    Typst, on any machine while Typst's own fonts suffice, else on machines with the same fonts.
    Raises SystemFailureError if Typst is not there or cannot do it, the temporary disk is full, or Typst's own fonts
    lack a letter and no others may be used.
    """
    facts = {
        "made_at": made_at.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z",
        "paper": paper,
        "qr": _matrix(data["qr"]) if data.get("qr") else None,
        "attachments": [_attachment_facts(one) for one in attachments],
    }
    try:
        with tempfile.TemporaryDirectory(prefix="notary-") as folder:
            root = Path(folder)
            _lay_out(root, attachments)
            return _compile_with_any_script(root, template, data, facts, made_at, only_own_fonts)
    except OSError as error:
        raise SystemFailureError(f"cannot set the {template}: {reason_of(error)}") from None


def _lay_out(root: Path, attachments: Sequence[Attachment]) -> None:
    """The templates, and the files that they attach: Typst reads nothing outside `root`."""
    for source in resources.files("notary").joinpath("templates").iterdir():
        if source.name.endswith(".typ"):
            (root / source.name).write_bytes(source.read_bytes())
    for number, one in enumerate(attachments):
        (root / f"attachment-{number}").write_bytes(one.content)


def _compile_with_any_script(
    root: Path,
    template: Template,
    data: Mapping[str, Any],
    facts: Mapping[str, Any],
    made_at: datetime,
    only_own_fonts: bool,
) -> bytes:
    """With the fonts that do, and with as little escaped as they allow."""

    def compiled(fonts: Fonts, undrawable: frozenset[str] = frozenset()) -> bytes:
        document = {"files": files, **_printable({**facts, "data": data}, undrawable)}
        (root / "data.json").write_text(json.dumps(document), encoding="ascii")
        return _compile(root, template, fonts, made_at)

    files = [attached_name(one["name"]) for one in facts["attachments"]]
    own = _fonts(with_system=False)
    try:
        return compiled(own)
    except _GlyphsMissingError as gap:
        if only_own_fonts:
            raise
        lacking = gap.characters
    # A machine's fonts may be broken, or forbid that they are embedded: whatever they do, a document comes out.
    with suppress(SystemFailureError):
        system = _fonts(with_system=True)
        try:
            return compiled(system)
        except _GlyphsMissingError as gap:
            return compiled(system, gap.characters)
    with suppress(_GlyphsMissingError):
        return compiled(own, lacking)
    return compiled(own, _beyond_ascii(json.dumps({**facts, "data": data}, ensure_ascii=False)))


def _compile(root: Path, template: Template, fonts: Fonts, made_at: datetime) -> bytes:
    """Raises _GlyphsMissingError, or SystemFailureError for any other fault."""
    import typst

    try:
        return typst.compile(
            str(root / f"{template}.typ"),
            root=str(root),
            font_paths=fonts,
            pdf_standards=_STANDARDS,
            timestamp=int(made_at.timestamp()),
        )
    except typst.TypstError as error:
        characters = _beyond_ascii("".join(map(_unquoted, _MISSING.findall(error.diagnostic))))
        if characters:
            raise _GlyphsMissingError(characters) from None
        hint = "this is a fault of notary: please report it, with its version and Typst's"
        raise SystemFailureError(f"Typst cannot set the {template}: {error.message}", hint) from None


@cache
def _fonts(*, with_system: bool) -> Fonts:
    try:
        import typst
    except ImportError as error:
        raise SystemFailureError(f"Typst cannot be loaded: {error}", "pip install typst") from None
    return typst.Fonts(include_system_fonts=with_system, include_embedded_fonts=True)


def _printable(value: Any, undrawable: frozenset[str], key: str = "") -> Any:
    """`value` with every text in it fit for a page, and of bounded length."""
    if isinstance(value, str):
        longest = limits.PRINTED_NAME if key in _NAMES else limits.PRINTED_TEXT
        return _printable_text(value, undrawable, limits.PRINTED_SENTENCE if key == "sentences" else longest)
    if isinstance(value, Mapping):
        return {name: _printable(member, undrawable, name) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(member, undrawable, key) for member in value]
    return value


def _printable_text(text: str, undrawable: frozenset[str], longest: int) -> str:
    """Escaped where it has to be; of one that would be too long the beginning, the end, and how much is between."""
    if len(text) <= longest and text.isascii() and text.isprintable():
        return text
    pieces = list(shown_pieces(text, lambda code: _ESCAPED.format(escaped(code)), undrawable))
    if sum(map(len, pieces)) <= longest:
        return "".join(pieces)
    head = _fitting(pieces, longest * 2 // 3)
    tail = _fitting(pieces[:head:-1], longest // 3)
    return "".join([*pieces[:head], _LEFT_OUT.format(len(pieces) - head - tail), *pieces[len(pieces) - tail :]])


def _fitting(pieces: Sequence[str], room: int) -> int:
    """How many of the pieces, from the first on, take up no more than `room` characters together."""
    ends = accumulate(map(len, pieces))
    return sum(1 for _ in takewhile(lambda end: end <= room, ends))


def _beyond_ascii(text: str) -> frozenset[str]:
    return frozenset(character for character in text if not character.isascii())


def _unquoted(text: str) -> str:
    """A text as Rust quotes it."""
    return _CODE_POINT.sub(lambda match: chr(int(match[1], 16)), text)


def _matrix(text: str) -> list[str]:
    """The modules of a QR code, row by row: 1 is dark. The quiet zone is the template's."""
    try:
        import segno
    except ImportError as error:
        raise SystemFailureError(f"segno cannot be loaded: {error}", "pip install segno") from None
    return ["".join("1" if module else "0" for module in row) for row in segno.make_qr(text, error="m").matrix]


def _attachment_facts(one: Attachment) -> dict[str, Any]:
    return {
        "name": one.name,
        "mime_type": one.mime_type,
        "description": one.description,
        "relationship": one.relationship,
        "size": len(one.content),
        "sha256": hashlib.sha256(one.content).hexdigest(),
    }
