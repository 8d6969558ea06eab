"""Evidence items: the record that is committed with a file, and the line that discloses it (DESIGN sections 2 and 3).

A disclosed item, as one line of items.jsonl; with a name, and with the name withheld:

    {"digest":HEX,"file":"data/lab/a.pdf","index":3,"record":{"mtime":...,"path":"lab/a.pdf","size":9},"s":HEX,"t":HEX}
    {"digest":HEX,"index":3,"r":HEX,"s":HEX}
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from notary import limits
from notary.core.digest import DIGEST_BYTES, SALT_BYTES, leaf_hash, record_hash
from notary.core.strict_json import Json, canonical, hex_field, quoted, read_object
from notary.errors import FormatError

DECLARED = ("exhibit", "custodian", "bates", "description", "source")
"""Keys of a record whose values the user states; nothing checks them."""

_RECORD_KEYS = frozenset({"path", "path_hex", "size", "mtime", *DECLARED})
_MTIME = re.compile(r"(\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d)(?:\.\d{0,8}[1-9])?Z", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def make_record(path: bytes, size: int, mtime_ns: int | None, declared: dict[str, str] | None = None) -> Json:
    """The record of a file: its relative path as the system's bytes, its size in bytes, its modification time."""
    record: Json = dict(declared or {})
    try:
        record["path"] = path.decode()
    except UnicodeDecodeError:
        record["path_hex"] = path.hex()
    record["size"] = size
    written = None if mtime_ns is None else rfc3339(mtime_ns)
    if written is not None:
        record["mtime"] = written
    return record


def rfc3339(ns: int) -> str | None:
    """Nanoseconds since 1970 in RFC 3339, UTC, to the last digit that is not zero; None outside years 1 to 9999."""
    seconds, fraction = divmod(ns, 10**9)
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    digits = f".{fraction:09d}".rstrip("0") if fraction else ""
    return moment.strftime(f"{moment.year:04d}-%m-%dT%H:%M:%S{digits}Z")


def check_record(record: Json) -> None:
    """Raises FormatError unless `record` has the keys and types of DESIGN section 2, and a path inside its folder."""
    unknown = set(record) - _RECORD_KEYS
    if unknown:
        raise FormatError(f"a record has the unknown key {quoted(sorted(unknown)[0])}")
    if ("path" in record) == ("path_hex" in record):
        raise FormatError("a record has either path or path_hex")
    if type(record.get("size")) is not int or record["size"] < 0:
        raise FormatError("a record's size is not a number of bytes")
    for key in _RECORD_KEYS - {"size", *DECLARED}:
        if key in record and not isinstance(record[key], str):
            raise FormatError(f"a record's {key} is not text")
    if "mtime" in record and not _is_moment(record["mtime"]):
        raise FormatError("a record's mtime is not a moment in UTC")
    if "path_hex" in record and not _is_no_text(record["path_hex"]):
        raise FormatError("a record's path_hex is not the lower-case hex of bytes that are no UTF-8")
    parts = record_path(record).split(b"/")
    if any(part in (b"", b".", b"..") for part in parts):
        raise FormatError("a record's path is absolute, empty, or leaves its folder")


def _is_moment(text: str) -> bool:
    match = _MTIME.fullmatch(text)
    try:
        return match is not None and bool(datetime.fromisoformat(match[1]))
    except ValueError:
        return False


def _is_no_text(path_hex: str) -> bool:
    if len(path_hex) % 2 or set(path_hex) - set("0123456789abcdef"):
        return False
    try:
        bytes.fromhex(path_hex).decode()
    except UnicodeDecodeError:
        return True
    return False


def record_path(record: Json) -> bytes:
    """The recorded path's bytes, parts divided by `/`."""
    path: str = record.get("path", "")
    return path.encode(errors="surrogatepass") if path else bytes.fromhex(record.get("path_hex", ""))


def path_text(record: Json) -> str:
    """The recorded path as text; bytes that are none come out as surrogate escapes (PEP 383)."""
    return record_path(record).decode(errors="surrogateescape")


@dataclass(frozen=True, slots=True)
class Item:
    """A disclosed item. `record` with `t` where its name is shown, else `r`; `file` names its payload, if any.

    `record_fault` says what is wrong with a record that was read; its leaf can be computed all the same.
    """

    index: int
    digest: bytes
    s: bytes
    r: bytes
    t: bytes | None = None
    record: Json | None = None
    file: str | None = None
    record_fault: str | None = None

    @property
    def leaf(self) -> bytes:
        return leaf_hash(self.digest, self.s, self.r)

    @property
    def path(self) -> bytes | None:
        """The recorded path's bytes, where a sound record is shown."""
        return None if self.record is None or self.record_fault else record_path(self.record)

    @property
    def label(self) -> str:
        """What to call it: its recorded path, or its number."""
        path = self.path
        return f"item {self.index}" if path is None else path.decode(errors="surrogateescape")

    @property
    def files(self) -> tuple[str, ...]:
        """The names that its payload may have in a bundle."""
        aside = f"data/_/{self.index}"
        if self.record is None or self.record_fault or "path" not in self.record:
            return (aside,)
        return (f"data/{self.record['path']}", aside)


