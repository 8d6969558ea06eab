"""What the ledger takes and gives: batches, their items, what became of them."""

import os
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from notary.core.evidence import record_bytes


class BatchStatus(StrEnum):
    QUEUED = "queued"
    PENDING = "pending"
    ATTESTED = "attested"


@dataclass(frozen=True, slots=True)
class StoredLoadFile:
    """The load file that a batch was made from, as far as it takes to write it again: its rows stand beside it."""

    name: str
    dialect: str
    encoding: str
    has_bom: bool
    newline: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch to be sealed: everything that its head commits to, and who shall get it.

    `signature` and `signer`, the key as OpenSSH writes it, are there together; `authority` shall give a token for it.
    """

    head: bytes
    root: bytes
    block_roots: bytes
    network: str
    manifest: bytes
    key: bytes = field(repr=False)
    declared_at: str
    title: str | None
    matter: str | None
    calendars: tuple[str, ...]
    min_calendars: int
    writes_ots: bool
    load_file: StoredLoadFile | None = None
    signature: bytes | None = None
    signer: str | None = None
    previous: bytes | None = None
    authority: str | None = None


class LineMovedError(Exception):
    """Another batch was sealed meanwhile, after the one that this batch names as the one before it."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as the ledger has it. `id` and `first_item` are the ledger's own; `name` is what people call it."""

    id: int
    head: bytes
    root: bytes
    size: int
    total_bytes: int
    network: str
    manifest: bytes
    declared_at: str
    title: str | None
    matter: str | None
    min_calendars: int
    writes_ots: bool
    status: BatchStatus
    first_item: int
    signature: bytes | None
    signer: str | None
    previous: bytes | None
    authority: str | None
    token: bytes | None

    @property
    def name(self) -> str:
        """The head's first 12 hex digits."""
        return self.head.hex()[:12]


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item of a batch: what its record is made of, and the folder of its file when it was stamped."""

    index: int
    digest: bytes
    size: int
    mtime_ns: int | None
    recorded_folder: bytes
    name: bytes
    source_folder: bytes
    declared: dict[str, str] | None

    @property
    def path(self) -> bytes:
        """The recorded path."""
        return self.recorded_folder + b"/" + self.name if self.recorded_folder else self.name

    @property
    def record(self) -> bytes:
        """The record's RFC 8785 bytes."""
        return record_bytes(self.path, self.size, self.mtime_ns, self.declared)

    @property
    def file(self) -> Path:
        """Where the file was."""
        return Path(os.fsdecode(self.source_folder), os.fsdecode(self.name))


@dataclass(frozen=True, slots=True)
class Submission:
    """A calendar that gets the batch's seal; `accepted` once it has answered with a timestamp."""

    calendar: str
    accepted: bool
    answer: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """One file under several numbers of a kind ("exhibit" or "bates"), or one number on several files.

    Files are given by their digests; `paths` are where those are in the batch's matter. Of many the first are listed.
    """

    kind: str
    numbers: tuple[str, ...]
    digests: tuple[bytes, ...]
    paths: tuple[str, ...]
    number_count: int
    digest_count: int


@dataclass(frozen=True, slots=True)
class Event:
    at: str
    kind: str
    detail: str
