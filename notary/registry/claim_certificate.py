"""What a claim's certificate says, as plain data: what the claim bears out, what its issuer found, what is declared.

The same data is typeset and attached to the PDF, so that whoever has the claim can make it again and compare. Whose key
it is that signs the register, no claim says: it is the issuer's word, by a registries.toml of their own. That this key
signed, and which witnesses cosigned, is the claim's.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from notary.certificate import (
    CLAIM_FORMAT,
    CONFIRMED,
    Found,
    Issue,
    attestations_member,
    day_text,
    number_of,
    stamp_text,
)
from notary.certificate_possible import is_promised, refuse_earlier
from notary.core.header import network_named
from notary.core.ots import Kind, Proof
from notary.core.verdict import Outcome
from notary.errors import EvidenceError
from notary.registry.claim_report import NOT_SHOWN, STATED
from notary.registry.core.checkpoint import Checkpoint, read_checkpoint
from notary.registry.core.claim import Claim
from notary.registry.core.cosignature import Quorum
from notary.registry.core.entry import members_of
from notary.registry.core.note import Note, VerifierKey, signers
from notary.registry.core.terms import Event
from notary.registry.core.trusted import Asserter
from notary.registry.reporting_claims import application_text, asserted_text, entry_json
from notary.reporting import plural


class Missing(StrEnum):
    """Why a claim was not verified."""

    KEY = "key"
    WITNESSES = "witnesses"
    DOUBT = "doubt"
    PROMISED = "promised"
    BLOCK = "block"


_MISSING = {
    Missing.KEY: "No key that the issuer of this certificate trusts for that register signed its checkpoint.",
    Missing.WITNESSES: "Fewer witnesses cosigned its checkpoint than the issuer of this certificate asks for.",
    Missing.DOUBT: "The register's key signed its checkpoint, but the register did not show the issuer of this"
    " certificate that it continues what they had seen of it.",
    Missing.PROMISED: "No block attests the register's checkpoint yet. Calendars have promised to have it written into"
    " a chain, which takes some hours.",
    Missing.BLOCK: "A proof leads from the register's checkpoint to a block, which was not confirmed.",
}


@dataclass(frozen=True, slots=True)
class ClaimStatement:
    """What a claim states of itself: the entry, the proof of it, and the checkpoint as it was anchored.

    `notes` are that checkpoint's, as anchored and as the entry's proof has it: the same text, perhaps with other
    cosignatures. `sha256` is of the anchored file. `network` is None where the claim has no headers. `package` is the
    name in the bag of what was filed, if that is there.
    """

    claim: Claim
    notes: tuple[Note, ...]
    sha256: bytes
    proof: Proof
    network: str | None
    package: str | None

    @property
    def checkpoint(self) -> Checkpoint:
        return read_checkpoint(self.notes[0].text)


@dataclass(frozen=True, slots=True)
class Signer:
    """The key that signed the checkpoint, and on whose word: `listed_in` is the issuer's own list, which has it for
    this register. Or it has the key `successor_of`, from which this one took over in that register, or the key
    `predecessor_of`, to which it handed over. `asserted_by` is whose word the register's entries are to the issuer; so
    many of `witnesses` are asked for as `quorum` says."""

    key: VerifierKey
    listed_in: str
    asserted_by: Asserter
    successor_of: VerifierKey | None = None
    predecessor_of: VerifierKey | None = None
    witnesses: tuple[VerifierKey, ...] = ()
    quorum: int = 0

    def cosigners(self, notes: tuple[Note, ...]) -> list[VerifierKey]:
        """Which of the witnesses cosigned; the register's own keys are nobody's witness.

        Raises EvidenceError where `key` did not sign, or a signature is wrong; InputError for impossible witnesses.
        """
        if not any(signers(note, (self.key,)) for note in notes):
            raise EvidenceError(f"the key {self.key} did not sign the claim's checkpoint")
        own = {one.public_key for one in (self.key, self.successor_of, self.predecessor_of) if one}
        asked = Quorum(0, tuple(one for one in self.witnesses if one.public_key not in own))
        seen = {one.witness for note in notes for one in asked.cosigned(note)}
        return [one for one in self.witnesses if one in seen]


@dataclass(frozen=True, slots=True)
class ClaimFound:
    """What an issuer found about a claim by means of their own. `missing` says why it was not verified, if it was not;
    `signer` is None where no key that they trust signed."""

    block: Found
    network: str
    missing: tuple[Missing, ...]
    signer: Signer | None

    @property
    def outcome(self) -> Outcome:
        return self.block.outcome


def claim_certificate(stated: ClaimStatement, found: ClaimFound, issue: Issue) -> dict[str, Any]:
    """The certificate's data. Raises EvidenceError or InputError where `found` cannot have been found of that claim."""
    claim, checkpoint, signer = stated.claim, stated.checkpoint, found.signer
    network = network_named(stated.network or found.network)
    cosigned = signer.cosigners(stated.notes) if signer else []
    _refuse_contradictions(stated.proof, found, len(cosigned))
    if found.block.block_time is not None:
        refuse_earlier(issue, found.block.block_time)
    return {
        "format": CLAIM_FORMAT,
        "number": number_of(claim.link.leaf),
        "issued_at": issue.at,
        "software": issue.software,
        "matter": issue.matter,
        "party": None if issue.party is None else asdict(issue.party),
        "outcome": found.outcome.value,
        "missing": list(found.missing),
        "network": network.name,
        "test_network": network.is_test,
        "stamp": stamp_text(network.is_test, found.outcome),
        "statement": _sentence(claim, found, network.name if network.is_test else None),
        "grounds": list(_grounds(stated, found, len(cosigned), "" if network.is_test else "Bitcoin ")),
        "entry": entry_json(claim),
        "stated": _stated(claim),
        "package": stated.package,
        "checkpoint": {"size": checkpoint.size, "root": checkpoint.root.hex(), "sha256": stated.sha256.hex()},
        "signed": signer
        and {
            "key": str(signer.key),
            "successor_of": signer.successor_of and str(signer.successor_of),
            "predecessor_of": signer.predecessor_of and str(signer.predecessor_of),
            "listed_in": signer.listed_in,
            "asserted_by": signer.asserted_by,
        },
        "witnesses": signer
        and {
            "listed": list(map(str, signer.witnesses)),
            "cosigned": list(map(str, cosigned)),
            "quorum": signer.quorum,
        },
        "calendars": list(dict.fromkeys(one.uri for one in stated.proof.of_kind(Kind.PENDING))),
        "attestations": attestations_member(
            stated.proof.of_kind(Kind.BITCOIN), found.block, network.is_test, network.name
        ),
        "claim": issue.bundle and asdict(issue.bundle),
        "how_to_check": _how_to_check(stated, found, issue),
        "not_proven": list(NOT_SHOWN),
    }


