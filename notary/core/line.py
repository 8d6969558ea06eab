"""The line of batches: each manifest names the head of the batch before it, so an anchored batch anchors all before it.

A line belongs to one signer, or to nobody, on one network. It answers the charge that somebody stamped many variants
and shows the lucky one. `notary/line.jsonl` of a bundle has the batches before the bundle's own, newest first: one JSON
object a line, `{"manifest": TEXT, "signature": TEXT}`, both byte for byte, `signature` only if there is one.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from notary import limits
from notary.core.digest import head_hash, statement_hash
from notary.core.manifest import Manifest, read_manifest
from notary.core.signature import read_signature, verify_signature
from notary.core.strict_json import read_object
from notary.errors import EvidenceError, FormatError, NotaryError


@dataclass(frozen=True, slots=True)
class LineEntry:
    """One batch of a line, by what its head commits to beside the tree."""

    manifest_bytes: bytes
    signature: bytes | None

    @property
    def manifest(self) -> Manifest:
        """Raises FormatError where it is none."""
        return read_manifest(self.manifest_bytes)

    @property
    def head(self) -> bytes:
        """Raises FormatError where the manifest is none."""
        stated = self.manifest
        return head_hash(stated.root, stated.size, statement_hash(self.manifest_bytes, self.signature or b""))


@dataclass(frozen=True, slots=True)
class Line:
    """A line that holds: how many batches it goes back, when the oldest was declared, and the head that this one names
    before it, of which nothing is here."""

    count: int
    since: str | None
    missing: bytes | None


def write_entry(entry: LineEntry) -> bytes:
    members = {"manifest": entry.manifest_bytes.decode()}
    if entry.signature is not None:
        members["signature"] = entry.signature.decode()
    return json.dumps(members, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def read_entry(line: bytes, number: int) -> LineEntry:
    """Raises FormatError for a line that is not as `write_entry` makes them."""
    what = f"line {number} of notary/line.jsonl"
    members = read_object(line, what, limits.LINE_ENTRY_BYTES)
    if not {"manifest"} <= members.keys() <= {"manifest", "signature"}:
        raise FormatError(f"{what} has not exactly manifest and, if there is one, signature")
    if not all(isinstance(value, str) for value in members.values()):
        raise FormatError(f"{what}: a value is not a text")
    signature = members.get("signature")
    return LineEntry(members["manifest"].encode(), None if signature is None else signature.encode())


def check_entry(entry: LineEntry, expected: bytes, network: str, signer: str | None) -> Manifest:
    """The entry's manifest, if it is the batch with the head `expected`, of that network and signer, and so signed.

    Raises EvidenceError or FormatError.
    """
    manifest = entry.manifest
    name = expected.hex()[:12]
    if entry.head != expected:
        raise EvidenceError(f"the batch {name} is named there, and another stands in its place")
    if manifest.network != network:
        raise EvidenceError(f"the batch {name} is of the network {manifest.network}, not {network}")
    if (manifest.signer.key if manifest.signer else None) != signer:
        raise EvidenceError(f"the batch {name} names another signer")
    if manifest.signer and entry.signature is None:
        raise EvidenceError(f"the batch {name} names a signer and is not signed")
    if entry.signature is not None:
        try:
            signature = read_signature(entry.signature)
            verify_signature(signature, entry.manifest_bytes)
        except NotaryError as error:
            raise EvidenceError(f"the signature of batch {name}: {error.message}") from None
        stated = manifest.signer
        if stated and (stated.key, stated.did) != (signature.key.line, signature.key.did):
            raise EvidenceError(f"the batch {name} is signed with another key than it names")
    return manifest


def follow(manifest: Manifest, lines: Iterable[bytes]) -> Line:
    """The line that leads back from `manifest`, in bounded memory.

    Raises EvidenceError where an entry is not the batch that the one after it names, FormatError where it is none.
    """
    signer = manifest.signer.key if manifest.signer else None
    expected, since, count = manifest.previous, None, 0
    for count, line in enumerate(_some(lines), start=1):
        if expected is None:
            raise EvidenceError(f"there are more than {count - 1:,} batches, and the oldest names none before it")
        before = check_entry(read_entry(line, count), expected, manifest.network, signer)
        expected, since = before.previous, before.declared_at
    return Line(count, since, expected)


def _some(lines: Iterable[bytes]) -> Iterator[bytes]:
    for number, line in enumerate(lines, start=1):
        if number > limits.LINE_ENTRIES:
            raise FormatError(f"notary/line.jsonl has over {limits.LINE_ENTRIES:,} lines")
        yield line
