"""Lines of batches by real keys, for tests: manifests that name each other's heads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from notary.core.line import LineEntry, write_entry
from notary.core.manifest import Manifest, StatedSigner, write_manifest
from notary.core.signature import Signer, sign
from notary.edges.keys import new_key, read_key


def signer_at(path: Path) -> Signer:
    """A new Ed25519 key, without a passphrase."""
    new_key(path, None, "")
    return read_key(path, lambda: b"")


def stated(signer: Signer | None) -> StatedSigner | None:
    return StatedSigner(signer.public.line, signer.public.did) if signer else None


@dataclass(frozen=True)
class Batches:
    """Entries from the oldest on."""

    entries: tuple[LineEntry, ...]

    @property
    def newest(self) -> Manifest:
        return self.entries[-1].manifest

    @property
    def lines(self) -> list[bytes]:
        """As line.jsonl of the newest one has them: those before it, newest first, without their line feeds."""
        return [write_entry(entry)[:-1] for entry in reversed(self.entries[:-1])]


def manifest_of(number: int, signer: Signer | None, previous: bytes | None, network: str = "bitcoin") -> Manifest:
    root = sha256(b"root %d" % number).digest()
    at = f"2026-01-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z"
    return Manifest(root, number + 1, network, at, "a test", None, previous, None, stated(signer))


def entry_of(manifest: Manifest, signer: Signer | None) -> LineEntry:
    data = write_manifest(manifest)
    return LineEntry(data, sign(signer, data) if signer else None)


def line_of(count: int, signer: Signer | None, network: str = "bitcoin") -> Batches:
    """So many batches, each of which names the one before it."""
    entries: list[LineEntry] = []
    for number in range(count):
        previous = entries[-1].head if entries else None
        entries.append(entry_of(manifest_of(number, signer, previous, network), signer))
    return Batches(tuple(entries))


def with_entry(batches: Batches, number: int, entry: LineEntry) -> Batches:
    """With another batch in the place of one."""
    entries: Sequence[LineEntry] = batches.entries
    return replace(batches, entries=(*entries[:number], entry, *entries[number + 1 :]))
