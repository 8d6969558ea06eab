"""Anchoring: each signed checkpoint → calendars → a block; its proof is published beside it, and headers for it.

A proof is over the SHA-256 of the checkpoint's file, so that `ots verify` takes it as it stands. Safe to repeat and to
kill: the private state has each step before it is published.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from notary import limits
from notary.core.digest import digest_of
from notary.core.header import NETWORKS, Network
from notary.core.ots import (
    Attestation,
    Kind,
    append,
    attach,
    merge,
    read_timestamp,
    sha256_step,
    write_proof,
    write_steps,
)
from notary.edges.calendars import submit
from notary.edges.checkpoints import shipped_checkpoints
from notary.edges.header_files import HeaderRun
from notary.edges.ledger import Ledger
from notary.errors import FormatError, InputError, SystemFailureError
from notary.headers import HeaderSources, blocks_of
from notary.keeping import headers_index, keep_headers, kept_runs, lacks_headers
from notary.outside import LOCAL, Embedded, Outside
from notary.registry.edges.published_log import LogWriter
from notary.registry.edges.register import AnchorStatus, Register, Signed
from notary.registry.keeping import Registry
from notary.submitting import asked_at
from notary.upgrading import Round
from notary.wire import all_at_once

_STEPS = 2
"""Operations between a checkpoint's digest and what calendars get: the nonce is appended, and both are hashed."""


@dataclass(frozen=True, slots=True)
class Calendars:
    """Those that shall get checkpoints, and how many of them must have taken one. None for the embedded network."""

    urls: tuple[str, ...]
    minimum: int


def digest(signed: Signed) -> bytes:
    """The SHA-256 of the checkpoint's file as it was anchored."""
    return digest_of(signed.anchored)


def commitment(signed: Signed) -> bytes:
    """What calendars get of a checkpoint."""
    return digest_of(digest(signed) + signed.nonce)


def attestations_of(signed: Signed) -> tuple[Attestation, ...]:
    """What its proof has so far."""
    return () if signed.timestamp is None else read_timestamp(signed.timestamp, commitment(signed), _STEPS)


def proof_of(signed: Signed) -> bytes:
    """The `.ots` file for the checkpoint's file. Raises ValueError where no calendar has it yet."""
    if signed.timestamp is None:
        raise ValueError("no calendar has it yet")
    return write_proof(digest(signed), write_steps([append(signed.nonce), sha256_step()]), signed.timestamp)


def write_anchor(writer: LogWriter, signed: Signed) -> None:
    """Writes the checkpoint's file as it was anchored, and its proof, as soon as there is one."""
    writer.write(f"anchors/{signed.size}.checkpoint", signed.anchored)
    if signed.timestamp is not None:
        writer.write(f"anchors/{signed.size}.checkpoint.ots", proof_of(signed))


def network_for(register: Register, given: Network | None, usual: Network) -> Network:
    """The network on which the registry is anchored, from the first time on. Raises InputError for another one."""
    if register.network is None:
        return given or usual
    if given and given.name != register.network:
        raise InputError(
            f"{register.origin} is anchored on the network {register.network}, not on {given.name}",
            "its proofs and headers are of one network; leave out --network",
        )
    return NETWORKS[register.network]


def anchor(
    registry: Registry, ledger: Ledger, network: Network, calendars: Calendars, outside: Outside, *, anew: bool = False
) -> tuple[list[Signed], list[str]]:
    """One round: what is pending is asked for, what no calendar has is submitted, headers are kept; all is published.

    `anew` writes the headers too where nothing is waited for. Returns the checkpoints that the round was about, as they
    are now, and what was heard. The caller holds `register.publishing()`. Raises SystemFailureError where the folder
    cannot be written.
    """
    register = registry.register
    register.settle_network(network.name)
    due = register.open_anchors()
    notes: list[str] = []
    with registry.log.writer() as writer, outside.embedded(network.name == LOCAL) as embedded:
        if embedded:
            embedded.mine()
        for one in due:
            taker = _Round(register, ledger, outside, embedded, network, calendars, notes)
            taker.take(one, writer)
        if due or anew:
            _publish_headers(register, ledger, network, writer)
            writer.settle()
    return [found for one in due if (found := register.signed_at(one.size))], notes


