"""The entries of a register (DESIGN section 12): what its keeper asserts, one RFC 8785 object each.

    open     {"digest":HEX,"event":"filed","filing_date":"2026-03-12","format":"notary-registry/v1","number":"10 2026
             000412.5","office":"DE","references":{"pct":"PCT/EP2026/050123"},"right":"patent"}
    later    the same with "date", "object" and "previous", and "to" where somebody is named
    sealed   {"commitment":HEX,"format":"notary-registry/v1"}                        H(05 ‖ t ‖ an open entry's bytes)
    opening  a later entry of "event":"published" with "t" and "record", the open entry that was sealed
    rotation {"date":"2031-01-01","format":"notary-registry/v1","next_key":VKEY}     the key that signs from then on

Every entry of an object says in full which application it is about, so that each can be read alone. The bytes are
exactly the RFC 8785 form: an entry has one writing, and so one leaf hash.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from json.encoder import encode_basestring as _quote
from typing import Any

from notary import limits
from notary.core.digest import DIGEST_BYTES, SALT_BYTES, record_hash
from notary.core.strict_json import Json, canonical, hex_field, quoted, read_object
from notary.errors import FormatError
from notary.registry.core.note import ED25519, VerifierKey, read_vkey
from notary.registry.core.terms import Event, Right, day_field, read_value, unknown_key

FORMAT = "notary-registry/v1"

NAMES_SOMEBODY = frozenset({Event.ASSIGNED, Event.LICENSED})
"""The events that may have `to`."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a sealed entry holds: the salt of 16 bytes, and the open entry."""

    t: bytes
    record: "Open"

    @property
    def commitment(self) -> bytes:
        return record_hash(self.t, write_entry(self.record))


@dataclass(frozen=True, slots=True)
class Open:
    """An entry that can be read. `on` is the event's date (key `date`), None for `filed`; `to` is declared text.

    `digest` is the SHA-256 of the package as filed. `object` and `previous` are leaf hashes: of the object's first
    entry, and of its entry before this one; None in the first. `opening` is what a `published` entry opens.
    """

    event: Event
    office: str
    number: str
    right: Right
    filing_date: date
    digest: bytes | None = None
    st13: str | None = None
    references: tuple[tuple[str, str], ...] = ()
    on: date | None = None
    to: str | None = None
    object: bytes | None = None
    previous: bytes | None = None
    opening: Opening | None = None

    @property
    def happened(self) -> date:
        """The day of the event, as the register says."""
        return self.on or self.filing_date


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry of which only the commitment to it is shown."""

    commitment: bytes


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """The old key's word, given by signing a checkpoint that covers it, that `next_key` signs from the day `on` on."""

    next_key: VerifierKey
    on: date


Entry = Open | Sealed | KeyRotation


# -- writing --------------------------------------------------------------------------------------------------------


def write_entry(entry: Entry) -> bytes:
    """The entry's RFC 8785 bytes. It checks nothing but that texts are Unicode: `check_entry` does."""
    if isinstance(entry, Sealed):
        return f'{{"commitment":"{entry.commitment.hex()}","format":"{FORMAT}"}}'.encode()
    if isinstance(entry, KeyRotation):
        return canonical({"format": FORMAT, "next_key": str(entry.next_key), "date": str(entry.on)})
    try:
        return _written(entry).encode()
    except UnicodeEncodeError:
        raise FormatError("an entry holds text that is not valid Unicode") from None


def _written(entry: Open) -> str:
    """In the order of RFC 8785, as it stands: `canonical` takes three times as long, and there may be a million."""
    opening = entry.opening
    members = [
        "" if entry.on is None else f'"date":"{entry.on}",',
        "" if entry.digest is None else f'"digest":"{entry.digest.hex()}",',
        f'"event":"{entry.event}","filing_date":"{entry.filing_date}","format":"{FORMAT}",',
        f'"number":{_quote(entry.number)},',
        "" if entry.object is None else f'"object":"{entry.object.hex()}",',
        f'"office":{_quote(entry.office)},',
        "" if entry.previous is None else f'"previous":"{entry.previous.hex()}",',
        "" if opening is None else f'"record":{_written(opening.record)},',
        f'"references":{{{",".join(map(_reference, sorted(entry.references)))}}},' if entry.references else "",
        f'"right":"{entry.right}"',
        "" if entry.st13 is None else f',"st13":"{entry.st13}"',
        "" if opening is None else f',"t":"{opening.t.hex()}"',
        "" if entry.to is None else f',"to":{_quote(entry.to)}',
    ]
    return f"{{{''.join(members)}}}"


