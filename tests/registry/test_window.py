"""The priority period: every day of 24 years against dateutil and a calendar walked day by day."""

import re
from datetime import date, timedelta

import pytest
from dateutil.relativedelta import relativedelta
from dateutil.rrule import DAILY, FR, MO, TH, TU, WE, rrule
from hypothesis import given
from hypothesis import strategies as st

from notary import limits
from notary.errors import FormatError, InputError
from notary.registry.core.terms import Right
from notary.registry.core.window import MONTHS, Where, Window, place, priority_window, read_holidays

HOLIDAYS = frozenset(
    {date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1), date(2027, 3, 26), date(2027, 3, 29), date(2028, 2, 29)}
)
DAY = timedelta(days=1)


def window(right: Right, filing: date, holidays: frozenset[date] = frozenset()) -> Window:
    found = priority_window(right, filing, holidays)
    assert found is not None
    return found


def test_every_day_of_24_years() -> None:
    """1996 to 2019 hold every kind of year, and each day of a month on each day of the week."""
    day = date(1996, 1, 1)
    while day.year < 2020:
        for right, months in ((Right.PATENT, 12), (Right.DESIGN, 6)):
            nominal = day + relativedelta(months=months)
            working = rrule(DAILY, dtstart=nominal, byweekday=(MO, TU, WE, TH, FR), count=1)[0].date()
            found = window(right, day)
            assert (found.last_day, found.moved_from) == (working, nominal if nominal != working else None)
        day += DAY


@given(st.dates(date(2024, 1, 1), date(2028, 12, 31)), st.sets(st.dates(date(2024, 6, 1), date(2030, 1, 31))))
def test_with_holidays(filing: date, days: set[date]) -> None:
    found = window(Right.TRADEMARK, filing, frozenset(days))
    nominal = filing + relativedelta(months=6)
    assert found.last_day not in days
    assert found.last_day.isoweekday() < 6
    between = [nominal + step * DAY for step in range((found.last_day - nominal).days)]
    assert all(day in days or day.isoweekday() >= 6 for day in between)


def test_the_rights() -> None:
    assert MONTHS == {Right.PATENT: 12, Right.UTILITY_MODEL: 12, Right.DESIGN: 6, Right.TRADEMARK: 6}
    assert priority_window(Right.OTHER, date(2026, 3, 12)) is None


@pytest.mark.parametrize(
    ("right", "filing", "last"),
    [
        (Right.PATENT, date(2024, 2, 29), date(2025, 2, 28)),
        (Right.DESIGN, date(2025, 8, 29), date(2026, 3, 2)),  # 28 February 2026 is a Saturday
        (Right.DESIGN, date(2025, 8, 31), date(2026, 3, 2)),
        (Right.DESIGN, date(2027, 8, 31), date(2028, 2, 29)),
        (Right.TRADEMARK, date(2026, 12, 31), date(2027, 6, 30)),
        (Right.PATENT, date(2025, 12, 25), date(2026, 12, 25)),
    ],
)
def test_months_that_have_no_such_day(right: Right, filing: date, last: date) -> None:
    assert window(right, filing).last_day == last


def test_a_last_day_moves_on_and_on() -> None:
    """Good Friday, a weekend, Easter Monday."""
    found = window(Right.PATENT, date(2026, 3, 26), HOLIDAYS)
    assert (found.moved_from, found.last_day) == (date(2027, 3, 26), date(2027, 3, 30))
    assert str(found) == "the 12 months from 2026-03-26 end on Tuesday 2027-03-30, moved from Friday 2027-03-26"
    assert found.knows_holidays


def test_a_list_without_that_year_is_told() -> None:
    found = window(Right.PATENT, date(2028, 3, 13), HOLIDAYS)
    assert not found.knows_holidays
    assert window(Right.PATENT, date(2027, 3, 12), HOLIDAYS).knows_holidays
    assert "no holidays of 2029 were given" in str(found)


@pytest.mark.parametrize(("right", "filing"), [(Right.PATENT, date(9999, 1, 1)), (Right.DESIGN, date(9999, 6, 30))])
def test_the_end_of_the_calendar(right: Right, filing: date) -> None:
    holidays = frozenset({date(9999, 12, 30), date(9999, 12, 31)})
    with pytest.raises(InputError, match="after the year 9999"):
        priority_window(right, filing, holidays)


# -- a later filing -------------------------------------------------------------------------------------------------


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(-800, 800), st.sampled_from([*MONTHS]))
def test_where_a_later_filing_lies(filing: date, distance: int, right: Right) -> None:
    found, later = window(right, filing), filing + distance * DAY
    told = place(found, later)
    inside = [filing + step * DAY for step in range(1, (found.last_day - filing).days + 1)]
    assert told.is_within == (later in inside)
    if told.where is Where.AFTER:
        assert found.last_day + told.days * DAY == later
        assert f"by {told.days} day" in told.sentence
    elif told.where is Where.BEFORE:
        assert filing - told.days * DAY == later
    else:
        assert told.days == 0
        assert (told.where is Where.SAME_DAY) == (later == filing)


def test_the_sentences() -> None:
    found = window(Right.PATENT, date(2026, 3, 12), HOLIDAYS)
    assert place(found, date(2027, 3, 12)).sentence == (
        "The later filing of 2027-03-12 lies within the 12 months of Article 4C of the Paris Convention: "
        "the 12 months from 2026-03-12 end on Friday 2027-03-12."
    )
    assert "outside the 12 months of Article 4C of the Paris Convention, by 1 day:" in (
        place(found, date(2027, 3, 13)).sentence
    )
    assert "is 1 day before the first filing" in place(found, date(2026, 3, 11)).sentence
    assert "no later filing" in place(found, date(2026, 3, 12)).sentence
    assert "no priority period is counted" in place(None, date(2026, 3, 12)).sentence


def test_no_sentence_says_that_a_right_exists() -> None:
    found = window(Right.DESIGN, date(2026, 3, 12))
    days = [date(2026, 3, 11), date(2026, 3, 12), date(2026, 3, 13), date(2027, 3, 12)]
    told = [place(found, day).sentence for day in days] + [place(None, days[0]).sentence]
    for sentence in told:
        assert not re.search("title|ownership|legal effect|priority right|right of priority|valid|entitle", sentence)


# -- the list of holidays -------------------------------------------------------------------------------------------


def test_a_list_of_holidays() -> None:
    data = b"\xef\xbb\xbf# Office of XX\r\n2026-12-25  # Christmas\r\n\r\n  2026-12-26\n2026-12-25\n2027-01-01"
    assert read_holidays(data, "it") == {date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1)}
    assert read_holidays(b"", "it") == frozenset()


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"2026-12-25\n25.12.2026\n", "it, line 2: '25.12.2026' is no date"),
        (b"2026-02-30", "line 1"),
        (b"2026-12-25 Christmas", "line 1"),
        (b"2026-12-25,2026-12-26", "line 1"),
        (b"2026-12-25\r2026-12-26", "line 1"),
        (b"\n\n2026-12-2\xff", "not UTF-8"),
        (b"\0", "line 1"),
        (b"#" * (limits.HOLIDAYS_BYTES + 1), "no list of holidays"),
    ],
)
def test_what_is_no_list_of_holidays(data: bytes, fault: str) -> None:
    with pytest.raises(FormatError, match=fault):
        read_holidays(data, "it")