def write_item(item: Item) -> bytes:
    """The item's line of items.jsonl, in RFC 8785 form, with its newline."""
    members: dict[str, Any] = {"index": item.index, "digest": item.digest.hex(), "s": item.s.hex()}
    if item.record is not None and item.t is not None:
        members |= {"t": item.t.hex(), "record": item.record}
    else:
        members["r"] = item.r.hex()
    if item.file is not None:
        members["file"] = item.file
    return canonical(members) + b"\n"


def read_item(line: bytes, number: int) -> Item:
    """The item that line `number` of items.jsonl (counted from 1) discloses. Raises FormatError."""
    what = f"line {number} of items.jsonl"
    members = read_object(line, what, limits.ITEM_LINE_BYTES)
    shown = {"t", "record"} <= set(members)
    required = {"index", "digest", "s"} | ({"t", "record"} if shown else {"r"})
    if not required <= set(members) <= required | {"file"}:
        raise FormatError(f"{what} has other keys than index, digest, s, t and record or r, and file")
    index, file = members["index"], members.get("file")
    if type(index) is not int or index < 0:
        raise FormatError(f"{what}: index is not a number from 0")
    if "file" in members and not (isinstance(file, str) and file.startswith("data/")):
        raise FormatError(f"{what}: file is not a name under data/")
    digest = hex_field(members, "digest", DIGEST_BYTES, what)
    s = hex_field(members, "s", SALT_BYTES, what)
    if not shown:
        return Item(index, digest, s, hex_field(members, "r", DIGEST_BYTES, what), file=file)
    record = members["record"]
    if not isinstance(record, dict):
        raise FormatError(f"{what}: record is not an object")
    t = hex_field(members, "t", SALT_BYTES, what)
    r = record_hash(t, canonical(record))
    try:
        check_record(record)
    except FormatError as error:
        return Item(index, digest, s, r, t, record, file, error.message)
    return Item(index, digest, s, r, t, record, file)


# -- names inside a bundle ------------------------------------------------------------------------------------------

# What Windows cannot hold; `%`, which bag manifests escape and `sha256sum -c` does not; and what may end a line.
_FORBIDDEN = frozenset('<>:"\\|?*%\u2028\u2029') | {chr(code) for code in (*range(32), *range(127, 160))}
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"]
)
_PART_BYTES = 255 - len(".ots")
_PATH_BYTES = 1024


def portable(path: bytes) -> str | None:
    """`path` as text if every system can have a file of this name, else None.

    Refused are names that Windows reserves or cannot hold, control characters, `%`, parts of over 251 bytes, and `_`
    as the first part, which the bundle uses itself.
    """
    try:
        text = path.decode()
    except UnicodeDecodeError:
        return None
    parts = text.split("/")
    fits = len(path) <= _PATH_BYTES and parts[0] != "_"
    return text if fits and all(_portable_part(part) for part in parts) else None


def _portable_part(part: str) -> bool:
    return (
        part not in ("", ".", "..")
        and not _FORBIDDEN & set(part)
        and part[-1] not in ". "
        and part.split(".")[0].rstrip().lower() not in _DEVICES
        and len(part.encode()) <= _PART_BYTES
    )


class BundleNames:
    """Gives each disclosed item one path for its payload under data/ and, with `.ots`, for its proof under proofs/.

    Names that differ only in case or in Unicode form are one name to Windows and macOS, and a name cannot be both a
    file and a folder: the later item then gets `_/INDEX`, as one does whose path is not portable or withheld.
    """

    def __init__(self) -> None:
        self._payloads = _Names()
        self._proofs = _Names()

    def claim(self, item: Item) -> str:
        path = item.path
        wanted = None if path is None else portable(path)
        if wanted is None or not (self._payloads.has_room(wanted) and self._proofs.has_room(f"{wanted}.ots")):
            return f"_/{item.index}"
        self._payloads.take(wanted)
        self._proofs.take(f"{wanted}.ots")
        return wanted


class _Names:
    """File names of one tree, and the folders that they imply."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def has_room(self, name: str) -> bool:
        key = _folded(name)
        return not (key in self._files or key in self._folders or self._files.intersection(_above(key)))

    def take(self, name: str) -> None:
        key = _folded(name)
        self._files.add(key)
        self._folders.update(_above(key))


def _above(name: str) -> list[str]:
    return [name[:at] for at, character in enumerate(name) if character == "/"]


def _folded(name: str) -> str:
    """What is equal for two names that match without regard to case (Unicode 3.13, D145)."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())
