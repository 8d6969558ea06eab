"""The hashes of the commitment. Their values are held by test_vectors; here is what tells them apart."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary.core import digest
from notary.core.digest import (
    Salter,
    head_hash,
    leaf_hash,
    node_hash,
    record_hash,
    seal_hash,
    statement_hash,
)

hashes = st.binary(min_size=32, max_size=32)


def test_prefixes_are_those_of_the_design() -> None:
    prefixes = [digest.LEAF, digest.NODE, digest.HEAD, digest.SEAL, digest.STATEMENT, digest.RECORD]
    assert b"".join(prefixes) == bytes(range(6))


@given(hashes, hashes)
def test_each_kind_hashes_its_own_prefix(one: bytes, other: bytes) -> None:
    def plain(*parts: bytes) -> bytes:
        return hashlib.sha256(b"".join(parts)).digest()

    s, size = one[:16], (7).to_bytes(8, "big")
    assert leaf_hash(one, s, other) == plain(b"\0", one, s, other)
    assert node_hash(one, other) == plain(b"\1", one, other)
    assert head_hash(one, 7, other) == plain(b"\2notary/v1\n", one, size, other)
    assert seal_hash(one, other) == plain(b"\3", one, plain(other))
    assert statement_hash(one, other) == plain(b"\4", plain(one), plain(other))
    assert record_hash(s, other) == plain(b"\5", s, other)


def test_an_empty_token_is_a_token() -> None:
    head = bytes(32)
    assert seal_hash(head) == head
    assert seal_hash(head, b"") != head


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_salts_differ_from_item_to_item(key: bytes, one: int, other: int) -> None:
    drawn = [Salter(key).salts(one), Salter(key).salts(other)]
    assert {len(salt) for both in drawn for salt in (both.s, both.t)} == {16}
    assert len({salt for both in drawn for salt in (both.s, both.t)}) == (2 if one == other else 4)


@pytest.mark.parametrize("index", [-1, 2**64])
def test_an_index_is_a_u64(index: int) -> None:
    with pytest.raises(OverflowError):
        Salter(bytes(32)).salts(index)


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**64 - 1), hashes, st.binary(max_size=200))
def test_salts_are_the_hmac_of_the_design_and_go_into_the_leaf(
    key: bytes, index: int, one: bytes, record: bytes
) -> None:
    salter = Salter(key)
    both = hmac.digest(key, b"notary/v1 salts" + index.to_bytes(8, "big"), "sha256")
    assert salter.pair(index) == both
    assert (salter.salts(index).s, salter.salts(index).t) == (both[:16], both[16:])
    start = min(index, 2**64 - 2)
    first, second = (salter.salts(start + step) for step in (0, 1))
    assert salter.leaves(start, [(one, record), (both, b"")]) == b"".join(
        [leaf_hash(one, first.s, record_hash(first.t, record)), leaf_hash(both, second.s, record_hash(second.t, b""))]
    )
