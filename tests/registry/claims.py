"""Claims to test with: a register of a thousand entries, its keeper and witnesses, a real anchor on the embedded chain.

What is put together here follows FORMAT.md; only the container and the entries are written by the program's own code.
"""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

from opentimestamps.core.op import OpSHA256
from opentimestamps.core.serialize import BytesDeserializationContext, BytesSerializationContext
from opentimestamps.core.timestamp import DetachedTimestampFile, Timestamp

from notary.cli.app import run
from notary.edges.bag_writer import BagWriter
from notary.localnet.calendar import LocalNetwork
from notary.registry.core.claim import Claim, write_claim
from notary.registry.core.cosignature import cosign
from notary.registry.core.entry import Entry, Open, Opening, Sealed, write_entry
from notary.registry.core.log import TiledTree
from notary.registry.core.note import Note, VerifierKey, write_note
from notary.registry.core.tlog_proof import TlogProof, write_tlog_proof
from tests.conftest import Notary, Result
from tests.registry.logs import LOG, WITNESSES, Keeper, Store, signed
from tests.registry.register import T, filed
from tests.registry.test_words import FORBIDDEN

SIZE, INDEX, SEALED = 1000, 411, 412
PACKAGE = b"the package as it was filed"
COSIGNED_AT = 1_790_000_000


def record(**changes: Any) -> Open:
    """What the entry at INDEX says."""
    return filed(digest=hashlib.sha256(PACKAGE).digest(), **changes)


def other(index: int) -> Open:
    """The entries around it."""
    return filed(number=f"10 2026 {index:06}.0", digest=hashlib.sha256(b"%d" % index).digest())


@dataclass
class Anchors:
    """The embedded network without its port: it attests what it is given, in one block."""

    folder: Path
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    randomness: Callable[[int], bytes] = lambda count: b"r" * count
    network: LocalNetwork = field(init=False)

    def __post_init__(self) -> None:
        self.network = LocalNetwork(self.folder / "network.db", self.clock, self.randomness)
        self.network.uri = "http://127.0.0.1:1"

    def promised(self, digest: bytes) -> Timestamp:
        return Timestamp.deserialize(BytesDeserializationContext(self.network.submit(digest)), digest)

    def proof(self, data: bytes, *, is_mined: bool = True) -> bytes:
        """A `.ots` file over the SHA-256 of `data`, as the reference library writes it."""
        timestamp = self.promised(hashlib.sha256(data).digest())
        if is_mined:
            self.network.mine()
            (commitment,) = {message for message, _ in timestamp.all_attestations()}
            found = self.network.look_up(commitment)
            assert found
            at = timestamp
            while at.msg != commitment:
                (at,) = at.ops.values()
            at.attestations.clear()
            at.merge(Timestamp.deserialize(BytesDeserializationContext(found), commitment))
        context = BytesSerializationContext()
        DetachedTimestampFile(OpSHA256(), timestamp).serialize(context)
        return bytes(context.getbytes())

    def headers(self) -> tuple[bytes, bytes]:
        """headers.bin and headers.json with the whole chain but its genesis block."""
        rows = [block[:80] for block in self.network.blocks()]
        index = {"network": "local", "runs": [{"start": 1, "count": len(rows)}]}
        return b"".join(rows), json.dumps(index).encode()


Files = dict[str, bytes]