def _refuse_contradictions(proof: Proof, found: ClaimFound, cosigned: int) -> None:
    """Only a head in doubt, and a block that was not confirmed, are the issuer's word."""
    signer, missing, promised = found.signer, found.missing, is_promised(proof)
    if missing != tuple(one for one in Missing if one in missing):
        raise EvidenceError("what is missing is said twice, or in another order")
    lacks = Missing.KEY if signer is None else Missing.WITNESSES if cosigned < signer.quorum else None
    if set(missing) & {Missing.KEY, Missing.WITNESSES} != {lacks} - {None}:
        raise EvidenceError("what is said to be missing is not what key and witnesses come to")
    if (Missing.PROMISED in missing) != promised or (promised and Missing.BLOCK in missing):
        raise EvidenceError("what is said to be missing is not what the proof leads to")
    outcome = Outcome.UNCONFIRMED if missing else Outcome.VERIFIED
    if missing == (Missing.PROMISED,):
        outcome = Outcome.PENDING
    if found.outcome is not outcome or (outcome is Outcome.VERIFIED) != (found.block.height is not None):
        raise EvidenceError(f"the outcome cannot be {found.outcome}")


def _stated(claim: Claim) -> list[list[str]]:
    """The record for people: what each member is called, and its value."""
    members = members_of(claim.record)
    references = members.get("references", {})
    return [
        *([name, str(members[key])] for key, name in STATED.items() if key in members),
        *([f"Reference ({kind})", text] for kind, text in references.items()),
    ]


