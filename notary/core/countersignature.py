"""A countersignature's statement: which head a witness signs for, and as what. Its file is stamped with a signature.

`{"format": "notary-countersignature/v1", "head": HEX, "meaning": TEXT}`: the only item of the witness's own batch.
"""

import json
from dataclasses import dataclass

from notary import limits
from notary.core.digest import DIGEST_BYTES
from notary.core.strict_json import hex_field, quoted, read_object
from notary.core.verdict import Verdict
from notary.errors import FormatError

FORMAT = "notary-countersignature/v1"
SUFFIX = ".countersignature.json"


@dataclass(frozen=True, slots=True)
class Countersignature:
    """The head of the batch that was countersigned, and what the witness means by it: declared, as a notebook's is."""

    head: bytes
    meaning: str


@dataclass(frozen=True, slots=True)
class Countersigned:
    """What a witness's bundle gives, and what it states. `fault` says why it does not count for the bundle at hand."""

    verdict: Verdict
    stated: Countersignature | None
    fault: str | None


def write_countersignature(stated: Countersignature) -> bytes:
    members = {"format": FORMAT, "head": stated.head.hex(), "meaning": stated.meaning}
    return json.dumps(members, indent=2, ensure_ascii=False).encode() + b"\n"


def read_countersignature(data: bytes) -> Countersignature:
    """Raises FormatError for what is no such statement."""
    what = "the countersignature"
    members = read_object(data, what, limits.COUNTERSIGNATURE_BYTES)
    if members.get("format") != FORMAT:
        raise FormatError(f"{what} is of the format {quoted(members.get('format'))}; this release reads {FORMAT!r}")
    if members.keys() != {"format", "head", "meaning"}:
        raise FormatError(f"{what} has not exactly format, head and meaning")
    meaning = members["meaning"]
    if not (isinstance(meaning, str) and len(meaning) <= limits.DECLARED_TEXT):
        raise FormatError(f"{what}: meaning is not a short text")
    return Countersignature(hex_field(members, "head", DIGEST_BYTES, what), meaning)
