"""Anchoring, from queued to attested: what was not yet submitted is submitted, what is pending is asked for.

Safe to repeat at any time, by two processes at once, and to kill: each step is one transaction of the ledger, and a
proof only ever grows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from notary import limits
from notary.batches import attestations_of, seal_of, write_proofs_beside
from notary.core.header import NETWORKS, Network
from notary.core.ots import Attestation, Kind, Proof, attach, read_proof, read_timestamp, rewrite_proof
from notary.edges.calendars import NotYet, fetch, may_ask
from notary.edges.checkpoints import shipped_checkpoints
from notary.edges.files import read_whole, written_whole
from notary.edges.ledger import Batch, BatchStatus, Ledger
from notary.errors import FormatError, SystemFailureError
from notary.headers import HeaderSources
from notary.keeping import blocks_for, contradiction, keep_headers, lacks_headers
from notary.outside import LOCAL, Embedded, Outside
from notary.submitting import asked_at, submit
from notary.wire import all_at_once


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What has become of a batch or a proof file: its attestations so far, and what was heard on the way."""

    name: str
    status: BatchStatus
    attestations: tuple[Attestation, ...]
    notes: tuple[str, ...]


def is_open(ledger: Ledger, batch: Batch, outside: Outside) -> bool:
    """Whether there is something left to do for the batch: it is not attested, or more headers can be had by now."""
    if batch.status is not BatchStatus.ATTESTED:
        return True
    network = NETWORKS[batch.network]
    if network.is_test:
        return False
    return lacks_headers(ledger, network, blocks_for(ledger, batch, attestations_of(ledger, batch)), outside.now())


def upgrade(
    ledger: Ledger, batches: Sequence[Batch], proofs: Sequence[Path], outside: Outside
) -> tuple[list[Upgraded], list[Upgraded]]:
    """One round for every batch and every `.ots` file: what each has become, in their order.

    Raises InputError for a file that is no proof, SystemFailureError for one that cannot be written.
    """
    read = [(path, _read_proof(path)) for path in proofs]
    pending = [one.uri or "" for _, proof in read for one in proof.of_kind(Kind.PENDING)]
    is_local = any(batch.network == LOCAL for batch in batches) or (
        outside.has_local() and any(uri.startswith("http://127.0.0.1:") for uri in pending)
    )
    with outside.embedded(is_local) as embedded:
        if embedded:
            for batch in batches:
                if batch.network == LOCAL and batch.status is BatchStatus.QUEUED:
                    submit(ledger, batch, outside, embedded)
            embedded.mine()
        return (
            [Round(ledger, outside, embedded).batch(ledger.find(batch.head.hex())) for batch in batches],
            [Round(ledger, outside, embedded).file(path) for path in proofs],
        )


