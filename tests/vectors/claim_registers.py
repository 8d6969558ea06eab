"""Who keeps the registers of the vectors, whom the reader trusts, what stands in the registers, and a claim's files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.vectors.claim_parts import (
    COSIGNATURES,
    Anchor,
    Files,
    Json,
    Key,
    canonical,
    commitment,
    headers_json,
    leaf_of,
    of_label,
    path_of,
    sha256,
    tlog_proof,
)

# -- who there is ---------------------------------------------------------------------------------------------------

OFFICE = Key("registry.example/ip")
FIRM = Key("firm.example/filings")
STRANGER = Key("stranger.example/ip")
IMPOSTOR = Key(OFFICE.name, label="an impostor")
WITNESSES = tuple(Key(f"witness.example/w{number}", COSIGNATURES) for number in (1, 2, 3))
W1, W2, W3 = WITNESSES
UNKNOWN = Key("witness.example/w4", COSIGNATURES)

REGISTRIES = f"""\
# The reader's trust: an office's register with three witnesses, two of which have to have cosigned; and a firm's, whose
# key may speak for no office.

[[registry]]
origin = "{OFFICE.name}"
url = "https://{OFFICE.name}"
vkey = "{OFFICE.vkey}"
offices = ["DE"]
witnesses = [
  "{W1.vkey}",
  "{W2.vkey}",
  "{W3.vkey}",
]
quorum = 2

[[registry]]
origin = "{FIRM.name}"
url = "https://{FIRM.name}"
vkey = "{FIRM.vkey}"
offices = []
"""

# -- what is in the registers ---------------------------------------------------------------------------------------

PACKAGE = b"The application as it was filed, all of its files in one.\n"
ANOTHER = b"The application as it was amended later.\n"
T = of_label("a salt")[:16]


def filed(number: str, filing_date: str = "2026-03-12", right: str = "patent", **more: Any) -> Json:
    about = {"format": "notary-registry/v1", "event": "filed", "office": "DE", "digest": sha256(PACKAGE).hex()}
    return about | {"number": number, "right": right, "filing_date": filing_date} | more


def without(record: Json, *keys: str) -> Json:
    return {key: value for key, value in record.items() if key not in keys}


PATENT = filed("10 2026 000412.5")
SECRET = filed("10 2026 000413.3")
DESIGN = filed("40 2026 100001.7", "2026-01-11", "design")
TRADEMARK = filed("30 2025 200002.9", "2025-08-31", "trademark")
OTHER = filed("SPC 2026/01", right="other")
FRENCH = filed("FR2600412", office="FR")
LATER = {"object": leaf_of(canonical(PATENT)).hex(), "previous": leaf_of(canonical(PATENT)).hex()}
GRANTED = without(filed(PATENT["number"]), "digest") | LATER | {"event": "granted", "date": "2026-04-01"}
OPENED = filed("10 2026 000414.1")
SEALED = leaf_of(commitment(T, OPENED)).hex()
OPENING = OPENED | {"event": "published", "date": "2026-04-02", "object": SEALED, "previous": SEALED}
OPENING |= {"t": T.hex(), "record": OPENED}
MODEL = filed("Gm 2024/0071-\u00c4", "2024-02-29", "utility-model")
REFERENCES = {"das": "DE 10 2026 000420.6", "pct": "PCT/EP2026/050123", "url": "https://example.org/10?a=b#c"}
LAST = filed("10 2026 000420.6", references=REFERENCES, st13="DE102026000000420")

RECORDS = {4: PATENT, 6: DESIGN, 7: TRADEMARK, 8: OTHER, 9: FRENCH, 10: GRANTED, 12: OPENING, 13: MODEL, 20: LAST}
SALTED = {5: SECRET, 11: OPENED}
SIZE = 21


def register() -> list[bytes]:
    open_ones = {index: canonical(record) for index, record in RECORDS.items()}
    sealed_ones = {index: commitment(T, record) for index, record in SALTED.items()}
    others = {index: canonical(filed(f"10 2026 {index:06}.0")) for index in range(SIZE)}
    return [(others | open_ones | sealed_ones)[index] for index in range(SIZE)]


# -- claims ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Log:
    """A register's entries, the two notes over its checkpoint, and the anchor of the first of them."""

    entries: Sequence[bytes]
    anchored: bytes
    proven: bytes
    anchor: Anchor

    def hashes(self, index: int) -> list[bytes]:
        return path_of(index, [leaf_of(entry) for entry in self.entries])

    def files(self, claim: Json, **changes: bytes | None) -> Files:
        """A claim's files; a change is of the file of that name, with `_` for `.` and `-`, and None takes it out."""
        made: dict[str, bytes | None] = {
            "claim_json": canonical(claim) + b"\n",
            "entry_tlog_proof": tlog_proof(claim["index"], self.hashes(claim["index"]), self.proven),
            "checkpoint": self.anchored,
            "checkpoint_ots": self.anchor.ots,
            "headers_bin": self.anchor.headers or None,
            "headers_json": headers_json(self.anchor.height, self.anchor.headers) if self.anchor.headers else None,
        }
        assert changes.keys() <= made.keys()
        names = {"claim_json": "claim.json", "entry_tlog_proof": "entry.tlog-proof", "checkpoint": "checkpoint"}
        names |= {key: key.replace("_", ".") for key in made if key not in names}
        return {f"registry/{names[key]}": data for key, data in (made | changes).items() if data is not None}


def claim_of(index: int, origin: str = OFFICE.name) -> Json:
    what = {"record": SALTED[index], "t": T.hex()} if index in SALTED else {"entry": RECORDS[index]}
    return {"format": "notary-registry-claim/v1", "origin": origin, "index": index} | what


def leaf_claimed(claim: Json) -> str:
    """The leaf hash of what a claim says, whether or not it is in the register."""
    entry = canonical(claim["entry"]) if "entry" in claim else commitment(bytes.fromhex(claim["t"]), claim["record"])
    return leaf_of(entry).hex()
