"""Bundles of a million items: they are read line by line, in little memory, and as strictly as small ones."""

import hashlib
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notary import limits
from notary.core import evidence
from notary.core.chain import Checkpoints
from notary.core.check import Status
from notary.core.digest import digest_of, head_hash, record_hash, statement_hash
from notary.core.evidence import Item, make_record, write_item
from notary.core.facts import Policy
from notary.core.header import NETWORKS, Trust
from notary.core.manifest import Manifest, write_manifest
from notary.core.merkle import root_by_cover
from notary.core.ots import write_proof
from notary.core.strict_json import canonical
from notary.core.verdict import Verdict
from notary.describing import describe
from notary.edges.bag_writer import BagWriter
from notary.errors import FormatError
from notary.headers import HeaderSources
from notary.verifying import verify
from tests.independent.forge import pending

MTIME = 1_773_307_800 * 10**9
FEW, MILLION = 20_000, 1_000_000


def content_of(index: int) -> bytes:
    return b"%d" % index


def items_of(size: int, shown: str) -> Iterator[Item]:
    """A batch's items, all of them, as a bundle shows them: files, names or digests."""
    for index in range(size):
        content = content_of(index)
        digest = digest_of(content)
        s, t = digest[:16], digest[16:]
        path = f"matter/{index // 1000:04}/document {index:07}.pdf"
        record = make_record(path.encode(), len(content), MTIME + index * 10**9)
        r = record_hash(t, canonical(record))
        if shown == "digests":
            yield Item(index, digest, s, r)
        else:
            yield Item(index, digest, s, r, t, record, f"data/{path}" if shown == "files" else None)


def write_bundle(
    target: Path, size: int, shown: str, content: Callable[[int], bytes] = content_of, unnamed: int = 0
) -> None:
    """A pending bundle. `content` may make other files than those stamped, `unnamed` more than those."""
    root = root_by_cover(size, ((item.index, item.leaf) for item in items_of(size, shown)), ())
    manifest = write_manifest(Manifest(root, size, "bitcoin", "2026-11-21T03:10:53Z", "notary"))
    head = head_hash(root, size, statement_hash(manifest))
    with target.open("wb") as stream, BagWriter(stream, "bag") as bag:
        for item in items_of(size, shown) if shown == "files" else ():
            bag.add(item.file or "", [content(item.index)], 10)
        for number in range(unnamed):
            bag.add(f"data/unnamed/{unnamed - number:04}", [b"x"])
        bag.add("notary/manifest.json", [manifest])
        bag.add("notary/items.jsonl", map(write_item, items_of(size, shown)), size * 4096)
        bag.add("notary/tree.bin", [])
        bag.add("notary/head.ots", [write_proof(head, b"", pending())])
        bag.finish({})


def verified(target: Path) -> Verdict:
    policy = Policy(NETWORKS["bitcoin"], Trust.CHECKPOINT, Checkpoints())
    return verify(target, [], policy, HeaderSources())


