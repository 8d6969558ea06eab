"""JSON with one reading: no duplicate keys, no floats, no trailing bytes; and RFC 8785 for what is hashed."""

import json
import re
from typing import Any, NoReturn

from notary import limits
from notary.errors import FormatError

Json = dict[str, Any]

_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")

_QUOTED = 80

# The closing quote is optional so that a string without one is scanned once, not once from each quote in it.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


def canonical(value: Json) -> bytes:
    """`value` in RFC 8785 form. Keys are ASCII; values are strings, integers, or objects of these.

    Raises FormatError for anything else: a float, a list, an integer beyond 2**53 - 1, text that is not Unicode.
    """
    _only_canonical(value)
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise FormatError("a record holds text that is not valid Unicode") from None


def _only_canonical(value: object) -> None:
    if isinstance(value, dict):
        for key, member in value.items():
            if not (isinstance(key, str) and key.isascii()):
                raise FormatError(f"a record's key is not ASCII text: {quoted(key)}")
            _only_canonical(member)
    elif isinstance(value, bool) or not isinstance(value, str | int):
        raise FormatError(f"a record holds a {type(value).__name__}; strings, integers and objects of them are allowed")
    elif isinstance(value, int) and abs(value) > limits.JSON_INTEGER:
        raise FormatError(f"a record holds an integer beyond 2^53 - 1: {value}")


def read_object(data: bytes, what: str, limit: int) -> Json:
    """The JSON object that `data` is, `what` naming it in errors.

    Raises FormatError for more than `limit` bytes, bytes that are not UTF-8, nesting deeper than
    `limits.JSON_DEPTH`, duplicate keys, floats, integers beyond 2**53 - 1, trailing bytes, or a value that is
    no object.
    """
    if len(data) > limit:
        raise FormatError(f"{what} is over {limit} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise FormatError(f"{what} is not UTF-8") from None
    _bound_depth(text, what)

    def refuse(fault: str) -> NoReturn:
        raise FormatError(f"{what} {fault}")

    def distinct(pairs: list[tuple[str, Any]]) -> Json:
        members = dict(pairs)
        if len(members) < len(pairs):
            refuse("has a key twice")
        return members

    def integer(digits: str) -> int:
        if len(digits) > 17 or abs(int(digits)) > limits.JSON_INTEGER:
            refuse("has an integer beyond 2^53 - 1")
        return int(digits)

    def no_float(number: str) -> NoReturn:
        refuse("has a number that is no integer")

    try:
        value = json.loads(
            text, object_pairs_hook=distinct, parse_int=integer, parse_float=no_float, parse_constant=no_float
        )
    except json.JSONDecodeError as error:
        raise FormatError(f"{what} is not JSON: {error.msg} at character {error.pos}") from None
    if not isinstance(value, dict):
        refuse("is not a JSON object")
    if _HALF_PAIR.search(text) and not is_unicode(value):
        refuse("has text that is not valid Unicode")
    return value


def is_unicode(value: Json | str) -> bool:
    """Whether all text in `value` can be written as UTF-8: half a surrogate pair cannot."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _bound_depth(text: str, what: str) -> None:
    """Counted before parsing: the parser recurses."""
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        if token[0] in ("[", "{"):
            depth += 1
            if depth > limits.JSON_DEPTH:
                raise FormatError(f"{what} is nested deeper than {limits.JSON_DEPTH}")
        elif token[0] in ("]", "}"):
            depth -= 1


def quoted(value: object) -> str:
    """`value` for an error's line: cut where it is long."""
    text = repr(value)
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}..."


def hex_field(members: Json, key: str, size: int, what: str) -> bytes:
    """The `size` bytes that `members[key]` writes in lower-case hex. Raises FormatError."""
    value = members.get(key)
    if not (isinstance(value, str) and len(value) == 2 * size and not set(value) - set("0123456789abcdef")):
        raise FormatError(f"{what}: {key} is not {size} bytes in lower-case hex")
    return bytes.fromhex(value)
