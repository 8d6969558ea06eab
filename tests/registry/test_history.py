"""The history of one object: what is odd is found where it was made, and nothing else is."""

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary import limits
from notary.errors import InputError
from notary.registry.core.entry import KeyRotation, Open, Opening, Sealed
from notary.registry.core.history import Finding, History, Logged, Oddity, history
from notary.registry.core.note import ED25519, VerifierKey
from notary.registry.core.terms import Event, Right
from tests.registry.register import DIGEST, FILING_DATE, T, filed, later, leaf, logged

DAY = timedelta(days=1)
OTHER = bytes(32)


def chain(*events: tuple[Event, int, dict[str, Any]], first: Any = None) -> list[Any]:
    """A first entry, and later ones each following the one before: event, days from the filing, changes."""
    found = [first or filed()]
    for event, days, changes in events:
        found.append(later(event, FILING_DATE + days * DAY, leaf(found[-1]), leaf(found[0]), **changes))
    return found


LIFE = chain(
    (Event.PUBLISHED, 540, {}),
    (Event.GRANTED, 900, {}),
    (Event.ASSIGNED, 1000, {"to": "Muster AG"}),
    (Event.LICENSED, 1000, {"to": "Beispiel GmbH"}),
    (Event.LAPSED, 7300, {}),
)


def oddities(found: History) -> list[tuple[Oddity, int, int | None]]:
    return [(one.oddity, one.index, one.other) for one in found.findings]


def test_a_life_without_anything_odd() -> None:
    found = history(logged(*LIFE, start=411))
    assert found.findings == ()
    assert [event.index for event in found.events] == [411, 412, 413, 414, 415, 416]
    assert str(found.events[0]) == "entry 411: asserted filed on 2026-03-12"
    assert str(found.events[3]) == "entry 414: asserted assigned to Muster AG on 2028-12-06"
    assert found.state == (
        "asserted lapsed on 2046-03-07 (entry 416); asserted assigned to Muster AG on 2028-12-06 (entry 414); "
        "asserted licensed to Beispiel GmbH on 2028-12-06 (entry 415)"
    )


@given(st.integers(1, len(LIFE) - 1))
def test_an_entry_that_is_missing_leaves_a_gap(at: int) -> None:
    rest = [one for one in logged(*LIFE) if one.index != at]
    found = history(rest)
    assert oddities(found) == ([(Oddity.GAP, at + 1, None)] if at < len(LIFE) - 1 else [])
    assert found.state.endswith("1 finding to look at") == bool(found.findings)


def test_a_history_without_its_beginning() -> None:
    found = history(logged(*LIFE)[2:])
    assert oddities(found) == [(Oddity.GAP, 2, None)]
    assert "not its object's first" in found.findings[0].sentence


@given(st.integers(0, len(LIFE) - 1))
def test_a_fork(at: int) -> None:
    second = later(Event.CORRECTED, FILING_DATE + 8000 * DAY, leaf(LIFE[at]), leaf(LIFE[0]))
    found = history(logged(*LIFE, second))
    fork = [(Oddity.FORK, len(LIFE), at + 1)]
    assert oddities(found) == (fork if at < len(LIFE) - 1 else [])


def test_strangers() -> None:
    other = filed(number="2")
    foreign = later(Event.GRANTED, FILING_DATE + DAY, leaf(other), leaf(other), number="2")
    found = history(logged(LIFE[0], other, foreign))
    assert (Oddity.STRANGER, 1, 0) in oddities(found)
    assert (Oddity.STRANGER, 2, 0) in oddities(found)


def finding(found: History, oddity: Oddity) -> Finding:
    assert [one.oddity for one in found.findings] == [oddity], found.findings
    return found.findings[0]


