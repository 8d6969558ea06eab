"""The hashes of the commitment (DESIGN section 2).

Every input but a file's own bytes starts with a byte that no other kind uses, so no value of one kind can be passed
off as another. The salts hide what a neighbour's digest or record would otherwise give away to a guesser.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

DIGEST_BYTES = 32
SALT_BYTES = 16

HEAD_CONTEXT = b"notary/v1\n"
_SALTS_CONTEXT = b"notary/v1 salts"
_SHA256_BLOCK = 64

LEAF, NODE, HEAD, SEAL, STATEMENT, RECORD = (bytes([tag]) for tag in range(6))


def digest_of(data: bytes) -> bytes:
    """SHA-256 (FIPS 180-4): 32 bytes."""
    return sha256(data).digest()


@dataclass(frozen=True, slots=True)
class Salts:
    """One item's two salts of 16 bytes: `s` blinds the leaf, `t` blinds the record."""

    s: bytes
    t: bytes


class Salter:
    """Makes the salts of a batch's items from its 32 secret bytes.

    HMAC (RFC 2104) with both padded keys taken in once: a third of the time of `hmac.digest` for each item.
    """

    def __init__(self, batch_key: bytes) -> None:
        padded = batch_key.ljust(_SHA256_BLOCK, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in padded) + _SALTS_CONTEXT)
        self._outer = sha256(bytes(byte ^ 0x5C for byte in padded))

    def pair(self, index: int) -> bytes:
        """s ‖ t of item `index`."""
        inner = self._inner.copy()
        inner.update(index.to_bytes(8, "big"))
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()

    def leaves(self, start: int, items: Iterable[tuple[bytes, bytes]]) -> bytes:
        """The leaves of items from index `start` on in a row, each given as its digest and its record's bytes.

        `leaf_hash` and `record_hash` with the items' salts, for the million.
        """
        row = []
        for index, (digest, record) in enumerate(items, start):
            both = self.pair(index)
            r = sha256(RECORD + both[SALT_BYTES:] + record).digest()
            row.append(sha256(LEAF + digest + both[:SALT_BYTES] + r).digest())
        return b"".join(row)

    def salts(self, index: int) -> Salts:
        """The salts of item `index`."""
        both = self.pair(index)
        return Salts(both[:SALT_BYTES], both[SALT_BYTES:])


def record_hash(t: bytes, record: bytes) -> bytes:
    """r: the record's RFC 8785 bytes, blinded by `t`, so that a name can be withheld."""
    return digest_of(RECORD + t + record)


def leaf_hash(digest: bytes, s: bytes, r: bytes) -> bytes:
    """The leaf of the tree: a file's digest and its record's hash, blinded by `s`."""
    return digest_of(LEAF + digest + s + r)


def node_hash(left: bytes, right: bytes) -> bytes:
    """An inner node (RFC 6962 section 2.1)."""
    return digest_of(NODE + left + right)


def statement_hash(manifest: bytes, signature: bytes = b"") -> bytes:
    """m: the manifest's bytes and its signature's, or the empty string where there is none."""
    return digest_of(STATEMENT + digest_of(manifest) + digest_of(signature))


def head_tail(size: int, statement: bytes) -> bytes:
    """What is appended to the root on the way to the head: the number of items and the statement."""
    return size.to_bytes(8, "big") + statement


def head_hash(root: bytes, size: int, statement: bytes) -> bytes:
    """The commitment to the tree, its size and the manifest."""
    return digest_of(HEAD + HEAD_CONTEXT + root + head_tail(size, statement))


def seal_hash(head: bytes, token: bytes | None = None) -> bytes:
    """What is submitted to calendars: the head, or with a TSA token the two together."""
    return head if token is None else digest_of(SEAL + head + digest_of(token))
