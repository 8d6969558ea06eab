"""A chain of real regtest blocks: a regtest bitcoind accepts every one of them by `submitblock`.

Each block has a coinbase that anyone may spend and, from height 101 on, a transaction that spends the coinbase of 100
blocks before and carries 32 bytes in an OP_RETURN output. Blocks cost two hashes on average, so they prove nothing.
"""

from collections.abc import Sequence
from statistics import median

from bitcoin.core import (
    CBlock,
    CBlockHeader,
    COutPoint,
    CTransaction,
    CTxIn,
    CTxOut,
    Hash,
    uint256_from_str,
)
from bitcoin.core.script import OP_1, OP_RETURN, CScript

from notary.core.header import target

GENESIS_HEADER = bytes.fromhex(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f61"
    "7fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f2002000000"
)
"""Block 0 of every regtest chain (Bitcoin Core: CRegTestParams)."""

MATURITY = 100
"""Blocks before a coinbase may be spent (Bitcoin Core: COINBASE_MATURITY)."""

_BITS = 0x207FFFFF
_VERSION = 0x20000000
_SPACING = 600
_MEDIAN_SPAN = 11
_ANYONE = CScript([OP_1])


def funding_blocks() -> list[CBlock]:
    """Blocks 1 to 100, the same ones always: they make the first coinbase spendable."""
    headers = [GENESIS_HEADER]
    blocks: list[CBlock] = []
    for height in range(1, MATURITY + 1):
        time = CBlockHeader.deserialize(GENESIS_HEADER).nTime + height * _SPACING
        block = _mined(height, headers[-1], time, [_coinbase(height)])
        blocks.append(block)
        headers.append(block.get_header().serialize())
    return blocks


def next_block(height: int, recent: Sequence[bytes], funding: CBlock, now: int, commitment: bytes | None) -> CBlock:
    """The block at `height`: on top of the last of the `recent` headers, with `commitment` in it if there is one.

    `funding` is the block at `height` - 100; `now` is in seconds since 1970. The block's clock is later than the
    median of the eleven before it, as consensus wants.
    """
    times = [CBlockHeader.deserialize(header).nTime for header in recent[-_MEDIAN_SPAN:]]
    transactions = [_coinbase(height)]
    if commitment is not None:
        spent = CTxIn(COutPoint(funding.vtx[0].GetTxid(), 0))
        transactions.append(CTransaction([spent], [CTxOut(0, CScript([OP_RETURN, commitment]))]))
    return _mined(height, recent[-1], max(now, int(median(times)) + 1), transactions)


def _coinbase(height: int) -> CTransaction:
    # BIP 34: the script begins with the height; the text keeps it from being shorter than two bytes.
    script = CScript([height, b"notary local network"])
    return CTransaction([CTxIn(COutPoint(), script)], [CTxOut(0, _ANYONE)])


def _mined(height: int, previous: bytes, time: int, transactions: Sequence[CTransaction]) -> CBlock:
    root = CBlock.build_merkle_tree_from_txs(tuple(transactions))[-1]
    before, aim = Hash(previous), target(_BITS)
    for nonce in range(2**32):
        header = CBlockHeader(_VERSION, before, root, time, _BITS, nonce)
        if uint256_from_str(header.GetHash()) <= aim:
            return CBlock(_VERSION, before, root, time, _BITS, nonce, transactions)
    raise AssertionError(f"no nonce for block {height}")
