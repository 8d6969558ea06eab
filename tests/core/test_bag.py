"""Bag manifests: what is written comes back, in whatever pieces and with whatever line ends; little else is read."""

import hashlib
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary import limits
from notary.core.bag import manifest_line, read_manifest
from notary.errors import FormatError

DIGEST = bytes.fromhex("ab" * 32)
ANY_CASE = "aB" * 32

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(lambda text: f"data/{text}")


def cut(data: bytes, length: int) -> list[bytes]:
    return [data[at : at + length] for at in range(0, len(data), length)]


def read(data: bytes, length: int = 1000) -> list[tuple[str, bytes]]:
    return list(read_manifest(cut(data, length), "the manifest"))


@given(st.lists(names), st.integers(1, 100))
def test_manifests_come_back(names: list[str], length: int) -> None:
    listed = [(name, hashlib.sha256(name.encode()).digest()) for name in names]
    assert read(b"".join(manifest_line(*one) for one in listed), length) == listed


def test_a_line_is_what_sha256sum_prints() -> None:
    assert manifest_line("data/é", DIGEST) == f"{DIGEST.hex()}  data/é\n".encode()
    assert manifest_line("data/100%\r\n", DIGEST) == f"{DIGEST.hex()}  data/100%25%0D%0A\n".encode()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("data/a%0Ab", "data/a\nb"),
        ("data/a%0ab", "data/a\nb"),
        ("data/a%0Db", "data/a\rb"),
        ("data/a%25b", "data/a%b"),
        ("data/a%250Ab", "data/a%0Ab"),
        ("data/a%2525b", "data/a%25b"),
        ("data/a%41b", "data/a%41b"),
        ("*data/binary", "data/binary"),
        ("data/two  blanks ", "data/two  blanks "),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", ""])
@pytest.mark.parametrize("length", [1, 1000])
def test_names_in_manifests_are_unescaped(line: str, name: str, end: str, length: int) -> None:
    assert read(f"{ANY_CASE}  {line}{end}".encode(), length) == [(name, DIGEST)]


@pytest.mark.parametrize("length", [1, 2, 3, 1000])
def test_carriage_returns_do_not_make_other_characters_end_lines(length: int) -> None:
    text = f"{ANY_CASE}  data/a\u2028b\r\n{ANY_CASE}  data/c\x0bd\r\n"
    assert [name for name, _ in read(text.encode(), length)] == ["data/a\u2028b", "data/c\x0bd"]


@given(st.text("\r\nx", max_size=12), st.integers(1, 4))
def test_lines_end_as_rfc_8493_says(text: str, length: int) -> None:
    """A line is ended by CR, LF, or both; an empty one is no digest and name."""
    text = text.replace("x", f"{ANY_CASE}  x")
    ended = re.split("\r\n|\r|\n", text)
    expected = ended if ended[-1] else ended[:-1]
    try:
        found = len(read(text.encode(), length))
    except FormatError:
        found = None
    assert found == (None if "" in expected else len(expected))


@pytest.mark.parametrize(
    "data",
    [
        b"\xff",
        b"\n",
        DIGEST.hex().encode(),
        f"{ANY_CASE[1:]}  data/x\n".encode(),
        f"{ANY_CASE}  \n".encode(),
        f"{ANY_CASE}  data/x\n\n".encode(),
        f"{ANY_CASE}  ".encode() + b"\xff\n",
    ],
)
@pytest.mark.parametrize("length", [1, 1000])
def test_bad_manifests_are_refused(data: bytes, length: int) -> None:
    with pytest.raises(FormatError, match="the manifest"):
        read(data, length)


@pytest.mark.parametrize("length", [1000, 10**6])
def test_lines_are_bounded(length: int) -> None:
    room = limits.BAG_LINE_BYTES - 66
    assert read(f"{ANY_CASE}  {'x' * (room - 1)}\n".encode(), length)
    for long in ("x" * (room + 1), "x" * (room + 1) + "\n", "x" * 10 * room):
        with pytest.raises(FormatError, match="over 65536 bytes"):
            read(f"{ANY_CASE}  {long}".encode(), length)


@given(st.binary(max_size=200), st.integers(1, 50))
def test_no_manifest_raises_anything_else(data: bytes, length: int) -> None:
    with suppress(FormatError):
        read(data, length)
