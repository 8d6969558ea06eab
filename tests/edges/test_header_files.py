"""edges.header_files: a bundle's pair of files, and a flat file."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary.core.header import Header
from notary.edges.header_files import HeaderRuns, open_headers, parse_runs
from notary.errors import FormatError, InputError


def chain(length: int, salt: int = 0) -> list[Header]:
    """Headers that link; nothing else about them is sound."""
    headers: list[Header] = []
    for number in range(length):
        before = headers[-1].hash if headers else bytes(32)
        headers.append(Header(bytes(4) + before + bytes([salt]) * 32 + number.to_bytes(12, "little")))
    return headers


def index(*runs: tuple[int, int], network: str = "bitcoin") -> bytes:
    return json.dumps(
        {"network": network, "runs": [{"start": start, "count": count} for start, count in runs]}
    ).encode()


def raw(headers: list[Header]) -> bytes:
    return b"".join(header.raw for header in headers)


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(1, 30), st.integers(-5, 70))
def test_a_row_in_two_runs_is_one_row(start: int, first: int, second: int, at: int) -> None:
    row = chain(first + second)
    runs = parse_runs(index((start, first), (start + first, second)), raw(row))
    found = runs.at(start + at, 12) if start + at >= 0 else []
    assert list(found) == (row[at : at + 12] if at >= 0 else [])


def test_a_run_goes_as_far_as_it_links() -> None:
    row = chain(6)
    broken = [*row[:3], *chain(3, salt=1)]
    runs = parse_runs(index((100, 6)), raw(broken))
    assert list(runs.at(100, 12)) == row[:3]
    assert list(runs.at(103, 12)) == []
    assert all(after.previous == before.hash for before, after in pairwise(runs.at(101, 12)))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'{"network": "bitcoin"}',
        b'{"network": 1, "runs": []}',
        b'{"network": "bitcoin", "runs": [], "more": 1}',
        index((0, 3)),
        index((0, 1)),
        index((-1, 2)),
        index((0, 0), (0, 2)),
        b'{"network": "bitcoin", "runs": [{"start": 0, "count": true}, {"start": 0, "count": 1}]}',
        b'{"network": "bitcoin", "runs": [{"start": 0}]}',
    ],
)
def test_what_does_not_fit_is_refused(text: bytes) -> None:
    with pytest.raises(FormatError):
        parse_runs(text, raw(chain(2)))


def test_a_flat_file_is_read_where_it_is_asked(tmp_path: Path) -> None:
    row = chain(40)
    (tmp_path / "flat").write_bytes(raw(row))
    flat = open_headers(tmp_path / "flat")
    assert list(flat.at(0, 12)) == row[:12]
    assert list(flat.at(35, 12)) == row[35:]
    assert list(flat.at(40, 12)) == list(flat.at(2**32, 12)) == []


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        open_headers(tmp_path / "missing")
    (tmp_path / "odd").write_bytes(bytes(81))
    with pytest.raises(FormatError, match="no multiple of 80"):
        open_headers(tmp_path / "odd")
    (tmp_path / "headers.bin").write_bytes(bytes(80))
    (tmp_path / "headers.json").write_bytes(b"{}")
    with pytest.raises(FormatError, match=r"headers\.bin: "):
        open_headers(tmp_path / "headers.bin")


def test_very_many_short_runs_cost_one_look_at_each() -> None:
    """A bundle may cut its headers into runs of one; looking for a row must not go through all of them each time."""
    row = chain(3000)
    runs = [(10**9, (row[0],))] * 97_000 + [(at, (one,)) for at, one in enumerate(row)]
    seen = 0

    class Counting(tuple[tuple[int, tuple[Header, ...]], ...]):
        def __iter__(self) -> Iterator[tuple[int, tuple[Header, ...]]]:
            nonlocal seen
            seen += len(self)
            return super().__iter__()

    kept = HeaderRuns("regtest", Counting(runs))
    assert list(kept.at(500, 2016)) == row[500:2516]
    assert seen == len(runs)
