"""Claims: one entry of a registry, with all that proves it stood there, in a bag for whoever has to believe it.

The same claim twice has the same bytes: nothing in it comes from the clock, and nothing is compressed.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from notary.core.evidence import BundleNames
from notary.edges.archive import refuse_other_file
from notary.edges.bag_writer import BagWriter
from notary.edges.files import hash_with, pieces_of, written_whole
from notary.edges.ledger import Ledger
from notary.errors import EvidenceError, FormatError, InputError, NotReadyError
from notary.keeping import headers_index
from notary.registry.anchoring import attestations_of, proof_of, runs_for
from notary.registry.claim_instructions import claim_instructions
from notary.registry.core.claim import Claim, write_claim
from notary.registry.core.log import TiledTree, verify_inclusion
from notary.registry.core.tlog_proof import TlogProof, write_tlog_proof
from notary.registry.edges.register import AnchorStatus, Register, Signed
from notary.registry.keeping import Registry

_SHOWN = "`notary registry search` shows an application's entries, to whoever follows the registry"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A written claim: where, its SHA-256, what it says, and the anchored checkpoint that it rests on."""

    path: Path
    sha256: bytes
    claim: Claim
    signed: Signed


def write_claim_bag(
    registry: Registry,
    ledger: Ledger,
    number: str,
    office: str | None,
    target: Path,
    data: Path | None,
    entry: int | None = None,
) -> Claimed:
    """Writes a claim for an entry of the application that an office calls `number`; with the package `data`.

    That is the first, or the one at the index `entry`.

    Raises InputError where there is no such application or several, where that entry is of another, where `target` is
    another file; NotReadyError where the entry is not in an anchored checkpoint yet; EvidenceError where `data` is not
    the package of the entry, or the published tiles are not those that were signed.
    """
    register = registry.register
    claim = _claim(register, _found(register, number, office, entry))
    if data is not None and not data.is_file():
        raise InputError(f"{data}: there is no such file")
    if data is not None and claim.record.digest is None:
        raise InputError("the entry has no digest, so no package can belong to it", "leave out --data")
    signed = _checkpoint_for(register, claim.index)
    proof = _inclusion(registry, claim, signed)
    refuse_other_file(target)
    network, link = register.network or "", claim.link
    runs = runs_for(ledger, network, [signed])
    with written_whole(target) as stream, BagWriter(stream, f"notary-claim-{link.leaf.hex()[:12]}") as bag:
        package = None if data is None else _add_package(bag, data, claim.record.digest)
        bag.add("registry/claim.json", [write_claim(claim)])
        bag.add("registry/entry.tlog-proof", [write_tlog_proof(proof)])
        bag.add("registry/checkpoint", [signed.anchored])
        bag.add("registry/checkpoint.ots", [proof_of(signed)])
        bag.add("registry/headers.bin", [header.raw for run in runs for header in run.headers])
        bag.add("registry/headers.json", [headers_index(network, runs)])
        attestations = attestations_of(signed)
        bag.add("VERIFY.txt", [claim_instructions(claim, signed.checkpoint, attestations, runs, network, package)])
        bag.finish({"External-Identifier": str(link)})
    return Claimed(target, hash_with(target, "sha256"), claim, signed)


def _found(register: Register, number: str, office: str | None, entry: int | None) -> int:
    """The index of the entry that is meant."""
    found = register.objects(number, office)
    if not found:
        whose = f" of the office {office}" if office else ""
        raise InputError(
            f"the registry has no application {number!r}{whose}", "a number is written as the office has it"
        )
    if entry is not None:
        _check_entry(register, number, [one.first for one in found], entry)
        return entry
    if len(found) > 1:
        offices = sorted({one.record.office for one in found})
        hint = f"--office says which: {', '.join(offices)}" if len(offices) == len(found) else "--entry says which"
        raise InputError(f"{len(found)} applications are called {number!r}", hint)
    return found[0].first


def _check_entry(register: Register, number: str, objects: list[int], entry: int) -> None:
    if entry >= register.size:
        raise InputError(f"the registry has {register.size:,} entries; there is no entry {entry}", _SHOWN)
    first = register.object_of(entry)
    if first is None:
        raise InputError(f"entry {entry} is about no application", _SHOWN)
    if first not in objects:
        about = register.object_at(first).record
        raise InputError(f"entry {entry} is about {about.office} {about.number}, not about {number}", _SHOWN)


def _claim(register: Register, index: int) -> Claim:
    opening, record = register.opening(index), register.record_at(index)
    if opening is not None:
        return Claim(register.origin, index, opening.record, opening.t)
    if record is None:
        raise ValueError("an entry of an application is open or sealed")
    return Claim(register.origin, index, record)


def _checkpoint_for(register: Register, index: int) -> Signed:
    """The anchored checkpoint that a claim of this entry rests on.

    The earliest gives the earliest date. One that a block attests comes before one that waits for it, and one that
    witnesses cosigned before one that none did. Raises NotReadyError where there is none.
    """
    covering = register.covering(index)
    if not covering:
        raise NotReadyError(f"entry {index} is not published yet", "notary registry publish DIR")
    anchored = [one for one in covering if one.timestamp is not None]
    if not anchored:
        raise NotReadyError(
            f"no calendar has a checkpoint with entry {index} yet, so there is no proof of a date",
            "notary registry publish DIR",
        )
    return min(anchored, key=lambda one: (one.status is not AnchorStatus.ATTESTED, not _is_cosigned(one), one.size))


def _is_cosigned(signed: Signed) -> bool:
    return len(signed.note.signatures) > 1


def _inclusion(registry: Registry, claim: Claim, signed: Signed) -> TlogProof:
    published, checkpoint = registry.register.last_signed().size, signed.checkpoint
    tree = TiledTree(checkpoint.size, registry.log.tile, published)
    try:
        hashes = tree.inclusion_proof(claim.index)
        verify_inclusion(claim.link.leaf, claim.index, checkpoint.size, hashes, checkpoint.root)
    except (FormatError, EvidenceError, InputError) as error:
        raise EvidenceError(
            f"the published tiles are not those that were signed: {error.message}",
            "`notary registry publish DIR --anew` writes them anew",
        ) from None
    return TlogProof(claim.index, hashes, signed.note)


def _add_package(bag: BagWriter, source: Path, digest: bytes | None) -> str:
    """Copies the package as filed; its name in the bag."""
    name = f"data/{BundleNames().claim(0, os.fsencode(source.name))}"
    found = bag.add(name, pieces_of(source, lambda count: None), source.stat().st_size)
    if found != digest:
        raise EvidenceError(
            f"{source}: not the package as filed: its SHA-256 is {found.hex()}",
            f"the entry says {digest.hex() if digest else 'none'}",
        )
    return name
