"""What a certificate says, as plain data: what a bundle bears out, what was found about its block, what is declared.

The same data is typeset and attached to the PDF, so that whoever has the bundle can make it again and compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

from notary.core.declarations import DeclarationKind, draft
from notary.core.digest import seal_hash
from notary.core.evidence import DECLARED, Item
from notary.core.header import Trust, network_named, shown
from notary.core.load_file import CSV_UTF8, write_row
from notary.core.ots import Attestation, Kind
from notary.core.strict_json import quoted
from notary.core.verdict import Outcome, Verdict
from notary.errors import FormatError
from notary.reporting import NOT_CLAIMED

if TYPE_CHECKING:
    from notary.core.manifest import Manifest
    from notary.core.ots import Proof

FORMAT = "notary-certificate/v1"
BASES = ("issue", "block", "declared")
"""What the time of issue may be: the clock's, the block's, or the manifest's."""

_WORDING = frozenset(
    {"statement", "grounds", "how_to_check", "not_proven", "declaration", "type", "chain", "trust_meaning"}
)
"""Members that are words of this software: another release has others for the same."""

DATA_NAME = "certificate.json"
TABLE_NAME = "exhibits.csv"

MOMENT = "%Y-%m-%dT%H:%M:%SZ"

_NUMBER_DIGITS = 16
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class Party:
    """Who says that they notarized, and as what: both declared."""

    name: str
    role: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """What was found about the block that a certificate rests on; only the outcome, where that is not `verified`.

    Times and dates are as in `verify --json`.
    """

    outcome: Outcome
    height: int | None = None
    block_hash: str | None = None
    block_time: str | None = None
    existed_by: str | None = None
    trust: Trust = Trust.NONE
    source: str | None = None
    confirmations: int | None = None


@dataclass(frozen=True, slots=True)
class Attached:
    """The bundle that goes with a certificate: its name and SHA-256, and whether the PDF holds it."""

    name: str
    sha256: str
    size: int
    attached: bool

    @classmethod
    def of(cls, name: str, content: bytes) -> Attached:
        """One that the PDF holds."""
        return cls(name, sha256(content).hexdigest(), len(content), attached=True)


@dataclass(frozen=True, slots=True)
class Issue:
    """What the one who issues a certificate adds, and no bundle can bear out. `basis` says what time `at` is."""

    at: str
    basis: str
    software: str
    matter: str | None = None
    party: Party | None = None
    pdf_facts: tuple[Mapping[str, Any], ...] = ()
    bundle: Attached | None = None
    declaration: DeclarationKind | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What a bundle states of itself: its manifest, head and proof, and the items that it shows.

    `items` are those, where they are not too many to be printed, of `shown` in all; else `table` has them as CSV, if
    that is not too long either. `total_bytes` is None where sizes are withheld.
    """

    manifest: Manifest
    manifest_sha256: bytes
    head: bytes
    token: bytes | None
    proof: Proof
    items: Sequence[Item]
    shown: int
    total_bytes: int | None
    disclosure: str
    table: bytes | None


def found_by(verdict: Verdict) -> Found:
    """What a verification found about the block."""
    block = verdict.block
    if block is None or verdict.outcome is not Outcome.VERIFIED:
        return Found(verdict.outcome)
    return Found(
        verdict.outcome,
        block.height,
        block.header.shown_hash,
        block.time,
        block.existed_by.isoformat(),
        block.trust,
        "the issuer's own node" if block.trust is Trust.NODE else block.source,  # whose address concerns nobody
        block.confirmations,
    )


def certificate(stated: Statement, found: Found, issue: Issue) -> dict[str, Any]:
    """The certificate's data. Raises InputError where a declaration is asked for that nobody could truthfully sign."""
    network = network_named(stated.manifest.network)
    data: dict[str, Any] = {
        "format": FORMAT,
        "number": _number(stated.head),
        "issued_at": issue.at,
        "issued_basis": issue.basis,
        "software": issue.software,
        "matter": issue.matter,
        "title": stated.manifest.title,
        "party": None if issue.party is None else asdict(issue.party),
        "outcome": found.outcome.value,
        "network": network.name,
        "test_network": network.is_test,
        "stamp": _stamp(network.is_test, found.outcome),
        "statement": _sentence(stated, found, network.name if network.is_test else None),
        "grounds": _grounds(stated, found, "" if network.is_test else "Bitcoin "),
        "disclosure": stated.disclosure,
        "items": {"shown": stated.shown, "of": stated.manifest.size, "bytes": stated.total_bytes},
        "exhibits": [_exhibit(item) for item in stated.items],
        "exhibits_csv": stated.table and {"name": TABLE_NAME, "sha256": sha256(stated.table).hexdigest()},
        "commitment": {
            "root": stated.manifest.root.hex(),
            "size": stated.manifest.size,
            "head": stated.head.hex(),
            "seal": seal_hash(stated.head, stated.token).hex(),
            "declared_at": stated.manifest.declared_at,
            "tool": stated.manifest.tool,
            "manifest": stated.manifest_sha256.hex(),
        },
        "calendars": list(dict.fromkeys(one.uri for one in stated.proof.of_kind(Kind.PENDING))),
        "attestations": _attestations(stated.proof.of_kind(Kind.BITCOIN), found, network.is_test, network.name),
        "qr": found.block_hash and f"{network.name} block {found.height} {found.block_hash}",
        "pdf_facts": list(issue.pdf_facts),
        "bundle": issue.bundle and asdict(issue.bundle),
        "how_to_check": _how_to_check(stated, found, issue),
        "not_proven": list(NOT_CLAIMED),
        "declaration": None,
    }
    if issue.declaration is not None:
        data["declaration"] = draft(issue.declaration, data).document()
    return data