@dataclass(frozen=True, slots=True)
class _Round:
    """The turn of each checkpoint; `notes` gathers what was heard."""

    register: Register
    ledger: Ledger
    outside: Outside
    embedded: Embedded | None
    network: Network
    calendars: Calendars
    notes: list[str]

    def take(self, signed: Signed, writer: LogWriter) -> None:
        sources = self.outside.headers(self.network)
        if self.embedded:
            sources = replace(sources, node=self.embedded.node)
        found = signed
        if found.timestamp is not None and found.status is not AnchorStatus.ATTESTED:
            found = self._upgraded(found, sources)
        if found.status is AnchorStatus.QUEUED:
            found = self._submitted(found)
        if found.status is AnchorStatus.ATTESTED:
            found = replace(found, is_complete=self._has_headers(found, sources))
        if found != signed:
            self.register.keep(found)
        if found.timestamp is not None:
            writer.write(f"anchors/{found.size}.checkpoint.ots", proof_of(found))

    def _upgraded(self, signed: Signed, sources: HeaderSources) -> Signed:
        turn = Round(self.ledger, self.outside, self.embedded)
        asked = turn.ask(attestations_of(signed), (*self.calendars.urls, *signed.taken))
        borne_out = [
            (message, answer)
            for message, answer in asked
            if turn.is_borne_out(read_timestamp(answer, message), sources, self.network)
        ]
        self.notes.extend(turn.notes)
        if not borne_out:
            return signed
        try:
            timestamp = attach(signed.timestamp or b"", commitment(signed), borne_out, _STEPS)
        except FormatError as error:
            self.notes.append(f"what calendars sent was not taken: {error.message}")
            return signed
        found = replace(signed, timestamp=timestamp)
        is_attested = any(one.kind is Kind.BITCOIN for one in attestations_of(found))
        return replace(found, status=AnchorStatus.ATTESTED) if is_attested else found

    def _submitted(self, signed: Signed) -> Signed:
        urls = (self.embedded.uri,) if self.embedded else self.calendars.urls
        waiting = [url for url in urls if url not in signed.taken]
        message = commitment(signed)
        answers = all_at_once(lambda url: submit(asked_at(url, self.embedded), message), waiting)
        taken: list[str] = []
        stamps = [] if signed.timestamp is None else [signed.timestamp]
        for url, answer in zip(waiting, answers, strict=True):
            if isinstance(answer, SystemFailureError):
                self.notes.append(answer.message)
                continue
            try:
                stamps = [merge(message, [*stamps, answer], _STEPS)]
            except FormatError as error:
                self.notes.append(f"what {url} sent was not taken: {error.message}")
                continue
            taken.append(url)
        if not stamps:
            return signed
        all_taken = (*signed.taken, *taken)
        is_enough = len(all_taken) >= self.calendars.minimum
        status = AnchorStatus.PENDING if is_enough else AnchorStatus.QUEUED
        return replace(signed, taken=all_taken, timestamp=stamps[0], status=status)

    def _has_headers(self, signed: Signed, sources: HeaderSources) -> bool:
        """Keeps what headers can be had by now; whether there are no more to come."""
        blocks, now = blocks_of(attestations_of(signed))[: limits.HEIGHTS], self.outside.now()
        checkpoints = shipped_checkpoints(self.network)
        self.notes.extend(keep_headers(self.ledger, self.network, blocks, sources, checkpoints, now))
        if self.network.is_test:  # its chain grows when somebody wants it to
            return bool(kept_runs(self.ledger, self.network.name, blocks))
        return not lacks_headers(self.ledger, self.network, blocks, now)


def runs_for(ledger: Ledger, network: str, signed: Sequence[Signed]) -> list[HeaderRun]:
    """The headers that the ledger has for the blocks of these checkpoints' proofs."""
    blocks = {block for one in signed for block in blocks_of(attestations_of(one))[: limits.HEIGHTS]}
    return kept_runs(ledger, network, sorted(blocks))


def _publish_headers(register: Register, ledger: Ledger, network: Network, writer: LogWriter) -> None:
    runs = runs_for(ledger, network.name, register.attested())
    # The newest, as many as a reader takes: older proofs need a chain of the reader's own.
    while sum(len(run.headers) for run in runs) > limits.HEADERS:
        (start, headers), *later = runs
        left = headers[limits.HEADERS // 10 :]
        runs = [HeaderRun(start + limits.HEADERS // 10, left), *later] if left else later
    writer.write("anchors/headers.bin", b"".join(header.raw for run in runs for header in run.headers))
    writer.write("anchors/headers.json", headers_index(network.name, runs))
