"""The history of one object of a register: its entries in the log's order, what is odd about them, its state in words.

Nothing is decided here: a keeper may have good reasons for what is odd, and a register says what he asserted. Looked
for are

- gaps: an entry names one before it that is not there;
- forks: two entries name the same one before them;
- strangers: an entry names another object, or none;
- order: an event before the filing, a date that runs backwards, a second filing or grant, an event after the end;
- changes: an office, number, right, filing date or digest other than before, without a `corrected` entry;
- openings that open nothing that was sealed here.

A sealed entry that an entry of the list opens counts as what it holds, at its own place in the log.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Any

from notary import limits
from notary.core.shown import shown_text
from notary.errors import InputError
from notary.registry.core.entry import Entry, KeyRotation, Open, Sealed
from notary.registry.core.terms import Event


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry with its index in the log, from 0, and its leaf hash."""

    index: int
    leaf: bytes
    entry: Entry


@dataclass(frozen=True, slots=True)
class Happened:
    """An event as it stands in the log. `record` is None while it is sealed; `opened_by` is the index that opens it."""

    index: int
    record: Open | None
    opened_by: int | None = None

    def __str__(self) -> str:
        if self.record is None:
            return f"entry {self.index}: sealed"
        opened = "" if self.opened_by is None else f" (sealed then, opened by entry {self.opened_by})"
        return f"entry {self.index}: {_words(self.record)}{opened}"


@dataclass(frozen=True, slots=True)
class Restated:
    """An entry of the same object that states something else than the one it is compared with: `changes` are what, here
    and there, in words; none where a correction changed nothing that is compared."""

    index: int
    record: Open
    changes: tuple[tuple[str, str, str], ...]

    def __str__(self) -> str:
        stated = " and ".join(
            f"the {name} {shown_text(now)} instead of {shown_text(other)}" for name, now, other in self.changes
        )
        return f"entry {self.index}, {_words(self.record)}, states {stated or _NOTHING_ELSE}"

    @property
    def moves_the_period(self) -> bool:
        return any(name in _OF_THE_PERIOD for name, _, _ in self.changes)


class Oddity(StrEnum):
    GAP = "gap"
    FORK = "fork"
    STRANGER = "stranger"
    ORDER = "order"
    CHANGE = "change"
    OPENING = "opening"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is odd about the entry `index`, `other` being the index of the entry that it is compared with, if any."""

    oddity: Oddity
    index: int
    other: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class History:
    """One object's events in the log's order, what is odd about them, and what the register says of it now."""

    events: tuple[Happened, ...]
    findings: tuple[Finding, ...]
    state: str


_STATES = frozenset(Event) - {Event.CORRECTED, Event.ASSIGNED, Event.LICENSED}
_ALIKE = ("office", "number", "right", "filing_date", "digest", "st13")
_OF_THE_PERIOD = frozenset({"filing date", "right"})
_NOTHING_ELSE = f"no other {', '.join(name.replace('_', ' ') for name in _ALIKE)}"
_ENDS = frozenset({Event.REFUSED, Event.WITHDRAWN, Event.LAPSED})
_AFTER_THE_END = frozenset({Event.CORRECTED, Event.PUBLISHED})
_ONCE = frozenset({Event.FILED, Event.GRANTED})


def history(entries: Sequence[Logged]) -> History:
    """The history that the entries of one object make, the first of which is the object's first.

    Raises InputError for over `limits.REGISTRY_HISTORY` entries, for none, for one that is about no object, and for
    entries that are not in the log's order.
    """
    _check(entries)
    findings: list[Finding] = []
    events = _opened(entries, findings)
    _follow(entries, events, findings)
    _compare([event for event in events if event.record is not None], findings)
    findings.sort(key=lambda one: one.index)
    return History(tuple(events), tuple(findings), _state(events, len(findings)))


def restated(told: History, of: Happened) -> Iterator[Restated]:
    """The corrections after the event `of`, and the events before it that state something else; none of a sealed one.

    A history names what differs without a correction among its findings.
    """
    for event in told.events:
        if of.record is None or event.record is None or event.index == of.index:
            continue
        changes = tuple(_changes(event.record, of.record))
        is_correction = event.record.event is Event.CORRECTED and event.index > of.index
        if is_correction or (changes and event.index < of.index):
            yield Restated(event.index, event.record, changes)


def _changes(record: Open, other: Open) -> Iterator[tuple[str, str, str]]:
    for name in _ALIKE:
        now, then = getattr(record, name), getattr(other, name)
        if now is not None and now != then:
            yield name.replace("_", " "), _value(now), _value(then)


def _value(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value or "none")


def _check(entries: Sequence[Logged]) -> None:
    if not 0 < len(entries) <= limits.REGISTRY_HISTORY:
        raise InputError(f"a history has 1 to {limits.REGISTRY_HISTORY:,} entries, not {len(entries):,}")
    for one, after in pairwise(entries):
        if one.index >= after.index:
            raise InputError(f"entry {after.index} is given after entry {one.index}, which is not the log's order")
    for one in entries:
        if isinstance(one.entry, KeyRotation):
            raise InputError(f"entry {one.index} names a new key, and belongs to no object's history")


def _opened(entries: Sequence[Logged], findings: list[Finding]) -> list[Happened]:
    """What happened, each sealed entry as what a later one opens it to."""
    sealed = {one.entry.commitment: at for at, one in enumerate(entries) if isinstance(one.entry, Sealed)}
    events = [Happened(one.index, one.entry if isinstance(one.entry, Open) else None) for one in entries]
    for at, one in enumerate(entries):
        opening = one.entry.opening if isinstance(one.entry, Open) else None
        if opening is None:
            continue
        place = sealed.get(opening.commitment)
        if place is None or place > at:
            words = "opens no sealed entry before it"
            findings.append(Finding(Oddity.OPENING, one.index, None, f"entry {one.index} {words}"))
        elif events[place].record is None:
            events[place] = Happened(entries[place].index, opening.record, one.index)
    return events


def _follow(entries: Sequence[Logged], events: Sequence[Happened], findings: list[Finding]) -> None:
    """Who names whom."""
    first, index_of, follower = entries[0], {one.leaf: one.index for one in entries}, dict[bytes, int]()
    for one, event in zip(entries, events, strict=True):
        record = event.record
        if record is None:
            continue
        is_first = one is first
        if record.object is None or record.previous is None:
            if not is_first:
                words = f"entry {one.index} begins an object of its own, and entry {first.index} is this one's first"
                findings.append(Finding(Oddity.STRANGER, one.index, first.index, words))
            continue
        if is_first:
            words = f"entry {one.index} is not its object's first, and those before it are not here"
            findings.append(Finding(Oddity.GAP, one.index, None, words))
        elif record.object not in (first.leaf, _object_of(events[0])):
            words = f"entry {one.index} names another object than entry {first.index}"
            findings.append(Finding(Oddity.STRANGER, one.index, first.index, words))
        before = index_of.get(record.previous)
        if before is not None and before >= one.index:
            words = f"entry {one.index} names entry {before} as the one before it, which comes after"
            findings.append(Finding(Oddity.ORDER, one.index, before, words))
        elif before is None and not is_first:
            words = f"entry {one.index} names an entry before it that is not here: {record.previous.hex()}"
            findings.append(Finding(Oddity.GAP, one.index, None, words))
        other = follower.setdefault(record.previous, one.index)
        if other != one.index:
            words = f"entries {other} and {one.index} both follow the same entry"
            findings.append(Finding(Oddity.FORK, one.index, other, words))


def _object_of(event: Happened) -> bytes | None:
    """The object that the first entry at hand names, where it is not the object's first."""
    return event.record.object if event.record is not None else None


