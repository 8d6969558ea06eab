"""Matching what is at hand with what was stamped: files given as evidence, and a bundle's own items.

Numbers in comments are those of the checks (DESIGN section 4).
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from operator import attrgetter
from pathlib import Path

from notary import limits
from notary.core.bag import PAYLOAD
from notary.core.digest import DIGEST_BYTES
from notary.core.evidence import Item, read_item
from notary.core.facts import Fault, Faults, Files, Match, SeenItem
from notary.core.merkle import root_by_cover
from notary.edges.archive import Container, RefusedError, lines
from notary.edges.walking import Found, Unreadable, walk
from notary.errors import FormatError, InputError


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file to be matched. `recorded` is its path within a given folder, where it may be something else; a file that
    was named has to match."""

    file: Path
    recorded: bytes | None = None

    def is_called(self, item: Item) -> bool:
        """Whether the item was recorded under this file's name."""
        path = item.path
        if path is None:
            return False
        return path == self.recorded if self.recorded else path.rpartition(b"/")[2] == os.fsencode(self.file.name)


def evidence_files(paths: Sequence[Path]) -> Iterator[Evidence]:
    """The files that were given, and all regular files in the folders that were. Raises InputError."""
    for path in paths:
        if not path.is_dir():
            yield Evidence(path)
            continue
        for one in walk([path]):
            if isinstance(one, Unreadable):
                raise InputError(f"{one.path}: {one.reason}")
            if isinstance(one, Found):
                yield Evidence(Path(one.source), one.recorded)


@dataclass(slots=True)
class Tally:
    """Counts while items go by; faults beyond the first few are only counted."""

    named: int = 0
    disclosed: int = 0
    matched: int = 0
    extra: int = 0
    listed: list[Fault] = field(default_factory=list)
    failed: int = 0

    def mismatch(self, name: str, expected: str, found: str) -> None:
        self.failed += 1
        if len(self.listed) < limits.LISTED_PROBLEMS:
            self.listed.append(Fault(name, expected, found))

    def mismatches(self, faults: Iterable[Fault]) -> None:
        """Counts the faults, as many as there may be, and lists the first by name."""
        count = 0

        def counted() -> Iterator[Fault]:
            nonlocal count
            for fault in faults:
                count += 1
                yield fault

        first = nsmallest(limits.LISTED_PROBLEMS, counted(), key=attrgetter("name"))
        self.listed += first[: limits.LISTED_PROBLEMS - len(self.listed)]
        self.failed += count

    def nothing_matched(self, paths: Sequence[Path], expected: str) -> None:
        """Given folders must hold something of it."""
        if paths and not self.matched and not self.failed:
            self.mismatch(", ".join(map(str, paths)), expected, "no file in it matches")

    def faults(self) -> Faults:
        return Faults(tuple(self.listed), self.failed)

    def files(self, disclosed: int, of: int) -> Files:
        return Files(disclosed, of, self.named, self.matched, self.extra, self.faults())


@dataclass(frozen=True, slots=True)
class Digests:
    """The SHA-256 of each file of a container, in a row in the order of their numbers: a million take 32 MB."""

    numbers: Mapping[str, int]
    row: bytearray

    def __getitem__(self, name: str) -> bytes:
        at = self.numbers[name] * DIGEST_BYTES
        return bytes(self.row[at : at + DIGEST_BYTES])


def digests_of(container: Container, progress: Callable[[int], None]) -> Digests:
    """Reads every file of the container. Raises RefusedError where one is not what the container promised."""
    row = bytearray()
    for name in container.numbers:
        row += _digest(container.pieces(name), progress)
    return Digests(container.numbers, row)


def _digest(pieces: Iterator[bytes], progress: Callable[[int], None]) -> bytes:
    hasher = hashlib.sha256()
    for piece in pieces:
        hasher.update(piece)
        progress(len(piece))
    return hasher.digest()


def items_of(container: Container) -> Iterator[Item]:
    """The items that a bundle shows, in their order. Raises FormatError."""
    name = "notary/items.jsonl"
    if name not in container.numbers:
        raise FormatError(f"{name} is missing")
    for number, line in enumerate(lines(container.pieces(name), limits.ITEM_LINE_BYTES, name), start=1):
        yield read_item(line, number)


