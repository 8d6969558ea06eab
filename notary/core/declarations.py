"""Drafts of declarations by which a qualified person may lay a certificate before a court. Pure.

A draft is a form to adapt, and nobody's statement until somebody has completed, struck out and signed. So:

- Whatever only the person can know is a blank. Whatever the certificate says is put as what *it* says, until the
  person has checked it, by a check of their own that the draft asks them to describe.
- It says that a value made from the digests is in the block: neither the files nor their digests are.
- No text from outside (names, titles, descriptions) enters a sentence, so that no name can put words into a mouth.

Sources. Word for word: 28 U.S.C. 1746(1) and (2). In its own words, from the text of the law: 12 V.S.A. 1913(b)(1);
Fed. R. Evid. 803(6)(A)-(C), 902(11), 902(13), 902(14). From accounts of it only: Fed. R. Evid. 902(12) and V.R.E.
902(13).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from string import Formatter
from typing import Any

from notary.errors import InputError

SPELT_OUT = 3
"""As many digests stand in a sentence. More are read, and compared, in the certificate's table."""

BLANK = "_" * 24


class DeclarationKind(StrEnum):
    """Which rule a draft follows. The values are what the user types; 902 is a Federal Rule of *Evidence*."""

    FRE_902_13 = "frcp902-13"
    FRE_902_14 = "frcp902-14"
    US_1746 = "us1746"
    VERMONT_1913 = "vermont1913"


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a draft, for a firm's own form. `value` is None for a blank."""

    name: str
    label: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Form:
    """Words to sign under, and when they are the right ones."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """A draft: paragraphs numbered from 1, with blanks as runs of underscores; the blanks again, as `fields`."""

    kind: DeclarationKind
    heading: str
    authority: str
    notice: str
    paragraphs: tuple[str, ...]
    fields: tuple[Field, ...]
    forms: tuple[Form, ...]
    signature_lines: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The draft as JSON: the same members, strings and lists only; a blank's value is null."""
        return {
            "kind": self.kind.value,
            "heading": self.heading,
            "authority": self.authority,
            "notice": self.notice,
            "paragraphs": list(self.paragraphs),
            "fields": [{"name": one.name, "label": one.label, "value": one.value} for one in self.fields],
            "forms": [{"title": one.title, "text": one.text} for one in self.forms],
            "signature_lines": list(self.signature_lines),
        }


def draft(kind: DeclarationKind, certificate: Mapping[str, Any]) -> Declaration:
    """A draft of `kind` about `certificate`, whose members are those of certificate.json.

    Raises InputError unless the certificate is verified on Bitcoin: a person could truthfully sign nothing else.
    """
    values = _values(certificate, _attestation(certificate))
    pattern = _PATTERNS[kind]
    texts = (*_OPENING, *pattern.own, *_CLOSING)
    asked = _placeholders((*texts, *(form.text for form in pattern.forms)))
    return Declaration(
        kind,
        f"DRAFT - {pattern.heading}",
        pattern.authority,
        _NOTICE,
        tuple(f"{number}. {_filled(text, values)}" for number, text in enumerate(texts, 1)),
        tuple(Field(name, _LABELS[name], values.get(name)) for name in (*_CAPTION, *asked)),
        tuple(Form(form.title, _filled(form.text, values)) for form in pattern.forms),
        pattern.signature_lines,
    )


def _attestation(certificate: Mapping[str, Any]) -> Mapping[str, Any]:
    """The attestation that the certificate's date rests on."""
    outcome = certificate["outcome"]
    if certificate["test_network"]:
        raise InputError(
            f"no declaration is drafted for the test network {certificate['network']}: its blocks prove nothing",
            "stamp the files on the network bitcoin",
        )
    if outcome == "pending":
        raise InputError(
            "no declaration can be drafted yet: the batch is pending, and no block attests it",
            "calendars need some hours; then `notary upgrade`, and make the certificate again",
        )
    if outcome == "unconfirmed":
        raise InputError(
            "no declaration can be drafted: the block is attested, but not confirmed",
            "`notary headers sync`, or a Bitcoin node of yours, confirms it; then make the certificate again",
        )
    decisive = next((one for one in certificate["attestations"] if one["decisive"]), None)
    if outcome != "verified" or decisive is None:
        raise InputError(
            "no declaration can be drafted: the certificate is not verified",
            "`notary verify` says which check failed",
        )
    found: Mapping[str, Any] = decisive
    return found


