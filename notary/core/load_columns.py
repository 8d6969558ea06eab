"""What a load file's columns mean, by their usual names or as somebody says; and what a row states by that.

All of it is declared: nothing here, and no Bates number, is made up.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from json import dumps

from notary import limits
from notary.core.load_file import LINE_BREAK, Dialect, Row
from notary.core.strict_json import quoted
from notary.errors import InputError

FIELDS = (
    "path",
    "exhibit",
    "custodian",
    "bates",
    "bates_begin",
    "bates_end",
    "description",
    "source",
    "size",
    "md5",
    "sha1",
    "sha256",
)
"""What a column can state."""

# Usual names, letters and digits only, the one that is preferred first: those of Relativity, Concordance, Nuix,
# Everlaw, Logikcull and of government production specifications. FilePath is in two: source takes what path leaves.
_USUAL = {
    "path": "nativelink nativefilelink nativefile nativepath nativefilepath link doclink itempath filepath path "
    "relativepath relativefilepath filename",
    "exhibit": "exhibit exhibitno exhibitnumber exhibitnum exhibitid trialexhibit docid documentid controlnumber",
    "custodian": "custodian custodianname allcustodians allcustodian",
    "bates": "bates batesnumber batesno batesnumbers batesrange",
    "description": "description title subject doctitle",
    "source": "source originalpath originalfilepath sourcefilepath sourcepath filepath",
    "size": "filesize size filesizebytes filesizeinbytes sizebytes sizeinbytes",
    "md5": "md5hash md5 hashmd5 md5hashvalue md5digest hash hashvalue",
    "sha1": "sha1hash sha1 hashsha1 sha1hashvalue sha1digest",
    "sha256": "sha256hash sha256 hashsha256 sha256hashvalue sha256digest",
}
_ANY_HASH = ("hash", "hashvalue")

# First and last Bates number belong together: BegBates with ProdEnd would be a range that nobody stated.
_USUAL_BATES = (
    ("begbates", "endbates"),
    ("beginbates", "endbates"),
    ("beginningbates", "endingbates"),
    ("batesbegin", "batesend"),
    ("batesbeg", "batesend"),
    ("batesstart", "batesend"),
    ("startbates", "endbates"),
    ("startbates", "stopbates"),
    ("firstbates", "lastbates"),
    ("begbatesno", "endbatesno"),
    ("beginbatesnumber", "endbatesnumber"),
    ("begbatesnumber", "endbatesnumber"),
    ("beginningbatesnumber", "endingbatesnumber"),
    ("prodbeg", "prodend"),
    ("prodbegbates", "prodendbates"),
    ("prodbeginbates", "prodendbates"),
    ("prodbegdoc", "prodenddoc"),
    ("productionbeg", "productionend"),
    ("productionbegbates", "productionendbates"),
    ("productionbeginbates", "productionendbates"),
    ("productionbeginningbates", "productionendingbates"),
    ("begprod", "endprod"),
    ("beginprod", "endprod"),
    ("begdoc", "enddoc"),
    ("begindoc", "enddoc"),
    ("begdocid", "enddocid"),
    ("begdocno", "enddocno"),
    ("begno", "endno"),
    ("beginno", "endno"),
)


def map_columns(header: Sequence[str], overrides: Mapping[str, str], dialect: Dialect = Dialect.CSV) -> "Columns":
    """Which column states what: as `overrides` (column to one of FIELDS, or to "none") has it, else by usual names.

    A column states one thing. Where only one of the two Bates columns is overridden, its usual partner goes with it,
    and no other. Raises InputError for overrides that name what there is not, or one thing twice; without a path; and
    for ends of Bates ranges without their beginnings.
    """
    chosen, taken = _overridden(header, overrides)
    names: dict[str, int] = {}
    for at, name in enumerate(header):
        if at not in taken:
            names.setdefault(_bare(name), at)
    _pair_bates(header, names, chosen)
    for wanted, usual in _USUAL.items():
        found = next((name for name in usual.split() if name in names), None)
        if wanted not in chosen and found is not None:
            chosen[wanted] = names.pop(found)
    if "path" not in chosen:
        raise InputError("no column names the files", "say which one does: --map COLUMN=path", _listed(header))
    if "bates_end" in chosen and "bates_begin" not in chosen:
        raise InputError(
            "Bates ranges have an end and no beginning",
            "say which column begins them: --map COLUMN=bates_begin",
            _listed(header),
        )
    used = {name: chosen[name] for name in FIELDS if name in chosen}
    return Columns(
        {name: header[at].strip() for name, at in used.items()},
        tuple(name.strip() for at, name in enumerate(header) if at not in used.values() and name.strip()),
        dialect,
        used,
        "md5" in used and used["md5"] not in taken and _bare(header[used["md5"]]) in _ANY_HASH,
    )


def _overridden(header: Sequence[str], overrides: Mapping[str, str]) -> tuple[dict[str, int], set[int]]:
    """The columns that overrides give to fields, and all that they speak of."""
    columns = {_folded(name): at for at, name in reversed(list(enumerate(header))) if name.strip()}
    chosen: dict[str, int] = {}
    taken: set[int] = set()
    for column, given in overrides.items():
        at, wanted = columns.get(_folded(column)), _folded(given)
        if at is None:
            raise InputError(f"the load file has no column {quoted(column)}", _listed(header))
        if wanted not in (*FIELDS, "none"):
            raise InputError(f"a column cannot be {quoted(given)}", f"it can be {', '.join(FIELDS)} or none")
        if at in taken:
            raise InputError(f"the column {quoted(column)} is mapped twice")
        if wanted in chosen:
            raise InputError(f"two columns are mapped to {wanted}: {quoted(header[chosen[wanted]])}, {quoted(column)}")
        taken.add(at)
        if wanted != "none":
            chosen[wanted] = at
    return chosen, taken


def _pair_bates(header: Sequence[str], names: Mapping[str, int], chosen: dict[str, int]) -> None:
    """Adds to `chosen` the first usual pair of columns that is there whole, else the first usual beginning alone."""
    begins, ends = (
        {_bare(header[chosen[wanted]]): chosen[wanted]} if wanted in chosen else names
        for wanted in ("bates_begin", "bates_end")
    )
    for begin, end in _USUAL_BATES:
        if begin in begins and end in ends:
            chosen |= {"bates_begin": begins[begin], "bates_end": ends[end]}
            return
    if "bates_begin" not in chosen and "bates_end" not in chosen:
        alone = next((names[begin] for begin, _ in _USUAL_BATES if begin in names), None)
        if alone is not None:
            chosen["bates_begin"] = alone


def _folded(name: str) -> str:
    return name.strip().casefold()


def _bare(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _listed(header: Sequence[str]) -> str:
    names = [quoted(name.strip()) for name in header if name.strip()]
    more = len(names) - limits.LISTED_PROBLEMS
    listed = ", ".join(names[: limits.LISTED_PROBLEMS])
    return f"its columns are {listed}" + (f" and {more} more" if more > 0 else "")


# -- what a row states ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """What a row states about its document.

    `path` has `/` between its parts and begins with none: load files write `.\\` or `\\` for the production's own
    folder. It is empty where it is of no use. `declared` has keys of `evidence.DECLARED`, and no empty values. `faults`
    say in words what keeps the row from being used as it is; `unchecked` what is stated in a way that nothing can be
    compared with.
    """

    number: int
    path: str
    declared: dict[str, str] = field(default_factory=dict)
    size: int | None = None
    md5: bytes | None = None
    sha1: bytes | None = None
    sha256: bytes | None = None
    faults: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()


_SIZE = re.compile(r"(\d{1,19}|\d{1,3}(?:,\d{3}){1,6})(?: ?bytes)?", re.ASCII | re.IGNORECASE)
_HASH_DIGITS = {"md5": 32, "sha1": 40, "sha256": 64}
_HEX = re.compile(r"[0-9a-fA-F]*")
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column states what. `used` has the column's name for each field that is stated, in the order of FIELDS.

    `has_any_hash` where a column of hashes does not say of which kind they are.
    """

    used: Mapping[str, str]
    unused: tuple[str, ...]
    _dialect: Dialect
    _at: Mapping[str, int]
    has_any_hash: bool

    def entry(self, row: Row) -> Entry:
        """What a row under this header states. Nothing that it says raises: what is wrong is among the faults."""
        faults: list[str] = []
        unchecked: list[str] = []
        stated = {name: text for name, at in self._at.items() if (text := row.cells[at].strip())}
        path = _path(stated.get("path", ""), faults)
        declared = self._declared(stated, faults)
        size = None
        if "size" in stated:
            match = _SIZE.fullmatch(stated["size"])
            if match is None:
                unchecked.append(f"the size {quoted(stated['size'])} is no number of bytes")
            else:
                size = int(match[1].replace(",", ""))
        hashes = self._hashes(stated, faults, unchecked)
        return Entry(
            row.number,
            path,
            declared,
            size,
            hashes.get("md5"),
            hashes.get("sha1"),
            hashes.get("sha256"),
            tuple(faults),
            tuple(unchecked),
        )

    def _declared(self, stated: Mapping[str, str], faults: list[str]) -> dict[str, str]:
        declared = {}
        for name in ("exhibit", "custodian", "bates", "description", "source"):
            text = stated.get(name, "")
            if name == "bates":
                text = text or _bates(stated, faults)
            elif self._dialect is Dialect.DAT:
                text = text.replace(LINE_BREAK, "\n").strip()
            if len(dumps(text, ensure_ascii=False).encode()) - len('""') > limits.DECLARED_TEXT:
                faults.append(f"the {name} is over {limits.DECLARED_TEXT} bytes")
            elif text:
                declared[name] = text
        return declared

    def _hashes(self, stated: Mapping[str, str], faults: list[str], unchecked: list[str]) -> dict[str, bytes]:
        hashes = {}
        for name, digits in _HASH_DIGITS.items():
            text = stated.get(name)
            if text is None or (name == "md5" and self.has_any_hash):
                continue
            if len(text) == digits and _HEX.fullmatch(text):
                hashes[name] = bytes.fromhex(text)
            else:
                faults.append(f"the {name} {quoted(text)} is not {digits} hex digits")
        if self.has_any_hash and "md5" in stated:
            text = stated["md5"]
            kind = next((name for name, digits in _HASH_DIGITS.items() if len(text) == digits), None)
            if kind is None or not _HEX.fullmatch(text):
                unchecked.append(f"the hash {quoted(text)} is of no known kind")
            else:
                hashes.setdefault(kind, bytes.fromhex(text))
        return hashes


