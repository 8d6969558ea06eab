"""What the benchmarks work on: folders of random files, and ledgers whose items have no files. Made once in a run."""

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path

from notary.core.digest import Salter, head_hash, leaf_hash, record_hash, statement_hash
from notary.core.evidence import record_bytes
from notary.core.manifest import Manifest, write_manifest
from notary.core.merkle import Growth, root_of_blocks
from notary.edges.ledger import Batch, BatchStatus, Draft, DraftItem, Ledger, NewBatch, open_ledger
from notary.outside import LOCAL, Outside
from notary.upgrading import upgrade
from tests.benchmarks.measuring import Setting, anew

CHUNK = 512
"""Items that stamping takes at a time."""

KEY = bytes(range(32))
DECLARED_AT = "2026-01-01T00:00:00Z"

_PIECE = 1 << 20
_PER_FOLDER = 1000


def files(setting: Setting, name: str, count: int, size: int, folders: int = 1) -> Path:
    """A folder with `count` different files of `size` random bytes, spread over `folders`."""
    folder = setting.folder / name
    _once(folder, f"{count} {size} {folders}", lambda: _write_files(folder, count, size, folders))
    return folder


def _write_files(folder: Path, count: int, size: int, folders: int) -> None:
    piece = os.urandom(_PIECE)
    for number in range(count):
        within = folder / f"folder-{number * folders // count:04d}"
        within.mkdir(exist_ok=True)
        with (within / f"document-{number:07d}.pdf").open("wb") as stream:
            first = os.urandom(min(size, 32))
            stream.write(first)
            for begin in range(len(first), size, _PIECE):
                stream.write(piece[: size - begin])
    os.sync()


def _once(folder: Path, what: str, make: Callable[[], None]) -> None:
    """Makes `folder` as it shall be, unless it is there from before."""
    mark = folder.with_name(folder.name + ".made")
    if mark.is_file() and mark.read_text() == what:
        return
    mark.unlink(missing_ok=True)
    anew(folder)
    make()
    mark.write_text(what)


# -- ledgers --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stored:
    """A ledger with one batch that the embedded network has attested. `shown` is the one item that has its file."""

    ledger: Path
    batch: str
    shown: str


def stored(setting: Setting, count: int) -> Stored:
    """A ledger of `count` items, a thousand in a folder."""
    folder = setting.folder / f"ledger-{count}"
    path = folder / "ledger.db"
    shown = count // 2
    item = _item(folder, shown, shown)
    file = Path(os.fsdecode(item.source), os.fsdecode(item.name))

    def make() -> None:
        file.parent.mkdir(parents=True)
        file.write_bytes(_content(shown))
        _write_ledger(path, folder, count, shown)

    _once(folder, f"{count} at {folder}", make)
    with open_ledger(path) as ledger:
        (batch,) = ledger.batches()
    return Stored(path, batch.name, f"{os.fsdecode(item.recorded)}/{file.name}")


def alone(ledger: Path) -> Outside:
    """Nothing but this machine; the embedded network's state is beside the ledger."""
    return Outside(lambda: datetime.now(UTC), secrets.token_bytes, ledger.with_name("localnet"))


def _write_ledger(path: Path, folder: Path, count: int, shown: int) -> None:
    salter, growth, world = Salter(KEY), Growth(), alone(path)
    with open_ledger(path) as ledger:
        with ledger.draft([b"benchmark"]) as draft:
            for some in chunks(folder, count, shown):
                first = draft.size
                growth.add(b"".join(_leaf(salter, index, item) for index, item in enumerate(some, start=first)))
                draft.add(some)
            with world.embedded(True) as embedded:
                assert embedded is not None
                batch = seal(ledger, draft, growth.block_roots(), embedded.uri)
        (upgraded,), _ = upgrade(ledger, [batch], [], world)
        assert upgraded.status is BatchStatus.ATTESTED, upgraded.notes


def chunks(folder: Path, count: int, shown: int | None = None) -> Iterator[list[DraftItem]]:
    """Items as stamping hands them to a draft, with names, sizes and times as they are in life."""
    items = (_item(folder, index, shown) for index in range(count))
    while some := list(islice(items, CHUNK)):
        yield some


def _item(folder: Path, index: int, shown: int | None) -> DraftItem:
    recorded, name = b"evidence/folder-%04d" % (index // _PER_FOLDER), f"document-{index % _PER_FOLDER:05}.pdf"
    digest = sha256(_content(index) if index == shown else b"%d" % index).digest()
    mtime_ns = 1_795_000_000_123_456_789 + index * 10**9
    source = os.fsencode(folder) + b"/" + recorded
    return DraftItem(recorded, source, name, digest, _size(index), mtime_ns, digest[:8])


def _size(index: int) -> int:
    return 40_000 + index % 100_000


def _content(index: int) -> bytes:
    return (b"%d" % index).ljust(_size(index))


def _leaf(salter: Salter, index: int, item: DraftItem) -> bytes:
    path = item.recorded + b"/" + os.fsencode(item.name)
    salts, record = salter.salts(index), record_bytes(path, item.size, item.mtime_ns)
    return leaf_hash(item.digest, salts.s, record_hash(salts.t, record))


def seal(ledger: Ledger, draft: Draft, block_roots: bytes, calendar: str) -> Batch:
    """Seals the draft as a batch of the embedded network."""
    root = root_of_blocks(block_roots)
    manifest = write_manifest(Manifest(root, draft.size, LOCAL, DECLARED_AT, "benchmark", None))
    new = NewBatch(
        head=head_hash(root, draft.size, statement_hash(manifest)),
        root=root,
        block_roots=block_roots,
        network=LOCAL,
        manifest=manifest,
        key=KEY,
        declared_at=DECLARED_AT,
        title=None,
        matter=None,
        calendars=(calendar,),
        min_calendars=1,
        writes_ots=False,
    )
    return ledger.seal(draft, new, DECLARED_AT)