def peak_of(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# -- memory ---------------------------------------------------------------------------------------------------------

# A piece of READ_BYTES, the same cut into lines, and the one before it; and what each disclosed file costs.
FIXED, EACH = 6 * limits.READ_BYTES, 300


@pytest.mark.parametrize("shown", ["files", "names", "digests"])
def test_a_bundle_is_read_in_little_memory(tmp_path: Path, shown: str) -> None:
    write_bundle(tmp_path / "bundle.zip", FEW, shown)
    found: list[Any] = []
    verifying = peak_of(lambda: found.append(verified(tmp_path / "bundle.zip")))
    describing = peak_of(lambda: found.append(describe(tmp_path / "bundle.zip", 10)))
    assert (found[0].outcome, found[0].files.disclosed) == ("pending", FEW)
    assert (found[1].shown, len(found[1].items)) == (FEW, 10)
    assert max(verifying, describing) < FIXED + EACH * (FEW if shown == "files" else 0)


MEASURED = """
import sys
from pathlib import Path
from tests.scenarios.test_large_bundles import verified, write_bundle
target, size, shown = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if sys.argv[4] == "write":
    write_bundle(target, size, shown)
else:
    verdict = verified(target)
    assert (verdict.outcome, verdict.files.disclosed) == ("pending", size), verdict
(peak,) = (line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak) * 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize(("shown", "most"), [("files", 400 << 20), ("names", 64 << 20), ("digests", 64 << 20)])
def test_a_million_items(tmp_path: Path, shown: str, most: int) -> None:
    """In a process of its own, whose memory in all is what the system counts."""
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    for doing, bound in (("write", 64 << 20), ("verify", most)):
        command = [sys.executable, "-c", MEASURED, str(tmp_path / "bundle.zip"), str(MILLION), shown, doing]
        ended = subprocess.run(command, env=environment, check=True, capture_output=True)
        assert int(ended.stdout) < bound, doing


# -- faults ---------------------------------------------------------------------------------------------------------


def test_of_many_faults_the_first_by_name_are_listed(tmp_path: Path) -> None:
    size, more = 300, 30

    def altered(index: int) -> bytes:
        return b"~" * len(content_of(index)) if index % 2 else content_of(index)

    write_bundle(tmp_path / "bundle.zip", size, "files", altered, more)
    verdict = verified(tmp_path / "bundle.zip")
    (check,) = (one for one in verdict.checks if one.status is Status.FAILED)
    assert check.number == 4
    assert check.found.startswith("data/matter/0000/document 0000001.pdf: ")
    assert check.found.endswith(f"and {size // 2 + more - limits.LISTED_PROBLEMS} more")


def test_unnamed_files_are_listed_by_name(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle.zip", 3, "files", unnamed=100)
    (check,) = (one for one in verified(tmp_path / "bundle.zip").checks if one.status is Status.FAILED)
    listed = [f"data/unnamed/{number:04}: no item names this file" for number in range(1, 1 + limits.LISTED_PROBLEMS)]
    assert check.found == "; ".join([*listed, "and 80 more"])


# -- lines of items.jsonl: the short way is the strict one ----------------------------------------------------------

HASH, SALT = "0a" * 32, "1b" * 16
RECORD = '{"mtime":"2026-03-12T09:30:00Z","path":"lab/a.pdf","size":9}'
WITHHELD = f'{{"digest":"{HASH}","index":3,"r":"{HASH}","s":"{SALT}"}}'
NAMED = f'{{"digest":"{HASH}","file":"data/lab/a.pdf","index":3,"record":{RECORD},"s":"{SALT}","t":"{SALT}"}}'
DECLARED = '{"bates":"A 1","custodian":"é","description":"","exhibit":"\x7f\u2028","path":"a","size":0,"source":"日本"}'


def strictly(line: bytes) -> Item | str:
    try:
        return evidence._read_strictly(line, 7)
    except FormatError as error:
        return error.message


def agrees(line: bytes) -> bool:
    """Whether the line has the short way; where it has, that way gives what the strict one gives."""
    plain = evidence._read_plain(line)
    if plain is not None:
        assert plain == strictly(line)
        assert plain.record is None or list(plain.record) == sorted(plain.record)
    return plain is not None


@pytest.mark.parametrize("line", [WITHHELD, NAMED, NAMED.replace(RECORD, DECLARED)])
def test_lines_as_we_write_them_have_the_short_way(line: str) -> None:
    assert agrees(line.encode())
    item = evidence.read_item(line.encode(), 7)
    assert write_item(item) == line.encode() + b"\n"


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
records = st.fixed_dictionaries(
    {"size": st.integers(0, 2**53 - 1)},
    optional=dict.fromkeys(("path", "mtime", "path_hex", "other", *evidence.DECLARED), texts)
    | {"bates": texts | st.integers(-5, 5) | st.dictionaries(texts, texts, max_size=2)},
)


@given(st.integers(0, 2**53), records, st.none() | texts.map(lambda text: f"data/{text}"), st.booleans(), st.booleans())
def test_any_item_is_read_the_same(
    index: int, record: dict[str, Any], file: str | None, is_shown: bool, is_ascii: bool
) -> None:
    members: dict[str, Any] = {"digest": HASH, "index": index, "s": SALT, "record": record, "t": SALT}
    if not is_shown:
        members = {"digest": HASH, "index": index, "r": HASH, "s": SALT}
    if file is not None:
        members["file"] = file
    line = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=is_ascii)
    agrees(line.encode())


FRAGMENTS = [
    *('"', "\\", "\\u0061", "\\ud800", "0", "-", "1.0", "1e3", "9" * 16, "true", "null", "{", "}", "[", "]", ",", ":"),
    *(" ", "\n", "\t", "\x00", "\x1f", "\x7f", "\u2028", "é", '"r":', '"t":', '"path":"b",', '"size":1,', '"x":{},'),
    *('"index":4,', '"mtime":"",', "data/", "A", "\ufeff", ',"source":""', ',"source":1', '"file":"data/b",'),
]


@given(
    st.sampled_from([WITHHELD, NAMED, NAMED.replace(RECORD, DECLARED)]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3), st.sampled_from(FRAGMENTS)), max_size=3),
)
@example(NAMED, [(0, 0, "\ufeff")])
@example(WITHHELD, [(400, 0, "\n")])
def test_altered_lines_are_read_the_same(line: str, changes: list[tuple[int, int, str]]) -> None:
    for at, length, fragment in changes:
        at %= len(line) + 1
        line = line[:at] + fragment + line[at + length :]
    agrees(line.encode())


@given(st.sampled_from([WITHHELD, NAMED, DECLARED]), st.integers(0, 400), st.integers(0, 255))
def test_lines_with_any_byte_are_read_the_same(line: str, at: int, byte: int) -> None:
    data = bytearray(line.encode())
    data[at % len(data)] = byte
    agrees(bytes(data))


def test_a_line_at_the_limit_is_read_the_same() -> None:
    room = limits.ITEM_LINE_BYTES - len(NAMED.encode())
    assert agrees(NAMED.replace("lab/a.pdf", "lab/a.pdf" + "x" * (room // 2)).encode())
    long = NAMED.replace("data/lab/a.pdf", "data/lab/a.pdf" + "x" * (room + 1)).encode()
    assert not agrees(long)
    assert "over 65536 bytes" in str(strictly(long))


def test_every_digest_of_a_bundle_is_compared(tmp_path: Path) -> None:
    """The files of a container have their digests in a row: each is its own."""
    write_bundle(tmp_path / "bundle.zip", 50, "files")
    assert verified(tmp_path / "bundle.zip").files.matched == 50
    for wrong in (0, 1, 30, 49):

        def altered(index: int, wrong: int = wrong) -> bytes:
            return b"~" * len(content_of(index)) if index == wrong else content_of(index)

        write_bundle(tmp_path / "bundle.zip", 50, "files", altered)
        verdict = verified(tmp_path / "bundle.zip")
        assert verdict.files.matched == 49
        (check,) = (one for one in verdict.checks if one.status is Status.FAILED)
        found = hashlib.sha256(altered(wrong)).hexdigest()
        assert check.found == f"data/matter/0000/document {wrong:07}.pdf: SHA-256 {found}"