def _compare(events: Sequence[Happened], findings: list[Finding]) -> None:
    """What each says, with what was said before."""
    done: dict[Event, int] = {}
    latest: tuple[date, int] | None = None
    ended: tuple[Event, int] | None = None
    stated: dict[str, tuple[Any, int]] = {}
    for event in events:
        record, index = event.record, event.index
        if record is None:
            continue

        def odd(oddity: Oddity, other: int | None, words: str, index: int = index) -> None:
            findings.append(Finding(oddity, index, other, f"entry {index}: {words}"))

        kind, day = record.event, record.happened
        if kind in _ONCE and kind in done:
            odd(Oddity.ORDER, done[kind], f"{kind} a second time, after entry {done[kind]}")
        elif kind is Event.FILED and done:
            first = next(iter(done.values()))
            odd(Oddity.ORDER, first, f"filed comes after entry {first}")
        if day < record.filing_date:
            odd(Oddity.ORDER, None, f"{kind} on {day}, before the filing date {record.filing_date}")
        if latest is not None and day < latest[0]:
            odd(Oddity.ORDER, latest[1], f"{kind} on {day}, which is before {latest[0]} of entry {latest[1]}")
        if ended is not None and kind not in _AFTER_THE_END:
            odd(Oddity.ORDER, ended[1], f"{kind} comes after {ended[0]} of entry {ended[1]}")
        for name in _ALIKE:
            value = getattr(record, name)
            if value is None:
                continue
            old, where = stated.setdefault(name, (value, index))
            if kind is Event.CORRECTED:
                stated[name] = (value, index)
            elif value != old:
                odd(Oddity.CHANGE, where, f"another {name.replace('_', ' ')} than entry {where}, and no correction")
        done.setdefault(kind, index)
        latest = max(latest or (day, index), (day, index))
        ended = (kind, index) if kind in _ENDS else ended


def _state(events: Sequence[Happened], findings: int) -> str:
    """The last status, the last correction, assignment and licence behind it, and what may be missing."""
    shown = [(one.index, one.record) for one in reversed(events) if one.record is not None]
    said = []
    for kinds in (_STATES, {Event.CORRECTED}, {Event.ASSIGNED}, {Event.LICENSED}):
        said += [f"{_words(record)} (entry {index})" for index, record in shown if record.event in kinds][:1]
    said = said or ["nothing is shown of what was asserted"]
    sealed = len(events) - len(shown)
    if sealed:
        said.append(f"{_count(sealed, 'sealed entry', 'sealed entries')} may say more")
    if findings:
        said.append(f"{_count(findings, 'finding')} to look at")
    return "; ".join(said)


def _words(record: Open) -> str:
    to = f" to {shown_text(record.to)}" if record.to else ""
    return f"asserted {record.event}{to} on {record.happened}"


def _count(number: int, one: str, more: str | None = None) -> str:
    return f"1 {one}" if number == 1 else f"{number:,} {more or f'{one}s'}"