def read_moment(text: str) -> datetime | None:
    """A time as certificates have it, RFC 3339 to the second and in UTC, from 1970 on; None for any other text."""
    try:
        moment = datetime.strptime(text, MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment if moment.year >= 1970 and moment.strftime(MOMENT) == text else None


def _number(head: bytes) -> str:
    digits = head.hex().upper()[:_NUMBER_DIGITS]
    return "-".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def _stamp(is_test: bool, outcome: Outcome) -> str | None:
    """What stands across every page."""
    doubts = ["TEST NETWORK"] if is_test else []
    if outcome is not Outcome.VERIFIED:
        doubts.append("PENDING" if outcome is Outcome.PENDING else "NOT CONFIRMED")
    return " · ".join(doubts) or None


def day_text(day: str) -> str:
    """A date as people write it."""
    at = date.fromisoformat(day)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


def _sentence(stated: Statement, found: Found, test_network: str | None) -> str:
    one = stated.shown == 1
    these, they, their = (
        ("This file", "it", "its digest") if one else (f"These {stated.shown:,} files", "they", "their digests")
    )
    if found.outcome is Outcome.VERIFIED and found.existed_by is not None:
        claim = f"{these} existed, byte for byte, no later than {day_text(found.existed_by)} (UTC)."
        if test_network is None:
            return claim
        return f"Nothing is proven: the network {test_network} is for tests. On Bitcoin this would say: {claim}"
    if found.outcome is Outcome.PENDING:
        what = f"A number computed from {their} was handed to calendars, but no block attests it yet"
        return f"{these}: when {they} existed is not shown. {what}."
    return f"{these}: when {they} existed is not shown. A proof leads to a block, which was not confirmed."


def _grounds(stated: Statement, found: Found, chain: str) -> list[str]:
    """How the sentence is to be understood, and what it rests on."""
    one = stated.shown == 1
    those, their = ("The file is", "its digest") if one else ("The files are", "their digests")
    grounds = [f"{those} known by SHA-256 digest; no two different files with one digest are known."]
    if stated.disclosure != "files":
        grounds.append(f"{those} not in the bundle: this speaks of whatever has {their}.")
    if found.outcome is Outcome.VERIFIED:
        where = f"in {chain}block {found.height:,}"
        grounds += [f"A number computed from {their} stands {where}.", _CONFIRMED[found.trust]]
    return grounds


_CONFIRMED = {
    Trust.NONE: "Nothing at hand tied that block to the chain.",
    Trust.WORK: "The computing work that went into that block was checked, but not its place in the chain.",
    Trust.CHECKPOINT: "Each block names the one before it: from that block the line leads to one that this software"
    " knows to be part of the chain.",
    Trust.EXPLORERS: "Several public services that watch the chain, each run by somebody else, gave the same block.",
    Trust.CHAIN: "That block stands in the chain with the most computing work, which the issuer's own machine had"
    " downloaded and checked.",
    Trust.NODE: "The issuer's own Bitcoin node, which checks the whole chain, confirmed that block.",
}
"""How a block was confirmed, for a reader who knows nothing of it."""


def _exhibit(item: Item) -> dict[str, Any]:
    record = item.record if item.record_fault is None and item.record is not None else {}
    name = shown_name(item)
    return {
        "index": item.index,
        "label": record.get("exhibit"),
        "bates": record.get("bates"),
        "name": name,
        "name_is_bytes": "path_hex" in record,
        "size": record.get("size"),
        "type": None if name is None else _type(name),
        "sha256": item.digest.hex(),
        "declared": [
            [word, record[key]]
            for key, word in (
                ("mtime", "modified"),
                ("custodian", "custodian"),
                ("description", "description"),
                ("source", "source"),
            )
            if key in record
        ],
    }


def shown_name(item: Item) -> str | None:
    """The recorded path, where it is shown; bytes in it that are no text are written out."""
    return None if item.path is None else item.path.decode(errors="backslashreplace")


def _type(name: str) -> str | None:
    """What kind of file it is by the end of its name; nothing else is known of it."""
    return _TYPES.get(name.rpartition("/")[2].rpartition(".")[2].lower())


_TYPES = {
    **{"pdf": "PDF document", "txt": "text", "md": "text", "csv": "table", "html": "web page", "xml": "XML"},
    **{"doc": "Word document", "docx": "Word document", "odt": "text document", "rtf": "text document"},
    **{"xls": "Excel workbook", "xlsx": "Excel workbook", "ppt": "presentation", "pptx": "presentation"},
    **{"eml": "e-mail", "msg": "e-mail", "pst": "mailbox", "zip": "archive", "7z": "archive"},
    **dict.fromkeys(("png", "jpg", "jpeg", "tif", "tiff", "gif", "svg", "heic", "bmp"), "image"),
    **dict.fromkeys(("mp4", "mov", "avi", "mkv"), "video"),
    **dict.fromkeys(("mp3", "wav", "m4a", "flac"), "audio"),
    **dict.fromkeys(("dwg", "dxf", "step", "stp", "stl"), "drawing or model"),
}


def _attestations(
    attestations: Iterable[Attestation], found: Found, is_test: bool, network: str
) -> list[dict[str, Any]]:
    blocks = sorted({(one.height, shown(one.message)) for one in attestations if one.height is not None})
    plain = Found(Outcome.UNCONFIRMED)
    listed = []
    for height, root in blocks:
        here = found if height == found.height else plain
        listed.append(
            {
                "chain": f"test network {network}" if is_test else "Bitcoin",
                "height": height,
                "merkle_root": root,
                "block_hash": here.block_hash,
                "block_time": here.block_time,
                "existed_by": here.existed_by,
                "confirmations": here.confirmations,
                "source": here.source,
                "trust": here.trust.word,
                "trust_meaning": _CONFIRMED[here.trust] if here is found else "not looked up",
                "decisive": here is found,
            }
        )
    return listed


def _how_to_check(stated: Statement, found: Found, issue: Issue) -> dict[str, Any]:
    network = network_named(stated.manifest.network)
    bundle, folder = issue.bundle, f"notary-{stated.head.hex()[:12]}"
    steps: list[tuple[str, str | None]] = []
    if bundle and bundle.attached:
        steps.append(("Take the bundle out of this PDF; many readers show attachments.", "pdfdetach -saveall FILE.pdf"))
    others = "`certutil -hashfile FILE SHA256` gives it on Windows, `shasum -a 256 FILE` on macOS."
    steps += [
        (f"Compare the digest of each file with the one that is printed here; {others}", "sha256sum FILE"),
        (
            "Unpack the bundle, and have the OpenTimestamps client follow its proof; VERIFY.txt there says more.",
            f"ots verify -d {stated.head.hex()} {folder}/notary/head.ots",
        ),
    ]
    if found.block_hash is not None and not network.is_test:
        block = f"Look up block {found.height:,} on any two public block explorers"
        steps.append((f"{block}: its hash and Merkle root have to be those that are printed here.", None))
    target = "FILE.pdf" if bundle and bundle.attached else "BUNDLE.zip"
    with_it = f"notary verify {target}" + (f" --network {network.name}" if network.is_test else "")
    return {"with": [with_it], "without": [{"what": what, "command": command} for what, command in steps]}


# -- the table of all exhibits --------------------------------------------------------------------------------------


def table_rows(items: Iterable[Item]) -> Iterator[bytes]:
    """All exhibits as CSV, for a spreadsheet: a cell that would run as a formula there gets an apostrophe before it."""
    others = [key for key in DECLARED if key not in ("exhibit", "bates")]
    yield write_row(("number", "exhibit", "bates", "path", "sha256", "bytes", "modified", *others), CSV_UTF8)
    for item in items:
        record = item.record if item.record_fault is None and item.record is not None else {}
        path = shown_name(item) or ""
        cells = (
            *(str(item.index + 1), record.get("exhibit", ""), record.get("bates", ""), path, item.digest.hex()),
            *(str(record.get("size", "")), record.get("mtime", ""), *(record.get(key, "") for key in others)),
        )
        yield write_row(tuple(map(_inert, cells)), CSV_UTF8)


_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""How formulas begin, in some spreadsheets with full-width signs too."""


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def facts_only(data: Any) -> Any:
    """The data of a certificate without its words."""
    if isinstance(data, dict):
        return {key: facts_only(value) for key, value in data.items() if key not in _WORDING}
    return [facts_only(value) for value in data] if isinstance(data, list) else data


# -- read back ------------------------------------------------------------------------------------------------------


def read_found(data: Mapping[str, Any]) -> Found:
    """What certificate.json says was found about the block. Raises FormatError."""
    outcome = _one_of(Outcome, _member(data, "outcome", str))
    decisive = [one for one in _objects(data, "attestations") if one.get("decisive") is True]
    if not decisive:
        return Found(outcome)
    if len(decisive) > 1:
        raise FormatError(f"{DATA_NAME}: it rests on several attestations")
    (one,) = decisive
    levels = {level.word: level for level in Trust}
    day = _member(one, "existed_by", str)
    try:
        date.fromisoformat(day)
    except ValueError:
        raise FormatError(f"{DATA_NAME}: existed_by is no date") from None
    return Found(
        outcome,
        _member(one, "height", int),
        _member(one, "block_hash", str),
        _member(one, "block_time", str),
        day,
        levels.get(_member(one, "trust", str), Trust.NONE),
        _member(one, "source", str),
        _member(one, "confirmations", int, is_optional=True),
    )


def read_issue(data: Mapping[str, Any]) -> Issue:
    """What its issuer added. Raises FormatError."""
    at = _member(data, "issued_at", str)
    try:
        datetime.strptime(at, MOMENT)
    except ValueError:
        raise FormatError(f"{DATA_NAME}: issued_at is no moment in UTC") from None
    basis = _member(data, "issued_basis", str)
    if basis not in BASES:
        raise FormatError(f"{DATA_NAME}: issued_basis is none of {', '.join(BASES)}")
    party, bundle, declaration = (
        _member(data, key, dict, is_optional=True) for key in ("party", "bundle", "declaration")
    )
    return Issue(
        at,
        basis,
        _member(data, "software", str),
        _member(data, "matter", str, is_optional=True),
        party and Party(_member(party, "name", str), _member(party, "role", str, is_optional=True)),
        tuple(map(_pdf_facts, _objects(data, "pdf_facts"))),
        bundle
        and Attached(
            _member(bundle, "name", str),
            _member(bundle, "sha256", str),
            _member(bundle, "size", int),
            _member(bundle, "attached", bool),
        ),
        declaration and _one_of(DeclarationKind, _member(declaration, "kind", str)),
    )


def _pdf_facts(given: Mapping[str, Any]) -> dict[str, Any]:
    numbers, texts = ("pages", "signatures"), ("name", "title", "author", "created", "fault")
    if set(given) != {"index", *numbers, *texts}:
        raise FormatError(f"{DATA_NAME}: pdf_facts have other keys")
    _member(given, "index", int)
    for key in numbers:
        _member(given, key, int, is_optional=True)
    for key in texts:
        _member(given, key, str, is_optional=True)
    return dict(given)


def _member(data: Mapping[str, Any], key: str, kind: type, *, is_optional: bool = False) -> Any:
    value = data.get(key)
    if value is None and is_optional:
        return None
    if type(value) is not kind:
        raise FormatError(f"{DATA_NAME}: {key} is missing or of another kind")
    return value


def _objects(data: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = _member(data, key, list)
    if not all(isinstance(one, dict) for one in value):
        raise FormatError(f"{DATA_NAME}: {key} is no list of objects")
    return value  # type: ignore[no-any-return]


Word = TypeVar("Word", bound=StrEnum)


def _one_of(words: type[Word], word: str) -> Word:
    try:
        return words(word)
    except ValueError:
        raise FormatError(f"{DATA_NAME}: {quoted(word)} is none of {', '.join(words)}") from None