@dataclass(slots=True)
class Round:
    """One turn of a batch, of a file, or of a registry's anchors; `notes` gathers what was heard."""

    ledger: Ledger
    outside: Outside
    embedded: Embedded | None
    notes: list[str] = field(default_factory=list)

    def batch(self, batch: Batch) -> Upgraded:
        network = NETWORKS[batch.network]
        sources = self.outside.headers(network)
        if self.embedded and batch.network == LOCAL:
            sources = replace(sources, node=self.embedded.node)
        if batch.status is BatchStatus.QUEUED:
            self.notes += [why for _, why in submit(self.ledger, batch, self.outside, self.embedded).refused]
            batch = self.ledger.find(batch.head.hex())
        seal = seal_of(batch)  # a token that has just come is in it
        timestamp = self.ledger.timestamp(batch)
        if timestamp is None:
            return Upgraded(batch.name, batch.status, (), tuple(self.notes))
        if batch.status is not BatchStatus.ATTESTED:
            own = (one.calendar for one in self.ledger.submissions(batch))
            found = [
                (commitment, answer)
                for commitment, answer in self.ask(read_timestamp(timestamp, seal), (*self.outside.calendars, *own))
                if self.is_borne_out(read_timestamp(answer, commitment), sources, network)
            ]
            if found:
                try:
                    timestamp, batch = self._store(batch, found)
                except FormatError as error:
                    self.notes.append(f"what calendars sent was not taken: {error.message}")
        attestations = read_timestamp(timestamp, seal)
        checkpoints = shipped_checkpoints(network)
        blocks = blocks_for(self.ledger, batch, attestations)
        self.notes += keep_headers(self.ledger, network, blocks, sources, checkpoints, self.outside.now())
        return Upgraded(batch.name, batch.status, attestations, tuple(self.notes))

    def _store(self, batch: Batch, found: Sequence[tuple[bytes, bytes]]) -> tuple[bytes, Batch]:
        seal = seal_of(batch)
        with self.ledger.proof_change(batch) as change:
            timestamp = attach(change.timestamp or b"", seal, found, limits.ITEM_STEPS)
            blocks = [one.height for one in read_timestamp(timestamp, seal) if one.kind is Kind.BITCOIN]
            status = BatchStatus.ATTESTED if blocks else batch.status
            change.store(timestamp, status, self.outside.moment(), {"blocks": blocks})
        if batch.writes_ots:
            self.notes += write_proofs_beside(self.ledger, batch, fresh=False)
        return timestamp, replace(batch, status=status)

    def file(self, path: Path) -> Upgraded:
        proof = _read_proof(path)
        attestations = proof.attestations
        if not proof.of_kind(Kind.BITCOIN) and (found := self.ask(attestations, self.outside.calendars)):
            timestamp = attach(proof.timestamp, proof.digest, found)
            with written_whole(path) as stream:
                stream.write(rewrite_proof(proof, timestamp))
            attestations = read_timestamp(timestamp, proof.digest)
        is_attested = any(one.kind is Kind.BITCOIN for one in attestations)
        status = BatchStatus.ATTESTED if is_attested else BatchStatus.PENDING
        return Upgraded(str(path), status, attestations, tuple(self.notes))

    def ask(self, attestations: Iterable[Attestation], configured: Sequence[str]) -> list[tuple[bytes, bytes]]:
        """What calendars have for the pending attestations, as (commitment, serialised timestamp)."""
        due = [
            (one.uri, one.message)
            for one in attestations
            if one.kind is Kind.PENDING and one.uri is not None and self._may_ask(one.uri, one.message, configured)
        ]
        answers = all_at_once(lambda one: fetch(asked_at(one[0], self.embedded), one[1]), due)
        found = []
        for (uri, commitment), answer in zip(due, answers, strict=True):
            if isinstance(answer, SystemFailureError):
                self.notes.append(answer.message)
            elif isinstance(answer, NotYet):
                self.notes.append(f"{uri}: {answer.text}")
            else:
                found.append((commitment, answer))
        return found

    def _may_ask(self, uri: str, commitment: bytes, configured: Sequence[str]) -> bool:
        if self.embedded and uri == self.embedded.uri:
            return True
        if not may_ask(uri, configured):
            self.notes.append(f"{uri} was not asked: it is none of the public calendars; --calendar URL allows one")
            return False
        now, interval = self.outside.clock().timestamp(), limits.CALENDAR_REPEAT_SECONDS
        if not self.ledger.may_fetch(uri, commitment, now, interval):
            self.notes.append(f"{uri} was not asked: it was less than {interval} s ago")
            return False
        return True

    def is_borne_out(self, attestations: Iterable[Attestation], sources: HeaderSources, network: Network) -> bool:
        """Whether nobody whom we trust has other blocks where a calendar's answer names some."""
        for one in attestations:
            if one.kind is not Kind.BITCOIN or one.height is None:
                continue
            try:
                fault = contradiction(sources, network, one.height, one.message)
            except SystemFailureError as error:
                self.notes.append(error.message)
                return True
            if fault:
                self.notes.append(f"an answer was refused: {fault}")
                return False
        return True


def _read_proof(path: Path) -> Proof:
    try:
        return read_proof(read_whole(path, limits.PROOF_BYTES))
    except FormatError as error:
        raise FormatError(f"{path}: {error.message}") from None
