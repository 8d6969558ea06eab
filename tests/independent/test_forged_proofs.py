"""notary and the reader agree on bundles with forged proofs, headers and dates."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.independent.forge import MIDNIGHT, bitcoin, block, both, forge, pending, unknown, write_zip
from tests.independent.proofs import BITCOIN, ETHEREUM, HASHES, LITECOIN, PENDING, keccak256
from tests.independent.steps import sha256

DAY = 86_400
Options = dict[str, Any]


def clocks(*days: float, **options: Any) -> Options:
    """Blocks whose clocks stand at these days after midnight."""
    return {"clocks": tuple(MIDNIGHT + int(day * DAY) for day in days), **options}


def many(count: int, attestation: Callable[[bytes], bytes] = pending) -> bytes:
    """So many different attestations."""
    return b"".join(b"\xff" + attestation(b"%d" % each) for each in range(count - 1)) + attestation(b"last")


def reversals(count: int) -> bytes:
    """So many operations on a message of 4096 bytes, in branches of 200 or fewer."""
    branches = [200] * (count // 200) + [count % 200]
    return (
        b"\xf0" + block(bytes(4064)) + b"".join(b"\xff" + b"\xf2" * each + pending() for each in branches) + pending()
    )


def by_height(tag: bytes, payload: bytes) -> bytes:
    """An attestation whose payload should be a height."""
    return b"\0" + tag + block(payload)


def three_ways(seal: bytes) -> bytes:
    """Over 256 attestations, but for the hash functions that lead to them 90."""
    h, g = sha256(seal), HASHES[3][1](seal)
    ends = many(90, unknown)
    ways = [b"\x08\xf1" + block(seal) + b"\xf0" + block(g), b"\3\xf1" + block(seal + h), b"\xf0" + block(h + g)]
    return b"\xff" + (ends + b"\xff").join(ways[:2]) + ends + ways[2] + ends


def sha1(message: bytes) -> bytes:
    return HASHES[2][1](message)


SHA1_BLOCK = b"\2\x08" + bitcoin()
PROOFS: dict[str, tuple[str, Options]] = {
    "only pending": ("pending", {"proof": pending()}),
    "only unknown": ("unconfirmed", {"proof": unknown()}),
    "unknown and pending": ("pending", {"proof": b"\xff" + unknown() + pending()}),
    "pending and a block": ("verified", {"proof": b"\xff" + pending() + b"\x08" + bitcoin()}),
    "pending and a block that is not there": ("unconfirmed", {"proof": b"\xff" + pending() + bitcoin(500)}),
    "another message": ("failed", {"proof": bitcoin()}),
    "a message that is no merkle root": ("failed", {"proof": b"\3" + bitcoin()}),
    "a block that is not there": ("unconfirmed", {"proof": b"\x08" + bitcoin(500)}),
    "one block of two": ("verified", {"proof": b"\x08\xff" + bitcoin(101) + b"\xf2" + bitcoin(102)}),
    "wrong and not there": ("failed", {"proof": b"\xff" + bitcoin(101) + b"\xf2" + bitcoin(500)}),
    # SHA-1
    "sha1 only": ("unconfirmed", {"proof": SHA1_BLOCK}),
    "sha1 only, borne out": ("unconfirmed", {"proof": SHA1_BLOCK, "attested": lambda seal: sha256(sha1(seal))}),
    "sha1 to a calendar": ("unconfirmed", {"proof": b"\2" + pending()}),
    "sha1, and pending": ("pending", {"proof": b"\xff" + pending() + SHA1_BLOCK}),
    "sha1 to a calendar, and a block": ("verified", {"proof": b"\xff\2" + pending() + b"\x08" + bitcoin()}),
    "sha1 to the same block, and a block": ("verified", {"proof": b"\xff" + SHA1_BLOCK + b"\x08" + bitcoin()}),
    **{
        f"sha1 or not, to one message {turn}": (
            "verified",
            {
                "proof": lambda seal, turn=turn: (
                    (
                        b"\xff\2\xf1"
                        + block(seal)
                        + b"\x08"
                        + bitcoin()
                        + b"\xf0"
                        + block(sha1(seal))
                        + b"\x08"
                        + bitcoin()
                    )
                    if turn
                    else (
                        b"\xff\xf0"
                        + block(sha1(seal))
                        + b"\x08"
                        + bitcoin()
                        + b"\2\xf1"
                        + block(seal)
                        + b"\x08"
                        + bitcoin()
                    )
                ),
                "attested": lambda seal: sha256(seal + sha1(seal)),
            },
        )
        for turn in (0, 1)
    },
    # heights
    "a height too high": ("unconfirmed", {"proof": b"\x08" + bitcoin(2**32)}),
    "the highest height": ("unconfirmed", {"proof": b"\x08" + bitcoin(2**32 - 1)}),
    "too high, and pending": ("pending", {"proof": b"\xff" + bitcoin(2**80) + pending()}),
    "a height with noughts": ("verified", {"proof": b"\x08" + by_height(BITCOIN, b"\xe5\0")}),
    "a height of ten bytes": ("verified", {"proof": b"\x08" + by_height(BITCOIN, b"\xe5" + b"\x80" * 8 + b"\0")}),
    "a height and more": ("failed", {"proof": b"\x08" + by_height(BITCOIN, b"\x65\0")}),
    "no height": ("failed", {"proof": b"\x08" + by_height(BITCOIN, b"")}),
    "half a height": ("failed", {"proof": b"\x08" + by_height(BITCOIN, b"\xe5")}),
    "litecoin": ("unconfirmed", {"proof": by_height(LITECOIN, b"\x65")}),
    "litecoin, and pending": ("pending", {"proof": b"\xff" + by_height(LITECOIN, b"\x65") + pending()}),
    "litecoin without a height": ("failed", {"proof": b"\xff" + by_height(LITECOIN, b"\x80") + pending()}),
    "litecoin and more": ("failed", {"proof": b"\xff" + by_height(LITECOIN, b"\x65\0") + pending()}),
    "ethereum": ("unconfirmed", {"proof": by_height(ETHEREUM, b"\x65")}),
    "ethereum and more": ("failed", {"proof": b"\xff" + by_height(ETHEREUM, b"\x65\0") + pending()}),
    "ethereum too high": ("pending", {"proof": b"\xff" + by_height(ETHEREUM, b"\xff" * 9 + b"\1") + pending()}),
    # operations
    "ripemd160": ("verified", {"proof": b"\3\x08" + bitcoin(), "attested": lambda seal: sha256(HASHES[3][1](seal))}),
    "keccak256": ("verified", {"proof": b"\x67" + bitcoin(), "attested": keccak256}),
    "reverse": ("verified", {"proof": b"\xf2" + bitcoin(), "attested": lambda seal: seal[::-1]}),
    "hexlify": ("verified", {"proof": b"\xf3\x08" + bitcoin(), "attested": lambda seal: sha256(seal.hex().encode())}),
    "an unknown operation": ("failed", {"proof": b"\x09" + pending()}),
    "255 operations": ("pending", {"proof": b"\x08" * 255 + pending()}),
    "256 operations": ("failed", {"proof": b"\x08" * 256 + pending()}),
    "an empty operand": ("failed", {"proof": b"\xf0\0" + pending()}),
    "a message of 4096 bytes": ("pending", {"proof": b"\xf0" + block(bytes(4064)) + pending()}),
    "a message of 4097 bytes": ("failed", {"proof": b"\xf0" + block(bytes(4065)) + pending()}),
    "an operand of 4097 bytes": ("failed", {"proof": b"\xf0" + block(bytes(4097)) + b"\x08" + pending()}),
    "hexlified to 4096 bytes": ("pending", {"proof": b"\xf1" + block(bytes(2016)) + b"\xf3" + pending()}),
    "hexlified to 4098 bytes": ("failed", {"proof": b"\xf1" + block(bytes(2017)) + b"\xf3" + pending()}),
    "32 MiB of messages": ("pending", {"proof": reversals(4095)}),
    "over 32 MiB of messages": ("failed", {"proof": reversals(4096)}),
    # attestations
    "256 attestations": ("pending", {"proof": many(256)}),
    "257 attestations": ("failed", {"proof": many(257)}),
    "257 unknown attestations": ("failed", {"proof": many(257, unknown)}),
    "257 that are one": ("pending", {"proof": b"".join([b"\xff" + pending()] * 256) + pending()}),
    "a payload of 8192 bytes": ("pending", {"proof": b"\xff" + unknown(bytes(8192)) + pending()}),
    "a payload of 8193 bytes": ("failed", {"proof": b"\xff" + unknown(bytes(8193)) + pending()}),
    "over 64 KiB": ("failed", {"proof": many(9, lambda each: unknown(each + bytes(8000)))}),
    "a URI of 1000 bytes": ("pending", {"proof": pending(b"a" * 1000)}),
    "a URI of 1001 bytes": ("failed", {"proof": pending(b"a" * 1001)}),
    "an empty URI": ("pending", {"proof": pending(b"")}),
    "a URI and more": ("failed", {"proof": b"\0" + PENDING + block(block(b"a") + b"b")}),
    "half a URI": ("failed", {"proof": b"\0" + PENDING + block(b"\5a")}),
    "a URI with a question": ("failed", {"proof": b"\xff" + pending(b"https://a?b") + b"\x08" + bitcoin()}),
    "a URI with a line feed": ("failed", {"proof": pending(b"https://a\n")}),
    # the file
    "two forks in a row": ("failed", {"proof": b"\xff\xff" + pending() + pending()}),
    "a fork and no more": ("failed", {"proof": b"\xff" + pending()}),
    "bytes behind": ("failed", {"proof": pending() + b"\0"}),
    "another version": ("failed", {"version": b"\2"}),
    "the version with noughts": ("verified", {"version": b"\x81\0"}),
    "a length of eleven bytes": ("failed", {"proof": b"\xf0\x81" + b"\x80" * 9 + b"\0\0" + pending()}),
}
HEADERS: dict[str, tuple[str, Options]] = {
    "no headers": ("unconfirmed", {"more": {"notary/headers.bin": b"gone", "notary/headers.json": b"gone"}}),
    "no headers.json": ("unconfirmed", {"more": {"notary/headers.json": b"gone"}}),
    "no headers.bin": ("unconfirmed", {"more": {"notary/headers.bin": b"gone"}}),
    "a run too long": ("unconfirmed", {"runs": [{"start": 101, "count": 3}]}),
    "a run too short": ("unconfirmed", {"runs": [{"start": 101, "count": 1}]}),
    "a run from elsewhere": ("unconfirmed", {"runs": [{"start": 102, "count": 2}]}),
    "one block higher": ("failed", {"runs": [{"start": 100, "count": 2}]}),
    "no work": ("failed", {"mining": {"works": False}}),
    "bits beyond the easiest": ("failed", {"mining": {"bits": 0x2100FFFF}}),
    "bits below nought": ("failed", {"mining": {"bits": 0x20FFFFFF}}),
    "bits of nought": ("failed", {"mining": {"bits": 0}}),
    "bits of a mainnet block": ("failed", {"mining": {"bits": 0x1D00FFFF}}),
}
SPELLINGS: dict[str, tuple[str, Options]] = {
    "a height of eleven bytes": ("verified", {"proof": b"\x08" + by_height(BITCOIN, b"\xe5" + b"\x80" * 9 + b"\0")}),
    "a run that does not link": (
        "unconfirmed",
        clocks(0, 0, 0, runs=[{"start": 99, "count": 3}], pick_headers=lambda row: [row[1], row[2], row[0]]),
    ),
    "three ways to 90 messages": ("unconfirmed", {"proof": three_ways}),
}
DATES: dict[str, tuple[str, Options]] = {
    "a block at midnight": ("2026-11-21", clocks(0)),
    "two hours before midnight": ("2026-11-22", clocks(22 / 24)),
    "a moment earlier": ("2026-11-21", clocks(22 / 24 - 0.001)),
    "the latest of the clocks": ("2026-11-26", clocks(2, 0, 5, 1)),
    "eleven blocks after it": ("2026-11-24", clocks(*[0] * 11, 3)),
    "no twelfth": ("2026-11-21", clocks(*[0] * 12, 3)),
    "only those that link": ("2026-11-21", clocks(0, 1, 2, 3, pick_headers=lambda row: [row[0], row[2], row[3]])),
    "a run after another": ("2026-11-24", clocks(0, 3, runs=[{"start": 101, "count": 1}, {"start": 102, "count": 1}])),
    "runs the other way round": (
        "2026-11-24",
        clocks(
            *(0, 3),
            runs=[{"start": 102, "count": 1}, {"start": 101, "count": 1}],
            pick_headers=lambda row: [row[1], row[0]],
        ),
    ),
    "a run that does not link to the other": (
        "2026-11-21",
        clocks(
            *(0, 1, 3),
            runs=[{"start": 101, "count": 1}, {"start": 102, "count": 1}],
            pick_headers=lambda row: [row[0], row[2]],
        ),
    ),
}


@pytest.mark.parametrize("name", PROOFS | HEADERS)
def test_both_agree_on_forged_proofs(name: str, tmp_path: Path) -> None:
    """One clause of the page decides, and this is what it says."""
    outcome, options = (PROOFS | HEADERS)[name]
    assert both(write_zip(tmp_path / "forged.zip", forge(**options)))[0] == outcome


@pytest.mark.parametrize("name", DATES)
def test_both_agree_on_the_date(name: str, tmp_path: Path) -> None:
    """The day that the page's last paragraph but one gives."""
    day, options = DATES[name]
    assert both(write_zip(tmp_path / "forged.zip", forge(**options)))[:2] == ("verified", day)


@pytest.mark.parametrize("name", SPELLINGS)
def test_both_agree_on_spellings(name: str, tmp_path: Path) -> None:
    """What may be written in more than one way, or only seems to say something."""
    outcome, options = SPELLINGS[name]
    assert both(write_zip(tmp_path / "forged.zip", forge(**options)))[0] == outcome
