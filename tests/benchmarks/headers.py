"""How long the validation of a whole chain of headers takes, beside python-bitcoinlib's checks of the same bytes.

    python -m tests.benchmarks.headers [COUNT]

CPU seconds. The chain is mined here at regtest's difficulty; validating a header costs the same at every difficulty.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import bitcoin
from bitcoin.core import CBlockHeader, CheckBlockHeader

from notary.core.chain import Checkpoints, extend, tip_at
from notary.core.header import HEADER_BYTES, NETWORKS
from notary.edges.header_store import HeaderStore
from notary.syncing import import_file
from tests.parties.peer import REGTEST_GENESIS, mine_chain

REGTEST = NETWORKS["regtest"]
BEGIN = 1_300_000_000


def timed(what: str, work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    spent = time.process_time() - begin
    print(f"{what:<60} {spent:7.2f} s")
    return spent


def main(count: int) -> None:
    now = int(time.time())
    data = b"".join(mine_chain(count, time=BEGIN, step=(now - BEGIN) // count))
    print(f"{count:,} headers, {len(data) / 1e6:.1f} MB")
    genesis = tip_at(lambda start, number: REGTEST.genesis, 0, REGTEST)
    ours = timed("notary.core.chain.extend", lambda: extend(genesis, data, REGTEST, Checkpoints(), now))

    def theirs() -> None:
        bitcoin.SelectParams("regtest")
        stream, previous = BytesIO(data), genesis.hash
        for _ in range(count):
            header = CBlockHeader.stream_deserialize(stream)
            CheckBlockHeader(header)
            assert header.hashPrevBlock == previous
            previous = header.GetHash()

    peer = timed("python-bitcoinlib: deserialise, CheckBlockHeader, linkage", theirs)
    print(f"ratio {ours / peer:.2f}")
    with tempfile.TemporaryDirectory() as folder:
        file, store = Path(folder) / "headers.bin", HeaderStore(Path(folder) / "store", REGTEST)
        file.write_bytes(REGTEST_GENESIS + data)
        timed("notary headers import, from disk to disk", lambda: import_file(store, Checkpoints(), file, now))
        assert store.height == count
        timed("the same again: goes over what is stored", lambda: import_file(store, Checkpoints(), file, now))
        begin = time.perf_counter()
        for height in range(0, count, count // 1000):
            assert len(store.read(height, 1)) == HEADER_BYTES
        print(f"look-up by height: {(time.perf_counter() - begin) * 1000:.0f} µs each of 1,000")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 960_000)