def _values(certificate: Mapping[str, Any], attestation: Mapping[str, Any]) -> dict[str, str]:
    """What is filled in: all of it computed by this software, but for the matter, which no sentence uses."""
    values = {
        "certificate_number": certificate["number"],
        "issued_at": _moment(certificate["issued_at"]),
        "software": certificate["software"],
        "files": _files(certificate),
        "count": f"{certificate['items']['shown']:,} of {certificate['items']['of']:,}",
        "head": certificate["commitment"]["head"],
        "block_height": f"{attestation['height']:,}",
        "block_hash": attestation["block_hash"],
        "block_time": _moment(attestation["block_time"]),
        "existed_by": _day(date.fromisoformat(attestation["existed_by"])),
        "confirmed_how": attestation["trust_meaning"],
    }
    if certificate["matter"] is not None:
        values["matter"] = certificate["matter"]
    return values


def _files(certificate: Mapping[str, Any]) -> str:
    """The files by their digests: their names could say anything."""
    exhibits, shown = certificate["exhibits"], certificate["items"]["shown"]
    if len(exhibits) == shown <= SPELT_OUT:
        digests = [exhibit["sha256"] for exhibit in exhibits]
        if shown == 1:
            return f"the file whose SHA-256 digest is {digests[0]}"
        return f"the {shown} files whose SHA-256 digests are {', '.join(digests[:-1])} and {digests[-1]}"
    table = certificate["exhibits_csv"]
    if table is None:
        return f"the {shown:,} files whose SHA-256 digests stand in the certificate's table of exhibits"
    return (
        f"the {shown:,} files whose SHA-256 digests stand in the certificate's list of exhibits, itself a file with"
        f" the SHA-256 digest {table['sha256']}"
    )


def _moment(written: str) -> str:
    moment = datetime.fromisoformat(written)
    return f"{_day(moment)}, {moment:%H:%M:%S} UTC"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _filled(text: str, values: dict[str, str]) -> str:
    return text.format_map(dict.fromkeys(_LABELS, BLANK) | values)


