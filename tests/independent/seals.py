"""Signatures and tokens for forged bundles: a key of the forge's own, and authorities by clocks that stand."""

import base64
import functools
import hashlib
import struct
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from notary.core.rfc3161 import request_for
from notary.localnet.authority import Authority
from tests.independent.steps import sha256
from tests.independent.who import NAMESPACE, did_of


def string(data: bytes) -> bytes:
    """As SSH writes it."""
    return struct.pack(">L", len(data)) + data


class Key:
    """An Ed25519 key that is made from a name."""

    def __init__(self, name: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(sha256(name))
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.blob = string(b"ssh-ed25519") + string(raw)

    @property
    def signer(self) -> dict[str, Any]:
        """The manifest's member."""
        return {"key": f"ssh-ed25519 {base64.b64encode(self.blob).decode()}", "did": did_of(self.blob)}

    def sign(self, message: bytes, namespace: str = NAMESPACE, hash_name: str = "sha512", **more: Any) -> bytes:
        """PROTOCOL.sshsig, by its letter; `more` changes some of its fields."""
        fields = [namespace.encode(), b"", hash_name.encode()]
        digest = hashlib.new(hash_name, message).digest()
        raw = self._key.sign(b"SSHSIG" + b"".join(map(string, [*fields, digest])))
        blob = string(b"ssh-ed25519") + string(raw)
        key = more.get("key", self.blob)
        version = struct.pack(">L", more.get("version", 1))
        fields[1] = more.get("reserved", b"")
        whole = b"SSHSIG" + version + b"".join(map(string, [key, *fields, blob])) + more.get("behind", b"")
        text = base64.b64encode(whole).decode()
        lines = [text[at : at + 70] for at in range(0, len(text), 70)]
        return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""]).encode()


MINE, YOURS = Key(b"the forge's key"), Key(b"somebody else's key")


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Where the authorities keep their keys, until this process ends."""
    return tempfile.TemporaryDirectory(prefix="forge-")


@functools.cache
def _authority(clock: int) -> Authority:
    randomness = Random(1).randbytes  # noqa: S311 - repeatable, not secret
    path = Path(_folder().name) / f"{clock}.pem"
    return Authority(path, lambda: datetime.fromtimestamp(clock, UTC), randomness)


def token_at(clock: int) -> Callable[[bytes], bytes]:
    """An authority's answer about a head, by its clock, in seconds since 1970."""
    return lambda head: _authority(clock).answer(request_for(head, 7))
