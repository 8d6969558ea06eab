"""What a verifier gathers, for `verdict.judge` to judge: facts about a target, and what the verifier demands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from notary.core.chain import Checkpoints
from notary.core.header import CONFIRMATIONS, Header, Network, Trust
from notary.core.manifest import Manifest
from notary.core.ots import Proof

if TYPE_CHECKING:
    from notary.core.line import Line
    from notary.core.signers import AllowedSigner


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it should be, by its name."""

    name: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.name}: {self.found}"


@dataclass(frozen=True, slots=True)
class Faults:
    """The first faults of a kind by name, and how many there are in all."""

    listed: tuple[Fault, ...] = ()
    count: int = 0

    def describe(self) -> str:
        more = self.count - len(self.listed)
        return "; ".join(map(str, self.listed)) + (f"; and {more:,} more" if more else "")


@dataclass(frozen=True, slots=True)
class Files:
    """How files at hand compare with disclosed digests."""

    disclosed: int
    of: int
    named: int = 0
    matched: int = 0
    extra: int = 0
    faults: Faults = Faults()


class Match(StrEnum):
    """Whether an item's bytes are at hand."""

    MATCHES = "matches"
    DIFFERS = "differs"
    NOT_AT_HAND = "not at hand"


@dataclass(frozen=True, slots=True)
class SeenItem:
    """An item that was shown: `name` is its recorded path, or None where that is withheld."""

    index: int
    name: str | None
    digest: bytes
    match: Match


@dataclass(frozen=True, slots=True)
class Sighting:
    """The header at a height, and those after it, as one source gave them: one at least.

    `vouched` is the trust that the source itself stands for, once the block is deep enough; NONE for mere bytes.
    `confirmations` is the source's own count; None where it has no view of the chain.
    """

    height: int
    headers: tuple[Header, ...]
    source: str
    vouched: Trust = Trust.NONE
    confirmations: int | None = None

    @property
    def header(self) -> Header:
        return self.headers[0]


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """What a bundle holds and gives when recomputed. A `..._fault` says why a thing could not be had."""

    container_fault: str | None = None
    entries: int = 0
    bag: Faults = Faults()
    manifest: Manifest | None = None
    manifest_fault: str | None = None
    records: Faults = Faults()
    root: bytes | None = None
    tree_fault: str | None = None
    manifest_bytes: bytes = b""
    signature: bytes | None = None
    token: bytes | None = None
    head: bytes | None = None
    headers_fault: str | None = None
    line: Line | None = None
    line_fault: str | None = None


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """How a certificate compares with the bundle that it carries.

    `fault` says why its data could not be read, `differs` what they say otherwise than the bundle; `existed_by`,
    `block_hash`, `height`, `merkle_root` and `block_time` are theirs, hashes as people write them, `named_block_time`
    that of the block which the manifest names; `network` is theirs where the bundle has none to compare it with;
    `wording_of` names another release, whose sentences were not compared.
    `pages` says how its pages differ from the data, `uncompared` why that is not known.
    """

    fault: str | None = None
    differs: str | None = None
    existed_by: date | None = None
    block_hash: str | None = None
    height: int | None = None
    merkle_root: str | None = None
    block_time: str | None = None
    named_block_time: str | None = None
    network: str | None = None
    wording_of: str | None = None
    pages: str | None = None
    uncompared: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was gathered about one target. `bundle` is None for a plain proof, `subject` what it is about; `items`
    are the first that it shows."""

    target: str
    subject: str
    files: Files
    bundle: BundleFacts | None
    proof: Proof | None
    proof_fault: str | None
    sightings: tuple[Sighting, ...] = ()
    unreachable: tuple[str, ...] = ()
    items: tuple[SeenItem, ...] = ()
    certificate: CertificateFacts | None = None


@dataclass(frozen=True, slots=True)
class SignerPolicy:
    """Whose signatures the verifier knows, and what it demands of them (check 7).

    `known` are the entries of the file `file`; None where there is no such file. `required` are names of which the
    signer has to bear one; `algorithms` those that count, or None for all that are sound.
    """

    known: tuple[AllowedSigner, ...] | None = None
    file: str = ""
    is_required: bool = False
    required: tuple[str, ...] = ()
    algorithms: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """Which time-stamping authorities the verifier trusts: those of `file`, by certificates in DER (check 9).

    `policies` are those of authorities under which a token counts, as dotted identifiers; all where none is named.
    """

    roots: tuple[bytes, ...] = ()
    file: str = ""
    is_required: bool = False
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """What the verifier demands, and what this release pins. A bundle cannot weaken it."""

    network: Network
    require: Trust
    checkpoints: Checkpoints
    confirmations: int = CONFIRMATIONS
    who: SignerPolicy = SignerPolicy()
    clock: TokenPolicy = TokenPolicy()

    @property
    def least(self) -> Trust:
        """The least trust that counts: a header that nothing speaks for never does."""
        return max(self.require, Trust.WORK)