def _paragraphs(text: str) -> tuple[str, ...]:
    """The paragraphs of a text as it is written below: blank lines part them, other line ends are blanks."""
    return tuple(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _placeholders(texts: Sequence[str]) -> tuple[str, ...]:
    """The names that occur in `texts`, each once, in order."""
    return tuple(dict.fromkeys(name for text in texts for _, name, _, _ in Formatter().parse(text) if name))


# -- the words ------------------------------------------------------------------------------------------------------

(_NOTICE,) = _paragraphs("""
DRAFT - unsigned and incomplete. This is not legal advice, and the law may have changed since it was written: a lawyer
must adapt it to the case, the court and the facts. Whoever signs must strike out every word that they cannot
truthfully state of their own knowledge, complete the blanks, and remove the remarks in [brackets].
""")

_OPENING = _paragraphs("""
My name is {declarant_name}. My address is {declarant_address}. I am {declarant_position} at {declarant_organization}.

I am qualified to make this declaration because {qualification}. I state what follows of my own knowledge, except where
I say whose statement I repeat.

This declaration concerns {files} (here called the files; {count} in the batch), and the certificate numbered
{certificate_number}, which the software {software} made, dated {issued_at} (the certificate). A copy of the
certificate is attached.

The certificate states, and I repeat without adding to it: that the digests of the batch, together with other values,
were combined by repeated hashing with SHA-256 into one value of 32 bytes, {head} (the head); that Bitcoin block
{block_height}, whose hash is {block_hash}, commits to the head; that the block's header states the time {block_time};
and how that block was confirmed when the certificate was made: "{confirmed_how}".

Neither the files, nor their digests, nor the head are stored in that block. What the block contains is a commitment: a
value that was computed from the head, and through it from the digests, together with other values. To the best of my
knowledge no method is publicly known by which a different file could be made to lead to the same value.

On {checked_on} I checked this as follows: I computed the SHA-256 digest of each file with {hash_tool} and compared it
with the certificate; I computed the values from the digests to the block's header again with {verify_tool}; and I had
the block's header from {header_source}. All of it agreed with the certificate, except: {exceptions}. [Write none, or
what differed. Strike out what was not done.]

From this I conclude that the files existed, byte for byte, no later than {existed_by} (UTC). [Only if all agreed.] The
time in a block's header is set by whoever made the block, and is not exact. The software therefore takes the latest
time in that block and the blocks after it that it had, up to eleven, adds two hours, and rounds up to the end of the
day (UTC). It is a latest date: it does not show when the files were made.
""")

_CLOSING = _paragraphs("""
I do not state who wrote, owns or invented anything in the files; that their content is true, new or lawfully obtained;
that no earlier version exists; or that they are all the files that there are. Names, exhibit numbers, custodians,
descriptions and file-system times that stand in the certificate are as somebody declared them, or as a computer's file
system gave them, and I do not vouch for them.
""")

_GENERATED = _paragraphs("""
The record offered is the certificate, with the digests and the proof that it was made from. It was generated by an
electronic process: the software named above computed the digests and the head; through calendar servers a commitment
to the head was placed in a Bitcoin transaction; and the software followed the proof from the head to the block. I know
this process from {process_knowledge}.

The process produces an accurate result. A SHA-256 digest depends on nothing but the bytes of the file, and the same
bytes always have the same digest; every value from the digests to the block's header can be computed again by anyone,
also with other software; and {accuracy_basis}. [Say what was done to establish it.]

The computer and the software with which the record was generated were, as far as I know, working properly, because
{working_basis}.
""")

_COPIED = _paragraphs("""
The data offered was copied on {copied_on} by {copied_by} from {copy_source} (the device, storage medium or file: the
original) to {copy_target} (the copy), with {copy_tool}.

The copy is authenticated by a process of digital identification, the comparison of hash values. I computed the SHA-256
digests of the original on {original_hashed_on} and of the copy on {copy_hashed_on}, both with {copy_hash_tool}. They
were identical, file by file, and are the digests that the certificate states, except: {copy_exceptions}. [Write none,
or which. If somebody else computed some of them, say who.]

A SHA-256 digest is a value computed from all the bytes of a file. If the digests of an original and of a copy differ,
the two are not identical; if the digests are the same, it is highly improbable that the two are not identical.
""")

_RECORDS_AND_NOTICE = _paragraphs("""
The record offered (A) was made at or near the time of {record_event} by, or from information transmitted by, someone
with knowledge, namely {record_maker}; (B) was kept in the course of a regularly conducted activity of
{record_activity} (a business, organization, occupation, or calling); and (C) making the record was a regular practice
of that activity. [The conditions of Rule 803(6)(A)-(C), to which Rule 902(11) and (12) refer. Ask the lawyer whether
they are needed here; strike out what is not so.]

On {notice_given_on}, before the trial or hearing, the proponent, {proponent}, gave the adverse party reasonable
written notice of the intent to offer the record, and made the record and this certification available for inspection
at {inspection_place}, so that the party has a fair opportunity to challenge them. [The proponent must meet this
requirement of Rule 902(11). Strike out unless whoever signs knows it.]
""")

_REGISTERED = _paragraphs("""
The blockchain is that of Bitcoin. The record offered is the files. They are registered in it by commitment only, as
stated above: the record itself is not in it. [Whether this is a record electronically registered in a blockchain is a
question of law, for the lawyer.]

(A) The date and time the record entered the blockchain: a commitment to the record entered it with block
{block_height}, whose header states the time {block_time}; by the reckoning above, no later than {existed_by} (UTC).

(B) The date and time the record was received from the blockchain: I received the header of that block, which bears the
commitment out, on {received_at} (date, time and time zone) from {received_from}. The record itself I had from
{record_received_from}, on {record_received_at}.

(C) That the record was maintained in the blockchain as a regular conducted activity: the commitment has stood in that
block since, and was maintained there as a regular conducted activity of {maintained_by}, as I know from
{maintained_basis}. The record itself was kept by {record_kept_by}. [Strike out what is not so.]

(D) That the record was made by the regularly conducted activity as a regular practice: it was made by the regularly
conducted activity of {record_activity}, as a regular practice, as I know from {practice_basis}. [Strike out what is
not so.]

On {notice_given_on} the proponent, {proponent}, gave all adverse parties written notice of the intention to offer the
record, and made the record and this declaration available for inspection at {inspection_place}, sufficiently in
advance to give them a fair opportunity to challenge them. [See V.R.E. 902. Strike out unless whoever signs knows it.]
""")

# The words of 28 U.S.C. 1746, exactly.
_WITHOUT = Form(
    "If executed without the United States (28 U.S.C. 1746(1))",
    "I declare (or certify, verify, or state) under penalty of perjury under the laws of the United States of America"
    " that the foregoing is true and correct. Executed on (date). (Signature)",
)
_WITHIN = Form(
    "If executed within the United States, its territories, possessions, or commonwealths (28 U.S.C. 1746(2))",
    "I declare (or certify, verify, or state) under penalty of perjury that the foregoing is true and correct. Executed"
    " on (date). (Signature)",
)
_FOREIGN = Form(
    "In a civil case, if signed abroad under Fed. R. Evid. 902(12)",
    "I sign this in {signing_country}. If I make it falsely, I am subject to a criminal penalty there, under"
    " {penal_provision}.",
)
_OATH = Form(
    "Oath or affirmation (12 V.S.A. 1913(b)(1) asks for a declaration made under oath)",
    "I swear (or affirm) that the foregoing is true and correct. (Signature) Subscribed and sworn to (or affirmed)"
    " before me on (date) at (place). (Officer's signature and title) [As the law of the place has it.]",
)

_SIGNATURE = ("Signature", "Printed name", "Position", "Date", "Place (city and state, or country)")
_OFFICER = ("Officer's signature", "Officer's printed name and title", "Officer's commission number and its expiry")


@dataclass(frozen=True, slots=True)
class _Pattern:
    """What one kind of draft has of its own."""

    heading: str
    authority: str
    own: tuple[str, ...]
    forms: tuple[Form, ...]
    signature_lines: tuple[str, ...] = _SIGNATURE


_PATTERNS = {
    DeclarationKind.FRE_902_13: _Pattern(
        "Certification of a record generated by an electronic process or system",
        "Fed. R. Evid. 902(13), with 902(11) or (12)",
        (*_GENERATED, *_RECORDS_AND_NOTICE),
        (_WITHIN, _WITHOUT, _FOREIGN),
    ),
    DeclarationKind.FRE_902_14: _Pattern(
        "Certification of data copied from an electronic device, storage medium, or file",
        "Fed. R. Evid. 902(14), with 902(11) or (12)",
        (*_COPIED, *_RECORDS_AND_NOTICE),
        (_WITHIN, _WITHOUT, _FOREIGN),
    ),
    DeclarationKind.US_1746: _Pattern(
        "Unsworn declaration under penalty of perjury", "28 U.S.C. 1746", (), (_WITHIN, _WITHOUT)
    ),
    DeclarationKind.VERMONT_1913: _Pattern(
        "Declaration under oath on a digital record registered in a blockchain",
        "12 V.S.A. 1913(b)(1); V.R.E. 902(13)",
        _REGISTERED,
        (_OATH,),
        (*_SIGNATURE, *_OFFICER),
    ),
}

_CAPTION = ("court", "case_number", "matter")
"""For the head of a firm's own form. The matter is as the user declared it, so no sentence has it."""

_LABELS = {
    "court": "Court",
    "case_number": "Case number",
    "matter": "Matter (as declared)",
    "certificate_number": "Certificate number",
    "issued_at": "Date of the certificate",
    "software": "Software that made the certificate",
    "files": "The files, by their digests",
    "count": "How many of the batch's files",
    "head": "Head of the batch (hexadecimal)",
    "block_height": "Bitcoin block",
    "block_hash": "Hash of the block (hexadecimal)",
    "block_time": "Time in the block's header",
    "existed_by": "Existed no later than (UTC)",
    "confirmed_how": "How the certificate says the block was confirmed",
    "declarant_name": "Name of the qualified person",
    "declarant_address": "Address",
    "declarant_position": "Position",
    "declarant_organization": "Employer or organization",
    "qualification": "What qualifies the person",
    "checked_on": "Date of the person's own check",
    "hash_tool": "Software that computed the digests for that check",
    "verify_tool": "Software that computed the path to the block for that check",
    "header_source": "Where the block's header was had from",
    "exceptions": "What did not agree",
    "record_event": "The event that the records are of",
    "record_maker": "Who made the records, or passed on the information",
    "record_activity": "The regularly conducted activity, and whose it is",
    "notice_given_on": "Date of the written notice",
    "proponent": "Who offers the record",
    "inspection_place": "Where record and declaration may be inspected",
    "signing_country": "Country of signing",
    "penal_provision": "The provision that penalizes a false certification there",
    "process_knowledge": "How the person knows the process",
    "accuracy_basis": "What shows that the process is accurate",
    "working_basis": "What shows that the system was working properly",
    "copied_on": "Date of the copy",
    "copied_by": "Who made the copy",
    "copy_source": "What was copied: device, storage medium or file",
    "copy_target": "Where the copy is",
    "copy_tool": "What it was copied with",
    "original_hashed_on": "Date on which the original's digest was computed",
    "copy_hashed_on": "Date on which the copy's digest was computed",
    "copy_hash_tool": "Software that computed both digests",
    "copy_exceptions": "Which digests were not identical",
    "received_at": "When the block's header was received",
    "received_from": "Where the block's header was received from",
    "record_received_from": "Where the record itself was received from",
    "record_received_at": "When the record itself was received",
    "maintained_by": "Whose regular conducted activity maintained it in the blockchain",
    "maintained_basis": "How the person knows of that activity",
    "record_kept_by": "Who kept the record itself",
    "practice_basis": "How the person knows of that practice",
}
