"""registries.toml: whom the reader trusts, and for which offices."""

import json
from typing import Any

import pytest

from notary import limits
from notary.errors import FormatError
from notary.registry.core.note import COSIGNATURE, ED25519, VerifierKey
from notary.registry.core.trusted import Asserter, TrustedRegistry, asserted_by, read_trusted, trusted_for

ORIGIN = "registry.example/ip"
KEY = VerifierKey(ORIGIN, ED25519, bytes([4]) * 32)
WITNESSES = tuple(VerifierKey(f"witness{n}.example", COSIGNATURE, bytes([n]) * 32) for n in (1, 2, 3))


def toml(*tables: dict[str, Any]) -> bytes:
    lines = []
    for table in tables:
        lines.append("[[registry]]")
        # A JSON string, number or list of strings is TOML too.
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items() if value is not None]
    return "\n".join(lines).encode()


def table(**changes: Any) -> dict[str, Any]:
    return {
        "origin": ORIGIN,
        "url": "https://registry.example/ip",
        "vkey": str(KEY),
        "offices": ["DE", "EP"],
        "witnesses": [str(one) for one in WITNESSES],
        "quorum": 2,
        "stale_after": 30,
        **changes,
    }


def test_a_registry_with_all_that_can_be_said() -> None:
    (found,) = read_trusted(b"\xef\xbb\xbf# mine\n" + toml(table()), "it")
    assert found == TrustedRegistry(
        ORIGIN, KEY, frozenset({"DE", "EP"}), "https://registry.example/ip", None, WITNESSES, 2, 30
    )


def test_a_registry_with_the_least() -> None:
    least = {"origin": ORIGIN, "folder": "../other office", "vkey": str(KEY), "offices": []}
    (found,) = read_trusted(toml(least), "it")
    assert found == TrustedRegistry(ORIGIN, KEY, frozenset(), folder="../other office")
    assert read_trusted(b"", "it") == ()


def test_whose_word_an_entry_is() -> None:
    (found,) = read_trusted(toml(table()), "it")
    assert [asserted_by(found, office) for office in ("DE", "EP", "US", "de", "")] == [
        *[Asserter.OFFICE] * 2,
        *[Asserter.APPLICANT] * 3,
    ]
    assert asserted_by(None, "DE") is Asserter.APPLICANT
    (silent,) = read_trusted(toml(table(offices=[])), "it")
    assert asserted_by(silent, "DE") is Asserter.APPLICANT
    assert [one.value for one in Asserter] == ["office-asserted", "applicant-asserted"]


def test_the_registry_of_an_origin() -> None:
    other = table(origin="other.example", vkey=str(VerifierKey("other.example", ED25519, bytes([9]) * 32)))
    found = read_trusted(toml(table(), other), "it")
    assert trusted_for(found, "other.example") == found[1]
    assert trusted_for(found, "registry.example") is None


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"origin": None}, "registry 1 has no origin"),
        ({"vkey": None}, "registry 1 has no vkey"),
        ({"offices": None}, "registry 1 has no offices"),
        ({"qourum": 2}, "unknown key 'qourum'"),
        ({"origin": "a b"}, "no name of a registry"),
        ({"origin": 7}, "no name of a registry"),
        ({"url": None}, "either url or folder"),
        ({"folder": "x"}, "either url or folder"),
        ({"url": "ftp://example.org"}, "http or https"),
        ({"url": "https://me:pw@example.org/"}, "http or https"),
        ({"url": "https://example.org/?x=1"}, "without"),
        ({"url": None, "folder": ""}, "folder is not text"),
        ({"url": None, "folder": "a\0b"}, "folder is not text"),
        ({"url": None, "folder": ["a"]}, "folder is not text"),
        ({"offices": "DE"}, "no list"),
        ({"offices": ["de"]}, "ST.3"),
        ({"offices": [7]}, "ST.3"),
        ({"vkey": "x"}, "no vkey"),
        ({"vkey": 7}, "vkey is not text"),
        ({"vkey": str(WITNESSES[0])}, "type 4; one of type 1 signs checkpoints"),
        ({"vkey": str(KEY).replace("ip+", "op+")}, "key ID"),
        ({"witnesses": [str(KEY)]}, "type 1; one of type 4 signs a witness's cosignatures"),
        ({"witnesses": str(WITNESSES[0])}, "no list"),
        ({"witnesses": [7]}, "witnesses is not text"),
        ({"witnesses": [str(WITNESSES[0])] * 2}, "twice the public key"),
        ({"witnesses": [str(VerifierKey("me", COSIGNATURE, bytes([4]) * 32))], "quorum": 1}, "twice the public key"),
        ({"quorum": None}, "witnesses and no quorum"),
        ({"quorum": 4}, "from 0 to 3"),
        ({"quorum": -1}, "from 0 to 3"),
        ({"quorum": True}, "from 0 to 3"),
        ({"quorum": "2"}, "from 0 to 3"),
        ({"witnesses": None, "quorum": 1}, "from 0 to 0"),
        ({"stale_after": 0}, "from 1 to"),
        ({"stale_after": 1.5}, "from 1 to"),
        ({"stale_after": 10**9}, "from 1 to"),
    ],
)
def test_what_a_registry_may_not_be(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(FormatError, match=fault):
        read_trusted(toml(table(**changes)), "it")


def test_one_witness_under_two_names_counts_once() -> None:
    twin = VerifierKey("other.example", COSIGNATURE, WITNESSES[0].public_key)
    with pytest.raises(FormatError, match="twice the public key"):
        read_trusted(toml(table(witnesses=[str(WITNESSES[0]), str(twin)])), "it")


def test_two_registries_are_two() -> None:
    renamed = str(VerifierKey("other", ED25519, KEY.public_key))
    with pytest.raises(FormatError, match="two registries have the origin"):
        read_trusted(toml(table(), table(vkey=str(VerifierKey("o", ED25519, bytes([9]) * 32)))), "it")
    with pytest.raises(FormatError, match="two registries have the public key"):
        read_trusted(toml(table(), table(origin="other.example", vkey=renamed)), "it")


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"[[registry]", "not TOML"),
        (b"\xff", "not TOML"),
        (b"registry = 1", "list of tables"),
        (b"registry = [1]", "list of tables"),
        (b"[registry]\norigin = 'x'", "list of tables"),
        (b"registries = []", "unknown key 'registries'"),
        (b"x = " + b"[" * 5000 + b"]" * 5000, "not TOML"),
        (b"#" * (limits.REGISTRIES_BYTES + 1), "over 262,144 bytes"),
        (b"[[registry]]\n" * (limits.REGISTRIES + 1), "over 500 registries"),
    ],
)
def test_files_that_are_none(data: bytes, fault: str) -> None:
    with pytest.raises(FormatError, match=fault):
        read_trusted(data, "it")


def test_witnesses_are_bounded() -> None:
    many = [str(VerifierKey("w", COSIGNATURE, bytes([n]) * 32)) for n in range(1, limits.REGISTRY_WITNESSES + 2)]
    with pytest.raises(FormatError, match="over 64 witnesses"):
        read_trusted(toml(table(witnesses=many)), "it")