def _bates(stated: Mapping[str, str], faults: list[str]) -> str:
    """The range as it is quoted in court, blanks around its hyphen: the numbers have hyphens of their own."""
    begin, end = stated.get("bates_begin", ""), stated.get("bates_end", "")
    if end and not begin:
        faults.append(f"the Bates range ends with {quoted(end)} and has no beginning")
    return f"{begin} - {end}" if begin and end and begin != end else begin


def _path(text: str, faults: list[str]) -> str:
    """The path in the production's folder; empty, with a fault, where there is none."""
    slashed = text.replace("\\", "/")
    parts = [part for part in slashed.split("/") if part not in ("", ".")]
    path = "/".join(parts)
    fault = None
    if not parts:
        fault = "no file is named"
    elif len(path) > limits.LOAD_FILE_PATH:
        fault = f"the path is over {limits.LOAD_FILE_PATH} characters"
    elif slashed.startswith("//") or _DRIVE.match(slashed):
        fault = f"the path {quoted(text)} is on another drive or machine, not in the production"
    elif ".." in parts:
        fault = f"the path {quoted(text)} leads out of its folder"
    elif slashed.endswith("/"):
        fault = f"the path {quoted(text)} is a folder's"
    elif "\0" in path:
        fault = f"the path {quoted(text)} holds a NUL character"
    if fault is not None:
        faults.append(fault)
        return ""
    return path
