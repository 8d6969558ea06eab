"""edges.header_store: one flat file, one writer, and a note that never says too much."""

import json
import tracemalloc
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from notary.core.header import HEADER_BYTES, NETWORKS
from notary.edges.header_files import open_headers
from notary.edges.header_store import HeaderStore, Heard, StoreWriter
from notary.errors import SystemFailureError
from tests.edges.bounded import without_rights
from tests.parties.peer import REGTEST_GENESIS, mine_chain

TEST = NETWORKS["regtest"]
CHAIN = [REGTEST_GENESIS, *mine_chain(60, time=1_600_000_000)]
OTHER = [*CHAIN[:21], *mine_chain(60, after=CHAIN[20], time=1_610_000_000)]
MOMENT = "2026-01-02T03:04:05Z"


@pytest.fixture
def store(tmp_path: Path) -> HeaderStore:
    return HeaderStore(tmp_path / "headers", TEST)


def fill(store: HeaderStore, chain: list[bytes], heard: int | None = None) -> None:
    with store.writer() as writer:
        writer.put(1, b"".join(chain[1:]))
        if heard is not None:
            writer.hear(Heard(heard, MOMENT, 3))


# -- the file -------------------------------------------------------------------------------------------------------


def test_without_a_file_the_chain_is_the_genesis_block(store: HeaderStore) -> None:
    assert store.height == 0
    assert store.read(0, 5) == REGTEST_GENESIS
    assert store.read(0, 0) == b""
    assert store.read(1, 5) == b""
    assert store.heard is None
    assert not store.path.parent.exists(), "reading makes nothing"


def test_the_file_is_the_headers_in_a_row(store: HeaderStore) -> None:
    fill(store, CHAIN)
    assert store.path.read_bytes() == b"".join(CHAIN)
    assert store.height == 60
    assert store.read(0, 1) == CHAIN[0]
    assert store.read(60, 1) == CHAIN[60]
    assert store.read(59, 10) == b"".join(CHAIN[59:])
    assert store.read(61, 1) == b""
    assert sorted(path.name for path in store.path.parent.iterdir()) == ["regtest.headers", "regtest.lock"]


def test_two_networks_lie_side_by_side(tmp_path: Path) -> None:
    main = HeaderStore(tmp_path, NETWORKS["bitcoin"])
    fill(HeaderStore(tmp_path, TEST), CHAIN, heard=60)
    assert (main.height, main.heard) == (0, None)
    assert main.read(0, 1) == NETWORKS["bitcoin"].genesis


def test_what_is_put_takes_the_place_of_all_behind_it(store: HeaderStore) -> None:
    fill(store, CHAIN)
    with store.writer() as writer:
        writer.put(21, b"".join(OTHER[21:40]))
    assert store.path.read_bytes() == b"".join(OTHER[:40])
    with store.writer() as writer:
        writer.put(30, b"")
    assert store.path.read_bytes() == b"".join(OTHER[:30])


def test_a_piece_of_a_header_is_no_header_and_the_next_write_covers_it(store: HeaderStore) -> None:
    fill(store, CHAIN)
    with store.path.open("ab") as stream:
        stream.write(b"\xff" * 79)
    assert store.height == 60
    assert store.read(60, 5) == CHAIN[60]
    assert store.read(61, 5) == b""
    with store.writer() as writer:
        writer.put(61, bytes(80))
    assert store.path.read_bytes() == b"".join(CHAIN) + bytes(80)


@pytest.mark.parametrize("size", [0, 1, 79, 80, 81])
def test_a_writer_finds_the_genesis_block_in_a_file_of_less(store: HeaderStore, size: int) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(b"\xff" * size)
    with store.writer():
        assert store.height == 0
        assert store.read(0, 1) == REGTEST_GENESIS


@pytest.mark.parametrize("size", [0, 79])
def test_a_file_without_a_whole_header_is_a_chain_of_the_genesis_block(store: HeaderStore, size: int) -> None:
    """As where there is none: its height says 0, and block 0 can be read."""
    store.path.parent.mkdir()
    store.path.write_bytes(REGTEST_GENESIS[:size])
    assert store.height == 0
    assert store.read(0, 1) == REGTEST_GENESIS


