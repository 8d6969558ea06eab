"""Keeping a registry: making it, adding entries, naming the next key."""

import hashlib
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from itertools import count, islice
from pathlib import Path

from notary import limits
from notary.core.digest import DIGEST_BYTES, SALT_BYTES
from notary.edges.files import steady_pieces
from notary.edges.keys import new_key, read_key
from notary.errors import FormatError, InputError, RowsError, SystemFailureError, reason_of
from notary.outside import Randomness
from notary.registry.core.applications import Application, BadRow, Standing, odd_about, read_csv, read_json
from notary.registry.core.checkpoint import Checkpoint, read_checkpoint, sign_checkpoint
from notary.registry.core.entry import KeyRotation, Open, Opening, Sealed, check_entry, write_entry
from notary.registry.core.links import check_origin
from notary.registry.core.log import EMPTY_ROOT
from notary.registry.core.note import VerifierKey, read_note, write_note
from notary.registry.core.terms import Event
from notary.registry.edges.published_log import CHECKPOINT, PublishedLog
from notary.registry.edges.register import Appending, Known, Register, Signed, new_register, open_register
from notary.registry.signing import verifier_key

NONCE_BYTES = 16
"""Of the nonce that is hashed with a checkpoint before calendars see it, as in the reference client."""

_NAMES_OBJECT = b'"object":"'
"""How an entry that names its object goes on: in RFC 8785 form a text has no such bytes, for its marks are escaped."""

