"""Writes a bundle: one BagIt bag in a zip file, the same bytes each time."""

import hashlib
import stat
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import nullcontext, suppress
from typing import IO, Self

from notary.core.bag import DECLARATION, PAYLOAD, PAYLOAD_MANIFEST, TAG_MANIFEST, write_manifest

_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


class BagWriter:
    """Writes one bag into a zip, entry by entry, uncompressed: bytes that no zlib release can change.

    Evidence is mostly compressed already; its digests are the point, not its size. Use it in a `with` block, which
    closes the zip.
    """

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._zip = zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED)
        self._name = name
        self._digests: dict[str, str] = {}
        self._payload_bytes = 0
        self._zip.writestr(self._info(PAYLOAD, stat.S_IFDIR | 0o755), b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # After an error the file is thrown away; closing it must not hide why.
        with suppress(OSError, ValueError) if kind else nullcontext():
            self._zip.close()

    def _info(self, name: str, mode: int, size: int = 0) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(f"{self._name}/{name}", _EPOCH)
        info.create_system = _UNIX
        info.external_attr = mode << 16
        info.file_size = size
        return info

    def add(self, name: str, pieces: Iterable[bytes], size: int = 0) -> bytes:
        """Writes one file; its SHA-256. `size` must be about right for one of over 2 GiB."""
        hasher = hashlib.sha256()
        with self._zip.open(self._info(name, stat.S_IFREG | 0o644, size), "w") as entry:
            for piece in pieces:
                hasher.update(piece)
                entry.write(piece)
                self._payload_bytes += len(piece) if name.startswith(PAYLOAD) else 0
        self._digests[name] = hasher.hexdigest()
        return hasher.digest()

    def finish(self, information: Mapping[str, str]) -> None:
        """Writes the bag's own files: declaration, information, manifests."""
        self.add("bagit.txt", [DECLARATION])
        payload = {name: digest for name, digest in self._digests.items() if name.startswith(PAYLOAD)}
        oxum = {"Payload-Oxum": f"{self._payload_bytes}.{len(payload)}"}
        self.add(
            "bag-info.txt", ["".join(f"{key}: {value}\n" for key, value in ({**information, **oxum}).items()).encode()]
        )
        self.add(PAYLOAD_MANIFEST, [write_manifest(payload)])
        tags = {name: digest for name, digest in self._digests.items() if not name.startswith(PAYLOAD)}
        self.add(TAG_MANIFEST, [write_manifest(tags)])