class ItemsPass:
    """One pass over items.jsonl, line by line: files and records are compared while the tree is recomputed."""

    def __init__(self, container: Container, digests: Digests, given: Sequence[tuple[Evidence, bytes]]) -> None:
        self._container = container
        self._digests = digests
        self._given = given
        self._wanted = {digest for _, digest in given}
        self._met: set[bytes] = set()
        self._by_name: dict[bytes, list[tuple[Evidence, bytes]]] = {}
        for path, digest in given:
            self._by_name.setdefault(os.fsencode(path.file.name), []).append((path, digest))
        self._namesakes: dict[Evidence, bytes] = {}
        self._digest_of = dict(given)
        self._is_claimed = bytearray(len(container.numbers))
        self.files = Tally()
        self.records = Tally()
        self._seen: list[tuple[Item, Match | None]] = []

    def root(self, size: int) -> tuple[bytes | None, str | None]:
        """The root over a batch of `size`, or what keeps it from being computed."""
        try:
            root = root_by_cover(size, self._leaves(), self._hashes())
        except FormatError as error:
            return None, error.message
        if not self.files.disclosed:
            return None, "no item is shown"
        self.files.mismatches(self._unclaimed())
        self._compare_given()
        return root, None

    def _unclaimed(self) -> Iterator[Fault]:
        for name, number in self._container.numbers.items():
            if name.startswith(PAYLOAD) and not self._is_claimed[number]:
                yield Fault(name, "the digest of an item", "no item names this file")

    def _leaves(self) -> Iterator[tuple[int, bytes]]:
        for item in items_of(self._container):
            self.files.disclosed += 1
            self._compare_record(item)
            self._compare_file(item)
            yield item.index, item.leaf

    def _hashes(self) -> Iterator[bytes]:
        name = "notary/tree.bin"
        if name not in self._container.numbers:
            raise FormatError(f"{name} is missing")
        size = self._container.size(name)
        if size > limits.TREE_BYTES:
            raise RefusedError(f"{name} is over {limits.TREE_BYTES} bytes")
        if size % DIGEST_BYTES:
            raise FormatError(f"{name} is not a whole number of hashes")
        rest = b""
        for piece in self._container.pieces(name):
            data = rest + piece
            whole = len(data) - len(data) % DIGEST_BYTES
            for at in range(0, whole, DIGEST_BYTES):
                yield data[at : at + DIGEST_BYTES]
            rest = data[whole:]

    def _compare_record(self, item: Item) -> None:  # 5
        if item.file is not None and item.file not in item.files:
            self.records.mismatch(item.label, f"its bytes under {item.files[0]}", f"its bytes under {item.file}")
        if item.record is None:
            return
        self.files.named += 1
        if item.record_fault is not None:
            self.records.mismatch(item.label, "a record", item.record_fault)
            return
        if item.file is None or item.file not in self._container.numbers:
            return
        size = self._container.size(item.file)
        if size != item.record["size"]:
            self.records.mismatch(item.label, f"{item.record['size']} bytes", f"{size} bytes")

    def _compare_file(self, item: Item) -> None:  # 4
        is_found = bool(self._given) and self._compare_with_given(item)
        is_altered = False
        if item.file is not None:
            expected = f"SHA-256 {item.digest.hex()}"
            number = self._container.numbers.get(item.file)
            if number is None:
                self.files.mismatch(item.file, expected, "missing")
            else:
                self._is_claimed[number] = True
                if (found := self._digests[item.file]) == item.digest:
                    is_found = True
                else:
                    is_altered = True
                    self.files.mismatch(item.file, expected, f"SHA-256 {found.hex()}")
        self.files.matched += is_found
        if len(self._seen) < limits.EXHIBITS_LISTED:
            self._seen.append((item, Match.DIFFERS if is_altered else Match.MATCHES if is_found else None))

    def _compare_with_given(self, item: Item) -> bool:
        """Whether a given file has the item's digest; those of its name that have not are kept in mind."""
        for path, digest in self._by_name.get(_last_part(item), ()):
            if digest != item.digest and path.is_called(item):
                self._namesakes[path] = item.digest
        if item.digest not in self._wanted:
            return False
        self._met.add(item.digest)
        return True

    def _compare_given(self) -> None:
        for path, digest in self._given:
            if digest in self._met:
                continue
            expected = self._namesakes.get(path)
            if expected is not None:
                self.files.mismatch(str(path.file), f"SHA-256 {expected.hex()}", f"SHA-256 {digest.hex()}")
            elif path.recorded is not None:
                self.files.extra += 1
            else:
                self.files.mismatch(str(path.file), "the digest of an item in this bundle", f"SHA-256 {digest.hex()}")
        if self._given and not self._met and not self.files.failed:
            self.files.mismatch("the evidence given", "files of this bundle", "no file in it matches")

    def seen(self) -> tuple[SeenItem, ...]:
        """The first items, after the pass: whether their bytes were at hand, or others under their names."""
        altered = {expected for path, expected in self._namesakes.items() if self._digest_of[path] not in self._met}
        return tuple(
            SeenItem(
                item.index,
                None if item.path is None else item.label,
                item.digest,
                match or (Match.DIFFERS if item.digest in altered else Match.NOT_AT_HAND),
            )
            for item, match in self._seen
        )


def _last_part(item: Item) -> bytes:
    return (item.path or b"").rpartition(b"/")[2]
