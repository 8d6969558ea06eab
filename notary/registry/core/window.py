"""The priority period of the Paris Convention, Article 4C, and where a later filing lies.

- C(1): 12 months for patents and utility models, 6 for industrial designs and trademarks.
- C(2): it starts with the first filing's date; the day of filing is not counted. So it ends on the same day of the
  month, or on the month's last where that has no such day.
- C(3): a last day that is an official holiday, or on which the office is not open, where protection is claimed, moves
  to the first working day after it. Here: Saturdays, Sundays, and the days of the list that the examiner gives.

Deliberately absent: restoration, the rules that take over another period (Article 4E(1): a design that rests on a
utility model has 6 months), and any word on whether the right exists. It is arithmetic.
"""

from calendar import monthrange
from collections.abc import Set
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from notary import limits
from notary.core.strict_json import quoted
from notary.errors import FormatError, InputError
from notary.registry.core.terms import Right, real_date

MONTHS = {Right.PATENT: 12, Right.UTILITY_MODEL: 12, Right.DESIGN: 6, Right.TRADEMARK: 6}

_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Window:
    """A priority period. `moved_from` is its last day by the months alone, where that is none to file on.

    `knows_holidays` says whether the list had any day of the last day's year.
    """

    months: int
    filing_date: date
    last_day: date
    moved_from: date | None
    knows_holidays: bool

    def __str__(self) -> str:
        moved = f", moved from {_named(self.moved_from)}" if self.moved_from else ""
        year = self.last_day.year
        only = "" if self.knows_holidays else f"; no holidays of {year} were given, so only weekends are left out"
        return f"the {self.months} months from {self.filing_date} end on {_named(self.last_day)}{moved}{only}"


class Where(StrEnum):
    WITHIN = "within"
    AFTER = "after"
    SAME_DAY = "same day"
    BEFORE = "before"
    UNDEFINED = "undefined"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a later filing lies. `days` are those by which it is outside: past the last day, or before the filing."""

    where: Where
    days: int
    sentence: str

    @property
    def is_within(self) -> bool:
        return self.where is Where.WITHIN


def priority_window(right: Right, filing_date: date, holidays: Set[date] = frozenset()) -> Window | None:
    """The period that a first filing on `filing_date` opens; None for the kind `other`, of which nothing is known.

    Raises InputError where it would end after the year 9999.
    """
    months = MONTHS.get(right)
    if months is None:
        return None
    try:
        nominal = _same_day(filing_date, months)
        last = nominal
        while last.weekday() >= _SATURDAY or last in holidays:
            last += _DAY
    except (ValueError, OverflowError):
        raise InputError(f"the {months} months from {filing_date} end after the year 9999") from None
    knows = any(day.year == last.year for day in holidays)
    return Window(months, filing_date, last, nominal if nominal != last else None, knows)


def _same_day(start: date, months: int) -> date:
    years, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, month + 1
    return date(year, month, min(start.day, monthrange(year, month)[1]))


def place(window: Window | None, later_filing: date) -> Place:
    """Where `later_filing` lies, and the sentence that says it."""
    if window is None:
        sentence = "The entry's kind is `other`, so no priority period is counted."
        return Place(Where.UNDEFINED, 0, sentence)
    first, last = window.filing_date, window.last_day
    period = f"the {window.months} months of Article 4C of the Paris Convention"
    if later_filing < first:
        days = (first - later_filing).days
        is_before = f"is {_days(days)} before the first filing of {first}, with which {period} begin"
        return Place(Where.BEFORE, days, f"The filing of {later_filing} {is_before}: it lies outside them.")
    if later_filing == first:
        is_same = f"is of the same day as the first filing, which {period} do not count"
        return Place(Where.SAME_DAY, 0, f"The filing of {later_filing} {is_same}: it is no later filing.")
    if later_filing <= last:
        return Place(Where.WITHIN, 0, f"The later filing of {later_filing} lies within {period}: {window}.")
    days = (later_filing - last).days
    outside = f"lies outside {period}, by {_days(days)}"
    return Place(Where.AFTER, days, f"The later filing of {later_filing} {outside}: {window}.")


def _named(day: date) -> str:
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    return f"{names[day.weekday()]} {day}"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count:,} days"


def read_holidays(data: bytes, name: str) -> frozenset[date]:
    """The days on which an office is closed: a text file, a line `2026-12-25` for each, `#` before a remark.

    Raises FormatError, which says `name` and the line.
    """
    if len(data) > limits.HOLIDAYS_BYTES:
        raise FormatError(f"{name} is over {limits.HOLIDAYS_BYTES:,} bytes, and no list of holidays")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FormatError(f"{name} is not UTF-8") from None
    days: set[date] = set()
    for number, line in enumerate(text.split("\n"), 1):
        written = line.partition("#")[0].strip()
        if written:
            try:
                days.add(real_date(written, "the holiday"))
            except FormatError:
                raise FormatError(
                    f"{name}, line {number}: {quoted(written)} is no date",
                    "a date a line, as 2026-12-25; after # a remark",
                ) from None
    return frozenset(days)
