"""What a certificate says, as plain data: what a bundle bears out, what was found about its block, what is declared.

The same data is typeset and attached to the PDF, so that whoever has the bundle can make it again and compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from notary.certificate_who import (
    ISSUERS_NODE,
    Vouched,
    first_day,
    named_block_member,
    signature_member,
    token_member,
    vouched_by,
)
from notary.core.declarations import DeclarationKind, draft
from notary.core.digest import seal_hash
from notary.core.evidence import Item
from notary.core.header import Trust, network_named, shown
from notary.core.manifest import MOMENT, Manifest
from notary.core.ots import Attestation, Kind
from notary.core.verdict import Outcome, Verdict
from notary.reporting import NOT_CLAIMED

if TYPE_CHECKING:
    from notary.core.block import Block
    from notary.core.ots import Proof

FORMAT = "notary-certificate/v1"
CLAIM_FORMAT = "notary-claim-certificate/v1"
"""That of claims' certificates: `notary.registry.claim_certificate` makes those."""

BASES = ("issue", "block", "declared")
"""What the time of issue may be: the clock's, the block's, or the manifest's."""

_WORDING = frozenset(
    {"statement", "grounds", "how_to_check", "not_proven", "declaration", "type", "chain", "trust_meaning", "stated"}
)
"""Members that are words of this software: another release has others for the same."""

DATA_NAME = "certificate.json"
TABLE_NAME = "exhibits.csv"

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

    Times and dates are as in `verify --json`, hashes as people write them.
    """

    outcome: Outcome
    height: int | None = None
    merkle_root: str | None = None
    block_hash: str | None = None
    block_time: str | None = None
    existed_by: str | None = None
    trust: Trust = Trust.NONE
    source: str | None = None
    confirmations: int | None = None
    vouched: Vouched = field(default_factory=Vouched)


@dataclass(frozen=True, slots=True)
class Attached:
    """The bundle or claim that goes with a certificate: its name and SHA-256, and whether the PDF holds it."""

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
    signature: bytes | None
    token: bytes | None
    proof: Proof
    items: Sequence[Item]
    shown: int
    total_bytes: int | None
    disclosure: str
    table: bytes | None


def found_by(verdict: Verdict) -> Found:
    """What a verification found about the block, and what its issuer vouches for."""
    return replace(found_block(verdict.outcome, verdict.block), vouched=vouched_by(verdict))


def found_block(outcome: Outcome, block: Block | None) -> Found:
    """What a verification that came to `outcome` found about the block."""
    if block is None or outcome is not Outcome.VERIFIED:
        return Found(outcome)
    return Found(
        outcome,
        block.height,
        shown(block.header.merkle_root),
        block.header.shown_hash,
        block.time,
        block.existed_by.isoformat(),
        block.trust,
        ISSUERS_NODE if block.trust is Trust.NODE else block.source,
        block.confirmations,
    )


def certificate(stated: Statement, found: Found, issue: Issue) -> dict[str, Any]:
    """The certificate's data. Raises InputError where a declaration is asked for that nobody could truthfully sign."""
    network = network_named(stated.manifest.network)
    data: dict[str, Any] = {
        "format": FORMAT,
        "number": number_of(stated.head),
        "issued_at": issue.at,
        "issued_basis": issue.basis,
        "software": issue.software,
        "matter": issue.matter,
        "title": stated.manifest.title,
        "party": None if issue.party is None else asdict(issue.party),
        "outcome": found.outcome.value,
        "network": network.name,
        "test_network": network.is_test,
        "stamp": stamp_text(network.is_test, found.outcome),
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
        "signature": signature_member(stated.manifest, stated.signature, found.vouched),
        "token": token_member(stated.token, found.vouched),
        "not_before": named_block_member(stated.manifest, found.vouched, CONFIRMED[found.vouched.trust]),
        "previous": stated.manifest.previous and stated.manifest.previous.hex(),
        "calendars": list(dict.fromkeys(one.uri for one in stated.proof.of_kind(Kind.PENDING))),
        "attestations": attestations_member(stated.proof.of_kind(Kind.BITCOIN), found, network.is_test, network.name),
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


def number_of(head: bytes) -> str:
    """A certificate's number: the first digits of the hash that it is about."""
    digits = head.hex().upper()[:_NUMBER_DIGITS]
    return "-".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def stamp_text(is_test: bool, outcome: Outcome) -> str | None:
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
        grounds += [f"A number computed from {their} stands {where}.", CONFIRMED[found.trust]]
    return [*grounds, *_made_since(stated, found, chain)]


def _made_since(stated: Statement, found: Found, chain: str) -> Iterator[str]:
    """Between which days the manifest was made, if the block that it names is in the chain."""
    named, block_time = stated.manifest.not_before, found.vouched.block_time
    if named is None or block_time is None:
        return
    since = first_day(block_time)
    days = f"on {day_text(since)} or later"
    if found.existed_by == since:
        days = f"on {day_text(since)}"
    elif found.existed_by is not None:
        days = f"between {day_text(since)} and {day_text(found.existed_by)}"
    block = f"{chain}block {named.height:,}, whose hash nobody knew before"
    yield f"The batch's own statement, its manifest, was made {days} (UTC): it names {block}."


CONFIRMED = {
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


def attestations_member(
    attestations: Iterable[Attestation], found: Found, is_test: bool, network: str
) -> list[dict[str, Any]]:
    """The blocks that a proof names; the one that the certificate rests on with what was found about it."""
    blocks = sorted({(one.height, shown(one.message)) for one in attestations if one.height is not None})
    plain = Found(Outcome.UNCONFIRMED)
    listed = []
    for height, root in blocks:
        here = found if (height, root) == (found.height, found.merkle_root) else plain
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
                "trust_meaning": CONFIRMED[here.trust] if here is found else "not looked up",
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
    others = "on Windows certutil -hashfile FILE SHA256 gives it, on macOS shasum -a 256 FILE."
    steps += [
        (f"Compare the digest of each file with the one that is printed here; {others}", "sha256sum FILE"),
        (
            "Unpack the bundle, and have the OpenTimestamps client follow its proof; VERIFY.txt there says more.",
            f"ots verify -d {stated.head.hex()} {folder}/notary/head.ots",
        ),
    ]
    parts = ((stated.signature, "the signature with ssh-keygen"), (stated.token, "the token with openssl"))
    if checks := [how for part, how in parts if part is not None]:
        steps.append((f"Check {' and '.join(checks)}, as VERIFY.txt says.", None))
    if found.block_hash is not None and not network.is_test:
        block = f"Look up block {found.height:,} on any two public block explorers"
        steps.append((f"{block}: its hash and Merkle root have to be those that are printed here.", None))
    target = "FILE.pdf" if bundle and bundle.attached else "BUNDLE.zip"
    with_it = f"notary verify {target}" + (f" --network {network.name}" if network.is_test else "")
    return {"with": [with_it], "without": [{"what": what, "command": command} for what, command in steps]}


def facts_only(data: Any) -> Any:
    """The data of a certificate without its words."""
    if isinstance(data, dict):
        return {key: facts_only(value) for key, value in data.items() if key not in _WORDING}
    return [facts_only(value) for value in data] if isinstance(data, list) else data