@pytest.mark.parametrize(
    ("events", "index", "other", "words"),
    [
        ([(Event.GRANTED, 10, {}), (Event.PUBLISHED, 9, {})], 2, 1, "which is before 2026-03-22 of entry 1"),
        ([(Event.GRANTED, -1, {})], 1, None, "before the filing date"),
        ([(Event.GRANTED, 1, {}), (Event.GRANTED, 2, {})], 2, 1, "granted a second time"),
        ([(Event.LAPSED, 1, {}), (Event.GRANTED, 2, {})], 2, 1, "granted comes after lapsed of entry 1"),
        (
            [(Event.LAPSED, 1, {}), (Event.CORRECTED, 2, {}), (Event.GRANTED, 3, {})],
            3,
            1,
            "granted comes after lapsed of entry 1",
        ),
        ([(Event.WITHDRAWN, 1, {}), (Event.LICENSED, 2, {})], 2, 1, "licensed comes after withdrawn"),
        ([(Event.REFUSED, 1, {}), (Event.LAPSED, 2, {})], 2, 1, "lapsed comes after refused"),
    ],
)
def test_events_out_of_order(events: list[Any], index: int, other: int | None, words: str) -> None:
    found = history(logged(*chain(*events)))
    ordered = [one for one in found.findings if (one.index, one.other) == (index, other)]
    assert [one.oddity for one in ordered] == [Oddity.ORDER]
    assert words in ordered[0].sentence


def test_granted_before_filed() -> None:
    first = filed(event=Event.GRANTED, on=FILING_DATE + DAY, digest=None)
    then = filed(object=leaf(first), previous=leaf(first))
    found = history(logged(first, then))
    assert {(Oddity.ORDER, 1, 0)} == set(oddities(found))
    assert any("filed comes after entry 0" in one.sentence for one in found.findings)


def test_filed_twice() -> None:
    again = filed(object=leaf(filed()), previous=leaf(filed()))
    assert "filed a second time" in finding(history(logged(filed(), again)), Oddity.ORDER).sentence


def test_a_correction_or_a_publication_after_the_end_is_not_odd() -> None:
    events: list[Any] = [(Event.WITHDRAWN, 1, {}), (Event.PUBLISHED, 540, {}), (Event.CORRECTED, 541, {})]
    assert history(logged(*chain(*events))).findings == ()


CHANGES = {
    "office": "AT",
    "number": "2",
    "right": Right.UTILITY_MODEL,
    "filing_date": FILING_DATE - DAY,
    "digest": OTHER,
    "st13": "102026000000413",
}


@pytest.mark.parametrize(("name", "value"), CHANGES.items())
def test_what_changes_without_a_correction(name: str, value: Any) -> None:
    first = filed(st13="102026000000412")
    events = [(Event.PUBLISHED, 1, {}), (Event.GRANTED, 2, {name: value})]
    found = finding(history(logged(*chain(*events, first=first))), Oddity.CHANGE)
    assert (found.index, found.other) == (2, 0)
    assert f"another {name.replace('_', ' ')} than entry 0" in found.sentence
    corrected = [(Event.CORRECTED, 1, {name: value}), (Event.GRANTED, 2, {name: value})]
    assert history(logged(*chain(*corrected, first=first))).findings == ()
    undone = [(Event.CORRECTED, 1, {name: value}), (Event.GRANTED, 2, {name: getattr(first, name)})]
    assert finding(history(logged(*chain(*undone, first=first))), Oddity.CHANGE).other == 1


# -- sealed entries -------------------------------------------------------------------------------------------------


def test_a_sealed_object_that_is_opened_later() -> None:
    sealed = Sealed(Opening(T, filed()).commitment)
    opened = later(Event.PUBLISHED, FILING_DATE + 540 * DAY, leaf(sealed), leaf(sealed), opening=Opening(T, filed()))
    granted = later(Event.GRANTED, FILING_DATE + 900 * DAY, leaf(opened), leaf(sealed))
    found = history(logged(sealed, opened, granted, start=7))
    assert found.findings == ()
    assert str(found.events[0]) == "entry 7: asserted filed on 2026-03-12 (sealed then, opened by entry 8)"
    assert found.state == "asserted granted on 2028-08-28 (entry 9)"
    closed = history(logged(sealed))
    assert str(closed.events[0]) == "entry 0: sealed"
    assert closed.state == "nothing is shown of what was asserted; 1 sealed entry may say more"