@pytest.mark.parametrize("height", [0, 1, 2_015, 654_321, 1_310_719])
def test_a_look_up_reads_one_header_however_long_the_file_is(store: HeaderStore, height: int) -> None:
    mark = bytes(range(HEADER_BYTES))
    store.path.parent.mkdir()
    with store.path.open("wb") as stream:
        stream.truncate(100 * 2**20)
        stream.seek(height * HEADER_BYTES)
        stream.write(mark)
    assert store.height == 100 * 2**20 // HEADER_BYTES - 1
    store.read(5, 1)
    tracemalloc.start()
    found = store.read(height, 1)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == mark
    assert most < 256 * 1024


# -- the writer -----------------------------------------------------------------------------------------------------


def test_there_is_one_writer_at_a_time(store: HeaderStore) -> None:
    with store.writer() as writer:
        writer.put(1, CHAIN[1])
        second = HeaderStore(store.path.parent, TEST)
        with pytest.raises(SystemFailureError, match="another process is writing it") as caught, second.writer():
            pass
        assert caught.value.hints
        assert second.read(1, 1) == CHAIN[1], "reading needs no right"
    with second.writer() as after:
        after.put(2, CHAIN[2])
    assert store.path.read_bytes() == b"".join(CHAIN[:3])


def test_an_error_gives_the_right_back(store: HeaderStore) -> None:
    def fails() -> None:
        with store.writer() as writer:
            writer.put(1, CHAIN[1])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    with store.writer() as writer:
        writer.put(2, CHAIN[2])
    assert store.path.read_bytes() == b"".join(CHAIN[:3])


def test_a_full_disk_is_said_and_the_headers_that_fit_stay(small_disk: Path) -> None:
    store = HeaderStore(small_disk, TEST)
    fill(store, CHAIN, heard=60)
    with pytest.raises(SystemFailureError, match="no space left") as caught, store.writer() as writer:
        writer.put(61, bytes(4 * 2**20))
    assert str(store.path) in caught.value.message
    assert store.read(0, 61) == b"".join(CHAIN)
    assert store.heard == Heard(60, MOMENT, 3)
    with store.writer() as writer:
        writer.put(61, b"")
    assert store.path.read_bytes() == b"".join(CHAIN)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "headers").write_text("a file")
    store = HeaderStore(tmp_path / "headers", TEST)
    with pytest.raises(SystemFailureError), store.writer():
        pass
    with pytest.raises(SystemFailureError):
        store.read(0, 1)


def test_a_folder_in_place_of_the_file(store: HeaderStore) -> None:
    store.path.mkdir(parents=True)
    with pytest.raises(SystemFailureError, match="directory"):
        store.read(0, 1)
    with pytest.raises(SystemFailureError, match="directory"), store.writer():
        pass


def _refusals(store: HeaderStore) -> list[str]:
    messages = []
    try:
        store.read(0, 1)
    except SystemFailureError as error:
        messages.append(error.message)
    try:
        with store.writer():
            pass
    except SystemFailureError as error:
        messages.append(error.message)
    return messages


def test_a_file_of_somebody_elses(store: HeaderStore) -> None:
    fill(store, CHAIN, heard=60)
    store.path.parent.chmod(0o700)
    assert without_rights(_refusals, store) == [f"{store.path}: permission denied"] * 2


# -- what peers said ------------------------------------------------------------------------------------------------


