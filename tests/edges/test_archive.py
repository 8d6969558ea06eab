"""edges.archive: bags that others read too, and sound zips and folders that others made of them."""

import gc
import hashlib
import io
import os
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notary import bundling, limits
from notary.core.bag import DECLARATION, PAYLOAD_MANIFEST, TAG_MANIFEST, read_manifest
from notary.core.evidence import portable
from notary.edges import bag_writer
from notary.edges.archive import NotABundleError, RefusedError, lines, open_container, read_small
from notary.edges.bag_writer import BagWriter
from notary.edges.files import written_whole
from notary.errors import EvidenceError, FormatError, InputError, SystemFailureError
from tests.edges.bounded import within
from tests.edges.zip_forge import MAX16, MAX32, ZIP64, Part, extra, forge

GIB = 2**30

FILES = {
    "data/plain.txt": b"plain",
    "data/empty": b"",
    "data/with a blank.txt": b"blank",
    "data/日本/ノート.txt": b"notes",
    "data/e\u0301 and \u00e9.txt": b"two forms of one letter",
    "data/\U0001f4dc.txt": b"beyond 16 bits",
    "data/line\u2028separator\u0085.txt": b"what some call a line",
    "data/large.bin": os.urandom(3 * limits.READ_BYTES + 1),
    "notary/tree.bin": b"t" * 64,
}


def write_bag(stream: IO[bytes], files: Mapping[str, bytes], name: str = "bag") -> None:
    with BagWriter(stream, name) as bag:
        for file, content in files.items():
            pieces = [content[at : at + 1000] for at in range(0, len(content), 1000)]
            assert bag.add(file, pieces, len(content)) == hashlib.sha256(content).digest()
        bag.finish({"External-Identifier": "00" * 32})


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bag") / "bag.zip"
    with path.open("wb") as stream:
        write_bag(stream, FILES)
    return path


@pytest.fixture
def folder(bag: Path, tmp_path: Path) -> Path:
    """The bag, unpacked."""
    with zipfile.ZipFile(bag) as file:
        file.extractall(tmp_path)
    return tmp_path / "bag"


def unpacked(folder: Path, files: Mapping[str, bytes]) -> Path:
    with (folder / "made.zip").open("wb") as stream:
        write_bag(stream, files)
    with zipfile.ZipFile(folder / "made.zip") as file:
        file.extractall(folder)
    return folder / "bag"


def contents(path: Path) -> dict[str, bytes]:
    with open_container(path) as container:
        return {name: b"".join(container.pieces(name)) for name in container.numbers}


def payload(path: Path) -> dict[str, bytes]:
    """What is in the bag but its own files, after comparing all digests."""
    found = contents(path)
    listed = [line for name in (PAYLOAD_MANIFEST, TAG_MANIFEST) for line in read_manifest([found[name]], name)]
    assert sorted(listed) == sorted(
        (name, hashlib.sha256(content).digest()) for name, content in found.items() if name != TAG_MANIFEST
    )
    own = ("bagit.txt", "bag-info.txt", PAYLOAD_MANIFEST, TAG_MANIFEST)
    return {name: content for name, content in found.items() if name not in own}


# -- writing --------------------------------------------------------------------------------------------------------


def test_our_reader_reads_it(bag: Path) -> None:
    assert payload(bag) == FILES
    with open_container(bag) as container:
        assert container.size("data/large.bin") == 3 * limits.READ_BYTES + 1
        assert read_small(container, "bagit.txt", 100) == DECLARATION


def test_python_reads_it(bag: Path) -> None:
    with zipfile.ZipFile(bag) as file:
        assert file.testzip() is None
        names = [one.filename for one in file.infolist() if not one.is_dir()]
        assert all(name.startswith("bag/") for name in file.namelist())
        assert len(names) == len(set(names))
        assert {name: file.read(f"bag/{name}") for name in FILES} == FILES


@pytest.mark.skipif(shutil.which("unzip") is None, reason="needs unzip")
def test_unzip_reads_it(bag: Path) -> None:
    ended = subprocess.run(["unzip", "-t", bag], check=False, capture_output=True)
    assert ended.returncode == 0, ended


def test_the_reference_bag_reader_validates_it(tmp_path: Path) -> None:
    import bagit

    files = {name: content for name, content in FILES.items() if "\u2028" not in name}
    folder = unpacked(tmp_path, files)
    assert bagit.Bag(str(folder)).validate()
    (folder / "data" / "plain.txt").write_bytes(b"other")
    with pytest.raises(bagit.BagValidationError):
        bagit.Bag(str(folder)).validate()


