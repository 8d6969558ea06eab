"""edges.bag_writer: the zip that `zipfile` would write, in little memory; and others read it."""

import errno
import hashlib
import io
import shutil
import stat
import subprocess
import sys
import tempfile
import tracemalloc
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary import limits
from notary.core.bag import DECLARATION, PAYLOAD_MANIFEST, TAG_MANIFEST, manifest_line
from notary.edges import bag_writer
from notary.edges.archive import open_container
from notary.edges.bag_writer import BagWriter

GIB = 2**30

FILES = {
    "data/plain.txt": b"plain",
    "data/empty": b"",
    "data/日本/ノート.txt": b"notes",
    "data/100%.txt": b"escaped",
    "data/large.bin": bytes(3 * 10**6),
    "notary/tree.bin": b"t" * 64,
}


def write(stream: IO[bytes], files: Mapping[str, bytes], expected: int | None = None) -> None:
    with BagWriter(stream, "bag") as bag:
        for name, content in files.items():
            bag.add(name, [content], len(content) if expected is None else expected)
        bag.finish({"External-Identifier": "ab"})


def written(files: Mapping[str, bytes], expected: int | None = None) -> bytes:
    stream = io.BytesIO()
    write(stream, files, expected)
    return stream.getvalue()


def written_by_zipfile(files: Mapping[str, bytes], expected: int | None = None) -> bytes:
    """The same bag as Python's own writer of zips makes it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as file:

        def add(name: str, content: bytes, mode: int = stat.S_IFREG | 0o644, size: int | None = None) -> None:
            info = zipfile.ZipInfo(f"bag/{name}", (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, mode << 16
            info.file_size = len(content) if size is None else size
            with file.open(info, "w") as entry:
                entry.write(content)

        def manifest(is_payload: bool) -> bytes:
            listed = (each for each in all_files.items() if each[0].startswith("data/") == is_payload)
            return b"".join(manifest_line(name, hashlib.sha256(content).digest()) for name, content in listed)

        add("data/", b"", stat.S_IFDIR | 0o755)
        for name, content in files.items():
            add(name, content, size=expected)
        payload = [content for name, content in files.items() if name.startswith("data/")]
        oxum = f"Payload-Oxum: {sum(map(len, payload))}.{len(payload)}\n"
        all_files = {
            **files,
            "bagit.txt": DECLARATION,
            "bag-info.txt": f"External-Identifier: ab\n{oxum}".encode(),
        }
        all_files[PAYLOAD_MANIFEST] = manifest(True)
        for name in ("bagit.txt", "bag-info.txt", PAYLOAD_MANIFEST):
            add(name, all_files[name])
        add(TAG_MANIFEST, manifest(False))
    return stream.getvalue()


def accepts(*command: str | Path) -> None:
    ended = subprocess.run(list(map(str, command)), check=False, capture_output=True)
    assert ended.returncode == 0, ended.stdout[-500:] + ended.stderr[-500:]


def others_accept(path: Path) -> None:
    accepts(sys.executable, "-m", "zipfile", "-t", path)
    if shutil.which("unzip"):
        accepts("unzip", "-tq", path)


# -- the same bytes -------------------------------------------------------------------------------------------------


def test_the_bytes_are_those_of_zipfile() -> None:
    assert written(FILES) == written_by_zipfile(FILES)
    assert written({}) == written_by_zipfile({})


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)


@given(st.dictionaries(names | names.map(lambda name: f"data/{name}"), st.binary(max_size=50), max_size=5))
def test_any_bag_is_that_of_zipfile(files: dict[str, bytes]) -> None:
    assert written(files) == written_by_zipfile(files)


@pytest.mark.skipif(sys.version_info < (3, 11, 4), reason="zipfile wrote other Zip64 headers (gh-103861)")
@pytest.mark.parametrize("limit", [100, 1000, 2_900_000])
@pytest.mark.parametrize("expected", [None, 10, 10**9])
def test_zip64_begins_where_zipfile_has_it_begin(
    monkeypatch: pytest.MonkeyPatch, limit: int, expected: int | None
) -> None:
    """At 2 GiB, or here at fewer bytes."""
    monkeypatch.setattr(bag_writer, "ZIP64_FROM", limit)
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", limit)
    # zipfile refuses an entry that grows over the limit without having been announced.
    files = {name: content for name, content in FILES.items() if expected != 10 or len(content) < 90}
    assert written(files, expected) == written_by_zipfile(files, expected)


def test_an_entry_that_grows_beyond_its_header_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bag_writer, "_MAX32", 1000)  # in place of 4 GiB
    with pytest.raises(ValueError, match="bag/data/x has 1,000 bytes where 5 were expected"):
        written({"data/x": bytes(1000)}, 5)


@pytest.mark.parametrize("spool", [1, 100])
def test_lists_that_went_to_disk_are_the_same(monkeypatch: pytest.MonkeyPatch, spool: int) -> None:
    expected = written(FILES)
    monkeypatch.setattr(limits, "SPOOL_BYTES", spool)
    assert written(FILES) == expected


# -- many and large entries -----------------------------------------------------------------------------------------


def test_over_65535_entries(tmp_path: Path) -> None:
    files = {f"data/{number % 100}/{number}": b"%d" % number for number in range(70_000)}
    with (tmp_path / "bag.zip").open("wb") as stream:
        write(stream, files)
    others_accept(tmp_path / "bag.zip")
    with open_container(tmp_path / "bag.zip") as container:
        assert len(container.numbers) == len(files) + 4
        assert all(b"".join(container.pieces(name)) == files[name] for name in list(files)[::1000])


@pytest.mark.parametrize("count", [65_529, 65_530, 65_531])
def test_around_65535_entries_the_bytes_are_those_of_zipfile(count: int) -> None:
    files = {f"notary/{number}": b"" for number in range(count)}  # and six more
    assert written(files) == written_by_zipfile(files)


def test_memory_does_not_grow_with_the_entries(tmp_path: Path) -> None:
    def add(bag: BagWriter, count: int) -> None:
        for number in range(count):
            bag.add(f"data/folder/{number:08}.txt", [b"x"], 1)

    with (tmp_path / "bag.zip").open("wb") as stream, BagWriter(stream, "bag") as bag:
        add(bag, 100)
        tracemalloc.start()
        try:
            add(bag, 10_000)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    # The lists in their two buffers, which double while they grow, up to SPOOL_BYTES each.
    assert peak < 10_000 * 2 * 2 * 120
    assert peak < limits.SPOOL_BYTES


def zeros(size: int) -> Iterable[bytes]:
    piece = bytes(GIB // 64)
    return (piece[: min(len(piece), size - at)] for at in range(0, size, len(piece)))


@pytest.mark.slow
@pytest.mark.parametrize("gib", [2, 4])
def test_others_read_really_large_entries(tmp_path: Path, gib: int) -> None:
    size = gib * GIB + 5
    with (tmp_path / "bag.zip").open("wb") as stream, BagWriter(stream, "bag") as bag:
        digest = bag.add("data/large", zeros(size), size)
        bag.add("data/after", [b"after"])
        bag.finish({})
    others_accept(tmp_path / "bag.zip")
    hasher = hashlib.sha256()
    with open_container(tmp_path / "bag.zip") as container:
        for piece in container.pieces("data/large"):
            hasher.update(piece)
    assert hasher.digest() == digest


# -- faults ---------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="needs a small disk")
def test_a_full_disk_under_the_lists_is_told(small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SPOOL_BYTES", 1000)
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    stream = (tmp_path / "bag.zip").open("wb")
    with stream, pytest.raises(OSError, match=r"[Nn]o space left") as caught:
        write(stream, {f"data/{number:05}/{'x' * 200}": b"" for number in range(20_000)})
    assert caught.value.errno == errno.ENOSPC
    assert not list(small_disk.iterdir())


def test_an_error_of_the_evidence_is_what_is_raised() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"x"
        raise KeyError("the evidence")

    stream = io.BytesIO()
    with pytest.raises(KeyError, match="the evidence"), BagWriter(stream, "bag") as bag:
        bag.add("data/x", pieces())
    assert b"PK\5\6" not in stream.getvalue(), "no end that would make it look whole"
