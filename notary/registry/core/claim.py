"""registry/claim.json: what a claim says of one entry, so that whoever has it can recompute the entry's leaf.

    open      {"entry":{...},"format":"notary-registry-claim/v1","index":411,"origin":"registry.example/ip"}
    sealed    {"format":"notary-registry-claim/v1","index":411,"origin":"registry.example/ip","record":{...},"t":HEX}

`entry` is an open entry of the register, `record` with `t` what a sealed one holds. The verification, of which this
module does the first two steps and the rest of the bag the others:

1. The file is as above; `entry` or `record` is an open entry (`entry.py`).
2. The entry's bytes are the RFC 8785 form of `entry`; or of the sealed entry whose commitment is H(05 ‖ t ‖ the
   RFC 8785 form of `record`). Its leaf is H(00 ‖ those bytes).
3. registry/entry.tlog-proof proves that leaf at `index` in a checkpoint of `origin`.
4. The checkpoint is signed by the key that the reader trusts for `origin`, and cosigned by his witnesses.
5. The checkpoint's `.ots` leads to a block.

Nothing in the claim says whom to trust: that is in the reader's registries.toml.
"""

from dataclasses import dataclass

from notary import limits
from notary.core.digest import SALT_BYTES
from notary.core.strict_json import Json, canonical, hex_field, quoted, read_object
from notary.errors import FormatError
from notary.registry.core.entry import Open, Opening, Sealed, members_of, open_entry, write_entry
from notary.registry.core.links import Link, check_origin
from notary.registry.core.log import leaf_hash
from notary.registry.core.terms import Event

CLAIM_FORMAT = "notary-registry-claim/v1"
CLAIM_FILE = "registry/claim.json"
"""The file of a bag that makes it a claim."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One entry of the register of `origin`, at `index` from 0. `t`, 16 bytes, only where the entry is sealed."""

    origin: str
    index: int
    record: Open
    t: bytes | None = None

    @property
    def is_sealed(self) -> bool:
        return self.t is not None

    @property
    def entry_bytes(self) -> bytes:
        """The bytes of the register's entry (step 2)."""
        if self.t is None:
            return write_entry(self.record)
        return write_entry(Sealed(Opening(self.t, self.record).commitment))

    @property
    def link(self) -> Link:
        """The link to the entry, with its leaf hash."""
        return Link(self.origin, self.index, leaf_hash(self.entry_bytes))


def write_claim(claim: Claim) -> bytes:
    """The bytes of claim.json, in RFC 8785 form with a newline. Raises FormatError for what no reader would take."""
    members: Json = {"format": CLAIM_FORMAT, "origin": claim.origin, "index": claim.index}
    if claim.t is None:
        members["entry"] = members_of(claim.record)
    else:
        members |= {"record": members_of(claim.record), "t": claim.t.hex()}
    data = canonical(members) + b"\n"
    if read_claim(data) != claim:
        raise FormatError("a claim is not read as it is written")
    return data


def read_claim(data: bytes, what: str = "claim.json") -> Claim:
    """Step 1. Raises FormatError, which says `what`."""
    members = read_object(data, what, limits.REGISTRY_CLAIM_BYTES)
    if members.get("format") != CLAIM_FORMAT:
        raise FormatError(f"{what}: its format is {quoted(members.get('format'))}, not {CLAIM_FORMAT}")
    key = "entry" if "entry" in members else "record"
    keys = {"format", "origin", "index", key} | (set() if key == "entry" else {"t"})
    if set(members) != keys:
        raise FormatError(f"{what} has other keys than format, origin, index, and entry, or record and t")
    origin, index, record = check_origin(members["origin"], f"{what}: origin"), members["index"], members[key]
    if type(index) is not int or index < 0:
        raise FormatError(f"{what}: index is not a number from 0")
    if not isinstance(record, dict):
        raise FormatError(f"{what}: {key} is not an object")
    t = None if key == "entry" else hex_field(members, "t", SALT_BYTES, what)
    entry = open_entry(record, f"{what}: {key}")
    if t is not None and entry.event is Event.PUBLISHED:
        raise FormatError(f"{what}: what was sealed is no published entry")
    return Claim(origin, index, entry, t)
