"""Entries to test with, and the rule of RFC 8785 that they are compared with."""

import hashlib
import json
from datetime import date
from typing import Any

from hypothesis import strategies as st

from notary.registry.core.entry import Open, Opening, write_entry
from notary.registry.core.history import Logged
from notary.registry.core.log import leaf_hash
from notary.registry.core.terms import Event, Right

FILING_DATE = date(2026, 3, 12)
DIGEST = hashlib.sha256(b"the package").digest()
T = bytes(range(16))


def filed(**changes: Any) -> Open:
    """The first entry of an object."""
    values: dict[str, Any] = {
        "event": Event.FILED,
        "office": "DE",
        "number": "10 2026 000412.5",
        "right": Right.PATENT,
        "filing_date": FILING_DATE,
        "digest": DIGEST,
    }
    return Open(**{**values, **changes})


def later(event: Event, on: date, before: bytes, first: bytes, **changes: Any) -> Open:
    """A later entry of the same object."""
    return filed(**{"event": event, "on": on, "digest": None, "object": first, "previous": before, **changes})


def leaf(entry: Any) -> bytes:
    return leaf_hash(write_entry(entry))


def logged(*entries: Any, start: int = 0) -> list[Logged]:
    return [Logged(index, leaf(entry), entry) for index, entry in enumerate(entries, start)]


def members(**changes: Any) -> dict[str, Any]:
    """An open entry as a JSON object; a change to None takes a member out."""
    values = {
        "format": "notary-registry/v1",
        "event": "filed",
        "office": "DE",
        "number": "10 2026 000412.5",
        "right": "patent",
        "filing_date": "2026-03-12",
        "digest": DIGEST.hex(),
        **changes,
    }
    return {key: value for key, value in values.items() if value is not None}


def plain(value: Any) -> bytes:
    """RFC 8785 by the standard library, for keys in ASCII, texts and objects of these."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


_texts = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=30).filter(
    lambda text: text == text.strip(" ") and "code" not in text.lower()
)
_hashes = st.binary(min_size=32, max_size=32)
_dates = st.dates()
_references = st.dictionaries(st.sampled_from(["case", "pct", "madrid", "hague"]), _texts).map(
    lambda found: tuple(sorted(found.items()))
)


@st.composite
def entries(draw: st.DrawFn, can_open: bool = True, may_be_later: bool = True) -> Open:
    """Any sound open entry."""
    event = draw(st.sampled_from([one for one in Event if can_open or one is not Event.PUBLISHED]))
    is_filed = event is Event.FILED
    has_object = may_be_later and draw(st.booleans())
    opening = None
    if event is Event.PUBLISHED and has_object and draw(st.booleans()):
        opening = Opening(draw(st.binary(min_size=16, max_size=16)), draw(entries(can_open=False)))
    return Open(
        event=event,
        office=draw(st.from_regex("[A-Z]{2}", fullmatch=True)),
        number=draw(_texts),
        right=draw(st.sampled_from(Right)),
        filing_date=draw(_dates),
        digest=draw(_hashes if is_filed else st.none() | _hashes),
        st13=draw(st.none() | st.from_regex("([A-Z]{2})?[0-9]{15}", fullmatch=True).filter(str.isascii)),
        references=draw(_references),
        on=None if is_filed else draw(_dates),
        to=draw(st.none() | _texts) if event in (Event.ASSIGNED, Event.LICENSED) else None,
        object=draw(_hashes) if has_object else None,
        previous=draw(_hashes) if has_object else None,
        opening=opening,
    )
