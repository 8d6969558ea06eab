"""One reading of JSON, and one writing."""

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notary import limits
from notary.core.strict_json import canonical, hex_field, read_object
from notary.errors import FormatError

LIMIT = 64 * 1024

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
keys = st.text(st.characters(max_codepoint=127), max_size=8)
integers = st.integers(-limits.JSON_INTEGER, limits.JSON_INTEGER)
records = st.dictionaries(
    keys,
    st.recursive(text | integers, lambda inner: st.dictionaries(keys, inner, max_size=3), max_leaves=6),
    max_size=5,
)


def read(data: bytes) -> Any:
    return read_object(data, "it", LIMIT)


def rfc8785(value: Any) -> str:
    """RFC 8785 section 3.2 for the values that records may have, as it is written there."""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{rfc8785(key)}:{rfc8785(value[key])}" for key in sorted(value)) + "}"
    short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(short.get(one) or (f"\\u{ord(one):04x}" if one < " " else one) for one in value) + '"'


# -- writing --------------------------------------------------------------------------------------------------------


@given(records)
@example({"text": "".join(map(chr, range(0x80)))})
@example({"b": 1, "a": 2, "B": 3, "": 4, "aa": 5, "\n": 6})
def test_canonical_is_rfc_8785(record: Any) -> None:
    assert canonical(record) == rfc8785(record).encode()


def test_string_of_the_rfc() -> None:
    """RFC 8785 section 3.2.2: its sample's string, as given and as it is to be written."""
    sample = json.loads(r'{"string": "\u20ac$\u000F\u000aA' + r"'" + r'\u0042\u0022\u005c\\\"\/"}')
    assert canonical(sample) == '{"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'.encode()


def test_what_needs_no_escape_gets_none() -> None:
    assert canonical({"a": "\x7f\u2028é日📜/"}) == '{"a":"\x7f\u2028é日📜/"}'.encode()


