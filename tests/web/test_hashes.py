"""The web verifier's hash functions against published values.

NIST's examples for FIPS 180 (SHA256.pdf and SHA1.pdf; a million letters from FIPS 180-2), appendix B of the RIPEMD-160
paper, and for Keccak its team's short messages (KeccakKAT, Keccak-256) and a name that every Ethereum contract hashes.
"""

import hashlib
import random

import pytest

from notary.core.ots import new_hash
from tests.web.conftest import Node

ALPHABET = b"abcdefghijklmnopqrstuvwxyz"
MIXED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ" + ALPHABET + b"0123456789"
NIST_448 = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
NIST_896 = (
    b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"
)

PUBLISHED = [
    ("sha256", b"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("sha256", b"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("sha256", NIST_448, 1, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
    ("sha256", NIST_896, 1, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"),
    ("sha256", b"a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ("sha1", b"", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ("sha1", b"abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
    ("sha1", NIST_448, 1, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
    ("sha1", b"a", 1_000_000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
    ("ripemd160", b"", 1, "9c1185a5c5e9fc54612808977ee8f548b2258d31"),
    ("ripemd160", b"a", 1, "0bdc9d2d256b3ee9daae347be6f4dc835a467ffe"),
    ("ripemd160", b"abc", 1, "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"),
    ("ripemd160", b"message digest", 1, "5d0689ef49d2fae572b881b123a85ffa21595f36"),
    ("ripemd160", ALPHABET, 1, "f71c27109c692c1b56bbdceb5b9d2865b3708dbc"),
    ("ripemd160", NIST_448, 1, "12a053384a9c0c88e405a06c27dcf49ada62eb2b"),
    ("ripemd160", MIXED, 1, "b0e20b6e3116640286ed3a87a5713079b21f5189"),
    ("ripemd160", b"1234567890", 8, "9b752e45573d4b39f4dbd3323cab82bf63326bfb"),
    ("ripemd160", b"a", 1_000_000, "52783243c1697bdbe16d37f97f68f08325dc1528"),
    ("keccak256", b"", 1, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
    ("keccak256", b"\xcc", 1, "eead6dbfc7340a56caedc044696a168870549a6a7f6f56961e84a54bd9970b8a"),
    ("keccak256", b"abc", 1, "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
    ("keccak256", b"transfer(address,uint256)", 1, "a9059cbb2ab09eb219583f4a59a5d0623ade346d962bcd4e46b11da047c9049b"),
]


@pytest.mark.parametrize(("name", "data", "repeat", "digest"), PUBLISHED)
def test_published_values(node: Node, name: str, data: bytes, repeat: int, digest: str) -> None:
    assert node({"hash": name, "data": data.hex(), "repeat": repeat}) == {"digest": digest}


@pytest.mark.parametrize("name", ["sha256", "sha1", "ripemd160", "keccak256"])
def test_any_length_in_any_pieces(node: Node, name: str) -> None:
    """Around the ends of blocks, and taken in at random."""
    rng = random.Random(name)  # noqa: S311
    for length in [*range(140), 183, 184, 199, 200, 271, 272, 273, 1000, 4096]:
        data = rng.randbytes(length)
        ends = sorted(rng.randrange(length + 1) for _ in range(rng.randrange(4)))
        pieces = [end - start for start, end in zip([0, *ends], ends, strict=False)]
        hasher = new_hash(name)
        hasher.update(data)
        answer = node({"hash": name, "data": data.hex(), "pieces": pieces})
        assert answer == {"digest": hasher.digest().hex()}, length


def test_a_length_of_more_than_32_bits(node: Node) -> None:
    """512 MiB have 2^32 bits, whose number takes a second word."""
    piece = bytes(range(256)) * 4096
    hasher = hashlib.sha256()
    for _ in range(513):
        hasher.update(piece)
    assert node({"hash": "sha256", "data": piece.hex(), "repeat": 513}) == {"digest": hasher.hexdigest()}
