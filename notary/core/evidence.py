"""Evidence items: the record that is committed with a file, and the line that discloses it (DESIGN sections 2 and 3).

A disclosed item, as one line of items.jsonl; with a name, and with the name withheld:

    {"digest":HEX,"file":"data/lab/a.pdf","index":3,"record":{"mtime":...,"path":"lab/a.pdf","size":9},"s":HEX,"t":HEX}
    {"digest":HEX,"index":3,"r":HEX,"s":HEX}
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from json.encoder import encode_basestring as _quote

from notary import limits
from notary.core.digest import DIGEST_BYTES, SALT_BYTES, digest_of, leaf_hash, record_hash
from notary.core.strict_json import Json, canonical, hex_field, quoted, read_object
from notary.errors import FormatError

DECLARED = ("exhibit", "custodian", "bates", "description", "source")
"""Keys of a record whose values the user states; nothing checks them."""

_RECORD_KEYS = frozenset({"path", "path_hex", "size", "mtime", *DECLARED})
_MTIME = re.compile(r"(\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d)(?:\.\d{0,8}[1-9])?Z", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def make_record(path: bytes, size: int, mtime_ns: int | None, declared: Mapping[str, str] | None = None) -> Json:
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


def record_bytes(path: bytes, size: int, mtime_ns: int | None, declared: Mapping[str, str] | None = None) -> bytes:
    """The RFC 8785 bytes of `make_record`; where nothing is declared written as they stand, for the million."""
    if declared:
        return canonical(make_record(path, size, mtime_ns, declared))
    written = None if mtime_ns is None else rfc3339(mtime_ns)
    mtime = "" if written is None else f'"mtime":"{written}",'
    try:
        name = f'"path":{_quote(path.decode())}'
    except UnicodeDecodeError:
        name = f'"path_hex":"{path.hex()}"'
    return f'{{{mtime}{name},"size":{size}}}'.encode()


def rfc3339(ns: int) -> str | None:
    """Nanoseconds since 1970 in RFC 3339, UTC, to the last digit that is not zero; None outside years 1 to 9999."""
    seconds, fraction = divmod(ns, 10**9)
    whole = _to_the_second(seconds)
    if whole is None or not fraction:
        return whole and f"{whole}Z"
    return f"{whole}.{fraction:09d}".rstrip("0") + "Z"


@lru_cache(maxsize=4096)  # the files of a folder often share their second
def _to_the_second(seconds: int) -> str | None:
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return moment.strftime(f"{moment.year:04d}-%m-%dT%H:%M:%S")


def nanoseconds(written: str) -> int:
    """What `rfc3339` wrote."""
    whole, _, fraction = written.removesuffix("Z").partition(".")
    moment = datetime.fromisoformat(f"{whole}+00:00") - _EPOCH
    return (moment.days * 86400 + moment.seconds) * 10**9 + int(fraction.ljust(9, "0"))


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
    if item.record is not None and item.t is not None:
        return write_line(item.index, item.digest, item.s, item.t, canonical(item.record), item.file)
    return write_line(item.index, item.digest, item.s, item.r, None, item.file)


def write_line(index: int, digest: bytes, s: bytes, t_or_r: bytes, record: bytes | None, file: str | None) -> bytes:
    """The same from an item's parts: `t` with the record's RFC 8785 bytes, or `r` without."""
    payload = "" if file is None else f'"file":{_quote(file)},'
    start = f'{{"digest":"{digest.hex()}",{payload}"index":{index},'.encode()
    if record is None:
        return start + f'"r":"{t_or_r.hex()}","s":"{s.hex()}"}}\n'.encode()
    return start + b'"record":' + record + f',"s":"{s.hex()}","t":"{t_or_r.hex()}"}}\n'.encode()


def read_item(line: bytes, number: int) -> Item:
    """The item that line `number` of items.jsonl (counted from 1) discloses. Raises FormatError."""
    return _read_plain(line) or _read_strictly(line, number)


def _plain_line() -> re.Pattern[str]:
    """A line as `write_item` has it whose texts need no escape: digest, file, index, r, s, or record, s, t.

    It has one reading, and what stands in it for the record is its RFC 8785 form: keys once and in their order.
    """
    text, number = r'[^"\\\x00-\x1f]*', r"(?:0|[1-9][0-9]{0,14})"
    before = "".join(rf'(?:"{key}":"{text}",)?' for key in ("bates", "custodian", "description", "exhibit", "mtime"))
    after = rf'(?:,"source":"{text}")?'
    record = rf'\{{{before}"path":"{text}","size":{number}{after}\}}'
    h16, h32 = (rf'"([0-9a-f]{{{digits}}})"' for digits in (2 * SALT_BYTES, 2 * DIGEST_BYTES))
    shown = rf'"r":{h32},"s":{h16}|"record":({record}),"s":{h16},"t":{h16}'
    return re.compile(rf'\{{"digest":{h32},(?:"file":"(data/{text})",)?"index":({number}),(?:{shown})\}}')


_PLAIN_LINE = _plain_line()


def _read_plain(line: bytes) -> Item | None:
    """What `_read_strictly` gives, in a quarter of its time; None where the line is not plain."""
    try:
        match = _PLAIN_LINE.fullmatch(line.decode()) if len(line) <= limits.ITEM_LINE_BYTES else None
    except UnicodeDecodeError:
        return None
    if match is None:
        return None
    digest, file, index, r, s, record, salt, t = match.groups()
    if record is None:
        return Item(int(index), bytes.fromhex(digest), bytes.fromhex(s), bytes.fromhex(r), file=file)
    hashes = bytes.fromhex(digest), bytes.fromhex(salt), bytes.fromhex(t)
    return _named_item(int(index), *hashes, json.loads(record), record.encode(), file)


def _read_strictly(line: bytes, number: int) -> Item:
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
    return _named_item(index, digest, s, t, record, canonical(record), file)


def _named_item(index: int, digest: bytes, s: bytes, t: bytes, record: Json, written: bytes, file: str | None) -> Item:
    """An item whose record is shown, `written` being the record's RFC 8785 form."""
    r = record_hash(t, written)
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
        self._files: set[int] = set()
        self._folders: set[int] = set()

    def claim(self, index: int, path: bytes | None) -> str:
        """The name of item `index`, whose recorded path is None where it is withheld."""
        name = None if path is None else portable(path)
        if name is None:
            return f"_/{index}"
        key = _folded(name)
        mark, above = _mark(key), _above(key.rpartition("/")[0])
        # Neither payload nor proof may have a file's name or a folder's, or lie in a file.
        is_taken = mark in self._files or mark in self._folders or _mark(f"{key}.ots") in self._folders
        if is_taken or not self._files.isdisjoint(above.files):
            return f"_/{index}"
        self._files.add(mark)
        self._folders |= above.folders
        return name


@dataclass(frozen=True, slots=True)
class _Above:
    """The marks of a folder and of those above it, and of the paths whose payload or proof would be one of them."""

    folders: frozenset[int]
    files: frozenset[int]


@lru_cache(maxsize=1024)  # the items of a folder mostly follow one another
def _above(folder: str) -> _Above:
    names = [folder[:at] for at, character in enumerate(folder) if character == "/"] + ([folder] if folder else [])
    folders = frozenset(map(_mark, names))
    return _Above(folders, folders | {_mark(name[: -len(".ots")]) for name in names if name.endswith(".ots")})


def _mark(name: str) -> int:
    """What is kept of a name: 8 bytes, as there may be a million. Of two names with one mark the later is taken for
    the earlier, and its item gets `_/INDEX`, which every reader accepts."""
    return int.from_bytes(digest_of(name.encode())[:8], "big")


def _folded(name: str) -> str:
    """What is equal for two names that match without regard to case (Unicode 3.13, D145)."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())