def test_what_was_heard(store: HeaderStore) -> None:
    fill(store, CHAIN, heard=60)
    assert store.heard == Heard(60, MOMENT, 3)
    assert json.loads(store.path.with_suffix(".heard").read_text()) == {"height": 60, "at": MOMENT, "peers": 3}
    with store.writer() as writer:
        writer.put(61, CHAIN[1])
    assert store.heard == Heard(60, MOMENT, 3), "what is above was not heard"


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"{" * 2000,
        b" " * 5000,
        b'{"height": 60, "at": "x"}',
        b'{"height": "60", "at": "x", "peers": 3}',
        b'{"height": 60, "at": 7, "peers": 3}',
        b'{"height": 60, "at": "x", "peers": null}',
        b'{"height": 60.0, "at": "x", "peers": 3}',
        b'{"height": true, "at": "x", "peers": 3}',
        b'{"height": 1' + b"0" * 4000 + b', "at": "x", "peers": 3}',
        b'{"height": 60, "at": "\\ud800", "peers": 3}',
        b'{"height": 60, "height": 60, "at": "x", "peers": 3}',
    ],
)
def test_a_note_that_is_none(store: HeaderStore, note: bytes) -> None:
    fill(store, CHAIN, heard=60)
    store.path.with_suffix(".heard").write_bytes(note)
    assert store.heard is None
    fill(store, OTHER, heard=30)
    assert store.heard == Heard(30, MOMENT, 3)


def test_a_folder_in_place_of_the_note(store: HeaderStore) -> None:
    fill(store, CHAIN)
    store.path.with_suffix(".heard").mkdir()
    assert store.heard is None
    with pytest.raises(SystemFailureError), store.writer() as writer:
        writer.hear(Heard(60, MOMENT, 1))
    assert store.path.read_bytes() == b"".join(CHAIN)


def test_nothing_is_heard_beyond_what_is_stored(store: HeaderStore) -> None:
    fill(store, CHAIN, heard=60)
    note = store.path.with_suffix(".heard").read_text()
    for height in (59, 30, 0):
        with store.writer() as writer:
            writer.put(height + 1, b"")
        store.path.with_suffix(".heard").write_text(note)
        assert store.heard == Heard(height, MOMENT, 3)
    store.path.unlink()
    assert store.heard == Heard(0, MOMENT, 3)


class Watched(BytesIO):
    """A file that remembers what the note said whenever it was about to change."""

    def __init__(self, store: HeaderStore) -> None:
        super().__init__(b"".join(CHAIN))
        self.store = store
        self.heights: list[int] = []

    def _look(self) -> None:
        heard = self.store.heard
        assert heard is not None
        self.heights.append(heard.height)

    def truncate(self, size: int | None = None) -> int:
        self._look()
        return super().truncate(size)

    def write(self, data: Any) -> int:
        self._look()
        return super().write(data)


@pytest.mark.parametrize(("height", "before"), [(61, 60), (60, 59), (21, 20), (1, 0)])
def test_the_note_is_lowered_before_anything_is_written(store: HeaderStore, height: int, before: int) -> None:
    fill(store, CHAIN, heard=60)
    stream = Watched(store)
    StoreWriter(store, stream).put(height, b"".join(OTHER[height:]))
    assert stream.heights == [before, before]
    assert stream.getvalue() == b"".join(CHAIN[:height] + OTHER[height:])


def cut(path: Path, headers: int) -> None:
    with path.open("r+b") as stream:
        stream.truncate(headers * HEADER_BYTES)


@pytest.mark.parametrize("left", [40, 21, 1, 0, None])
def test_headers_that_come_after_a_loss_were_not_heard(store: HeaderStore, left: int | None) -> None:
    """A file that was cut, emptied or deleted, and filled with other headers: the old note says nothing about them."""
    fill(store, CHAIN, heard=60)
    if left is None:
        store.path.unlink()
    else:
        cut(store.path, left)
    first = max(left or 0, 1)
    with store.writer() as writer:
        writer.put(first, b"".join(mine_chain(80, after=CHAIN[first - 1], time=1_620_000_000)))
    assert store.height > 60
    assert store.heard is None or store.heard.height < first


def test_its_file_is_one_that_verifiers_take(store: HeaderStore) -> None:
    """As `verify --headers FILE`: a flat file, whatever stands beside it."""
    fill(store, CHAIN, heard=60)
    given = open_headers(store.path)
    assert [one.raw for one in given.at(5, 20)] == CHAIN[5:25]
