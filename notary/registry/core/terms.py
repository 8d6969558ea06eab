"""The register's terms: events, rights, kinds of reference, and how the value of each key is written.

Access codes of WIPO DAS open an application to whoever has them, and a register is published. So it takes in

- no key that is named for one (`access_code`, `das_code`, `confirmation_number`, ...);
- no text that speaks of an "access code", in words or as a parameter of an address;
- no `das` reference with four letters or digits behind its number, set off by a blank or the like; the USPTO's codes
  are four digits, others mix letters in. A number that ends so itself can be written without its blanks.

A bare code in another field cannot be told from a number, and is not looked for.
"""

import re
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from notary import limits
from notary.core.digest import DIGEST_BYTES
from notary.core.strict_json import hex_field, quoted
from notary.errors import FormatError
from notary.registry.core.links import check_url
from notary.registry.core.offices import check_office, check_st13


class Event(StrEnum):
    FILED = "filed"
    CORRECTED = "corrected"
    PUBLISHED = "published"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    ASSIGNED = "assigned"
    LICENSED = "licensed"
    LAPSED = "lapsed"


class Right(StrEnum):
    PATENT = "patent"
    UTILITY_MODEL = "utility-model"
    DESIGN = "design"
    TRADEMARK = "trademark"
    OTHER = "other"


REFERENCES = ("das", "case", "pct", "madrid", "hague", "url")
"""The kinds of references; an entry has at most one of each. `das` is an office's code, a blank and a number; `url` an
address; the others are what those systems call the application, as text."""

_EVENTS = {event.value: event for event in Event}
_RIGHTS = {right.value: right for right in Right}
_Term = TypeVar("_Term", Event, Right)

# Controls, ends of lines, halves of pairs. By code points: categories differ between releases of Unicode, and so would
# readers.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")

_CODE_KEY = re.compile("accesscode|dascode|daskey|dasaccess|confirmation|password")
_CODE_WORDS = re.compile(r"([Aa][Cc][Cc][Ee][Ss]{2}|[Dd][Aa][Ss])[^0-9A-Za-z]{0,3}[Cc][Oo][Dd][Ee]")
_MIXED = "(?=[0-9]*[A-Za-z])(?=[A-Za-z]*[0-9])"
_CODE_BEHIND = re.compile(rf".(?:[\s,;:|#=\\(\[]|[/._-]{_MIXED})[0-9A-Za-z]{{4}}[\])]?\Z")
_DAS = re.compile("([A-Z]{2}) ([^ ].*)")

_NO_CODES = "an access code of WIPO DAS is a credential, and a register is published: leave it out"


def is_credential_key(key: str) -> bool:
    """Whether a key or a column of this name would hold an access code."""
    return _CODE_KEY.search(re.sub("[^a-z]", "", key.lower())) is not None


def unknown_key(key: str, what: str) -> FormatError:
    """The refusal of a key that `what` does not have."""
    if is_credential_key(key):
        return FormatError(f"{what} has {quoted(key)}, and takes no access code", _NO_CODES)
    return FormatError(f"{what} has the unknown key {quoted(key)}")


def read_value(key: str, value: object, what: str) -> Any:
    """What `value` means as the value of an open entry's `key`. Raises FormatError."""
    reader = _READERS.get(key)
    if reader is None:
        raise unknown_key(key, what)
    return reader(value, what, key)


@lru_cache(maxsize=4096)  # the filings of a day share it
def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def real_date(text: str, what: str) -> date:
    """The day that `text` is, as YYYY-MM-DD. Raises FormatError."""
    day = _day(text) if len(text) == len("YYYY-MM-DD") else None
    if day is None:
        raise FormatError(f"{what} is no day of the calendar: {quoted(text)}", "a date is written 2026-03-12")
    return day


def day_field(value: object, what: str, key: str) -> date:
    """The day that the value of `key` is. Raises FormatError."""
    if not isinstance(value, str):
        raise FormatError(f"{what}: {key} is missing, or not text")
    return real_date(value, f"{what}: {key}")


def check_text(value: object, what: str, longest: int) -> str:
    """`value`, if it is text for one line: not empty, no blank at either end, no control character, at most `longest`
    bytes of UTF-8, and no word of an access code. Raises FormatError."""
    if not isinstance(value, str):
        raise FormatError(f"{what} is not text")
    if not value or value[0] == " " or value[-1] == " " or _CONTROL.search(value):
        raise FormatError(f"{what} is empty, has a blank at an end or a control character: {quoted(value)}")
    if len(value.encode()) > longest:
        raise FormatError(f"{what} is over {longest:,} bytes")
    if _CODE_WORDS.search(value):
        raise FormatError(f"{what} speaks of an access code", _NO_CODES)
    return value


def _term(terms: dict[str, _Term], value: object, what: str) -> _Term:
    term = terms.get(value) if isinstance(value, str) else None
    if term is None:
        raise FormatError(f"{what} is {quoted(value)}, none of {', '.join(terms)}")
    return term


def _references(value: object, what: str, key: str) -> tuple[tuple[str, str], ...]:
    if not (isinstance(value, dict) and value):
        raise FormatError(f"{what}: {key} is no object with at least one reference")
    for kind, text in value.items():
        if kind not in REFERENCES:
            raise unknown_key(kind, f"{what}: {key}")
        check_reference(kind, text, f"{what}: {key}: {kind}")
    return tuple(sorted(value.items()))


def check_reference(kind: str, value: object, what: str) -> str:
    """`value`, if it is a reference of this kind. Raises FormatError."""
    if kind == "url":
        return check_url(check_text(value, what, limits.REGISTRY_URL_BYTES), what)
    text = check_text(value, what, limits.REGISTRY_TEXT_BYTES)
    if kind == "das":
        match = _DAS.fullmatch(text)
        if match is None:
            raise FormatError(f"{what} is no office's code, a blank and a number", "such as US 17/123,456")
        if _CODE_BEHIND.search(match[2]):
            raise FormatError(
                f"{what} has four characters set off behind its number, as access codes have",
                _NO_CODES,
                "if the number itself ends so, write it without blanks",
            )
    return text


_READERS: dict[str, Callable[[object, str, str], Any]] = {
    "event": lambda value, what, key: _term(_EVENTS, value, f"{what}: {key}"),
    "office": lambda value, what, key: check_office(value, f"{what}: {key}"),
    "number": lambda value, what, key: check_text(value, f"{what}: {key}", limits.REGISTRY_NUMBER_BYTES),
    "right": lambda value, what, key: _term(_RIGHTS, value, f"{what}: {key}"),
    "filing_date": day_field,
    "date": day_field,
    "digest": lambda value, what, key: hex_field({key: value}, key, DIGEST_BYTES, what),
    "st13": lambda value, what, key: check_st13(value, f"{what}: {key}"),
    "references": _references,
    "to": lambda value, what, key: check_text(value, f"{what}: {key}", limits.REGISTRY_TEXT_BYTES),
    "object": lambda value, what, key: hex_field({key: value}, key, DIGEST_BYTES, what),
    "previous": lambda value, what, key: hex_field({key: value}, key, DIGEST_BYTES, what),
}
