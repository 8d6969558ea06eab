"""Links to entries, origins, and addresses of the web: one reading each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary import limits
from notary.errors import FormatError
from notary.registry.core.links import Link, check_origin, check_url, read_link
from notary.registry.core.note import ED25519, VerifierKey

HASH = "0123456789abcdef" * 4

origins = st.from_regex(r"[a-z0-9][a-zA-Z0-9._~-]{0,20}(/[a-zA-Z0-9._~-]{1,9}){0,3}", fullmatch=True).filter(
    str.isascii
)


@given(origins, st.integers(0, limits.JSON_INTEGER), st.binary(min_size=32, max_size=32))
def test_a_link_is_read_as_it_is_written(origin: str, index: int, leaf: bytes) -> None:
    link = Link(origin, index, leaf)
    assert str(link) == f"notary:{origin}/{index}#{leaf.hex()}"
    assert read_link(str(link)) == link


def test_an_origin_may_end_in_a_number() -> None:
    assert read_link(f"notary:example.org/2026/7#{HASH}") == Link("example.org/2026", 7, bytes.fromhex(HASH))


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"notary:example.org/7#{HASH[1:]}",
        f"notary:example.org/7#{HASH}0",
        f"notary:example.org/7#{HASH.upper()}",
        f"notary:example.org/07#{HASH}",
        f"notary:example.org/-7#{HASH}",
        f"notary:example.org/+7#{HASH}",
        f"notary:example.org/\u0667#{HASH}",
        f"notary:example.org/#{HASH}",
        f"notary:/7#{HASH}",
        f"notary:7#{HASH}",
        f"notary:example.org//7#{HASH}",
        f"notary://example.org/7#{HASH}",
        f"notary:example org/7#{HASH}",
        f"notary:exämple.org/7#{HASH}",
        f"notary:example.org/7#{HASH}\n",
        f" notary:example.org/7#{HASH}",
        f"NOTARY:example.org/7#{HASH}",
        f"notary:example.org/7?x#{HASH}",
        f"https://example.org/7#{HASH}",
        f"notary:example.org/{2**53}#{HASH}",
        f"notary:example.org/{10**16}#{HASH}",
        f"notary:{'a' * 256}/7#{HASH}",
        "notary:" + "a/" * 1_000_000,
    ],
)
def test_what_is_no_link(text: str) -> None:
    with pytest.raises(FormatError):
        read_link(text)


@given(origins)
def test_an_origin_can_be_a_keys_name(origin: str) -> None:
    assert VerifierKey(check_origin(origin, "it"), ED25519, bytes([4]) * 32).name == origin


@pytest.mark.parametrize(
    "text", ["", "/", "a/", "/a", "a//b", "a b", "a+b", "a#b", "a%20b", "a:1", "ä", "a\n", "a" * 256, None, 7]
)
def test_what_is_no_origin(text: object) -> None:
    with pytest.raises(FormatError, match="it is no name of a registry"):
        check_origin(text, "it")


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org",
        "http://localhost:8000/registry/",
        "https://[2001:db8::1]:8443/x",
        "https://example.org/a?b=c&d=%20#e",
        "http://127.0.0.1/~user/@x",
    ],
)
def test_an_address(text: str) -> None:
    assert check_url(text, "it") == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.org",
        "//example.org/",
        "HTTPS://example.org/",
        "file:///etc/passwd",
        "https:///x",
        "https://user@example.org/",
        "https://user:pass@example.org/",
        "https://example.org:99999999/",
        "https://example.org\\@evil.example/",
        "https://exa mple.org/",
        "https://example.org/\n",
        "https://exämple.org/",
        "https://.example.org/",
        "https://example.org/<x>",
        "https://example.org/" + "a" * 2000,
        None,
    ],
)
def test_what_is_no_address(text: object) -> None:
    with pytest.raises(FormatError, match="it is no"):
        check_url(text, "it")


@pytest.mark.parametrize("text", ["https://example.org/?a", "https://example.org#a", "https://example.org/x#"])
def test_an_address_without_a_query(text: str) -> None:
    assert check_url(text, "it")
    with pytest.raises(FormatError, match="without"):
        check_url(text, "it", with_query=False)
