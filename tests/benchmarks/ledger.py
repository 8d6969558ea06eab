"""A million items: the tree, the ledger's rows, and one item out of all of them."""

import os
from collections.abc import Iterator
from pathlib import Path
from time import process_time

from notary.core.digest import DIGEST_BYTES
from notary.core.merkle import BLOCK, Growth, root_of_blocks
from notary.edges.ledger import open_ledger
from tests.benchmarks.corpora import CHUNK, chunks, seal, stored
from tests.benchmarks.measuring import (
    NOTARY,
    Figure,
    Job,
    Row,
    Setting,
    anew,
    in_fresh_process,
    in_turn,
    own_memory,
    timed,
)

MILLION = 1_000_000


def leaves(setting: Setting) -> Iterator[Row]:
    """1,000,000 leaves to the root: CPU seconds and memory, in a process of its own"""
    count = setting.scaled(MILLION)
    seconds, memory = zip(*(in_fresh_process(_grow, count) for _ in range(setting.runs)), strict=True)
    yield Row(f"{count:,} leaves to the root: CPU", Figure(seconds), 1.0)
    yield Row(f"{count:,} leaves to the root: memory besides the leaves", Figure(memory), 40, unit="MB")


def _grow(count: int) -> tuple[float, float]:
    """The CPU seconds, and by how many MB memory has peaked above what it was before."""
    row = os.urandom(count * DIGEST_BYTES)
    size = CHUNK * DIGEST_BYTES
    before, begin = own_memory("VmRSS"), process_time()
    growth = Growth()
    for at in range(0, len(row), size):
        growth.add(row[at : at + size])
    root_of_blocks(growth.block_roots())
    return process_time() - begin, own_memory("VmHWM") - before


def rows(setting: Setting) -> Iterator[Row]:
    """1,000,000 rows of the ledger with their indices: CPU seconds, and bytes a row"""
    count = setting.scaled(MILLION)
    folder = setting.folder / "rows"
    found = [in_fresh_process(_write_rows, anew(folder), count) for _ in range(setting.runs)]
    adding, sealing, size = (Figure(values) for values in zip(*found, strict=True))
    both = Figure(tuple(add + seal for add, seal, _ in found))
    yield Row(f"{count:,} rows of the ledger, draft and seal: CPU", both, 4.0)
    yield Row("    of which the draft", adding, None)
    yield Row("    of which the seal, with the indices", sealing, None)
    yield Row(f"{count:,} rows of the ledger, bytes a row", size, 130, unit="B")


def _write_rows(folder: Path, count: int) -> tuple[float, float, float]:
    """CPU seconds for the draft and for the seal, and the closed ledger's bytes a row."""
    path, adding = folder / "ledger.db", 0.0
    with open_ledger(path) as ledger, ledger.draft([b"benchmark"]) as draft:
        for some in chunks(folder, count):
            begin = process_time()
            draft.add(some)
            adding += process_time() - begin
        roots = os.urandom(-(-count // BLOCK) * DIGEST_BYTES)
        begin = process_time()
        seal(ledger, draft, roots, "http://127.0.0.1:1")
        sealing = process_time() - begin
    return adding, sealing, path.stat().st_size / count


def one_of_all(setting: Setting) -> Iterator[Row]:
    """`notary export` of one item out of 1,000,000, whole process"""
    count = setting.scaled(MILLION)
    made, bundle = stored(setting, count), setting.folder / "one.zip"
    (ours,) = in_turn(
        setting.runs,
        lambda: timed(
            *(NOTARY, "export", made.batch, "--only", made.shown, "--offline"),
            *("-o", bundle, "--ledger", made.ledger),
        ),
    )
    yield Row(f"export one item out of {count:,}", ours, 0.3)


JOBS: dict[str, Job] = {"leaves": leaves, "rows": rows, "export": one_of_all}
