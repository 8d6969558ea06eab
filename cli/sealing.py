"""Carrying a stamp out, and showing what became of it: for every command that makes a batch."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from notary import limits
from notary.core.header import Network
from notary.core.shown import shown_text
from notary.edges.calendars import DEFAULT_CALENDARS, MIN_CALENDARS
from notary.edges.ledger import Batch, BatchStatus, Conflict, Submission, open_ledger
from notary.errors import InputError
from notary.gathering import Hashers
from notary.outside import LOCAL
from notary.reporting import banner, plural, size_text
from notary.snapshots import since_json, since_last, since_text
from notary.stamping import Order, Stamped, stamp

from .options import InForce
from .terminal import ExitCode, Terminal


def carry_out(
    terminal: Terminal,
    settled: InForce,
    order: Order,
    ledger: Path | None,
    hashers: AbstractContextManager[Hashers],
    also: dict[str, Any] | None = None,
) -> int:
    """Stamps as ordered, and tells the user. `also` are further members of the JSON document."""
    path = settled.ledger(ledger)
    with (
        open_ledger(path) as opened,
        hashers as hashing,
        terminal.progress("hashing") as progress,
    ):
        stamped = stamp(
            order,
            opened,
            settled.outside(path),
            hashers=hashing,
            progress=progress,
            sealed=lambda batch: _tell_sealed(terminal, batch),
        )
        anchors = opened.submissions(stamped.batch)
        since = since_last(opened, stamped.batch, order.paths) if order.paths else None
    _show(terminal, order.network, stamped)
    if since:
        terminal.note(since_text(since))
    terminal.document(_document(stamped, anchors) | {"since": since and since_json(since), **(also or {})})
    if stamped.troubles:
        return ExitCode.SYSTEM
    return ExitCode.NOT_PROVEN if stamped.batch.status is BatchStatus.QUEUED else ExitCode.DONE


def _document(stamped: Stamped, anchors: Sequence[Submission]) -> dict[str, Any]:
    return {
        "batch": stamped.batch.name,
        "head": stamped.batch.head.hex(),
        "root": stamped.batch.root.hex(),
        "items": stamped.batch.size,
        "bytes": stamped.batch.total_bytes,
        "skipped": [{"path": one.path, "reason": one.reason} for one in stamped.skipped],
        "anchors": [{"calendar": one.calendar, "accepted": one.accepted, "answer": one.answer} for one in anchors],
        "status": stamped.batch.status,
        "network": stamped.batch.network,
        "signer": stamped.batch.signer,
        "previous": stamped.batch.previous and stamped.batch.previous.hex(),
        "token": {"authority": stamped.batch.authority, "obtained": stamped.batch.token is not None}
        if stamped.batch.authority
        else None,
        "not_written": list(stamped.troubles),
        "taken_over": stamped.taken_over,
        "problems": [{"row": one.row, "what": one.what} for one in stamped.problems],
        "conflicts": [
            {
                "kind": one.kind,
                "numbers": list(one.numbers),
                "sha256": [digest.hex() for digest in one.digests],
                "paths": list(one.paths),
                "number_count": one.number_count,
                "sha256_count": one.digest_count,
            }
            for one in stamped.conflicts
        ],
        "conflict_count": stamped.conflict_count,
    }


def calendars_for(settled: InForce, chain: Network, given: list[str] | None) -> tuple[str, ...]:
    """The calendars that shall get a batch. Raises InputError where the network has none, or its own."""
    if chain.name == LOCAL:
        if given:
            raise InputError("the local network has its own calendar", "leave out --calendar")
        return ()
    named = settled.calendars(given)
    if chain.is_test and not named:
        raise InputError(f"the network {chain.name} has no public calendar", "name yours with --calendar URL")
    return named or DEFAULT_CALENDARS


def minimum_for(given: int | None, calendars: tuple[str, ...]) -> int:
    """How many of them must answer. Raises InputError where there are not so many."""
    if given is None:
        return min(MIN_CALENDARS, len(calendars)) or 1
    if calendars and given > len(calendars):
        raise InputError(f"{given} calendars must answer, but only {len(calendars)} are asked")
    return given


def _tell_sealed(terminal: Terminal, batch: Batch) -> None:
    terminal.say(
        f"batch {batch.name}: {plural(batch.size, 'file')}, {size_text(batch.total_bytes)}",
        f"head  {batch.head.hex()}",
    )


def _conflict_text(conflict: Conflict) -> str:
    numbers, paths = (", ".join(map(shown_text, some)) for some in (conflict.numbers, conflict.paths))
    kind = "Bates" if conflict.kind == "bates" else conflict.kind
    if conflict.number_count > 1:
        return f"conflict: one file ({paths}) under {conflict.number_count:,} {kind} numbers: {numbers}"
    return f"conflict: {kind} number {numbers} on {conflict.digest_count:,} different files: {paths}"


def _show(terminal: Terminal, chain: Network, stamped: Stamped) -> None:
    left_out = stamped.skipped
    for one in left_out[: limits.LISTED_PROBLEMS]:
        terminal.note(f"skipped {shown_text(one.path)}: {one.reason}")
    if len(left_out) > limits.LISTED_PROBLEMS:
        terminal.note(f"skipped {len(left_out) - limits.LISTED_PROBLEMS:,} more; --json lists all")
    for trouble in stamped.troubles:
        terminal.note(f"not written: {shown_text(trouble)}")
    if stamped.submitted.token_from:
        terminal.say(f"token from {stamped.submitted.token_from}")
    for calendar in stamped.submitted.accepted:
        terminal.say(f"sent to {calendar}")
    for _, why in stamped.submitted.refused:
        terminal.note(f"not sent: {why}")
    if stamped.taken_over:
        terminal.note(f"{plural(stamped.taken_over, 'file')} taken over from an earlier run, and not read again")
    for note in stamped.notes:
        terminal.note(shown_text(note))
    for problem in stamped.problems:
        terminal.note(shown_text(str(problem)))
    for conflict in stamped.conflicts:
        terminal.note(_conflict_text(conflict))
    if stamped.conflict_count > len(stamped.conflicts):
        terminal.note(f"{stamped.conflict_count:,} conflicts in all; the ledger's view `conflicts` lists them")
    name = stamped.batch.name
    if stamped.batch.status is BatchStatus.QUEUED:
        needed = plural(stamped.batch.min_calendars, "calendar") + " must take it"
        if stamped.batch.authority and stamped.batch.token is None:
            needed = "the authority must give a token first"
        terminal.say(
            f"status queued: the batch is safe in the ledger; {needed}.",
            f"`notary upgrade {name}` submits it again when there is a network.",
        )
    else:
        when = "now" if chain.name == LOCAL else "in a few hours, when a block has it"
        terminal.say(f"status pending: run `notary upgrade {name}` {when}.")
    if line := banner(chain):
        terminal.say(line)
