"""Submitting: a batch's seal → its calendars, whose answers are the beginning of its proof."""

from dataclasses import dataclass

from notary import limits
from notary.batches import seal_of
from notary.core.ots import merge
from notary.edges.calendars import submit as submit_to
from notary.edges.ledger import Batch, BatchStatus, Ledger
from notary.errors import FormatError, SystemFailureError
from notary.outside import Embedded, Outside
from notary.wire import all_at_once


@dataclass(frozen=True, slots=True)
class Submitted:
    """Calendars that took the seal, and those that did not, each with the reason."""

    accepted: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]


def submit(ledger: Ledger, batch: Batch, outside: Outside, embedded: Embedded | None) -> Submitted:
    """Submits the seal to those of the batch's calendars that have not taken it, all at once.

    The batch is `pending` once as many as it demands have.
    """
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
    return Submitted(tuple(taken), tuple(refused))


def asked_at(calendar: str, embedded: Embedded | None) -> str:
    """Where a calendar is asked in this run."""
    uri = calendar.rstrip("/")
    return embedded.node.url if embedded and uri == embedded.uri else uri