def test_a_sealed_entry_in_the_middle() -> None:
    first = filed()
    assignment = later(Event.ASSIGNED, FILING_DATE + DAY, leaf(first), leaf(first), to="X")
    sealed = Sealed(Opening(T, assignment).commitment)
    opened = later(Event.PUBLISHED, FILING_DATE + 2 * DAY, leaf(sealed), leaf(first), opening=Opening(T, assignment))
    assert history(logged(first, sealed, opened)).findings == ()


def test_an_opening_that_opens_nothing_here() -> None:
    sealed = Sealed(Opening(T, filed()).commitment)
    opened = later(Event.PUBLISHED, FILING_DATE + DAY, leaf(sealed), leaf(sealed), opening=Opening(OTHER[:16], filed()))
    found = history(logged(sealed, opened))
    assert finding(found, Oddity.OPENING).index == 1
    assert found.events[0].record is None


def test_an_opening_before_what_it_opens() -> None:
    opening = Opening(T, filed())
    sealed = Sealed(opening.commitment)
    early = later(Event.PUBLISHED, FILING_DATE + DAY, leaf(filed()), leaf(filed()), opening=opening)
    found = history(logged(filed(), early, sealed))
    assert (Oddity.OPENING, 1, None) in oddities(found)
    assert found.events[2].record is None


def test_the_first_opening_counts() -> None:
    sealed = Sealed(Opening(T, filed()).commitment)
    opening = Opening(T, filed())
    once = later(Event.PUBLISHED, FILING_DATE + DAY, leaf(sealed), leaf(sealed), opening=opening)
    twice = later(Event.PUBLISHED, FILING_DATE + DAY, leaf(once), leaf(sealed), opening=opening)
    assert history(logged(sealed, once, twice)).events[0].opened_by == 1


# -- hostile lists --------------------------------------------------------------------------------------------------


def test_what_is_no_history() -> None:
    rotation = KeyRotation(VerifierKey("x", ED25519, bytes([4]) * 32), FILING_DATE)
    with pytest.raises(InputError, match="not 0"):
        history([])
    with pytest.raises(InputError, match="log's order"):
        history(list(reversed(logged(*LIFE))))
    with pytest.raises(InputError, match="log's order"):
        history([*logged(filed()), *logged(filed())])
    with pytest.raises(InputError, match="names a new key"):
        history(logged(filed(), rotation))
    with pytest.raises(InputError, match="1 to 10,000 entries"):
        history([Logged(index, DIGEST, filed()) for index in range(limits.REGISTRY_HISTORY + 1)])


def test_entries_that_name_themselves_or_one_that_comes() -> None:
    lying = [
        Logged(0, DIGEST, filed()),
        Logged(1, OTHER, later(Event.GRANTED, FILING_DATE + DAY, OTHER, DIGEST)),
    ]
    assert finding(history(lying), Oddity.ORDER).other == 1


def test_a_name_cannot_move_or_hide_what_is_shown() -> None:
    entry = later(Event.ASSIGNED, FILING_DATE + DAY, leaf(filed()), leaf(filed()), to="X\u202eY\u200b")
    found = history(logged(filed(), entry))
    assert "\\u202e" in found.state
    assert "\u202e" not in found.state + str(found.events[1])


_events = st.tuples(st.sampled_from(Event), st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 5))


@given(st.lists(_events, max_size=8))
def test_any_list_is_told_in_words_that_claim_nothing(steps: list[tuple[Event, date, int]]) -> None:
    found: list[Any] = [filed()]
    for event, on, back in steps:
        before = found[max(0, len(found) - 1 - back)]
        changes: dict[str, Any] = {} if event is not Event.FILED else {"on": None, "digest": DIGEST}
        found.append(replace(later(event, on, leaf(before), leaf(found[0])), **changes))
    told = history(logged(*found))
    words = " ".join([told.state, *map(str, told.events), *(one.sentence for one in told.findings)])
    assert not re.search("title|ownership|owner|legal effect|valid|right of", words)
    assert all(isinstance(event.record, Open) for event in told.events)