def _reference(one: tuple[str, str]) -> str:
    return f'"{one[0]}":{_quote(one[1])}'


def members_of(entry: Entry) -> Json:
    """The entry as a JSON object."""
    members: Json = json.loads(write_entry(entry))
    return members


# -- reading --------------------------------------------------------------------------------------------------------


def read_entry(data: bytes, what: str = "the entry") -> Entry:
    """The entry whose bytes are `data`. Raises FormatError, which says `what`, for any others."""
    members = read_object(data, what, limits.REGISTRY_ENTRY_BYTES)
    entry = entry_from(members, what)
    if canonical(members) != data:
        raise FormatError(f"{what} is not written in RFC 8785 form")
    return entry


def entry_from(members: Json, what: str) -> Entry:
    """The entry that a JSON object is. Raises FormatError."""
    if members.get("format") != FORMAT:
        raise FormatError(f"{what}: its format is {quoted(members.get('format'))}, not {FORMAT}")
    if "commitment" in members:
        _only(members, {"format", "commitment"}, f"{what}, which is sealed,")
        return Sealed(hex_field(members, "commitment", DIGEST_BYTES, what))
    if "next_key" in members:
        _only(members, {"format", "next_key", "date"}, f"{what}, which names a new key,")
        return KeyRotation(_next_key(members["next_key"], what), day_field(members.get("date"), what, "date"))
    return open_entry(members, what)


def _next_key(value: object, what: str) -> VerifierKey:
    key = read_vkey(value) if isinstance(value, str) else None
    if key is None or key.type != ED25519:
        raise FormatError(f"{what}: next_key is no vkey of an Ed25519 key that signs notes")
    return key


def open_entry(members: Json, what: str) -> Open:
    """The open entry that a JSON object is. Raises FormatError."""
    if members.get("format") != FORMAT:
        raise FormatError(f"{what}: its format is {quoted(members.get('format'))}, not {FORMAT}")
    stated = {key: value for key, value in members.items() if key not in ("format", "t", "record")}
    opening = None
    if "t" in members or "record" in members:
        record = members.get("record")
        if not isinstance(record, dict) or "record" in record:
            raise FormatError(f"{what}: record is no entry that was sealed")
        t = hex_field(members, "t", SALT_BYTES, what)
        opening = Opening(t, open_entry(record, f"{what}: record"))
    return made_open({**read_fields(stated, what), "opening": opening}, what)


def read_fields(members: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Those of `Open`'s values that `members` state, each read for itself. Raises FormatError."""
    return {"on" if key == "date" else key: read_value(key, value, what) for key, value in members.items()}


_REQUIRED = ("event", "office", "number", "right", "filing_date")


def made_open(values: Mapping[str, Any], what: str) -> Open:
    """The entry of values as `read_fields` gives them, if they go together. Raises FormatError."""
    for key in _REQUIRED:
        if key not in values:
            raise FormatError(f"{what} has no {key}")
    entry = Open(**values)
    fault = _fault(entry)
    if fault is not None:
        raise FormatError(f"{what}: {fault}")
    return entry


def _fault(entry: Open) -> str | None:
    """What does not go together."""
    event = entry.event
    if event is Event.FILED:
        if entry.digest is None:
            return "filed has no digest: the SHA-256 of the package as filed"
        if entry.on is not None:
            return "filed has no date of its own: filing_date is its date"
    elif entry.on is None:
        return f"{event} has no date"
    if entry.to is not None and event not in NAMES_SOMEBODY:
        return f"{event} names nobody, so it has no to"
    if (entry.object is None) != (entry.previous is None):
        return "object and previous come together, or in an object's first entry not at all"
    if entry.opening is not None and (event is not Event.PUBLISHED or entry.object is None):
        return "only a published entry, which names its object, opens a sealed one"
    if entry.opening is not None and entry.opening.record.event is Event.PUBLISHED:
        return "what was sealed is no published entry"
    return None


def check_entry(entry: Entry, what: str = "the entry") -> bytes:
    """The bytes of an entry that is to be kept. Raises FormatError for one that no reader would take."""
    data = write_entry(entry)
    if read_entry(data, what) != entry:
        raise FormatError(f"{what} is not read as it is written")
    return data


def opens(sealed: Sealed, opening: Opening) -> bool:
    """Whether `opening` is what `sealed` commits to."""
    return opening.commitment == sealed.commitment


def _only(members: Json, keys: set[str], what: str) -> None:
    for key in members:
        if key not in keys:
            raise unknown_key(key, what)
