"""Selecting: what a stamp takes. Here: files and folders that were named, less what is excluded or unreadable."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from notary import limits
from notary.edges.ledger import Draft, StoredLoadFile
from notary.edges.walking import Found, Skipped, Unreadable, recorded_name, walk
from notary.errors import InputError, UnreadableError
from notary.gathering import Gathered


@dataclass(frozen=True, slots=True)
class LoadOrder:
    """A load file, the folder that its paths begin in, and how its columns and characters are to be read."""

    file: Path
    root: Path
    mapping: Mapping[str, str]
    encoding: str | None = None
    despite_problems: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A row of a load file that is not as it should be, by its number: the header is row 1."""

    row: int
    what: str

    def __str__(self) -> str:
        return f"row {self.row}: {self.what}"


class Selection(Protocol):
    """Names the files of a batch to be, then decides about each by what was found in it.

    `declares` says whether records will tell more than the files do; `also` are hash functions that it needs besides
    SHA-256; `skipped` is what it left out so far; `notes` may be good to know of a batch that is sealed; `problems`
    are what a load file states and was not found to be so.
    """

    declares: bool
    also: tuple[str, ...]
    skipped: list[Skipped]

    @property
    def load_file(self) -> StoredLoadFile | None: ...

    @property
    def notes(self) -> list[str]: ...

    @property
    def problems(self) -> Sequence[Problem]: ...

    def files(self) -> Iterator[Found]:
        """The files to hash, in order. Raises InputError."""
        ...

    def take(self, gathered: list[Gathered], draft: Draft) -> list[Gathered]:
        """Of the next files those that become items: all of them have a digest."""
        ...

    def check(self, draft: Draft) -> None:
        """Raises InputError where the batch is not to be sealed as it is."""
        ...


@dataclass(slots=True)
class Folders:
    """The files at `paths` and in the folders there; `own` are this program's files."""

    paths: tuple[Path, ...]
    exclude: tuple[str, ...]
    own: Collection[Path]
    skip_unreadable: bool
    writes_ots: bool
    declares: bool = False
    also: tuple[str, ...] = ()
    skipped: list[Skipped] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    unreadable_count: int = 0
    load_file: StoredLoadFile | None = None
    notes: list[str] = field(default_factory=list)
    problems: tuple[Problem, ...] = ()

    def files(self) -> Iterator[Found]:
        for one in walk(self.paths, self.exclude, self.own):
            match one:
                case Found():
                    if self.writes_ots:
                        _refuse_existing_proof(one)
                    yield one
                case Skipped():
                    self.skipped.append(one)
                case Unreadable(path, reason):
                    self._note(path, reason)

    def take(self, gathered: list[Gathered], draft: Draft) -> list[Gathered]:
        unread = [(one.found.source, one.outcome) for one in gathered if isinstance(one.outcome, str)]
        for source, why in unread:
            self._note(source, why)
        return [one for one in gathered if not isinstance(one.outcome, str)] if unread else gathered

    def _note(self, path: str, reason: str) -> None:
        self.unreadable_count += 1
        if self.skip_unreadable:
            self.skipped.append(Skipped(path, f"unreadable: {reason}"))
        elif len(self.unreadable) < limits.LISTED_PROBLEMS:
            self.unreadable.append(f"{path}: {reason}")

    def check(self, draft: Draft) -> None:
        if self.unreadable:
            more = self.unreadable_count - len(self.unreadable)
            raise UnreadableError(
                f"{self.unreadable_count} of the files cannot be read; nothing was stamped",
                *self.unreadable,
                *([f"and {more} more"] if more else []),
                "--skip-unreadable stamps the others without them; what was hashed is kept for the next run",
            )
        if not draft.size:
            hints = [f"{one.path}: {one.reason}" for one in self.skipped[: limits.LISTED_PROBLEMS]]
            raise InputError("there is no file to stamp", *hints)
        names = {recorded_name(path) for path in self.paths}
        if len(names) < len(self.paths) and (twice := draft.twice()):
            raise InputError(
                f"{twice[0]} and {twice[1]} would have the same recorded path",
                "give the folder above them, or stamp them one after the other",
            )


def _refuse_existing_proof(file: Found) -> None:
    beside = Path(file.source + ".ots")
    if beside.exists():
        raise InputError(
            f"{beside} is there already and is not overwritten",
            "move it away, leave it out with --exclude, or stamp without --ots",
        )