@pytest.mark.parametrize(
    "value",
    [1.0, 1.5, float("nan"), True, False, None, [], ["a"], b"a", 2**53, -(2**53), {"é": 1}, {1: 1}, {"a": None}],
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(FormatError):
        canonical({"a": value})


def test_text_that_is_not_unicode_is_refused() -> None:
    for lone in ("\ud800", "\udfff", "a\udcffb"):
        with pytest.raises(FormatError, match="Unicode"):
            canonical({"a": lone})


# -- reading --------------------------------------------------------------------------------------------------------


@given(records)
def test_round_trip(record: Any) -> None:
    assert read(canonical(record)) == record
    assert read(json.dumps(record, indent=3).encode()) == record


@pytest.mark.parametrize(
    ("fault", "data"),
    [
        ("twice", b'{"a":1,"a":1}'),
        ("twice", b'{"a":1,"\\u0061":2}'),
        ("twice", b'{"x":{"a":1,"b":2,"a":3}}'),
        ("twice", b'{"x":[{"a":1,"a":3}]}'),
        ("Extra data", b'{"a":1}{}'),
        ("Extra data", b'{"a":1} x'),
        ("Extra data", b'{"a":1}\0'),
        ("Extra data", b'{"a":1},'),
        ("no integer", b'{"a":1.0}'),
        ("no integer", b'{"a":1e3}'),
        ("no integer", b'{"a":-0.0}'),
        ("no integer", b'{"a":NaN}'),
        ("no integer", b'{"a":Infinity}'),
        ("no integer", b'{"a":-Infinity}'),
        ("beyond", b'{"a":9007199254740992}'),
        ("beyond", b'{"a":-9007199254740992}'),
        ("beyond", b'{"a":1' + b"0" * 5000 + b"}"),
        ("beyond", b'{"a":' + b"9" * 65000 + b"}"),
        ("not UTF-8", b'{"a":"\xff"}'),
        ("not UTF-8", b'{"a":"\xed\xa0\x80"}'),
        ("not UTF-8", b'{"a":"\xc0\xaf"}'),
        ("not JSON", b'\xef\xbb\xbf{"a":1}'),
        ("not", b"\xff\xfe{\0}\0"),
        ("not JSON", b""),
        ("not JSON", b" "),
        ("not JSON", b"{'a':1}"),
        ("not JSON", b'{"a":1,}'),
        ("not JSON", b"{a:1}"),
        ("not JSON", b'{"a":01}'),
        ("not JSON", b'{"a":+1}'),
        ("not JSON", b'{"a":0x1}'),
        ("not JSON", b'{"a":"\n"}'),
        ("not JSON", b'{"a":"\\x"}'),
        ("not JSON", b'{"a":"'),
        ("not JSON", b'{"a":1}//'.replace(b"}//", b"/**/}")),
        ("not a JSON object", b"[]"),
        ("not a JSON object", b'"a"'),
        ("not a JSON object", b"1"),
        ("not a JSON object", b"null"),
        ("nested", b'{"a":' * 9 + b"1" + b"}" * 9),
        ("nested", b'{"a":' + b"[" * 8 + b"]" * 8 + b"}"),
        ("nested", b"[" * 60000),
        ("nested", b'{"a":' * 10000),
    ],
)
def test_faults_are_named(fault: str, data: bytes) -> None:
    with pytest.raises(FormatError, match=fault) as caught:
        read(data)
    assert caught.value.message.startswith("it ")
    assert "\n" not in caught.value.message


def test_limits_are_reached() -> None:
    assert read(b'{"a":' * 8 + b"1" + b"}" * 8)
    assert read(b'{"a":9007199254740991,"b":-9007199254740991}') == {"a": 2**53 - 1, "b": 1 - 2**53}
    brackets = "[{" * 100 + '"]' + "\\"
    assert read(json.dumps({brackets: brackets}).encode()) == {brackets: brackets}
    exact = b'{"a":"' + b"a" * (LIMIT - 8) + b'"}'
    assert len(exact) == LIMIT
    assert read(exact)
    with pytest.raises(FormatError, match=f"over {LIMIT}"):
        read(exact + b" ")


@pytest.mark.parametrize("escape", ["\\ud800", "\\uDFFF", "\\udc00\\ud800", "a\\ud800a"])
@pytest.mark.parametrize("shape", ['{"a":"%s"}', '{"%s":1}', '{"a":{"b":["%s"]}}'], ids=["value", "key", "deeper"])
def test_half_a_surrogate_pair_is_no_text(escape: str, shape: str) -> None:
    """It could not be printed, hashed or written again."""
    with pytest.raises(FormatError):
        read((shape % escape).encode())


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert read(b'{"a":"\\ud83d\\udcdc"}') == {"a": "\U0001f4dc"}


json_like = st.text(st.sampled_from('{}[]":,\\ \nau0e.-1é\ud7ff'), max_size=40)


@given(st.binary(max_size=60) | json_like.map(lambda one: one.encode()) | st.just(b'{"a":1}'))
def test_any_bytes_are_an_object_or_a_format_error(data: bytes) -> None:
    try:
        found = read(data)
    except FormatError:
        return
    assert found == json.loads(data)
    assert isinstance(found, dict)


@pytest.mark.parametrize(
    "data",
    [
        b'"' * LIMIT,
        b'\\"' * (LIMIT // 2),
        b'"\\' * (LIMIT // 2),
        b'"' + b'\\"' * (LIMIT // 2 - 1),
        b'{"a":"' + b'\\"' * (LIMIT // 2 - 4) + b'"}',
        b'{"a":"' + b"\\" * (LIMIT - 7),
        b'{"' + b'":"' * (LIMIT // 3 - 1),
        b'{"":' * (LIMIT // 4),
        b"{" + b'"a":1,' * (LIMIT // 6 - 1),
        b"{}" * (LIMIT // 2),
        b'{"a":' + b" " * (LIMIT - 6),
        b'{"a":"' + b"\\u0061" * (LIMIT // 6 - 2),
        b'{"a":"' + b"\xf0\x9f\x93\x9c" * (LIMIT // 4 - 2),
        b'{"a":-' + b"1" * (LIMIT - 7),
        b'{"a":[' + b'"",' * (LIMIT // 3 - 3),
    ],
    ids=lambda data: repr(data[:12]),
)
def test_64_kib_of_anything_are_read_or_refused_at_once(data: bytes) -> None:
    """Python's own parser and the depth count are linear; none of these may make them otherwise."""
    assert LIMIT - 16 < len(data) <= LIMIT
    start = time.process_time()
    with contextlib.suppress(FormatError):
        read(data)
    assert time.process_time() - start < 0.25


# -- hex ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    ["", "ab", "abcdef0", "abcdef012", "ABCDEF01", "abcdef0g", "abcd ef01"[:8], " bcdef01", "٠١٢٣٤٥٦٧", 1, None],
)
def test_hex_is_lower_case_and_whole(value: Any) -> None:
    with pytest.raises(FormatError, match="it: h is not 4 bytes"):
        hex_field({"h": value}, "h", 4, "it")


def test_hex() -> None:
    assert hex_field({"h": "abcdef01"}, "h", 4, "it") == b"\xab\xcd\xef\x01"
    with pytest.raises(FormatError):
        hex_field({}, "h", 4, "it")