@dataclass
class Register:
    """A register whose checkpoint is signed, cosigned by two of three witnesses, and anchored."""

    anchors: Anchors
    keeper: Keeper = field(default_factory=lambda: LOG)
    entry: Open = field(default_factory=record)
    cosigners: Sequence[Keeper] = WITNESSES[:2]
    is_mined: bool = True
    store: Store = field(default_factory=Store)
    note: Note = field(init=False)
    anchored: Note = field(init=False)
    ots: bytes = field(init=False)

    def __post_init__(self) -> None:
        root = self.store.append(0, map(write_entry, self.entries())).root
        self.anchored = signed(SIZE, root, self.keeper)
        self.note = self.cosigned(*self.cosigners)
        self.ots = self.anchors.proof(write_note(self.anchored), is_mined=self.is_mined)

    def entries(self) -> Iterable[Entry]:
        here: Mapping[int, Entry] = {INDEX: self.entry, SEALED: Sealed(Opening(T, self.entry).commitment)}
        return (here.get(index, other(index)) for index in range(SIZE))

    def cosigned(self, *witnesses: Keeper) -> Note:
        note = self.anchored
        for one in witnesses:
            note = note.with_signature(cosign(note.text, COSIGNED_AT, one.key, one.sign))
        return note

    def proof(self, index: int = INDEX, note: Note | None = None) -> TlogProof:
        return TlogProof(index, TiledTree(SIZE, self.store.read).inclusion_proof(index), note or self.note)

    def claim(self, *, is_sealed: bool = False) -> Claim:
        return Claim(self.keeper.name, SEALED if is_sealed else INDEX, self.entry, T if is_sealed else None)

    def files(self, *, is_sealed: bool = False, package: bytes | None = None, **changes: bytes | None) -> Files:
        """The claim's files; a change is of the file of that name in registry/, with `_` for `.` and `-`."""
        claim = self.claim(is_sealed=is_sealed)
        headers, index = self.anchors.headers()
        made: dict[str, bytes | None] = {
            "claim.json": write_claim(claim),
            "entry.tlog-proof": write_tlog_proof(self.proof(claim.index)),
            "checkpoint": write_note(self.anchored),
            "checkpoint.ots": self.ots,
            "headers.bin": headers if self.is_mined else None,
            "headers.json": index if self.is_mined else None,
        }
        for name in made:
            key = name.replace(".", "_").replace("-", "_")
            made[name] = changes.pop(key) if key in changes else made[name]
        assert not changes
        files = {f"registry/{name}": data for name, data in made.items() if data is not None}
        files["VERIFY.txt"] = b"how to verify\n"
        return files if package is None else {"data/package.pdf": package, **files}


def packed(files: Files) -> bytes:
    """The files as a bag in a zip."""
    stream = io.BytesIO()
    with BagWriter(stream, "claim") as bag:
        for name, data in files.items():
            bag.add(name, [data])
        bag.finish({"Bagging-Date": "2026-11-21"})
    return stream.getvalue()


def rezipped(data: bytes, change: Callable[[str, bytes], bytes | None], more: Files | None = None) -> bytes:
    """The zip with other bytes in its files, or without some, while its bag manifests stay what they were."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w") as new:
        for entry in old.infolist():
            changed = change(entry.filename.partition("/")[2], old.read(entry))
            if changed is not None:
                new.writestr(entry.filename, changed)
        for name, added in (more or {}).items():
            new.writestr(f"claim/{name}", added)
    return stream.getvalue()


def registries(
    keeper: Keeper = LOG,
    offices: Sequence[str] = ("DE",),
    witnesses: Sequence[VerifierKey] = tuple(one.key for one in WITNESSES),
    quorum: int = 2,
) -> str:
    """A registries.toml that trusts this keeper."""
    rows = {
        "origin": keeper.name,
        "url": "https://register.example",
        "vkey": str(keeper.key),
        "offices": list(offices),
        "witnesses": list(map(str, witnesses)),
        "quorum": quorum,
    }
    # A JSON string, number or list of strings is TOML too.
    return "\n".join(["[[registry]]", *(f"{key} = {json.dumps(value)}" for key, value in rows.items()), ""])


def examined(folder: Path, *arguments: str | Path) -> Result:
    """`notary` with these arguments within this process, which is quicker than the program; as it would end."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, Notary(folder).environment, clear=True),
        chdir(folder),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = run([*map(str, arguments)])
    assert "a fault in notary" not in err.getvalue(), err.getvalue()
    assert not FORBIDDEN.search(out.getvalue() + err.getvalue())
    return Result(code, out.getvalue(), err.getvalue())


def status(answer: Result, number: int) -> str:
    return str(next(one["status"] for one in answer.json["checks"] if one["number"] == number))


def found(answer: Result, number: int) -> str:
    return str(next(one["found"] for one in answer.json["checks"] if one["number"] == number))


def failures(answer: Result) -> set[int]:
    """The numbers of the checks that failed."""
    return {one["number"] for one in answer.json["checks"] if one["status"] == "failed"}