_STANDINGS_HELD = 10_000
"""Objects whose standing is remembered while rows about them are added; a further one begins anew."""


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry as its keeper has it: the state of his own, and the folder that is published."""

    register: Register
    log: PublishedLog

    @property
    def origin(self) -> str:
        return self.register.origin


def private_folder(ledger: Path, origin: str) -> Path:
    """Where the private state of the registry is: beside the ledger, in a folder that no other origin has."""
    # Origins may differ in case only, have a slash, or be two dots.
    mark = hashlib.sha256(origin.encode()).hexdigest()[:16]
    return ledger.parent / "registries" / f"{origin.replace('/', '+')[:100]}-{mark}"


@contextmanager
def opened(ledger: Path, folder: Path, origin: str | None = None) -> Iterator[Registry]:
    """The registry that is published in `folder`, which says its origin; or of `origin`, where the folder is empty.

    Raises InputError where there is none, or this machine does not keep it.
    """
    log = PublishedLog(folder)
    said = _origin_of(log) or origin
    if said is None:
        raise InputError(
            f"{folder}: no registry is published there: it has no checkpoint",
            "`notary registry init DIR --origin NAME` makes one; `notary registry publish DIR --origin NAME` writes"
            " the files of one that is there anew",
        )
    if origin not in (None, said):
        raise InputError(f"{folder} has the registry {said}, not {origin}")
    private = private_folder(ledger, said)
    _check_apart(private, folder)
    with open_register(private, said) as register:
        yield Registry(register, log)


def _origin_of(log: PublishedLog) -> str | None:
    data = log.checkpoint()
    if data is None:
        return None
    try:
        return check_origin(read_checkpoint(read_note(data).text).origin, "its origin")
    except FormatError as error:
        raise FormatError(
            f"{log.folder / CHECKPOINT}: {error.message}",
            "take it away: `notary registry publish DIR --origin NAME` writes it anew",
        ) from None


def _check_apart(private: Path, folder: Path) -> None:
    inner, outer = private.resolve(), folder.resolve()
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise InputError(
            f"{folder} and the private state in {private} are one in the other: what is private would be published"
        )


# -- a new one ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Made:
    """A new registry: the key by which others know it, and where its private state is."""

    key: VerifierKey
    private: Path


def init(
    ledger: Path, folder: Path, origin: str, passphrase: Callable[[Path], bytes | None], randomness: Randomness
) -> Made:
    """A registry of no entries, with a new key; `folder` has its first checkpoint.

    `passphrase` gives that of the key in a file, None for a key that is not encrypted. Raises InputError where there is
    such a registry, or `folder` is not empty.
    """
    check_origin(origin, "the origin")
    private = private_folder(ledger, origin)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is there already, and not empty", "a new registry is published in a new folder")
    _check_apart(private, folder)
    file = private / "key"
    if private.exists():
        raise InputError(f"the registry {origin} is there already: its private state is in {private}")
    secret = passphrase(file)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SystemFailureError(f"{folder}: cannot be made: {reason_of(error)}") from None
    with new_register(private, origin) as register:
        verifier = verifier_key(origin, new_key(file, secret, origin))
        signer = read_key(file, lambda: secret or b"")
        note = sign_checkpoint(Checkpoint(origin, 0, EMPTY_ROOT), verifier, signer.sign_plain)
        register.add_first_key(file, verifier)
        register.keep(Signed(note, write_note(note), randomness(NONCE_BYTES)))
        with PublishedLog(folder).writer() as writer:
            writer.publish(write_note(note))
    return Made(verifier, private)


# -- entries --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Warned:
    """What is odd about rows that were added all the same: about how many, and the number of the first."""

    what: str
    rows: int
    first: int


@dataclass(frozen=True, slots=True)
class Added:
    """How many entries were added, and how many there are; rows that were left out, with the reason; warnings."""

    added: int
    size: int
    problems: tuple[tuple[int, str], ...]
    warnings: tuple[Warned, ...]


def add(
    register: Register,
    file: Path,
    randomness: Randomness,
    *,
    is_json: bool = False,
    sealed: bool = False,
    despite_problems: bool = False,
    today: date | None = None,
) -> Added:
    """Appends the applications and events of a file. They are published by `publish`.

    A date after `today` gets a warning. Raises RowsError, with the rows, where some are bad and `despite_problems` does
    not say to leave them out; nothing is added then. Raises FormatError, or RowsError with the bad rows before, where
    the file cannot be gone through.
    """
    read = read_json if is_json else read_csv
    problems: list[tuple[int, str]] = []
    warnings: dict[str, Warned] = {}
    with register.appending() as change:
        before, adding = change.size, _Adding(register, change, randomness, today)
        rows = read(steady_pieces(file), str(file), sealed=sealed)
        try:
            for row in rows:
                if isinstance(row, BadRow):
                    problems.append((row.number, row.reason))
                    continue
                try:
                    odd = adding.append(row)
                except FormatError as error:
                    problems.append((row.number, error.message.removeprefix(f"row {row.number}: ")))
                    continue
                for what in (*row.warnings, *odd):
                    known = warnings.get(what)
                    warnings[what] = (
                        Warned(what, 1, row.number) if known is None else replace(known, rows=known.rows + 1)
                    )
        except FormatError as error:
            raise _refused(error.message, problems, error.hints) from None
        if problems and not despite_problems:
            bad = len(problems)
            raise _refused(
                f"{file}: {bad:,} {'row is' if bad == 1 else 'rows are'} bad, and nothing was added",
                problems,
                ("--despite-problems adds the others",),
            )
        added = change.size - before
    return Added(added, before + added, tuple(problems), tuple(warnings.values()))


def _refused(message: str, problems: list[tuple[int, str]], hints: tuple[str, ...]) -> InputError:
    if not problems:
        return FormatError(message, *hints)
    if len(problems) > limits.REGISTRY_BAD_ROWS:
        message += f"; the first {limits.REGISTRY_BAD_ROWS:,} bad rows are listed"
    return RowsError(message, list(islice(problems, limits.REGISTRY_BAD_ROWS)), *hints)


class _Adding:
    """Appends rows, one after the other, in one change of the register."""

    def __init__(self, register: Register, change: Appending, randomness: Randomness, today: date | None) -> None:
        self._register, self._change, self._randomness, self._today = register, change, randomness, today
        self._start = change.size
        self._rows = array("q")  # the numbers of the rows that were appended
        self._later: defaultdict[bytes, list[int]] | None = None
        self._held: dict[int, Standing] = {}

    def append(self, row: Application) -> tuple[str, ...]:
        """Appends one row's entry; what is odd about it. Raises FormatError where it does not fit what is there."""
        known = self._known(row)
        before = None if known is None else self._standing(known)
        entry = row.entry() if known is None or before is None else row.entry(before.stated, known.object, known.last)
        index = self._write(row, entry, known)
        self._rows.append(row.number)
        if known is not None and before is not None:
            self._held[known.first] = before.after(entry)
            if self._later is not None and not row.is_sealed:
                self._later[known.object].append(index)
        return tuple(odd_about(entry, before, self._today))

    def _write(self, row: Application, entry: Open, known: Known | None) -> int:
        change, first = self._change, None if known is None else known.first
        if row.is_sealed:
            secret = Opening(self._randomness(SALT_BYTES), entry)
            return change.append(write_entry(Sealed(secret.commitment)), entry, first, secret)
        sealed = change.sealed(known.first) if known else []
        if not sealed:
            return change.append(write_entry(entry), entry, first)
        if row.event is Event.PUBLISHED:
            index, opening = sealed[0]
            return change.append(check_entry(replace(entry, opening=opening)), entry, first, opens=index)
        raise FormatError("its application is sealed: seal this row, or add a published one first")

    def _known(self, row: Application) -> Known | None:
        """The object that a row is about; None where it begins one. Raises FormatError where that cannot be told."""
        if row.object is not None:
            return self._change.find_object(row.object)
        found = self._change.find(row.values["office"], row.values["number"])
        if len(found) > 1:
            raise FormatError(f"{len(found)} applications have this office and number: name `object`")
        if found and row.event is Event.FILED:
            raise FormatError(f"filed already, {self._place(found[0].first)}: a later event has another event")
        if not found and row.event is Event.CORRECTED:
            raise FormatError(
                "no application of this office and number is here: name `object`, the one that it corrects"
            )
        if not found and row.event is not Event.FILED and not {"right", "filing_date"} <= row.values.keys():
            raise FormatError("no application of this office and number is here, so it needs right and filing_date")
        return found[0] if found else None

    def _place(self, index: int) -> str:
        """Where an entry is, as the user can find it: one of this file has no index before all rows are good."""
        return f"as entry {index}" if index < self._start else f"in row {self._rows[index - self._start]} of this file"

    def _standing(self, known: Known) -> Standing:
        """Where an object stands, with what this change has appended."""
        held = self._held.get(known.first)
        if held is not None:
            return held
        standing = Standing.of(known.record)
        if known.last != known.object:
            for index in self._later_entries()[known.object]:
                record = self._register.record_at(index)
                if record is not None:
                    opened = () if record.opening is None else (record.opening.record,)
                    for each in (*opened, record):
                        standing = standing.after(each)
            for _, opening in self._change.sealed(known.first):
                standing = standing.after(opening.record)
        if len(self._held) >= _STANDINGS_HELD:
            self._held.clear()
        self._held[known.first] = standing
        return standing

    def _later_entries(self) -> defaultdict[bytes, list[int]]:
        """The indices of all open entries that name an object, by that. They are looked for once in a change at most:
        the register has no index of them, and most files need none."""
        if self._later is None:
            self._later = defaultdict(list)
            for index, data in enumerate(self._register.entries(0, self._change.size)):
                at = data.find(_NAMES_OBJECT)
                if at >= 0:
                    start = at + len(_NAMES_OBJECT)
                    self._later[bytes.fromhex(data[start : start + 2 * DIGEST_BYTES].decode())].append(index)
        return self._later


# -- the next key ---------------------------------------------------------------------------------------------------


def rotate(register: Register, passphrase: Callable[[Path], bytes | None], today: date) -> tuple[VerifierKey, int]:
    """Makes the next key, and appends the entry that names it; that key, and the entry's index.

    The key in force signs the checkpoint that covers the entry, and the new one those after it. Raises InputError where
    the rotation before is not published yet.
    """
    last = register.keys[-1]
    if last.rotation is not None and last.rotation >= register.last_signed().size:
        raise InputError("the next key is named already, and that is not published yet", "notary registry publish DIR")
    # One that is there and in no entry was left by a run that was killed.
    names = (register.folder / f"key-{number}" for number in count(len(register.keys) + 1))
    file = next(name for name in names if not name.exists())
    verifier = verifier_key(register.origin, new_key(file, passphrase(file), register.origin))
    return verifier, register.add_next_key(file, verifier, check_entry(KeyRotation(verifier, today)))
