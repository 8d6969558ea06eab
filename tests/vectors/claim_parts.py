"""The parts of a claim, made from FORMAT.md section 7 and C2SP's pages with none of the registry's own code: keys, a
log, notes, proofs, the bag. All is computed from public labels, so the same bytes come out each time; no key is secret.
Only the blocks are the embedded network's, and the `.ots` files the reference library's.
"""

import base64
import hashlib
import io
import itertools
import json
import struct
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.registry.claims import Anchors

Files = dict[str, bytes]
Json = dict[str, Any]

LABEL = "notary conformance vectors: "
NOTES, COSIGNATURES = 1, 4
COSIGNED_AT = 1_777_800_000
HEADERS = 2
"""Of those that there are, so that the files stay small."""
ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of Ed25519's group (RFC 8032 section 5.1): a signature's second half is below it."""


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def of_label(label: str) -> bytes:
    return sha256(LABEL.encode(), label.encode())


def canonical(value: Json) -> bytes:
    """RFC 8785, for keys in ASCII, texts, and objects of these."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


# -- keys and notes -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Key:
    """A log's or a witness's key. Its label makes the private key; its name is what notes call it."""

    name: str
    type: int = NOTES
    label: str = ""

    @property
    def seed(self) -> bytes:
        return of_label(f"the key of {self.label or self.name}")

    @property
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @property
    def material(self) -> bytes:
        return bytes([self.type]) + self.private.public_key().public_bytes_raw()

    @property
    def id(self) -> bytes:
        return sha256(self.name.encode(), b"\n", self.material)[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(self.material).decode()}"

    def signature(self, text: str) -> bytes:
        """What stands behind the key ID on this key's line under `text`."""
        if self.type == NOTES:
            return self.private.sign(text.encode())
        signed = self.private.sign(f"cosignature/v1\ntime {COSIGNED_AT}\n{text}".encode())
        return struct.pack(">Q", COSIGNED_AT) + signed

    def line(self, text: str, signature: bytes | None = None) -> str:
        """A signature line, with other bytes than this key's where they are given."""
        data = self.id + (self.signature(text) if signature is None else signature)
        return f"\u2014 {self.name} {base64.b64encode(data).decode()}\n"


def unreduced(signature: bytes) -> bytes:
    """The same Ed25519 signature with the group's order added to its second half, which RFC 8032 refuses."""
    return signature[:32] + (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")


def note(text: str, *lines: str) -> bytes:
    return "".join([text, "\n", *lines]).encode()


def signed(text: str, *keys: Key) -> bytes:
    return note(text, *(key.line(text) for key in keys))


# -- the log --------------------------------------------------------------------------------------------------------


def leaf_of(entry: bytes) -> bytes:
    return sha256(b"\0", entry)


def commitment(t: bytes, record: Json) -> bytes:
    """The bytes of the sealed entry that holds `record`."""
    return canonical({"commitment": sha256(b"\5", t, canonical(record)).hex(), "format": "notary-registry/v1"})


def split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def root_of(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962, 2.1, of one leaf or more."""
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return sha256(b"\1", root_of(leaves[:k]), root_of(leaves[k:]))


def path_of(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """RFC 6962, 2.1.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*path_of(index, leaves[:k]), root_of(leaves[k:])]
    return [*path_of(index - k, leaves[k:]), root_of(leaves[:k])]


def checkpoint(origin: str, size: int, root: bytes, *extensions: str) -> str:
    return "".join(f"{line}\n" for line in (origin, size, base64.b64encode(root).decode(), *extensions))


def tlog_proof(index: int | str, hashes: Sequence[bytes | str], noted: bytes, extra: str = "") -> bytes:
    lines = [one if isinstance(one, str) else base64.b64encode(one).decode() for one in hashes]
    head = ["c2sp.org/tlog-proof@v1", *([f"extra {extra}"] if extra else []), f"index {index}", *lines]
    return "".join(f"{line}\n" for line in head).encode() + b"\n" + noted


# -- the anchor -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Anchor:
    """A proof over a checkpoint's file, the height that it leads to, and the headers of that block and the next."""

    ots: bytes
    height: int
    headers: bytes


class Chain:
    """The embedded network, whose clock stands still, and whose random bytes are counted out."""

    def __init__(self, folder: Path, clock: datetime) -> None:
        counter = itertools.count()

        def randomness(count: int) -> bytes:
            return of_label(f"random bytes {next(counter)}")[:count]

        self._anchors = Anchors(folder, lambda: clock, randomness)

    def anchor(self, noted: bytes) -> Anchor:
        height = len(self._anchors.network.blocks()) + 1
        ots = self._anchors.proof(noted)
        rows = self._anchors.network.blocks()[height - 1 :][:HEADERS]
        return Anchor(ots, height, b"".join(row[:80] for row in rows))

    def promise(self, noted: bytes) -> Anchor:
        """A proof that no block attests yet."""
        return Anchor(self._anchors.proof(noted, is_mined=False), 0, b"")


def headers_json(height: int, headers: bytes, network: str = "local") -> bytes:
    return json.dumps({"network": network, "runs": [{"start": height, "count": len(headers) // 80}]}).encode()


def without_work(header: bytes) -> bytes:
    """The header with the first nonce by which its hash does not meet the target that regtest has."""
    for nonce in itertools.count():
        changed = header[:76] + struct.pack("<L", nonce)
        if sha256(sha256(changed))[31] > 0x7F:
            return changed
    raise AssertionError


# -- the bag --------------------------------------------------------------------------------------------------------


def bag(files: Mapping[str, bytes]) -> Files:
    """The files with those of a bag that have to be there."""
    told = {**files, "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"}
    payload = {name: data for name, data in told.items() if name.startswith("data/")}
    told["manifest-sha256.txt"] = _listed(payload)
    told["tagmanifest-sha256.txt"] = _listed({name: data for name, data in told.items() if name not in payload})
    return told


def _listed(files: Mapping[str, bytes]) -> bytes:
    return "".join(f"{sha256(data).hex()}  {name}\n" for name, data in files.items()).encode()


def packed(files: Mapping[str, bytes], twice: str | None = None) -> bytes:
    """The files in a zip, stored, dated 1980-01-01; `twice` names one that stands there a second time."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of the second entry of one name, which is wanted
        for name in ["data/", *files, *([twice] if twice else [])]:
            info = zipfile.ZipInfo(f"c/{name}")
            info.create_system, info.external_attr = 3, 0o40755 << 16 if name.endswith("/") else 0o100644 << 16
            archive.writestr(info, files.get(name, b""))
    return stream.getvalue()
