"""core.countersignature: a statement as it is written, and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary import limits
from notary.core.countersignature import FORMAT, Countersignature, read_countersignature, write_countersignature
from notary.errors import FormatError

HEAD = bytes(range(32))
MEMBERS: dict[str, Any] = {"format": FORMAT, "head": HEAD.hex(), "meaning": "read and understood"}


@given(st.binary(min_size=32, max_size=32), st.text(st.characters(exclude_categories=["Cs"]), max_size=4096))
def test_round_trip(head: bytes, meaning: str) -> None:
    stated = Countersignature(head, meaning)
    assert read_countersignature(write_countersignature(stated)) == stated


def test_any_white_space_is_read() -> None:
    assert read_countersignature(json.dumps(MEMBERS).encode()) == Countersignature(HEAD, "read and understood")


@pytest.mark.parametrize("key", MEMBERS)
def test_each_key_is_needed(key: str) -> None:
    with pytest.raises(FormatError):
        read_countersignature(json.dumps({name: value for name, value in MEMBERS.items() if name != key}).encode())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("format", value) for value in ("notary-countersignature/v2", "notary/v1", "", None, 1, [FORMAT])),
        *(("head", value) for value in ("", "00" * 31, "00" * 33, "AB" * 32, "zz" * 32, 0, None, [])),
        *(("meaning", value) for value in (None, 1, [], {}, "x" * (limits.DECLARED_TEXT + 1))),
        ("more", "x"),
        ("", None),
    ],
)
def test_other_values_are_refused(key: str, value: Any) -> None:
    with pytest.raises(FormatError):
        read_countersignature(json.dumps(MEMBERS | {key: value}).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 50_000,
        json.dumps(MEMBERS).encode() + b"{}",
        json.dumps(MEMBERS).encode().replace(b'"head"', b'"head": "", "head"'),
        json.dumps(MEMBERS).encode().replace(b"read and", b"\\ud800"),
        b"\xef\xbb\xbf" + json.dumps(MEMBERS).encode(),
        json.dumps(MEMBERS).encode().ljust(limits.COUNTERSIGNATURE_BYTES + 1),
    ],
    ids=range(10),
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_countersignature(data)
    assert len(caught.value.message) < 300