@pytest.mark.parametrize(
    "name", ["100%.txt", "%0A", "a\u2028b", "a\u2029b", "a\x85b", "a\x0bb", "a b", "é", "\ufeffx", "#x"]
)
def test_the_reference_bag_reader_reads_every_name_that_bundles_give(tmp_path: Path, name: str) -> None:
    import bagit

    given = portable(b"folder/" + name.encode()) or "_/0"
    assert bagit.Bag(str(unpacked(tmp_path, {f"data/{given}": b"content"}))).validate()


def test_the_same_bag_twice_is_the_same_bytes(bag: Path) -> None:
    again = io.BytesIO()
    write_bag(again, FILES)
    assert again.getvalue() == bag.read_bytes()


AGAIN = """
import io, os, sys
from tests.edges.test_archive import SMALL, write_bag
os.umask(0o077)
stream = io.BytesIO()
write_bag(stream, SMALL)
sys.stdout.buffer.write(stream.getvalue())
"""
SMALL = {"data/日本": b"one", "data/two": b"2", "notary/tree.bin": b""}


def test_another_process_in_another_place_writes_the_same_bytes() -> None:
    here = io.BytesIO()
    write_bag(here, SMALL)
    root = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    for zone, seed in (("Asia/Tokyo", "1"), ("America/New_York", "2")):
        environment = {**os.environ, "PYTHONPATH": root, "TZ": zone, "PYTHONHASHSEED": seed, "LC_ALL": "C"}
        ended = subprocess.run([sys.executable, "-c", AGAIN], check=True, capture_output=True, env=environment)
        assert ended.stdout == here.getvalue()


def test_percent_signs_are_escaped_as_rfc_8493_says(tmp_path: Path) -> None:
    files = {"data/100%.txt": b"1", "data/%0A": b"2", "data/%250a": b"3", "data/a%25b": b"4"}
    with (tmp_path / "bag.zip").open("wb") as stream:
        write_bag(stream, files)
    assert payload(tmp_path / "bag.zip") == files
    manifest = contents(tmp_path / "bag.zip")[PAYLOAD_MANIFEST].decode()
    assert [line.split("  ")[1] for line in manifest.splitlines()] == [
        *("data/100%25.txt", "data/%250A", "data/%25250a", "data/a%2525b"),
    ]


def test_a_bag_without_payload(tmp_path: Path) -> None:
    with (tmp_path / "bag.zip").open("wb") as stream:
        write_bag(stream, {"notary/tree.bin": b""})
    assert payload(tmp_path / "bag.zip") == {"notary/tree.bin": b""}
    assert contents(tmp_path / "bag.zip")[PAYLOAD_MANIFEST] == b""


def test_many_entries(tmp_path: Path) -> None:
    files = {f"data/{number}": b"%d" % number for number in range(300)}
    with (tmp_path / "bag.zip").open("wb") as stream:
        write_bag(stream, files)
    assert payload(tmp_path / "bag.zip") == files


def test_65535_entries_need_no_zip64(tmp_path: Path) -> None:
    # The largest number that the plain end can say is also the sign that the zip64 end says it.
    parts = [Part(b"bag/bagit.txt", DECLARATION), *(Part(b"bag/data/%d" % number) for number in range(MAX16 - 1))]
    (tmp_path / "bag.zip").write_bytes(forge(parts))
    with open_container(tmp_path / "bag.zip") as container:
        assert len(container.numbers) == MAX16


def test_a_bag_of_2_to_4_gib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # From 2 GiB on there is a zip64 end, and up to 4 GiB the plain one has the true numbers as well.
    monkeypatch.setattr(bag_writer, "ZIP64_FROM", 1000)
    files = {"data/1": b"1" * 2000, "data/2": b"2" * 2000}
    with (tmp_path / "bag.zip").open("wb") as stream:
        write_bag(stream, files)
    assert payload(tmp_path / "bag.zip") == files


def test_an_entry_of_over_4_gib(tmp_path: Path) -> None:
    path, size = tmp_path / "bag.zip", 4 * GIB + 5
    told = {"size": MAX32, "packed": MAX32, "crc": 0, "extra": extra(ZIP64, struct.pack("<2Q", size, size))}
    bagit, large = Part(b"bag/bagit.txt", DECLARATION), Part(b"bag/data/large", both=told)
    after = Part(b"bag/data/after", b"after")
    with path.open("wb") as stream:
        central = bagit.central_header(0) + large.central_header(stream.write(bagit.local_header() + bagit.stored()))
        stream.write(large.local_header())
        stream.seek(size, os.SEEK_CUR)  # a hole: nobody has to write 4 GiB of zeros
        offset = stream.tell()
        stream.write(after.local_header() + after.stored())
        far = {"offset": MAX32, "extra": extra(ZIP64, struct.pack("<Q", offset))}
        central += Part(after.name, after.data, central=far).central_header(offset)
        start = stream.tell()
        stream.write(central)
        # The end of a zip file without parts, its numbers put right.
        stream.write(
            forge([], end64={"here": 3, "count": 3, "size": len(central), "offset": start, "located": stream.tell()})
        )
    with zipfile.ZipFile(path) as file:
        assert [one.file_size for one in file.infolist()] == [len(DECLARATION), size, 5]
    with open_container(path) as container:
        assert container.size("data/large") == size
        assert next(container.pieces("data/large")) == bytes(limits.READ_BYTES)
        assert b"".join(container.pieces("data/after")) == b"after"