def _sentence(claim: Claim, found: ClaimFound, test_network: str | None) -> str:
    record = claim.record
    about = application_text(record).removesuffix(f"{record.filing_date},") + day_text(str(record.filing_date))
    what = about if record.event is Event.FILED else f"`{record.event}` of {day_text(str(record.happened))}, of {about}"
    register = f"the register of {claim.origin}"
    if found.outcome is not Outcome.VERIFIED or found.block.existed_by is None:
        return f"{what[:1].upper()}{what[1:]}: that the keeper of {register} asserted it is not shown."
    said = f"The keeper of {register} asserted, no later than {day_text(found.block.existed_by)} (UTC): {what}."
    if test_network is None:
        return said
    return f"Nothing is proven: the network {test_network} is for tests. On Bitcoin this would say: {said}"


def _grounds(stated: ClaimStatement, found: ClaimFound, cosigned: int, chain: str) -> Iterator[str]:
    """How the sentence is to be understood, and what it rests on."""
    signer, claim = found.signer, stated.claim
    yield from (_MISSING[one] for one in found.missing)
    if signer:
        whose = asserted_text(signer.asserted_by, claim.record.office)
        given = "It is" if found.outcome is Outcome.VERIFIED else "The claim gives it as"
        yield (
            f"{given} {whose}. That is on the word of the issuer of this certificate, by a list of their own,"
            f" \u201c{signer.listed_in}\u201d: nothing in a claim says whose key it is."
        )
    if signer and signer.witnesses:
        listed = plural(len(signer.witnesses), "witness", "witnesses")
        yield (
            f"Of the register's {listed} on that list {cosigned} cosigned its checkpoint, and {signer.quorum} are asked"
            " for."
        )
    if found.outcome is Outcome.VERIFIED and found.block.height is not None:
        where = f"in {chain}block {found.block.height:,}"
        yield (
            f"The entry is in the register's checkpoint of {stated.checkpoint.size:,} entries, and a number computed"
            f" from that checkpoint stands {where}. {CONFIRMED[found.block.trust]}"
        )
    if stated.package is not None and claim.record.digest is None:
        yield "The package in the claim is not compared, or shown to be the one as filed: the entry has no digest."
    if claim.is_sealed:
        yield "The entry is sealed: the register shows a commitment only, and the claim opens it for whoever has it."


def _how_to_check(stated: ClaimStatement, found: ClaimFound, issue: Issue) -> dict[str, Any]:
    network, is_attached = network_named(stated.network or found.network), bool(issue.bundle and issue.bundle.attached)
    steps: list[tuple[str, str | None]] = []
    if is_attached:
        steps.append(("Take the claim out of this PDF; many readers show attachments.", "pdfdetach -saveall FILE.pdf"))
    more = "VERIFY.txt there leads from the entry to the checkpoint, and says how to check the signatures"
    follow = "Have the OpenTimestamps client follow the proof of the checkpoint."
    steps += [
        (f"Unpack the claim, and check its files; {more}.", "sha256sum -c tagmanifest-sha256.txt"),
        (follow, "ots verify -f registry/checkpoint registry/checkpoint.ots"),
    ]
    if stated.claim.record.digest is not None:
        package = "Compare the digest of the package as filed with the one that is printed here."
        steps.append((package, "sha256sum FILE"))
    if found.block.block_hash is not None and not network.is_test:
        block = f"Look up block {found.block.height:,} on any two public block explorers"
        steps.append((f"{block}: its hash and Merkle root have to be those that are printed here.", None))
    target = "FILE.pdf" if is_attached else "CLAIM.zip"
    check = f"notary registry check {target} --registries registries.toml"
    with_it = check + (f" --network {network.name}" if network.is_test else "")
    return {"with": [with_it], "without": [{"what": what, "command": command} for what, command in steps]}
