"""claim.json: what is written is read, and leads to the entry's leaf."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notary import limits
from notary.core.digest import record_hash
from notary.errors import FormatError
from notary.registry.core.claim import Claim, read_claim, write_claim
from notary.registry.core.entry import Open, Opening, Sealed, members_of, write_entry
from notary.registry.core.links import read_link
from notary.registry.core.terms import Event
from tests.registry.register import DIGEST, FILING_DATE, T, entries, filed, later, members, plain

ORIGIN = "registry.example/ip"


@settings(max_examples=60, deadline=None)
@given(entries(), st.integers(0, limits.JSON_INTEGER))
def test_a_claim_of_an_open_entry(record: Open, index: int) -> None:
    claim = Claim(ORIGIN, index, record)
    data = write_claim(claim)
    assert data == plain(json.loads(data)) + b"\n"
    assert read_claim(data) == claim
    assert not claim.is_sealed
    assert claim.entry_bytes == write_entry(record) == plain(json.loads(data)["entry"])
    assert read_link(str(claim.link)) == claim.link


@settings(max_examples=60, deadline=None)
@given(entries(can_open=False), st.binary(min_size=16, max_size=16))
def test_a_claim_of_a_sealed_entry(record: Open, t: bytes) -> None:
    claim = read_claim(write_claim(Claim(ORIGIN, 411, record, t)))
    assert claim.is_sealed
    sealed = Sealed(record_hash(t, plain(members_of(record))))
    assert claim.entry_bytes == write_entry(sealed)
    assert claim.link.leaf == hashlib.sha256(b"\0" + write_entry(sealed)).digest()


def test_white_space_changes_no_leaf() -> None:
    claim = Claim(ORIGIN, 0, filed(), T)
    loose = json.dumps(json.loads(write_claim(claim)), indent=2).encode()
    assert read_claim(loose).entry_bytes == claim.entry_bytes


def sound(**changes: Any) -> dict[str, Any]:
    values = {
        "format": "notary-registry-claim/v1",
        "origin": ORIGIN,
        "index": 411,
        "record": members(),
        "t": T.hex(),
        **changes,
    }
    return {key: value for key, value in values.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"format": "notary-registry-claim/v2"}, "format"),
        ({"format": None}, "format"),
        ({"origin": None}, "other keys"),
        ({"origin": "a b"}, "no name of a registry"),
        ({"index": None}, "other keys"),
        ({"index": -1}, "not a number from 0"),
        ({"index": True}, "not a number from 0"),
        ({"index": "411"}, "not a number from 0"),
        ({"index": 2**53}, "beyond"),
        ({"record": None}, "other keys"),
        ({"record": []}, "not an object"),
        ({"record": members(office="de")}, "ST.3"),
        ({"record": members(access_code="A1B2")}, "takes no access code"),
        ({"record": {"format": "notary-registry/v1", "commitment": "ab" * 32}}, "unknown key 'commitment'"),
        ({"t": None}, "other keys"),
        ({"t": T.hex().upper() + "0"}, "t is not 16 bytes"),
        ({"entry": members()}, "other keys"),
        ({"entry": members(), "record": None}, "other keys"),
        ({"entry": members(), "t": None}, "other keys"),
        ({"vkey": "x"}, "other keys"),
    ],
)
def test_what_a_claim_may_not_be(changes: dict[str, Any], fault: str) -> None:
    assert read_claim(plain(sound()))
    with pytest.raises(FormatError, match=fault):
        read_claim(plain(sound(**changes)))


def test_a_claim_is_bounded() -> None:
    data = write_claim(Claim(ORIGIN, 0, filed()))
    assert read_claim(data + b" " * (limits.REGISTRY_CLAIM_BYTES - len(data)))
    with pytest.raises(FormatError, match="over 65536 bytes"):
        read_claim(data + b" " * (limits.REGISTRY_CLAIM_BYTES - len(data) + 1))


def test_what_is_not_written() -> None:
    opened = later(Event.PUBLISHED, FILING_DATE, DIGEST, DIGEST, opening=Opening(T, filed()))
    for claim in (Claim("a b", 0, filed()), Claim(ORIGIN, -1, filed()), Claim(ORIGIN, 0, filed(digest=None))):
        with pytest.raises(FormatError):
            write_claim(claim)
    with pytest.raises(FormatError, match="no published entry"):
        write_claim(Claim(ORIGIN, 0, opened, T))