@pytest.mark.slow
@pytest.mark.parametrize("gib", [2, 4])
def test_a_really_large_bag(tmp_path: Path, gib: int) -> None:
    size = gib * GIB + 1
    pieces = (bytes(min(GIB // 64, size - at)) for at in range(0, size, GIB // 64))
    with (tmp_path / "bag.zip").open("wb") as stream, BagWriter(stream, "bag") as written:
        digest = written.add("data/large", pieces, size)
        written.add("data/after", [b"after"])
        written.finish({})
    hasher = hashlib.sha256()
    with open_container(tmp_path / "bag.zip") as container:
        for piece in container.pieces("data/large"):
            hasher.update(piece)
        assert b"".join(container.pieces("data/after")) == b"after"
    assert hasher.digest() == digest


# -- writing evidence -----------------------------------------------------------------------------------------------


def add_evidence(stream: IO[bytes], source: Path, content: bytes) -> None:
    with BagWriter(stream, "bag") as bag:
        digest = hashlib.sha256(content).digest()
        bundling.add_evidence(bag, "data/x", source, digest, len(content), lambda count: None)
        bag.finish({})


def test_evidence_is_copied_and_compared(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"evidence")
    with (tmp_path / "bag.zip").open("wb") as stream:
        add_evidence(stream, source, b"evidence")
    assert payload(tmp_path / "bag.zip") == {"data/x": b"evidence"}
    for stamped in (b"Evidence", b"evidenc", b"evidence."):
        with pytest.raises(EvidenceError, match="no longer what was stamped"):
            add_evidence(io.BytesIO(), source, stamped)
    with pytest.raises(InputError, match="cannot be read any more: no such file"):
        add_evidence(io.BytesIO(), tmp_path / "gone", b"evidence")


def test_evidence_that_grew_beyond_its_entry_is_no_longer_what_was_stamped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bag_writer, "ZIP64_FROM", 1000)  # in place of 2 GiB
    (tmp_path / "source").write_bytes(b"evidence" * 1000)
    with pytest.raises(EvidenceError, match="no longer what was stamped"):
        add_evidence(io.BytesIO(), tmp_path / "source", b"evidence")


@pytest.mark.skipif(os.name != "posix", reason="needs FIFOs")
def test_a_fifo_in_the_place_of_evidence_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises((InputError, EvidenceError)):
        within(5, lambda: add_evidence(io.BytesIO(), tmp_path / "fifo", b"evidence"))


@pytest.mark.skipif(sys.platform != "linux", reason="needs a small disk")
def test_a_full_disk_is_not_the_evidences_fault(small_disk: Path, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(bytes(2 << 20))
    target = small_disk / "bag.zip"
    with pytest.raises(SystemFailureError, match=f"{target}: .*no space left"), written_whole(target) as stream:
        add_evidence(stream, tmp_path / "source", bytes(2 << 20))
    assert not list(small_disk.iterdir())


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_bag_that_is_given_up_says_nothing(tmp_path: Path) -> None:
    # What is thrown away must not try to finish the file, which is closed by then.
    with pytest.raises(EvidenceError), written_whole(tmp_path / "bag.zip") as stream:
        add_evidence(stream, Path(__file__), b"other")
    gc.collect()


# -- zips that others make of our bags ------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("zip") is None, reason="needs Info-ZIP")
@pytest.mark.parametrize("how", ["file", "stored", "stream"])
@pytest.mark.parametrize("names", ["ascii", "any"])
def test_a_bag_zipped_by_info_zip(folder: Path, how: str, names: str) -> None:
    expected = FILES
    if names == "ascii":
        expected = {name: content for name, content in FILES.items() if name.isascii()}
        for name in FILES.keys() - expected:
            (folder / name).unlink()
        shutil.rmtree(folder / "data" / "日本")
    options = {"file": ["-r"], "stored": ["-0", "-r"], "stream": ["-r", "-"]}[how]
    target = folder.with_name("again.zip")
    command = ["zip", "-q", *options, folder.name] if how == "stream" else ["zip", "-q", *options, target, folder.name]
    with target.open("wb") if how == "stream" else io.BytesIO() as stream:
        ended = subprocess.run(command, cwd=folder.parent, check=True, capture_output=True)
        stream.write(ended.stdout)
    found = contents(target)
    assert {name: found[name] for name in expected} == expected


class Pipe(io.RawIOBase):
    """A stream that cannot go back, so that sizes follow their entries."""

    def __init__(self) -> None:
        self.received = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.received += data
        return len(data)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("is_large", [False, True])
def test_a_bag_zipped_by_python(tmp_path: Path, folder: Path, method: int, is_large: bool) -> None:
    for stream in (io.BytesIO(), Pipe()):
        with zipfile.ZipFile(stream, "w", method) as file:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    name = path.relative_to(folder.parent).as_posix()
                    with file.open(name, "w", force_zip64=is_large) as entry:
                        entry.write(path.read_bytes())
        (tmp_path / "again.zip").write_bytes(stream.received if isinstance(stream, Pipe) else stream.getvalue())
        assert payload(tmp_path / "again.zip") == FILES


# -- unpacked bags --------------------------------------------------------------------------------------------------


def test_a_folder_is_read_like_a_zip(folder: Path, bag: Path) -> None:
    assert contents(folder) == contents(bag)
    assert payload(folder.parent) == FILES  # a folder with nothing but the bag in it


def test_a_folder_without_a_bag(tmp_path: Path) -> None:
    with pytest.raises(NotABundleError, match=r"no bagit\.txt"):
        contents(tmp_path)
    (tmp_path / "1").mkdir()
    with pytest.raises(NotABundleError, match=r"no bagit\.txt"):
        contents(tmp_path)
    (tmp_path / "1" / "bagit.txt").write_bytes(DECLARATION)
    (tmp_path / "2").mkdir()
    with pytest.raises(NotABundleError, match=r"no bagit\.txt"):
        contents(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")
@pytest.mark.parametrize("name", ["bagit.txt", "data/link", "data/deeper/link", "link"])
@pytest.mark.parametrize("kind", ["link", "dangling link", "link to a folder", "fifo"])
def test_links_in_a_folder_are_refused(folder: Path, name: str, kind: str) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    match kind:
        case "link":
            path.symlink_to(__file__)
        case "dangling link":
            path.symlink_to("nothing")
        case "link to a folder":
            path.symlink_to(folder / "notary")
        case "fifo":
            os.mkfifo(path)
    with pytest.raises(FormatError):
        within(5, lambda: contents(folder))


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_folder_with_nothing_but_a_link_is_no_bag(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outer").mkdir()
    (tmp_path / "outer" / "bag").symlink_to(folder)
    with pytest.raises(FormatError):
        contents(tmp_path / "outer")


@pytest.mark.skipif(sys.platform != "linux", reason="needs names that are not UTF-8")
@pytest.mark.parametrize("name", [b"data/\xff", b"data/\xff/x", b"\xff"])
def test_names_in_a_folder_are_utf8(folder: Path, name: bytes) -> None:
    path = folder / os.fsdecode(name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    with pytest.raises(RefusedError, match="not UTF-8"):
        contents(folder)


def test_entries_of_a_folder_are_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ZIP_ENTRIES", 10)
    with pytest.raises(RefusedError, match="over 10 entries"):
        contents(folder)


def test_what_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing: no such file"):
        contents(tmp_path / "nothing")


# -- tag files ------------------------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=6)), st.integers(1, 5))
def test_lines_do_not_depend_on_the_pieces(texts: list[bytes], piece: int) -> None:
    whole = b"".join(text.replace(b"\n", b"") + b"\n" for text in texts)
    pieces = [whole[at : at + piece] for at in range(0, len(whole), piece)]
    assert list(lines(pieces, 6, "x")) == whole.split(b"\n")[:-1]


@pytest.mark.parametrize("piece", [1, 3, 100])
@pytest.mark.parametrize(
    ("text", "fault"), [(b"ab\ntoo long\n", "over 4 bytes"), (b"ab\nxx", "end in a newline"), (b"toolong", "over 4")]
)
def test_lines_are_bounded(text: bytes, fault: str, piece: int) -> None:
    with pytest.raises(RefusedError, match=fault):
        list(lines([text[at : at + piece] for at in range(0, len(text), piece)], 4, "x"))


def test_tag_files_are_bounded(bag: Path) -> None:
    with open_container(bag) as container, pytest.raises(RefusedError, match="over 10 bytes"):
        read_small(container, "bagit.txt", 10)


def test_a_crc_is_compared(tmp_path: Path) -> None:
    parts = [Part(b"bag/bagit.txt", DECLARATION), Part(b"bag/x", b"x", both={"crc": zlib.crc32(b"y")})]
    (tmp_path / "bag.zip").write_bytes(forge(parts))
    with pytest.raises(RefusedError, match="not what the zip says"):
        contents(tmp_path / "bag.zip")
