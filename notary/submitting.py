"""Submitting: a batch's seal → its calendars, whose answers are the beginning of its proof.

Where the batch shall have a token of a time-stamping authority, that comes first, since the seal commits to it.
"""

from dataclasses import dataclass

from notary import limits
from notary.batches import seal_of
from notary.core.ots import merge
from notary.edges.calendars import submit as submit_to
from notary.edges.ledger import Batch, BatchStatus, Ledger
from notary.errors import FormatError, SystemFailureError
from notary.outside import LOCAL, Embedded, Outside
from notary.wire import all_at_once


@dataclass(frozen=True, slots=True)
class Submitted:
    """Calendars that took the seal, and those that did not, each with the reason; `token_from` gave a token now."""

    accepted: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]
    token_from: str | None = None


def submit(ledger: Ledger, batch: Batch, outside: Outside, embedded: Embedded | None) -> Submitted:
    """Submits the seal to those of the batch's calendars that have not taken it, all at once.

    The batch is `pending` once as many as it demands have. While it waits for a token, no calendar is asked.
    """
    token_from = None
    if batch.authority is not None and batch.token is None:
        try:
            batch = _with_token(ledger, batch, batch.authority, outside, embedded)
        except SystemFailureError as error:
            ledger.log(outside.moment(), batch, "no token", {"authority": batch.authority, "answer": error.message})
            return Submitted((), ((batch.authority or "", error.message),))
        token_from = batch.authority
    seal = seal_of(batch)
    waiting = [one.calendar for one in ledger.submissions(batch) if not one.accepted]
    answers = all_at_once(lambda calendar: submit_to(asked_at(calendar, embedded), seal), waiting)
    taken: dict[str, bytes] = {}
    refused: list[tuple[str, str]] = []
    for calendar, answer in zip(waiting, answers, strict=True):
        if isinstance(answer, SystemFailureError):
            refused.append((calendar, answer.message))
            ledger.record_refusal(batch, calendar, answer.message, outside.moment())
        else:
            taken[calendar] = answer
    if taken:
        with ledger.proof_change(batch) as change:
            known = [] if change.timestamp is None else [change.timestamp]
            accepted = change.accept(taken)
            status = BatchStatus.PENDING if accepted >= batch.min_calendars else BatchStatus.QUEUED
            try:
                timestamp = merge(seal, [*known, *taken.values()], limits.ITEM_STEPS)
            except FormatError as error:
                raise SystemFailureError(f"what the calendars sent makes no proof: {error.message}") from None
            change.store(timestamp, status, outside.moment(), {"calendars": list(taken)})
    return Submitted(tuple(taken), tuple(refused), token_from)


def _with_token(ledger: Ledger, batch: Batch, authority: str, outside: Outside, embedded: Embedded | None) -> Batch:
    """The batch with a token over its head. Raises SystemFailureError where the authority gives none."""
    from notary.edges.authority import request_token  # what reads tokens is imported where one is wanted

    url = embedded.network.tsa_url if embedded and authority == LOCAL else authority
    token = request_token(url, batch.head, int.from_bytes(outside.randomness(8), "big"), outside.clock())
    ledger.store_token(batch, token, outside.moment())
    return ledger.find(batch.head.hex())


def asked_at(calendar: str, embedded: Embedded | None) -> str:
    """Where a calendar is asked in this run."""
    uri = calendar.rstrip("/")
    return embedded.node.url if embedded and uri == embedded.uri else uri
